"""The header's search, as somebody who looks for a person or a campaign meets it."""

import pytest

from sending import campaigns
from sending.campaigns import NewCampaign
from tests.make import Make


async def test_people_by_address_and_by_name(make: Make) -> None:
    account = await make.account()
    async with make.services.db.account(account.id) as tx:
        list_id = await make.mailing_list(tx, "Clients du four")
        await make.contact(tx, "zelie.martin@example.test", list_id=list_id)
        await make.contact(tx, "paul@example.test")
    person = await make.signed_in(account.owner_id)
    by_address = await person.get(f"{account.app}/search?q=ZELIE.m")
    assert by_address.status == 200
    assert "zelie.martin@example.test" in by_address.text
    assert "Clients du four" in by_address.text
    assert "paul@example.test" not in by_address.text
    by_name = await person.get(f"{account.app}/search?q=an")
    assert "paul@example.test" in by_name.text, "both are called Ana"


async def test_campaigns_by_a_part_of_their_name(make: Make) -> None:
    account = await make.account()
    async with make.services.db.account(account.id) as tx:
        draft = await campaigns.create(tx, NewCampaign(name="Soldes d'hiver"))
        await campaigns.create(tx, NewCampaign(name="Lettre"))
    person = await make.signed_in(account.owner_id)
    found = await person.get(f"{account.app}/search?q=HIVER")
    assert f'href="{account.app}/campaigns/{draft.id}/setup"' in found.text
    assert "Lettre" not in found.text


async def test_nothing_asked_and_nothing_found(make: Make) -> None:
    account = await make.account()
    person = await make.signed_in(account.owner_id)
    assert "Write the beginning" in (await person.get(f"{account.app}/search?q=%20")).text
    nothing = await person.get(f"{account.app}/search?q=%3Cb%3E")
    assert nothing.status == 200
    assert "No contact and no campaign" in nothing.text
    assert "<b>" not in nothing.text


@pytest.mark.req("E-50")
async def test_another_accounts_people_are_not_found(make: Make) -> None:
    account, other = await make.account(), await make.account()
    async with make.services.db.account(other.id) as tx:
        await make.contact(tx, "yvonne@example.test")
    person = await make.signed_in(account.owner_id)
    found = await person.get(f"{account.app}/search?q=yvonne")
    assert "yvonne@example.test" not in found.text
    assert "No contact and no campaign" in found.text
    assert (await person.get(f"{other.app}/search?q=yvonne")).status == 404
