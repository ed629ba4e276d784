"""A plan in words, in the language of the request."""

from collections.abc import Mapping

from mailer.core.text import N_
from mailer.web import i18n
from sending.recurrences import Recurrence

WEEKDAYS = (
    N_("Monday"),
    N_("Tuesday"),
    N_("Wednesday"),
    N_("Thursday"),
    N_("Friday"),
    N_("Saturday"),
    N_("Sunday"),
)
STATUS: Mapping[str, str] = {"active": N_("Active"), "paused": N_("Paused"), "ended": N_("Ended")}
RESULTS: Mapping[str, str] = {
    "made": N_("Being made"),
    "scheduled": N_("Sent as a campaign"),
    "unchanged": N_("Left out: nothing had changed"),
    "nothing_new": N_("Left out: nothing new in the feed"),
    "blocked": N_("Stopped by the checks"),
    "missed": N_("Missed: it could not be sent in time"),
}


def weekdays() -> list[tuple[int, str]]:
    return [(number, i18n.translate(name)) for number, name in enumerate(WEEKDAYS, 1)]


def days(plan: Recurrence) -> str:
    """“each Monday and Thursday”: on which days, without the time."""
    names = dict(weekdays())
    match plan.every:
        case "day":
            return i18n.translate(N_("each day"))
        case "week":
            return i18n.translate(
                N_("each week: {days}"), days=", ".join(names[number] for number in plan.weekdays)
            )
    if plan.last_weekday is not None:
        return i18n.translate(N_("each month: the last {day}"), day=names[plan.last_weekday])
    if plan.month_day == 31:
        return i18n.translate(N_("each month: the last day"))
    return i18n.translate(N_("each month: day {number}"), number=plan.month_day)


def sentence(plan: Recurrence) -> str:
    return i18n.translate(
        N_("{days}, at {time} ({city})"),
        days=days(plan),
        time=f"{plan.at:%H:%M}",
        city=i18n.zone_city(plan.time_zone),
    )


def last_day(plan: Recurrence) -> str:
    return i18n.day(plan.ends_on) if plan.ends_on else ""
