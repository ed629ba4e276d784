"""A field that asks for forbidden data is not made, and a forbidden value is not taken, by page and by API."""

import pytest

from mailer.core.services import Services
from tests.make import Make

CARD = "4970 1012 3456 7893"


@pytest.mark.req("A-025", "A-026", "A-027")
@pytest.mark.parametrize(
    ("label", "reason"),
    [
        ("Diagnostic", "Les données de santé"),
        ("N° sécu", "Les numéros de sécurité sociale"),
        ("Numéro de carte bancaire", "Les numéros de carte bancaire"),
    ],
)
async def test_a_field_that_asks_for_it_is_refused_at_its_label(
    services: Services, make: Make, label: str, reason: str
) -> None:
    account = await make.account()
    person = await make.signed_in(account.owner_id, language="fr")
    answer = await person.post(f"{account.app}/fields", {"label": label, "type": "text"})
    assert answer.status == 422
    assert 'id="label-error"' in answer.text
    assert reason in answer.text
    await person.post(f"{account.app}/fields", {"label": "Remarque", "type": "text"})
    async with services.db.account(account.id) as tx:
        [(field_id, made)] = await tx.rows("SELECT id, label FROM fields WHERE account_id = $1")
    assert made == "Remarque"
    answer = await person.post(f"{account.app}/fields/{field_id}", {"label": label})
    assert (answer.status, reason in answer.text) == (422, True)


@pytest.mark.req("A-025", "A-026", "A-027")
@pytest.mark.parametrize(
    ("value", "code"),
    [(CARD, "card"), ("1 85 05 78 006 084 91", "nir"), ("Diabétique", "health"), ("IBAN FR7630006000011234567890189", "iban")],
)  # fmt: skip
async def test_a_forbidden_value_is_refused_at_its_field(
    services: Services, make: Make, value: str, code: str, capfd: pytest.CaptureFixture[str]
) -> None:
    account = await make.account()
    person = await make.signed_in(account.owner_id, language="fr")
    program = await make.program(account.id)
    await person.post(f"{account.app}/fields", {"label": "Remarque", "type": "text"})
    await person.post(f"{account.app}/fields", {"label": "Notes", "type": "list"})
    page = await person.post(
        f"{account.app}/contacts", {"email": "ana@field.test", "fields.remarque": value, "fields.notes": ""}
    )
    assert page.status == 422
    assert 'id="fields.remarque-error"' in page.text
    new = {"email": "ana@field.test", "fields": {"remarque": value, "notes": ["a", value]}}
    refused = await program.post("/api/v1/contacts", json=new)
    assert refused.status == 422
    assert [(one["field"], one["code"]) for one in refused.json()["errors"]] == [
        ("fields.remarque", code),
        ("fields.notes", code),
    ]
    # the answer repeats no value, and no log holds one
    assert value not in refused.text
    captured = capfd.readouterr()
    assert value not in captured.out + captured.err
    made = await program.post(
        "/api/v1/contacts", json={"email": "ana@field.test", "fields": {"remarque": "–"}}
    )
    changed = await program.ask(
        "PATCH", f"/api/v1/contacts/{made.json()['id']}", json={"fields": {"remarque": value}}
    )
    assert changed.status == 422


@pytest.mark.req("A-026")
async def test_a_name_takes_no_card_number_but_any_surname(services: Services, make: Make) -> None:
    account = await make.account()
    program = await make.program(account.id)
    refused = await program.post("/api/v1/contacts", json={"email": "a@name.test", "first_name": CARD})
    assert [one["field"] for one in refused.json()["errors"]] == ["first_name"]
    made = await program.post("/api/v1/contacts", json={"email": "a@name.test", "last_name": "Cancer"})
    assert made.status == 201
