"""What sending makes of one person: the audience of a narrowed campaign, and a hand-over begun long before."""

from lists import tags
from mailer.core import clock
from sending import campaign_segments, claims
from sending.claims import Ready, Turn
from tests.contacts.test_returns import Story
from tracking.decision import UNTRACKED


async def audience(story: Story, tag_id: int, segment_id: int) -> set[int]:
    """The list that lets the person, tagged first, into a campaign to all lists and this segment; or none."""
    async with story.tx() as tx:
        contact = await story.contact_id(tx)
        await tags.put(tx, [contact], tag_id)
        campaign = await tx.value(
            "INSERT INTO campaigns (account_id, name) VALUES ($1, 'Lettre') RETURNING id"
        )
        await tx.run(
            """
            INSERT INTO campaign_lists (account_id, campaign_id, list_id, use, position)
            SELECT $1, $2, list_id, 'include', n
            FROM unnest($3::bigint[]) WITH ORDINALITY AS l (list_id, n)
            """,
            campaign,
            list(story.lists.values()),
        )
        await campaign_segments.choose(tx, campaign, include=[segment_id], exclude=[])
        assert await campaign_segments.settle(tx, campaign)
        rows = await tx.rows(
            """
            SELECT list_id FROM audience
            WHERE account_id = $1 AND campaign_id = $2 AND contact_id = $3 AND reason = ''
            """,
            campaign,
            contact,
        )
    return {list_id for (list_id,) in rows}


async def hand_over(story: Story, list_id: int) -> bool:
    """Whether a mail of this list, queued whatever anybody said, would leave now."""
    month = clock.now().date().replace(day=1)
    async with story.tx() as tx:
        contact = await story.contact_id(tx)
        campaign = await tx.value(
            """
            INSERT INTO campaigns (account_id, name, status, month)
            VALUES ($1, 'Lettre', 'sending', $2)
            RETURNING id
            """,
            month,
        )
        await tx.run(
            """
            INSERT INTO deliveries (account_id, campaign_id, month, contact_id, list_id)
            VALUES ($1, $2, $3, $4, $5)
            """,
            campaign,
            month,
            contact,
            list_id,
        )
        turn = Turn(campaign, month, 0)
        [row] = await claims.claim(tx, turn)
        assert row.person
        ready = Ready(contact_id=contact, person=row.person, tracking=UNTRACKED)
        handed = await claims.step(tx, turn, [], [ready])
        # ended, so that an undo does not wait for it
        await tx.run(
            """
            UPDATE deliveries SET status = 'delivered', final_at = now(), lane = NULL, turn = NULL
            WHERE account_id = $1 AND status = 'handing'
            """
        )
    return handed == {contact}
