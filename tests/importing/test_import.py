"""A whole import: from the bytes of a spreadsheet to contacts, subscriptions and proofs."""

import pytest

from mailer.core.services import Services
from tests.importing import files
from tests.importing.importer import Importer
from tests.make import Make


@pytest.mark.req("E-53", "A-020", "A-021")
async def test_a_french_spreadsheet_arrives_whole(services: Services, make: Make) -> None:
    account = await make.account()
    importer = Importer(services, account)
    import_id = await importer.upload(files.excel_fr())
    checked = await importer.check(import_id, new_list="Clients")
    assert checked.state == "checked"
    assert checked.counts == {"created": 4812, "doubles": 0, "errors": 37, "rows": 4849}
    assert await importer.contacts() == []
    done = await importer.run(import_id)
    assert done.state == "done"
    assert done.counts == {"created": 4812, "doubles": 0, "errors": 37, "rows": 4849}
    rows = await importer.contacts()
    assert len(rows) == 4812
    assert {(row[6], row[7], row[8], row[9]) for row in rows} == {("Clients", "active", "consent", 1)}
    first = next(row for row in rows if row[0] == "client.1@exemple.test")
    assert first[2:6] == ("Jérôme", "Dupré 1", "", {"ville": "Orléans", "achats": 1.5})
