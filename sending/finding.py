"""A finding of the linter: where, how grave, what, and what to do about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """`error` blocks the send, `warning` is to be looked at, `advice` makes a good mail better."""

    ERROR = "error"
    WARNING = "warning"
    ADVICE = "advice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`message` and `fix` are English msgids with {params}. Line 0 means the whole message."""

    line: int
    column: int | None = None
    kind: Kind
    code: str
    message: str
    fix: str = ""
    params: Mapping[str, str | int] = field(default_factory=dict)
