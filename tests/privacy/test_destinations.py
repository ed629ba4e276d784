"""Where data go: declared by country, with a ground outside the EU and the EEA (A-028, A-068)."""

import pytest

from mailer.accounts import audit, destinations
from mailer.accounts.destinations import Declaration
from mailer.core import clock, regions
from mailer.core.errors import Invalid, NotFound
from mailer.core.operator import EEA, OperatorError, read_operator
from mailer.core.regions import Region
from mailer.core.services import Services
from retention_jobs import privacy_policy, processing
from tests.make import Account, Make


async def with_server(services: Services, make: Make) -> tuple[Account, int]:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        server_id: int = await tx.value(
            """
            INSERT INTO smtp_servers (account_id, position, host, port, tls)
            VALUES ($1, 'main', 'smtp.relais.test', 587, 'starttls')
            RETURNING id
            """
        )
    return account, server_id


@pytest.mark.req("A-028")
def test_regions_are_told_apart() -> None:
    assert [regions.of(code) for code in ("FR", "NO", "GB", "US", "CN", "")] == [
        Region.EEA,
        Region.EEA,
        Region.ADEQUATE,
        Region.PARTIAL,
        Region.OUTSIDE,
        Region.UNKNOWN,
    ]
    assert set(regions.ADEQUACY) & EEA == set()
    assert all(decision.number for decision in regions.ADEQUACY.values())


@pytest.mark.req("A-028")
@pytest.mark.parametrize("table", ["hosts", "sub_processors"])
def test_the_product_does_not_start_with_a_place_outside(tmp_path, table: str) -> None:  # type: ignore[no-untyped-def]
    lines = [
        *(f'{name} = "x"' for name in ("name", "registration", "address", "email", "dpo")),
        f"[[{table}]]",
        'name = "Far"\nservice = "backup"\ncountry = "US"',
    ]
    if table == "sub_processors":
        lines.append('contract_date = "2026-01-01"\ndata = "all"\nretention = "6 days"')
    file = tmp_path / "operator.toml"
    file.write_text("\n".join(lines))
    with pytest.raises(OperatorError, match="Far is in US"):
        read_operator(file)
    file.write_text(file.read_text().replace('"US"', '"IE"'))
    assert read_operator(file).name == "x"


@pytest.mark.req("A-068", "A-028")
async def test_outside_needs_a_ground_and_the_journal_keeps_it(services: Services, make: Make) -> None:
    account, server_id = await with_server(services, make)
    now = clock.now()
    async with services.db.account(account.id) as tx:
        [one] = await destinations.many(tx)
        assert (one.label, one.region) == ("smtp.relais.test", Region.UNKNOWN)
        for country, field in (
            ("US", "safeguards"),
            ("CN", "safeguards"),
            ("", "country"),
            ("fr", "country"),
        ):
            said = Declaration(kind="smtp_server", ref_id=server_id, country=country)
            with pytest.raises(Invalid) as caught:
                await destinations.declare(tx, said, person="Odile", now=now)
            assert [fault.field for fault in caught.value.faults] == [field]
        other = Declaration(kind="webhook", ref_id=server_id, country="FR")
        with pytest.raises(NotFound):
            await destinations.declare(tx, other, person="Odile", now=now)
        for country, ground, region in (("GB", "", "adequate"), ("US", "DPF", "partial"), ("FR", "", "eea")):
            said = Declaration(kind="smtp_server", ref_id=server_id, country=country, safeguards=ground)
            assert (await destinations.declare(tx, said, person="Odile", now=now)).region == region
        entries = await audit.latest(tx)
    assert [(one.action, one.object) for one in entries] == [("declared", "data_destination")] * 3


@pytest.mark.req("A-068", "A-046")
async def test_the_page_says_what_leaves_to_whom_and_how_to_stop_it(services: Services, make: Make) -> None:
    account, server_id = await with_server(services, make)
    await make.program(account.id, ["contacts:read"])
    person = await make.signed_in(account.owner_id)
    page = f"{account.app}/integrations/destinations"
    shown = (await person.get(page)).text
    for text in ("smtp.relais.test", "Not declared", "contacts:read", "program with an API key"):
        assert text in shown, text
    form = {"kind": "smtp_server", "ref_id": str(server_id), "country": "US", "safeguards": ""}
    refused = await person.post(page, form)
    assert refused.status == 422
    assert 'href="#safeguards"' in refused.text
    assert (await person.post(page, form | {"safeguards": "Clauses types du 2 mars"})).status == 303
    shown = (await person.get(page)).text
    assert "Data leave the EU and the EEA" in shown
    assert "Clauses types du 2 mars" in shown
    editor = await make.signed_in((await make.user(account.id, "editor"))[0])
    assert (await editor.get(page)).status == 403
    async with services.db.account(account.id) as tx:
        text = privacy_policy.text(await processing.of(tx, services.settings.operator), "en")
    assert "smtp.relais.test, United States ((EU) 2023/1795): Clauses types du 2 mars" in text


@pytest.mark.req("A-068")
async def test_what_is_revoked_is_forgotten_with_the_next_declaration(services: Services, make: Make) -> None:
    account, server_id = await with_server(services, make)
    await make.program(account.id)
    async with services.db.account(account.id) as tx:
        key = next(one for one in await destinations.many(tx) if one.kind == "api_key")
        said = Declaration(kind="api_key", ref_id=key.ref_id, country="FR")
        await destinations.declare(tx, said, person="Odile", now=clock.now())
        await tx.shared().run("UPDATE api_keys SET revoked_at = now() WHERE id = $1", key.ref_id)
        said = Declaration(kind="smtp_server", ref_id=server_id, country="FR")
        await destinations.declare(tx, said, person="Odile", now=clock.now())
        left = await tx.rows("SELECT kind FROM data_destinations WHERE account_id = $1")
    assert left == [("smtp_server",)]
