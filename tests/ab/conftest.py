"""A campaign with an A/B test, ready to leave, and what its people did."""

from collections import Counter
from datetime import timedelta

from mailer.core import clock, work
from sending import ab_runs, ab_tests
from sending.ab_tests import Setting, Variant
from tests.delivery.conftest import Post, people, post, sink

__all__ = ["people", "post", "sink"]

SUBJECTS = ("Du pain", "Encore du pain", "Toujours du pain", "Rien que du pain")


async def compared(post: Post, list_ids: list[int], *, variants: int = 2, **setting: object) -> int:
    """A scheduled campaign that compares so many subjects. Returns its id."""
    campaign = await post.campaign(list_ids, subject=SUBJECTS[0])
    given = [Variant(subject=subject) for subject in SUBJECTS[1:variants]]
    await put(post, campaign, Setting(**({"variants": given} | setting)))  # type: ignore[arg-type]
    return campaign


async def put(post: Post, campaign: int, setting: Setting) -> None:
    """As the page does while it is a draft; the campaign is scheduled again after."""
    async with post.tx() as tx:
        await tx.run("UPDATE campaigns SET status = 'draft' WHERE account_id = $1 AND id = $2", campaign)
        await ab_tests.put(tx, campaign, setting)
        await tx.run("UPDATE campaigns SET status = 'scheduled' WHERE account_id = $1 AND id = $2", campaign)


async def later(post: Post, campaign: int, hours: float) -> None:
    """So many hours on, the test is looked at, and what follows is done."""
    clock.shift(clock.offset() + timedelta(hours=hours))
    await look(post, campaign)


async def look(post: Post, campaign: int) -> None:
    """As often as it asks to be looked at again at once, which a moved clock hides from the database."""
    for _ in range(4):
        async with post.tx() as tx:
            await work.add(tx, ab_runs.JOB, campaign)
        await post.run()


async def acted(
    post: Post, campaign: int, variant: int, n: int, *, kind: str = "click", verdict: str = "person"
) -> None:
    """So many of those who got this variant did it."""
    async with post.tx() as tx:
        done = await tx.run(
            """
            INSERT INTO events (account_id, id, at, campaign_id, contact_id, kind, verdict)
            SELECT account_id, $6 || $5 || contact_id, now(), campaign_id, contact_id, $5, $6
            FROM deliveries
            WHERE account_id = $1 AND campaign_id = $2 AND variant = $3 AND status = 'delivered'
            ORDER BY contact_id
            LIMIT $4
            """,
            campaign,
            variant,
            n,
            kind,
            verdict,
        )
        assert done == n


async def groups(post: Post, campaign: int) -> dict[int, Counter[str]]:
    """Variant → state → how many."""
    async with post.tx() as tx:
        rows = await tx.rows(
            """
            SELECT variant::int, status, count(*)::int
            FROM deliveries
            WHERE account_id = $1 AND campaign_id = $2
            GROUP BY 1, 2
            """,
            campaign,
        )
    found: dict[int, Counter[str]] = {}
    for variant, status, n in rows:
        found.setdefault(variant, Counter())[status] = n
    return found


def subjects(post: Post) -> Counter[str]:
    return Counter(str(mail.message["Subject"]) for mail in post.sink.accepted)
