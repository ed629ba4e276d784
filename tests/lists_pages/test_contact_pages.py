"""Pages of contacts, lists, fields, suppressions and exports, as a person of the team uses them."""

import re

import pytest

from lists import exports, selections
from mailer import worker
from mailer.core import jobs, work
from mailer.core.services import Services
from tests.client import Answer, Client
from tests.make import Account, Make


async def run_work(services: Services, account_id: int, job: str) -> None:
    for _ in range(50):
        due = [
            task
            for task in await work.due(services.db, 10_000)
            if (task.account_id, task.job) == (account_id, job)
        ]
        if not due:
            return
        await jobs.run_turn(services, worker.JOBS, due[0])


def sound(answer: Answer) -> str:
    """The page's text, after what holds for every page."""
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.text.count("<h1") == 1
    assert answer.text.count("btn-primary") <= 1
    assert " style=" not in answer.text
    assert not re.search(r" on[a-z]+=", answer.text)
    return answer.text


async def start(make: Make, *, language: str = "en") -> tuple[Account, Client]:
    acc = await make.account()
    return acc, await make.signed_in(acc.owner_id, language=language)


def updated(text: str) -> str:
    found = re.search(r'name="seen" value="([^"]+)"', text)
    assert found
    return found[1].replace("&#43;", "+")


@pytest.mark.req("A-014")
async def test_lists_from_the_empty_page_to_deletion(make: Make) -> None:
    acc, person = await start(make)
    text = sound(await person.get(f"{acc.app}/lists"))
    assert "A list holds people who agreed to the same thing, such as ‘Monthly letter’." in text
    again = await person.post(f"{acc.app}/lists", {"name": ""})
    assert again.status == 422
    assert "Write the name." in sound(again)
    made = await person.post(
        f"{acc.app}/lists", {"name": "Clients", "purpose": "Nos offres", "double_opt_in": "true"}
    )
    assert made.status == 303
    place = made.location
    text = sound(await person.get(place))
    assert "Nobody in this list yet. Import a file, add a person, or publish a form." in text
    assert ">Export<" in re.sub(r"<svg.*?</svg>", "", text)
    taken = await person.post(f"{acc.app}/lists", {"name": "Clients"})
    assert "A list is already called “Clients”. Choose another name." in sound(taken)
    assert 'value="Clients"' in taken.text
    sound(await person.get(f"{place}/settings"))
    saved = await person.post(f"{place}/settings", {"name": "Clients B", "purpose": "Nos offres"})
    assert saved.location == place
    assert "Clients B" in sound(await person.get(f"{acc.app}/lists"))
    sound(await person.get(f"{place}/deletion"))
    gone = await person.post(f"{place}/deletion", {})
    assert gone.status == 303
    assert "Its contacts stay." in sound(await person.get(gone.location))
    assert (await person.get(place)).status == 404


@pytest.mark.req("A-014", "B-28")
async def test_deleting_a_list_with_those_who_are_in_no_other(make: Make, services: Services) -> None:
    acc, person = await start(make)
    async with services.db.account(acc.id) as tx:
        one, two = await make.mailing_list(tx, "Salon"), await make.mailing_list(tx)
        only = await make.contact(tx, list_id=one)
        both = await make.contact(tx, list_id=one)
        await tx.run(
            "INSERT INTO subscriptions (account_id, list_id, contact_id, status) VALUES ($1, $2, $3, 'active')",
            two,
            both,
        )
    place = f"{acc.app}/lists/{one}/deletion"
    assert "2 contacts stay, 1 of them in no other list" in sound(await person.get(place))
    wrong = await person.post(place, {"with_contacts": "true", "typed": "salons"})
    assert wrong.status == 422
    assert "Write the name of the list: Salon." in sound(wrong)
    done = await person.post(place, {"with_contacts": "true", "typed": "salon"})
    assert "1 contact deleted." in sound(await person.get(done.location))
    async with services.db.account(acc.id) as tx:
        left = await tx.rows("SELECT id FROM contacts WHERE account_id = $1")
    assert left == [(both,)]
    assert only != both


@pytest.mark.req("A-014", "C-01")
async def test_contact_from_adding_to_deleting(make: Make, services: Services) -> None:
    acc, person = await start(make)
    text = sound(await person.get(f"{acc.app}/contacts"))
    assert (
        "No contacts. Import a table saved as CSV: we show you the result before anything is stored." in text
    )
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx, "Clients")
    await person.post(f"{acc.app}/fields", {"label": "Ville", "type": "text"})
    sound(await person.get(f"{acc.app}/contacts/new"))
    bare = {"email": "ana@example.test", "lists": listed}
    refused = await person.post(f"{acc.app}/contacts", bare)
    assert refused.status == 422
    assert "Say on what legal basis" in sound(refused)
    assert 'value="ana@example.test"' in refused.text
    full = bare | {
        "legal_basis": "consent",
        "source": "Salon 2026",
        "fields.ville": "Lyon",
        "first_name": "Ana",
    }
    made = await person.post(f"{acc.app}/contacts", full)
    assert made.status == 303
    text = sound(await person.get(made.location))
    for words in (
        "Receives 1 list.",
        "Open measurement: never asked.",
        "Salon 2026",
        "Lyon",
        "Agreement recorded",
    ):
        assert words in text
    assert "ana@example.test" not in re.search(r"<title>(.*?)</title>", text, re.S)[1]  # type: ignore[index]
    twice = await person.post(f"{acc.app}/contacts", full)
    assert twice.status == 409
    assert "is a contact already" in sound(twice)
    edit = sound(await person.get(f"{made.location}/edit"))
    seen = updated(edit)
    values = {"email": "ana@example.test", "last_name": "Lopez", "fields.ville": "", "seen": seen}
    assert (await person.post(f"{made.location}/edit", values)).status == 303
    stale = await person.post(f"{made.location}/edit", values | {"last_name": "Other"})
    assert stale.status == 409
    assert "Somebody changed this contact meanwhile." in sound(stale)
    assert 'value="Other"' in stale.text
    text = sound(await person.get(made.location))
    assert "Lopez" in text
    assert "Lyon" not in text
    sound(await person.get(f"{made.location}/deletion"))
    done = await person.post(f"{made.location}/deletion", {})
    assert done.status == 303
    assert (await person.get(made.location)).status == 404


@pytest.mark.req("A-016")
async def test_adding_before_the_agreement_answers_with_a_link_here(make: Make) -> None:
    acc = await make.account(agreed=False)
    person = await make.signed_in(acc.owner_id)
    answer = await person.post(f"{acc.app}/contacts", {"email": "ana@example.test"})
    assert answer.status == 403
    assert f'href="{acc.app}/privacy/agreements"' in sound(answer).split("<main", 1)[1]
    assert 'value="ana@example.test"' in answer.text


@pytest.mark.req("B-28", "C-01", "B-36")
async def test_leaving_is_one_button_and_coming_back_is_none(make: Make, services: Services) -> None:
    acc, person = await start(make)
    async with services.db.account(acc.id) as tx:
        listed, other = await make.mailing_list(tx), await make.mailing_list(tx)
        contact = await make.contact(tx, list_id=listed, tracked=True)
    place = f"{acc.app}/contacts/{contact}"
    await person.post(f"{place}/measurement", {"what": "opens"})
    text = sound(await person.get(place))
    assert "Open measurement: refused. Click measurement: accepted." in text
    await person.post(f"{place}/unsubscriptions", {"list_id": listed})
    text = sound(await person.get(place))
    assert "Receives 0 lists." in text
    assert "Unsubscribe recorded" in text
    await person.post(f"{place}/unsubscriptions", {})
    text = sound(await person.get(place))
    assert "Receives nothing: Unsubscribed from everything" in text
    evidence = {"legal_basis": "consent", "source": "Salon"}
    await person.post(f"{place}/subscriptions", {"lists": other, **evidence})
    assert "The refusal of this person stands: nothing was added." in sound(await person.get(place))
    async with services.db.account(acc.id) as tx:
        states = await tx.rows("SELECT DISTINCT status FROM subscriptions WHERE account_id = $1")
    assert states == [("unsubscribed",)]


@pytest.mark.req("B-20", "B-21")
async def test_the_contact_page_says_what_a_service_subscription_does_not_get(
    make: Make, services: Services
) -> None:
    acc, person = await start(make)
    async with services.db.account(acc.id) as tx:
        agreed, buys = await make.mailing_list(tx), await make.mailing_list(tx)
        contact = await make.contact(tx, list_id=agreed)
    place = f"{acc.app}/contacts/{contact}"
    text = sound(await person.get(place))
    assert "is for mails that a contract needs: newsletters and promotions leave this contact out." in text
    assert "Gets no newsletter and no promotion." not in text
    evidence = {"lists": buys, "legal_basis": "service", "source": "Order 12"}
    await person.post(f"{place}/subscriptions", evidence)
    assert sound(await person.get(place)).count("Gets no newsletter and no promotion.") == 1


@pytest.mark.req("A-014", "B-28")
async def test_bulk_acts_on_what_was_frozen_and_on_nothing_else(make: Make, services: Services) -> None:
    acc, person = await start(make)
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx)
        ids = [await make.contact(tx, f"bulk{n}@example.test", list_id=listed) for n in range(4)]
    assert "Tick contacts" in sound(await person.get(f"{acc.app}/contacts?list_id={listed}"))
    nothing = await person.post(f"{acc.app}/contacts/selections", {"action": "delete"})
    assert "Choose at least one contact." in sound(await person.get(nothing.location))
    # all of the filter but the one that was unticked
    frozen = await person.post(
        f"{acc.app}/contacts/selections",
        {
            "action": "unsubscribe",
            "all": "true",
            "list_id": listed,
            "q": "bulk",
            "shown": ids,
            "ids": ids[:3],
        },
    )
    text = sound(await person.get(frozen.location))
    assert "Unsubscribe 3 contacts?" in text
    assert "address or name begins with “bulk”" in text
    async with services.db.account(acc.id) as tx:
        late = await make.contact(tx, "bulk9@example.test", list_id=listed)
    done = await person.post(frozen.location, {"list_id": listed})
    assert "3 unsubscribes recorded." in sound(await person.get(done.location))
    again = await person.post(frozen.location, {"list_id": listed})
    assert "3 unsubscribes recorded." in sound(await person.get(again.location))
    async with services.db.account(acc.id) as tx:
        active = await tx.rows(
            "SELECT contact_id FROM subscriptions WHERE account_id = $1 AND status = 'active' ORDER BY 1"
        )
    assert active == [(ids[3],), (late,)]


@pytest.mark.req("B-28", "C-01")
async def test_bulk_adding_needs_evidence_and_counts_refusals(make: Make, services: Services) -> None:
    acc, person = await start(make)
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx, "Clients")
        ids = [await make.contact(tx) for _ in range(3)]
    await person.post(f"{acc.app}/contacts/{ids[0]}/unsubscriptions", {"list_id": listed})
    frozen = await person.post(f"{acc.app}/contacts/selections", {"action": "add", "ids": ids})
    missing = await person.post(frozen.location, {"list_id": listed})
    assert missing.status == 422
    assert "Say where the agreement comes from" in sound(missing)
    done = await person.post(
        frozen.location, {"list_id": listed, "legal_basis": "consent", "source": "Salon"}
    )
    text = sound(await person.get(done.location))
    assert "2 contacts added to “Clients”." in text
    assert "1 refusal respected." in text


@pytest.mark.req("A-014")
async def test_many_are_deleted_by_number_and_by_the_job(
    make: Make, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    acc, person = await start(make)
    async with services.db.account(acc.id) as tx:
        ids = [await make.contact(tx) for _ in range(120)]
    monkeypatch.setattr(selections, "STEP", 50)
    frozen = await person.post(f"{acc.app}/contacts/selections", {"action": "delete", "all": "true"})
    wrong = await person.post(frozen.location, {"typed": "119"})
    assert wrong.status == 422
    assert "Write the number of contacts: 120." in sound(wrong)
    done = await person.post(frozen.location, {"typed": " 1 20 "})
    assert "You can leave this page." in sound(await person.get(done.location))
    await run_work(services, acc.id, selections.JOB)
    assert "120 contacts deleted." in sound(await person.get(done.location))
    async with services.db.account(acc.id) as tx:
        assert await tx.value("SELECT count(*) FROM contacts WHERE account_id = $1") == 0
        assert await tx.value("SELECT count(*) FROM selection_contacts WHERE account_id = $1") == 0
    assert len(ids) == 120


@pytest.mark.req("A-013")
async def test_export_page_progress_and_download(make: Make, services: Services) -> None:
    acc, person = await start(make, language="fr")
    async with services.db.account(acc.id) as tx:
        await make.contact(tx, "ana@example.test")
    sound(await person.get(f"{acc.app}/exports/new"))
    asked = await person.post(f"{acc.app}/exports", {"what": "contacts", "format": "csv", "list_id": ""})
    assert asked.status == 303
    text = sound(await person.get(asked.location))
    assert "Actualiser" in text
    await run_work(services, acc.id, exports.JOB)
    text = sound(await person.get(asked.location))
    assert "Télécharger" in text
    file = await person.get(f"{asked.location}/file")
    assert file.headers["Content-Disposition"].startswith('attachment; filename="contacts-')
    assert file.text.startswith("\ufeffemail;first_name;")
    assert "ana@example.test" in file.text
    sound(await person.get(f"{acc.app}/exports"))


@pytest.mark.req("A-013")
async def test_a_suspended_account_exports_and_stops_but_adds_nothing(make: Make, services: Services) -> None:
    acc, person = await start(make)
    async with services.db.account(acc.id) as tx:
        contact = await make.contact(tx)
    async with services.db.shared() as tx:
        await tx.run("UPDATE accounts SET status = 'suspended' WHERE id = $1", acc.id)
    assert (await person.post(f"{acc.app}/contacts", {"email": "new@example.test"})).status == 403
    assert (await person.post(f"{acc.app}/exports", {"what": "contacts", "format": "csv"})).status == 303
    assert (await person.post(f"{acc.app}/suppressions", {"emails": "stop@example.test"})).status == 303
    assert (await person.post(f"{acc.app}/contacts/{contact}/unsubscriptions", {})).status == 303
    for page in ("contacts", "lists", "exports", "suppressions"):
        assert "Export" in sound(await person.get(f"{acc.app}/{page}"))


@pytest.mark.req("B-28")
async def test_suppression_list_says_why_and_checks_one_address(make: Make) -> None:
    acc, person = await start(make)
    text = sound(await person.get(f"{acc.app}/suppressions"))
    assert "Nobody. Unsubscribes, complaints and bounces are added here by themselves." in text
    sound(await person.get(f"{acc.app}/suppressions/new"))
    assert (await person.post(f"{acc.app}/suppressions", {"emails": "x"})).status == 422
    await person.post(f"{acc.app}/suppressions", {"emails": "Stop@Example.test"})
    text = sound(await person.get(f"{acc.app}/suppressions"))
    assert "fingerprint: contact erased" in text
    assert "Only the person can come back, by signing up again and confirming." in text
    text = sound(await person.get(f"{acc.app}/suppressions?email=stop@example.test"))
    assert "Stopped by the team, since" in text
    text = sound(await person.get(f"{acc.app}/suppressions?email=other@example.test"))
    assert "This address is not on the list." in text
    assert (await person.get(f"{acc.app}/suppressions?email=wrong")).status == 422


async def test_fields_are_made_renamed_and_deleted(make: Make) -> None:
    acc, person = await start(make)
    assert "No field yet." in sound(await person.get(f"{acc.app}/fields"))
    assert (await person.post(f"{acc.app}/fields", {"label": "E-mail", "type": "text"})).status in (303, 422)
    made = await person.post(f"{acc.app}/fields", {"label": "Ville", "type": "text"})
    assert made.status == 303
    text = sound(await person.get(f"{acc.app}/fields"))
    assert "contact.ville" in text
    place = re.search(rf'href="({acc.app}/fields/\d+)">Ville<', text)[1]  # type: ignore[index]
    sound(await person.get(place))
    await person.post(place, {"label": "Commune"})
    assert "Commune" in sound(await person.get(f"{acc.app}/fields"))
    sound(await person.get(f"{place}/deletion"))
    await person.post(f"{place}/deletion", {})
    assert "Commune" not in sound(await person.get(f"{acc.app}/fields"))


@pytest.mark.req("C-10")
async def test_a_persons_data_is_one_download(make: Make, services: Services) -> None:
    acc, person = await start(make)
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx, "Clients")
        contact = await make.contact(tx, "ana@example.test", list_id=listed)
    answer = await person.post(f"{acc.app}/contacts/{contact}/data", {})
    assert answer.status == 200
    body = answer.json()
    assert body["email"] == "ana@example.test"
    assert body["lists"][0]["list"] == "Clients"
    assert {"consents", "suppressions", "deliveries", "history"} <= set(body)


@pytest.mark.req("B-28")
async def test_the_contact_page_says_why_each_campaign_reached_it_or_not(
    make: Make, services: Services
) -> None:
    acc, person = await start(make)
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx, "Clients")
        contact = await make.contact(tx, list_id=listed)
        for n, (status, reason) in enumerate(
            [
                ("delivered", ""),
                ("skipped", "unsubscribed"),
                ("bounced", "hard"),
                ("in_doubt", ""),
                ("cancelled", ""),
            ]
        ):
            campaign = await tx.value(
                "INSERT INTO campaigns (account_id, name, status) VALUES ($1, $2, 'sent') RETURNING id",
                f"Lettre {n}",
            )
            await tx.run(
                """
                INSERT INTO deliveries (account_id, campaign_id, contact_id, month, list_id, status, reason,
                                        first_at, final_at)
                VALUES ($1, $2, $3, date_trunc('month', now())::date, $4, $5, $6, now(), now())
                """,
                campaign,
                contact,
                listed,
                status,
                reason,
            )
    text = sound(await person.get(f"{acc.app}/contacts/{contact}"))
    for words in (
        "subscribed to “Clients” since",
        "Not sent: unsubscribed before its turn.",
        "the address does not exist or refuses mail.",
        "In doubt: the connection broke during hand-over.",
        "Not sent: campaign cancelled before its turn.",
        "Last send delivered on",
    ):
        assert words in text


@pytest.mark.req("E-50")
async def test_strangers_and_readers_are_kept_out(make: Make, services: Services) -> None:
    acc, stranger = await start(make)
    other, _ = await start(make)
    async with services.db.account(other.id) as tx:
        contact = await make.contact(tx)
    assert (await stranger.get(f"{other.app}/contacts/{contact}")).status == 404
    assert (await stranger.get(f"{acc.app}/contacts/{contact}")).status == 404
    assert (await stranger.post(f"{acc.app}/contacts/{contact}/deletion", {})).status == 404
    reader_id, _ = await make.user(acc.id, "analyst")
    reader = await make.signed_in(reader_id)
    sound(await reader.get(f"{acc.app}/contacts"))
    assert (await reader.post(f"{acc.app}/contacts", {"email": "a@example.test"})).status == 403
    assert (await reader.post(f"{acc.app}/exports", {"what": "contacts", "format": "csv"})).status == 403
