"""A welcome series runs through months while its workers are killed: nobody gets a step twice, nobody none."""

from collections import Counter

import pytest

from mailer.core import addresses, keys
from sending import automations
from sending.automations import NewAutomation, Trigger
from tests.automations.conftest import Series
from tests.delivery.conftest import Post
from tests.faults.conftest import IN_FLIGHT, Machine
from tests.make import Make

pytestmark = [pytest.mark.timeout(900), pytest.mark.long]
SUBJECTS = ("Un", "Deux", "Trois")


async def _series(machine: Machine) -> Series:
    make = Make(machine.services, None, "")  # type: ignore[arg-type]  # asks nothing over HTTP
    post = Post(machine.services, make, await make.account(), machine.sink)
    async with post.tx() as tx:
        await tx.run(
            """
            INSERT INTO senders (account_id, email, address_key, name, status)
            VALUES ($1, $2, $2, 'Atelier du Pain', 'confirmed')
            """,
            f"bonjour@pain-{post.account.id}.test",
        )
        list_id = await make.mailing_list(tx)
        made = await automations.create(
            tx, NewAutomation(name="Bienvenue", list_id=list_id, trigger=Trigger(kind="subscribed"))
        )
    series = Series(post, list_id, made.id)
    for subject in SUBJECTS:
        await series.mail(subject)
        await series.wait(amount=30, unit="days")
    await series.start()
    return series


async def _subscribe(series: Series, count: int) -> None:
    """All at once, as a form that went round or a program does."""
    async with series.post.tx() as tx:
        key = await keys.hash_key(tx, series.post.services.sealer)
        found = [addresses.parse(f"p{n}@kills-{series.id}.test").key for n in range(count)]
        await tx.run(
            """
            WITH made AS (
                INSERT INTO contacts (account_id, email, address_key, address_hash)
                SELECT $1, k, k, h FROM unnest($2::text[], $3::bytea[]) AS given (k, h)
                RETURNING id
            )
            INSERT INTO subscriptions (account_id, list_id, contact_id, status, legal_basis)
            SELECT $1, $4, id, 'active', 'consent' FROM made
            """,
            found,
            [keys.address_hash(key, one) for one in found],
            series.list_id,
        )


async def _a_month_passes(series: Series) -> None:
    """Everybody came where they are a month earlier; what left today left then."""
    async with series.post.tx() as tx:
        await tx.run(
            """
            UPDATE automation_journeys
            SET arrived_at = arrived_at - interval '31 days', due_at = due_at - interval '31 days'
            WHERE account_id = $1 AND ended_at IS NULL
            """
        )
        await tx.run(
            """
            UPDATE campaigns SET mailing_day = mailing_day - 31
            WHERE account_id = $1 AND mailing_of IS NOT NULL
            """
        )
        await automations.wake(tx, series.id)


async def _mails(series: Series) -> dict[tuple[str, str], str]:
    """(address, subject) → state of the delivery."""
    async with series.post.tx() as tx:
        rows = await tx.rows(
            """
            SELECT c.email, g.subject, d.status
            FROM automation_mails m
            JOIN campaigns g ON g.account_id = m.account_id AND g.id = m.campaign_id
            JOIN contacts c ON c.account_id = m.account_id AND c.id = m.contact_id
            JOIN deliveries d ON d.account_id = m.account_id AND d.campaign_id = m.campaign_id
                AND d.contact_id = m.contact_id AND d.month = g.month
            WHERE m.account_id = $1
            """
        )
    return {(email, subject): status for email, subject, status in rows}


@pytest.mark.req("D-22", "S1", "S3")
@pytest.mark.parametrize(("people", "kills"), [(60, 1), (600, 4)], ids=["short", "long"])
async def test_kills_through_the_months_give_nobody_a_step_twice_or_none(
    machine: Machine, people: int, kills: int
) -> None:
    series = await _series(machine)
    await _subscribe(series, people)

    month = 1

    async def settled() -> bool:
        await machine.hurry()
        states = await _mails(series)
        return len(states) == people * month and set(states.values()) <= {"delivered", "in_doubt"}

    await machine.start_worker()
    for month in range(1, len(SUBJECTS) + 1):
        if month > 1:
            await _a_month_passes(series)
        for _ in range(kills if kills > 1 or month < len(SUBJECTS) else 0):
            await machine.moved(people // (kills + 2))
            await machine.kill_workers()
            await machine.start_worker()
        await machine.until(settled)
    await _a_month_passes(series)

    async def over() -> bool:
        return set((await series.journeys()).values()) == {"done"}

    await machine.until(over)
    got = Counter((one.recipient, str(one.message["Subject"])) for one in machine.sink.accepted)
    states = await _mails(series)
    assert {who: n for who, n in got.items() if n != 1} == {}
    assert set(got) <= set(states)
    assert {who for who, state in states.items() if state == "delivered"} <= set(got)
    doubts = sum(state == "in_doubt" for state in states.values())
    assert doubts <= machine.kills * IN_FLIGHT
    assert len(states) == people * len(SUBJECTS)
    machine.figures(
        "figures", {"kills": machine.kills, "mails": len(machine.sink.accepted), "doubts": doubts}
    )
