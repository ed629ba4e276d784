"""The variants of an A/B test as they are sent: A is the campaign itself, B, C and D differ in one thing."""

from dataclasses import dataclass

from mailer.core.db import AccountTx
from tracking import figures

MOST = 4
LETTERS = figures.LETTERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A variant as it is sent; `subject` is empty once the content is erased."""

    number: int
    subject: str
    preheader: str
    content_kind: str
    source: str

    @property
    def letter(self) -> str:
        return LETTERS[self.number - 1]


async def versions(tx: AccountTx, campaign_id: int) -> list[Version]:
    """All variants, A first; A alone where nothing is compared."""
    return await tx.many(
        Version,
        """
        SELECT 1 AS number, subject, preheader, content_kind, source
        FROM campaigns
        WHERE account_id = $1 AND id = $2
        UNION ALL
        SELECT v.number::int, coalesce(v.subject, c.subject), coalesce(v.preheader, c.preheader),
               coalesce(v.content_kind, c.content_kind), coalesce(v.source, c.source)
        FROM ab_variants v
        JOIN campaigns c ON c.account_id = v.account_id AND c.id = v.campaign_id
        WHERE v.account_id = $1 AND v.campaign_id = $2
        ORDER BY 1
        """,
        campaign_id,
    )


async def copy(tx: AccountTx, campaign_id: int, *, to: int) -> None:
    """The test of one campaign for another draft, while its content is kept."""
    await tx.run(
        """
        INSERT INTO ab_tests (account_id, campaign_id, about, share, winner_by, hours, early, unclear)
        SELECT t.account_id, $3, t.about, t.share, t.winner_by, t.hours, t.early, t.unclear
        FROM ab_tests t
        JOIN campaigns c ON c.account_id = t.account_id AND c.id = t.campaign_id
        WHERE t.account_id = $1 AND t.campaign_id = $2 AND c.content_erased_at IS NULL
        """,
        campaign_id,
        to,
    )
    await tx.run(
        """
        INSERT INTO ab_variants (account_id, campaign_id, number, subject, preheader, content_kind, source)
        SELECT v.account_id, t.campaign_id, v.number, v.subject, v.preheader, v.content_kind, v.source
        FROM ab_variants v
        JOIN ab_tests t ON t.account_id = v.account_id AND t.campaign_id = $3
        WHERE v.account_id = $1 AND v.campaign_id = $2
        """,
        campaign_id,
        to,
    )


async def numbers(tx: AccountTx, campaign_id: int) -> list[int]:
    """Of the variants; [1] where nothing is compared."""
    rows = await tx.rows(
        "SELECT number FROM ab_variants WHERE account_id = $1 AND campaign_id = $2 ORDER BY number",
        campaign_id,
    )
    return [1, *(number for (number,) in rows)]


async def keep_one(tx: AccountTx, campaign_id: int, *, of: int) -> None:
    """A draft that was duplicated compares nothing, and says what the winner of the first one said, or A."""
    await tx.run(
        """
        UPDATE campaigns c
        SET subject = coalesce(v.subject, c.subject), preheader = coalesce(v.preheader, c.preheader),
            content_kind = coalesce(v.content_kind, c.content_kind), source = coalesce(v.source, c.source)
        FROM ab_tests t
        JOIN ab_variants v ON v.account_id = t.account_id AND v.campaign_id = t.campaign_id
            AND v.number = t.winner
        WHERE c.account_id = $1 AND c.id = $2 AND t.account_id = c.account_id AND t.campaign_id = $3
        """,
        campaign_id,
        of,
    )
    await tx.run("DELETE FROM ab_tests WHERE account_id = $1 AND campaign_id = $2", campaign_id)
