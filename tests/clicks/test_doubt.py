"""A mail in doubt that was opened did arrive (S1)."""

from mailer import worker
from mailer.core import jobs, work
from mailer.core.services import Services
from tests.clicks.conftest import BROWSER, Flush, Sent, delivered
from tests.client import Client


async def _states(services: Services, sent: Sent) -> dict[int, str]:
    async with services.db.account(sent.account_id) as tx:
        return dict(await tx.rows("SELECT contact_id, status FROM deliveries WHERE account_id = $1"))


async def test_an_open_resolves_the_doubt_of_its_own_mail_only(
    sent: Sent, flush: Flush, services: Services, client: Client
) -> None:
    async with services.db.account(sent.account_id) as tx:
        for contact_id in sent.contacts[:2]:
            await tx.run("DELETE FROM deliveries WHERE account_id = $1 AND contact_id = $2", contact_id)
            await delivered(tx, sent.campaign_id, contact_id, sent.list_id, status="in_doubt")
    await client.get(sent.open(0), headers=BROWSER)
    await flush()
    due = [task for task in await work.due(services.db, 5000) if task.job == "sending.resolve_doubt"]
    for task in due:
        await jobs.run_turn(services, worker.JOBS, task)
    first, second, third = sent.contacts
    assert await _states(services, sent) == {first: "delivered", second: "in_doubt", third: "delivered"}
    async with services.db.account(sent.account_id) as tx:
        assert (
            await tx.value(
                "SELECT smtp_reply FROM deliveries WHERE account_id = $1 AND contact_id = $2", first
            )
            != ""
        )
