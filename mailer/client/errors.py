"""What a call may raise. Every answer that is not a success is an ApiError, by its status."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RowError:
    """One thing to mend. `field` names the input, `row` and `column` count from 1; branch on `code`."""

    field: str
    code: str
    message: str
    row: int | None = None
    column: int | None = None


class MailerError(Exception):
    """Anything that went wrong."""


class ConnectionFailed(MailerError):
    """The service was not reached, or the connection broke, in every try."""


class RunFailed(MailerError):
    """An import or export ended without a result; the text says why."""


class ApiError(MailerError):
    """The service answered with a problem (RFC 9457). `errors` lists every fault of the input."""

    def __init__(self, status: int, problem: Mapping[str, Any], *, retry_after: float | None = None) -> None:
        self.status, self.retry_after = status, retry_after
        self.title = str(problem.get("title") or f"HTTP {status}")
        self.detail = str(problem.get("detail") or "")
        self.code = str(problem.get("code") or "")
        self.request_id = str(problem.get("instance") or "").removeprefix("urn:request:")
        self.errors = [
            RowError(
                field=str(one.get("field", "")),
                code=str(one.get("code", "")),
                message=str(one.get("message", "")),
                row=one.get("row"),
                column=one.get("column"),
            )
            for one in problem.get("errors") or []
        ]
        super().__init__(self._text())

    def _text(self) -> str:
        told = [self.detail] if self.detail else []
        for one in self.errors:
            place = f"row {one.row}, {one.field}" if one.row else one.field
            told.append(f"{place}: {one.message}")
        return f"{self.title} ({self.status})" + "".join(f"\n  {line}" for line in told)


class Unauthorized(ApiError):
    """401: no key, or one that is revoked or expired."""


class Forbidden(ApiError):
    """403: the key or the account may not do this."""


class NotFound(ApiError):
    """404: not there, or not yours."""


class Conflict(ApiError):
    """409: it meets something that is there."""


class Gone(ApiError):
    """410: its time is over."""


class Invalid(ApiError):
    """422: the input has faults."""


class TooManyRequests(ApiError):
    """429, and waiting would have taken too long. `retry_after` is in seconds."""


class ServiceFailed(ApiError):
    """500 and above: `request_id` tells the operator where to look."""


_BY_STATUS: Mapping[int, type[ApiError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    422: Invalid,
    429: TooManyRequests,
}


def of_answer(status: int, problem: object, retry_after: float | None) -> ApiError:
    """The error of an answer; what is no problem document is told by its status alone."""
    kind = ServiceFailed if status >= 500 else _BY_STATUS.get(status, ApiError)
    return kind(status, problem if isinstance(problem, dict) else {}, retry_after=retry_after)
