"""Authorities that ask for data: what is checked before anything is handed over, and when the account is told."""

from datetime import timedelta

import pytest

from mailer.accounts import authority_requests, authority_years
from mailer.core import clock, work
from mailer.core.clock import months_after
from mailer.core.db import SharedTx
from mailer.core.services import Services
from retention_jobs import ages, platform
from retention_jobs.classes import OF_PLATFORM
from tests.accounts.test_breaches import mails, operator, run
from tests.client import Client
from tests.make import Make

pytestmark = [pytest.mark.req("A-037")]
BASE = "/app/operator/authority-requests"
FORM = {
    "authority": "Tribunal judiciaire de Lyon",
    "kind": "court",
    "country": "FR",
    "reference": "26/0417",
    "basis": "[article de la procédure]",
    "scope": "Journal des connexions du 3 novembre",
}
CHECKS = list(authority_requests.CHECKS)


async def recorded(person: Client, **more: object) -> str:
    form = {**FORM, "received_on": clock.now().date(), **more}
    answer = await person.post(f"{BASE}/new", form)
    assert answer.status == 303, answer.text
    return answer.location


async def test_without_a_ban_the_account_is_told_in_the_same_transaction(
    services: Services, make: Make
) -> None:
    account, other = await make.account(), await make.account()
    person = await operator(make)
    place = await recorded(person, account=account.id)
    (mail,) = await mails(services, "authority_notice", account.owner_email)
    assert FORM["authority"] in str(mail["lines"])
    owner = await make.signed_in(account.owner_id, language="fr")
    shown = (await owner.get(f"{account.app}/privacy/authority-requests")).text
    assert "Tribunal judiciaire de Lyon" in shown
    assert "Journal des connexions" in shown
    theirs = await make.signed_in(other.owner_id)
    assert "Tribunal" not in (await theirs.get(f"{other.app}/privacy/authority-requests")).text
    assert "<h2>Tribunal judiciaire de Lyon</h2>" in shown
    assert (await owner.get(place)).status == 404
    assert "À répondre" in (await person.get(BASE)).text
    letter = (await person.get(f"{place}/refusal")).text
    assert "– Elle est écrite\n– Elle est signée" in letter
    # told once, whatever is corrected later
    assert (
        await person.post(f"{place}/edit", {**FORM, "received_on": clock.now().date(), "account": account.id})
    ).status == 303
    assert len(await mails(services, "authority_notice", account.owner_email)) == 1


async def test_a_ban_keeps_it_from_the_account_until_its_day_and_then_tells_by_itself(
    services: Services, make: Make
) -> None:
    account = await make.account()
    person, owner = await operator(make), await make.signed_in(account.owner_id)
    end = clock.now().date() + timedelta(days=30)
    ban = {"account": account.id, "silent_until": end, "silence_basis": "[article]"}
    request_id = int((await recorded(person, **ban)).rpartition("/")[2])
    assert not await mails(services, "authority_notice", account.owner_email)
    assert "Tribunal" not in (await owner.get(f"{account.app}/privacy/authority-requests")).text
    assert "authority_request" not in (await owner.get(f"{account.app}/settings/log.csv")).text
    # asked too early, it goes on waiting
    assert await run(services, authority_requests.TELL, work.PLATFORM, request_id)
    assert not await mails(services, "authority_notice", account.owner_email)
    clock.shift(timedelta(days=31))
    assert await run(services, authority_requests.TELL, work.PLATFORM, request_id)
    assert len(await mails(services, "authority_notice", account.owner_email)) == 1
    clock.shift(timedelta(0))
    assert "Tribunal" in (await owner.get(f"{account.app}/privacy/authority-requests")).text


async def test_a_lifted_ban_tells_at_once(services: Services, make: Make) -> None:
    account = await make.account()
    person = await operator(make)
    end = clock.now().date() + timedelta(days=30)
    place = await recorded(person, account=account.id, silent_until=end, silence_basis="[article]")
    assert (await person.post(f"{place}/notices")).status == 303
    assert len(await mails(services, "authority_notice", account.owner_email)) == 1


async def test_a_ban_is_prolonged_and_shortened_also_once_the_request_was_answered(
    services: Services, make: Make
) -> None:
    account = await make.account()
    person = await operator(make)
    day = clock.now().date()
    ban = {"silent_until": day + timedelta(days=30), "silence_basis": "[article]"}
    place = await recorded(person, account=account.id, **ban)
    request_id = int(place.rpartition("/")[2])
    refused = {"answer": "refused", "note": "Hors périmètre"}
    assert (await person.post(f"{place}/answer", refused)).status == 303
    # the whole record no longer changes, the ban does
    form = {**FORM, "received_on": day, "account": account.id, **ban}
    assert (await person.post(f"{place}/edit", form)).status == 409
    longer = {"silent_until": day + timedelta(days=90), "silence_basis": "[article], ordonnance du 3 mars"}
    assert (await person.post(f"{place}/ban", longer)).status == 303
    shown = (await person.get(place)).text
    assert "ordonnance du 3 mars" in shown
    assert f'value="{longer["silent_until"]}"' in shown
    clock.shift(timedelta(days=31))
    assert await run(services, authority_requests.TELL, work.PLATFORM, request_id)
    assert not await mails(services, "authority_notice", account.owner_email)
    # it ends sooner than was thought: on that day, by itself
    clock.shift(timedelta(0))
    sooner = {"silent_until": day + timedelta(days=40), "silence_basis": "[article]"}
    assert (await person.post(f"{place}/ban", sooner)).status == 303
    async with services.db.shared() as tx:
        due = await tx.value(
            "SELECT run_at FROM work WHERE job = $1 AND ref_id = $2", authority_requests.TELL, request_id
        )
    assert (due + clock.offset()).date() == sooner["silent_until"]
    clock.shift(timedelta(days=41))
    assert await run(services, authority_requests.TELL, work.PLATFORM, request_id)
    assert len(await mails(services, "authority_notice", account.owner_email)) == 1
    clock.shift(timedelta(0))
    assert (await person.post(f"{place}/ban", longer)).status == 409
    assert f"{place}/ban" not in (await person.get(place)).text


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"silent_until": ""}, "silent_until"),
        ({"silent_until": "2026-01-01"}, "silent_until"),
        ({"silent_until": "2126-01-01"}, "silent_until"),
        ({"silence_basis": ""}, "silence_basis"),
    ],
)
async def test_a_ban_without_a_day_or_a_law_is_not_changed(
    make: Make, wrong: dict[str, str], field: str
) -> None:
    account = await make.account()
    person = await operator(make)
    ban = {"silent_until": clock.now().date() + timedelta(days=30), "silence_basis": "[article]"}
    place = await recorded(person, account=account.id, **ban)
    refused = await person.post(f"{place}/ban", ban | wrong)
    assert refused.status == 422
    assert f'id="{field}-error"' in refused.text
    owner = await make.signed_in(account.owner_id)
    assert (await owner.post(f"{place}/ban", ban)).status == 404
    none = await recorded(person)
    assert (await person.post(f"{none}/ban", ban)).status == 409


async def test_the_file_of_a_ban_of_ten_years_stays_until_the_account_was_told(
    services: Services, make: Make
) -> None:
    account, gone = await make.account(), await make.account()
    person = await operator(make)
    ban = {"silent_until": clock.now().date() + timedelta(days=3650), "silence_basis": "[article]"}
    refused = {"answer": "refused", "note": "Hors périmètre"}
    places = [await recorded(person, account=one.id, **ban) for one in (account, gone)]
    for place in places:
        assert (await person.post(f"{place}/answer", refused)).status == 303
    kept, erased = (int(place.rpartition("/")[2]) for place in places)
    late = months_after(clock.now(), 61)
    name = "register of authorities' requests"

    class Undone(Exception):
        pass

    async def story(tx: SharedTx) -> None:
        ids = "SELECT array_agg(id ORDER BY id) FROM authority_requests WHERE id = ANY ($1::bigint[])"
        await tx.run("UPDATE authority_requests SET account_id = -1 WHERE id = $1", erased)
        await tx.run(platform.RULES[name], OF_PLATFORM[name].before(late))
        # nobody is left to tell of the other
        assert await tx.value(ids, [kept, erased]) == [kept]
        assert {one.name: one.overdue for one in await ages.of_platform(tx, late)}[name] == 0
        await tx.run("UPDATE authority_requests SET told_at = answered_at WHERE id = $1", kept)
        assert {one.name: one.overdue for one in await ages.of_platform(tx, late)}[name] == 1
        await tx.run(platform.RULES[name], OF_PLATFORM[name].before(late))
        assert await tx.value(ids, [kept, erased]) is None
        raise Undone

    with pytest.raises(Undone):
        async with services.db.shared() as tx:
            await story(tx)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"authority": ""}, "authority"),
        ({"basis": ""}, "basis"),
        ({"account": "999999999999"}, "account"),
        ({"silence_basis": "x"}, "silent_until"),
        ({"silent_until": "2126-01-01", "silence_basis": "x"}, "silent_until"),
        ({"silent_until": "2026-01-01", "silence_basis": "x"}, "silent_until"),
        ({"received_on": "2126-01-01"}, "received_on"),
        ({"country": "France"}, "country"),
    ],
)
async def test_what_is_missing_is_said_at_its_field(make: Make, wrong: dict[str, str], field: str) -> None:
    person = await operator(make)
    answer = await person.post(f"{BASE}/new", {**FORM, "received_on": clock.now().date(), **wrong})
    assert answer.status == 422
    assert f'id="{field}-error"' in answer.text


async def test_it_is_followed_only_when_every_check_was_made_and_from_outside_only_on_an_agreement(
    make: Make,
) -> None:
    person = await operator(make)
    yes, no = {"answer": "complied", "note": "Extrait remis"}, {"answer": "refused", "note": "Hors périmètre"}
    unchecked = await recorded(person, checks=CHECKS[:3])
    assert (await person.post(f"{unchecked}/answer", yes)).status == 422
    letter = (await person.get(f"{unchecked}/refusal")).text
    assert "Son périmètre ne dépasse pas ce que son but exige" in letter
    assert "[à compléter\N{NO-BREAK SPACE}: lieu, date, nom et signature]" in letter
    assert (await person.post(f"{unchecked}/answer", no)).status == 303
    assert (await person.post(f"{unchecked}/answer", yes)).status == 409
    outside = await recorded(person, checks=CHECKS, country="US")
    assert (await person.post(f"{outside}/answer", yes)).status == 422
    agreed = await recorded(person, checks=CHECKS, country="US", agreement="[traité]")
    assert (await person.post(f"{agreed}/answer", yes)).status == 303
    assert (await person.post(f"{await recorded(person, checks=CHECKS)}/answer", yes)).status == 303


@pytest.mark.req("A-108")
@pytest.mark.parametrize(("language", "heading"), [("fr", "Demandes par année"), ("en", "Requests by year")])
async def test_everybody_reads_how_many_there_were_and_nothing_else(
    services: Services, make: Make, client: Client, language: str, heading: str
) -> None:
    account = await make.account()
    await recorded(await operator(make), account=account.id, authority="Autorité secrète")
    shown = (await client.get(f"/legal/authority-requests?lang={language}")).text
    assert heading in shown
    assert "Autorité secrète" not in shown
    async with services.db.shared() as tx:
        (year, *_) = await authority_years.years(tx)
        count = await tx.value(
            "SELECT count(*) FROM authority_requests WHERE extract(year FROM received_at AT TIME ZONE 'UTC') = $1",
            year.year,
        )
    assert year.received == count == year.refused + year.partial + year.complied + year.open
