"""Asking about one's data: the same answer for everybody, a mail to the mailbox, a press that makes it count."""

import re
from datetime import timedelta

import pytest

from lists import jobs_rights, rights_asks
from mailer.core import clock, work
from mailer.core.work import Task
from tests.client import Client
from tests.rights.desk import Desk

ASKS = "SELECT count(*) FROM rights_asks WHERE account_id = $1"
REQUESTS = "SELECT count(*) FROM rights_requests WHERE account_id = $1"


def heading(text: str) -> str:
    found = re.search(r"<h1>(.*?)</h1>", text)
    assert found is not None
    return found[1].replace("&#39;", "'").replace("\u00a0", " ").replace("\u202f", " ")


@pytest.mark.req("A-022", "E-14")
async def test_known_and_unknown_addresses_get_the_same_answer(desk: Desk) -> None:
    """Bytes equal, and the same work behind them: what is known is looked up later."""
    answers = [await desk.ask("access", email) for email in (desk.email, "nobody@elsewhere.test")]
    assert [one.status for one in answers] == [303, 303]
    assert answers[0].location == answers[1].location
    told = [dict(one.headers) for one in answers]
    for headers in told:
        for name in ("Date", "X-Request-ID", "Content-Security-Policy"):
            headers.pop(name, None)
    assert told[0] == told[1]
    page = await desk.client.get(answers[0].location)
    assert heading(page.text) == "If Atelier du Pain holds this address, an e-mail has just left for it."
    assert desk.email not in page.text
    assert "Its link lasts 24 hours. No identity document is asked for at this stage." in page.text
    # nothing was written but what was asked; nobody was looked up
    assert await desk.mails() == []
    assert await desk.value(ASKS) == 2
    await desk.run()
    assert [(one.kind, one.to) for one in await desk.mails()] == [("rights_confirm", desk.email)]
    assert await desk.value(ASKS) == 1


@pytest.mark.req("A-022")
async def test_an_ask_runs_the_same_statements_for_everybody(desk: Desk) -> None:
    heard: list[list[str]] = []
    for text in (desk.email, "nobody@elsewhere.test"):
        async with desk.tx() as tx:
            told: list[str] = []
            tx._connection.add_query_logger(lambda query, told=told: told.append(query.query))
            address = rights_asks.Address(text, text)
            await rights_asks.ask(
                tx, desk.services.sealer, address, rights_asks.Right.ERASE, language="fr", now=clock.now()
            )
        heard.append(told)
    assert len(heard[0]) > 2
    assert heard[0][-3:] == heard[1][-3:]
    assert not any("contacts" in one or "suppressions" in one for told in heard for one in told)


@pytest.mark.req("A-022")
async def test_a_flood_of_asks_writes_one_mail(desk: Desk) -> None:
    for _ in range(25):
        assert (await desk.ask("erase")).status == 303
    await desk.run()
    await desk.run()
    assert len(await desk.mails()) == 1
    assert await desk.value(ASKS) == 1


async def _write(desk: Desk, kind: rights_asks.Right, at_minutes: int) -> object:
    """The job's turn for one more ask of Ana's, so many minutes later. Returns when it wants to run again."""
    now = clock.now() + timedelta(minutes=at_minutes)
    async with desk.tx() as tx:
        address = rights_asks.Address(desk.email, desk.email)
        await rights_asks.ask(tx, desk.services.sealer, address, kind, language="fr", now=now)
        ask_id = await tx.value("SELECT max(id) FROM rights_asks WHERE account_id = $1")
        return await rights_asks.write_to(tx, desk.services.sealer, desk.links, ask_id, now=now)


@pytest.mark.req("A-022")
async def test_another_wish_waits_its_ten_minutes_and_a_day_has_six_mails(desk: Desk) -> None:
    right = rights_asks.Right
    assert await _write(desk, right.ACCESS, 0) is None
    later = await _write(desk, right.ERASE, 3)
    assert later is not None
    assert len(await desk.mails()) == 1
    # the same wish again is the same mail
    assert await _write(desk, right.ACCESS, 4) is None
    for n in range(8):
        await _write(desk, right.ACCESS, 20 + 11 * n)
    assert len(await desk.mails()) == 6
    assert await _write(desk, right.ACCESS, 20 + 24 * 60 + 60) is None
    assert len(await desk.mails()) == 7


@pytest.mark.req("A-022", "D-44")
async def test_looks_change_nothing_and_a_press_counts_once(desk: Desk) -> None:
    link = await desk.link("erase")
    for n in range(6):
        page = await desk.client.ask("HEAD" if n % 2 else "GET", link)
        assert page.status == 200
    assert await desk.value(REQUESTS) == 0
    first = await desk.client.get(link)
    assert heading(first.text) == "Erase your data at Atelier du Pain?"
    assert "Only a fingerprint of your address will remain" in first.text
    assert desk.email not in first.text
    for _ in range(3):
        assert (await desk.client.post(link, {})).status == 303
    assert await desk.value(REQUESTS) == 1
    assert len(await desk.mails("rights_told")) == 1
    after = await desk.client.get(link)
    assert re.fullmatch(r"Erased on \d+ \w+ \d{4}\.", heading(after.text))
    assert "Atelier du Pain has been told." in after.text


@pytest.mark.req("A-022")
async def test_links_that_are_over_wrong_or_of_another_purpose_change_nothing(desk: Desk) -> None:
    link = await desk.link("erase")
    async with desk.tx() as tx:
        await tx.run("UPDATE rights_asks SET asked_at = asked_at - interval '24 hours' WHERE account_id = $1")
    for method in ("GET", "POST"):
        answer = await desk.client.ask(method, link)
        assert answer.status == 410
        assert heading(answer.text) == "This link is over."
    broken = link[:-2] + ("aa" if link[-2:] != "aa" else "bb")
    other = desk.links.rights_file(desk.account.id, 1, expires=2**40).rsplit("/", 1)[1]
    for path in (broken, f"/t/rights/confirm/{other}", "/t/rights/form/abc", "/t/rights/confirm/é"):
        for method in ("GET", "POST"):
            assert (await desk.client.ask(method, path)).status == 404
    assert await desk.value(REQUESTS) == 0
    assert await desk.value("SELECT count(*) FROM contacts WHERE account_id = $1") == 1


@pytest.mark.req("A-022", "C-06")
async def test_from_a_mail_nobody_types_an_address(desk: Desk) -> None:
    page = await desk.client.get(desk.page())
    assert heading(page.text) == "Your data at Atelier du Pain."
    assert 'name="email"' not in page.text
    # no paper of identity either: the mailbox is the proof
    assert 'type="file"' not in page.text
    assert desk.email not in page.text
    assert (await desk.client.post(desk.page(), {})).status == 422
    assert await desk.value(ASKS) == 0
    answer = await desk.client.post(desk.page(), {"right": "portability", "email": "mallory@elsewhere.test"})
    assert answer.status == 303
    await desk.run()
    assert [one.to for one in await desk.mails()] == [desk.email]


@pytest.mark.req("A-022")
async def test_the_mail_goes_to_the_address_that_is_stored(desk: Desk) -> None:
    """A spelling that folds to the same key is not where the mail goes."""
    await desk.ask("access", desk.email.upper().replace("EXEMPLE", "Exemple"))
    await desk.run()
    assert [one.to for one in await desk.mails()] == [desk.email]


@pytest.mark.req("A-022", "F-09")
@pytest.mark.parametrize("language", ["fr", "en"])
async def test_pages_are_light_without_script_or_cookie(desk: Desk, language: str) -> None:
    desk.client.language = language
    link = await desk.link("correct")
    for path in (desk.form(), desk.page(), desk.form() + "?asked=1", link):
        page = await desk.client.get(path)
        assert page.status == 200
        assert len(page.text.encode()) <= 14_000
        assert "<script" not in page.text
        assert "Set-Cookie" not in page.headers
        assert page.headers["X-Robots-Tag"] == "noindex, nofollow"
    if language == "fr":
        form = (await desk.client.get(desk.form())).text.replace("&#39;", "'")
        for words in (
            "Vos données chez Atelier du Pain.",
            "Recevoir une copie",
            "Corriger",
            "Effacer",
            "Ne plus recevoir de sollicitations",
            "Suspendre l’utilisation",
            "Récupérer dans un format réutilisable",
            "Votre adresse e-mail",
            "Continuer",
        ):
            assert words in form
        asked = await desk.client.get(desk.form() + "?asked=1")
        assert (
            heading(asked.text) == "Si cette adresse figure chez Atelier du Pain, un e-mail vient d’y partir."
        )


@pytest.mark.req("A-022")
async def test_nonsense_is_told_field_by_field(client: Client, desk: Desk) -> None:
    for form in (
        {},
        {"right": "everything", "email": "no address"},
        {"right": "erase", "email": "a\0@b.test"},
    ):
        answer = await client.post(desk.form(), form)
        assert answer.status == 422
    assert 'href="#email"' in answer.text
    assert await desk.value(ASKS) == 0


@pytest.mark.req("A-022")
async def test_a_killed_turn_is_done_again_without_a_second_mail(desk: Desk) -> None:
    await desk.ask("access")
    ask_id = await desk.value("SELECT id FROM rights_asks WHERE account_id = $1")
    assert isinstance(ask_id, int)
    task = Task(desk.account.id, rights_asks.JOB, ask_id, 0, 1)
    for _ in range(2):
        assert await jobs_rights.write(desk.services, task) is None
    assert len(await desk.mails()) == 1
    assert any(one.ref_id == ask_id for one in await work.due(desk.services.db, 100_000))
