"""Home, settings, closing, agreement, keys, journal: the pages of one account."""

import hashlib
import re
from collections.abc import Callable
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from lists import rights_settings
from mailer import worker
from mailer.accounts import account_life, accounts, agreements, audit, home, legal
from mailer.core import clock, jobs, work
from mailer.core.errors import Conflict, Forbidden, Invalid
from mailer.core.services import Services
from mailer.web import i18n
from sending import automation_runs, lanes
from tests.make import Make

IDENTITY = {
    "name": "Atelier", "language": "fr", "time_zone": "Europe/Paris", "legal_name": "Atelier du Pain",
    "postal_address": "1 rue des Tests\n75011 Paris", "country": "FR", "contact_email": "contact@pain.test",
    "website": "", "registration": "",
}  # fmt: skip

ACCEPTED = {
    "version": agreements.VERSION, "accepted": "true",
    "responsibilities_version": agreements.RESPONSIBILITIES, "acknowledged": "true",
}  # fmt: skip


def states(html: str) -> list[str]:
    listed = re.search(r'<ol class="setup-list">(.*?)</ol>', html, re.S)
    assert listed is not None
    return [re.sub(r"<[^>]+>", " ", entry).split(maxsplit=0)[0].strip() for entry in re.findall(
        r"<li>.*?</a>(.*?)</li>", listed[1], re.S
    )]  # fmt: skip


@pytest.mark.req("A-062", "A-016")
async def test_home_tells_what_is_left_to_set_up_from_the_tables(services: Services, make: Make) -> None:
    account = await make.account(agreed=False, identity=False)
    person = await make.signed_in(account.owner_id)
    home = (await person.get(account.app)).text
    assert states(home) == ["To do", "To do", "To do", "To check before a real send", "To do", "To do"]
    assert "Your first send takes three steps" in home
    saved = await person.post(f"{account.app}/settings/account", IDENTITY)
    assert saved.location == account.app
    assert (await person.post(f"{account.app}/privacy/agreements", ACCEPTED)).location == account.app
    async with services.db.account(account.id) as tx:
        await make.contact(tx)
        await tx.run(
            """
            INSERT INTO senders (account_id, email, address_key, name, status)
            VALUES ($1, 'a@pain.test', 'a@pain.test', 'Atelier', 'pending')
            """
        )
    home = (await person.get(account.app)).text
    assert states(home) == ["Done", "Done", "Waiting", "To check before a real send", "Done", "To do"]
    async with services.db.account(account.id) as tx:
        await tx.run("INSERT INTO domains (account_id, name, verified_at) VALUES ($1, 'pain.test', now())")
    assert states((await person.get(account.app)).text)[3] == "Done"
    async with services.db.account(account.id) as tx:
        await tx.run("UPDATE senders SET status = 'confirmed' WHERE account_id = $1")
        await tx.run("INSERT INTO campaigns (account_id, name, tested_at) VALUES ($1, 'Un essai', now())")
    assert "setup-list" not in (await person.get(account.app)).text


async def test_home_shows_what_needs_somebody_and_the_last_sends(services: Services, make: Make) -> None:
    account = await make.account()
    person = await make.signed_in(account.owner_id)
    async with services.db.account(account.id) as tx:
        list_id = await make.mailing_list(tx)
        contact_id = await make.contact(tx, list_id=list_id)
        for name, status in (("Arrêtée", "paused"), ("En route", "sending"), ("Un brouillon", "draft")):
            await tx.run("INSERT INTO campaigns (account_id, name, status) VALUES ($1, $2, $3)", name, status)
        sent = await tx.value(
            """
            INSERT INTO campaigns (account_id, name, status, audience, finished_at, month)
            VALUES ($1, 'Lettre de mai', 'sent', 1248, now(), date_trunc('month', now())::date)
            RETURNING id
            """
        )
        await tx.run(
            """
            INSERT INTO deliveries (account_id, campaign_id, contact_id, month, list_id, status, first_at,
                                    final_at)
            VALUES ($1, $2, $3, date_trunc('month', now())::date, $4, 'in_doubt', now(), now())
            """,
            sent,
            contact_id,
            list_id,
        )
    home = (await person.get(account.app)).text
    for text in (
        "Arrêtée",
        "En route",
        "sent to 1,248 contacts",
        "1 message in doubt",
        "Active subscriptions today: 1.",
    ):
        assert text in home, text
    assert "Un brouillon" not in home
    stranger = await make.signed_in((await make.account()).owner_id)
    assert (await stranger.get(account.app)).status == 404


@pytest.mark.req("A-062")
async def test_identity_is_asked_for_whole(make: Make) -> None:
    account = await make.account(identity=False)
    person = await make.signed_in(account.owner_id)
    bad = {
        **IDENTITY,
        "legal_name": " ",
        "contact_email": "contact@",
        "time_zone": "Mars/Base",
        "website": "x.fr",
    }
    answer = await person.post(f"{account.app}/settings/account", bad)
    assert answer.status == 422
    assert 'href="#legal_name"' in answer.text
    bad["legal_name"] = "Atelier"
    answer = await person.post(f"{account.app}/settings/account", bad)
    assert [f'href="#{name}"' in answer.text for name in ("contact_email", "time_zone", "website")] == [
        True
    ] * 3
    assert "1 rue des Tests" in answer.text


async def test_only_managers_change_settings_and_only_owners_close(services: Services, make: Make) -> None:
    account = await make.account()
    for role, change, close in (("analyst", 403, 403), ("editor", 403, 403), ("manager", 303, 403)):
        person = await make.signed_in((await make.user(account.id, role))[0])
        assert (await person.get(f"{account.app}/settings/account")).status == 200
        assert (await person.post(f"{account.app}/settings/account", IDENTITY)).status == change
        assert (await person.get(f"{account.app}/settings/account/closing")).status == close
        assert (await person.post(f"{account.app}/privacy/agreements", ACCEPTED)).status == 403


@pytest.mark.req("A-016")
async def test_no_contact_without_the_agreement(services: Services, make: Make) -> None:
    account, operator = await make.account(agreed=False), services.settings.operator
    async with services.db.account(account.id) as tx:
        with pytest.raises(Forbidden) as caught:
            await agreements.require(tx)
        assert (caught.value.code, caught.value.link) == ("agreement", f"{account.app}/privacy/agreements")
        with pytest.raises(Invalid):
            await agreements.accept(tx, "2020-01", person="Odile", user_id=None, operator=operator)
        first = await agreements.accept(
            tx, agreements.VERSION, person="Odile", user_id=account.owner_id, operator=operator
        )
        again = await agreements.accept(
            tx, agreements.VERSION, person="Other", user_id=None, operator=operator
        )
        await agreements.require(tx)
    assert (first, first.person) == (again, "Odile")


@pytest.mark.req("A-016", "A-019", "A-127")
async def test_accepting_takes_a_tick_and_keeps_who_when_and_version(services: Services, make: Make) -> None:
    account = await make.account(agreed=False)
    person = await make.signed_in(account.owner_id)
    page = f"{account.app}/privacy/agreements"
    shown = (await person.get(page)).text
    assert "Your responsibilities" in shown
    assert not re.search(r'name="(accepted|acknowledged)"[^>]*checked', shown)
    for missing in ("accepted", "acknowledged"):
        half = {name: value for name, value in ACCEPTED.items() if name != missing}
        refused = await person.post(page, half)
        assert (refused.status, f'href="#{missing}"' in refused.text) == (422, True)
    async with services.db.account(account.id) as tx:
        assert await agreements.latest(tx) is None
        assert await agreements.acknowledged(tx) is None
    assert (await person.post(page, ACCEPTED)).status == 303
    async with services.db.account(account.id) as tx:
        found, duties = await agreements.latest(tx), await agreements.acknowledged(tx)
        texts = [(await agreements.accepted_text(tx, one.id))[1] for one in (found, duties) if one]
        entries = await audit.latest(tx)
    assert found is not None
    assert (found.person, found.user_id, found.version) == (
        "Odile Owner",
        account.owner_id,
        agreements.VERSION,
    )
    assert duties is not None
    assert (duties.person, duties.version) == ("Odile Owner", agreements.RESPONSIBILITIES)
    assert [hashlib.sha256(text.encode()).hexdigest() for text in texts] == [
        found.text_sha256,
        duties.text_sha256,
    ]
    assert "article 28" in texts[0]
    assert "make all necessary declarations" in texts[1]
    assert {(entry.action, entry.object) for entry in entries} == {
        ("accepted", "agreement"),
        ("accepted", "responsibilities"),
    }
    shown = (await person.get(page)).text
    assert f"Version {agreements.VERSION} accepted by Odile Owner" in shown
    assert 'name="accepted"' not in shown


@pytest.mark.req("A-005", "A-092")
async def test_closing_takes_the_name_tells_the_team_and_can_be_taken_back(
    services: Services, make: Make, mails: Callable[..., Any]
) -> None:
    account = await make.account()
    _, colleague = await make.user(account.id, "editor")
    person = await make.signed_in(account.owner_id)
    page = f"{account.app}/settings/account/closing"
    shown = (await person.get(page)).text
    assert "Stop today" in shown
    assert "/exports" in shown
    async with services.db.account(account.id) as tx:
        name = (await accounts.show(tx)).name
    assert (await person.post(page, {"typed": "wrong"})).status == 422
    assert (await person.post(page, {"typed": name.upper()})).status == 303
    assert (await person.post(page, {"typed": name})).status == 409
    async with services.db.account(account.id) as tx:
        closed = await accounts.show(tx)
        months = await tx.value(
            """
            SELECT erase_at = closed_at + interval '3 months' - interval '31 days' FROM accounts WHERE id = $1
            """
        )
    assert (closed.status, months) == ("closed", True)
    for address in (account.owner_email, colleague):
        [(kind, details)] = await mails(address)
        assert (kind, details["account"]) == ("account_closed", name)
        assert closed.erase_at is not None
        assert details["erase_on"] == closed.erase_at.astimezone(ZoneInfo("Europe/Paris")).date().isoformat()
    assert (await person.post(f"{account.app}/settings/account", IDENTITY)).status == 403
    program = await make.program(account.id)
    assert (await program.get("/api/v1/account")).status == 200
    assert (await program.ask("PATCH", "/api/v1/account", json={"name": "X"})).status == 403
    assert (await person.get(account.app)).status == 200
    assert (await person.post(f"{account.app}/settings/account/reactivations")).status == 303
    assert (await person.post(f"{account.app}/settings/account/reactivations")).status == 409
    assert (await person.post(f"{account.app}/settings/account", IDENTITY)).status == 303


@pytest.mark.req("A-092")
async def test_a_suspended_account_reopens_suspended_and_not_after_its_last_day(
    services: Services, make: Make
) -> None:
    account = await make.account()
    async with services.db.shared() as tx:
        await tx.run("UPDATE accounts SET status = 'suspended' WHERE id = $1", account.id)
    async with services.db.account(account.id) as tx:
        name = (await accounts.show(tx)).name
        await account_life.close(tx, name, now=clock.now(), public_url="")
        assert (await account_life.reactivate(tx, now=clock.now())).status == "suspended"
        await account_life.close(tx, name, now=clock.now(), public_url="")
        await tx.run("UPDATE accounts SET erase_at = now() - interval '1 second' WHERE id = $1")
        with pytest.raises(Conflict):
            await account_life.reactivate(tx, now=clock.now())


@pytest.mark.req("E-35")
async def test_a_key_is_shown_once_works_and_is_revoked_at_once(services: Services, make: Make) -> None:
    account = await make.account()
    person = await make.signed_in(account.owner_id)
    page = f"{account.app}/integrations"
    assert "No keys. Create one per program" in (await person.get(page)).text
    nothing = await person.post(page, {"name": "Boutique"})
    assert nothing.status == 422
    made = await person.post(page, {"name": "Boutique", "scopes": ["account:read", "lists:read"]})
    key = re.search(r"mailer_live_\w+", made.text)
    assert key is not None
    assert f"Bearer {key[0]}" in made.text.replace("&#34;", '"')
    program = await make.program(account.id)
    program.key = key[0]
    assert (await program.get("/api/v1/account")).json()["id"] == account.id
    assert (await program.ask("PATCH", "/api/v1/account", json={})).status == 403
    listed = (await person.get(page)).text
    assert key[0] not in listed
    assert "Boutique" in listed
    assert "Read lists" in listed
    async with services.db.shared() as tx:
        made_id = await tx.value(
            "SELECT id FROM api_keys WHERE account_id = $1 AND name = 'Boutique'", account.id
        )
    assert f"integrations/{made_id}/revocations" in listed
    stranger = await make.account()
    other = await make.signed_in(stranger.owner_id)
    assert (await other.post(f"{stranger.app}/integrations/{made_id}/revocations")).status == 404
    assert (await person.post(f"{page}/{made_id}/revocations")).status == 303
    assert (await program.get("/api/v1/account")).status == 401


async def test_a_key_sends_only_when_its_maker_may(make: Make) -> None:
    account = await make.account()
    user_id, _ = await make.user(account.id, "manager", can_send=False)
    person = await make.signed_in(user_id)
    page = f"{account.app}/integrations"
    refused = await person.post(page, {"name": "Boutique", "scopes": ["campaigns:write", "campaigns:send"]})
    assert refused.status == 422
    assert "mailer_live_" not in refused.text
    assert (await person.post(page, {"name": "Boutique", "scopes": ["campaigns:write"]})).status == 200


@pytest.mark.req("B-60")
async def test_the_journal_tells_who_did_what_and_pages_on(services: Services, make: Make) -> None:
    account = await make.account()
    person = await make.signed_in(account.owner_id)
    await person.post(f"{account.app}/settings/account", IDENTITY)
    shown = (await person.get(f"{account.app}/settings/log")).text
    for text in ("Odile Owner", "has changed", "account", "127.0.0.1"):
        assert text in shown
    assert "contact@pain.test" not in shown
    async with services.db.account(account.id) as tx:
        for n in range(60):
            await audit.write(tx, "created", "contact", n)
    first = (await person.get(f"{account.app}/settings/log")).text
    cursor = re.search(r"cursor=([\w-]+)", first)
    assert cursor is not None
    assert first.count("has created</td>") == 50
    second = (await person.get(f"{account.app}/settings/log?cursor={cursor[1]}")).text
    assert second.count("has created</td>") == 10
    analyst = await make.signed_in((await make.user(account.id, "analyst"))[0])
    assert (await analyst.get(f"{account.app}/settings/log")).status == 403


@pytest.mark.req("C-50", "A-096")
@pytest.mark.parametrize("language", ["fr", "en"])
async def test_the_agreement_holds_each_item_of_article_28(client, language: str) -> None:  # type: ignore[no-untyped-def]
    text = (await client.get(f"/legal/agreement?lang={language}")).text
    assert [f'id="art-{n}"' in text for n in range(1, 11)] == [True] * 10
    words = {
        "fr": "instructions documentées|confidentialité|article 32|30 jours|effacement|opposition|48 heures|"
        "3 mois|audits|contraire au RGPD|transfert|Instruction permanente|confirmé sa demande|donnons suite aussitôt|"
        "rectification de son nom ou de son adresse|effacement de ses données|limitation de leur usage|"
        "prévenu par e-mail de chaque demande|Confidentialité, Demandes, Ce qui se fait tout de suite|"
        "adressé à une liste contient un lien pour se désabonner",
        "en": "documented instructions|confidentiality|article 32|30 days|erasure|objection|48 hours|"
        "3 months|audits|breach the GDPR|transfers|Standing instruction|confirmed a request|carry it out at once|"
        "correction of their name or address|erasure of their data|restriction of its use|"
        "told by e-mail of each request|Privacy, Requests, What is done at once|"
        "message to a list holds a link to unsubscribe",
    }
    for word in words[language].split("|"):
        assert word in text, word


@pytest.mark.req("C-50", "A-022", "G-4")
@pytest.mark.parametrize("language", ["fr", "en"])
async def test_the_agreement_names_what_is_done_at_once_and_the_page_as_it_is_called(
    services: Services, make: Make, language: str
) -> None:
    """The sentence above names three rights: those that are carried out for who never chose."""
    assert {one.value for one in rights_settings.DEFAULT} == {"correct", "erase", "restrict"}
    assert {one.value for one in rights_settings.ALWAYS} == {"object", "tracking"}
    account = await make.account(language=language)
    owner = await make.signed_in(account.owner_id)
    page = (await owner.get(f"{account.app}/privacy/requests/instruction?lang={language}")).text
    with i18n.speaking(language):
        names = [i18n.translate(one) for one in ("Privacy", "Requests", "What is done at once")]
    assert f"<h1>{names[2]}</h1>" in page
    assert ", ".join(names) in (await owner.get(f"/legal/agreement?lang={language}")).text


@pytest.mark.req("A-047", "A-048", "A-049", "A-050", "A-066", "A-108", "A-110", "A-126", "F-02")
async def test_legal_pages_are_there_in_both_languages_with_version_and_date(client) -> None:  # type: ignore[no-untyped-def]
    for name in legal.PAGES:
        for language in ("fr", "en"):
            with i18n.speaking(language):
                day = i18n.day(legal.PAGES[name].updated)
            answer = await client.get(f"/legal/{name}?lang={language}")
            assert answer.status == 200, name
            assert f'lang="{language}"' in answer.text
            assert f"Version {legal.PAGES[name].version}" in answer.text
            assert day in answer.text
    words = {
        "fr": "dernière tentative d'envoi|tels que l'auteur les a écrits|disparaissent donc des copies 30 jours plus tard",
        "en": "last sending attempt|as its author wrote them|therefore gone from the backups 30 days later",
    }
    for language in ("fr", "en"):
        privacy = (await client.get(f"/legal/privacy?lang={language}")).text
        for fact in ("dpo@mailer.localhost", "cnil.fr", "edpb.europa.eu", "Mailer (installation locale)"):
            assert fact in privacy
        assert [one for one in words[language].split("|") if one not in unescape(privacy)] == []
    assert (await client.get("/legal/nothing")).status == 404


@pytest.mark.req("A-092")
async def test_closing_stops_campaigns_and_reactivating_starts_none(services: Services, make: Make) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        for status in ("scheduled", "preparing", "sending", "draft", "sent"):
            await tx.run("INSERT INTO campaigns (account_id, name, status) VALUES ($1, $2, $2)", status)
        name = (await accounts.show(tx)).name
        await account_life.close(tx, name, now=clock.now(), public_url="")
        task = await tx.shared().one(
            work.Task,
            """
            SELECT account_id, job, ref_id, lane, turn
            FROM work
            WHERE account_id = $1 AND job = 'sending.stop_account'
            """,
            account.id,
        )
        await account_life.reactivate(tx, now=clock.now())
    await jobs.run_turn(services, worker.JOBS, task)
    async with services.db.account(account.id) as tx:
        rows = await tx.rows(
            "SELECT name, status, pause_reason FROM campaigns WHERE account_id = $1 ORDER BY id"
        )
    assert rows == [
        ("scheduled", "paused", "account"),
        ("preparing", "paused", "account"),
        ("sending", "paused", "account"),
        ("draft", "draft", ""),
        ("sent", "sent", ""),
    ]
    person = await make.signed_in(account.owner_id)
    assert "The account was suspended or closed." in (await person.get(account.app)).text


def test_every_reason_of_a_pause_has_its_words_on_the_home_page() -> None:
    assert set(home.PAUSE_WORDS) == set(lanes.PAUSE_REASONS)
    of_automations = dict(home.PAUSE_WORDS) | dict(home.AUTOMATION_PAUSE_WORDS)
    assert set(of_automations) == set(automation_runs.REASONS) - {"person"}
    for name, words in home.AUTOMATION_PAUSE_WORDS.items():
        assert words == automation_runs.REASONS[name]
