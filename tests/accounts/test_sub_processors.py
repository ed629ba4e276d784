"""Sub-processors: a register with notice, objections until the day, and its history (A-047, C-51)."""

import secrets
from collections.abc import AsyncIterator
from datetime import date, timedelta

import pytest

from mailer.accounts import announcements, sub_processors
from mailer.accounts.sub_processors import NewSubProcessor
from mailer.core import clock
from mailer.core.errors import Invalid
from mailer.core.operator import Operator, SubProcessor
from mailer.core.services import Services
from tests.accounts.conftest import Mails
from tests.accounts.test_policies import operator_of, turns
from tests.client import Client
from tests.make import Make

OPERATOR = Operator(
    sub_processors=(
        SubProcessor(
            name="Relais SA",
            service="remise",
            country="FR",
            contract_date="2026-01-15",
            data="adresses",
            retention="5 jours",
        ),
    )
)


@pytest.fixture(autouse=True)
async def _own_register(services: Services) -> AsyncIterator[None]:
    """The register is one for the installation: each test starts without."""
    yield
    async with services.db.shared() as tx:
        await tx.run("DELETE FROM sub_processor_objections WHERE true")
        await tx.run("DELETE FROM sub_processors WHERE true")
        await tx.run("DELETE FROM sub_processor_registers WHERE true")
        await tx.run("DELETE FROM announcements WHERE kind = 'sub_processor'")


def new(days: int = 30, **more: object) -> NewSubProcessor:
    given = {
        "name": "Secours GmbH",
        "service": "sauvegardes",
        "country": "DE",
        "region": "Falkenstein",
        "data": "toutes, chiffrées",
        "retention": "6 jours",
        "contract_date": date(2026, 1, 2),
        "effective_on": clock.now().date() + timedelta(days=days),
    }
    return NewSubProcessor.model_validate(given | more)


async def announce(services: Services, wanted: NewSubProcessor) -> sub_processors.SubProcessor:
    async with services.db.shared() as tx:
        return await sub_processors.announce(tx, wanted, OPERATOR, now=clock.now(), user_id=None)


@pytest.mark.req("A-047", "C-51", "A-028", "A-107")
async def test_what_is_refused_and_why(services: Services, make: Make) -> None:
    await make.account()
    known = await announce(services, new(name=f"Doublon {secrets.token_hex(4)} SA"))
    for wanted, field in (
        (new(29), "effective_on"),
        (new(country="US"), "country"),
        (new(contract_date=clock.now().date() + timedelta(days=31)), "contract_date"),
        (new(name=known.name.lower()), "name"),
    ):
        with pytest.raises(Invalid) as caught:
            await announce(services, wanted)
        assert [fault.field for fault in caught.value.faults] == [field]
    with pytest.raises(ValueError, match="contract_date"):
        new(contract_date=None)
    with pytest.raises(ValueError, match="retention"):
        new(retention="")
    async with services.db.shared() as tx:
        told = "SELECT count(*) FROM announcements WHERE kind = 'sub_processor' AND ref_id > $1"
        assert await tx.value(told, known.id) == 0


@pytest.mark.req("A-047")
async def test_the_file_is_taken_over_once_and_then_leads_no_more(services: Services, make: Make) -> None:
    await make.account()
    now = clock.now()
    async with services.db.shared() as tx:
        assert [one.id for one in (await sub_processors.register(tx, OPERATOR, now)).current] == [0]
        assert await sub_processors.take(tx, OPERATOR, now)
        assert not await sub_processors.take(tx, OPERATOR, now)
        longer = Operator(
            sub_processors=(
                *OPERATOR.sub_processors,
                OPERATOR.sub_processors[0].model_copy(update={"name": "Nouveau SA"}),
            )
        )
        found = await sub_processors.register(tx, longer, now)
        assert [(one.name, one.from_file) for one in found.current] == [("Relais SA", True)]
        assert await sub_processors.not_announced(tx, longer, now) == ["Nouveau SA"]


@pytest.mark.req("A-047", "C-51")
async def test_owners_are_told_and_object_until_the_day(
    services: Services, make: Make, mails: Mails, client: Client
) -> None:
    account = await make.account()
    part = await announce(services, new())
    async with services.db.shared() as tx:
        told = await announcements.of(tx, "sub_processor", part.id)
    assert told is not None
    await turns(services, told)
    [(kind, details)] = await mails(account.owner_email)
    assert (kind, details["company"]) == ("sub_processor_announced", "Secours GmbH")
    owner = await make.signed_in(account.owner_id)
    assert "A change is announced for" in (await owner.get(account.app)).text
    page = f"{account.app}/privacy/sub-processors"
    assert "Secours GmbH" in (await owner.get(page)).text
    public = (await client.get("/legal/sub-processors?lang=en")).text
    assert "Announced" in public
    assert "Falkenstein" in public
    url = f"{page}/{part.id}/objections"
    manager = await make.signed_in((await make.user(account.id, "manager"))[0])
    assert (await manager.post(url, {"reason": "Non"})).status == 403
    assert (await owner.post(url, {"reason": " "})).status == 422
    assert (await owner.post(url, {"reason": "Trop loin de Paris"})).status == 303
    assert (await owner.post(url, {"reason": "Encore"})).status == 409
    operator = await operator_of(services, make)
    seen = (await operator.get("/app/operator/sub-processors")).text
    assert "Trop loin de Paris" in seen
    answers = f"/app/operator/sub-processors/{part.id}/objections/{account.id}/answers"
    assert (await owner.post(answers, {"answer": "Moi"})).status == 404
    assert (await operator.post(answers, {"answer": "Nous restons à Roubaix"})).status == 303
    assert "Nous restons à Roubaix" in (await owner.get(page)).text
    clock.shift(timedelta(days=30))
    other = await make.account()
    late = await make.signed_in(other.owner_id)
    refused = await late.post(f"{other.app}/privacy/sub-processors/{part.id}/objections", {"reason": "Tard"})
    assert refused.status == 409
    assert "A change is announced for" not in (await late.get(other.app)).text
    async with services.db.shared() as tx:
        names = [one.name for one in (await sub_processors.register(tx, OPERATOR, clock.now())).current]
    assert names == ["Relais SA", "Secours GmbH"]


@pytest.mark.req("A-047")
async def test_history_stays_when_one_ends_or_is_given_up(
    services: Services, make: Make, client: Client
) -> None:
    account = await make.account()
    part = await announce(services, new())
    operator = await operator_of(services, make)
    base = "/app/operator/sub-processors"
    assert (await operator.post(f"{base}/{part.id}/ends")).status == 303
    owner = await make.signed_in(account.owner_id)
    assert "A change is announced for" not in (await owner.get(account.app)).text
    assert "Announced, then given up." in (await client.get("/legal/sub-processors?lang=en")).text
    async with services.db.shared() as tx:
        found = await sub_processors.register(tx, OPERATOR, clock.now())
    assert ([one.name for one in found.past], found.announced) == (["Secours GmbH"], [])


@pytest.mark.req("A-047")
async def test_the_operators_form_keeps_what_was_typed(services: Services, make: Make) -> None:
    await make.account()
    operator = await operator_of(services, make)
    form = {name: str(value) for name, value in new(3).model_dump().items()}
    refused = await operator.post("/app/operator/sub-processors", form)
    assert refused.status == 422
    assert 'href="#effective_on"' in refused.text
    assert "Falkenstein" in refused.text
    form["effective_on"] = (clock.now().date() + timedelta(days=31)).isoformat()
    assert (await operator.post("/app/operator/sub-processors", form)).status == 303


@pytest.mark.req("A-125", "A-047")
async def test_the_clause_of_secrecy_is_said_or_a_gap_everywhere(services: Services, make: Make) -> None:
    account = await make.account()
    operator = await operator_of(services, make)
    owner = await make.signed_in(account.owner_id, language="fr")
    part = await announce(services, new())
    async with services.db.shared() as tx:
        await tx.run(
            "UPDATE sub_processors SET effective_on = current_date, announced_at = now() - interval '31 days' WHERE id = $1",
            part.id,
        )
    async with services.db.shared() as tx:
        # the other one, of the file, has it
        await tx.run("UPDATE sub_processors SET confidentiality = true WHERE id <> $1", part.id)
    base = "/app/operator/sub-processors"
    pages = (
        (owner, "/legal/sub-processors?lang=fr", "Clause de confidentialité : "),
        (owner, f"{account.app}/privacy/records?lang=fr", "Secours GmbH (clause de confidentialité : "),
        (operator, "/app/operator/records?lang=fr", "Allemagne, clause de confidentialité : "),
        (operator, "/app/operator/records/own?lang=fr", "Allemagne, clause de confidentialité : "),
    )

    async def read(person: Client, path: str) -> str:
        answer = await person.get(path)
        assert answer.status == 200
        return answer.text.replace("\N{NO-BREAK SPACE}", " ")

    gap = "[à compléter : clause de confidentialité]"
    for person, path in (
        *(one[:2] for one in pages),
        (owner, f"{account.app}/privacy/sub-processors?lang=fr"),
    ):
        assert gap in await read(person, path), path
    for said, word in (("no", "non"), ("yes", "oui")):
        answer = await operator.post(f"{base}/{part.id}/confidentiality", {"confidentiality": said})
        assert (answer.status, answer.location) == (303, base)
        for person, path, before in pages:
            text = await read(person, path)
            assert (gap in text, before + word in text) == (False, True), path
    assert (
        await operator.post(f"{base}/{part.id}/confidentiality", {"confidentiality": "maybe"})
    ).status == 422
    assert (await operator.post(f"{base}/{10**9}/confidentiality", {"confidentiality": "no"})).status == 404
    assert (await owner.post(f"{base}/{part.id}/confidentiality", {"confidentiality": "no"})).status == 404
    async with services.db.shared() as tx:
        assert (await sub_processors.show(tx, part.id)).confidentiality is True
        later = await sub_processors.announce(
            tx,
            new(name="Autre SA", confidentiality="no"),
            OPERATOR,
            now=clock.now(),
            user_id=None,
        )
    assert later.confidentiality is False


@pytest.mark.req("A-125")
async def test_the_clause_of_the_operators_file_is_taken_over(services: Services, make: Make) -> None:
    await make.account()
    known = OPERATOR.sub_processors[0]
    file = Operator(
        sub_processors=(
            known,
            known.model_copy(update={"name": "A", "confidentiality": True}),
            known.model_copy(update={"name": "B", "confidentiality": False}),
        )
    )
    async with services.db.shared() as tx:
        await sub_processors.take(tx, file, clock.now())
        found = (await sub_processors.register(tx, file, clock.now())).current
    assert {one.name: one.confidentiality for one in found} == {"A": True, "B": False, "Relais SA": None}
