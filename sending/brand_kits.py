"""The brand kit of an account: colours, fonts, logo, words of the footer; checked for contrast when saved."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import StringConstraints

from mailer.accounts import audit
from mailer.core.db import AccountTx
from mailer.core.errors import Fault, Invalid
from mailer.core.settings import Settings
from mailer.core.text import N_
from mailer.web.request import Input
from sending import brand, colours, thumbnail_queue
from sending.brand import Brand

Colour = Annotated[
    str,
    StringConstraints(strip_whitespace=True, to_lower=True, pattern=r"^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"),
]
Font = Literal["arial", "verdana", "tahoma", "trebuchet", "georgia", "times", "palatino", "courier"]
_LOGO_WIDTH, _LOGO_HEIGHT = 200, 80


class Kit(Input):
    """Colours as #rrggbb. `logo_image_id`: one of the account's images; nothing: its name in letters."""

    logo_image_id: int | None = None
    color: Colour = brand.DEFAULT.color
    link: Colour = brand.DEFAULT.link
    text: Colour = brand.DEFAULT.text
    background: Colour = brand.DEFAULT.background
    surround: Colour = brand.DEFAULT.surround
    font: Font = "arial"
    heading_font: Font = "arial"
    footer: Annotated[str, StringConstraints(max_length=2_000)] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    logo_image_id: int | None
    color: str
    link: str
    text: str
    background: str
    surround: str
    font: Font
    heading_font: Font
    footer: str
    logo_name: str | None
    width: int | None
    height: int | None


async def stored(tx: AccountTx) -> Kit:
    """What the form begins with: the account's own, or the defaults."""
    found = await _row(tx)
    if found is None:
        return Kit()
    return Kit(**{name: getattr(found, name) for name in Kit.model_fields})


async def of(tx: AccountTx, settings: Settings) -> Brand:
    """The values that drafts of this account are compiled with."""
    found = await _row(tx)
    if found is None:
        return brand.DEFAULT
    width = _LOGO_WIDTH
    if found.width and found.height:
        width = max(24, min(_LOGO_WIDTH, found.width, round(_LOGO_HEIGHT * found.width / found.height)))
    return Brand(
        color=found.color,
        link=found.link,
        text=found.text,
        background=found.background,
        surround=found.surround,
        font=found.font,
        heading_font=found.heading_font,
        footer=found.footer,
        logo=f"{settings.track_url}/t/img/{found.logo_name}" if found.logo_name else "",
        logo_width=width,
    )


async def put(tx: AccountTx, kit: Kit) -> Kit:
    """Drafts look so from now on. Raises Invalid with every fault, each with the colour that would do."""
    kit = kit.model_copy(update={name: _long(getattr(kit, name)) for name in COLOURS})
    faults = contrast_faults(kit)
    if kit.logo_image_id is not None and not await tx.value(
        "SELECT EXISTS (SELECT FROM images WHERE account_id = $1 AND id = $2)", kit.logo_image_id
    ):
        faults.append(Fault("logo_image_id", N_("Choose one of the images."), "unknown"))
    if faults:
        raise Invalid(*faults)
    await tx.run(
        """
        INSERT INTO brand_kits (account_id, logo_image_id, color, link, text_color, background, surround,
                                font, heading_font, footer)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT (account_id) DO UPDATE
        SET logo_image_id = excluded.logo_image_id, color = excluded.color, link = excluded.link,
            text_color = excluded.text_color, background = excluded.background, surround = excluded.surround,
            font = excluded.font, heading_font = excluded.heading_font, footer = excluded.footer,
            version = brand_kits.version + 1, updated_at = now()
        """,
        kit.logo_image_id,
        *(getattr(kit, name) for name in (*COLOURS, "font", "heading_font", "footer")),
    )
    await thumbnail_queue.ask(tx)
    await audit.write(tx, "changed", "brand_kit", tx.account_id)
    return kit


COLOURS = ("color", "link", "text", "background", "surround")


def contrast_faults(kit: Kit) -> list[Fault]:
    """Text and links must be readable on both backgrounds (WCAG 2.2, 1.4.3; F-11)."""
    faults: list[Fault] = []
    grounds = (kit.background, kit.surround)
    for name in ("text", "link"):
        ink = getattr(kit, name)
        worst = min(grounds, key=lambda ground: colours.contrast(ink, ground))
        ratio = colours.contrast(ink, worst)
        if ratio >= colours.ENOUGH:
            continue
        params = {
            "colour": ink,
            "ground": worst,
            # cut, not rounded: 4.49 must not be told as 4.5
            "ratio": int(ratio * 10) / 10,
            "better": colours.readable(ink, *grounds),
        }
        if min(colours.contrast(params["better"], ground) for ground in grounds) < colours.ENOUGH:
            message = N_("{colour}: no colour can be read on both backgrounds. Bring them closer together.")
            faults.append(Fault("background", message, "contrast", params))
            break
        message = N_("{colour} on {ground} has a contrast of {ratio} to 1; 4.5 is needed. {better} would do.")
        faults.append(Fault(name, message, "contrast", params))
    return faults


def _long(colour: str) -> str:
    return colour if len(colour) == 7 else "#" + "".join(digit * 2 for digit in colour[1:])


async def _row(tx: AccountTx) -> _Row | None:
    return await tx.first(
        _Row,
        """
        SELECT k.logo_image_id, k.color, k.link, k.text_color AS text, k.background, k.surround, k.font,
               k.heading_font, k.footer, i.name AS logo_name, i.width, i.height
        FROM brand_kits k
        LEFT JOIN images i ON i.account_id = k.account_id AND i.id = k.logo_image_id
        WHERE k.account_id = $1
        """,
    )
