"""The operator's people read an account with a purpose, for an hour at most, and the account sees it (A-018, A-120)."""

import re
from datetime import timedelta

import pytest

from mailer.accounts import audit, staff_access
from mailer.app import APP_ROUTES
from mailer.core import clock
from mailer.core.errors import Forbidden
from mailer.core.services import Services
from tests.accounts.test_breaches import mails, operator
from tests.client import Client
from tests.make import Account, Make

pytestmark = [pytest.mark.req("A-018", "A-034")]
BASE = "/app/operator/accesses"


async def asked(person: Client, account: Account, **more: object) -> int:
    """Asks for an access and returns its number."""
    form = {"account": account.id, "purpose": "support", "ticket": "T-17", "minutes": 30, **more}
    answer = await person.post(BASE, form)
    assert answer.status == 303, answer.text
    found = re.search(r"/accesses/(\d+)/end", (await person.get(BASE)).text)
    assert found is not None
    return int(found[1])


async def test_an_account_is_read_for_a_purpose_and_sees_each_page_that_was_read(
    services: Services, make: Make
) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        contact_id = await make.contact(tx, "canari@exemple.test")
    person, owner = await operator(make), await make.signed_in(account.owner_id, language="fr")
    contact = f"{account.app}/contacts/{contact_id}"
    assert (await person.get(contact)).status == 404
    for wrong in (
        {"purpose": ""},
        {"purpose": "curiosity"},
        {"ticket": ""},
        {"minutes": 61},
        {"minutes": 0},
        {"account": 10**15},
    ):
        form = {"account": account.id, "purpose": "support", "ticket": "T-17", "minutes": 30, **wrong}
        assert (await person.post(BASE, form)).status == 422
    assert (await person.get(contact)).status == 404
    await asked(person, account)
    shown = await person.get(contact)
    assert shown.status == 200
    assert "canari@exemple.test" in shown.text
    assert "Vous lisez ce compte comme exploitant" in shown.text
    (mail,) = await mails(services, "staff_access", account.owner_email)
    assert (mail["ticket"], mail["waits"]) == ("T-17", False)
    page = (await owner.get(f"{account.app}/contacts")).text
    assert "L’exploitant lit ce compte jusqu’au" in page
    journal = (await owner.get(f"{account.app}/settings/log?who=operator")).text
    assert "Support, motif\N{NO-BREAK SPACE}: Support demandé par le compte (T-17)" in journal
    assert f"contact {contact_id}" in journal
    assert "canari" not in journal


async def test_a_page_that_renews_itself_is_one_line_of_the_journal(services: Services, make: Make) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        first, second = [await make.contact(tx) for _ in range(2)]
    person = await operator(make)
    access_id = await asked(person, account)
    poll = {"HX-Request": "true"}

    async def lines() -> list[tuple[str, int | None]]:
        async with services.db.account(account.id) as tx:
            return [
                (one.object, one.object_id)
                for one in await audit.latest(tx)
                if (one.actor_id, one.action) == (access_id, "viewed")
            ]

    before = len(await lines())
    assert (await person.get(f"{account.app}/contacts/{first}")).status == 200
    for _ in range(5):
        assert (await person.get(f"{account.app}/contacts/{first}", headers=poll)).status == 200
    assert (await lines())[: -before or None] == [("contact", first)]
    # a browser that calls everything a renewal leaves its line all the same; opening it once more is a visit
    await person.get(f"{account.app}/contacts/{second}", headers=poll)
    await person.get(f"{account.app}/contacts/{first}")
    assert (await lines())[: -before or None] == [("contact", first), ("contact", second), ("contact", first)]
    # another access begins with a line of its own
    await person.post(f"{BASE}/{access_id}/end")
    access_id = await asked(person, account)
    await person.get(f"{account.app}/contacts/{first}", headers=poll)
    assert await lines() == [("contact", first)]


async def test_it_reads_only_and_downloads_nothing(services: Services, make: Make) -> None:
    account = await make.account()
    person = await operator(make)
    await asked(person, account)
    changed = [
        route.path
        for route in APP_ROUTES
        if isinstance(route.path, str) and route.path.startswith("/{a}") and route.method == "POST"
    ]
    assert len(changed) > 100
    for path in changed:
        address = "/app" + re.sub(r"\{\w+(:[^}]*)?\}", "1", path.replace("{a}", str(account.id)))
        assert (await person.post(address)).status in (403, 404), address
    for path in ("settings/log.csv", "reports/campaigns.csv", "exports/1/file", "campaigns/1/report.csv"):
        assert (await person.get(f"{account.app}/{path}")).status == 403


@pytest.mark.req("A-120")
async def test_a_purpose_opens_no_page_that_it_does_not_need(services: Services, make: Make) -> None:
    account = await make.account()
    matrix = {
        "support": {"": 200, "contacts": 200, "settings/account": 200, "reports": 200},
        "legal": {"": 200, "contacts": 200, "settings/account": 200, "reports": 200},
        "billing": {"": 200, "contacts": 403, "settings/account": 200, "reports": 403},
        "statistics": {"": 200, "contacts": 403, "settings/account": 403, "reports": 200},
    }
    assert set(matrix) == set(staff_access.PURPOSES)
    for purpose, pages in matrix.items():
        person = await operator(make)
        await asked(person, account, purpose=purpose)
        found = {page: (await person.get(f"{account.app}/{page}".rstrip("/"))).status for page in pages}
        assert (purpose, found) == (purpose, pages)
    with pytest.raises(Forbidden):
        staff_access.check("billing", "GET", "settings/accounting")


async def test_it_ends_by_itself_and_by_either_side(services: Services, make: Make) -> None:
    account = await make.account()
    person, owner = await operator(make), await make.signed_in(account.owner_id)
    await asked(person, account, minutes=10)
    assert (await person.get(account.app)).status == 200
    # a second one meanwhile would prolong the first
    again = {"account": account.id, "purpose": "legal", "ticket": "T", "minutes": 60}
    assert (await person.post(BASE, again)).status == 409
    clock.shift(timedelta(minutes=10, seconds=1))
    assert (await person.get(account.app)).status == 404
    person = await operator(make)
    access_id = await asked(person, account)
    assert (await owner.post(f"{account.app}/settings/staff-access/{access_id}/end")).status == 303
    assert (await person.get(account.app)).status == 404
    assert (await owner.post(f"{account.app}/settings/staff-access/{access_id}/end")).status == 409
    access_id = await asked(person, account)
    assert (await person.post(f"{BASE}/{access_id}/end")).status == 303
    assert (await person.get(account.app)).status == 404
    assert (await person.post(f"{BASE}/{access_id}/end")).status == 404


async def test_owners_who_want_to_be_asked_approve_first(services: Services, make: Make) -> None:
    account = await make.account()
    person, owner = await operator(make), await make.signed_in(account.owner_id, language="fr")
    place = f"{account.app}/settings/staff-access"
    assert (await owner.post(place, {"approval": "true"})).status == 303
    access_id = await asked(person, account)
    assert (await person.get(account.app)).status == 404
    assert "L’exploitant demande à lire ce compte" in (await owner.get(account.app)).text
    manager = await make.signed_in((await make.user(account.id, "manager"))[0])
    assert (await manager.post(f"{place}/{access_id}/approval")).status == 403
    stranger = await make.account()
    theirs = await make.signed_in(stranger.owner_id)
    assert (await theirs.post(f"{stranger.app}/settings/staff-access/{access_id}/approval")).status == 404
    assert (await owner.post(f"{place}/{access_id}/approval")).status == 303
    assert (await person.get(account.app)).status == 200
    assert (await owner.post(f"{place}/{access_id}/end")).status == 303
    # refused, and lapsed after a day
    refused = await asked(person, account)
    assert (await owner.post(f"{place}/{refused}/end")).status == 303
    assert "Refusé" in (await owner.get(place)).text
    await asked(person, account)
    clock.shift(timedelta(days=1, seconds=1))
    lapsed = await asked(await operator(make), account)
    assert (
        "L’exploitant demande à lire ce compte"
        in (await (await make.signed_in(account.owner_id, language="fr")).get(account.app)).text
    )
    assert lapsed


@pytest.mark.req("A-017")
async def test_without_an_open_access_no_page_of_an_operator_shows_a_contact(
    services: Services, make: Make
) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        contact_id = await make.contact(tx, "canari.unique@exemple.test")
    person = await operator(make)
    looked = 0
    for route in APP_ROUTES:
        path = str(route.path)
        if route.method != "GET" or path.startswith("/inbox"):
            continue
        filled = re.sub(r"\{a\}", str(account.id), path)
        filled = re.sub(r"\{id[^}]*\}", str(contact_id), filled)
        answer = await person.get("/app" + re.sub(r"\{\w+:?[^}]*\}", "1", filled))
        assert "canari.unique" not in answer.text
        assert "{a}" not in path or answer.status == 404
        looked += path.startswith("/operator")
    assert looked > 8
