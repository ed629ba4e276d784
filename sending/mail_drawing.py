"""A small picture of a mail, drawn from its layout: no browser, some tens of milliseconds in a thread.

Pillow's own font has no letters with accents, so their marks are drawn upon the plain letters.
"""

import functools
import io
import unicodedata
from collections.abc import Mapping

from PIL import Image, ImageDraw, ImageFont

from sending import image_bytes, mail_layout, mail_words
from sending.mail_layout import Layout, Shape

WIDTH, HEIGHT = 400, 500
_SCALE = 1.4  # drawn larger, then reduced: edges become soft
_PLACEHOLDER = "#dfe3e8"
_SPELT = str.maketrans({
    "œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "ß": "ss", "ø": "o", "Ø": "O", "\u202f": " ", "\u00a0": " ",
    "’": "'", "‘": "'", "–": "-", "—": "-", "…": "...", "“": '"', "”": '"', "€": "EUR", "•": "-", "→": ">",
    "·": "-",
})  # fmt: skip
# marks as strokes in parts of the letter's size: from, to
_MARKS: Mapping[str, tuple[tuple[float, float, float, float], ...]] = {
    "\u0301": ((-0.05, 0.0, 0.1, -0.13),),
    "\u0300": ((0.05, 0.0, -0.1, -0.13),),
    "\u0302": ((-0.11, 0.0, 0.0, -0.12), (0.0, -0.12, 0.11, 0.0)),
    "\u0308": ((-0.12, -0.06, -0.08, -0.06), (0.08, -0.06, 0.12, -0.06)),
    "\u0303": ((-0.12, -0.04, -0.03, -0.09), (-0.03, -0.09, 0.04, -0.04), (0.04, -0.04, 0.12, -0.09)),
    "\u030a": ((-0.05, -0.06, 0.05, -0.06), (-0.05, -0.12, 0.05, -0.12)),
}
_CEDILLA = "\u0327"


def draw(source: str, *, pictures: Mapping[str, bytes], names: mail_words.Names) -> bytes:
    """WEBP of the first screen of a mail. `source`: MJML with its kit filled in; `pictures`: by address."""
    opened = {address: image for address, data in pictures.items() if (image := _opened(data)) is not None}
    layout = mail_layout.lay_out(
        source, measure=width_of, sizes={key: image.size for key, image in opened.items()}, names=names
    )
    scale = WIDTH * _SCALE / layout.width
    canvas = Image.new("RGB", (round(WIDTH * _SCALE), round(HEIGHT * _SCALE)), layout.background)
    pen = ImageDraw.Draw(canvas)
    for shape in layout.shapes:
        if shape.y * scale < canvas.height:
            _draw_shape(canvas, pen, shape, scale, opened)
    small = canvas.resize((WIDTH, _height(layout)), Image.Resampling.LANCZOS, _shown(canvas, layout, scale))
    out = io.BytesIO()
    small.save(out, "WEBP", quality=82, method=4)
    return out.getvalue()


def _height(layout: Layout) -> int:
    """Short mails give short pictures, yet never a strip."""
    return max(min(HEIGHT, round(layout.height * WIDTH / layout.width)), 200)


def _shown(canvas: Image.Image, layout: Layout, scale: float) -> tuple[float, float, float, float]:
    return 0, 0, canvas.width, _height(layout) * _SCALE


def _opened(data: bytes) -> Image.Image | None:
    """An image of ours was made clean when it came; one that cannot be read is drawn as a grey field."""
    try:
        file = Image.open(io.BytesIO(data))
        if file.width * file.height > image_bytes.MAX_PIXELS:
            return None
        file.draft("RGB", (WIDTH * 2, HEIGHT * 2))
        image = file.convert("RGBA")
    except (OSError, ValueError, SyntaxError):
        return None
    image.thumbnail((WIDTH * 2, HEIGHT * 2))
    return image


def _draw_shape(
    canvas: Image.Image,
    pen: ImageDraw.ImageDraw,
    shape: Shape,
    scale: float,
    pictures: Mapping[str, Image.Image],
) -> None:
    x, y = round(shape.x * scale), round(shape.y * scale)
    right, bottom = round((shape.x + shape.width) * scale), round((shape.y + shape.height) * scale)
    if shape.kind == "words":
        _draw_words(pen, (x, y), shape, scale)
        return
    if right <= x or bottom <= y:
        return
    if shape.kind == "box":
        pen.rounded_rectangle((x, y, right - 1, bottom - 1), shape.radius * scale, fill=shape.color)
        return
    picture = pictures.get(shape.text)
    if picture is None:
        pen.rectangle((x, y, right - 1, bottom - 1), fill=_PLACEHOLDER)
        return
    fitted = picture.resize((right - x, min(bottom - y, canvas.height * 2)))
    canvas.paste(fitted, (x, y), fitted)


def _draw_words(pen: ImageDraw.ImageDraw, at: tuple[int, int], shape: Shape, scale: float) -> None:
    size = shape.size * scale
    font = _font(round(size, 1))
    stroke = max(size / 22, 1) / 3 if shape.bold else 0
    x, y = at
    letters = _letters(shape.text)
    plain = "".join(letter for letter, _ in letters)
    pen.text((x, y), plain, fill=shape.color, font=font, stroke_width=stroke)
    for n, (letter, marks) in enumerate(letters):
        if marks:
            middle = x + font.getlength(plain[:n]) + font.getlength(letter) / 2
            for mark in marks:
                _draw_mark(pen, mark, (middle, y, size), shape.color, letter)
    if shape.underline:
        below, right = y + size * 1.05, x + font.getlength(plain)
        pen.line((x, below, right, below), fill=shape.color, width=max(round(size / 16), 1))


def _draw_mark(
    pen: ImageDraw.ImageDraw, mark: str, place: tuple[float, float, float], color: str, letter: str
) -> None:
    middle, y, size = place
    thick = max(round(size / 12), 1)
    if mark == _CEDILLA:
        pen.line((middle, y + size * 1.0, middle - size * 0.05, y + size * 1.12), fill=color, width=thick)
        return
    top = y + size * (0.16 if letter.isupper() or letter in "bdfhklt" else 0.36)
    for x1, y1, x2, y2 in _MARKS.get(mark, ()):
        ends = (middle + x1 * size, top + y1 * size, middle + x2 * size, top + y2 * size)
        pen.line(ends, fill=color, width=thick)


def _letters(text: str) -> list[tuple[str, str]]:
    """Plain letters, each with its marks."""
    found: list[tuple[str, str]] = []
    for one in unicodedata.normalize("NFD", text.translate(_SPELT)):
        if unicodedata.combining(one):
            if found:
                found[-1] = (found[-1][0], found[-1][1] + one)
        elif one.isprintable():
            found.append((one, ""))
    return found


def width_of(text: str, size: float, bold: bool = False) -> float:
    """Of words in pixels of the mail."""
    plain = "".join(letter for letter, _ in _letters(text))
    return float(_font(20.0).getlength(plain)) * size / 20 * (1.03 if bold else 1)


@functools.lru_cache(64)
def _font(size: float) -> ImageFont.FreeTypeFont:
    found = ImageFont.load_default(max(size, 4))
    assert isinstance(found, ImageFont.FreeTypeFont)
    return found
