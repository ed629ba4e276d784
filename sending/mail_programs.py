"""What of a source some mail programs do not show: caniemail's data, reduced when the assets are built.

    author's styles, tags and images ─ uses ─▶ css-display-flex, html-video, image-svg … ─▶ who shows it not

Only what the author wrote is looked at: the compiler's own output is made for these programs.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

from mailer.core.text import N_
from mailer.web import i18n
from mailer.web.templating import DIST
from sending import merge, mjml_words
from sending.finding import Finding, Kind
from sending.mjml_source import Lines, Piece, scan
from sending.problems import Problem

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_DECLARATION = re.compile(r"(?<![\w-])(-?[a-z][a-z-]{1,40})\s*:\s*([^;{}]{1,400})", re.IGNORECASE)
_AT = re.compile(r"@(media|font-face|import|keyframes|supports)\b([^{;]{0,200})", re.IGNORECASE)
_PSEUDO = re.compile(r":{1,2}([a-z-]{3,30})", re.IGNORECASE)
_FUNCTION = re.compile(
    r"\b(var|calc|clamp|max|min|light-dark|linear-gradient|radial-gradient|conic-gradient)\(", re.IGNORECASE
)
_UNIT = re.compile(r"\b\d*\.?\d+(vh|vw|vmin|vmax|rem|ch|ex)\b", re.IGNORECASE)
_EXTENSION = re.compile(r"\.(svg|webp|avif|heif|heic|bmp|ico|tiff?|apng|hdr|mp4)(?:[?#]|$)", re.IGNORECASE)
_FUNCTIONS = {
    "var": "css-variables",
    "calc": "css-unit-calc",
    "clamp": "css-function-clamp",
    "max": "css-function-max",
    "min": "css-function-min",
    "light-dark": "css-function-light-dark",
    "linear-gradient": "css-linear-gradient",
    "radial-gradient": "css-radial-gradient",
    "conic-gradient": "css-conic-gradient",
}
_AT_RULES = {
    "font-face": "css-at-font-face",
    "import": "css-at-import",
    "keyframes": "css-at-keyframes",
    "supports": "css-at-supports",
}
# without them the mail falls apart, or says less
_GRAVE = re.compile(r"^(html-|image-|css-(display-(flex|grid)|position|variables|float|unit-calc)$)")
# a mail is whole without them: rounded corners, a line between screens
_QUIET = frozenset({
    "css-at-media", "css-at-media-prefers-color-scheme", "css-border-radius", "css-margin", "css-max-width",
    "css-min-width", "css-pseudo-class-hover", "css-text-decoration",
})  # fmt: skip
_PLATFORMS = {"desktop-webmail": N_("webmail"), "mobile-webmail": N_("webmail on telephones")}
MOST_USES = 5_000


@dataclass(frozen=True, slots=True)
class Known:
    """`as_of`: the day of the data. `features`: slug → what it is called, and who shows it not."""

    as_of: date | None
    names: Mapping[str, str]
    platforms: Mapping[str, str]
    features: Mapping[str, Mapping[str, object]]


@cache
def known() -> Known:
    """Nothing is known where the assets were not built."""
    path = DIST / "mail_programs.json"
    if not path.exists():
        return Known(None, {}, {}, {})
    found = json.loads(path.read_text())
    return Known(date.fromisoformat(found["date"]), found["names"], found["platforms"], found["features"])


def check(source: str) -> Iterator[Finding]:
    """One finding for each thing that a program does not show, at its first place."""
    first: dict[str, int] = {}
    times: dict[str, int] = {}
    for n, (slug, line) in enumerate(uses(source)):
        if n >= MOST_USES:
            break
        first.setdefault(slug, line)
        times[slug] = times.get(slug, 0) + 1
    data = known()
    for slug, line in first.items():
        feature = data.features.get(slug)
        missing = feature["missing"] if feature else None
        if feature is None or not isinstance(missing, dict) or not missing or slug in _QUIET:
            continue
        yield Finding(
            line=line,
            kind=Kind.WARNING if _GRAVE.match(slug) else Kind.ADVICE,
            code="mail_programs",
            message=N_("“{feature}” is not shown by {programs}. Data of {day}.")
            if times[slug] == 1
            else N_("“{feature}”, used {n} times, is not shown by {programs}. Data of {day}."),
            fix=N_("See to it that the message can be read without. About it: {url}"),
            params={
                "feature": str(feature["title"])[:60],
                "n": times[slug],
                "programs": _programs(missing, data),
                "day": i18n.day(data.as_of) if data.as_of else "",
                "url": str(feature["url"]),
            },
        )


def _programs(missing: Mapping[str, Sequence[str]], data: Known) -> str:
    told = []
    for name, platforms in missing.items():
        where = ", ".join(
            i18n.translate(_PLATFORMS[one]) if one in _PLATFORMS else data.platforms.get(one, one)
            for one in platforms
        )
        told.append(f"{data.names.get(name, name)} ({where})" if where else data.names.get(name, name))
    return "; ".join(told)


def uses(source: str) -> Iterator[tuple[str, int]]:
    """Slug and line of everything that the author's styles, tags and images use."""
    masked = merge.masked(source, merge.tags(source))
    lines = Lines(masked)
    parent = ""
    for piece in scan(masked, lines):
        if isinstance(piece, Problem):
            continue
        if piece.kind == "text" and parent in {"mj-style", "style"}:
            for slug, place in _sheet(masked[piece.start : piece.end]):
                yield slug, lines.line(piece.start + place)
        elif piece.kind == "open":
            for slug, place in _tag(piece):
                yield slug, lines.line(place)
        if piece.kind == "open" and not piece.closed:
            parent = piece.name
        elif piece.kind == "close":
            parent = ""


def _tag(piece: Piece) -> Iterator[tuple[str, int]]:
    if piece.name not in mjml_words.TAGS:
        yield f"html-{piece.name}", piece.start
    for one in piece.attributes:
        value = one.value or ""
        if one.name == "style":
            for slug, _ in _rules(value):
                yield slug, one.start
        elif one.name in {"src", "background-url"} and (found := _EXTENSION.search(value)):
            yield f"image-{_named(found[1].lower())}", one.start
        elif one.name in {"src", "background-url"} and value.startswith("data:"):
            yield "image-base64", one.start


def _named(extension: str) -> str:
    return {"heic": "heif", "tif": "tiff"}.get(extension, extension)


def _sheet(css: str) -> Iterator[tuple[str, int]]:
    css = _COMMENT.sub(lambda found: " " * len(found[0]), css)
    for found in _AT.finditer(css):
        name, rest = found[1].lower(), found[2].lower()
        if name == "media" and "prefers-color-scheme" in rest:
            yield "css-at-media-prefers-color-scheme", found.start()
        elif name == "media":
            yield "css-at-media", found.start()
        else:
            yield _AT_RULES[name], found.start()
    for selectors, place in _selectors(css):
        for found in _PSEUDO.finditer(selectors):
            kind = "element" if found[0].startswith("::") else "class"
            yield f"css-pseudo-{kind}-{found[1].lower()}", place + found.start()
    yield from _rules(css)


def _selectors(css: str) -> Iterator[tuple[str, int]]:
    place = 0
    for part in re.split(r"([{}])", css):
        if part not in "{}" and "@" not in part and css[place + len(part) : place + len(part) + 1] != "}":
            yield part[:2_000], place
        place += len(part)


def _rules(css: str) -> Iterator[tuple[str, int]]:
    for found in _DECLARATION.finditer(css):
        name, value = found[1].lower(), found[2].lower()
        if name == "display" and (kind := re.match(r"\s*(?:inline-)?(flex|grid|none)\b", value)):
            yield f"css-display-{kind[1]}", found.start()
        else:
            yield f"css-{name}", found.start()
        for function in _FUNCTION.finditer(value):
            yield _FUNCTIONS[function[1].lower()], found.start()
        for unit in _UNIT.finditer(value):
            yield f"css-unit-{unit[1].lower()}", found.start()
