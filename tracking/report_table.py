"""Reports as CSV. The main figures in one table: what, detail, number, base, share; as on the page."""

import csv
import io
from collections.abc import Iterable, Sequence

from mailer.web import i18n
from tracking import words
from tracking.figures import Measured, Verdicts
from tracking.reports import Report

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0")  # E-52
Cell = str | int | float | None
Row = Sequence[Cell]


def write(report: Report) -> bytes:
    """The main figures."""
    erased = report.campaign.details_erased_at
    found: list[Row] = []
    for name, detail, n, base in _rows(report):
        # a 0 says "under ten" then: no figure
        if erased and not n:
            continue
        found.append((name, detail, n, base, f"{n / base:.4f}" if base else None))
    if erased:
        found.append((i18n.translate("Details of single people erased"), i18n.day(erased), None, None, None))
    return csv_bytes(_HEAD, found)


def csv_bytes(head: Row, rows: Iterable[Row]) -> bytes:
    """UTF-8 with a mark for spreadsheets; text cells cannot be formulas (E-52). None: an empty cell."""
    out = io.StringIO(newline="")
    table = csv.writer(out, lineterminator="\r\n")
    table.writerow(head)
    for row in rows:
        table.writerow([_cell(value) for value in row])
    return "\N{ZERO WIDTH NO-BREAK SPACE}".encode() + out.getvalue().encode()


_HEAD = ("what", "detail", "number", "base", "share")


def _cell(value: Cell) -> str | float:
    if not isinstance(value, str):
        return "" if value is None else value
    return f"'{value}" if value.startswith(_FORMULA) else value


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
        label = f"{_('Link')} {link.position + 1}"
        if link.variant:
            label = _("Link {n} (variant {letter})", n=link.position + 1, letter=link.letter)
        rows += [(label, f"{link.url} ({name})", n, report.clicks.base) for name, n in _columns(link.unique)]
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
