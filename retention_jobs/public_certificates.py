"""/legal/certificates/{token}: what was erased of an account, for whoever has the address; and its file."""

from aiohttp import web

from mailer.accounts import certificates
from mailer.accounts.certificates import Certificate
from mailer.core import proof_keys
from mailer.web.request import services
from mailer.web.response import page
from retention_jobs import account_certificate, certificate_words


async def _found(request: web.Request) -> Certificate:
    """Raises NotFound."""
    async with services(request).db.shared() as tx:
        return await certificates.by_link(tx, request.match_info["token"])


async def show(request: web.Request) -> web.Response:
    one = await _found(request)
    async with services(request).db.shared() as tx:
        keys = await proof_keys.public_keys(tx)
    read = account_certificate.read(account_certificate.document(one))
    context = {
        "told": read.told,
        "moments": certificate_words.moments(read.told),
        "zone": certificate_words.ZONE,
        "classes": certificate_words.classes(read.told),
        "kept": certificate_words.kept(read.told),
        "key_id": one.key_id,
        "good": proof_keys.verified(keys, one.record.encode(), read.signature),
        "file": f"{request.path}/file",
    }
    answer = page(request, "retention_jobs/certificate.html", context)
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    return answer


async def file(request: web.Request) -> web.Response:
    one = await _found(request)
    return web.Response(
        body=account_certificate.document(one),
        content_type="application/json",
        headers={
            "Content-Disposition": f'attachment; filename="certificate-{one.account_id}.json"',
            "Cache-Control": "no-store",
        },
    )


ROUTES: list[web.RouteDef] = [
    web.get("/legal/certificates/{token}", show),
    web.get("/legal/certificates/{token}/file", file),
]
