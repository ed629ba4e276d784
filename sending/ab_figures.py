"""How the variants of an A/B test do: people who opened or clicked; machines left aside."""

from dataclasses import asdict, dataclass

from pydantic import TypeAdapter

from mailer.core import kept_counts
from mailer.core.db import AccountTx
from mailer.core.kept_counts import Counted
from sending.ab_verdict import Tally

KEPT_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of those drawn for the test. `drawn` = `delivered` + `waiting` + those who got nothing.

    `opens_base`, `clicks_base`: delivered to people who accept this measurement; `opened`, `clicked`: those
    of them who did, as people.
    """

    number: int
    drawn: int
    waiting: int
    delivered: int
    opens_base: int
    opened: int
    clicks_base: int
    clicked: int

    def tally(self, winner_by: str) -> Tally:
        """What decides; by hand, clicks are told."""
        if winner_by == "opens":
            return Tally(number=self.number, base=self.opens_base, people=self.opened)
        return Tally(number=self.number, base=self.clicks_base, people=self.clicked)


STORED = TypeAdapter(list[Figures])


def none(number: int) -> Figures:
    """Of a variant that nobody was drawn for."""
    return Figures(
        number=number, drawn=0, waiting=0, delivered=0, opens_base=0, opened=0, clicks_base=0, clicked=0
    )


async def count(tx: AccountTx, campaign_id: int) -> list[Figures]:
    """As of now, in the order of the variants; empty before the audience is frozen.

    Reads the index deliveries_drawn alone: those who were drawn, not the others, who may be a million.
    """
    return await tx.many(
        Figures,
        """
        WITH acts AS MATERIALIZED (
            -- once a person: the events of a campaign are read in one go, never delivery by delivery
            SELECT contact_id, bool_or(kind = 'open') AS opened, bool_or(kind = 'click') AS clicked
            FROM events
            WHERE account_id = $1 AND campaign_id = $2 AND kind IN ('open', 'click') AND verdict = 'person'
            GROUP BY contact_id
        )
        SELECT d.variant::int AS number, count(*)::int AS drawn,
               (count(*) FILTER (WHERE d.status IN ('queued', 'claimed', 'handing')))::int AS waiting,
               (count(*) FILTER (WHERE d.status = 'delivered'))::int AS delivered,
               (count(*) FILTER (WHERE d.status = 'delivered' AND d.opens))::int AS opens_base,
               (count(*) FILTER (WHERE d.status = 'delivered' AND d.opens AND a.opened))::int AS opened,
               (count(*) FILTER (WHERE d.status = 'delivered' AND d.clicks))::int AS clicks_base,
               (count(*) FILTER (WHERE d.status = 'delivered' AND d.clicks AND a.clicked))::int AS clicked
        FROM campaigns c
        JOIN deliveries d ON d.account_id = c.account_id AND d.campaign_id = c.id AND d.month = c.month
        LEFT JOIN acts a ON a.contact_id = d.contact_id
        WHERE c.account_id = $1 AND c.id = $2 AND d.variant > 0
        GROUP BY d.variant
        ORDER BY d.variant
        """,
        campaign_id,
    )


async def held(tx: AccountTx, campaign_id: int) -> int:
    """How many wait, for the decision or for their turn after it; of many, up to half a minute ago."""

    async def counted() -> Counted:
        n = await tx.value(
            """
            SELECT count(*)
            FROM campaigns c
            JOIN deliveries d ON d.account_id = c.account_id AND d.campaign_id = c.id AND d.month = c.month
            WHERE c.account_id = $1 AND c.id = $2 AND d.status = 'queued' AND d.variant = 0
            """,
            campaign_id,
        )
        return Counted(n, n)

    return int((await kept_counts.of(tx, "ab_held", campaign_id, counted, most_seconds=KEPT_SECONDS)).value)


async def shown(tx: AccountTx, campaign_id: int) -> list[Figures]:
    """As `count`; of a large campaign, as they were up to half a minute ago."""

    async def counted() -> Counted:
        found = await count(tx, campaign_id)
        size = await tx.value("SELECT audience FROM campaigns WHERE account_id = $1 AND id = $2", campaign_id)
        return Counted([asdict(one) for one in found], size)

    kept = await kept_counts.of(tx, "ab_test", campaign_id, counted, most_seconds=KEPT_SECONDS)
    return STORED.validate_python(kept.value)
