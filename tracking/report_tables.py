"""Each table of a report as rows for a CSV, under the name that its address has."""

from collections.abc import Callable, Mapping

from mailer.core.text import N_
from mailer.web import i18n
from tracking import comparison, words
from tracking.figures import Measured, Verdicts
from tracking.providers import Words
from tracking.report_table import Row
from tracking.reports import Report
from tracking.whole_report import Whole

NAMES: Mapping[str, str] = {
    "balance": N_("Balance of the send"),
    "rates": N_("Rates"),
    "opens-and-clicks": N_("Opens and clicks"),
    "over-time": N_("Over time"),
    "links": N_("Clicks by link"),
    "providers": N_("By provider"),
    "bounces": N_("Bounces by reason"),
    "unsubscribes": N_("Unsubscribes by reason"),
    "comparison": N_("Compared with your other campaigns"),
}
Table = tuple[Row, list[Row]]


def table(name: str, whole: Whole, provider_words: Words) -> Table:
    """Head and rows. Figures that are not kept are empty cells (A-064)."""
    if name == "providers":
        return _providers(whole, provider_words)
    if name == "bounces":
        return _bounces(whole, provider_words)
    return _MADE[name](whole)


def _known(report: Report, n: int) -> int | None:
    """After the details went, a 0 says "under ten": no figure."""
    return None if report.campaign.details_erased_at and not n else n


def _balance(whole: Whole) -> Table:
    _, balance = i18n.translate, whole.report.balance
    rows: list[Row] = [
        (
            part.status,
            part.reason,
            _(words.STATES[part.status]),
            _reason(part.status, part.reason),
            part.count,
        )
        for part in whole.report.outcomes
    ]
    rows.append(("audience", "", _("Audience"), "", balance.audience))
    return ("status", "reason", "state", "why", "number"), rows


def _reason(status: str, reason: str) -> str:
    found = words.part(status, reason)
    return i18n.translate(found) if found else ""


def _rates(whole: Whole) -> Table:
    report, balance = whole.report, whole.report.balance
    numbers = {
        "delivered": (balance.delivered, balance.sent),
        "bounced_hard": (balance.bounced_hard, balance.sent),
        "opened": (report.opens.unique.people, report.opens.base),
        "clicked": (report.clicks.unique.people, report.clicks.base),
        "unsubscribed": (report.unsubscribed, balance.delivered),
        "complained": (report.complained, balance.delivered),
    }
    rows: list[Row] = []
    for name, (n, base) in numbers.items():
        rate = getattr(report.rates, name)
        rows.append((i18n.translate(comparison.NAMES[name]), _known(report, n) if base else None, base, rate))
    return ("figure", "number", "base", "rate"), rows


def _measured(whole: Whole) -> Table:
    _, report = i18n.translate, whole.report
    rows: list[Row] = []
    for what, whole_word, found in (
        (_("Recipients who opened"), _("Opens in all"), report.opens),
        (_("Recipients who clicked"), _("Clicks in all"), report.clicks),
    ):
        rows += _verdict_rows(report, what, whole_word, found)
    return ("figure", "people", "machines", "unknown", "base"), rows


def _verdict_rows(report: Report, what: str, whole_word: str, found: Measured) -> list[Row]:
    if not found.base:
        return [(what, None, None, None, 0)]
    return [
        (what, *_three(report, found.unique), found.base),
        (whole_word, *_three(report, found.total), found.base),
    ]


def _three(report: Report, found: Verdicts) -> tuple[int | None, int | None, int | None]:
    return _known(report, found.people), _known(report, found.machines), _known(report, found.unknown)


def _over_time(whole: Whole) -> Table:
    moments = whole.over_time.moments
    rows: list[Row] = [(one.at.isoformat(), one.opens, one.clicks, one.unsubscribed) for one in moments]
    return (whole.over_time.unit, "opens", "clicks", "unsubscribed"), rows


def _links(whole: Whole) -> Table:
    report = whole.report
    rows: list[Row] = []
    for link in report.links:
        figures: Row = (None,) * 4
        if report.clicks.base:
            figures = (*_three(report, link.unique), _known(report, link.total.total))
        # a number, as in the file of deliveries
        rows.append((link.position + 1, link.url, link.label, *figures, link.variant))
    return ("position", "url", "text", "people", "machines", "unknown", "clicks", "variant"), rows


def _providers(whole: Whole, provider_words: Words) -> Table:
    rows: list[Row] = []
    for one in whole.providers:
        first = one.answers[0] if one.answers else None
        said = ""
        if first:
            said = provider_words.said(one.provider, first.code or 0, first.reply) or words.answer(
                first.reply
            )
        rows.append(
            (
                provider_words.name(one.provider),
                one.audience,
                one.delivered,
                one.delayed,
                one.bounced_hard,
                one.bounced_soft,
                one.blocked,
                one.waiting,
                one.other,
                i18n.translate(said) if said else "",
                first.reply if first else "",
            )
        )
    head = ("provider", "audience", "delivered", "delayed", "hard", "soft", "blocked", "waiting", "other")
    return (*head, "answer", "reply"), rows


def _bounces(whole: Whole, provider_words: Words) -> Table:
    rows: list[Row] = [
        (
            i18n.translate(words.bounce(one, provider_words.bounced)),
            one.bounce_reason,
            one.count,
            one.hard,
            one.soft,
            one.block,
            "; ".join(f"{said.code or ''} {said.enhanced}".strip() for said in one.codes),
        )
        for one in whole.report.bounces
    ]
    return ("reason", "bounce_reason", "number", "hard", "soft", "block", "codes"), rows


def _unsubscribes(whole: Whole) -> Table:
    rows: list[Row] = [
        (one.reason, i18n.translate(words.DEPARTURES.get(one.reason, one.reason)), one.count)
        for one in whole.report.unsubscribe_reasons
    ]
    return ("reason", "text", "number"), rows


def _comparison(whole: Whole) -> Table:
    rows: list[Row] = [
        (i18n.translate(comparison.NAMES[one.figure]), one.rate, one.median, one.campaigns)
        for one in whole.compared
    ]
    return ("figure", "rate", "median", "campaigns"), rows


_MADE: Mapping[str, Callable[[Whole], Table]] = {
    "balance": _balance,
    "rates": _rates,
    "opens-and-clicks": _measured,
    "over-time": _over_time,
    "links": _links,
    "unsubscribes": _unsubscribes,
    "comparison": _comparison,
}
