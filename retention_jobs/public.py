"""The keys by which anybody checks a proof of erasure, for people and for programs."""

import base64

from aiohttp import web

from mailer.core import proof_keys
from mailer.core.proof_keys import PublicKey
from mailer.web.request import services
from mailer.web.response import json, page


async def _keys(request: web.Request) -> list[PublicKey]:
    async with services(request).db.shared() as tx:
        return await proof_keys.public_keys(tx)


def _words(key: PublicKey) -> str:
    return base64.b64encode(key.public_key).decode()


async def keys_page(request: web.Request) -> web.Response:
    found = [(key.id, _words(key), key.made_at) for key in await _keys(request)]
    return page(request, "retention_jobs/proof_keys.html", {"keys": found})


async def keys_json(request: web.Request) -> web.Response:
    """`public_key`: the 32 octets of RFC 8032, in base64."""
    return json(
        {
            "algorithm": "Ed25519",
            "keys": [
                {"id": key.id, "public_key": _words(key), "made_at": key.made_at}
                for key in await _keys(request)
            ],
        }
    )


ROUTES: list[web.RouteDef] = [
    web.get("/legal/proof-keys", keys_page),
    web.get("/legal/proof-keys.json", keys_json),
]
