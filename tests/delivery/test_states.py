"""The states of S1 and S2, kept by the database: whatever the code does, no row takes a step that is not drawn."""

from datetime import date
from itertools import product

import pytest

from mailer.core.db import AccountTx, violated
from tests.delivery.conftest import People, Post

OPEN = {
    "queued": {"claimed", "skipped", "cancelled"},
    "claimed": {"queued", "handing", "failed", "skipped", "cancelled"},
    # cancelled: a 4xx reply, and the queue it would go back to has ended
    "handing": {"queued", "delivered", "bounced", "failed", "in_doubt", "cancelled"},
    "in_doubt": {"queued", "delivered", "bounced", "failed", "cancelled"},
    # a report that comes later (D-30)
    "delivered": {"bounced"},
}
ENDED = ("bounced", "failed", "skipped", "cancelled")
STATES = (*OPEN, *ENDED)
REASONS = {"bounced": "hard", "failed": "size", "skipped": "unsubscribed"}
CAMPAIGN = {
    "draft": {"scheduled"},
    "scheduled": {"draft", "preparing", "paused", "cancelled"},
    "preparing": {"sending", "paused", "cancelled"},
    "sending": {"paused", "sent", "cancelled"},
    "paused": {"draft", "scheduled", "preparing", "sending", "cancelled"},
    "sent": {"sending"},
    "cancelled": set(),
}
_COLUMNS = """
    status = $3, reason = $4, first_at = CASE WHEN $3 NOT IN ('queued', 'claimed') THEN now() END,
    final_at = CASE WHEN $3 NOT IN ('queued', 'claimed', 'handing') THEN now() END,
    lane = CASE WHEN $3 IN ('claimed', 'handing') THEN 0 END,
    turn = CASE WHEN $3 IN ('claimed', 'handing') THEN 7 END
"""
# two months: one that was there, one that is made after the rule
MONTHS = (date(2026, 11, 1), date(2031, 5, 1))


async def _row(tx: AccountTx, contact_id: int, status: str, month: date = MONTHS[0]) -> None:
    """A row born in this state, with what has to stand beside it."""
    await tx.run(
        """
        INSERT INTO deliveries (account_id, campaign_id, contact_id, month, list_id, status, reason, first_at,
                                final_at, lane, turn)
        SELECT $1, 1, $2, $5, 1, $3, $4, CASE WHEN $3 NOT IN ('queued', 'claimed') THEN now() END,
               CASE WHEN $3 NOT IN ('queued', 'claimed', 'handing') THEN now() END,
               CASE WHEN $3 IN ('claimed', 'handing') THEN 0 END,
               CASE WHEN $3 IN ('claimed', 'handing') THEN 7 END
        """,
        contact_id,
        status,
        REASONS.get(status, ""),
        month,
    )


async def _refused(tx: AccountTx, sql: str, *args: object) -> str:
    """The constraint or trigger that a statement met, or ""; what it did is undone either way."""
    try:
        async with tx.savepoint():
            assert await tx.run(sql, *args) == 1
    except Exception as error:
        if not violated(error):
            raise
        return violated(error)
    return ""


@pytest.mark.req("S1", "D-22")
@pytest.mark.parametrize("month", MONTHS)
async def test_a_delivery_takes_the_steps_of_s1_and_no_other(post: Post, month: date) -> None:
    async with post.services.db.shared() as shared:
        await shared.run("CALL make_month($1)", month)
    met = {}
    async with post.tx() as tx:
        for number, (old, new) in enumerate(product(STATES, STATES)):
            await _row(tx, number, old, month)
            met[old, new] = await _refused(
                tx,
                f"UPDATE deliveries SET {_COLUMNS} WHERE account_id = $1 AND contact_id = $2",
                number,
                new,
                REASONS.get(new, ""),
            )
    allowed = {pair for pair, constraint in met.items() if not constraint}
    drawn = {(old, new) for old, states in OPEN.items() for new in states}
    assert allowed == drawn | {(state, state) for state in STATES}
    assert set(met.values()) == {"", "deliveries_steps"}


@pytest.mark.req("S2")
async def test_a_campaign_takes_the_steps_of_s2_and_no_other(post: Post) -> None:
    met = {}
    async with post.tx() as tx:
        for old, new in product(CAMPAIGN, CAMPAIGN):
            campaign = await tx.value(
                "INSERT INTO campaigns (account_id, name, status) VALUES ($1, 'Pas', $2) RETURNING id", old
            )
            met[old, new] = await _refused(
                tx, "UPDATE campaigns SET status = $3 WHERE account_id = $1 AND id = $2", campaign, new
            )
    allowed = {pair for pair, constraint in met.items() if not constraint}
    drawn = {(old, new) for old, states in CAMPAIGN.items() for new in states}
    assert allowed == drawn | {(state, state) for state in CAMPAIGN}
    assert set(met.values()) == {"", "campaigns_steps"}


@pytest.mark.req("S1", "S3")
@pytest.mark.parametrize("status", ["claimed", "handing"])
@pytest.mark.parametrize("theft", ["turn = 8", "lane = 1", "lane = 1, turn = 8", "status = status, turn = 8"])
async def test_a_row_passes_from_one_turn_to_another_through_the_queue_only(
    post: Post, status: str, theft: str
) -> None:
    async with post.tx() as tx:
        await _row(tx, 1, status)
        sql = f"UPDATE deliveries SET {theft} WHERE account_id = $1 AND contact_id = $2"
        assert await _refused(tx, sql, 1) == "deliveries_steps"


@pytest.mark.req("S1")
@pytest.mark.parametrize(
    ("status", "wrong"),
    [
        ("queued", "lane = 0, turn = 1"),
        ("queued", "final_at = now()"),
        ("queued", "reason = 'hard'"),
        ("handing", "first_at = NULL"),
        ("handing", "final_at = now()"),
        ("delivered", "final_at = NULL"),
        ("delivered", "first_at = NULL"),
        ("delivered", "reason = 'soft'"),
        ("delivered", "lane = 0, turn = 1"),
        ("bounced", "reason = ''"),
        ("bounced", "reason = 'size'"),
        ("failed", "reason = 'hard'"),
        ("skipped", "reason = ''"),
        ("skipped", "final_at = NULL"),
        ("cancelled", "reason = 'unsubscribed'"),
        ("in_doubt", "lane = 0"),
        ("in_doubt", "final_at = NULL"),
    ],
)
async def test_what_stands_beside_a_state_belongs_to_it(post: Post, status: str, wrong: str) -> None:
    async with post.tx() as tx:
        await _row(tx, 1, status)
        sql = f"UPDATE deliveries SET {wrong} WHERE account_id = $1 AND contact_id = $2"
        assert await _refused(tx, sql, 1) == "deliveries_state"


@pytest.mark.req("S2")
async def test_only_a_paused_campaign_has_a_reason_to_be_paused(post: Post, people: People) -> None:
    campaign = await post.campaign([await people("ana@why.test")])
    async with post.tx() as tx:
        sql = "UPDATE campaigns SET pause_reason = 'content' WHERE account_id = $1 AND id = $2"
        assert await _refused(tx, sql, campaign) == "campaigns_pause_reason"
