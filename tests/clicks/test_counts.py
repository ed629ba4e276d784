"""What opens and clicks add up to: the same as counting the events, whatever was replayed or judged anew."""

import re
from collections import Counter, defaultdict
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest

from mailer.core import clock
from mailer.core.db import AccountTx
from mailer.core.services import Services
from retention_jobs import totals
from tests.clicks.conftest import BROWSER, Flush, Sent, delivered, sent_campaign
from tests.client import Client
from tests.make import Make
from tracking import buffer, counts, ingest
from tracking.buffer import Hit
from tracking.counts import Change
from tracking.window import Window

BEST = ("person", "unknown", "machine")
Cells = dict[tuple[object, ...], tuple[int, ...]]


async def counted(tx: AccountTx, campaign_id: int) -> tuple[Cells, Cells]:
    """From the events, one by one: (kind, link, verdict) → hits and people; (kind, hour, verdict) → hits."""
    rows = await tx.rows(
        """
        SELECT kind, link_id, contact_id, verdict, date_trunc('hour', at, 'UTC')
        FROM events WHERE account_id = $1 AND campaign_id = $2 AND kind IN ('open', 'click')
        """,
        campaign_id,
    )
    hits, people, hours = Counter(), Counter(), Counter()
    verdicts = defaultdict(set)
    for kind, link, contact, verdict, hour in rows:
        hours[kind, hour, verdict] += 1
        for place in {0, link or 0}:
            hits[kind, place, verdict] += 1
            verdicts[kind, place, contact].add(verdict)
    for (kind, place, _), found in verdicts.items():
        people[kind, place, next(name for name in BEST if name in found)] += 1
    cells = {key: (hits[key], people[key]) for key in hits}
    return cells, {key: (n,) for key, n in hours.items()}


async def kept(tx: AccountTx, campaign_id: int) -> tuple[Cells, Cells]:
    cells = await tx.rows(
        """
        SELECT kind, link_id, verdict, hits, people FROM event_counts
        WHERE account_id = $1 AND campaign_id = $2 AND (hits <> 0 OR people <> 0)
        """,
        campaign_id,
    )
    hours = await tx.rows(
        """
        SELECT kind, hour, verdict, hits FROM event_hours
        WHERE account_id = $1 AND campaign_id = $2 AND hits <> 0
        """,
        campaign_id,
    )
    return {row[:3]: row[3:] for row in cells}, {row[:3]: row[3:] for row in hours}


def some_hits(sent: Sent) -> list[Hit]:
    """Of three people over two hours: opens and clicks of all sorts, one scanner that follows everything."""
    start = buffer.now_ms() - 7_000_000
    hits = []
    for n, (contact, (kind, link), agent) in enumerate(
        product(sent.contacts, [("open", 0), *(("click", one) for one in sent.link_ids)], ["browser", "bot"])
    ):
        at = start + n * 200_000
        hits.append(
            Hit(
                f"{sent.account_id}-{n}",
                at,
                kind,
                sent.account_id,
                sent.campaign_id,
                contact,
                link,
                agent,
                n % 7 == 0,
            )
        )
    burst = start + 6_000_000
    hits += [
        Hit(
            f"{sent.account_id}-burst{n}",
            burst + n * 900,
            "click",
            sent.account_id,
            sent.campaign_id,
            sent.contacts[1],
            link,
            "browser",
            False,
            "aabb",
        )
        for n, link in enumerate(sent.link_ids * 2)
    ]
    return hits


@pytest.mark.req("D-91")
async def test_the_counts_are_those_of_the_events_after_every_batch_and_every_replay(
    sent: Sent, services: Services
) -> None:
    hits = some_hits(sent)
    assert len(hits) > 20
    window = Window()
    for start in (0, 5, 3, 10, 0, 15, 18, 0):
        async with services.db.account(sent.account_id) as tx:
            await ingest.store(tx, window.add(hits[start : start + 9]), window)
            assert await kept(tx, sent.campaign_id) == await counted(tx, sent.campaign_id)
    async with services.db.account(sent.account_id) as tx:
        await ingest.store(tx, window.add(hits), window)
        await ingest.store(tx, window.add(hits + hits), Window())
        cells, hours = await kept(tx, sent.campaign_id)
        assert (cells, hours) == await counted(tx, sent.campaign_id)
    assert sum(n for (kind, link, _), (n, _) in cells.items() if link == 0) == len(hits)
    assert {verdict for _, _, verdict in cells} == {"person", "machine", "unknown"}
    assert len({hour for _, hour, _ in hours}) > 1


async def test_hits_of_a_click_and_an_open_stand_in_the_counts(
    client: Client, sent: Sent, flush: Flush, services: Services
) -> None:
    await client.get(sent.click(0, 1), headers=BROWSER)
    await client.get(sent.click(0, 1), headers=BROWSER)
    await client.get(sent.click(1, 2), headers={"User-Agent": "curl/8"})
    await client.get(sent.open(2), headers=BROWSER)
    await flush()
    async with services.db.account(sent.account_id) as tx:
        cells, _ = await kept(tx, sent.campaign_id)
        months = await tx.rows("SELECT DISTINCT month FROM event_counts WHERE account_id = $1")
        assert months == await tx.rows("SELECT month FROM campaigns WHERE account_id = $1")
    assert cells == {
        ("click", 0, "person"): (2, 1),
        ("click", 0, "machine"): (1, 1),
        ("click", sent.link_ids[1], "person"): (2, 1),
        ("click", sent.link_ids[2], "machine"): (1, 1),
        ("open", 0, "person"): (1, 1),
    }


async def test_a_contact_that_is_erased_stays_in_the_counts(sent: Sent, services: Services) -> None:
    hits = some_hits(sent)
    async with services.db.account(sent.account_id) as tx:
        window = Window()
        await ingest.store(tx, window.add(hits), window)
        before = await kept(tx, sent.campaign_id)
        await tx.run("DELETE FROM contacts WHERE account_id = $1 AND id = $2", sent.contacts[0])
        late = [hit._replace(id=hit.id + "late") for hit in hits]
        assert (await ingest.store(tx, window.add(late), window))["click", "gone"] > 0
        cells, hours = await kept(tx, sent.campaign_id)
        assert (cells, hours) == await counted(tx, sent.campaign_id)
        assert all(cells[key][1] >= people for key, (_, people) in before[0].items())


@pytest.mark.req("A-064", "S6")
async def test_counts_go_when_the_figures_are_frozen_and_none_come_after(
    sent: Sent, services: Services
) -> None:
    hits = some_hits(sent)
    async with services.db.account(sent.account_id) as tx:
        window = Window()
        await ingest.store(tx, window.add(hits[:10]), window)
        await totals.freeze(tx, [sent.campaign_id], clock.now())
        assert await kept(tx, sent.campaign_id) == ({}, {})
        assert (await ingest.store(tx, window.add(hits[10:]), window))["click", "stored"] > 0
        assert await kept(tx, sent.campaign_id) == ({}, {})


async def test_a_verdict_that_changes_moves_one_person(sent: Sent, services: Services) -> None:
    """Two hits of one person: the better verdict goes, the person is in the other cell; and back."""
    hits = [
        hit._replace(agent="browser", head=False, at=hit.at + n * 60_000)
        for n, hit in enumerate(some_hits(sent)[:2])
    ]
    async with services.db.account(sent.account_id) as tx:
        window = Window()
        await ingest.store(tx, window.add(hits), window)
        first = hits[0]
        for old, new in (("unknown", "machine"), ("machine", "person"), ("person", "unknown")):
            await counts.hold(tx)
            await tx.run(
                "UPDATE events SET verdict = $3 WHERE account_id = $1 AND id = $2 AND kind = 'open'",
                first.id,
                new,
            )
            change = Change(sent.campaign_id, first.contact_id, "open", 0, first.at, old, new)
            await counts.apply(tx, [change], since=first.time - timedelta(days=1))
            assert await kept(tx, sent.campaign_id) == await counted(tx, sent.campaign_id)


@pytest.mark.parametrize("rows", [0, 20_000])
async def test_a_recipient_is_looked_up_by_the_index_over_contacts(
    sent: Sent, services: Services, rows: int
) -> None:
    """Also when the planner knows nothing, and when it plans once for all: else each looks at the whole campaign.

    Asked of the last month there is: no other test writes there, so no figures of its rows were ever taken.
    """
    async with services.db.account(sent.account_id) as tx:
        ((name, first),) = await tx.shared().rows(
            """
            SELECT c.relname, to_timestamp(right(c.relname, 7), 'YYYY_MM')
            FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
            WHERE i.inhparent = 'events'::regclass ORDER BY 1 DESC LIMIT 1
            """
        )
        await tx.run(
            """
            INSERT INTO events (account_id, id, at, campaign_id, contact_id, kind, verdict)
            SELECT $1, 'p' || n, $4::timestamptz + interval '1 day', $2, 1000000 + n, 'open', 'person'
            FROM generate_series(1, $3::int) n
            """,
            sent.campaign_id,
            rows,
            first,
        )
        await tx.run_plain("SET LOCAL plan_cache_mode = force_generic_plan")
        await tx.run_plain(f"PREPARE totals AS {counts._TOTALS}")
        arguments = (
            f"1, '{{1}}', '{{open}}', '{{\"\"}}', '{{person}}', '{{0}}', '{{1}}', '{first.isoformat()}'"
        )
        plan = "\n".join(line for (line,) in await tx.shared().rows(f"EXPLAIN EXECUTE totals({arguments})"))
        await tx.run_plain("DEALLOCATE totals")
        await tx.run("DELETE FROM events WHERE account_id = $1 AND at >= $2", first)
    used = set(re.findall(rf"(?:Scan using|on) ({name}\w+)", plan))
    assert used, plan
    # an empty month may be read by the time as well: no row is there, and autovacuum's first look plans anew
    assert all("contact_id_at" in one or (not rows and one.endswith("pkey")) for one in used), plan
    assert f"Seq Scan on {name}" not in plan


async def test_the_migration_counts_what_is_there(sent: Sent, services: Services, repository: Path) -> None:
    text = (repository / "mailer/migrations/0110_event_counts.sql").read_text()
    fill = [part.split(";")[0] for part in text.split("INSERT INTO")[1:]]
    assert len(fill) == 2
    async with services.db.account(sent.account_id) as tx:
        window = Window()
        await ingest.store(tx, window.add(some_hits(sent)), window)
        found = await kept(tx, sent.campaign_id)
        await counts.forget(tx, [sent.campaign_id])
        for statement in fill:
            await tx.run_plain(f"INSERT INTO {statement}")
        assert await kept(tx, sent.campaign_id) == found != ({}, {})


@pytest.mark.req("D-91", "D-92")
async def test_a_neighbour_in_a_crowd_is_counted_by_its_own_old_mail(
    sent: Sent, services: Services, make: Make
) -> None:
    """Whose verdict changes since others came from its network: the mail may be older than theirs."""
    start = buffer.now_ms() - 600_000
    async with services.db.account(sent.account_id) as tx:
        old, links = await sent_campaign(tx, links=tuple(f"https://shop.example/{n}" for n in range(5)))
        ana = await make.contact(tx, "ana@d0.test", list_id=sent.list_id, tracked=True)
        await delivered(tx, old, ana, sent.list_id)
        long_ago = clock.now() - timedelta(days=60)
        await tx.run(
            "UPDATE deliveries SET first_at = $3, final_at = $3 WHERE account_id = $1 AND campaign_id = $2",
            old,
            long_ago,
        )
        crowd = [
            await make.contact(tx, f"c{n}@d{n + 1}.test", list_id=sent.list_id, tracked=True)
            for n in range(9)
        ]
        for contact in crowd:
            await delivered(tx, sent.campaign_id, contact, sent.list_id)
        read = long_ago + timedelta(days=1)
        await tx.shared().run("CALL make_month($1)", read.date().replace(day=1))
        await tx.run(
            """
            INSERT INTO events (account_id, id, at, campaign_id, contact_id, kind, link_id, verdict)
            VALUES ($1, 'read', $2, $3, $4, 'click', $5, 'person')
            """,
            read,
            old,
            ana,
            links[0],
        )
        await counts.apply(
            tx,
            [Change(old, ana, "click", links[0], round(read.timestamp() * 1000), "", "person")],
            since=long_ago,
        )

    def hit(n: int, campaign: int, contact: int, link: int) -> Hit:
        return Hit(
            f"{sent.account_id}-old{n}", start + n * 100, "click", sent.account_id, campaign, contact, link,
            "browser", False, "aabb",
        )  # fmt: skip

    window = Window()
    first = [hit(n, old, ana, link) for n, link in enumerate(links)]
    others = [hit(10 + n, sent.campaign_id, contact, sent.link_ids[0]) for n, contact in enumerate(crowd)]
    for batch, verdict in ((first, "unknown"), (others, "machine")):
        async with services.db.account(sent.account_id) as tx:
            await ingest.store(tx, window.add(batch), window)
            found = await tx.rows(
                "SELECT DISTINCT verdict FROM events WHERE account_id = $1 AND contact_id = $2 AND id <> 'read'",
                ana,
            )
            assert found == [(verdict,)]
            assert await kept(tx, old) == await counted(tx, old)
            assert await kept(tx, sent.campaign_id) == await counted(tx, sent.campaign_id)
