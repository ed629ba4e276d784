"""What the colours of a mail become in dark mode, as far as it can be told from the mail.

declared      the author's rules in @media (prefers-color-scheme: dark) are laid over (Apple Mail reads them),
              or the mail says that it knows dark mode: then what has no background stands on a dark one
undeclared    programs such as Outlook's and Gmail's turn light into dark by themselves. None says how: both
              colours are turned to the other end of lightness here, hue kept. An estimate, hence advice alone
"""

import colorsys
import re
from dataclasses import dataclass

from selectolax.lexbor import LexborNode

from sending import visibility
from sending.mail_tree import MailTree
from sending.visibility import Colour

DARK: Colour = (18, 18, 18)
_MEDIA = re.compile(r"@media([^{}@]{0,200})\{", re.IGNORECASE)
_DARK = re.compile(r"prefers-color-scheme\s{0,9}:\s{0,9}dark", re.IGNORECASE)
_RULES = re.compile(r"(?:[^{}]*\{[^{}]*\})*")
_RULE = re.compile(r"(?<![^{}])([^{}]+)\{([^{}]*)\}")
_KNOWS = re.compile(r"(?<![\w-])color-scheme\s{0,9}:[^;}]{0,60}dark", re.IGNORECASE)
MOST_RULES = 300


@dataclass(frozen=True, slots=True)
class Dark:
    """`declared`: the author thought of it."""

    page: MailTree
    declared: bool
    over: dict[int, dict[str, str]]
    behind: Colour

    def colours(self, node: LexborNode) -> tuple[Colour, Colour] | None:
        if not self.declared:
            both = self.page.seen.colours(node)
            return None if both is None else (turned(both[0]), turned(both[1]))
        return self.page.seen.colours(node, over=self.over, behind=self.behind)


def of(page: MailTree) -> Dark:
    sheets = "\n".join(sheet.text(deep=True) for sheet in page.tree.css("style"))
    over: dict[int, dict[str, str]] = {}
    blocks = [
        found[0]
        for media in _MEDIA.finditer(sheets)
        if _DARK.search(media[1]) and (found := _RULES.match(sheets, media.end()))
    ]
    rules = [rule for block in blocks for rule in _RULE.findall(block)]
    for selectors, body in rules[:MOST_RULES]:
        for selector in selectors.split(","):
            for node in visibility.selected(page.tree, selector):
                _lay(over, node, body)
    meta = [
        node.attributes.get("content") or ""
        for node in page.tree.css("meta")
        if (node.attributes.get("name") or "").lower() in {"color-scheme", "supported-color-schemes"}
    ]
    knows = any("dark" in one.lower() for one in meta) or _KNOWS.search(sheets) is not None
    return Dark(page, bool(over) or knows, over, DARK if knows else (255, 255, 255))


def _lay(over: dict[int, dict[str, str]], node: LexborNode, body: str) -> None:
    """A rule without !important loses against the element's own style (CSS Cascade 4, §6.1)."""
    own = visibility.declared(node)
    for name, value, important in visibility.declarations(body):
        if name in {"color", "background-color", "background"} and (important or name not in own):
            over.setdefault(node.mem_id, {})[name] = value


def turned(colour: Colour) -> Colour:
    """The same hue at the other end of lightness."""
    hue, light, full = colorsys.rgb_to_hls(*(part / 255 for part in colour))
    red, green, blue = colorsys.hls_to_rgb(hue, 1 - light, full)
    return (round(red * 255), round(green * 255), round(blue * 255))
