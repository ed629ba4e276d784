"""One recipient's subject, preheader, HTML and text, from parts compiled once per revision (E-20 to E-22).

Everything a template sees is a plain value. HTML is escaped, text is not, a header line holds no line break,
addresses are percent-encoded where `links_in_mail` said so.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from jinja2 import Environment, Template, TemplateError, TemplateSyntaxError

from sending import merge, merge_filters, plain_text
from sending.content import PIXEL, PREHEADER, SUBJECT, Compiled
from sending.links_in_mail import TRACKED, Link
from sending.merge_filters import Value

MAX_HTML_BYTES = 1_000_000
MAX_TEXT_BYTES = 1_000_000
MAX_SUBJECT_CHARACTERS = 250
MAX_PREHEADER_CHARACTERS = 500
MAX_TARGET_CHARACTERS = 1_000
"""A personal address longer than this goes out untracked: it would not fit into the click token (S9)."""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class RenderFailed(Exception):
    """This message cannot be made for this recipient. `reason` is “render” or “size” (S1)."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Urls:
    """The recipient's own addresses; they work without an account and are never tracked."""

    unsubscribe: str
    preferences: str
    tracking: str
    rights: str
    web_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderNames:
    name: str
    email: str
    reply_to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountNames:
    name: str
    address: str
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """What one message is made of. `contact` maps email, first_name, last_name, language and custom fields.

    `tracked_links`: address per link position, or None for a contact without click measurement, who gets the
    author's addresses byte for byte (B-35). `open_pixel_url` is None without open measurement.
    """

    contact: Mapping[str, Value]
    urls: Urls
    list_name: str
    sender: SenderNames
    account: AccountNames
    tracked_links: Mapping[int, str] | None = None
    open_pixel_url: str | None = None
    language: str = "fr"
    """For dates and numbers when the contact has none."""
    values: Mapping[str, Value] = field(default_factory=dict)
    """What a program gave with a transactional message."""


@dataclass(frozen=True, slots=True)
class Rendered:
    subject: str
    preheader: str
    html: str
    text: str


@dataclass(frozen=True, slots=True)
class Program:
    """A revision, ready to render many times. Not bound to an account; hold it as long as the revision."""

    subject: Template
    preheader: Template
    html: Template
    text: Template
    targets: Mapping[int, Template] = field(default_factory=dict)

    def render(self, recipient: Recipient) -> Rendered:
        """Raises RenderFailed."""
        context = _context(recipient)
        subject = header_line(_run(self.subject, context, 4_000), MAX_SUBJECT_CHARACTERS)
        context["subject"] = context[SUBJECT] = subject
        preheader = header_line(_run(self.preheader, context, 4_000), MAX_PREHEADER_CHARACTERS)
        context[PREHEADER] = preheader
        html = _run(self.html, context, MAX_HTML_BYTES)
        text = plain_text.tidy(_run(self.text, context, MAX_TEXT_BYTES))
        return Rendered(subject, preheader, _printable(html), _printable(text))

    def personal_targets(self, recipient: Recipient) -> dict[int, str]:
        """Where this recipient's personal links lead, by position; empty or too long ones are left out (S9).

        The caller seals them into click addresses and gives those back as `tracked_links`.
        """
        context = _context(recipient)
        context["subject"] = ""
        made = {position: _run(template, context, 20_000) for position, template in self.targets.items()}
        return {position: url for position, url in made.items() if 0 < len(url) <= MAX_TARGET_CHARACTERS}


def compile_parts(
    *, subject: str, preheader: str, html: str, text: str, links: Sequence[Link] = ()
) -> Program:
    """Programs of checked parts; `html` and `text` come from `content.compile_mjml`. Raises RenderFailed."""
    plain, escaping = merge.environment(autoescape=False), merge.environment(autoescape=True)
    return Program(
        subject=_compile(plain, subject),
        preheader=_compile(plain, preheader),
        html=_compile(escaping, html),
        text=_compile(plain, text),
        targets={link.position: _compile(plain, link.target) for link in links if link.target},
    )


def compile_revision(compiled: Compiled, *, subject: str, preheader: str = "") -> Program:
    """Programs of a compiled source with its subject. Raises RenderFailed."""
    return compile_parts(
        subject=subject, preheader=preheader, html=compiled.html, text=compiled.text, links=compiled.links
    )


def header_line(text: str, limit: int) -> str:
    """One line without control characters: merge data never adds a header (D-09)."""
    # no-break spaces stay: French needs them before a colon
    return re.sub(" +", " ", _CONTROL.sub(" ", text)).strip(" ")[:limit].rstrip(" ")


def _compile(env: Environment, source: str) -> Template:
    try:
        tree = merge.harden(env.parse(merge.normalise(source)), env)
        return Template.from_code(env, env.compile(tree), {})
    except (TemplateSyntaxError, RecursionError, SyntaxError) as fault:
        raise RenderFailed("render", f"the template cannot be compiled: {fault}") from fault


def _run(template: Template, context: dict[str, object], limit: int) -> str:
    pieces: list[str] = []
    size = 0
    try:
        for piece in template.root_render_func(template.new_context(context)):
            size += len(piece)
            if size > limit:
                raise RenderFailed("size", f"the part is larger than {limit} characters")
            pieces.append(piece)
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as fault:
        raise RenderFailed("render", f"{type(fault).__name__}: {fault}") from fault
    return "".join(pieces)


def _context(recipient: Recipient) -> dict[str, object]:
    urls = recipient.urls
    language = recipient.contact.get("language") or recipient.language
    context: dict[str, object] = {
        "contact": dict(recipient.contact),
        "unsubscribe_url": urls.unsubscribe,
        "preferences_url": urls.preferences,
        "tracking_url": urls.tracking,
        "rights_url": urls.rights,
        "web_version_url": urls.web_version,
        "sender": {
            "name": recipient.sender.name,
            "email": recipient.sender.email,
            "reply_to": recipient.sender.reply_to,
        },
        "account": {
            "name": recipient.account.name,
            "address": recipient.account.address,
            "email": recipient.account.email,
        },
        "list": {"name": recipient.list_name},
        merge.VALUES: dict(recipient.values),
        merge_filters.LANGUAGE: language,
        PIXEL: recipient.open_pixel_url or "",
    }
    for position, url in (recipient.tracked_links or {}).items():
        context[f"{TRACKED}{position}"] = url
    return context


def _printable(text: str) -> str:
    """Without the control characters no mail part may carry; tabs and lines stay, ended one way."""
    return merge.normalise(text).translate(_REMOVED)


_REMOVED = dict.fromkeys((*range(9), *range(11, 32), 127))
