"""`segment-count`: the exact number of a segment's people, counted by the product's task, against one bare statement.

The task walks ranges of contacts, each in a transaction of its own, with a rule that was read from the database.
The statement counts the same people at once, as a person would write it. Row-level security is on for both.
"""

import time

from lists import segments
from lists.segments import NewSegment
from tests.bench import scene
from tests.bench.outcome import Options, Result, Void, say
from tests.bench.scene import Scene

CONTACTS = 1_000_000
TOWN, POINTS = "Angers", 900


async def run(options: Options) -> Result:
    count = options.scaled(CONTACTS)
    ours, yardstick = [], []
    async with scene.opened(count) as stage:
        list_id = await _list(stage)
        segment_id = await _segment(stage, list_id)
        async with stage.services.db.connection() as connection:
            await connection.execute("VACUUM ANALYZE")
        for n in range(options.runs):
            began = time.perf_counter()
            found = await _counted(stage, segment_id)
            ended = time.perf_counter()
            expected = await _bare(stage, list_id)
            bare = time.perf_counter() - ended
            if found != expected or not found:
                raise Void(f"the task counted {found} people, the statement {expected}")
            ours.append((ended - began) * 1000)
            yardstick.append(bare * 1000)
            say(f"  run {n + 1}: {found:,} of {count:,} contacts; {ours[-1] / yardstick[-1]:.2f}")
    return Result(bench="segment-count", ours=ours, yardstick=yardstick, unit="ms", goal=1.5, less=True)


async def _list(stage: Scene) -> int:
    async with stage.post.tx() as tx:
        list_id = await stage.post.make.mailing_list(tx)
        await tx.run(
            """
            INSERT INTO subscriptions (account_id, list_id, contact_id, status, legal_basis)
            SELECT $1, $2, id, CASE WHEN id % 10 = 0 THEN 'unsubscribed' ELSE 'active' END, 'consent'
            FROM contacts
            WHERE account_id = $1
            """,
            list_id,
        )
    return list_id


async def _segment(stage: Scene, list_id: int) -> int:
    """On the list, and of the town or with many points."""
    tree = {
        "match": "all",
        "rules": [
            {"subject": "list", "of": list_id, "operator": "subscribed"},
            {
                "match": "any",
                "rules": [
                    {"subject": "field", "of": "ville", "operator": "is", "value": TOWN},
                    {"subject": "field", "of": "points", "operator": "more", "value": POINTS},
                ],
            },
        ],
    }
    async with stage.post.tx() as tx:
        made = await segments.create(tx, NewSegment.model_validate({"name": "Proches", "tree": tree}))
    return made.id


async def _counted(stage: Scene, segment_id: int) -> int:
    """As the job does it, without its wait for a worker."""
    async with stage.post.tx() as tx:
        await segments.ask_count(tx, segment_id)
    ended = False
    while not ended:
        async with stage.post.tx() as tx:
            ended = await segments.count_on(tx, segment_id)
    async with stage.post.tx() as tx:
        found: int = await tx.value(
            "SELECT contacts FROM segments WHERE account_id = $1 AND id = $2", segment_id
        )
    return found


async def _bare(stage: Scene, list_id: int) -> int:
    async with stage.post.tx() as tx:
        found: int = await tx.value(
            """
            SELECT count(*)
            FROM contacts c
            JOIN subscriptions s ON s.account_id = c.account_id AND s.contact_id = c.id
            WHERE c.account_id = $1 AND s.list_id = $2 AND s.status = 'active'
              AND (lower(normalize(c.fields ->> 'ville')) = lower($3) OR (c.fields ->> 'points')::numeric > $4)
              AND c.restricted_at IS NULL
              AND NOT EXISTS (SELECT FROM suppressions u
                              WHERE u.account_id = c.account_id AND u.address_hash = c.address_hash
                                AND u.reason = 'objected')
            """,
            list_id,
            TOWN,
            POINTS,
        )
    return found
