"""Whom a campaign goes to: its lists, included and excluded, in the campaign's order (S4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from mailer.core.db import AccountTx
from mailer.core.errors import fault
from mailer.core.text import N_
from sending import campaigns
from sending.campaigns import Campaign

MAX_LISTS = 50
Ids = Annotated[list[Annotated[int, Field(ge=1, lt=2**63)]], Field(max_length=MAX_LISTS)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListUse:
    """A list that a campaign includes or excludes; `position` is the campaign's order (S4)."""

    list_id: int
    name: str
    use: str
    position: int


async def many(tx: AccountTx, campaign_id: int) -> list[ListUse]:
    """In the campaign's order."""
    return await tx.many(
        ListUse,
        """
        SELECT c.list_id, l.name, c.use, c.position
        FROM campaign_lists c
        JOIN mailing_lists l ON l.account_id = c.account_id AND l.id = c.list_id
        WHERE c.account_id = $1 AND c.campaign_id = $2
        ORDER BY c.position, c.list_id
        """,
        campaign_id,
    )


async def choose(
    tx: AccountTx,
    campaign_id: int,
    *,
    include: Sequence[int],
    exclude: Sequence[int],
    version: int | None = None,
) -> Campaign:
    """Whom a draft goes to. Raises NotFound, Conflict, and Invalid for a list of nobody's or in both."""
    if set(include) & set(exclude):
        message = N_("A list is both included and excluded. Choose one.")
        raise fault("exclude", message, code="both")
    ids = list(dict.fromkeys([*include, *exclude]))
    known = await tx.rows(
        "SELECT id FROM mailing_lists WHERE account_id = $1 AND id = ANY ($2) AND deleted_at IS NULL", ids
    )
    if len(known) != len(ids):
        raise fault(
            "include", N_("One of these lists does not exist any more. Choose again."), code="unknown"
        )
    changed = await tx.run(
        """
        UPDATE campaigns
        SET version = version + 1, updated_at = now()
        WHERE account_id = $1 AND id = $2 AND status = 'draft' AND version = coalesce($3, version)
        """,
        campaign_id,
        version,
    )
    await campaigns.after_change(tx, campaign_id, changed)
    await tx.run("DELETE FROM campaign_lists WHERE account_id = $1 AND campaign_id = $2", campaign_id)
    await tx.run(
        """
        INSERT INTO campaign_lists (account_id, campaign_id, list_id, use, position)
        SELECT $1, $2, list_id, CASE WHEN list_id = ANY ($4::bigint[]) THEN 'exclude' ELSE 'include' END, n
        FROM unnest($3::bigint[]) WITH ORDINALITY AS given (list_id, n)
        """,
        campaign_id,
        ids,
        list(exclude),
    )
    return await campaigns.show(tx, campaign_id)
