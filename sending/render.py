"""One recipient's subject, preheader, HTML and text, from parts compiled once per revision (E-20 to E-22).

Everything a template sees is a plain value. HTML is escaped, text is not, a header line holds no line break,
addresses are percent-encoded where `links_in_mail` said so.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from types import CodeType

from jinja2 import Environment, Template, TemplateError, TemplateSyntaxError, nodes

from sending import bodies, hardening, merge, merge_filters, plain_text, shapes
from sending.bodies import Body
from sending.content import PIXEL, PREHEADER, SUBJECT, Compiled
from sending.holes import Digger
from sending.links_in_mail import TRACKED, Link
from sending.merge_filters import Value
from sending.quoted import clean
from sending.shapes import Asker, Shapes, Shown

MAX_HTML_BYTES = 1_000_000
MAX_TEXT_BYTES = 1_000_000
MAX_SUBJECT_CHARACTERS = 250
MAX_PREHEADER_CHARACTERS = 500
MAX_TARGET_CHARACTERS = 1_000
"""A personal address longer than this goes out untracked: it would not fit into the click token (S9)."""

_NONE: Mapping[str, Mapping[str, str]] = {}
_SPECIAL = re.compile("[&<>\"']")
_AT_A_STRETCH = 1_000
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class RenderFailed(Exception):
    """This message cannot be made for this recipient. `reason` is “render” or “size” (S1)."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Urls:
    """The recipient's own addresses; they work without an account and are never tracked."""

    unsubscribe: str = ""
    preferences: str = ""
    tracking: str = ""
    rights: str = ""
    web_version: str = ""


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
class Encoded:
    """One recipient's mail, its parts ready for the wire. The Program tells how they are encoded."""

    subject: str
    html: bytes
    text: bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """What the two parts show and ask, as templates that yield a piece a value. `blocks`: HTML's differ."""

    count: int
    plain: Template
    escaping: Template
    blocks: bool

    def values(self, context: dict[str, object]) -> tuple[list[str], list[str]]:
        """For HTML and for text. Raises RenderFailed."""
        if not self.count:
            return [], []
        plain = _run(self.plain, context, MAX_TEXT_BYTES)
        if not self.blocks and not _SPECIAL.search("".join(plain)):
            return plain, plain
        return _run(self.escaping, context, MAX_HTML_BYTES), plain


@dataclass(frozen=True, slots=True)
class Program:
    """A revision, ready to render many times. Not bound to an account; hold it as long as the revision.

    `names` are the names that its templates use, so that no address is made that no mail shows. The `pieces`
    are the same templates with holes for the names `shown`, whose bodies know what lies between. A part
    without loops has `shapes` as well, which are faster.
    """

    subject: Template
    preheader: Template
    html: Template
    text: Template
    html_pieces: Template
    text_pieces: Template
    html_body: Body
    text_body: Body
    asked: Asked
    html_shapes: Shapes | None
    text_shapes: Shapes | None
    shown: tuple[str, ...] = ()
    targets: Mapping[int, Template] = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    fixed: Mapping[str, str] = field(default_factory=dict)
    """Header lines that no recipient changes: subject, preheader or none of them."""

    def render(self, recipient: Recipient) -> Rendered:
        """Raises RenderFailed."""
        context = self._begun(recipient)
        html = "".join(map(clean, _run(self.html, context, MAX_HTML_BYTES)))
        text = plain_text.tidy("".join(map(clean, _run(self.text, context, MAX_TEXT_BYTES))))
        return Rendered(str(context[SUBJECT]), str(context[PREHEADER]), html, text)

    def encode(self, recipient: Recipient) -> Encoded:
        """As `render`, in octets; what all recipients share is not encoded again. Raises RenderFailed."""
        context = self._begun(recipient)
        in_html, in_text = bodies.addresses(self.shown, context)
        html = text = None
        if self.html_shapes or self.text_shapes:
            html_values, text_values = self.asked.values(context)
            if self.html_shapes:
                html = _shaped(self.html_shapes, self.html_body, in_html, map(shapes.hole, html_values))
            if self.text_shapes:
                text = _shaped(self.text_shapes, self.text_body, in_text, map(shapes.in_text, text_values))
        if html is None or len(html) > MAX_HTML_BYTES:
            html = self.html_body.encode(_run(self.html_pieces, context, MAX_HTML_BYTES), in_html)
        if text is None or len(text) > MAX_TEXT_BYTES:
            text = self.text_body.encode(_run(self.text_pieces, context, MAX_TEXT_BYTES), in_text)
        return Encoded(str(context[SUBJECT]), html, text)

    def personal_targets(self, recipient: Recipient) -> dict[int, str]:
        """Where this recipient's personal links lead, by position; empty or too long ones are left out (S9).

        The caller seals them into click addresses and gives those back as `tracked_links`.
        """
        if not self.targets:
            return {}
        context = _context(recipient)
        context["subject"] = ""
        made = {
            position: "".join(_run(template, context, 20_000)) for position, template in self.targets.items()
        }
        return {position: url for position, url in made.items() if 0 < len(url) <= MAX_TARGET_CHARACTERS}

    def _begun(self, recipient: Recipient) -> dict[str, object]:
        """The context, with the two header lines that the parts may show."""
        context = _context(recipient)
        subject = self.fixed.get("subject")
        if subject is None:
            subject = header_line("".join(_run(self.subject, context, 4_000)), MAX_SUBJECT_CHARACTERS)
        context["subject"] = context[SUBJECT] = subject
        preheader = self.fixed.get("preheader")
        if preheader is None:
            preheader = header_line("".join(_run(self.preheader, context, 4_000)), MAX_PREHEADER_CHARACTERS)
        context[PREHEADER] = preheader
        return context


def compile_parts(
    *,
    subject: str,
    preheader: str,
    html: str,
    text: str,
    links: Sequence[Link] = (),
    constants: Mapping[str, Mapping[str, str]] = _NONE,
) -> Program:
    """Programs of checked parts; `html` and `text` come from `content.compile_mjml`.

    `constants` are values of records that all recipients share, such as the account's name; recipients come
    with the same. Raises RenderFailed.
    """
    plain, escaping = merge.environment(autoescape=False), merge.environment(autoescape=True)
    trees = [
        _tree(plain, subject),
        _tree(plain, preheader),
        _tree(escaping, html),
        _tree(plain, text),
    ]
    codes = [_code(env, tree) for env, tree in zip((plain, plain, escaping, plain), trees, strict=True)]
    shown: list[str] = []
    in_html, in_text = Digger(shown, True, constants), Digger(shown, False, constants)
    html_pieces, html_body = _pieces(codes[2], html, bodies.html, in_html, escaping)
    text_pieces, text_body = _pieces(codes[3], text, bodies.text, in_text, plain)
    asker = Asker()
    html_shown = asker.part(in_html.dig(escaping.parse(clean(html))))
    text_shown = asker.part(in_text.dig(plain.parse(clean(text))))
    targets = {link.position: _tree(plain, link.target) for link in links if link.target}
    used = {name.name for tree in (*trees, *targets.values()) for name in tree.find_all(nodes.Name)}
    return Program(
        subject=Template.from_code(plain, codes[0], {}),
        preheader=Template.from_code(plain, codes[1], {}),
        html=Template.from_code(escaping, codes[2], {}),
        text=Template.from_code(plain, codes[3], {}),
        html_pieces=html_pieces,
        text_pieces=text_pieces,
        html_body=html_body,
        text_body=text_body,
        asked=Asked(len(asker.body), asker.template(plain), asker.template(escaping), asker.blocks),
        html_shapes=_shapes(html_shown, html_body, len(shown), tidy=False),
        text_shapes=_shapes(text_shown, text_body, len(shown), tidy=True),
        shown=tuple(shown),
        targets={
            position: Template.from_code(plain, _code(plain, tree), {}) for position, tree in targets.items()
        },
        names=frozenset(used),
        fixed=_fixed(subject=trees[0], preheader=trees[1]),
    )


def _pieces(
    code: CodeType,
    source: str,
    body: Callable[[CodeType, Sequence[str]], Body],
    digger: Digger,
    env: Environment,
) -> tuple[Template, Body]:
    """A part's template for `encode`, and what is known of its pieces; encoded as base64 it has no holes."""
    dug = _code(env, _tree(env, source, digger))
    made = body(dug, [digger.otherwise.get(name, "") for name in digger.names])
    if made.transfer == "base64":
        dug, made = code, body(code, ())
    return Template.from_code(env, dug, {}), made


def _shapes(shown: tuple[Shown, ...] | None, body: Body, addresses: int, *, tidy: bool) -> Shapes | None:
    return None if shown is None or body.transfer == "base64" else Shapes(shown, addresses, tidy)


def _shaped(
    known: Shapes, body: Body, addresses: Sequence[bytes], values: Iterable[bytes | None]
) -> bytes | None:
    """A part by its shape; None when it has none."""
    filling = shapes.filling(addresses, body.otherwise)
    for value in values:
        if value is None:
            return None
        filling.append(value)
    return known.encode(filling)


def _fixed(*, subject: nodes.Template, preheader: nodes.Template) -> dict[str, str]:
    """Those that hold text alone."""
    limits = {
        "subject": (subject, MAX_SUBJECT_CHARACTERS),
        "preheader": (preheader, MAX_PREHEADER_CHARACTERS),
    }
    found = {}
    for name, (tree, limit) in limits.items():
        data = [one.data for one in tree.find_all(nodes.TemplateData)]
        if all(isinstance(one, nodes.Output) and len(one.nodes) == len(data) for one in tree.body):
            found[name] = header_line("".join(data), limit)
    return found


def compile_revision(compiled: Compiled, *, subject: str, preheader: str = "") -> Program:
    """Programs of a compiled source with its subject. Raises RenderFailed."""
    return compile_parts(
        subject=subject, preheader=preheader, html=compiled.html, text=compiled.text, links=compiled.links
    )


def header_line(text: str, limit: int) -> str:
    """One line without control characters: merge data never adds a header (D-09)."""
    # no-break spaces stay: French needs them before a colon
    if "  " in text or _CONTROL.search(text):
        text = re.sub(" +", " ", _CONTROL.sub(" ", text))
    return text.strip(" ")[:limit].rstrip(" ")


def _tree(env: Environment, source: str, digger: Digger | None = None) -> nodes.Template:
    try:
        parsed = env.parse(clean(source))
        return hardening.harden(digger.dig(parsed) if digger else parsed, env)
    except (TemplateSyntaxError, RecursionError) as fault:
        raise RenderFailed("render", f"the template cannot be compiled: {fault}") from fault


def _code(env: Environment, tree: nodes.Template) -> CodeType:
    try:
        return env.compile(tree)
    except (TemplateSyntaxError, RecursionError, SyntaxError) as fault:
        raise RenderFailed("render", f"the template cannot be compiled: {fault}") from fault


def _run(template: Template, context: dict[str, object], limit: int) -> list[str]:
    """The pieces of one part. Raises RenderFailed, before a loop over loops has filled the memory."""
    out: list[str] = []
    size = 0
    try:
        # shared: the context is ours alone, and copying it for each part would cost as much as rendering
        made = template.root_render_func(template.new_context(context, shared=True))
        while pieces := list(islice(made, _AT_A_STRETCH)):
            out += pieces
            size += sum(map(len, pieces))
            if size > limit:
                raise RenderFailed("size", f"the part is larger than {limit} characters")
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as fault:
        raise RenderFailed("render", f"{type(fault).__name__}: {fault}") from fault
    return out


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
