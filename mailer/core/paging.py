"""Keyset paging: a page, and an opaque cursor to the next."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import orjson

from mailer.core.errors import fault
from mailer.core.text import N_

T = TypeVar("T")
SIZES = (25, 50, 100)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """`next_cursor` None: this is the last page."""

    items: Sequence[T]
    next_cursor: str | None = None


def encode(*key: object) -> str:
    """The key of a page's last row as a cursor."""
    return base64.urlsafe_b64encode(orjson.dumps(key)).rstrip(b"=").decode()


def decode(cursor: str | None, kinds: tuple[type, ...]) -> tuple[object, ...] | None:
    """The key after which to go on, or None for the first page. Raises Invalid at field `cursor`."""
    if not cursor:
        return None
    try:
        key = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except ValueError:
        key = None
    if not isinstance(key, list) or len(key) != len(kinds):
        raise fault("cursor", N_("This cursor is damaged. Start again without it."))
    for value, kind in zip(key, kinds, strict=True):
        # type(), because true is an int too
        if type(value) is not kind or (isinstance(value, int) and not -(2**63) <= value < 2**63):
            raise fault("cursor", N_("This cursor is damaged. Start again without it."))
    return tuple(key)


def page(rows: Sequence[T], limit: int, *, key: Callable[[T], tuple[object, ...]]) -> Page[T]:
    """From `limit + 1` rows that were asked for: a page of `limit`, and its cursor if there are more."""
    if len(rows) <= limit:
        return Page(rows)
    return Page(rows[:limit], encode(*key(rows[limit - 1])))
