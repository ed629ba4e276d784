"""What one person did, on their page: only what was measured, and a machine's act never as theirs."""

import pytest

from mailer.core.services import Services
from tests.make import Make
from tests.reports.test_report import fill
from tests.reports.test_report_parts import words_of


@pytest.mark.req("D-91", "B-30")
async def test_a_machines_act_is_not_told_as_the_persons(services: Services, make: Make) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        await fill(tx, make)
        contacts = [
            row[0] for row in await tx.rows("SELECT id FROM contacts WHERE account_id = $1 ORDER BY id")
        ]
    person = await make.signed_in(acc.owner_id)

    async def told(n: int) -> str:
        page = await person.get(f"{acc.app}/contacts/{contacts[n]}/timeline?kind=event")
        assert page.status == 200
        return words_of(page.text)

    first = await told(0)
    assert first.count("Followed a link in “November”") == 3
    assert first.count("A machine opened “November”") == 1
    assert first.count(" Opened “November”") == 2
    machine = await told(1)
    assert machine.count("A machine followed a link in “November”") == 3
    assert " Followed a link" not in machine
    assert "A person or a machine opened “November”" in await told(2)
    assert "A person or a machine followed a link in “November”" in await told(4)
    assert "Unsubscribed from “November”" in await told(5)
    assert "Complained about “November”" in await told(7)
    # each line says when it goes; of who is not measured there is nothing
    assert "Deleted on" in first
    assert "Nothing of this kind has happened yet." in await told(12)
