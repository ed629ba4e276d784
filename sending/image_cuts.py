"""A part of an image, and how wide a mail shows it: numbers of a form → a new image beside the first.

What a name shows never changes, so the result has a name of its own; `image_uses.replace` puts it in place.
"""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from mailer.core.db import Database
from mailer.core.errors import fault
from mailer.core.text import N_
from mailer.web.request import Input
from sending import images
from sending.image_bytes import Cut
from sending.images import COLUMN, Image, Stored

SMALLEST = 8


def _empty_is_none(value: object) -> object:
    return None if value == "" else value


Pixels = Annotated[Annotated[int, Field(ge=0, le=100_000)] | None, BeforeValidator(_empty_is_none)]
Shown = Annotated[Annotated[int, Field(ge=SMALLEST, le=COLUMN)] | None, BeforeValidator(_empty_is_none)]
Shape = Literal["free", "1:1", "4:3", "3:2", "16:9", "2:1", "3:1"]


class Wanted(Input):
    """`left` … `height`: the part, in pixels of the image; empty ones reach as far as it does. A `shape` is
    cut out of the middle of that part. `shown`: pixels in the mail; empty: as wide as the part, a column at
    most. `sharp`: up to twice as many in the file."""

    left: Pixels = None
    top: Pixels = None
    width: Pixels = None
    height: Pixels = None
    shape: Shape = "free"
    shown: Shown = None
    sharp: bool = False


def cut_of(image: Image, wanted: Wanted) -> tuple[Cut, int]:
    """What to cut, and how wide a mail shows the result. Raises Invalid at the side that is wrong."""
    left, width = _side(wanted.left, wanted.width, image.width, ("left", "width"))
    top, height = _side(wanted.top, wanted.height, image.height, ("top", "height"))
    if wanted.shape != "free":
        across, down = (int(part) for part in wanted.shape.split(":"))
        fitting = min(width, height * across // down)
        tall = max(1, fitting * down // across)
        left, top = left + (width - fitting) // 2, top + (height - tall) // 2
        width, height = fitting, tall
    if min(width, height) < SMALLEST:
        raise fault("width", N_("The part is too small: {n} pixels at least."), code="too_small", n=SMALLEST)
    shown = min(wanted.shown or COLUMN, width, COLUMN)
    pixels = shown * 2 if wanted.sharp else shown
    box = (left, top, left + width, top + height)
    whole = box == (0, 0, image.width, image.height)
    return Cut(None if whole else box, pixels), shown


def _side(start: int | None, length: int | None, all_of_it: int, names: tuple[str, str]) -> tuple[int, int]:
    start = start or 0
    if start >= all_of_it:
        message = N_("The part begins outside the image, which has {n} pixels there.")
        raise fault(names[0], message, code="outside", n=all_of_it)
    length = length or all_of_it - start
    if start + length > all_of_it:
        message = N_("The part ends outside the image: {n} pixels are left there.")
        raise fault(names[1], message, code="outside", n=all_of_it - start)
    return start, length


async def make(db: Database, account_id: int, image: Image, wanted: Wanted) -> Stored:
    """The bytes of the part; `images.add` makes an image of them. Raises Invalid, NotFound."""
    cut, shown = cut_of(image, wanted)
    data = await images.original(db, account_id, image.id)
    made = await images.clean(data, cut)
    return (await images.store(db, account_id, made)).shown_at(shown)
