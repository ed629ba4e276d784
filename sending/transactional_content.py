"""The content of a transactional message: made once, when it is asked for, and sealed like a revision (S12).

    NewMessage ─ compose ─▶ Composed ─ dump ─▶ sealed in messages ─ read_… ─▶ Composed ─ mail ─▶ bytes

What is wrong with it comes back to the caller at once; at the hour of sending nothing is left to fail. It is
service mail: no List-* header, no pixel, every address as the author wrote it (A-101, D-47).
"""

import base64
import hashlib
import hmac
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import orjson

from mailer.accounts import identity
from mailer.core import clock
from mailer.core.addresses import Address
from mailer.core.db import AccountTx
from mailer.core.errors import Fault, Invalid, fault
from mailer.core.settings import Settings
from mailer.core.text import N_
from sending import (
    attachments,
    brand_kits,
    feedback_hooks,
    image_uses,
    merge,
    message,
    plain_text,
    render,
    return_paths,
    senders,
    sources,
)
from sending.attachments import File
from sending.content import Compiled
from sending.designs import Design
from sending.merge_values import needed
from sending.message import CampaignHeaders, MailClass, MessageHeaders
from sending.problems import Problem, blocking
from sending.render import AccountNames, Program, Recipient, Rendered, RenderFailed, SenderNames, Urls
from sending.smtp import Mail
from sending.sources import Source
from sending.transactional_order import NewMessage

_NO_URLS = Urls(unsubscribe="", preferences="", tracking="", rights="", web_version="")
# what only a newsletter has: in a service message it would lead nowhere
_NEWSLETTER = merge.URL_NAMES | {"list.name"}
_REMOVED = dict.fromkeys((*range(9), *range(11, 32), 127))
_KEPT = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """Who gets it, and under which subject: what lists of messages show."""

    email: str
    name: str
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """All else that a mail is made of. `reply_to` "": the sender's."""

    html: str
    text: str
    reply_to: str = ""
    headers: Mapping[str, str]
    files: tuple[File, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """`design_id` None, `template` "": the content was given with the message."""

    envelope: Envelope
    content: Content
    design_id: int | None = None
    template: str = ""


@dataclass(frozen=True, slots=True)
class _Compiled:
    program: Program
    values: frozenset[str]


async def compose(tx: AccountTx, settings: Settings, new: NewMessage, to: Address) -> Composed:
    """Raises Invalid with every fault of the content."""
    reply_to = senders.read_address(new.reply_to, "reply_to").email if new.reply_to else ""
    design = await _design(tx, new.template) if new.template is not None else None
    if design is None and new.mjml is None:
        rendered = _literal(new)
    else:
        rendered = await _rendered(tx, settings, new, design)
    made = Composed(
        envelope=Envelope(
            email=to.email, name=render.header_line(new.to.name, 120), subject=rendered.subject
        ),
        content=Content(
            html=rendered.html,
            text=rendered.text,
            reply_to=reply_to,
            headers=dict(new.headers),
            files=tuple(new.files()),
        ),
        design_id=design.id if design else None,
        template=design.name if design else "",
    )
    if not made.envelope.subject:
        raise fault("subject", N_("Write the subject."), code="missing")
    await image_uses.leaves(tx, made.content.html)
    return made


async def _design(tx: AccountTx, template: int | str) -> Design:
    """By id, or by its name when no other has it. Raises Invalid at `template`."""
    found = await tx.many(
        Design,
        """
        SELECT id, name, kind, subject, preheader, source, version, created_at, updated_at, archived_at
        FROM designs
        WHERE account_id = $1 AND (id = $2 OR name = $3 AND archived_at IS NULL)
        ORDER BY id
        LIMIT 2
        """,
        template if isinstance(template, int) else None,
        template if isinstance(template, str) else None,
    )
    if not found:
        raise fault("template", N_("There is no such design."), code="unknown")
    if len(found) > 1:
        raise fault("template", N_("Several designs have this name. Give the id of one."), code="ambiguous")
    return found[0]


def _literal(new: NewMessage) -> Rendered:
    """Parts as they were given: what a person typed into them is never read as a merge tag (E-20)."""
    subject = render.header_line(new.subject or "", render.MAX_SUBJECT_CHARACTERS)
    html, text = new.html, new.text
    if html is None:
        words = escape(merge.normalise(text or "")).replace("\n", "<br>\n")
        html = (
            f'<!doctype html>\n<html><head><meta charset="utf-8"></head><body><p>{words}</p></body></html>\n'
        )
    if text is None:
        text = plain_text.from_html(html)
    return Rendered(subject, "", _printable(html), _printable(text))


def _printable(text: str) -> str:
    return merge.normalise(text).translate(_REMOVED)


# compiled designs of this process, the least used forgotten first
_compiled: OrderedDict[tuple[object, ...], _Compiled] = OrderedDict()


async def _rendered(tx: AccountTx, settings: Settings, new: NewMessage, design: Design | None) -> Rendered:
    who = await identity.of(tx)
    language = new.language or who.language
    where = "mjml" if design is None else "template"
    source = Source("mjml", new.mjml or "", language) if design is None else _without_footer(design, language)
    subject = new.subject if new.subject is not None else design.subject if design else ""
    preheader = design.preheader if design else ""
    kit = await brand_kits.of(tx, settings)
    key = (tx.account_id, design.id, design.version, kit, subject, preheader, language) if design else None
    found = _compiled.get(key) if key else None
    if found is None:
        fields = await sources.field_keys(tx)
        _check_lines(fields, subject=subject, preheader=preheader)
        compiled = sources.compile_source(source, settings=settings, fields=fields, kit=kit)
        found = _program(compiled, (subject, preheader), where=where)
    if key:
        _compiled[key] = found
        _compiled.move_to_end(key)
        while len(_compiled) > _KEPT:
            _compiled.popitem(last=False)
    missing = sorted(found.values - set(new.values))
    if missing:
        text = N_("The template needs a value for “{name}”.")
        raise Invalid(*(Fault(f"values.{name}", text, "missing_value", {"name": name}) for name in missing))
    sender = await senders.show(tx, new.sender_id)
    reads = Recipient(
        contact=await _contact(tx, new.to.email),
        urls=_NO_URLS,
        list_name="",
        sender=SenderNames(name=sender.name, email=sender.email, reply_to=new.reply_to or sender.reply_to),
        account=AccountNames(
            name=who.legal_name or who.account_name, address=who.postal_address, email=who.contact_email
        ),
        language=language,
        values=new.values,
    )
    try:
        return found.program.render(reads)
    except RenderFailed as failure:
        text = N_("The content cannot be made with these values.")
        raise fault(where, text, code=failure.reason) from failure


def _without_footer(design: Design, language: str) -> Source:
    """A letter's standard footer belongs to newsletters: it speaks of a list and of unsubscribing."""
    if design.kind != "letter":
        return design.content(language)
    values = sources.letter_values(design.source) | {"footer": False}
    return Source("letter", orjson.dumps(values).decode(), language)


def _check_lines(fields: frozenset[str], *, subject: str, preheader: str) -> None:
    found = [("subject", one) for one in merge.check(subject, fields=fields, part="subject")]
    found += [("template", one) for one in merge.check(preheader, fields=fields, part="preheader")]
    if found:
        raise Invalid(*(_fault(field, one) for field, one in found))


def _program(compiled: Compiled | list[Problem], lines: tuple[str, str], *, where: str) -> _Compiled:
    if isinstance(compiled, list):
        wrong = [one for one in compiled if blocking([one])]
        raise Invalid(*(_fault(where, one) for one in wrong))
    parts = (compiled.html, compiled.text, *lines)
    used = frozenset().union(*(merge.names_used(part) for part in parts))
    if newsletter := sorted(used & _NEWSLETTER):
        text = N_("“{name}” belongs to newsletters: a service message has no list. Use a design without it.")
        raise fault(where, text, code="newsletter", name=newsletter[0])
    subject, preheader = lines
    try:
        program = render.compile_revision(compiled, subject=subject, preheader=preheader)
    except RenderFailed as failure:
        text = N_("The content cannot be made with these values.")
        raise fault(where, text, code=failure.reason) from failure
    return _Compiled(program, frozenset().union(*(needed(part) for part in parts)))


def _fault(field: str, one: Problem) -> Fault:
    return Fault(field, one.message, one.code, one.params, one.line or None, one.column)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    email: str
    first_name: str
    last_name: str
    language: str
    fields: Mapping[str, Any]


async def _contact(tx: AccountTx, email: str) -> dict[str, Any]:
    """What `contact.…` reads: the contact with this address, when there is one."""
    known = await tx.first(
        _Known,
        """
        SELECT email, first_name, last_name, language, fields
        FROM contacts
        WHERE account_id = $1 AND address_key = $2
        """,
        senders.read_address(email, "to.email").key,
    )
    if known is None:
        return {"email": email}
    columns = {"first_name": known.first_name, "last_name": known.last_name, "language": known.language}
    return {**known.fields, **columns, "email": email}


def dump(made: Composed) -> tuple[bytes, bytes]:
    """Envelope and content, ready to be sealed."""
    envelope, content = made.envelope, made.content
    files = [[one.name, one.media_type, base64.b64encode(one.data).decode()] for one in content.files]
    parts = {"html": content.html, "text": content.text, "reply_to": content.reply_to}
    return (
        orjson.dumps([envelope.email, envelope.name, envelope.subject]),
        orjson.dumps({**parts, "headers": content.headers, "files": files}),
    )


def read_envelope(plain: bytes) -> Envelope:
    email, name, subject = orjson.loads(plain)
    return Envelope(email=email, name=name, subject=subject)


def read_content(plain: bytes) -> Content:
    values: dict[str, Any] = orjson.loads(plain)
    files = tuple(File(name, kind, base64.b64decode(data)) for name, kind, data in values.pop("files"))
    return Content(**values, files=files)


@dataclass(frozen=True, slots=True, kw_only=True)
class From:
    """What a mail needs besides its content. `key` is the account's, for ids that tell nothing; `providers`
    have a webhook and read marks."""

    account_id: int
    name: str
    email: str
    reply_to: str
    key: bytes
    return_path: str = ""
    providers: tuple[str, ...] = ()


def mail(message_id: int, design_id: int | None, made: Composed, *, sender: From, settings: Settings) -> Mail:
    """Ready for hand-over. Raises ValueError for what no header may carry.

    The same Message-ID at each try, so that a mail that came twice after all is seen once; Feedback-ID has a
    stream of its own (D-62, D-82).
    """
    content = made.content
    shared = CampaignHeaders(
        mail_class=MailClass.SERVICE,
        from_name=render.header_line(sender.name, 120),
        from_email=sender.email,
        reply_to=content.reply_to or sender.reply_to,
        message_id_domain=settings.mail_domain,
        feedback_id=f"d{design_id or 0}:a{sender.account_id}:transactional:mailer",
        marks=feedback_hooks.marks(
            sender.providers, feedback_hooks.message_mark(sender.account_id, message_id)
        ),
    )
    headers = MessageHeaders(
        campaign=shared,
        to_email=made.envelope.email,
        to_name=made.envelope.name,
        message_id=message_id_of(sender.key, message_id),
        sent_at=clock.now(),
    )
    built = message.build(headers, Rendered(made.envelope.subject, "", content.html, content.text))
    built = _more_headers(content.headers) + attachments.attach(built, content.files)
    to = message.envelope_address(made.envelope.email)
    return Mail(sender.return_path or return_paths.plain(settings.mail_domain), to, built)


def message_id_of(key: bytes, message_id: int) -> str:
    """Left of the @ in Message-ID, of a row of `messages`."""
    return hmac.digest(key, f"message {message_id}".encode(), hashlib.sha256)[:16].hex()


def _more_headers(given: Mapping[str, str]) -> bytes:
    # RFC 3834 §5: no holiday notice shall answer
    lines = ["Auto-Submitted: auto-generated"]
    lines += [f"{name}: " + re.sub(" ", "\r\n ", value) for name, value in given.items()]
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")


def try_out(made: Composed, sender: From, settings: Settings) -> None:
    """Raises Invalid where the mail could not be made later."""
    try:
        mail(0, None, replace(made), sender=sender, settings=settings)
    except ValueError as error:
        raise fault("to", N_("The address or name fits into no header."), code="header") from error
