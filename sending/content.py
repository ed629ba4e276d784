"""An author's MJML → the two templates of a revision, once; the only import of the MJML compiler.

    source ─ lint, check ─▶ tokens for merge tags ─ mrml ─ css-inline ─▶ links, title, text ─▶ tags again

Traps of mrml this answers: it passes unknown tags, dies on deep nesting, loads fonts and icons from foreign
servers, leaves inline styles where they are and cannot read `<` in a merge tag.
"""

import re
from dataclasses import dataclass

import css_inline
import mjml

from mailer.core.text import N_
from sending import brand, inert, links_in_mail, merge, mjml_lint, plain_text, utm
from sending.brand import Brand
from sending.inert import Slot, Slots
from sending.links_in_mail import Link
from sending.mjml_source import Lines, Piece, scan
from sending.problems import Problem, blocking, error
from sending.utm import Tagging

PREHEADER = "_preheader"
PIXEL = "_pixel"
SUBJECT = "_subject"

_PREVIEW = re.compile(
    r'(<body[^>]*>\s*)(<div style="display:\s*none;font-size:\s*1px[^>]*>.*?</div>)?', re.DOTALL
)
_HIDING = "display:none;font-size:1px;line-height:1px;max-height:0;max-width:0;opacity:0;overflow:hidden"
_OFFSET = re.compile(r"at position (\d+):")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_ODD = re.compile(r"[^ -~]|\\")
_RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})


@dataclass(frozen=True, slots=True)
class Compiled:
    """Both parts as hardened templates for `render.compile_parts`, the author's links, and remarks."""

    html: str
    text: str
    links: tuple[Link, ...]
    remarks: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a source does not say itself. `tagging`: parameters added to web links (S22)."""

    icon_origin: str
    language: str = "fr"
    fields: frozenset[str] = frozenset()
    tagging: Tagging = utm.NONE


def compile_mjml(
    source: str,
    *,
    icon_origin: str,
    language: str = "fr",
    fields: frozenset[str] = frozenset(),
    tagging: Tagging = utm.NONE,
    kit: Brand = brand.DEFAULT,
) -> Compiled | list[Problem]:
    """Templates of a source, or all that is wrong with it in reading order. Takes about a millisecond.

    `icon_origin` is the address our social icons begin with, `fields` the keys of the custom fields, `kit`
    what `brand.…` stands for.
    """
    source = merge.normalise(source)
    problems = check_mjml(source, fields=fields)
    if blocking(problems):
        return problems
    source = brand.fill(source, kit)
    setting = Setting(icon_origin=icon_origin, language=language, fields=fields, tagging=tagging)
    found = merge.tags(source)
    slots = inert.slots_for(source)
    swapped = inert.swap(source, merge.masked(source, found), found, slots)
    try:
        html = _to_html(swapped, setting)
    except ValueError as fault:
        return [*problems, _compiler_problem(fault, _prepared(swapped)[0])]
    html, links = links_in_mail.rewrite(html, slots, setting.tagging)
    text = plain_text.from_html(html, is_token=lambda comment: slots.pattern.fullmatch(comment) is not None)
    html = _finish(html, slots)
    return Compiled(
        html=slots.expand(html, lambda slot: slot.html),
        text=slots.expand(text, lambda slot: slot.text),
        links=tuple(links),
        remarks=tuple(problems),
    )


def check_mjml(source: str, *, fields: frozenset[str]) -> list[Problem]:
    """What the editor shows under the source: structure and merge fields together, by line."""
    named = brand.check(source)
    # any kit will do: what is right with one is right with all
    source = brand.fill(source)
    structure = mjml_lint.lint(source)
    # of a kit in a condition the merge language would say less than we do
    fields_wrong = [] if named else merge.check(source, fields=fields, part="mjml")
    both = {(one.line, one.code, one.column): one for one in [*named, *structure, *fields_wrong]}
    return sorted(both.values(), key=lambda one: (one.line, one.column or 0))


def _to_html(swapped: str, setting: Setting) -> str:
    prepared, styles = _prepared(swapped)
    html = mjml.mjml2html(prepared, social_icon_origin=setting.icon_origin, fonts={})
    # Only the author's styles go into style="": mrml's own resets in each cell would triple the weight.
    html = html.replace("<style", '<style data-css-inline="ignore"')
    inliner = css_inline.CSSInliner(keep_style_tags=True, load_remote_stylesheets=False, extra_css=styles)
    html = str(inliner.inline(html)).replace(' data-css-inline="ignore"', "")
    direction = "rtl" if setting.language in _RIGHT_TO_LEFT else "ltr"
    html = html.replace(' lang="und"', f' lang="{setting.language}"', 2)
    return html.replace(' dir="auto"', f' dir="{direction}"', 2)


def _prepared(swapped: str) -> tuple[str, str]:
    """The source without what would load something foreign, and its styles."""
    out: list[str] = []
    styles: list[str] = []
    dropping = ""
    parent = ""
    for piece in scan(swapped, Lines(swapped)):
        if isinstance(piece, Problem):
            continue
        text = swapped[piece.start : piece.end]
        if piece.name == "mj-font":
            dropping = "" if piece.closed or piece.kind == "close" else "mj-font"
            text = "\n" * text.count("\n")
        elif dropping:
            text = "\n" * text.count("\n")
        elif piece.kind == "text" and parent == "mj-style":
            styles.append(text)
        elif piece.name == "mj-table" and not piece.closed:
            text = _with_tbody(text, piece, swapped)
        if piece.kind == "open":
            text = _QUOTED.sub(_in_entities, text)
        parent = piece.name if _opens(piece) else parent if piece.kind == "text" else ""
        out.append(text)
    return "".join(out), "\n".join(styles)


def _in_entities(quoted: re.Match[str]) -> str:
    """mrml writes attributes as Rust's Debug does: of a no-break space it made the characters `\\u{a0}`."""
    value = _ODD.sub(lambda odd: f"&#{ord(odd[0])};", quoted[0])
    # a fault of the compiler is told by its line
    return value + "\n" * quoted[0].count("\n")


def _with_tbody(text: str, piece: Piece, swapped: str) -> str:
    """A parser would put its own `<tbody>` inside the author's loop over rows."""
    start = swapped.rfind("<mj-table", 0, piece.end) if piece.kind == "close" else piece.start
    end = swapped.find("</mj-table", start)
    if re.search(r"<(tbody|thead|tfoot|caption|colgroup|col)\b", swapped[start:end], re.IGNORECASE):
        return text
    return f"</tbody>{text}" if piece.kind == "close" else f"{text}<tbody>"


def _opens(piece: Piece) -> bool:
    return piece.kind == "open" and not piece.closed


def _compiler_problem(fault: ValueError, swapped: str) -> Problem:
    offset = _OFFSET.search(str(fault))
    line = 1
    if offset:
        line = swapped.encode()[: int(offset[1])].count(b"\n") + 1
    message = N_("Line {line}: the source cannot be compiled here. Check the tags around this line.")
    return error(line, "compiler", message)


def _finish(html: str, slots: Slots) -> str:
    """Title, preheader and pixel: what only the campaign or the recipient knows."""
    title = slots.add(Slot(f"{{{{ {SUBJECT} }}}}", ""))
    html = re.sub(r"<title>\s*</title>", f"<title>{title}</title>", html, count=1)
    hidden = slots.add(Slot(f'<div style="{_HIDING}">{{{{ {PREHEADER} }}}}</div>', ""))
    given = slots.add(Slot(f"{{% if {PREHEADER} %}}", ""))
    otherwise = slots.add(Slot("{% else %}", ""))
    end = slots.add(Slot("{% endif %}", ""))
    html = _PREVIEW.sub(
        lambda match: f"{match[1]}{given}{hidden}{otherwise}{match[2] or ''}{end}", html, count=1
    )
    pixel = f'<img src="{{{{ {PIXEL} }}}}" width="1" height="1" alt="" style="display:block;border:0">'
    image = slots.add(Slot(f"{{% if {PIXEL} %}}{pixel}{{% endif %}}", ""))
    return html.replace("</body>", f"{image}</body>", 1)
