"""What people under a legal hold ask: heard and registered, and the hold is told to the team alone."""

from datetime import timedelta

import pytest

from lists import legal_holds, suppressions
from lists.legal_holds import NewHold
from lists.rights_words import Right
from mailer.core import clock
from tests.rights.desk import Desk
from tests.rights.test_asking import heading
from tests.rights.test_requests import recorded, shown

ARTICLE = "CPP, art. 60-2"
CONTACTS = "SELECT count(*) FROM contacts WHERE account_id = $1"


async def hold(desk: Desk, whom: str) -> int:
    now = clock.now()
    new = NewHold(
        contact_id=desk.ana if whom == "person" else None,
        article=ARTICLE,
        reason="Réquisition",
        ends_on=(now + timedelta(days=60)).date(),
    )
    async with desk.tx() as tx:
        return await legal_holds.place(tx, new, by="tests", now=now)


@pytest.mark.req("A-022", "A-023", "C-05", "C-12", "C-16")
@pytest.mark.parametrize("whom", ["person", "account"])
async def test_an_erasure_under_a_hold_is_forwarded_and_the_person_reads_nothing_of_it(
    desk: Desk, whom: str
) -> None:
    hold_id = await hold(desk, whom)
    link = await desk.link("erase")
    before = await desk.client.get(link)
    pressed = await desk.client.post(link, {})
    assert pressed.status == 303
    after = await desk.client.get(link)
    assert heading(after.text) == "Request passed to Atelier du Pain."
    assert "Answer by" in after.text
    for page in (before, pressed, after):
        assert ARTICLE not in page.text
        assert "The law" not in page.text
    reference = await desk.value("SELECT id FROM rights_requests WHERE account_id = $1")
    assert isinstance(reference, int)
    found = await shown(desk, reference)
    assert (found.kind, found.state, found.contact_id) == ("erase", "open", desk.ana)
    assert await desk.value("SELECT count(*) FROM work WHERE account_id = $1 AND ref_id = $2", reference) == 1
    # neither mail nor measurement, from now on
    async with desk.tx() as tx:
        assert await suppressions.check(tx, desk.who.address_hash) == "objected"
    assert await desk.value("SELECT status FROM subscriptions WHERE account_id = $1") == "unsubscribed"
    assert await desk.value("SELECT opens || clicks FROM contacts WHERE account_id = $1") == "denieddenied"
    assert await desk.value(CONTACTS) == 1
    mails = await desk.mails()
    assert [(one.kind, one.to) for one in mails[1:]] == [("rights_told", desk.account.owner_email)]
    assert mails[-1].details["done"] is False
    assert not any(ARTICLE in str(one.details) for one in mails)
    # a second press is the same request
    await desk.client.post(link, {})
    assert await desk.value("SELECT count(*) FROM rights_requests WHERE account_id = $1") == 1

    owner = await desk.make.signed_in(desk.account.owner_id)
    place = f"{desk.account.app}/privacy/requests/{reference}"
    refused = await owner.post(f"{place}/erasure", {})
    assert refused.status == 409
    assert "The law asks to keep this until" in refused.text
    assert ARTICLE in refused.text
    assert 'href="#contact"' in refused.text
    assert 'id="contact"' in refused.text
    assert await desk.value(CONTACTS) == 1
    async with desk.tx() as tx:
        await legal_holds.lift(tx, hold_id, now=clock.now())
    assert (await owner.post(f"{place}/erasure", {})).status == 303
    assert await desk.value(CONTACTS) == 0


@pytest.mark.req("A-022", "C-12")
async def test_a_hold_of_another_or_one_that_is_over_keeps_nobody(desk: Desk) -> None:
    async with desk.tx() as tx:
        now = clock.now()
        other = await desk.make.contact(tx)
        for contact_id in (other, desk.ana):
            new = NewHold(contact_id=contact_id, article=ARTICLE, reason="Litige", ends_on=now.date())
            hold_id = await legal_holds.place(tx, new, by="tests", now=now - timedelta(days=2))
        await legal_holds.lift(tx, hold_id, now=now)
    assert (await shown(desk, await desk.confirmed("erase"))).state == "done"
    assert await desk.value(CONTACTS) == 1


@pytest.mark.req("A-022", "C-11", "C-13", "C-16")
@pytest.mark.parametrize("whom", ["person", "account"])
async def test_what_erases_nothing_is_carried_out_under_a_hold(desk: Desk, whom: str) -> None:
    await hold(desk, whom)
    for right, given in (
        ("correct", {"last_name": "Dupont"}),
        ("tracking", {}),
        ("object", {}),
        ("restrict", {"ground": "claims"}),
    ):
        async with desk.tx() as tx:
            await tx.run("DELETE FROM rights_asks WHERE account_id = $1")
        assert (await shown(desk, await desk.confirmed(right, **given))).state == "done", right
    assert await desk.value("SELECT last_name FROM contacts WHERE account_id = $1") == "Dupont"
    assert await desk.value("SELECT restricted_at IS NOT NULL FROM contacts WHERE account_id = $1") is True
    assert await desk.value("SELECT ground FROM restrictions WHERE account_id = $1") == "claims"
    async with desk.tx() as tx:
        assert await suppressions.check(tx, desk.who.address_hash) == "objected"
    # of the desk too
    owner = await desk.make.signed_in(desk.account.owner_id)
    for kind, tool in ((Right.OBJECT, "objection"), (Right.TRACKING, "measurement")):
        place = f"{desk.account.app}/privacy/requests/{await recorded(desk, kind)}"
        assert (await owner.post(f"{place}/{tool}", {})).status == 303
