"""What became of a hand-over, and what a campaign's deliveries add up to (S1, S7, D-13, D-33)."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailer.accounts import audit
from mailer.core import metrics
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict, Fault, Gone, NotFound
from mailer.core.text import N_
from sending import bounce_rules, lanes, profiles, replies
from sending.smtp import Reply

# S7; the first tries are quick, for greylisting (D-13)
SCHEDULE = (
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=2),
    timedelta(hours=4),
    timedelta(hours=8),
)
GIVE_UP = timedelta(days=4, hours=20)
# the server itself was not reached or not willing: soon again, and no try of the recipient's
SERVER_AWAY = timedelta(seconds=20)
PAUSED = "the provider asked for a pause"
UNREACHABLE = "the SMTP server was not reached"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Of one hand-over. `status` "queued" with `wait`: shown as deferred. `tried`: it counts as a try.

    `refused`: the provider refuses us, by policy or authentication, for good or for now. `word`: why it
    bounced, one of the field's usual words.
    """

    contact_id: int
    status: str
    reason: str = ""
    code: int = 0
    reply: str = ""
    wait: timedelta = timedelta(0)
    tried: bool = True
    refused: bool = False
    word: str = ""


def held(contact_id: int, wait: timedelta) -> Outcome:
    """Begun, and not handed over: its provider has asked for a pause meanwhile."""
    return Outcome(contact_id=contact_id, status="queued", reply=PAUSED, wait=wait, tried=False)


def of(
    contact_id: int, reply: Reply, *, attempts: int, age: timedelta, profile: str = profiles.DEFAULT
) -> Outcome:
    """A reply's outcome. `attempts` before this one; `age` since the first."""
    if reply.in_doubt:
        return Outcome(contact_id=contact_id, status="in_doubt", reply=replies.shown(reply.text))
    verdict = replies.classify(reply.code, reply.text, reply.stage, profile)
    rule = profiles.read(profile, reply.code, reply.text)
    refused = rule is not None and rule.refuses
    text = replies.shown(reply.text)
    if verdict.status != "deferred":
        return Outcome(
            contact_id=contact_id,
            status=verdict.status,
            reason=verdict.reason,
            code=reply.code,
            reply=text,
            refused=refused,
            word=_word(reply, profile) if verdict.status == "bounced" else "",
        )
    if age >= GIVE_UP:
        return Outcome(contact_id=contact_id, status="failed", reason="expired", code=reply.code, reply=text)
    about_us = reply.unreached or reply.stage in ("connect", "mail")
    return Outcome(
        contact_id=contact_id,
        status="queued",
        code=reply.code,
        reply=text,
        wait=jittered(SERVER_AWAY) if about_us else delay(attempts, age),
        tried=not about_us,
        refused=refused,
    )


def _word(reply: Reply, profile: str) -> str:
    enhanced = replies.enhanced(reply.text)
    _, reason, _ = bounce_rules.classify(reply.code, enhanced, reply.text, profile=profile)
    return reason.value


def delay(attempts: int, age: timedelta) -> timedelta:
    """Until the next try, after `attempts` earlier ones: S7 with a tenth of jitter, never past giving up."""
    step = SCHEDULE[min(attempts, len(SCHEDULE) - 1)]
    return min(jittered(step), GIVE_UP - age)


def jittered(span: timedelta) -> timedelta:
    return span * random.uniform(0.9, 1.1)  # noqa: S311 (jitter is no secret)


async def suppress_bounced(tx: AccountTx, campaign_id: int, contact_ids: list[int]) -> None:
    """Hard bounces, at once and for everything (D-33, S5)."""
    await tx.run(
        """
        INSERT INTO suppressions (account_id, address_hash, list_id, reason, campaign_id)
        SELECT account_id, address_hash, NULL, 'bounced', $2
        FROM contacts
        WHERE account_id = $1 AND id = ANY ($3::bigint[])
        -- a refusal stays what it is; a way back to one list ends with the address
        ON CONFLICT ON CONSTRAINT suppressions_scope DO UPDATE
        SET returned_to = '{}'
        WHERE suppressions.returned_to <> '{}'
        """,
        campaign_id,
        contact_ids,
    )


async def cancel_open(tx: AccountTx, campaign_id: int) -> int:
    """What has not begun to leave never will. Returns how many; running hand-overs end with their reply."""
    return await tx.run(
        """
        UPDATE deliveries d
        SET status = 'cancelled', final_at = now(), lane = NULL, turn = NULL
        FROM campaigns c
        WHERE d.account_id = $1 AND d.campaign_id = $2 AND d.status IN ('queued', 'claimed')
          AND c.account_id = d.account_id AND c.id = d.campaign_id AND d.month = c.month
        """,
        campaign_id,
    )


async def send_again(tx: AccountTx, campaign_id: int, contact_id: int) -> None:
    """One delivery in doubt leaves again because a person asked: it may then arrive twice.

    Raises NotFound when it is not in doubt, Gone when the content's six days are over (A-002), Conflict while
    the campaign is paused or after it was cancelled.
    """
    status = await tx.value(
        "SELECT status FROM campaigns WHERE account_id = $1 AND id = $2 FOR NO KEY UPDATE", campaign_id
    )
    if status not in ("sending", "sent"):
        raise Conflict(Fault("status", N_("This campaign is paused or cancelled: nothing leaves."), "state"))
    if not await tx.value(
        """
        SELECT EXISTS (
            SELECT FROM revisions r
            JOIN content_keys k ON k.account_id = r.account_id AND k.day = r.key_day
            WHERE r.account_id = $1 AND r.campaign_id = $2)
        """,
        campaign_id,
    ):
        raise Gone
    touched = await tx.run(
        """
        UPDATE deliveries d
        SET status = 'queued', next_at = now(), first_at = NULL, final_at = NULL, lane = NULL, turn = NULL
        FROM campaigns c
        WHERE d.account_id = $1 AND d.campaign_id = $2 AND d.contact_id = $3 AND d.status = 'in_doubt'
          AND c.account_id = d.account_id AND c.id = d.campaign_id AND d.month = c.month
        """,
        campaign_id,
        contact_id,
    )
    if not touched:
        raise NotFound
    await tx.run(
        """
        UPDATE campaigns SET status = 'sending', finished_at = NULL, updated_at = now()
        WHERE account_id = $1 AND id = $2
        """,
        campaign_id,
    )
    await lanes.start(tx, campaign_id, 1)
    await audit.write(tx, "sent_again", "delivery", contact_id)


async def finish(tx: AccountTx, campaign_id: int) -> bool:
    """Sets the campaign to "sent" when every delivery has its end state. True when it did.

    Locked first: what an automatic campaign adds meanwhile is seen by the statement after it.
    """
    await tx.value(
        "SELECT 1 FROM campaigns WHERE account_id = $1 AND id = $2 FOR NO KEY UPDATE",
        campaign_id,
    )
    return bool(
        await tx.run(
            """
            UPDATE campaigns c
            SET status = 'sent', finished_at = now(), updated_at = now()
            WHERE c.account_id = $1 AND c.id = $2 AND c.status = 'sending'
              AND NOT EXISTS (
                  SELECT FROM deliveries d
                  WHERE d.account_id = c.account_id AND d.campaign_id = c.id AND d.month = c.month
                    AND d.status IN ('queued', 'claimed', 'handing'))
            """,
            campaign_id,
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Adds up to `audience`. `deferred` is the part of `queued` that was tried before."""

    audience: int
    queued: int
    deferred: int
    in_flight: int
    delivered: int
    bounced_hard: int
    bounced_soft: int
    bounced_block: int
    failed: int
    skipped: int
    cancelled: int
    in_doubt: int
    next_at: datetime | None

    @property
    def sent(self) -> int:
        return self.delivered + self.bounced

    @property
    def bounced(self) -> int:
        return self.bounced_hard + self.bounced_soft + self.bounced_block

    @property
    def ended(self) -> int:
        return self.sent + self.failed + self.skipped + self.cancelled + self.in_doubt


async def balance(tx: AccountTx, campaign_id: int) -> Balance:
    """As of now. Raises NotFound."""
    return await tx.one(
        Balance,
        """
        SELECT count(d.contact_id)::int AS audience,
               (count(*) FILTER (WHERE d.status = 'queued'))::int AS queued,
               (count(*) FILTER (WHERE d.status = 'queued' AND d.first_at IS NOT NULL))::int AS deferred,
               (count(*) FILTER (WHERE d.status IN ('claimed', 'handing')))::int AS in_flight,
               (count(*) FILTER (WHERE d.status = 'delivered'))::int AS delivered,
               (count(*) FILTER (WHERE d.status = 'bounced' AND d.reason = 'hard'))::int AS bounced_hard,
               (count(*) FILTER (WHERE d.status = 'bounced' AND d.reason = 'soft'))::int AS bounced_soft,
               (count(*) FILTER (WHERE d.status = 'bounced' AND d.reason = 'block'))::int AS bounced_block,
               (count(*) FILTER (WHERE d.status = 'failed'))::int AS failed,
               (count(*) FILTER (WHERE d.status = 'skipped'))::int AS skipped,
               (count(*) FILTER (WHERE d.status = 'cancelled'))::int AS cancelled,
               (count(*) FILTER (WHERE d.status = 'in_doubt'))::int AS in_doubt,
               min(d.next_at) FILTER (WHERE d.status = 'queued' AND d.first_at IS NOT NULL) AS next_at
        FROM campaigns c
        LEFT JOIN deliveries d ON d.account_id = c.account_id AND d.campaign_id = c.id AND d.month = c.month
        WHERE c.account_id = $1 AND c.id = $2
        """,
        campaign_id,
    )


def count(status: str, n: int = 1) -> None:
    """For the operators' figures."""
    metrics.DELIVERIES.labels(status).inc(n)
