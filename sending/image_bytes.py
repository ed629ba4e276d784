"""An uploaded picture → a clean one: decoded and encoded again, nothing else of the file survives.

    size → magic bytes → no markup inside → pixels by the header → decode → turn upright → sRGB → crop, make
    smaller → encode as what every mail program shows: JPEG, PNG, GIF (Outlook for Windows shows no WebP)

Takes up to some seconds of CPU: call it in a thread (architecture §3.15). PIL is imported here and in
`image_frames`, which encodes animations.
"""

import contextlib
import io
import re
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from mailer.core.text import N_
from sending import image_frames

MAX_BYTES = 10_000_000
MAX_PIXELS = 40_000_000  # of all frames together: what the decoder must hold
MAX_FRAMES = 1_000
THUMBNAIL_PIXELS = 320


@dataclass(frozen=True, slots=True)
class CleanImage:
    """`extension` without a dot; width and height in pixels, upright. `seconds` of moving; -1: for ever."""

    media_type: str
    extension: str
    width: int
    height: int
    data: bytes
    frames: int = 1
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Cut:
    """`box`: left, top, right, bottom in pixels, None for the whole. Never made wider than it is."""

    box: tuple[int, int, int, int] | None = None
    max_width: int | None = None

    def apply(self, picture: Image.Image) -> Image.Image:
        part = picture.crop(self.box) if self.box is not None else picture
        if self.max_width is None or part.width <= self.max_width:
            return part
        height = max(1, round(part.height * self.max_width / part.width))
        # palettes and single bits cannot be averaged
        smooth = part if part.mode in ("L", "RGB", "RGBA") else part.convert(_smooth_mode(part))
        return smooth.resize((self.max_width, height), Image.Resampling.LANCZOS)


WHOLE = Cut()


class ImageFault(ValueError):
    """This picture is not taken. `message` is an English msgid with {params}."""

    def __init__(self, code: str, **params: str | int) -> None:
        super().__init__(code)
        self.code, self.message = code, _MESSAGES[code]
        self.params: Mapping[str, str | int] = params


_MESSAGES = {
    "too_large": N_("The image is {size} MB; 10 MB at most. Make it smaller, then upload it again."),
    "svg": N_("Gmail and Outlook show no SVG. Save the image as PNG, twice as wide as it is shown."),
    "flashes": N_(
        "This animation flashes more than three times a second, which can cause seizures. Slow it down."
    ),
    "not_an_image": N_("This file is not an image we can use. Upload a PNG, JPEG, GIF or WebP file."),
    "markup": N_("This image has a web page or a program inside. Save it again with an image editor."),
    "too_many_pixels": N_(
        "The image has {width} × {height} pixels; 40 million at most, all frames together."
    ),
    "too_many_frames": N_("The animation has more than {limit} frames. Shorten it."),
    "damaged": N_("The image is damaged and cannot be opened. Save it again with an image editor."),
}

_FORMATS = {
    "PNG": ("image/png", "png"),
    "JPEG": ("image/jpeg", "jpg"),
    "GIF": ("image/gif", "gif"),
    "WEBP": ("image/webp", "webp"),
}
# Long enough not to turn up by chance in 10 MB of compressed pixels (E-51: polyglots)
_MARKUP = re.compile(rb"<script[\s>/]|<!doctype\s+(?:html|svg)|<html[\s>]|<svg\s+[a-z:]+\s*=|<\?php\s", re.I)

# what Pillow's decoders raise on broken files, each seen in its plugins
_DECODER_ERRORS = (OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, OverflowError,
                   ArithmeticError, struct.error, zlib.error)  # fmt: skip


def reencode(data: bytes, cut: Cut = WHOLE) -> CleanImage:
    """PNG, JPEG, GIF or WebP bytes → the same picture without anything else, or ImageFault.

    EXIF, GPS, comments, profiles and trailing bytes are gone (A-088); animations stay animations.
    """
    if len(data) > MAX_BYTES:
        raise ImageFault("too_large", size=-(-len(data) // 1_000_000))
    name = _format_of(data)
    if _MARKUP.search(data):
        raise ImageFault("markup")
    with contextlib.closing(_opened(data, name)) as image:
        frames = _frame_count(image)
        width, height = image.size
        if width * height * frames > MAX_PIXELS:
            raise ImageFault("too_many_pixels", width=width, height=height)
        try:
            return _still(image, name, cut) if frames == 1 else _animation(image, name, cut)
        except ImageFault:
            raise
        except _DECODER_ERRORS as error:
            raise ImageFault("damaged") from error


def thumbnail(image: CleanImage) -> CleanImage | None:
    """A clean image in at most 320 × 320 pixels, first frame only; None when it is that small already."""
    if max(image.width, image.height) <= THUMBNAIL_PIXELS:
        return None
    name = _format_of(image.data)
    with contextlib.closing(_opened(image.data, name)) as source:
        small = _bare(source.convert("RGBA" if source.has_transparency_data else "RGB"))
    small.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
    out = io.BytesIO()
    small.save(out, "WEBP", quality=80, method=4)
    return CleanImage("image/webp", "webp", *small.size, out.getvalue())


def _format_of(data: bytes) -> str:
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    head = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    raise ImageFault("svg" if head.startswith(b"<") and b"<svg" in head else "not_an_image")


def _opened(data: bytes, name: str) -> Image.Image:
    """Reads the header only."""
    try:
        return Image.open(io.BytesIO(data), formats=[name])
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        width, height = _claimed_size(data, name)
        raise ImageFault("too_many_pixels", width=width, height=height) from error
    except (UnidentifiedImageError, *_DECODER_ERRORS) as error:
        raise ImageFault("damaged") from error


def _claimed_size(data: bytes, name: str) -> tuple[int, int]:
    """Width and height for the message, where the header has them at a fixed place; else zeros."""
    if name == "PNG":
        return struct.unpack(">II", data[16:24])
    if name == "GIF":
        return struct.unpack("<HH", data[6:10])
    return 0, 0


def _frame_count(image: Image.Image) -> int:
    try:
        count = int(getattr(image, "n_frames", 1))
    except _DECODER_ERRORS as error:
        raise ImageFault("damaged") from error
    if count > MAX_FRAMES:
        raise ImageFault("too_many_frames", limit=MAX_FRAMES)
    return max(count, 1)


def _still(image: Image.Image, name: str, cut: Cut) -> CleanImage:
    upright = cut.apply(_upright(image))
    if name == "WEBP":
        name = "PNG" if upright.has_transparency_data else "JPEG"
    out = io.BytesIO()
    if name == "JPEG":
        upright.save(out, name, quality=88, optimize=True, progressive=True)
    else:
        upright.save(out, name, optimize=name == "GIF")
    return CleanImage(*_FORMATS[name], *upright.size, out.getvalue())


def _animation(image: Image.Image, name: str, cut: Cut) -> CleanImage:
    moving = image_frames.read(image, lambda frame: cut.apply(_bare(frame.convert("RGBA"))))
    if image_frames.flashes(moving):
        raise ImageFault("flashes")
    name = "GIF" if name == "WEBP" else name
    data = image_frames.write(moving, name)
    return CleanImage(
        *_FORMATS[name], *moving.frames[0].size, data, frames=len(moving.frames), seconds=moving.seconds
    )


def _smooth_mode(picture: Image.Image) -> str:
    return "RGBA" if picture.has_transparency_data else "RGB"


def _upright(image: Image.Image) -> Image.Image:
    """Turned as EXIF says, in sRGB, without any metadata."""
    turned = ImageOps.exif_transpose(image)
    turned = _in_srgb(turned)
    allowed, otherwise = _MODES[image.format or "PNG"]
    if turned.mode not in allowed:
        see_through = turned.has_transparency_data and "RGBA" in allowed
        turned = turned.convert("RGBA" if see_through else otherwise)
    return _bare(turned)


_MODES = {
    "PNG": ({"1", "L", "LA", "P", "RGB", "RGBA", "I;16"}, "RGB"),
    "JPEG": ({"L", "RGB"}, "RGB"),
    "GIF": ({"1", "L", "P", "RGB", "RGBA"}, "RGB"),
    "WEBP": ({"RGB", "RGBA"}, "RGB"),
}


def _in_srgb(image: Image.Image) -> Image.Image:
    """The profile goes with the metadata, so colours of wide screens and of print are converted first."""
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in {"RGB", "RGBA", "CMYK"}:
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = "RGB" if image.mode == "CMYK" else image.mode
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode=mode)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image  # a profile that cannot be read says nothing about the colours
    return converted or image


def _bare(image: Image.Image) -> Image.Image:
    """A copy whose `info` cannot carry anything over: Pillow writes comments and profiles from there."""
    bare = image.copy()
    kept = {"transparency"}
    bare.info = {key: value for key, value in image.info.items() if key in kept}
    return bare
