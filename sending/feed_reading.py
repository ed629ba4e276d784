"""Bytes of a feed → its items: RSS 2.0, RSS 1.0, Atom (RFC 4287). Pure, bounded, without entities (E-55).

A feed is a stranger's text: titles and summaries become plain text, addresses are http or https.
"""

import hashlib
import html
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit
from xml.parsers import expat

MAX_BYTES = 2_000_000
MAX_ITEMS = 50
_MAX_TEXT = 20_000
_SUMMARY = 400
_MAX_DEPTH = 40
_MEDIA = "http://search.yahoo.com/mrss/"
_DATES = ("published", "pubDate", "date", "updated")


class NoFeed(ValueError):
    """The text is no feed that can be read. Its argument is a key of feed_words.ERRORS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """`key`: what makes it the same when it is read again. `date`: ISO day, "" when there is none."""

    key: str
    title: str
    link: str
    summary: str
    image: str
    date: str


def read(data: bytes, base: str) -> list[Item]:
    """The first items, in the feed's order. `base`: the address that relative ones are meant from.

    Raises NoFeed.
    """
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    # no feed needs entities of its own, and whoever declares some means harm or nothing good
    parser.EntityDeclHandler = _refuse
    parser.StartDoctypeDeclHandler = _doctype
    try:
        parser.Parse(data, True)
    except expat.ExpatError:
        raise NoFeed("not_a_feed") from None
    except (ValueError, LookupError, UnicodeError) as error:
        raise error if isinstance(error, NoFeed) else NoFeed("not_a_feed") from None
    if not reader.is_feed:
        raise NoFeed("not_a_feed")
    found = [_item(one, base) for one in reader.items]
    return list({one.key: one for one in found if one.title or one.summary}.values())[:MAX_ITEMS]


def _refuse(*_: object) -> None:
    raise NoFeed("entities")


def _doctype(name: str, system: str | None, public: str | None, has_internal: int) -> None:
    if has_internal:
        raise NoFeed("entities")


class _Reader:
    """What stands directly in an item; texts of deeper elements belong to the one they are in."""

    def __init__(self) -> None:
        self.items: list[dict[str, str]] = []
        self.is_feed = False
        self._open: list[str] = []
        self._item: dict[str, str] | None = None
        self._depth = 0
        self._field = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        self._open.append(local)
        if len(self._open) > _MAX_DEPTH:
            raise NoFeed("not_a_feed")
        if len(self._open) == 1:
            self.is_feed = local in ("rss", "feed", "RDF")
        if self._item is None:
            if local in ("item", "entry") and len(self.items) < MAX_ITEMS * 4:
                self._item, self._depth = {}, len(self._open)
            return
        if len(self._open) == self._depth + 1:
            self._field = "encoded" if local == "encoded" else local
            if space == _MEDIA and local in ("title", "description"):
                self._field = ""
        self._picture(space, local, attributes)
        if local == "link" and "href" in attributes and attributes.get("rel", "alternate") == "alternate":
            self._item.setdefault("link", attributes["href"])

    def _picture(self, space: str, local: str, attributes: dict[str, str]) -> None:
        assert self._item is not None
        kind = attributes.get("type", "")
        address = attributes.get("url") or attributes.get("href") or ""
        shown = (
            (local == "enclosure" and kind.startswith("image/"))
            or (local == "link" and attributes.get("rel") == "enclosure" and kind.startswith("image/"))
            or (space == _MEDIA and local == "thumbnail")
            or (
                space == _MEDIA
                and local == "content"
                and (kind.startswith("image/") or attributes.get("medium") == "image")
            )
        )
        if shown and address:
            self._item.setdefault("image", address)

    def text(self, text: str) -> None:
        if self._item is None or not self._field:
            return
        known = self._item.get(self._field, "")
        if len(known) < _MAX_TEXT:
            self._item[self._field] = known + text[: _MAX_TEXT - len(known)]

    def end(self, _: str) -> None:
        self._open.pop()
        if self._item is None:
            return
        if len(self._open) < self._depth:
            self.items.append(self._item)
            self._item = None
        if len(self._open) <= self._depth:
            self._field = ""


def _item(found: dict[str, str], base: str) -> Item:
    texts = (found.get(name, "") for name in ("description", "summary", "encoded", "content"))
    long = next((text for text in texts if text.strip()), "")
    page = _Plain.of(long)
    link = _address(found.get("link", ""), base)
    identity = (found.get("guid") or found.get("id") or link or found.get("title", "")).strip()
    if not link and identity.startswith(("http://", "https://")):
        link = _address(identity, base)
    return Item(
        key=hashlib.sha256(identity.encode()).hexdigest()[:32],
        title=_Plain.of(found.get("title", "")).text[:300],
        link=link,
        summary=_shortened(page.text),
        image=_address(found.get("image", "") or page.image, base),
        date=next((day for name in _DATES if (day := _day(found.get(name, "")))), ""),
    )


def _shortened(text: str) -> str:
    if len(text) <= _SUMMARY:
        return text
    return text[:_SUMMARY].rpartition(" ")[0].rstrip(" ,;:.") + "…"


def _address(text: str, base: str) -> str:
    """Absolute, http or https, without what a mail or a template could trip over; else ""."""
    try:
        found = urljoin(base, text.strip()) if text.strip() else ""
        parts = urlsplit(found)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            return ""
    except ValueError:
        return ""
    if len(found) > 1000 or re.search(r"[\s\x00-\x1f\x7f<>\"'`\\]", found):
        return ""
    return found.replace("{", "%7B").replace("}", "%7D")


def _day(text: str) -> str:
    text = text.strip()
    if not text:
        return ""
    for way in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            at = way(text)
            return (at if at.tzinfo is None else at.astimezone(UTC)).date().isoformat()
        except (ValueError, TypeError, OverflowError):
            continue
    return ""


class _Plain(HTMLParser):
    """The text of a piece of HTML, and its first picture."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.image = ""
        self._silent = 0

    @classmethod
    def of(cls, piece: str) -> "_Plain":
        found = cls()
        found.feed(piece)
        found.close()
        return found

    @property
    def text(self) -> str:
        # what was escaped twice is text now, never markup: it is escaped again where it is put into the mail
        whole = html.unescape("".join(self.pieces))
        return " ".join("".join(ch for ch in whole if ch.isprintable() or ch.isspace()).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, Any]]) -> None:
        if tag in ("script", "style"):
            self._silent += 1
        if tag == "img" and not self.image:
            self.image = dict(attrs).get("src") or ""
        self.pieces.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._silent = max(0, self._silent - 1)
        self.pieces.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.pieces.append(data)
