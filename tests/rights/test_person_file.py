"""The file of a person: complete, readable by people and programs, and behind a link that ends."""

import csv
import html
from collections.abc import AsyncIterator
from datetime import timedelta

import orjson
import pytest

from lists import contact_history, person_file, rights_acts
from lists.rights_words import Right
from mailer.accounts import destinations, sub_processors
from mailer.accounts.destinations import Declaration
from mailer.core import clock
from mailer.core.db import SharedTx
from mailer.core.operator import Host, Operator, SubProcessor
from mailer.web import i18n
from tests.rights.desk import Desk
from tests.rights.test_requests import desk_of, recorded, shown


async def sent(desk: Desk) -> tuple[int, str]:
    """A copy has left. Returns the request and the path of its link."""
    request_id = await recorded(desk, Right.ACCESS, now=clock.now())
    async with desk.tx() as tx:
        await rights_acts.send_copy(tx, desk_of(desk), request_id, now=clock.now())
    return request_id, (await desk.mails("rights_copy"))[-1].path(desk.links.base)


@pytest.mark.req("C-10", "C-15")
async def test_the_file_holds_all_that_a_copy_holds_and_what_article_15_asks_for(desk: Desk) -> None:
    request_id, link = await sent(desk)
    answer = await desk.client.post(link, {"as": "json"})
    assert answer.headers["Content-Disposition"] == 'attachment; filename="mes-donnees.json"'
    assert answer.headers["Cache-Control"] == "no-store"
    found = answer.json()
    async with desk.tx() as tx:
        held = await contact_history.archive(tx, desk.ana)
    assert set(held) | {"about"} == set(found)
    assert (found["email"], len(found["lists"])) == (desk.email, 1)
    assert [one["id"] for one in found["requests"]] == [request_id]
    about = found["about"]
    assert about["controller"]["name"] == "Atelier du Pain"
    assert about["processor"]["name"] == desk.services.settings.operator.name
    assert {"recipients", "purposes", "profiling", "rights"} <= set(about)
    assert found["kept"]["requests"] == "3 years after the answer, as proof"
    exported = (
        "SELECT count(*) FROM audit WHERE account_id = $1 AND actor = 'recipient' AND action = 'exported'"
    )
    assert await desk.value(exported) == 1


@pytest.mark.req("C-10")
async def test_every_value_of_the_file_stands_on_the_page_to_read(desk: Desk) -> None:
    _, link = await sent(desk)
    desk.client.language = "fr"
    page = (await desk.client.post(link, {"as": "html"})).text
    for words in (desk.email, "Ana", "Vos demandes", "Responsable", "Atelier du Pain", "Prénom"):
        assert words in page
    for words in (
        "13 mois après la dernière tentative, l’ouverture ou le clic",
        "Modifications par l’équipe",
    ):
        assert words in html.unescape(page)
    assert " months" not in page
    assert "<script" not in page
    assert "src=" not in page
    async with desk.tx() as tx:
        await tx.run(
            "UPDATE contacts SET first_name = $3 WHERE account_id = $1 AND id = $2",
            desk.ana,
            "<script>alert(1)</script>",
        )
    page = (await desk.client.post(link, {"as": "html"})).text
    assert "<script" not in page


@pytest.mark.req("C-10", "D-44")
async def test_a_look_fetches_nothing_and_the_link_ends(desk: Desk) -> None:
    request_id, link = await sent(desk)
    for _ in range(3):
        page = await desk.client.get(link)
        assert page.status == 200
        assert desk.email not in page.text
    assert (await shown(desk, request_id)).copied_at is None
    now = clock.now()
    async with desk.tx() as tx:
        sealer = desk.services.sealer

        async def open_at(**later: float) -> bool:
            return (
                await person_file.fetchable(tx, sealer, request_id, now=now + timedelta(**later)) is not None
            )

        assert await open_at(days=5, hours=23)
        assert not await open_at(days=6)
        await person_file.note_fetched(tx, request_id, now)
        assert await open_at(hours=23)
        assert not await open_at(hours=24)
    async with desk.tx() as tx:
        await tx.run(
            "UPDATE rights_requests SET copied_at = $2 WHERE account_id = $1", now - timedelta(days=2)
        )
    assert (await desk.client.get(link)).status == 410
    assert (await desk.client.post(link, {"as": "json"})).status == 303


@pytest.mark.req("C-10", "C-12")
async def test_who_is_erased_meanwhile_has_no_file_any_more(desk: Desk) -> None:
    _, link = await sent(desk)
    await desk.confirmed("erase")
    assert (await desk.client.get(link)).status == 410
    answer = await desk.client.post(link, {"as": "json"})
    assert (answer.status, desk.email in answer.text) == (303, False)


@pytest.mark.req("C-15", "E-52")
async def test_the_table_holds_what_the_json_holds_and_runs_nothing(desk: Desk) -> None:
    _, link = await sent(desk)
    async with desk.tx() as tx:
        await tx.run("UPDATE contacts SET first_name = '=1+1' WHERE account_id = $1 AND id = $2", desk.ana)
    found = (await desk.client.post(link, {"as": "json"})).json()
    answer = await desk.client.post(link, {"as": "csv"})
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.reader(answer.text.splitlines()))
    assert rows[0] == ["part", "row", "name", "value"]
    assert ["first_name", "1", "", "'=1+1"] in rows
    assert ["email", "1", "", desk.email] in rows
    # the first fetch stands in the history of the second
    told = {name for name, held in found.items() if held not in ([], {})}
    assert {row[0] for row in rows[1:]} == told | {"history"}


@pytest.mark.req("C-15")
async def test_the_file_is_json_of_plain_values(desk: Desk) -> None:
    async with desk.tx() as tx:
        found = await person_file.gather(tx, desk.ana, Operator(), now=clock.now())
    again = orjson.loads(person_file.machine_readable(found))
    assert again == orjson.loads(orjson.dumps(found))
    assert again["about"]["made_at"].endswith("Z")


def _part(name: str) -> SubProcessor:
    return SubProcessor(
        name=name, service="remise", country="FR", contract_date="2026-01-15", data="adresses",
        retention="5 jours",
    )  # fmt: skip


async def _empty_register(tx: SharedTx) -> None:
    await tx.run("DELETE FROM sub_processors WHERE true")
    await tx.run("DELETE FROM sub_processor_registers WHERE true")


@pytest.fixture
async def register(desk: Desk) -> AsyncIterator[Operator]:
    """One for the installation: taken over from the file, one ended, one announced and begun, one to come."""
    operator = Operator(
        hosts=(Host(name="Hôte SA", service="base de données", country="FR"),),
        sub_processors=(_part("Relais SA"), _part("Fini SA")),
    )
    now = clock.now()
    async with desk.services.db.shared() as tx:
        await _empty_register(tx)
        assert await sub_processors.take(tx, operator, now)
        ended = await tx.value("SELECT id FROM sub_processors WHERE name = 'Fini SA'")
        await sub_processors.end(tx, ended, now.date(), now)
        for name, begins in (("Secours GmbH", now.date()), ("Futur SA", now.date() + timedelta(days=31))):
            await tx.run(
                """
                INSERT INTO sub_processors (name, service, country, safeguards, data, retention,
                                            contract_date, announced_at, effective_on)
                VALUES ($1, 'sauvegardes', 'DE', 'clauses types', 'toutes', '6 jours', '2026-01-02', $2, $3)
                """,
                name,
                now - timedelta(days=40),
                begins,
            )
    # what stands in the file alone later is not announced
    yield operator.model_copy(update={"sub_processors": (*operator.sub_processors, _part("Fichier SA"))})
    async with desk.services.db.shared() as tx:
        await _empty_register(tx)


@pytest.mark.req("C-10")
async def test_the_recipients_are_those_of_the_register_and_the_accounts_own(
    desk: Desk, register: Operator
) -> None:
    other = await desk.make.account()
    async with desk.services.db.account(other.id) as tx:
        await tx.run(
            """
            INSERT INTO smtp_servers (account_id, position, host, port, tls)
            VALUES ($1, 'main', 'smtp.autre.test', 587, 'starttls')
            """
        )
    await desk.make.program(desk.account.id, ["contacts:read"])
    async with desk.tx() as tx:
        server_id = await tx.value(
            """
            INSERT INTO smtp_servers (account_id, position, host, port, tls)
            VALUES ($1, 'main', 'smtp.relais.test', 587, 'starttls')
            RETURNING id
            """
        )
        await tx.run(
            """
            INSERT INTO webhook_endpoints (account_id, url, name, events, sealed_secret)
            VALUES ($1, 'https://me:secret@hooks.test?key=secret', '', '{contact.created}', 'x'),
                   ($1, 'https://crm.test/in', 'CRM', '{contact.created}', 'x')
            """
        )
        said = Declaration(kind="smtp_server", ref_id=server_id, country="US", safeguards="clauses types")
        await destinations.declare(tx, said, person="Odile", now=clock.now())
        i18n.use_language("en")
        found = await person_file.gather(tx, desk.ana, register, now=clock.now())
    assert found["about"]["recipients"] == [
        {"name": "Hôte SA", "service": "base de données", "country": "FR"},
        {"name": "Relais SA", "service": "remise", "country": "FR", "data": "adresses"},
        {
            "name": "Secours GmbH",
            "service": "sauvegardes",
            "country": "DE",
            "data": "toutes",
            "safeguards": "clauses types",
        },
        {
            "name": "smtp.relais.test",
            "service": "SMTP server",
            "country": "US",
            "data": "addresses, and messages with everything in them",
            "safeguards": "clauses types",
        },
        *(
            {
                "name": name,
                "service": "webhook",
                "data": "what happened, with the contact's address and fields",
            }
            for name in ("hooks.test", "CRM")
        ),
        {"name": "tests", "service": "program with an API key", "data": "what its scopes let it read"},
    ]
    # and on the page to read, in words
    _, link = await sent(desk)
    desk.client.language = "fr"
    page = html.unescape((await desk.client.post(link, {"as": "html"})).text)
    for words in ("smtp.relais.test", "serveur SMTP", "Pays", "Garanties", "Secours GmbH", "hooks.test"):
        assert words in page
    for words in ("secret", "Fini SA", "Futur SA", "autre.test"):
        assert words not in page
