"""Breaches: the operator's register, whom one concerns, what accounts are told, their own register."""

import json
import re
from datetime import timedelta

import pytest

from mailer.accounts import breach_facts, breaches, jobs
from mailer.accounts.breach_facts import BreachFacts
from mailer.core import clock, work
from mailer.core.errors import Conflict
from mailer.core.jobs import run_turn
from mailer.core.services import Services
from mailer.core.work import Task
from retention_jobs import platform, register_rows
from tests.client import Client
from tests.make import Account, Make

JOBS = {job.name: job for job in jobs.JOBS}
FORM = {
    "title": "Sauvegarde lisible par un tiers",
    "role": "processor",
    "kinds": ["confidentiality"],
    "data": ["contacts"],
    "nature": "Un fichier de sauvegarde était accessible.",
    "people": "abonnés",
    "records": "adresses e-mail",
    "risk": "risk",
}


async def operator(make: Make) -> Client:
    user_id, _ = await make.user(None, language="fr")
    async with make.services.db.shared() as tx:
        await tx.run("UPDATE users SET is_operator = true WHERE id = $1", user_id)
    return await make.signed_in(user_id, language="fr")


async def run(services: Services, job: str, account_id: int, ref_id: int) -> bool:
    """What a worker would do of this one row now."""
    async with services.db.shared() as tx:
        turn = await tx.value(
            "SELECT turn FROM work WHERE account_id = $1 AND job = $2 AND ref_id = $3",
            account_id,
            job,
            ref_id,
        )
        await tx.run(
            "UPDATE work SET run_at = now() WHERE account_id = $1 AND job = $2 AND ref_id = $3",
            account_id,
            job,
            ref_id,
        )
    return turn is not None and await run_turn(services, JOBS, Task(account_id, job, ref_id, 0, turn))


async def mails(services: Services, kind: str, to: str) -> list[dict[str, object]]:
    async with services.db.shared() as tx:
        rows = await tx.rows(
            "SELECT details FROM outbox WHERE kind = $1 AND recipient = $2 ORDER BY id", kind, to
        )
    return [details for (details,) in rows]


def local(**before: float) -> str:
    from mailer.web import i18n

    return (
        (clock.now() - timedelta(**before)).astimezone(i18n.zone("Europe/Paris")).strftime("%Y-%m-%dT%H:%M")
    )


async def recorded(person: Client, **more: object) -> int:
    form = {**FORM, "aware_at": local(hours=1), **more}
    answer = await person.post("/app/operator/breaches/new", form)
    assert answer.status == 303, answer.text
    return int(answer.location.rpartition("/")[2])


async def filled(services: Services, make: Make, contacts: int) -> Account:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        for _ in range(contacts):
            await make.contact(tx)
    return account


@pytest.mark.req("A-035", "A-036", "C-61", "C-62")
async def test_from_a_breach_to_the_accounts_it_concerns_and_what_each_is_told(
    services: Services, make: Make
) -> None:
    hit, spared, other = [await filled(services, make, contacts) for contacts in (3, 0, 2)]
    person = await operator(make)
    breach_id = await recorded(person)
    place = f"/app/operator/breaches/{breach_id}"
    assert "encore 46" in (await person.get(place)).text
    numbers = f"{hit.id}, {spared.id}\n{other.id}"
    assert (await person.post(f"{place}/accounts", {"accounts": numbers})).status == 303
    for account in (hit, spared, other):
        assert await run(services, breaches.COUNT, account.id, breach_id)
    async with services.db.shared() as tx:
        found = {row.account_id: (row.people, row.records) for row in await breaches.concerned(tx, breach_id)}
    # who holds nothing of it is not concerned
    assert found == {hit.id: (3, 3), other.id: (2, 2)}
    assert (await person.post(f"{place}/notices")).status == 303
    assert not await mails(services, "breach_notice", hit.owner_email)
    assert await run(services, breaches.TELL, hit.id, breach_id)
    (mail,) = await mails(services, "breach_notice", hit.owner_email)
    said = " ".join(f"{label} {text}" for label, text in mail["lines"])  # type: ignore[attr-defined]
    assert "environ 3" in said
    assert "[à compléter\N{NO-BREAK SPACE}: mesures]" in said
    assert mail["more"] is True
    owner = await make.signed_in(hit.owner_id, language="fr")
    page = await owner.get("/app" + str(mail["link"]).partition("/app")[2])
    assert page.status == 200
    assert "Sauvegarde lisible par un tiers" in page.text
    assert "encore 71" in page.text
    # what became known later goes as a supplement, once, and changes nothing that the account wrote
    changed = {
        **FORM,
        "aware_at": local(hours=2),
        "measures": "Fichier retiré.",
        "consequences": "Courriels indésirables.",
    }
    assert (await person.post(f"{place}/edit", changed)).status == 303
    await person.post(f"{place}/notices")
    assert await run(services, breaches.TELL, hit.id, breach_id)
    async with services.db.account(hit.id) as tx:
        await work.add(tx, breaches.TELL, breach_id)
    assert await run(services, breaches.TELL, hit.id, breach_id)
    assert [one["number"] for one in await mails(services, "breach_notice", hit.owner_email)] == [1, 2]
    assert "Fichier retiré." in (await owner.get("/app" + str(mail["link"]).partition("/app")[2])).text
    assert not await mails(services, "breach_notice", spared.owner_email)


@pytest.mark.req("C-62")
async def test_a_wrong_number_of_an_account_or_an_impossible_time_is_said_at_its_field(make: Make) -> None:
    person = await operator(make)
    place = f"/app/operator/breaches/{await recorded(person)}"
    for numbers in ("999999999", "x", "", "1;;x"):
        answer = await person.post(f"{place}/accounts", {"accounts": numbers})
        assert answer.status == 422
        assert 'id="accounts-error"' in answer.text
    for name, value in (
        ("aware_at", local(hours=-3)),
        ("aware_at", "demain"),
        ("ended_at", "1026-01-01T00:00"),
        ("people_count", "-1"),
        ("title", ""),
    ):
        answer = await person.post(
            "/app/operator/breaches/new", {**FORM, "aware_at": local(hours=1), name: value}
        )
        assert answer.status == 422
        assert f'id="{name}-error"' in answer.text
        assert "Un fichier de sauvegarde était accessible." in answer.text
    refused = await person.post(f"{place}/notices")
    assert refused.status == 409


@pytest.mark.req("A-035", "C-61")
async def test_operators_are_reminded_a_day_and_six_hours_before_and_when_it_is_late(
    services: Services, make: Make
) -> None:
    user_id, email = await make.user(None, language="fr")
    async with services.db.shared() as tx:
        await tx.run("UPDATE users SET is_operator = true WHERE id = $1", user_id)
        facts = BreachFacts(title="Fuite", aware_at=clock.now())
        breach_id = await breaches.record(tx, facts, "both", by=user_id)
    told = []
    for hours in (0, 23, 25, 43, 47, 49, 67, 73, 200):
        clock.shift(timedelta(hours=hours))
        await run(services, breaches.REMIND, work.PLATFORM, breach_id)
        found = [one for one in await mails(services, "breach_clock", email) if one["title"] == "Fuite"]
        told.append([(one["what"], one["late"]) for one in found][sum(map(len, told)) :])
    accounts, cnil = "Informer les comptes", "Notifier la CNIL"
    assert told == [
        [],
        [],
        [(accounts, False)],
        [(accounts, False)],
        [],
        [(accounts, True), (cnil, False)],
        [(cnil, False)],
        [(cnil, True)],
        [],
    ]


@pytest.mark.req("C-62", "C-63")
async def test_an_account_keeps_a_register_of_its_own_with_file_and_letter(
    services: Services, make: Make
) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id, language="fr")
    base = f"{account.app}/privacy/breaches"
    own = {key: value for key, value in FORM.items() if key != "role"}
    own["nature"] = "Un fichier de sauvegarde était accessible. {{ contact.email }}"
    answer = await owner.post(
        f"{base}/new", {**own, "aware_at": local(hours=5), "measures": "<b>Clé</b> changée"}
    )
    assert answer.status == 303, answer.text
    place = answer.location
    assert "encore 66" in (await owner.get(place)).text
    file = await owner.get(f"{place}/file.html")
    assert file.headers["Content-Disposition"].startswith("attachment")
    for text in ("Atelier du Pain", "1 rue des Tests", "&lt;b&gt;Clé&lt;/b&gt; changée", "[à compléter"):
        assert text in file.text
    assert (await owner.get(f"{place}/file.json")).json()["breach"]["facts"]["nature"] == own["nature"]
    letter = (await owner.get(f"{place}/letter")).text
    assert "Un fichier de sauvegarde était accessible." in letter
    assert "[à compléter\N{NO-BREAK SPACE}: conseils adaptés" in letter
    # the letter leaves as a service message, which is never measured, and no text of the file is a merge field
    sent = await owner.post(f"{place}/campaigns")
    assert sent.status == 303
    async with services.db.account(account.id) as tx:
        (draft,) = await tx.rows("SELECT kind, content_kind, source FROM campaigns WHERE account_id = $1")
    assert draft[:2] == ("service", "letter")
    assert (
        "Un fichier de sauvegarde était accessible. { { contact.email }}"
        in json.loads(draft[2])["blocks"][2]["text"]
    )
    assert (await owner.get(sent.location)).status == 200
    assert (await owner.post(f"{place}/closing")).status == 409
    assert (await owner.post(f"{place}/authority", {"at": "", "authority_note": ""})).status == 422
    assert (
        await owner.post(f"{place}/authority", {"at": local(minutes=5), "authority_note": "n° 12"})
    ).status == 303
    assert (await owner.post(f"{place}/closing")).status == 303
    assert (await owner.post(f"{place}/edit", {**own, "aware_at": local(hours=5)})).status == 409
    analyst = await make.signed_in((await make.user(account.id, "analyst"))[0])
    assert (await analyst.get(place)).status == 200
    assert (await analyst.post(f"{base}/new", {**own, "aware_at": local(hours=1)})).status == 403
    stranger = await make.signed_in((await make.account()).owner_id)
    assert (await stranger.get(place)).status == 404


@pytest.mark.req("A-017", "A-036")
async def test_only_operators_see_the_register(make: Make) -> None:
    owner = await make.signed_in((await make.account()).owner_id)
    breach_id = await recorded(await operator(make))
    for path in (
        "",
        "/new",
        f"/{breach_id}",
        f"/{breach_id}/edit",
        f"/{breach_id}/file.html",
        f"/{breach_id}/file.json",
    ):
        assert (await owner.get(f"/app/operator/breaches{path}")).status == 404
    for path in ("/new", f"/{breach_id}/notices", f"/{breach_id}/closing", f"/{breach_id}/accounts"):
        assert (await owner.post(f"/app/operator/breaches{path}")).status == 404


@pytest.mark.req("C-62")
async def test_files_go_five_years_after_they_were_closed(services: Services, make: Make) -> None:
    account = await make.account()
    now = clock.now()
    facts = BreachFacts(title="Ancienne", aware_at=now)
    async with services.db.shared() as tx:
        closed = await breaches.record(tx, facts, "controller", by=account.owner_id)
        opened = await breaches.record(tx, facts, "controller", by=account.owner_id)
        with pytest.raises(Conflict):
            await breaches.close(tx, closed)
        await breaches.note_authority(tx, closed, None, "aucun risque")
        await breaches.close(tx, closed)
        for days, left in ((5 * 365, {closed, opened}), (5 * 366 + 2, {opened})):
            await platform.purge(tx, now + timedelta(days=days))
            rows = await tx.rows("SELECT id FROM breaches WHERE id = ANY ($1::bigint[])", [closed, opened])
            assert {breach_id for (breach_id,) in rows} == left
    async with services.db.account(account.id) as tx:
        await tx.run(
            """
            INSERT INTO account_breaches (account_id, aware_at, facts, closed_at)
            VALUES ($1, now(), $2, now()), ($1, now(), $2, NULL)
            """,
            breach_facts.stored(facts),
        )
        assert await register_rows.purge(tx, now + timedelta(days=5 * 365)) == 0
        assert await register_rows.purge(tx, now + timedelta(days=5 * 366 + 2)) == 1


def test_gaps_are_shown_and_nothing_is_made_up() -> None:
    facts = BreachFacts(title="Perte", aware_at=clock.now())
    text = " ".join(said for _, said in breach_facts.lines(facts, "Europe/Paris", dpo=""))
    assert len(re.findall(r"\[(?:to complete|à compléter)", text)) == 6
    assert breach_facts.gaps(facts)
