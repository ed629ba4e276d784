"""What the home page tells: what is left to set up, what waits for somebody, how the last sends went.

Reads the tables of other rooms and changes none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from mailer.accounts import accounts, agreements, requests_due, webhook_state
from mailer.accounts.requests_due import RequestDue
from mailer.accounts.webhook_state import GivenUp
from mailer.core import clock, kept_counts, work
from mailer.core.db import AccountTx
from mailer.core.kept_counts import Counted
from mailer.core.text import N_

State = Literal["todo", "done", "wait"]
# why the engine paused a campaign (its keys are those of sending/lanes.py); "": a person did
PAUSE_WORDS: Mapping[str, str] = {
    "content": N_("The content can no longer be compiled. Correct it."),
    "content_gone": N_("The content was erased six days after it was frozen."),
    "no_recipients": N_("Nobody is left to send to: everybody on the lists is unsubscribed or excluded."),
    "sender": N_("The sender is no longer confirmed. Choose another one, or confirm it again."),
    "domain": N_("The domain of the sender is not verified in the DNS. See its page, then resume."),
    "unauthenticated": N_(
        "Microsoft refuses this domain (5.7.515): SPF, DKIM or DMARC fail there. See its page, then resume."
    ),
    "segment": N_(
        "A segment of this campaign speaks of something that was deleted. Correct the segment, then resume."
    ),
    "identity": N_("The name or address of your organisation is missing. Give it, then resume."),
    "account": N_("The account was suspended or closed."),
    "bounces": N_("Too many addresses do not exist. Check where the list comes from, then resume."),
    "complaints": N_("Too many people report this campaign as spam. Find out why, then resume."),
    "refused": N_("The remaining providers refuse this campaign. Correct the cause, then resume."),
    "restored": N_(
        "Sending is held: the database was put back to an earlier state. The operator looks at it."
    ),
    "restored_begun": N_(
        "The database was put back to an earlier state while this campaign was under way. Who got it after"
        " that state is not known any more: resuming sends it to them a second time, cancelling leaves the"
        " others without."
    ),
}
# the same of an automatic campaign (sending/automation_runs.py), for what it alone can be stopped by
AUTOMATION_PAUSE_WORDS: Mapping[str, str] = {
    "condition": N_("A condition asks about something that was deleted. Correct it, then resume."),
    "unpublished": N_("A mail was added and not published yet. Publish it, then resume."),
    "tag": N_("A step puts on or takes off a tag that was deleted. Correct the step, then resume."),
    "trigger_segment": N_(
        "The segment that it waits for speaks of something that was deleted."
        " Correct the segment, then resume."
    ),
    "trigger": N_("What it waits for was deleted. End it, and make another one."),
}
WEEKS = 13


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """The six steps before a first send, read from the tables themselves."""

    identity: State
    agreement: State
    sender: State
    domain: State
    contacts: State
    test: State

    @property
    def complete(self) -> bool:
        """The domain waits for a real SMTP server: it does not keep the list on the page (S17)."""
        return {self.identity, self.agreement, self.sender, self.contacts, self.test} == {"done"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PausedCampaign:
    id: int
    name: str
    pause_reason: str
    automatic: bool

    @property
    def why(self) -> str:
        """A msgid, "" when a person paused it."""
        words = {**PAUSE_WORDS, **AUTOMATION_PAUSE_WORDS} if self.automatic else PAUSE_WORDS
        return words.get(self.pause_reason, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportWithRejects:
    id: int
    file_name: str
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InDoubt:
    """Deliveries of one campaign that broke during hand-over."""

    id: int
    name: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCampaign:
    id: int
    name: str
    status: str
    scheduled_at: datetime | None
    audience: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SentCampaign:
    """`delivered`, `clicks_base`, `clicked`: as the reports counted them last; None: not yet."""

    id: int
    name: str
    finished_at: datetime | None
    audience: int
    unsubscribed: int
    delivered: int | None
    clicks_base: int | None
    clicked: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """`active`: subscriptions in force at the end of the day `until`."""

    until: date
    active: int
    gained: int
    lost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """Mails the operator allows, and what began to leave today and this month, by the account's calendar."""

    per_day: int | None
    per_month: int | None
    today: int
    month: int

    @property
    def left(self) -> int:
        pairs = ((self.per_day, self.today), (self.per_month, self.month))
        return max(0, min(most - used for most, used in pairs if most is not None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    setup: Setup
    paused: list[PausedCampaign]
    imports: list[ImportWithRejects]
    in_doubt: list[InDoubt]
    webhooks: list[GivenUp]
    requests: list[RequestDue]
    running: list[OpenCampaign]
    last: list[SentCampaign]
    weeks: list[Week]
    allowance: Allowance | None
    late_since: datetime | None

    @property
    def todo(self) -> int:
        waits = (self.paused, self.imports, self.in_doubt, self.webhooks, self.requests)
        return sum(len(one) for one in waits) + (self.late_since is not None)


async def show(tx: AccountTx) -> Home:
    return Home(
        setup=await _setup(tx),
        paused=await _paused(tx),
        imports=await _imports(tx),
        in_doubt=await _in_doubt(tx),
        webhooks=await webhook_state.given_up(tx),
        requests=await requests_due.many(tx),
        running=await _running(tx),
        last=await _last(tx),
        weeks=await weeks(tx),
        allowance=await _allowance(tx),
        late_since=await tx.shared().value(
            "SELECT late_since FROM retention_watch WHERE account_id = $1", tx.account_id
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Exists:
    confirmed: bool
    pending: bool
    verified: bool
    contacts: bool
    tested: bool


async def _setup(tx: AccountTx) -> Setup:
    account = await accounts.show(tx)
    found = await tx.one(
        _Exists,
        """
        SELECT EXISTS (SELECT 1 FROM senders WHERE account_id = $1 AND status = 'confirmed') AS confirmed,
               EXISTS (SELECT 1 FROM senders WHERE account_id = $1 AND status = 'pending') AS pending,
               EXISTS (SELECT 1 FROM domains WHERE account_id = $1 AND verified_at IS NOT NULL) AS verified,
               EXISTS (SELECT 1 FROM contacts WHERE account_id = $1) AS contacts,
               EXISTS (SELECT 1 FROM campaigns WHERE account_id = $1 AND tested_at IS NOT NULL) AS tested
        """,
    )
    agreed = await agreements.latest(tx) is not None and await agreements.acknowledged(tx) is not None
    return Setup(
        identity="done" if account.identified else "todo",
        agreement="done" if agreed else "todo",
        sender="done" if found.confirmed else "wait" if found.pending else "todo",
        domain="done" if found.verified else "wait",
        contacts="done" if found.contacts else "todo",
        test="done" if found.tested else "todo",
    )


async def _paused(tx: AccountTx) -> list[PausedCampaign]:
    return await tx.many(
        PausedCampaign,
        """
        SELECT id, name, pause_reason, true AS automatic
        FROM automations
        WHERE account_id = $1 AND status = 'paused'
        UNION ALL
        (SELECT id, name, pause_reason, false
         FROM campaigns
         WHERE account_id = $1 AND status = 'paused' AND automation_id IS NULL
         ORDER BY id DESC LIMIT 10)
        ORDER BY automatic, id DESC
        """,
    )


async def _imports(tx: AccountTx) -> list[ImportWithRejects]:
    """For as long as the file of rejects can be had."""
    return await tx.many(
        ImportWithRejects,
        """
        SELECT i.id, i.file_name, i.finished_at
        FROM imports i
        JOIN files f ON f.account_id = i.account_id AND f.id = i.rejects_file_id
        WHERE i.account_id = $1 AND i.state = 'done' AND (f.expires_at IS NULL OR f.expires_at > now())
        ORDER BY i.id DESC
        LIMIT 5
        """,
    )


async def _in_doubt(tx: AccountTx) -> list[InDoubt]:
    return await tx.many(
        InDoubt,
        """
        SELECT c.id, c.name, count(*)::int AS count
        FROM (
            SELECT account_id, id, name, month
            FROM campaigns
            WHERE account_id = $1 AND month IS NOT NULL
            ORDER BY id DESC
            LIMIT 20
        ) c
        JOIN deliveries d ON d.account_id = c.account_id AND d.campaign_id = c.id AND d.month = c.month
        WHERE d.account_id = $1 AND d.status = 'in_doubt'
        GROUP BY c.id, c.name
        ORDER BY c.id DESC
        """,
    )


async def _allowance(tx: AccountTx) -> Allowance | None:
    """None without a limit."""
    return await tx.first(
        Allowance,
        """
        SELECT a.per_day, a.per_month,
               coalesce(sum(d.begun) FILTER (WHERE d.day = x.day), 0)::int AS today,
               coalesce(sum(d.begun), 0)::int AS month
        FROM accounts a
        CROSS JOIN LATERAL (SELECT ($2::timestamptz AT TIME ZONE a.time_zone)::date AS day) x
        LEFT JOIN day_counts d ON d.account_id = a.id AND d.day <= x.day
            AND d.day >= date_trunc('month', x.day)::date
        WHERE a.id = $1 AND (a.per_day IS NOT NULL OR a.per_month IS NOT NULL)
        GROUP BY a.per_day, a.per_month
        """,
        clock.now(),
    )


async def _running(tx: AccountTx) -> list[OpenCampaign]:
    return await tx.many(
        OpenCampaign,
        """
        SELECT id, name, status, scheduled_at, audience
        FROM campaigns
        WHERE account_id = $1 AND status IN ('scheduled', 'preparing', 'sending')
          AND automation_id IS NULL
        ORDER BY scheduled_at NULLS FIRST, id
        LIMIT 20
        """,
    )


async def _last(tx: AccountTx) -> list[SentCampaign]:
    found = await _last_sent(tx)
    if any(one.delivered is None for one in found):
        await work.add(tx, "tracking.count_campaigns", 0)
    return found


async def _last_sent(tx: AccountTx) -> list[SentCampaign]:
    return await tx.many(
        SentCampaign,
        """
        SELECT c.id, c.name, c.finished_at, c.audience,
               CASE WHEN c.details_erased_at IS NOT NULL THEN coalesce((c.measured ->> 'unsubscribe')::int, 0)
                    ELSE (SELECT count(DISTINCT e.contact_id)::int
                          FROM events e
                          WHERE e.account_id = $1 AND e.campaign_id = c.id AND e.kind = 'unsubscribe')
               END AS unsubscribed,
               CASE WHEN c.details_erased_at IS NOT NULL THEN coalesce((c.totals ->> 'delivered')::int, 0)
                    ELSE f.delivered END AS delivered,
               f.clicks_base, f.clicked
        FROM campaigns c
        LEFT JOIN campaign_figures f ON f.account_id = $1 AND f.campaign_id = c.id
        WHERE c.account_id = $1 AND c.status = 'sent' AND c.automation_id IS NULL
        ORDER BY c.finished_at DESC NULLS LAST, c.id DESC
        LIMIT 5
        """,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """`weeks_ago` 0: the last seven days; -1: what is in force today."""

    weeks_ago: int
    gained: int
    lost: int


async def weeks(tx: AccountTx) -> list[Week]:
    """Thirteen weeks, the oldest first; empty when nobody ever subscribed.

    One pass: what is active today, and backwards from there what each week gained and lost.
    """

    async def count() -> Counted:
        changes = await _changes(tx)
        figures = [[change.weeks_ago, change.gained, change.lost] for change in changes]
        return Counted(figures, sum(change.gained + change.lost for change in changes))

    found = await kept_counts.of(tx, "weeks", 0, count)
    return _walk_back({weeks_ago: (gained, lost) for weeks_ago, gained, lost in found.value})


async def _changes(tx: AccountTx) -> list[_Change]:
    return await tx.many(
        _Change,
        """
        SELECT weeks_ago, count(*) FILTER (WHERE gained)::int AS gained,
               count(*) FILTER (WHERE NOT gained)::int AS lost
        FROM (
            SELECT -1 AS weeks_ago, true AS gained
            FROM subscriptions
            WHERE account_id = $1 AND status = 'active'
            UNION ALL
            SELECT floor(extract(epoch FROM now() - created_at) / 604800)::int, true
            FROM subscriptions
            WHERE account_id = $1 AND status IN ('active', 'unsubscribed')
              AND created_at > now() - make_interval(weeks => $2)
            UNION ALL
            SELECT floor(extract(epoch FROM now() - status_at) / 604800)::int, false
            FROM subscriptions
            WHERE account_id = $1 AND status = 'unsubscribed'
              AND status_at > now() - make_interval(weeks => $2)
        ) changes
        GROUP BY weeks_ago
        """,
        WEEKS,
    )


def _walk_back(changes: dict[int, tuple[int, int]]) -> list[Week]:
    if not changes:
        return []
    active, today = changes.get(-1, (0, 0))[0], clock.now().date()
    found = []
    for n in range(WEEKS):
        gained, lost = changes.get(n, (0, 0))
        found.append(Week(until=today - timedelta(weeks=n), active=max(0, active), gained=gained, lost=lost))
        active += lost - gained
    return found[::-1]
