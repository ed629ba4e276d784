"""The operator's people read an account for a purpose, an hour at most, and the account sees it (A-018).

    ask ─▶ open ─▶ over after its minutes, or ended by either side     each page: a line of the journal
       └─▶ waits for an owner, where the account wants to be asked ─▶ open | refused | over after a day

They read only, and only what the purpose needs; they download nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field

from mailer.accounts import audit
from mailer.core import clock, outbox, paging
from mailer.core.actor import Actor
from mailer.core.db import AccountTx, SharedTx
from mailer.core.errors import Conflict, Fault, Forbidden, NotFound, fault
from mailer.core.text import N_
from mailer.web import i18n
from mailer.web.request import Input

Purpose = Literal["support", "billing", "statistics", "legal"]
PURPOSES: dict[str, str] = {
    "support": N_("Support that the account asked for"),
    "billing": N_("Invoicing"),
    "statistics": N_("Summaries for our own statistics"),
    "legal": N_("A legal requirement"),
}
# the first parts of the addresses under an account that a purpose opens; None: all that an analyst may read
PAGES: dict[str, frozenset[str] | None] = {
    "support": None,
    "billing": frozenset({"", "settings/account"}),
    "statistics": frozenset({"", "reports"}),
    "legal": None,
}
WAITS = timedelta(days=1)
LONGEST = timedelta(minutes=60)
# ends of addresses known to download, refused before any work; of the rest the answer tells (`check_answer`)
_NO_DOWNLOAD = (
    ".csv", ".json", ".ndjson", ".html", ".md", ".txt", "/file", "/raw", "/rejects", "/events",
)  # fmt: skip
_NOTHING = N_("An access of the operator reads pages; it downloads nothing.")
# what the journal calls a page, by the first part of its address
NOUNS = {
    "campaigns": "campaign",
    "contacts": "contact",
    "designs": "design",
    "domains": "domain",
    "exports": "export",
    "fields": "field",
    "forms": "signup_form",
    "imports": "import",
    "integrations": "api_key",
    "lists": "mailing_list",
    "media": "image",
    "messages": "message",
    "segments": "segment",
    "senders": "sender",
    "suppressions": "suppression",
    "tags": "tag",
    "test-addresses": "seed",
}


class NewAccess(Input):
    account: int = Field(ge=1, lt=2**63)
    purpose: Purpose
    ticket: str = Field(min_length=1, max_length=80)
    minutes: int = Field(30, ge=1, le=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """`account` "": the reader is the account itself. `operator`: by name, for operators alone."""

    id: int
    account_id: int
    account: str
    operator: str
    purpose: str
    ticket: str
    minutes: int
    asked_at: datetime
    starts_at: datetime | None
    ends_at: datetime | None
    ended_at: datetime | None
    ended_by: str

    def state(self, now: datetime) -> str:
        """waiting, open, over, refused."""
        if self.ended_by == "refused":
            return "refused"
        if self.ended_at is not None:
            return "over"
        if self.ends_at is None:
            return "waiting" if now < self.asked_at + WAITS else "over"
        return "open" if now < self.ends_at else "over"

    @property
    def until(self) -> datetime | None:
        return min((at for at in (self.ends_at, self.ended_at) if at), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Account:
    name: str
    staff_approval: bool


@dataclass(frozen=True, slots=True)
class _Owner:
    email: str
    first_name: str
    language: str


async def ask(
    tx: SharedTx, new: NewAccess, *, operator_id: int, public_url: str, approved: bool = False
) -> int:
    """Opens at once, or waits for an owner. Raises Invalid at `account`; Conflict when one is open.

    `approved`: nobody is there who could (A-091).
    """
    now = clock.now()
    account = await tx.first(
        _Account, "SELECT name, staff_approval FROM accounts WHERE id = $1 FOR UPDATE", new.account
    )
    if account is None:
        raise fault(
            "account", N_("There is no account with this number: {numbers}."), numbers=str(new.account)
        )
    if await tx.value(
        """
        SELECT EXISTS (SELECT FROM staff_accesses
                       WHERE account_id = $1 AND operator_id = $2 AND ended_at IS NULL
                         AND coalesce(ends_at, asked_at + $4) > $3)
        """,
        new.account,
        operator_id,
        now,
        WAITS,
    ):
        raise Conflict(
            Fault("account", N_("An access of yours to this account is open or waits."), "conflict")
        )
    starts = None if account.staff_approval and not approved else now
    access_id: int = await tx.value(
        """
        INSERT INTO staff_accesses (account_id, operator_id, purpose, ticket, minutes, asked_at, starts_at,
                                    ends_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        RETURNING id
        """,
        new.account,
        operator_id,
        new.purpose,
        new.ticket,
        new.minutes,
        now,
        starts,
        starts + timedelta(minutes=new.minutes) if starts else None,
    )
    inside = await tx.enter(new.account)
    inside.actor = Actor("operator", access_id)
    await audit.write(inside, "opened" if starts else "requested", "staff_access", access_id)
    await _tell(inside, new, account.name, waits=starts is None, public_url=public_url)
    return access_id


async def _tell(tx: AccountTx, new: NewAccess, account: str, *, waits: bool, public_url: str) -> None:
    owners = await tx.many(
        _Owner,
        """
        SELECT u.email, u.first_name, u.language
        FROM memberships m
        JOIN users u ON u.id = m.user_id
        WHERE m.account_id = $1 AND m.role = 'owner' AND NOT u.disabled
        ORDER BY u.id
        """,
    )
    for owner in owners:
        with i18n.speaking(owner.language):
            details = {
                "name": owner.first_name,
                "account": account,
                "waits": waits,
                "purpose": i18n.translate(PURPOSES[new.purpose]),
                "ticket": new.ticket,
                "minutes": new.minutes,
                "link": f"{public_url}/app/{tx.account_id}/settings/staff-access",
            }
        await outbox.write(tx, "staff_access", owner.email, language=owner.language, details=details)


async def approve(tx: AccountTx, access_id: int) -> None:
    """By an owner: it runs from now. Raises NotFound; Conflict when it no longer waits."""
    now = clock.now()
    touched = await tx.shared().run(
        """
        UPDATE staff_accesses
        SET starts_at = $3, ends_at = $3 + make_interval(mins => minutes), approved_by = $4
        WHERE account_id = $1 AND id = $2 AND starts_at IS NULL AND ended_at IS NULL AND asked_at + $5 > $3
        """,
        tx.account_id,
        access_id,
        now,
        tx.actor.id,
        WAITS,
    )
    await _settled(tx, access_id, touched, "approved")


async def end(tx: AccountTx, access_id: int) -> None:
    """By the account: what is open is over, what waits is refused. Raises NotFound, Conflict."""
    touched = await tx.shared().run(
        """
        UPDATE staff_accesses
        SET ended_at = $3, ended_by = CASE WHEN starts_at IS NULL THEN 'refused' ELSE 'account' END
        WHERE account_id = $1 AND id = $2 AND ended_at IS NULL AND coalesce(ends_at, asked_at + $4) > $3
        """,
        tx.account_id,
        access_id,
        clock.now(),
        WAITS,
    )
    await _settled(tx, access_id, touched, "ended")


async def _settled(tx: AccountTx, access_id: int, touched: int, act: str) -> None:
    if not touched:
        known = await tx.shared().value(
            "SELECT 1 FROM staff_accesses WHERE account_id = $1 AND id = $2", tx.account_id, access_id
        )
        if known is None:
            raise NotFound
        raise Conflict(Fault("access", N_("This access is over already."), "state"))
    await audit.write(tx, act, "staff_access", access_id)


async def leave(tx: SharedTx, access_id: int) -> None:
    """By an operator, also somebody else's. Raises NotFound when it is not open and does not wait."""
    account_id = await tx.value(
        """
        UPDATE staff_accesses SET ended_at = $2, ended_by = 'operator'
        WHERE id = $1 AND ended_at IS NULL
        RETURNING account_id
        """,
        access_id,
        clock.now(),
    )
    if account_id is None:
        raise NotFound
    inside = await tx.enter(account_id)
    inside.actor = Actor("operator", access_id)
    await audit.write(inside, "ended", "staff_access", access_id)


async def many(tx: SharedTx, cursor: str = "", *, account_id: int | None = None) -> paging.Page[Access]:
    """The newest first; of one account, or of all. Raises Invalid for a damaged cursor."""
    before = paging.decode(cursor, (int,))
    rows = await tx.many(
        Access,
        """
        SELECT s.id, s.account_id, a.name AS account,
               coalesce(nullif(trim(u.first_name || ' ' || u.last_name), ''), u.email, '') AS operator,
               s.purpose, s.ticket, s.minutes, s.asked_at, s.starts_at, s.ends_at, s.ended_at, s.ended_by
        FROM staff_accesses s
        JOIN accounts a ON a.id = s.account_id
        LEFT JOIN users u ON u.id = s.operator_id
        WHERE ($1::bigint IS NULL OR s.id < $1) AND ($2::bigint IS NULL OR s.account_id = $2)
        ORDER BY s.id DESC
        LIMIT 51
        """,
        before[0] if before else None,
        account_id,
    )
    return paging.page(rows, 50, key=lambda row: (row.id,))


async def wants_approval(tx: AccountTx, wanted: bool) -> None:
    await tx.run("UPDATE accounts SET staff_approval = $2 WHERE id = $1", wanted)
    await audit.write(tx, "changed", "staff_access")


async def must_approve(tx: AccountTx) -> bool:
    return bool(await tx.value("SELECT staff_approval FROM accounts WHERE id = $1"))


def check(purpose: str, method: str, below: str) -> None:
    """Raises Forbidden for what this purpose does not need; `below`: the address under the account's."""
    if method not in ("GET", "HEAD"):
        raise Forbidden(N_("An access of the operator reads; it changes nothing."))
    if below.endswith(_NO_DOWNLOAD):
        raise Forbidden(_NOTHING)
    allowed = PAGES[purpose]
    if allowed is not None and not any(
        below == part or (part and below.startswith(f"{part}/")) for part in allowed
    ):
        raise Forbidden(N_("The purpose of this access does not need this page."))


def check_answer(headers: Mapping[str, str]) -> None:
    """Raises Forbidden for a file, whatever its address is called."""
    if headers.get("Content-Disposition", "").strip().lower().startswith("attachment"):
        raise Forbidden(_NOTHING)


async def trace(tx: AccountTx, below: str, object_id: str, *, renewed: bool) -> None:
    """A line of the journal for a page, before it is shown.

    `renewed`: an open page asks for itself again, each second some of them. Of an access that has the line
    already this is no other visit; without that line it is one, whatever the browser says.
    """
    noun = NOUNS.get(below.partition("/")[0], "page")
    number = int(object_id) if object_id.isascii() and object_id.isdigit() and len(object_id) <= 18 else None
    number = number if noun != "page" else None
    if not (renewed and await _traced(tx, noun, number)):
        await audit.write(tx, "viewed", noun, number)


async def _traced(tx: AccountTx, noun: str, number: int | None) -> bool:
    """Looks at the lines since the access may have begun: an hour's worth."""
    return bool(
        await tx.value(
            """
            SELECT EXISTS (
                SELECT FROM audit
                WHERE account_id = $1 AND at > $2 AND actor = 'operator' AND actor_id = $3
                  AND action = 'viewed' AND object = $4 AND object_id IS NOT DISTINCT FROM $5
            )
            """,
            clock.now() - LONGEST,
            tx.actor.id,
            noun,
            number,
        )
    )
