"""What is asked to be stopped: one address or many pasted, for how long, and whose wish it is."""

import re
from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from lists.legal_bases import Day
from lists.suppressions import Reason
from mailer.core import addresses, clock
from mailer.core.addresses import AddressError
from mailer.core.db import AccountTx
from mailer.core.errors import Fault, Invalid
from mailer.core.text import N_
from mailer.web.request import Input

MOST = 5_000
A_DAY = timedelta(days=1)
TOLD = 20  # lines in error that are shown
TOO_MANY = N_("{n} addresses: at most {most} at once. A larger file goes through an import.")
NONE = N_("Write an address, or several, one a line.")
BAD_LINE = N_("Line {line}: “{text}” is no e-mail address.")
MORE_BAD = N_("{n} more lines are no e-mail addresses.")
NO_END = N_("A refusal of the person has no end: only they can come back.")
PAST = N_("This day is over. Write a day to come.")


class NewStops(Input):
    """`emails`: one a line, or parted by `;` or `,`. `skip`: leave out the lines that are no addresses."""

    emails: Annotated[str, Field(max_length=2_000_000)]
    reason: Literal["added", "objected"] = "added"
    expires_on: Day = None
    skip: bool = False


def read(given: NewStops) -> list[str]:
    """The addresses, each once. Raises Invalid at `emails`, with the number of each line in error."""
    found: dict[str, str] = {}
    bad: list[tuple[int, str]] = []
    for line, text in enumerate(given.emails.splitlines(), 1):
        for word in filter(None, re.split(r"[;,\s]+", text)):
            try:
                address = addresses.parse(word)
                found.setdefault(address.key, address.email)
            except AddressError:
                bad.append((line, word))
    faults = [
        Fault("emails", BAD_LINE, "not_an_address", {"line": line, "text": word[:80]}, row=line)
        for line, word in bad[:TOLD]
    ]
    if len(bad) > TOLD:
        faults.append(Fault("emails", MORE_BAD, "not_an_address", {"n": len(bad) - TOLD}))
    if given.skip:
        faults = []
    if not found and not faults:
        faults.append(Fault("emails", NONE, "missing"))
    if len(found) > MOST:
        faults.append(Fault("emails", TOO_MANY, "too_many", {"n": len(found), "most": MOST}))
    if faults:
        raise Invalid(*faults)
    return list(found.values())


async def check_end(tx: AccountTx, reason: str, day: date | None) -> None:
    """Raises Invalid at `expires_on`."""
    if day is None:
        return
    if reason != Reason.ADDED:
        raise Invalid(Fault("expires_on", NO_END, "no_end"))
    at = await instant(tx, day)
    if at is not None and at <= clock.now():
        raise Invalid(Fault("expires_on", PAST, "past"))


async def instant(tx: AccountTx, day: date | None) -> datetime | None:
    """The beginning of a day where the account is."""
    if day is None:
        return None
    zone: str = await tx.value("SELECT time_zone FROM accounts WHERE id = $1")
    # a day at the end of time has no instant in every zone
    day = max(min(day, date.max - 3 * A_DAY), date.min + 3 * A_DAY)
    return datetime.combine(day, time(), tzinfo=ZoneInfo(zone))
