"""An HTML mail of somebody's → MJML that our editors open: a frame with its styles, its body kept as HTML.

HTML ─ told line by line (html.parser) ─ cleaned, made whole (lexbor) ─▶ mj-style, mj-raw
"""

import re
from dataclasses import dataclass, field
from html import escape, unescape
from html.parser import HTMLParser

from selectolax.lexbor import LexborHTMLParser, LexborNode

from mailer.core.text import N_
from sending import import_notes
from sending.import_notes import Use
from sending.problems import Problem, warning

MOST_TOLD = 200
_IMPORT = re.compile(r"@(?:import|charset|namespace)\b[^;{}]*;?", re.IGNORECASE)
_FONT_FACE = re.compile(r"@font-face\s*\{[^{}]*\}", re.IGNORECASE)
_BRACES = re.compile(r"\{(?=[{%#])")
_ODD_NAME = re.compile(r"^[^a-z]|[^a-z0-9_:-]|.{41}")
_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_TAGS = re.compile(r"\{[{%][^{}]{0,500}[%}]\}")
# fields of other products whose meaning is beyond doubt
_FIELDS = (
    (re.compile(r"\*\|FNAME\|\*|%%first_?name%%|\{\{\s*contact\.(?:FIRSTNAME|PRENOM)\s*\}\}", re.I),
     '{{ contact.first_name | default("") }}'),
    (re.compile(r"\*\|LNAME\|\*|%%last_?name%%|\{\{\s*contact\.(?:LASTNAME|NOM)\s*\}\}", re.I),
     '{{ contact.last_name | default("") }}'),
    (re.compile(r"\*\|EMAIL\|\*|%%email(?:addr)?%%|\{\{\s*contact\.EMAIL\s*\}\}"), "{{ contact.email }}"),
    (re.compile(r"\*\|UNSUB\|\*|\{\{\s*unsubscribe\s*\}\}|\[unsubscribe\]|%%unsubscribe%%", re.I),
     "{{ unsubscribe_url }}"),
    (re.compile(r"\*\|ARCHIVE\|\*|\{\{\s*mirror\s*\}\}"), "{{ web_version_url }}"),
    (re.compile(r"\*\|UPDATE_PROFILE\|\*|\{\{\s*update_profile\s*\}\}"), "{{ preferences_url }}"),
    (re.compile(r"\*\|LIST:COMPANY\|\*"), "{{ account.name }}"),
    (re.compile(r"\*\|LIST:ADDRESS\|\*"), "{{ account.address }}"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cleaned:
    """`source`: MJML; `told` in reading order; `uses`: images with their lines."""

    source: str
    told: list[Problem]
    uses: list[Use]


def to_mjml(html: str, *, language: str) -> Cleaned:
    """Merge fields of other products become ours where their meaning is plain."""
    for pattern, ours in _FIELDS:
        html = pattern.sub(lambda _, ours=ours: ours, html)  # type: ignore[misc]  # a default as closure
    finder = _Finder()
    finder.feed(html)
    finder.close()
    tree = LexborHTMLParser(html)
    body = tree.body
    styles = "\n".join(_safe_css(node.text(deep=True)) for node in tree.css("style"))
    title = tree.css_first("title")
    named = escape(" ".join((title.text(deep=True) if title else "").split())[:200], quote=False)
    for node in tree.css("style, title"):
        node.decompose()
    if body is not None:
        _clean(body)
    inside = _whole(body.inner_html or "") if body is not None else ""
    color = _ground(body)
    ground = f' background-color="{color}"' if color else ""
    source = (
        f'<mjml lang="{language}" dir="ltr">\n  <mj-head>\n    <mj-title>{named}</mj-title>\n'
        f"    <mj-style>{styles}</mj-style>\n  </mj-head>\n  <mj-body{ground}>\n    <mj-raw>\n"
        f"{inside}\n    </mj-raw>\n  </mj-body>\n</mjml>\n"
    )
    return Cleaned(source, finder.told[:MOST_TOLD], finder.uses)


@dataclass
class _Finder(HTMLParser):
    """Reads for the line numbers, which a tree has no more."""

    told: list[Problem] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        line = self.getpos()[0]
        given = dict(attrs)
        fate, told = import_notes.judge(tag, given, line)
        self.told += told
        if fate == "keep":
            address = given.get("src") if tag == "img" else given.get("background")
            if address:
                self.uses.append(Use(line, address.strip(), given.get("alt") or ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_data(self, data: str) -> None:
        found = _IMPORT.search(data) or _FONT_FACE.search(data)
        if self.cdata_elem == "style" and found:
            message = N_("Line {line}: the style loads something from elsewhere; that part was removed.")
            line = self.getpos()[0] + data.count("\n", 0, found.start())
            self.told.append(warning(line, "style", message))


def _clean(body: LexborNode) -> None:
    for node in list(body.traverse(include_text=False)):
        tag = node.tag or ""
        if tag in ("-text", "body") or node.parent is None:
            continue
        fate, _ = import_notes.judge(tag, node.attributes, 0)
        if fate == "remove":
            node.decompose()
            continue
        if fate == "unwrap":
            node.unwrap()
            continue
        for name, value in list(node.attributes.items()):
            if import_notes.drops(name, value) or _ODD_NAME.search(name) or _runs(value):
                del node.attrs[name]


def _runs(value: str | None) -> bool:
    """Old programs ran what stands in such a style."""
    return "expression(" in (value or "").lower()


def _whole(html: str) -> str:
    """Without comments; what a parser escaped inside a merge tag is itself again."""
    html = re.sub(r"<!--.*?-->", "", html, flags=re.DOTALL)
    html = re.sub(r"</?(?:mj-[a-z-]*|mjml)\b[^>]*>", "", html, flags=re.IGNORECASE)
    return _TAGS.sub(lambda tag: unescape(tag[0]), html).strip()


def _safe_css(css: str) -> str:
    """Rules only: nothing that is loaded, that would end the style, or that looks like a merge tag."""
    css = _FONT_FACE.sub("", _IMPORT.sub("", css)).replace("<!--", "").replace("-->", "").replace("<", "")
    return _BRACES.sub("{ ", css)


def _ground(body: LexborNode | None) -> str:
    """The page's background where it is said as a colour."""
    if body is None:
        return ""
    found = _HEX.search(f"{body.attributes.get('bgcolor') or ''} {body.attributes.get('style') or ''}")
    return found[0].lower() if found else ""
