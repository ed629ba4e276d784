"""A report as one CSV table: what, detail, number, base, share. The same figures as the page."""

import csv
import io

from mailer.web import i18n
from tracking import words
from tracking.figures import Measured, Verdicts
from tracking.reports import Report

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write(report: Report) -> bytes:
    """UTF-8 with a mark for spreadsheets; text cells cannot be formulas (E-52)."""
    out = io.StringIO(newline="")
    table = csv.writer(out, lineterminator="\r\n")
    table.writerow(_HEAD)
    erased = report.campaign.details_erased_at
    for name, detail, n, base in _rows(report):
        # a 0 says "under ten" then: no figure
        if erased and not n:
            continue
        share = "" if not base else f"{n / base:.4f}"
        table.writerow((_cell(name), _cell(detail), n, "" if base is None else base, share))
    if erased:
        day = i18n.day(erased)
        table.writerow((i18n.translate("Details of single people erased"), day, "", "", ""))
    return "\N{ZERO WIDTH NO-BREAK SPACE}".encode() + out.getvalue().encode()


_HEAD = ("what", "detail", "number", "base", "share")


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _rows(report: Report) -> list[tuple[str, str, int, int | None]]:
    balance, _ = report.balance, i18n.translate
    rows: list[tuple[str, str, int, int | None]] = [
        (_("Audience"), "", balance.audience, None),
        (_("Messages sent"), "", balance.sent, balance.audience),
        (_("Delivered"), "", balance.delivered, balance.sent),
    ]
    for part in report.outcomes:
        if part.status != "delivered":
            reason = words.part(part.status, part.reason)
            rows.append(
                (_(words.STATES[part.status]), _(reason) if reason else "", part.count, balance.audience)
            )
    rows += _measured(_("Opens"), report.opens)
    rows += _measured(_("Clicks"), report.clicks)
    for link in report.links:
        rows += [
            (f"{_('Link')} {link.position + 1}", f"{link.url} ({name})", n, report.clicks.base)
            for name, n in _columns(link.unique)
        ]
    for left in report.unsubscribe_reasons:
        reason = _(words.DEPARTURES.get(left.reason, left.reason))
        rows.append((_("Unsubscribes"), reason, left.count, balance.delivered))
    rows.append((_("Complaints"), "", report.complained, balance.delivered))
    return rows


def _columns(verdicts: Verdicts) -> list[tuple[str, int]]:
    _ = i18n.translate
    return [
        (_("people"), verdicts.people),
        (_("machines"), verdicts.machines),
        (_("unknown"), verdicts.unknown),
    ]


def _measured(name: str, measured: Measured) -> list[tuple[str, str, int, int | None]]:
    if not measured.base:
        return [(name, i18n.translate("Not measured"), 0, None)]
    return [(name, detail, n, measured.base) for detail, n in _columns(measured.unique)]
