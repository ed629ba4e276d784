"""Choices, closed columns and odd addresses in Chromium: axe, width, console, pictures."""

import pytest

from lists import fields
from lists.field_values import FieldType
from mailer.core.services import Services
from tests.browser.conftest import Visit
from tests.browser.test_contacts_in_browser import signed_in
from tests.browser.visitor import assert_accessible, assert_fits, assert_quiet, picture
from tests.importing.importer import Importer
from tests.make import Make

pytestmark = pytest.mark.browser
TABLE = (
    "email;Ville;Allergies\nana@exemple.test;Lyon;noix\ncontact@exemple.test;Paris;\nzoe@gamil.com;Nice;\n"
)


@pytest.mark.req("A-025", "A-027", "D-84", "F-01", "F-04")
@pytest.mark.parametrize(
    ("language", "theme", "width"),
    [("fr", "light", 1280), pytest.param("en", "dark", 320, marks=pytest.mark.long)],
)
async def test_options_closed_columns_and_odd_addresses(
    services: Services, make: Make, server: str, visit: Visit, language: str, theme: str, width: int
) -> None:
    account = await make.account(language=language)
    async with services.db.shared() as tx:
        await tx.run("UPDATE users SET language = $2 WHERE id = $1", account.owner_id, language)
    async with services.db.account(account.id) as tx:
        new = fields.NewField(label="Goûts", type=FieldType.CHOICES, options=["Sucré", "Salé"])
        field_id = (await fields.create(tx, new)).id
    importer = Importer(services, account)
    mapped, counted = await importer.upload(TABLE.encode()), await importer.upload(TABLE.encode())
    await importer.check(counted, new_list="Clients")
    page = await visit(language=language, theme=theme, width=width)  # type: ignore[arg-type]
    await signed_in(services, account, page, server, language)
    for path, name in (
        (f"fields/{field_id}", "field"),
        (f"fields/{field_id}/options?option=Salé", "option"),
        ("contacts/new", "choices"),
        (f"imports/{mapped}/mapping", "closed-column"),
        (f"imports/{counted}/check", "odd-addresses"),
        (f"imports/{counted}/check?of=typo", "typos"),
    ):
        answer = await page.goto(f"{server}{account.app}/{path}")
        assert answer is not None
        assert answer.status == 200, path
        await picture(page, f"guard-{language}-{name}")
        await assert_accessible(page)
        await assert_fits(page)
    assert_quiet(page)
