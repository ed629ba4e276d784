"""`mailer doctor --account 7`: tests an account's SMTP servers as their page does. It changes nothing."""

from mailer.core.errors import Invalid, NotFound
from mailer.core.services import Services, open_services
from mailer.core.settings import Settings
from mailer.finding import Finding, Mark, ok, report, wrong
from mailer.web import i18n
from sending import server_tests, servers
from sending.server_tests import TestOrder
from sending.servers import SmtpServer


async def run(settings: Settings, account_id: int) -> int:
    """Prints the findings; 1 when one of them is wrong."""
    async with open_services(settings) as services:
        findings = await examine(services, account_id)
    print(report(findings))
    return 1 if any(finding.mark is Mark.WRONG for finding in findings) else 0


async def examine(services: Services, account_id: int) -> list[Finding]:
    async with services.db.account(account_id) as tx:
        found = await servers.many(tx)
    if not found:
        return [ok("SMTP", f"account {account_id} has no server of its own: its mail leaves through yours")]
    return [await _one(services, account_id, server) for server in found]


async def _one(services: Services, account_id: int, server: SmtpServer) -> Finding:
    subject = f"SMTP {server.position}"
    name = f"{server.host}:{server.port}"
    try:
        async with services.db.account(account_id) as tx:
            prepared = await server_tests.prepare(tx, services, server.id, TestOrder())
    except (Invalid, NotFound):
        text = f"the password of {name} cannot be opened"
        return wrong(subject, text, "Keep the former secret key in MAILER_OLD_SECRET_KEYS.")
    last = (await server_tests.run(prepared))[-1]
    if last.ok:
        return ok(subject, f"{name} takes our mail")
    said = f"{last.code} {last.reply}" if last.code else last.reply
    return wrong(subject, f"{name}, {last.name}: {said}", i18n.fill(last.words, dict(last.params)))
