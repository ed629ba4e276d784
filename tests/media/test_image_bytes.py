"""Uploaded pictures: only pixels survive, bombs are refused by their header, animations move on."""

import io
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageSequence

from sending import image_bytes
from sending.image_bytes import Cut, ImageFault, reencode


def picture(form: str, image: Image.Image | None = None, **options: object) -> bytes:
    out = io.BytesIO()
    (image or Image.new("RGB", (40, 20), (200, 30, 30))).save(out, form, **options)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def refused(data: bytes) -> str:
    with pytest.raises(ImageFault) as caught:
        reencode(data)
    assert caught.value.message.format(**caught.value.params)
    return caught.value.code


def png_header(width: int, height: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("form", "media_type", "extension"),
    [
        ("PNG", "image/png", "png"),
        ("JPEG", "image/jpeg", "jpg"),
        ("GIF", "image/gif", "gif"),
        ("WEBP", "image/jpeg", "jpg"),
    ],
)
@pytest.mark.req("E-51")
def test_four_formats_come_in_and_what_mail_programs_show_goes_out(
    form: str, media_type: str, extension: str
) -> None:
    clean = reencode(picture(form))
    assert (clean.media_type, clean.extension, clean.width, clean.height) == (media_type, extension, 40, 20)
    image = opened(clean.data)
    assert (image.get_format_mimetype(), image.size) == (media_type, (40, 20))
    red, green, blue = image.convert("RGB").getpixel((20, 10))
    assert abs(red - 200) < 12
    assert abs(green - 30) < 12
    assert abs(blue - 30) < 12


def with_gps() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turn right
    exif[0x010F] = "SECRETCAM"
    exif.get_ifd(0x8825)[2] = (48.0, 51.0, 24.0)
    return exif


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.req("A-088")
def test_exif_and_gps_are_gone_and_the_picture_stands_upright(form: str) -> None:
    image = Image.new("RGB", (40, 20), (0, 0, 255))
    image.paste((255, 0, 0), (0, 0, 20, 20))  # left half red: on top when turned right
    source = picture(form, image, exif=with_gps(), lossless=True, quality=95)
    assert b"SECRETCAM" in source
    clean = reencode(source)
    result = opened(clean.data)
    assert (clean.width, clean.height) == result.size == (20, 40)
    assert dict(result.getexif()) == {}
    assert b"SECRETCAM" not in clean.data
    assert b"Exif" not in clean.data
    top, bottom = (result.convert("RGB").getpixel((10, y)) for y in (5, 35))
    assert top[0] > 200 > 60 > top[2]
    assert bottom[2] > 200 > 60 > bottom[0]


@pytest.mark.req("A-088", "E-51")
def test_comments_texts_profiles_and_trailing_bytes_are_gone() -> None:
    from PIL.PngImagePlugin import PngInfo

    text = PngInfo()
    text.add_text("Author", "Jeanne Secret")
    text.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta>Jeanne Secret</x:xmpmeta>")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    sources = [
        picture("PNG", pnginfo=text, icc_profile=profile),
        picture("JPEG", comment=b"Jeanne Secret", icc_profile=profile),
        picture("GIF", comment=b"Jeanne Secret"),
        picture("WEBP", xmp=b"Jeanne Secret", icc_profile=profile),
    ]
    for source in sources:
        data = reencode(source + b"Jeanne Secret behind").data
        assert b"Jeanne Secret" in source
        assert b"Secret" not in data
        assert "icc_profile" not in opened(data).info


def test_see_through_pixels_stay_so() -> None:
    image = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    image.putpixel((1, 1), (255, 0, 0, 255))
    for form in ("PNG", "WEBP", "GIF"):
        assert reencode(picture(form, image, lossless=True)).extension == ("gif" if form == "GIF" else "png")
        result = opened(reencode(picture(form, image, lossless=True)).data).convert("RGBA")
        assert result.getpixel((0, 0))[3] == 0, form
        assert result.getpixel((1, 1))[3] == 255, form


def test_print_colours_become_screen_colours() -> None:
    clean = opened(reencode(picture("JPEG", Image.new("CMYK", (8, 8), (0, 255, 255, 0)))).data)
    assert clean.mode == "RGB"
    red, green, blue = clean.getpixel((4, 4))
    assert red > 200 > 100 > max(green, blue)


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
@pytest.mark.req("E-51")
def test_animations_stay_animations(form: str) -> None:
    colours = [(255, 0, 0, 255), (0, 255, 0, 255), (0, 0, 255, 255)]
    frames = [Image.new("RGBA", (16, 16), (0, 0, 0, 0)) for _ in colours]
    for i, (frame, colour) in enumerate(zip(frames, colours, strict=True)):
        frame.paste(colour, (i * 5, 0, i * 5 + 5, 16))
    source = (
        picture(
            form,
            frames[0],
            save_all=True,
            append_images=frames[1:],
            duration=[100, 200, 300],
            loop=0,
            disposal=2,
        )
        if form == "GIF"
        else picture(
            form,
            frames[0],
            save_all=True,
            append_images=frames[1:],
            duration=[100, 200, 300],
            loop=0,
            lossless=True,
        )
    )
    clean = reencode(source)
    assert (clean.frames, clean.seconds) == (3, -1.0)
    result = Image.open(io.BytesIO(clean.data))
    assert (result.format, result.n_frames) == ("GIF" if form == "WEBP" else form, 3)
    assert result.info["loop"] == 0
    durations = []
    for i, frame in enumerate(ImageSequence.Iterator(result)):
        frame.load()
        durations.append(frame.info["duration"])
        pixels = frame.convert("RGBA")
        for j, colour in enumerate(colours):
            red, green, blue, alpha = pixels.getpixel((j * 5 + 2, 8))
            assert (alpha > 200) == (i == j), (i, j)
            if i == j:
                assert max(abs(red - colour[0]), abs(green - colour[1]), abs(blue - colour[2])) < 40
    assert durations == [100, 200, 300]


def moving(colours: list[int], milliseconds: int, **more: object) -> bytes:
    frames = [Image.new("RGB", (20, 20), (colour, colour, colour)) for colour in colours]
    return picture(
        "GIF", frames[0], save_all=True, append_images=frames[1:], duration=milliseconds, disposal=2, **more
    )


@pytest.mark.req("E-51", "F-11")
def test_an_animation_that_flashes_more_than_three_times_a_second_is_refused() -> None:
    flash = [0, 255] * 4
    assert refused(moving(flash, 100)) == "flashes"
    assert reencode(moving(flash, 200)).frames == 8
    # a slow slide between greys is no flash, and one that plays on counts its jump back to the start
    assert reencode(moving(list(range(0, 250, 10)), 40, loop=0)).frames == 25
    assert reencode(moving([0, 255], 100)).frames == 2
    assert refused(moving([0, 255], 100, loop=0)) == "flashes"


def test_an_animation_says_how_long_it_moves() -> None:
    assert reencode(moving([0, 90, 180], 500)).seconds == 1.5
    twice = reencode(moving([0, 90, 180], 500, loop=1))
    assert twice.seconds == 3.0
    assert Image.open(io.BytesIO(twice.data)).info["loop"] == 1
    assert "loop" not in Image.open(io.BytesIO(reencode(moving([0, 90], 500)).data)).info


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP"])
def test_a_part_is_cut_out_and_made_smaller(form: str) -> None:
    image = Image.new("RGB", (400, 200), (0, 0, 255))
    image.paste((255, 0, 0), (200, 0, 400, 200))
    cut = Cut(box=(200, 0, 400, 200), max_width=100)
    clean = reencode(picture(form, image, quality=95), cut)
    assert (clean.width, clean.height) == (100, 100)
    red, _, blue = opened(clean.data).convert("RGB").getpixel((5, 50))
    assert red > 200 > 60 > blue
    assert reencode(picture(form, image), Cut(max_width=1200)).width == 400


def test_every_frame_of_an_animation_is_cut() -> None:
    clean = reencode(moving([0, 90, 180], 500), Cut(box=(0, 0, 10, 20), max_width=5))
    result = Image.open(io.BytesIO(clean.data))
    assert (result.size, result.n_frames) == ((5, 10), 3)


@pytest.mark.parametrize("size", [(30_000, 30_000), (10_000, 10_000), (8_000, 5_001)])
@pytest.mark.req("E-51")
def test_a_pixel_bomb_is_refused_by_its_header(size: tuple[int, int]) -> None:
    with pytest.raises(ImageFault) as caught:
        reencode(png_header(*size))
    assert caught.value.code == "too_many_pixels"
    assert (caught.value.params["width"], caught.value.params["height"]) == size


@pytest.mark.req("E-51")
def test_frames_count_together() -> None:
    frames = [Image.new("1", (4000, 1100), n % 2) for n in range(10)]
    source = picture("GIF", frames[0], save_all=True, append_images=frames[1:], duration=50)
    assert len(source) < 1_000_000
    assert refused(source) == "too_many_pixels"
    many = [Image.new("1", (2, 2), n % 2) for n in range(image_bytes.MAX_FRAMES + 1)]
    assert (
        refused(picture("GIF", many[0], save_all=True, append_images=many[1:], duration=50))
        == "too_many_frames"
    )


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "not_an_image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "svg"),
        (b"<?xml version='1.0'?><svg/>", "svg"),
        (b"\xef\xbb\xbf <!-- drawn by hand --> <!-- twice -->\n<svg width='1'/>", "svg"),
        (b"<html><script>alert(1)</script></html>", "not_an_image"),
        (b"%PDF-1.7", "not_an_image"),
        (b"BM" + bytes(100), "not_an_image"),
        (b"GIF89a/*<svg onload=alert(1)>*/", "markup"),
        (b"GIF89a", "damaged"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "damaged"),
        (b"\xff\xd8\xff\xe0" + bytes(50), "damaged"),
        (b"RIFF\x10\0\0\0WEBPVP8 " + bytes(50), "damaged"),
        (png_header(10, 10), "damaged"),
        (picture("JPEG")[:-200], "damaged"),
        (picture("PNG") + b"<script>alert(1)</script>", "markup"),
        (picture("GIF", comment=b"<html ><body>"), "markup"),
        (picture("JPEG", comment=b"<?php system('x') ?>"), "markup"),
    ],
)
@pytest.mark.req("E-51")
def test_what_is_no_clean_picture_is_refused(data: bytes, code: str) -> None:
    assert refused(data) == code


@pytest.mark.req("E-51")
def test_ten_megabytes_at_most() -> None:
    data = picture("PNG")
    assert reencode(data + bytes(image_bytes.MAX_BYTES - len(data))).width == 40
    assert refused(data + bytes(image_bytes.MAX_BYTES - len(data) + 1)) == "too_large"


@given(st.sampled_from(["PNG", "JPEG", "GIF", "WEBP"]), st.data())
@settings(max_examples=150, deadline=None)
@pytest.mark.req("E-51")
def test_damage_anywhere_is_refused_or_survived_and_nothing_else(form: str, data: st.DataObject) -> None:
    source = bytearray(picture(form, with_noise()))
    for _ in range(data.draw(st.integers(1, 6))):
        source[data.draw(st.integers(0, len(source) - 1))] = data.draw(st.integers(0, 255))
    try:
        clean = reencode(bytes(source))
    except ImageFault:
        return
    assert opened(clean.data).size == (clean.width, clean.height)


def with_noise() -> Image.Image:
    image = Image.new("RGB", (24, 24))
    image.putdata([(n * 7 % 256, n * 13 % 256, n * 29 % 256) for n in range(24 * 24)])
    return image
