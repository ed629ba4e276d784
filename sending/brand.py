"""Brand values in a source: `{{ brand.color }}` and the like, filled in before anything else reads it.

    source ─ fill ─▶ MJML that the linter, the merge language and the compiler know

They may stand wherever a colour, a font or an address stands, styles too: all are values of the account's
kit, checked when it was saved, never of a contact (E-22). So a changed kit changes every draft, and no frozen
revision.
An `mj-image` of `brand.logo` becomes the organisation's name in letters where there is no logo.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from html import escape

from mailer.core.text import N_
from sending import colours
from sending.problems import Problem, error

# Only what is on nearly every machine, each ending in a generic family: mails load no fonts (E-06).
FONTS: Mapping[str, str] = {
    "arial": "Arial, Helvetica, sans-serif",
    "verdana": "Verdana, Geneva, sans-serif",
    "tahoma": "Tahoma, Verdana, sans-serif",
    "trebuchet": "Trebuchet MS, Tahoma, sans-serif",
    "georgia": "Georgia, Times New Roman, serif",
    "times": "Times New Roman, Times, serif",
    "palatino": "Palatino Linotype, Palatino, Georgia, serif",
    "courier": "Courier New, Courier, monospace",
}
# what a dark theme puts behind the text; off-black, as readers of dark themes expect
DARK_BACKGROUND, DARK_TEXT = "#1b1d20", "#e8eaed"

_TAG = re.compile(r"\{\{-?[ \t]*brand\.([A-Za-z_]\w{0,40})[ \t]*-?\}\}")
_NAMED = re.compile(r"\{[{%][^{}]{0,200}?(?<![\w.\"'])brand\.\w[^{}]{0,200}[%}]\}")
_LOGO = re.compile(
    r"<mj-image\b((?:[^<>\"']|\"[^\"]*\"|'[^']*'){0,2000}?\bsrc=\"\{\{-?[ \t]*brand\.logo[ \t]*-?\}\}\""
    r"(?:[^<>\"'/]|\"[^\"]*\"|'[^']*'){0,2000})(?:/>|>\s*</mj-image\s*>)"
)
_KEPT = re.compile(
    r"\b(align|padding(?:-top|-right|-bottom|-left)?|container-background-color|css-class)=(\"[^\"]*\")"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """Colours as #rrggbb, fonts as keys of FONTS; `logo` an address, or "" for the name in its place."""

    color: str = "#0b5394"
    link: str = "#0b5394"
    text: str = "#1f2328"
    background: str = "#ffffff"
    surround: str = "#f3f4f6"
    font: str = "arial"
    heading_font: str = "arial"
    footer: str = ""
    logo: str = ""
    logo_width: int = 200

    def values(self) -> dict[str, str]:
        """By the names that a source calls them; a dark theme's colours follow from the light ones."""
        return {
            "color": self.color,
            "on_color": colours.on(self.color),
            "link": self.link,
            "text": self.text,
            "muted": colours.readable(colours.mixed(self.text, self.background, 0.25), self.background,
                                      self.surround),
            "background": self.background,
            "surround": self.surround,
            "dark_background": DARK_BACKGROUND,
            "dark_text": DARK_TEXT,
            "dark_link": colours.readable(colours.mixed(self.link, colours.WHITE, 0.4), DARK_BACKGROUND),
            "font": FONTS.get(self.font, FONTS["arial"]),
            "heading_font": FONTS.get(self.heading_font, FONTS["arial"]),
            "footer": _paragraph(self.footer),
            "logo": self.logo,
            "logo_width": f"{self.logo_width}px",
        }  # fmt: skip


DEFAULT = Brand()


def fill(source: str, brand: Brand = DEFAULT) -> str:
    """The source with the values of the kit, its lines where they were. Unknown names vanish: see `check`."""
    if "brand." not in source:
        return source
    values = brand.values()
    if not brand.logo:
        source = _LOGO.sub(_name_for_logo, source)
    return _TAG.sub(lambda tag: values.get(tag[1], ""), source)


def check(source: str) -> list[Problem]:
    """Names that the kit does not have, and brand values inside conditions or filters."""
    if "brand." not in source:
        return []
    known = DEFAULT.values()
    problems: list[Problem] = []
    for found in _NAMED.finditer(source):
        line = source.count("\n", 0, found.start()) + 1
        column = found.start() - source.rfind("\n", 0, found.start())
        tag = _TAG.fullmatch(found[0])
        if tag is None:
            message = N_("Line {line}: a value of the brand kit stands alone, such as {example}.")
            problems.append(error(line, "brand", message, column=column, example="{{ brand.color }}"))
        elif tag[1] not in known:
            close = get_close_matches(tag[1], known, n=1, cutoff=0.5)
            if close:
                message = N_("Line {line}: the field “{name}” does not exist. Did you mean “{suggestion}”?")
                params = {"name": f"brand.{tag[1]}", "suggestion": f"brand.{close[0]}"}
            else:
                message = N_("Line {line}: the brand kit has no “{name}”. It has: {names}.")
                params = {"name": tag[1], "names": ", ".join(known)}
            problems.append(error(line, "unknown_field", message, column=column, **params))
    return problems


def _name_for_logo(image: re.Match[str]) -> str:
    """Same place and lines, letters instead of the picture."""
    kept = "".join(f" {name}={value}" for name, value in _KEPT.findall(image[1]))
    lines = "\n" * image[0].count("\n")
    return (
        f'<mj-text font-size="22px" font-weight="bold" font-family="{{{{ brand.heading_font }}}}"{kept}>'
        f"{{{{ account.name }}}}{lines}</mj-text>"
    )


def _paragraph(text: str) -> str:
    """Words of the kit as HTML: whatever they look like, they are neither markup nor merge tags."""
    safe = escape(text.replace("\r\n", "\n").strip()).replace("{", "&#123;").replace("}", "&#125;")
    return f"<p>{'<br />'.join(safe.split(chr(10)))}</p>" if safe else ""
