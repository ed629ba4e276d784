"""A large campaign, or many of them, do not keep another account's small one waiting (S3, peers 20).

Two real workers and a server that takes its time. Nothing is measured in seconds: when the fifty are done, most of
the others have still to leave.
"""

import pytest

from mailer.core import work
from tests.delivery.conftest import Post
from tests.faults import conftest as faults
from tests.faults.conftest import Machine
from tests.make import Make

servers = faults.servers
machine = faults.machine
SWEPT = ("retention_jobs.account_pass", "retention_jobs.watch_inactive")


async def _post(machine: Machine) -> Post:
    make = Make(machine.services, None, "")  # type: ignore[arg-type]  # asks nothing over HTTP
    return Post(machine.services, make, await make.account(), machine.sink)


async def _people(post: Post, count: int) -> int:
    """A list of so many, written at once."""
    async with post.tx() as tx:
        listed = await post.make.mailing_list(tx)
        await tx.run(
            """
            INSERT INTO contacts (account_id, email, address_key, address_hash)
            SELECT $1, 'p' || n || $3, 'p' || n || $3, decode(md5('fair' || n), 'hex')
            FROM generate_series(1, $2::int) AS n
            """,
            count,
            f"@fair-{post.account.id}.test",
        )
        await tx.run(
            """
            INSERT INTO subscriptions (account_id, list_id, contact_id, status, legal_basis)
            SELECT account_id, $2, id, 'active', 'consent' FROM contacts WHERE account_id = $1
            """,
            listed,
        )
    return listed


def _left(machine: Machine, post: Post, total: int) -> int:
    ending = f"@fair-{post.account.id}.test"
    return total - sum(who.endswith(ending) for who in machine.sink.recipients)


async def _fifty(machine: Machine) -> Post:
    small = await _post(machine)
    campaign = await small.campaign([await _people(small, 50)])
    await machine.until(lambda: _left(machine, small, 50) == 0)

    async def ended() -> bool:
        return await small.status(campaign) == "sent"

    await machine.until(ended)
    return small


@pytest.mark.req("S3")
async def test_fifty_mails_do_not_wait_for_a_large_campaign(machine: Machine) -> None:
    machine.sink.delay = 0.1
    big = await _post(machine)
    await big.campaign([await _people(big, 4_000)])
    await machine.start_worker()
    await machine.start_worker()
    await machine.until(lambda: _left(machine, big, 4_000) < 3_900)
    await _fifty(machine)
    assert _left(machine, big, 4_000) > 2_000


@pytest.mark.req("S3")
async def test_fifty_mails_do_not_wait_for_more_campaigns_than_workers_have_hands(machine: Machine) -> None:
    """Thirty lanes want twenty-four places; a turn that others wait for ends early."""
    machine.sink.delay = 0.2
    big = await _post(machine)
    listed = await _people(big, 400)
    for _ in range(15):
        await big.campaign([listed])
    await machine.start_worker()
    await machine.start_worker()
    total = 15 * 400
    await machine.until(lambda: _left(machine, big, total) < total - 200)
    await _fifty(machine)
    assert _left(machine, big, total) > total // 2


@pytest.mark.req("S3")
async def test_fifty_mails_do_not_wait_for_the_cleaning_of_a_thousand_accounts(machine: Machine) -> None:
    """What sweeps ask of every account is background: a turn has other places, and is rung first."""
    async with machine.services.db.shared() as tx:
        await tx.run("DELETE FROM work")  # of the tests before
        await tx.run("INSERT INTO accounts (name) SELECT 'Compte ' || n FROM generate_series(1, 1500) AS n")
        for job in SWEPT:
            await work.add_for_each_account(tx, job)
    await machine.start_worker()
    await machine.until(lambda: _swept_left(machine, below=3_000))
    await _fifty(machine)
    assert not await _swept_left(machine, below=1_500)


async def _swept_left(machine: Machine, *, below: int) -> bool:
    async with machine.services.db.shared() as tx:
        left: int = await tx.value("SELECT count(*) FROM work WHERE job = ANY ($1::text[])", list(SWEPT))
    return left < below
