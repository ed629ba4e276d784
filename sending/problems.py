"""What is wrong in a message somebody wrote, in words that tell where and what to do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    FINE = "fine"


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding. `message` is an English msgid with {params}; line 0 means the whole message."""

    line: int
    column: int | None
    code: str
    message: str
    params: Mapping[str, str | int] = field(default_factory=dict)
    severity: Severity = Severity.ERROR

    def words(self, translate: Callable[[str], str] = str) -> str:
        """The sentence in the reader's language: `translate` is gettext."""
        return translate(self.message).format(**self.params)


def error(line: int, code: str, message: str, *, column: int | None = None, **params: str | int) -> Problem:
    """A finding that blocks; {line} is always among its params."""
    return Problem(line, column, code, message, {"line": line, **params})


def warning(line: int, code: str, message: str, *, column: int | None = None, **params: str | int) -> Problem:
    """A finding to look at; it blocks nothing."""
    return Problem(line, column, code, message, {"line": line, **params}, Severity.WARNING)


def fine(code: str, message: str, **params: str | int) -> Problem:
    """What was looked at and is in order."""
    return Problem(0, None, code, message, params, Severity.FINE)


def blocking(problems: list[Problem]) -> bool:
    return any(problem.severity is Severity.ERROR for problem in problems)
