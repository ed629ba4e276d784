"""What recipients' pages tell of machines and people, and of whom nothing is noted (D-92, B-35)."""

import orjson
import pytest

from mailer.core.services import Services
from mailer.core.tokens import Purpose, RecipientToken
from tests.clicks.conftest import BROWSER, Flush, Sent
from tests.client import Client
from tracking import buffer

pytestmark = pytest.mark.usefixtures("patient")


async def page(sent: Sent, services: Services, contact: int) -> str:
    async with services.db.account(sent.account_id) as tx:
        address_hash = await tx.value(
            "SELECT address_hash FROM contacts WHERE account_id = $1 AND id = $2", sent.contacts[contact]
        )
    who = RecipientToken(
        sent.account_id, sent.list_id, sent.contacts[contact], address_hash, sent.campaign_id
    )
    return f"/t/unsubscribe/{services.tokens.recipient(Purpose.UNSUBSCRIBE, who)}"


async def signals(sent: Sent) -> list[dict[str, object]]:
    async with sent.services.db.account(sent.account_id) as tx:
        rows = await tx.rows(
            "SELECT signals::text FROM events WHERE account_id = $1 AND kind IN ('open', 'click') ORDER BY at"
        )
    return [orjson.loads(text) for (text,) in rows]


async def noted(services: Services, sent: Sent) -> list[str]:
    found = await services.redis.xrange(buffer.STREAM)
    return [
        hit.kind
        for _, fields in found
        for hit in buffer.unpack(fields[b"h"])
        if hit.account_id == sent.account_id
    ]


@pytest.mark.req("D-92")
async def test_the_page_to_unsubscribe_beside_a_click_is_a_hint_until_a_form_is_sent(
    client: Client, sent: Sent, services: Services, flush: Flush
) -> None:
    way_out = await page(sent, services, 0)
    await client.get(sent.click(0), headers=BROWSER)
    assert (await client.get(way_out, headers=BROWSER)).status == 200
    await flush()
    assert [one.get("leave") for one in await signals(sent)] == [True]
    assert [verdict for kind, verdict, *_ in await sent.events()] == ["unknown"]
    answer = await client.post(way_out, data={"do": "leave"}, headers=BROWSER)
    assert answer.status == 303
    await flush()
    assert [one.get("post") for one in await signals(sent)] == [True]
    assert ("click", "person") in {(kind, verdict) for kind, verdict, *_ in await sent.events()}


async def test_a_providers_one_click_proves_nobody(
    client: Client, sent: Sent, services: Services, flush: Flush
) -> None:
    way_out = await page(sent, services, 1)
    await client.get(sent.click(1), headers=BROWSER)
    answer = await client.post(way_out, data={"List-Unsubscribe": "One-Click"})
    assert answer.status == 200
    await flush()
    assert await noted(services, sent) == ["click"]
    assert [one.get("post") for one in await signals(sent)] == [None]


@pytest.mark.req("B-35", "B-41")
async def test_of_those_who_are_not_measured_no_visit_is_noted(
    client: Client, sent: Sent, services: Services
) -> None:
    async with services.db.account(sent.account_id) as tx:
        await tx.run(
            "UPDATE contacts SET clicks = 'denied' WHERE account_id = $1 AND id = $2", sent.contacts[0]
        )
        await tx.run(
            "UPDATE deliveries SET clicks = false WHERE account_id = $1 AND contact_id = $2", sent.contacts[1]
        )
    for contact in range(3):
        assert (await client.get(await page(sent, services, contact), headers=BROWSER)).status == 200
    assert await noted(services, sent) == ["visit"]


async def test_a_page_that_cannot_be_noted_is_shown(client: Client) -> None:
    assert (await client.get("/t/unsubscribe/x", headers=BROWSER)).status == 404
