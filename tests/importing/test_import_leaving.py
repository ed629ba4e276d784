"""Imports that take people off: everybody is counted first, refusals are kept and never lifted."""

import pytest

from lists import suppressions
from lists.suppressions import Reason
from mailer.core import keys
from mailer.core.errors import Invalid
from mailer.core.services import Services
from tests.importing import files
from tests.importing.importer import Importer
from tests.make import Make

NO_STATEMENT = {"legal_basis": "", "source": "", "attested_by": ""}


async def _lists(importer: Importer, make: Make, *emails: str) -> tuple[int, int]:
    """Two lists with everybody active in both."""
    async with importer.services.db.account(importer.account.id) as tx:
        one, two = await make.mailing_list(tx), await make.mailing_list(tx)
        for email in emails:
            contact_id = await make.contact(tx, email)
            await tx.run(
                """
                INSERT INTO subscriptions (account_id, list_id, contact_id, status)
                SELECT $1, list_id, $3, 'active' FROM unnest($2::bigint[]) AS l (list_id)
                """,
                [one, two],
                contact_id,
            )
    return one, two


async def _status(importer: Importer, list_id: int) -> dict[str, str]:
    async with importer.services.db.account(importer.account.id) as tx:
        rows = await tx.rows(
            """
            SELECT c.email, s.status FROM subscriptions s
            JOIN contacts c ON c.account_id = $1 AND c.id = s.contact_id
            WHERE s.account_id = $1 AND s.list_id = $2
            """,
            list_id,
        )
    return dict(rows)


async def _refused(importer: Importer, email: str, list_id: int | None) -> bool:
    async with importer.services.db.account(importer.account.id) as tx:
        key = await keys.hash_key(tx, importer.services.sealer)
        found: bool = await tx.value(
            """
            SELECT EXISTS (SELECT FROM suppressions
                           WHERE account_id = $1 AND address_hash = $2 AND list_id IS NOT DISTINCT FROM $3)
            """,
            keys.address_hash(key, email),
            list_id,
        )
    return found


async def test_the_addresses_of_a_file_are_unsubscribed_from_a_list(services: Services, make: Make) -> None:
    importer = Importer(services, await make.account())
    one, two = await _lists(importer, make, "ana@example.test", "bea@example.test", "zoe@example.test")
    data = files.people(
        "Ana@example.test", "bea@example.test", "nobody@example.test", "ana@example.test", "x"
    )
    import_id = await importer.upload(data)
    checked = await importer.check(import_id, mode="unsubscribe", list_ids=[one], **NO_STATEMENT)
    expected = {"rows": 5, "unsubscribed": 3, "doubles": 1, "errors": 1}
    assert checked.counts == expected
    assert set((await _status(importer, one)).values()) == {"active"}, "a check changes nothing"
    assert (await importer.run(import_id)).counts == expected
    assert await _status(importer, one) == {
        "ana@example.test": "unsubscribed",
        "bea@example.test": "unsubscribed",
        "zoe@example.test": "active",
    }
    assert set((await _status(importer, two)).values()) == {"active"}
    assert await _refused(importer, "nobody@example.test", one), "kept for the day somebody imports it"
    async with services.db.account(importer.account.id) as tx:
        acts = await tx.rows("SELECT act, method, list_id FROM consents WHERE account_id = $1")
        assert await tx.value("SELECT count(*) FROM contacts WHERE account_id = $1") == 3
    assert acts == [("withdrawn", "import", one)] * 3
    again = await importer.whole(data, mode="unsubscribe", list_ids=[one], **NO_STATEMENT)
    assert again.counts == {"rows": 5, "unchanged": 3, "doubles": 1, "errors": 1}
    back = await importer.whole(data, list_ids=[one])
    assert back.counts["refused"] == 3
    assert (await _status(importer, one))["nobody@example.test"] == "unsubscribed"


async def test_without_a_list_they_get_nothing_any_more(services: Services, make: Make) -> None:
    importer = Importer(services, await make.account())
    one, two = await _lists(importer, make, "ana@example.test", "bea@example.test")
    async with services.db.account(importer.account.id) as tx:
        hashed = await suppressions.hash_of(tx, services.sealer, "bea@example.test")
        await suppressions.add(tx, hashed, reason=Reason.BOUNCED)
    done = await importer.whole(
        files.people("ana@example.test", "bea@example.test"), mode="unsubscribe", **NO_STATEMENT
    )
    assert done.counts == {"rows": 2, "unsubscribed": 2, "doubles": 0, "errors": 0}
    for list_id in (one, two):
        assert set((await _status(importer, list_id)).values()) == {"unsubscribed"}
    assert await _refused(importer, "ana@example.test", None)


async def test_contacts_are_removed_from_a_list_and_refusals_stay(services: Services, make: Make) -> None:
    importer = Importer(services, await make.account())
    one, two = await _lists(importer, make, "ana@example.test", "bea@example.test")
    async with services.db.account(importer.account.id) as tx:
        await tx.run(
            """
            UPDATE subscriptions SET status = 'unsubscribed'
            WHERE account_id = $1 AND list_id = $2 AND contact_id = (
                SELECT id FROM contacts WHERE account_id = $1 AND email = 'bea@example.test'
            )
            """,
            one,
        )
    data = files.people("ana@example.test", "bea@example.test", "nobody@example.test")
    done = await importer.whole(data, mode="remove", list_ids=[one], **NO_STATEMENT)
    assert done.counts == {"rows": 3, "removed": 1, "unchanged": 1, "set_aside": 1, "doubles": 0, "errors": 0}
    assert await _status(importer, one) == {"bea@example.test": "unsubscribed"}
    assert len(await _status(importer, two)) == 2


async def test_a_bad_value_beside_the_address_keeps_nobody_subscribed(services: Services, make: Make) -> None:
    importer = Importer(services, await make.account())
    one, _ = await _lists(importer, make, "ana@example.test")
    data = files.table([["E-mail", "Langue"], ["ana@example.test", "klingon"]])
    done = await importer.whole(data, mode="unsubscribe", list_ids=[one], **NO_STATEMENT)
    assert done.counts == {"rows": 1, "unsubscribed": 1, "doubles": 0, "errors": 0}


@pytest.mark.parametrize(
    ("choices", "field"),
    [
        ({"mode": "remove"}, "list_ids"),
        ({"mode": "remove", "new_list": "Neuve"}, "new_list"),
        ({"mode": "unsubscribe", "new_list": "Neuve"}, "new_list"),
    ],
)
async def test_what_cannot_be_left_is_told(
    services: Services, make: Make, choices: dict[str, str], field: str
) -> None:
    importer = Importer(services, await make.account())
    import_id = await importer.upload(files.people("ana@example.test"))
    with pytest.raises(Invalid) as refused:
        await importer.check(import_id, **choices, **NO_STATEMENT)
    assert [fault.field for fault in refused.value.faults] == [field]
