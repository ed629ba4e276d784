"""What is known of a breach, in the words of articles 33 and 34 GDPR; for the operator and for an account.

What is not known yet is said so, and marked where the law asks for it: nothing is made up (C-62).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from mailer.core.errors import Fault, Invalid
from mailer.core.text import N_
from mailer.web import i18n
from mailer.web.request import Input

# the agreement's number for "without undue delay" (art. 33(2)), and that of art. 33(1)
TENANT_HOURS = 48
AUTHORITY_HOURS = 72

Maybe = Annotated[datetime | None, BeforeValidator(lambda value: None if value == "" else value)]
Count = Annotated[
    Annotated[int, Field(ge=0, le=10_000_000_000)] | None,
    BeforeValidator(lambda value: None if value == "" else value),
]
Text = Annotated[str, Field("", max_length=5000)]
KINDS = {
    "confidentiality": N_("Confidentiality: somebody read or got data without the right to"),
    "integrity": N_("Integrity: data was changed without the right to"),
    "availability": N_("Availability: data was lost or could not be reached"),
}
DATA = {
    "contacts": N_("Contacts of accounts"),
    "deliveries": N_("Deliveries: who was sent what"),
    "content": N_("Content of campaigns and messages"),
    "team": N_("People of accounts who sign in"),
}
RISKS = {
    "unknown": N_("Not judged yet"),
    "none": N_("Unlikely to be a risk for people"),
    "risk": N_("A risk for people"),
    "high": N_("A high risk for people: they are told too"),
}


class BreachFacts(Input):
    """Empty texts and absent numbers mean: not known yet. Times without a zone are the reader's."""

    title: str = Field(min_length=1, max_length=200)
    aware_at: datetime
    began_at: Maybe = None
    ended_at: Maybe = None
    kinds: list[Literal["confidentiality", "integrity", "availability"]] = []
    data: list[Literal["contacts", "deliveries", "content", "team"]] = []
    nature: Text = ""
    people: Annotated[str, Field("", max_length=1000)] = ""
    people_count: Count = None
    records: Annotated[str, Field("", max_length=1000)] = ""
    records_count: Count = None
    consequences: Text = ""
    measures: Text = ""
    cause: Text = ""
    risk: Literal["unknown", "none", "risk", "high"] = "unknown"

    def placed(self, zone_name: str, now: datetime) -> "BreachFacts":
        """With a zone at each time. Raises Invalid for times that cannot be."""
        zone = i18n.zone(zone_name)
        times: dict[str, datetime | None] = {
            name: value.replace(tzinfo=zone) if value and value.tzinfo is None else value
            for name, value in (
                ("aware_at", self.aware_at),
                ("began_at", self.began_at),
                ("ended_at", self.ended_at),
            )
        }
        faults = [
            Fault(name, N_("This time lies in the future."))
            for name, value in times.items()
            if value and value > now + timedelta(minutes=5)
        ]
        faults += [
            Fault(name, N_("This is not in the expected form."))
            for name, value in times.items()
            if value and value.year < 2000
        ]
        began, ended = times["began_at"], times["ended_at"]
        if began and ended and ended < began:
            faults.append(Fault("ended_at", N_("The end lies before the beginning.")))
        if faults:
            raise Invalid(*faults)
        return self.model_copy(update=times)


def stored(facts: BreachFacts) -> dict[str, Any]:
    return facts.model_dump(mode="json")


def read(stored_facts: Mapping[str, Any]) -> BreachFacts:
    return BreachFacts.model_validate(dict(stored_facts))


def form(facts: BreachFacts, zone_name: str) -> dict[str, Any]:
    """As the inputs of the page show it: times in the reader's zone, without seconds."""
    zone = i18n.zone(zone_name)
    values = facts.model_dump()
    for name in ("aware_at", "began_at", "ended_at"):
        at = values[name]
        values[name] = at.astimezone(zone).strftime("%Y-%m-%dT%H:%M") if at else ""
    return values


@dataclass(frozen=True, slots=True)
class Clock:
    """`done_at` None: still to be done. `late`: it was done, or is, after its time."""

    due: datetime
    done_at: datetime | None
    now: datetime

    @property
    def late(self) -> bool:
        return (self.done_at or self.now) > self.due

    @property
    def left(self) -> str:
        """ "31 h 20 min", of what is left or what is over."""
        minutes = int(abs(self.due - (self.done_at or self.now)).total_seconds()) // 60
        return f"{minutes // 60}\N{NO-BREAK SPACE}h\N{NO-BREAK SPACE}{minutes % 60:02d}\N{NO-BREAK SPACE}min"


def clock_of(aware_at: datetime, hours: int, done_at: datetime | None, now: datetime) -> Clock:
    return Clock(aware_at + timedelta(hours=hours), done_at, now)


def reminders(aware_at: datetime, hours: int) -> list[datetime]:
    """A day before the end, six hours before, and when it is over."""
    due = aware_at + timedelta(hours=hours)
    return [due - timedelta(hours=24), due - timedelta(hours=6), due]


def next_reminder(aware_at: datetime, hours: int, after: datetime) -> datetime | None:
    return next((at for at in reminders(aware_at, hours) if at > after), None)


def rings(aware_at: datetime, hours: int, last: datetime | None, now: datetime) -> bool:
    """Has the time of a reminder come since the last one? Also late, when no worker ran at that time."""
    return any(at <= now and (last is None or at > last) for at in reminders(aware_at, hours))


def gap(what: str) -> str:
    """A hole that a person has to fill, never a guess; `what` is a msgid."""
    return i18n.translate(N_("[to complete: {what}]"), what=i18n.translate(what))


def lines(facts: BreachFacts, zone: str, *, dpo: str) -> list[tuple[str, str]]:
    """The notice of art. 33(3) in the language in use: label and text, gaps marked."""
    _ = i18n.translate

    def number(value: int | None) -> str:
        return _("number not known yet, it will follow") if value is None else _("about {n}", n=value)

    def at(value: datetime | None) -> str:
        return i18n.moment(value, zone) if value else _("not known yet")

    kinds = " ".join(f"{_(KINDS[kind])}." for kind in facts.kinds)
    people = facts.people or gap(N_("categories of people"))
    records = facts.records or gap(N_("categories of records"))
    return [
        (_("What happened"), facts.title),
        (_("Known since"), at(facts.aware_at)),
        (_("Began"), at(facts.began_at)),
        (_("Ended"), at(facts.ended_at)),
        (
            _("Nature of the breach"),
            " ".join(part for part in (kinds, facts.nature) if part) or gap(N_("nature")),
        ),
        (_("People concerned"), f"{people} ({number(facts.people_count)})"),
        (_("Records concerned"), f"{records} ({number(facts.records_count)})"),
        (_("Contact for more information"), dpo or gap(N_("data protection officer or other contact"))),
        (_("Likely consequences"), facts.consequences or gap(N_("likely consequences"))),
        (_("Measures taken or proposed"), facts.measures or gap(N_("measures"))),
        (_("Cause"), facts.cause or _("not known yet")),
        (_("Risk"), _(RISKS[facts.risk])),
    ]


def gaps(facts: BreachFacts) -> bool:
    """Is something of art. 33(3) not there yet? Then a supplement has to follow (art. 33(4))."""
    needed = (facts.nature, facts.people, facts.records, facts.consequences, facts.measures)
    return not all(needed) or facts.people_count is None or facts.records_count is None
