"""The mail as it was sent, its links numbered and each with how many people followed it (ui 2.4).

    frozen revision ─ render for a made-up person, `#…` for each tracked link ─▶ HTML ─ number ─▶ HTML

The numbers stand in the mail itself, beside each link, so that they are where a reader saw it at any width.
"""

import re
from collections.abc import Mapping, Sequence

from mailer.core.db import AccountTx
from mailer.core.services import Services
from mailer.web import i18n
from sending import personal
from sending.render import Urls
from tracking.figures import LinkFigures

_PLACE = "https://click-map.invalid/"
_ANCHOR = re.compile(
    rf'<(a|area)\b([^>]*?)\shref="{re.escape(_PLACE)}([0-9]+)"([^>]*)>(\s*<img\b)?', re.IGNORECASE
)
# white beside the blue: one of both is seen on whatever background the author chose
_FRAME = "outline:2px solid #0a5bb0;outline-offset:1px;box-shadow:0 0 0 4px #ffffff;"
# a frame around an image, which is higher than its line
_WHOLE = "display:inline-block;"
_BADGE = (
    '<span style="display:inline-block;margin:0 4px 2px 0;padding:1px 6px;border:1px solid #ffffff;'
    "border-radius:9px;"
    "background:{colour};"
    "color:#ffffff;font:bold 12px/16px system-ui,Arial,sans-serif;text-decoration:none;white-space:nowrap;"
    'vertical-align:middle;mso-hide:all">{text}</span>'
)
_FOLLOWED, _NEVER = "#0a5bb0", "#52606d"


async def html(
    tx: AccountTx,
    services: Services,
    campaign_id: int,
    links: Sequence[LinkFigures],
    *,
    measured: bool,
    variant: int = 1,
) -> str:
    """Raises Gone once the content is erased, RenderFailed or ValueError.

    `links`: of the campaign; those of other variants are left aside. `measured`: clicks are.
    """
    made = await personal.maker(tx, services, campaign_id, variant)
    content = made.loaded.content
    person = personal.sample("", content.language)
    urls = Urls(unsubscribe="#", preferences="#", tracking="#", rights="#", web_version="#")
    # every link of the author, the personal ones too: where they lead does not matter here
    places = {link.position: f"{_PLACE}{link.position}" for link in content.links}
    rendered = made.loaded.program.render(personal.recipient(content, person, urls, tracked=places))
    own = set(made.loaded.link_ids.values())
    return numbered(
        rendered.html, {one.position: one for one in links if one.link_id in own} if measured else {}
    )


def numbered(html: str, links: Mapping[int, LinkFigures]) -> str:
    """`links` by position; a link without figures carries its number alone. Nothing can be followed."""

    def mark(match: re.Match[str]) -> str:
        position = int(match[3])
        found = links.get(position)
        text, colour = str(position + 1), _FOLLOWED
        if found is not None:
            text += f" · {i18n.number(found.unique.people)}"
            colour = _FOLLOWED if found.unique.people else _NEVER
        if match[1].lower() == "area":
            return f"<area{match[2]}{match[4]}>{match[5] or ''}"
        frame = _FRAME + (_WHOLE if match[5] else "")
        rest, changed = re.subn(
            r'\sstyle="', f' style="{frame}', match[2] + match[4], count=1, flags=re.IGNORECASE
        )
        if not changed:
            rest += f' style="{frame}"'
        return f"<a{rest}>{_BADGE.format(text=text, colour=colour)}{match[5] or ''}"

    return _ANCHOR.sub(mark, html)
