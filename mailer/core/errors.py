"""What a use case may raise. The faces turn these into a page or into problem+json.

Messages are English msgids with `{params}`; they are translated where they are shown.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from mailer.core.text import N_


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to fix. `field` is the input's name; `row` and `column` count from 1."""

    field: str
    message: str
    code: str = "invalid"
    params: Mapping[str, object] = dataclasses.field(default_factory=dict)
    row: int | None = None
    column: int | None = None


class MailerError(Exception):
    """Our fault: the request number tells the operator where to look."""

    status = 500


class NotFound(MailerError):
    """There is nothing here, or it is not yours."""

    status = 404


class SignInNeeded(MailerError):
    """Sign in first."""

    status = 401


class Forbidden(MailerError):
    """You may see this but not do it. `message` says who can or what is missing first."""

    status = 403

    def __init__(
        self,
        message: str = N_("Your role does not allow this."),
        *,
        code: str = "forbidden",
        params: Mapping[str, object] | None = None,
        link: str = "",
    ) -> None:
        super().__init__(message)
        self.message, self.code, self.params, self.link = message, code, params or {}, link


class Invalid(MailerError):
    """The input has faults; all of them are listed."""

    status = 422

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(f"{fault.field}: {fault.message}" for fault in faults))
        self.faults = faults


class Conflict(Invalid):
    """The input is right but meets something that is already there, or changed meanwhile."""

    status = 409


class Gone(MailerError):
    """It was here, and its time is over."""

    status = 410


class TooMany(MailerError):
    """Too many tries. `retry_after` is in seconds."""

    status = 429

    def __init__(
        self,
        retry_after: int,
        message: str = N_("Too many tries. Try again in {seconds} seconds."),
    ) -> None:
        super().__init__(message)
        self.retry_after, self.message = retry_after, message
        self.params: Mapping[str, object] = {"seconds": retry_after, "minutes": -(-retry_after // 60)}


class Unavailable(MailerError):
    """A part we need is away; nothing was lost. Try again soon."""

    status = 503


def fault(field_name: str, message: str, *, code: str = "invalid", **params: object) -> Invalid:
    """One fault as an Invalid, ready to raise."""
    return Invalid(Fault(field_name, message, code, params))


@contextmanager
def conflict(constraint: str, field_name: str, message: str, **params: object) -> Iterator[None]:
    """The constraint is the check: turns its violation into a Conflict at `field_name`."""
    from mailer.core.db import violated

    try:
        yield
    except Exception as error:
        if violated(error) == constraint:
            raise Conflict(Fault(field_name, message, "conflict", params)) from error
        raise
