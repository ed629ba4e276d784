"""A person changes their own address: asked for from the old mailbox, confirmed from the new one (C-11)."""

from datetime import timedelta

import pytest

from lists import suppressions
from mailer.core import clock
from tests.rights.desk import Desk

pytestmark = pytest.mark.req("C-11", "A-022")
NEW = "Ana.Nouvelle@exemple.test"
EMAIL = "SELECT email FROM contacts WHERE account_id = $1 ORDER BY id LIMIT 1"
STATE = "SELECT state FROM rights_requests WHERE account_id = $1"


async def _asked(desk: Desk, **given: str) -> str:
    """Where the mail to the new address leads."""
    await desk.confirmed("correct", new_email=NEW, **given)
    [mail] = await desk.mails("rights_address")
    assert mail.to == NEW
    assert desk.email not in str(mail.details)
    return mail.path(desk.links.base)


async def test_the_new_mailbox_confirms_and_the_address_is_another(desk: Desk) -> None:
    link = await _asked(desk, first_name="Anna")
    # scanners look, and nothing changes
    for _ in range(2):
        page = await desk.client.get(link)
        assert (page.status, NEW in page.text) == (200, True)
    assert (await desk.value(EMAIL), await desk.value(STATE)) == (desk.email, "open")
    assert (await desk.client.post(link)).status == 303
    assert (await desk.value(EMAIL), await desk.value(STATE)) == (NEW, "done")
    assert await desk.value("SELECT first_name FROM contacts WHERE account_id = $1") == "Anna"
    acts = "SELECT count(*) FROM audit WHERE account_id = $1 AND object = 'contact' AND action = 'changed'"
    assert await desk.value(acts) == 2
    kept = "SELECT count(*) FROM rights_requests WHERE account_id = $1 AND (details <> '' OR sealed_address IS NOT NULL)"
    assert await desk.value(kept) == 0
    # a second press finds it done
    assert (await desk.client.post(link)).status == 303
    assert (await desk.client.get(link)).status == 200
    async with desk.tx() as tx:
        subscribed = await tx.value("SELECT status FROM subscriptions WHERE account_id = $1")
    assert subscribed == "active"


async def test_a_refusal_of_the_new_address_holds(desk: Desk) -> None:
    async with desk.tx() as tx:
        await suppressions.add_by_team(tx, desk.services.sealer, NEW)
    link = await _asked(desk)
    assert (await desk.client.post(link)).status == 303
    assert await desk.value(EMAIL) == NEW
    assert await desk.value("SELECT status FROM subscriptions WHERE account_id = $1") == "unsubscribed"


async def test_a_link_is_over_after_a_day_and_when_the_address_was_changed_meanwhile(desk: Desk) -> None:
    link = await _asked(desk)
    clock.shift(timedelta(hours=24, seconds=1))
    assert (await desk.client.get(link)).status == 410
    assert (await desk.client.post(link)).status == 303
    clock.shift(timedelta(0))
    assert (await desk.value(EMAIL), await desk.value(STATE)) == (desk.email, "open")
    async with desk.tx() as tx:
        await tx.run(
            "UPDATE contacts SET address_hash = decode(repeat('ab', 16), 'hex') WHERE account_id = $1 AND id = $2",
            desk.ana,
        )
    assert (await desk.client.get(link)).status == 410
    await desk.client.post(link)
    assert await desk.value(EMAIL) == desk.email


async def test_an_address_of_another_contact_is_left_to_the_team(desk: Desk) -> None:
    link = await _asked(desk)
    async with desk.tx() as tx:
        await desk.make.contact(tx, NEW)
    answer = await desk.client.post(link)
    assert answer.status == 410
    assert (await desk.value(EMAIL), await desk.value(STATE)) == (desk.email, "open")
    assert NEW in str(await desk.value("SELECT details FROM rights_requests WHERE account_id = $1"))


async def test_no_mail_leaves_where_the_team_decides(desk: Desk) -> None:
    await desk.confirmed("correct", new_email=NEW, details="Et ma ville")
    assert await desk.mails("rights_address") == []
    assert NEW in str(await desk.value("SELECT details FROM rights_requests WHERE account_id = $1"))


async def test_what_is_no_address_and_a_link_that_was_altered_are_refused(desk: Desk) -> None:
    link = await desk.link("correct")
    refused = await desk.client.post(link, {"new_email": "ana@"})
    assert refused.status == 422
    assert 'id="new_email-error"' in refused.text
    assert await desk.value("SELECT count(*) FROM rights_requests WHERE account_id = $1") == 0
    for altered in ("abc", "A" * 80):
        assert (await desk.client.get(f"/t/rights/address/{altered}")).status == 404
