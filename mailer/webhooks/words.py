"""Webhooks in words: what state one is in, what became of a request. Msgids; the API has the plain names."""

from dataclasses import dataclass
from datetime import datetime

from mailer.core.text import N_
from mailer.web.outgoing import Outcome
from mailer.webhooks.catalogue import KINDS, TEST
from mailer.webhooks.endpoints import Endpoint


@dataclass(frozen=True, slots=True)
class State:
    """`kind` is that of a status mark (ui 3.3). `since`: shown behind the words, when there is one."""

    kind: str
    words: str
    since: datetime | None = None


def state(endpoint: Endpoint) -> State:
    match endpoint.status:
        case "off":
            return State("off", N_("Turned off"))
        case "disabled":
            return State("bad", N_("Given up by Mailer"), endpoint.disabled_at)
    if endpoint.failing_since is not None:
        return State("bad", N_("Failing"), endpoint.failing_since)
    if endpoint.last_success_at is not None:
        return State("ok", N_("Works"))
    return State("wait", N_("Nothing sent yet"))


DISABLED = {
    "gone": N_("It answered that it is gone for good (410). Nothing is sent any more."),
    "failing": N_("For more than three days it took nothing. Nothing is sent any more."),
}
OUTCOMES = {
    Outcome.ACCEPTED: ("ok", N_("Accepted")),
    Outcome.REFUSED: ("bad", N_("Refused")),
    Outcome.REDIRECTED: ("bad", N_("It redirects elsewhere, which is not followed")),
    Outcome.GONE: ("bad", N_("Gone for good")),
    Outcome.TIMEOUT: ("bad", N_("No answer in 20 seconds")),
    Outcome.UNREACHABLE: ("bad", N_("Not reached")),
    Outcome.TLS: ("bad", N_("Its certificate is not valid")),
    Outcome.NOT_ALLOWED: ("bad", N_("Its address is in a private network")),
    Outcome.MALFORMED: ("bad", N_("Its answer is not HTTP")),
}
STATES = {
    "waiting": N_("Will be tried again"),
    "delivered": N_("Delivered"),
    "failed": N_("Failed for good"),
    "missed": N_("Not sent"),
}


def event(type_: str) -> str:
    if type_ == TEST:
        return N_("Test event")
    known = KINDS.get(type_)
    return known.words if known else type_
