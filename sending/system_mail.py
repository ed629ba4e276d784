"""System mail: a row of `outbox` becomes a mail from templates/mail/<kind>.txt and .html.

The first line of the .txt is the subject. At least once: a worker that dies between the reply and our
note sends again, under the same Message-ID, so that mail programs show it once.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog

from mailer.core import clock, jobs
from mailer.core.errors import MailerError
from mailer.core.services import Services
from mailer.core.settings import Settings
from mailer.core.work import Task
from mailer.web import i18n, templating
from sending import message, outcomes, replies, return_paths, smtp, smtp_url
from sending.message import CampaignHeaders, MailClass, MessageHeaders
from sending.render import Rendered, header_line
from sending.smtp import Mail, Reply

log = structlog.get_logger()


class NoSubject(MailerError):
    """The template of a system mail does not begin with its subject."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxMail:
    id: int
    account_id: int
    kind: str
    recipient: str
    language: str
    details: Mapping[str, object]
    created_at: datetime


async def send_system_mail(services: Services, task: Task) -> datetime | None:
    """The job "sending.send_system_mail": `ref_id` is the row of the outbox."""
    async with services.db.shared() as tx:
        mail = await tx.first(
            OutboxMail,
            """
            SELECT id, account_id, kind, recipient, language, details, created_at
            FROM outbox
            WHERE id = $1 AND sent_at IS NULL AND failed_at IS NULL
            """,
            task.ref_id,
        )
    if mail is None:
        return None
    server = smtp_url.server(services.settings)
    if server is None:
        log.error("no SMTP server is set")
        return jobs.in_(minutes=1)
    try:
        built = build(mail, services.settings)
    except ValueError:
        # the address fits into no envelope: nothing to try again
        await _note(
            services, mail.id, Reply("rcpt", 553, "5.1.3 the address fits into no envelope"), sent=False
        )
        return None
    reply = await smtp.pool(server, services.settings.mail_domain).hand_over(built)
    return await _settle(services, mail, reply)


async def _settle(services: Services, mail: OutboxMail, reply: Reply) -> datetime | None:
    verdict = replies.classify(reply.code, reply.text, reply.stage)
    if verdict.status == "delivered":
        await _note(services, mail.id, reply, sent=True)
        return None
    age = clock.now() - mail.created_at
    if verdict.status != "deferred" or age >= outcomes.GIVE_UP:
        log.warning("system mail not sent", mail=mail.id, kind=mail.kind, code=reply.code)
        await _note(services, mail.id, reply, sent=False)
        return None
    # somebody waits for a sign-in link: soon at first, then as long again as it has waited
    return clock.now() + min(max(age, outcomes.jittered(outcomes.SERVER_AWAY)), outcomes.SCHEDULE[-1])


async def _note(services: Services, mail_id: int, reply: Reply, *, sent: bool) -> None:
    """What became of it; the details go, since the links in them open doors (B-11: stored as hashes only)."""
    async with services.db.shared() as tx:
        await tx.run(
            """
            UPDATE outbox
            SET sent_at = CASE WHEN $3 THEN now() END, failed_at = CASE WHEN $3 THEN NULL ELSE now() END,
                reply = $2, details = '{}'
            WHERE id = $1
            """,
            mail_id,
            f"{reply.code} {replies.shown(reply.text)}",
            sent,
        )


def build(mail: OutboxMail, settings: Settings) -> Mail:
    """Raises ValueError for an address that is none, NoSubject for a template without one."""
    rendered = render(mail)
    headers = MessageHeaders(
        campaign=CampaignHeaders(
            mail_class=MailClass.SYSTEM,
            from_name="Mailer",
            from_email=f"no-reply@{settings.mail_domain}",
            reply_to="",
            message_id_domain=settings.mail_domain,
        ),
        to_email=mail.recipient,
        message_id=hmac.digest(settings.key, f"system mail {mail.id}".encode(), hashlib.sha256)[:16].hex(),
        sent_at=clock.now(),
    )
    built = message.build(headers, rendered)
    return Mail(return_paths.plain(settings.mail_domain), message.envelope_address(mail.recipient), built)


def render(mail: OutboxMail) -> Rendered:
    """Both parts and the subject in the recipient's language."""
    before = i18n.language()
    i18n.use_language(mail.language)
    try:
        context = {**mail.details, "recipient": mail.recipient}
        text = templating.render_text(f"sending/mail/{mail.kind}.txt", context)
        html = templating.render_text(f"sending/mail/{mail.kind}.html", context)
    finally:
        i18n.use_language(before)
    first, _, rest = text.lstrip().partition("\n")
    if not first.startswith("Subject: "):
        raise NoSubject(mail.kind)
    return Rendered(header_line(first.removeprefix("Subject: "), 200), "", html, rest.lstrip("\n"))
