"""Tests of an account's SMTP server: each step of a hand-over, the server's answer, and what to do about it.

    connect → greet → tls → greet → sign in → return path → (recipient → mail)

The connection is made as for a campaign, behind the same fence. Nothing of the password is in a result.
"""

import asyncio
import contextlib
import hashlib
import secrets
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Annotated

from pydantic import StringConstraints

from mailer.accounts import audit, identity
from mailer.core import clock
from mailer.core.db import AccountTx
from mailer.core.errors import NotFound, fault
from mailer.core.fence import OutOfBounds
from mailer.core.rate import Limit
from mailer.core.services import Services
from mailer.core.text import N_
from mailer.web import i18n
from mailer.web.request import Input
from sending import message, replies, return_paths, servers, smtp, system_mail
from sending.message import CampaignHeaders, MailClass, MessageHeaders
from sending.smtp import Client, Mail
from sending.smtp_url import Server
from sending.system_mail import OutboxMail

# of an account; else the tests would be a way to look for machines
LIMIT = Limit("smtp_tests", 20, 600)
STEP_SECONDS = 10.0
WHOLE_SECONDS = 40.0


class TestOrder(Input):
    """`recipient`: somebody of the team who gets a test mail through the server; without it none is sent."""

    __test__ = False  # for pytest: no test class
    recipient: Annotated[str, StringConstraints(max_length=320)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`name` is connect, greet, tls, sign_in, sender, recipient or mail; `reply` the server's words, or why
    there are none; `words` a msgid with `params`, what it means and what to do."""

    name: str
    ok: bool
    words: str
    params: dict[str, str] = field(default_factory=dict)
    code: int = 0
    reply: str = ""


@dataclass(frozen=True, slots=True)
class Test:
    """What a test needs, read in one transaction. `mail` None: the connection alone is tested."""

    __test__ = False
    server: Server
    hostname: str
    sender: str
    mail: Mail | None = None


class _Failed(Exception):
    """The step that ends the test."""

    def __init__(self, step: Step) -> None:
        super().__init__(step.words)
        self.step = step


async def prepare(tx: AccountTx, services: Services, server_id: int, order: TestOrder) -> Test:
    """Raises NotFound, and Invalid at `recipient` for anybody who is not of the team."""
    server = await servers.one(tx, services, server_id)
    domain = services.settings.mail_domain
    sender = return_paths.plain(domain)
    if order.recipient is None:
        return Test(server, domain, sender)
    if order.recipient not in await identity.team(tx):
        text = N_("Tests go to confirmed people of your team. {address} is not one of them.")
        raise fault("recipient", text, code="not_team", address=order.recipient)
    return Test(server, domain, sender, await _mail(tx, services, server, order.recipient))


async def run(test: Test) -> list[Step]:
    """The steps up to the first that fails. No transaction is open: it takes as long as the server does."""
    steps: list[Step] = []
    try:
        async with asyncio.timeout(WHOLE_SECONDS):
            await _run(test, steps)
    except _Failed as failed:
        steps.append(failed.step)
    except TimeoutError:
        text = N_("It takes too long to answer. Mail would leave slowly, or not at all.")
        steps.append(Step(name="connect", ok=False, words=text))
    return steps


async def record(tx: AccountTx, server_id: int, steps: list[Step]) -> None:
    """Raises NotFound when the server was deleted meanwhile."""
    failed = next((step for step in steps if not step.ok), None)
    touched = await tx.run(
        """
        UPDATE smtp_servers
        SET tested_at = now(), steps = $3, last_error = $4, failed_at = CASE WHEN $4 <> '' THEN now() END
        WHERE account_id = $1 AND id = $2
        """,
        server_id,
        [asdict(step) for step in steps],
        "" if failed is None else (f"{failed.code or ''} {failed.reply}".strip() or failed.name)[:500],
    )
    if not touched:
        raise NotFound
    await audit.write(tx, "tried", "smtp_server", server_id)


async def last(tx: AccountTx, server_id: int) -> list[Step]:
    """The steps of the last test; none before the first, and after a change."""
    found = await tx.value("SELECT steps FROM smtp_servers WHERE account_id = $1 AND id = $2", server_id)
    return [Step(**step) for step in found or []]


async def _run(test: Test, steps: list[Step]) -> None:
    server = test.server
    place = {"host": server.host, "port": str(server.port)}
    # the same connection in single steps
    plain = replace(server, username="", tls="implicit" if server.tls == "implicit" else "none")
    async with _client(plain, test.hostname, place) as client:
        steps.append(Step(name="connect", ok=True, words=N_("Reached {host} on port {port}."), params=place))
        await _greet(client)
        if server.tls != "implicit" and (server.tls == "starttls" or client.supports_extension("starttls")):
            with _step("tls", _no_tls(client)):
                await client.starttls(validate_certs=server.tls == "starttls")
            await _greet(client)
        steps.append(Step(name="greet", ok=True, words=N_("It speaks SMTP.")))
        steps.append(_tls(client))
        if server.username:
            with _step("sign_in", _no_sign_in(client)):
                await client.login(server.username, server.password)
            steps.append(
                Step(name="sign_in", ok=True, words=N_("It accepts the user name and the password."))
            )
        await _envelope(client, test, steps)


@asynccontextmanager
async def _client(plain: Server, hostname: str, place: dict[str, str]) -> AsyncIterator[Client]:
    client = None
    try:
        try:
            client = await smtp.new_client(plain, hostname, STEP_SECONDS)
            await client.connect()
        except OutOfBounds:
            words = N_("{host} belongs to a private network: nothing is connected there.")
            raise _Failed(Step(name="connect", ok=False, words=words, params=place)) from None
        except smtp.FAILURES as error:
            if isinstance(error.__cause__, ssl.SSLError):
                raise _Failed(_failed("tls", error, _WRONG_TLS, {})) from None
            words = N_("It was not reached. Check name and port: a firewall may stand between, too.")
            if smtp.refusal(error)[0]:
                words = N_("It was reached, and lets us not in: ask whoever runs it.")
            raise _Failed(_failed("connect", error, words, place)) from None
        yield client
        with contextlib.suppress(*smtp.FAILURES):
            await client.quit()
    finally:
        if client is not None:
            client.close()


async def _greet(client: Client) -> None:
    with _step("greet", N_("It does not speak SMTP as expected. Check name and port.")):
        await client.ehlo()


_WRONG_TLS = N_(
    "No encrypted connection came about. The name has to be the one in the server's certificate, and the "
    "port the one for this kind of encryption: 465 for TLS from the start, 587 for STARTTLS."
)


def _no_tls(client: Client) -> str:
    if not client.supports_extension("starttls"):
        return N_(
            "It offers no STARTTLS here, and nothing leaves unencrypted. Try port 465, TLS from the start."
        )
    return _WRONG_TLS


def _no_sign_in(client: Client) -> str:
    if not client.supports_extension("auth"):
        return N_("It offers no sign-in on this port. Ask your provider which port takes a password.")
    return N_(
        "It refuses the user name or the password. Some providers ask for a password made for programs."
    )


def _tls(client: Client) -> Step:
    used = client.get_transport_info("ssl_object")
    if used is None:
        return Step(name="tls", ok=True, words=N_("Not encrypted: the server offers no STARTTLS."))
    return Step(
        name="tls", ok=True, words=N_("Encrypted ({version})."), params={"version": str(used.version())}
    )


async def _envelope(client: Client, test: Test, steps: list[Step]) -> None:
    address = {"address": test.sender}
    refused = N_("It refuses {address} as the return path: have your provider allow this address.")
    with _step("sender", refused, address):
        answer = await client.mail(test.sender)
    accepted = N_("It accepts {address} as the return path.")
    steps.append(_passed("sender", accepted, address, answer.code, answer.message))
    if test.mail is None:
        with contextlib.suppress(*smtp.FAILURES):
            await client.rset()
        return
    with _step("recipient", N_("It sends nothing to this address.")):
        answer = await client.rcpt(test.mail.recipient)
    steps.append(_passed("recipient", N_("It accepts your address."), {}, answer.code, answer.message))
    with _step("mail", N_("It refused the test mail.")):
        answer = await client.data(test.mail.message)
    took = N_("It took the test mail. Look at your mailbox, and at its folder for unwanted mail.")
    steps.append(_passed("mail", took, {}, answer.code, answer.message))


def _passed(name: str, words: str, params: dict[str, str], code: int, text: str) -> Step:
    return Step(name=name, ok=True, words=words, params=params, code=code, reply=replies.shown(text))


def _failed(name: str, error: BaseException, words: str, params: dict[str, str]) -> Step:
    code, text = smtp.refusal(error)
    return Step(name=name, ok=False, words=words, params=params, code=code, reply=replies.shown(text))


@contextlib.contextmanager
def _step(name: str, words: str, params: dict[str, str] | None = None) -> Iterator[None]:
    """What the server refuses in here ends the test as this step."""
    try:
        yield
    except smtp.FAILURES as error:
        raise _Failed(_failed(name, error, words, params or {})) from None


async def _mail(tx: AccountTx, services: Services, server: Server, recipient: str) -> Mail:
    """From a confirmed sender of the account, since many servers take no other; else from our own address."""
    domain = services.settings.mail_domain
    found = await tx.value(
        "SELECT email FROM senders WHERE account_id = $1 AND status = 'confirmed' ORDER BY id LIMIT 1"
    )
    now = clock.now()
    details = {"host": server.host, "port": server.port}
    rendered = system_mail.render(
        OutboxMail(
            id=0,
            account_id=tx.account_id,
            kind="smtp_test",
            recipient=recipient,
            language=i18n.language(),
            details=details,
            created_at=now,
        )
    )
    headers = MessageHeaders(
        campaign=CampaignHeaders(
            mail_class=MailClass.SYSTEM,
            from_name="Mailer",
            from_email=found or f"no-reply@{domain}",
            reply_to="",
            message_id_domain=domain,
        ),
        to_email=recipient,
        message_id=hashlib.sha256(secrets.token_bytes(16)).hexdigest()[:32],
        sent_at=now,
    )
    built = message.build(headers, rendered)
    return Mail(return_paths.plain(domain), message.envelope_address(recipient), built)
