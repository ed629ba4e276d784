"""A line of the table of retention: what it says of a class of data, and how the age of its rows is told."""

from dataclasses import dataclass
from datetime import datetime

from retention_jobs.periods import Period


@dataclass(frozen=True, slots=True)
class Age:
    """Rows of `table` are over by `column`; `where`: only those. `day`: a date, over when the whole day is.

    `small`: a table that a rule keeps so short that no index is needed to find its oldest row. `person`: the
    column of the contact whom a law may hold.
    """

    table: str
    column: str
    where: str = ""
    day: bool = False
    small: bool = False
    person: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataClass:
    """`what` and `kept` are words of the page, `kept` with the moment from which it counts, in one sentence;
    `source` is the requirement that asks for the period.

    `why`: the law or the promise behind it in words, for whoever reads the page.
    `shown`: a line of the account's page. `platform`: belongs to no account.
    """

    what: str
    kept: str
    source: str
    why: str = ""
    rule: str = ""
    period: Period | None = None
    tables: str = ""
    ages: tuple[Age, ...] = ()
    elsewhere: tuple[str, ...] = ()
    platform: bool = False
    shown: bool = True

    def before(self, now: datetime) -> datetime:
        """What began before then has to be gone. Raises ValueError for a class without a period."""
        if self.period is None:
            raise ValueError(f"{self.what}: no period")
        return self.period.before(now)
