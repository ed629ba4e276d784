"""The webhook of the provider behind an account's SMTP server: Amazon SES, SendGrid or Postmark.

    the server's page ─▶ an address with a token, to paste ─▶ the provider calls it ─▶ public_hooks

The token says whose address it is; what arrives is believed only when it is signed (Amazon's certificate for
one topic, SendGrid's key) or comes with the password (Postmark).
"""

import base64
import binascii
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pydantic import StringConstraints

from mailer.accounts import audit
from mailer.core.db import AccountTx
from mailer.core.errors import NotFound, conflict, fault
from mailer.core.sealing import Sealer, Unsealable
from mailer.core.services import Services
from mailer.core.text import N_
from mailer.core.tokens import Purpose
from mailer.web.request import Input
from sending import servers

Provider = Literal["ses", "sendgrid", "postmark"]
NAMES = {"ses": "Amazon SES", "sendgrid": "SendGrid", "postmark": "Postmark"}
# what went wrong last, each with its words
ERRORS = {
    "signature": N_("A call came whose signature does not hold: it was refused."),
    "password": N_("A call came with a wrong password: it was refused."),
    "topic": N_("A message of another topic came: it was refused."),
    "raw": N_("Amazon sends raw messages without a signature. Switch “raw message delivery” off."),
    "late": N_("A call came that was signed too long ago: it was refused."),
    "unreadable": N_("A call came that nobody can read: it was refused."),
    "certificate": N_("Amazon's certificate could not be fetched; Amazon will try again."),
    "confirmation": N_("Amazon did not accept our confirmation; it will ask again."),
    "unsubscribed": N_("The subscription was ended at Amazon. Subscribe this address again."),
}
# a certificate's, a name's: arn:aws:sns:eu-west-3:123456789012:mailer
_TOPIC = re.compile(
    r"arn:aws(?:-cn|-us-gov|-eusc)?:sns:[a-z0-9-]{5,30}:\d{12}:[A-Za-z0-9_-]{1,256}(?:\.fifo)?"
)
USER = "postmark"
_QUIET = timedelta(minutes=1)


class NewHook(Input):
    """`topic`: of Amazon SNS. `public_key`: SendGrid's “verification key”. Postmark needs neither."""

    provider: Provider
    topic: Annotated[str, StringConstraints(max_length=400)] = ""
    public_key: Annotated[str, StringConstraints(max_length=2000)] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackHook:
    """`confirmed_at`: since when Amazon's subscription stands. `last_error`: a word of ERRORS, or ""."""

    id: int
    server_id: int
    provider: str
    topic: str
    confirmed_at: datetime | None
    last_event_at: datetime | None
    last_error: str
    failed_at: datetime | None
    created_at: datetime

    @property
    def state(self) -> str:
        """waiting: nothing came yet. confirmed: Amazon's subscription stands. working, failing. ended: the
        subscription is over."""
        if self.last_error == "unsubscribed":
            return "ended"
        if self.failed_at and (self.last_event_at is None or self.failed_at > self.last_event_at):
            return "failing"
        if self.last_event_at:
            return "working"
        return "confirmed" if self.confirmed_at else "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What a call is checked against. `secret`: SendGrid's key as DER, Postmark's password."""

    id: int
    provider: str
    topic: str
    secret: bytes


@dataclass(frozen=True, slots=True)
class Made:
    """`password`: Postmark's, shown this once; else ""."""

    hook: FeedbackHook
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sealed:
    id: int
    server_id: int
    provider: str
    topic: str
    sealed_secret: bytes | None


async def create(tx: AccountTx, sealer: Sealer, server_id: int, new: NewHook) -> Made:
    """Raises NotFound for the server, Invalid, and Conflict when the server has one."""
    await servers.show(tx, server_id)
    topic, secret, password = _proof(new)
    with conflict(
        "feedback_hooks_server", "provider", N_("This server has a webhook already: delete it first.")
    ):
        hook = await tx.one(
            FeedbackHook,
            """
            INSERT INTO feedback_hooks (account_id, server_id, provider, topic, sealed_secret)
            VALUES ($1, $2, $3, $4, $5)
            RETURNING id, server_id, provider, topic, confirmed_at, last_event_at, last_error, failed_at,
                      created_at
            """,
            server_id,
            new.provider,
            topic,
            sealer.seal(secret, _purpose(tx.account_id, server_id, new.provider)) if secret else None,
        )
    await audit.write(tx, "created", "feedback_hook", hook.id)
    return Made(hook, password)


def _proof(new: NewHook) -> tuple[str, bytes, str]:
    """Topic, secret, and the password to show. Raises Invalid."""
    match new.provider:
        case "ses":
            if not _TOPIC.fullmatch(new.topic):
                message = N_("Write the topic's ARN, like arn:aws:sns:eu-west-3:123456789012:mailer.")
                raise fault("topic", message, code="topic")
            return new.topic, b"", ""
        case "sendgrid":
            return "", _public_key(new.public_key), ""
        case "postmark":
            password = secrets.token_urlsafe(24)
            return "", password.encode(), password


def _public_key(text: str) -> bytes:
    """As DER, of Base64 with or without the lines of PEM. Raises Invalid."""
    plain = re.sub(r"-----[A-Z ]+-----|\s", "", text)
    try:
        der = base64.b64decode(plain, validate=True)
        key = load_der_public_key(der)
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        message = N_("This is no verification key. SendGrid shows it once signed events are switched on.")
        raise fault("public_key", message, code="public_key")
    return der


async def renew(tx: AccountTx, sealer: Sealer, server_id: int) -> Made:
    """A new password for Postmark; the old one is refused from now on. Raises NotFound for others."""
    password = secrets.token_urlsafe(24)
    sealed = sealer.seal(password.encode(), _purpose(tx.account_id, server_id, "postmark"))
    changed = await tx.run(
        """
        UPDATE feedback_hooks SET sealed_secret = $3, last_error = '', failed_at = NULL
        WHERE account_id = $1 AND server_id = $2 AND provider = 'postmark'
        """,
        server_id,
        sealed,
    )
    if not changed:
        raise NotFound
    hook = await show(tx, server_id)
    await audit.write(tx, "changed", "feedback_hook", hook.id)
    return Made(hook, password)


async def find(tx: AccountTx, server_id: int) -> FeedbackHook | None:
    """Of a server, if it has one."""
    return await tx.first(
        FeedbackHook,
        """
        SELECT id, server_id, provider, topic, confirmed_at, last_event_at, last_error, failed_at, created_at
        FROM feedback_hooks
        WHERE account_id = $1 AND server_id = $2
        """,
        server_id,
    )


async def show(tx: AccountTx, server_id: int) -> FeedbackHook:
    """Raises NotFound."""
    found = await find(tx, server_id)
    if found is None:
        raise NotFound
    return found


async def delete(tx: AccountTx, server_id: int) -> None:
    """With its secret; its address is nothing from now on. Raises NotFound."""
    hook = await show(tx, server_id)
    await tx.run("DELETE FROM feedback_hooks WHERE account_id = $1 AND id = $2", hook.id)
    await audit.write(tx, "deleted", "feedback_hook", hook.id)


def address(services: Services, account_id: int, server_id: int) -> str:
    """What the provider calls; known before there is a webhook, since some show their key only behind it."""
    token = services.tokens.noted(Purpose.HOOK, account_id, server_id, "")
    return f"{services.settings.public_url}/hooks/{token}"


def with_password(url: str, password: str) -> str:
    """Postmark takes its password in the address, for HTTP Basic."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{USER}:{password}@{rest}"


def read_token(services: Services, token: str) -> tuple[int, int]:
    """Account and server. Raises NotFound."""
    account_id, server_id, _ = services.tokens.read_noted(Purpose.HOOK, token)
    return account_id, server_id


async def opened(tx: AccountTx, sealer: Sealer, server_id: int) -> Opened:
    """Raises NotFound, also for a secret that nobody can read any more."""
    row = await tx.one(
        _Sealed,
        """
        SELECT id, server_id, provider, topic, sealed_secret
        FROM feedback_hooks
        WHERE account_id = $1 AND server_id = $2
        """,
        server_id,
    )
    secret = b""
    if row.sealed_secret is not None:
        try:
            secret = sealer.open(row.sealed_secret, _purpose(tx.account_id, row.server_id, row.provider))
        except Unsealable:
            raise NotFound from None
    return Opened(id=row.id, provider=row.provider, topic=row.topic, secret=secret)


async def note_event(tx: AccountTx, hook_id: int) -> None:
    """That one came, at most once a minute: a row that thousands of calls write would be a bottleneck. What
    is still on its way when a subscription ends takes nothing back."""
    await tx.run(
        """
        UPDATE feedback_hooks
        SET last_event_at = now(),
            last_error = CASE WHEN last_error = 'unsubscribed' THEN last_error ELSE '' END,
            failed_at = CASE WHEN last_error = 'unsubscribed' THEN failed_at END
        WHERE account_id = $1 AND id = $2
          AND (last_event_at IS NULL OR last_event_at < now() - $3::interval
               OR last_error NOT IN ('', 'unsubscribed'))
        """,
        hook_id,
        _QUIET,
    )


async def note_error(tx: AccountTx, hook_id: int, error: str) -> None:
    """What was refused, a word of ERRORS; at most once a minute. That the subscription is over stays said."""
    await tx.run(
        """
        UPDATE feedback_hooks SET last_error = $3, failed_at = now()
        WHERE account_id = $1 AND id = $2 AND last_error <> 'unsubscribed'
          AND (failed_at IS NULL OR failed_at < now() - $4::interval OR last_error <> $3)
        """,
        hook_id,
        error,
        _QUIET,
    )


async def note_confirmed(tx: AccountTx, hook_id: int) -> None:
    """Amazon's subscription stands."""
    await tx.run(
        """
        UPDATE feedback_hooks SET confirmed_at = now(), last_error = '', failed_at = NULL
        WHERE account_id = $1 AND id = $2
        """,
        hook_id,
    )


# ---------------------------------------------------------------- marks: which mail an event speaks of


async def providers(tx: AccountTx) -> tuple[str, ...]:
    """Of the account's servers that have a webhook."""
    rows = await tx.rows("SELECT DISTINCT provider FROM feedback_hooks WHERE account_id = $1 ORDER BY 1")
    return tuple(provider for (provider,) in rows)


def marks(among: Sequence[str], mark: str) -> tuple[str, ...]:
    """Header lines that these providers give back in their events. A campaign's stand in what all its mails
    share, and cost nothing a mail."""
    return tuple(_LINES[provider].format(mark=mark) for provider in among)


_LINES = {
    "ses": "X-Mailer-Ref: {mark}",
    "sendgrid": 'X-SMTPAPI: {{"unique_args":{{"mailer":"{mark}"}}}}',
    "postmark": "X-PM-Metadata-mailer: {mark}",
}
# as in Feedback-ID, whose further words are let be
_MARK = re.compile(r"([cm])([1-9]\d{0,17}):a([1-9]\d{0,17})(?::.*)?")


def campaign_mark(account_id: int, campaign_id: int) -> str:
    return f"c{campaign_id}:a{account_id}"


def message_mark(account_id: int, message_id: int) -> str:
    """Of a transactional message."""
    return f"m{message_id}:a{account_id}"


def read_mark(mark: str, account_id: int) -> tuple[int, int]:
    """Campaign and transactional message, one of them 0; both for what is not ours, or another account's."""
    found = _MARK.fullmatch(mark.strip())
    if found is None or int(found[3]) != account_id:
        return 0, 0
    return (int(found[2]), 0) if found[1] == "c" else (0, int(found[2]))


def _purpose(account_id: int, server_id: int, provider: str) -> str:
    return f"feedback hook {account_id} {server_id} {provider}"
