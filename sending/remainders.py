"""What a campaign that stopped still owes, and the two ways out of a pause that resuming does not mend.

    nobody can have got a mail ─▶ sends.recall: a draft again, its audience is counted anew
    somebody may have          ─▶ begin: the rest is cancelled, and a new draft goes to exactly that rest

One campaign keeps one frozen revision (S12): whom a mail reached keeps what it says, the others get a
campaign of their own. The view `audience` narrows that one to deliveries here that ended without a mail, and
an end state never leaves again: nobody gets two.
"""

from dataclasses import dataclass

from mailer.accounts import audit
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict, Fault, NotFound
from mailer.core.text import N_
from sending import ab_variants, campaign_segments, campaigns, outcomes
from sending.campaigns import Campaign


@dataclass(frozen=True, slots=True, kw_only=True)
class Relative:
    """The campaign before or after this one, where the rest of one went on as the other."""

    id: int
    name: str
    earlier: bool
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """`begun`: rows whose mail left or may have; `missed`: got none, or not yet; `open`: not at their end.

    A deferred row is in all three. `in_doubt` is a part of `begun`.
    """

    begun: int
    in_doubt: int
    missed: int
    open: int


async def of(tx: AccountTx, campaign_id: int) -> Rest:
    """As of now. Whoever is queued again after a doubt has begun, though its clock was set back."""
    return await tx.one(
        Rest,
        """
        SELECT (count(*) FILTER (WHERE d.status IN ('handing', 'delivered', 'bounced', 'in_doubt')
                                    OR d.first_at IS NOT NULL OR d.attempts > 0
                                    OR d.smtp_reply <> '' AND d.status <> 'failed'))::int AS begun,
               (count(*) FILTER (WHERE d.status = 'in_doubt'))::int AS in_doubt,
               (count(*) FILTER (WHERE d.status IN ('queued', 'claimed', 'cancelled')
                                    OR d.status = 'failed' AND d.reason IN ('render', 'size')))::int
                   AS missed,
               (count(*) FILTER (WHERE d.status IN ('queued', 'claimed', 'handing')))::int AS open
        FROM campaigns c
        LEFT JOIN deliveries d ON d.account_id = c.account_id AND d.campaign_id = c.id AND d.month = c.month
        WHERE c.account_id = $1 AND c.id = $2
        """,
        campaign_id,
    )


async def discard(tx: AccountTx, campaign_id: int) -> None:
    """The frozen audience and content of a paused campaign of which no mail left.

    Raises Conflict when one may have: rows are looked at again under their lock, so that one that passes into
    hand-over at this moment stays, and is seen.
    """
    await tx.run(
        """
        DELETE FROM deliveries d
        USING campaigns c
        WHERE c.account_id = $1 AND c.id = $2
          AND d.account_id = c.account_id AND d.campaign_id = c.id AND d.month = c.month
          AND d.status IN ('queued', 'claimed', 'skipped', 'failed') AND d.first_at IS NULL AND d.attempts = 0
          AND (d.smtp_reply = '' OR d.status = 'failed')
        """,
        campaign_id,
    )
    if await tx.value(
        """
        SELECT EXISTS (
            SELECT FROM campaigns c
            JOIN deliveries d ON d.account_id = c.account_id AND d.campaign_id = c.id AND d.month = c.month
            WHERE c.account_id = $1 AND c.id = $2)
        """,
        campaign_id,
    ):
        message = N_(
            "Messages of this campaign have left. Make a new campaign for those who have not got it yet."
        )
        raise _state(message)
    await tx.run("DELETE FROM links WHERE account_id = $1 AND campaign_id = $2", campaign_id)
    await tx.run("DELETE FROM revisions WHERE account_id = $1 AND campaign_id = $2", campaign_id)


async def begin(tx: AccountTx, campaign_id: int, name: str) -> Campaign:
    """A draft with the same content for those whom this campaign has not reached; its own rest is cancelled.

    Of a paused campaign, or of a cancelled one that was being sent. Raises NotFound, and Conflict: another
    state, mails still on their way, nobody left, or made before.
    """
    found = await tx.rows(
        """
        SELECT status, prepared_at IS NOT NULL
        FROM campaigns
        WHERE account_id = $1 AND id = $2
        FOR NO KEY UPDATE
        """,
        campaign_id,
    )
    if not found:
        raise NotFound
    status, prepared = found[0]
    if status not in ("paused", "cancelled") or not prepared:
        raise _state(N_("Pause this campaign first: only the rest of one that stopped gets a new one."))
    if await tx.value("SELECT 1 FROM campaigns WHERE account_id = $1 AND rest_of = $2", campaign_id):
        raise _state(N_("The new campaign for the others was made already."))
    await outcomes.cancel_open(tx, campaign_id)
    rest = await of(tx, campaign_id)
    if rest.open:
        # in hand-over, or queued again by a "later" that came after the cancelling looked
        raise _state(N_("Messages are still on their way to the server. Try again in a minute."))
    if not rest.missed:
        raise _state(N_("Nobody is left: everybody else of this campaign has got it."))
    await tx.run(
        """
        UPDATE campaigns
        SET status = 'cancelled', pause_reason = '', finished_at = now(), updated_at = now()
        WHERE account_id = $1 AND id = $2 AND status = 'paused'
        """,
        campaign_id,
    )
    made = await campaigns.duplicate(tx, campaign_id, name)
    # whom the segments let through is known already: those for whom a delivery was made
    await campaign_segments.drop(tx, made.id)
    await ab_variants.keep_one(tx, made.id, of=campaign_id)
    await tx.run("UPDATE campaigns SET rest_of = $3 WHERE account_id = $1 AND id = $2", made.id, campaign_id)
    await audit.write(tx, "continued", "campaign", campaign_id, count=rest.missed)
    return await campaigns.show(tx, made.id)


async def relatives(tx: AccountTx, campaign_id: int) -> list[Relative]:
    """The earlier one first."""
    return await tx.many(
        Relative,
        """
        SELECT o.id, o.name, o.id = c.rest_of AS earlier, o.status
        FROM campaigns c
        JOIN campaigns o ON o.account_id = c.account_id AND (o.id = c.rest_of OR o.rest_of = c.id)
        WHERE c.account_id = $1 AND c.id = $2
        ORDER BY o.id
        """,
        campaign_id,
    )


def _state(message: str) -> Conflict:
    return Conflict(Fault("status", message, "status"))
