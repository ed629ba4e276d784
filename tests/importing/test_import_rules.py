"""What an import may do to people: modes, refusals, doubles, empty cells, proofs."""

import asyncio
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lists import import_report
from lists.import_fates import Fate
from mailer.core import addresses, keys
from mailer.core.services import Services
from tests.importing import files
from tests.importing.importer import Importer
from tests.make import Make

FATES = (*Fate, "doubles", "errors")


@dataclass(frozen=True)
class Person:
    """What is known of one address before the import."""

    known: bool
    status: str  # in the list of the import: "", active, pending, unsubscribed
    stopped: str  # "", list, other, everything, over
    same_name: bool
    times: int  # in the file

    def stops(self) -> bool:
        return self.stopped in ("list", "everything")


people = st.builds(
    Person,
    known=st.booleans(),
    status=st.sampled_from(["", "active", "pending", "unsubscribed"]),
    stopped=st.sampled_from(["", "list", "other", "everything", "over"]),
    same_name=st.booleans(),
    times=st.integers(0, 2),
)


async def _arrange(make: Make, account_id: int, everybody: list[Person]) -> tuple[int, int]:
    """Two lists; people as described. Returns the lists' ids."""
    async with make.services.db.account(account_id) as tx:
        list_id, other_id = await make.mailing_list(tx), await make.mailing_list(tx)
        key = await keys.hash_key(tx, make.services.sealer)
        for n, person in enumerate(everybody):
            email = f"p{n}@example.test"
            hashed = keys.address_hash(key, addresses.parse(email).key)
            if person.known:
                contact_id = await make.contact(tx, email)
                await tx.run(
                    "UPDATE contacts SET first_name = $3 WHERE account_id = $1 AND id = $2",
                    contact_id,
                    f"Prénom {n}" if person.same_name else "Autre",
                )
                if person.status:
                    await tx.run(
                        """
                        INSERT INTO subscriptions (account_id, list_id, contact_id, status)
                        VALUES ($1, $2, $3, $4)
                        """,
                        list_id,
                        contact_id,
                        person.status,
                    )
            if person.stopped:
                await tx.run(
                    """
                    INSERT INTO suppressions (account_id, address_hash, list_id, reason, expires_at)
                    VALUES ($1, $2, $3, 'unsubscribed', $4::timestamptz)
                    """,
                    hashed,
                    {"list": list_id, "other": other_id}.get(person.stopped),
                    None if person.stopped != "over" else make_past(),
                )
    return list_id, other_id


def make_past() -> object:
    from datetime import timedelta

    from mailer.core import clock

    return clock.now() - timedelta(days=1)


def _expected(person: Person, mode: str) -> tuple[str, str]:
    """The fate of the first row of a person, and the subscription afterwards ("" for none)."""
    status = person.status if person.known else ""
    if not person.known and mode == "update":
        return "set_aside", ""
    after = status or ("unsubscribed" if person.stops() else "active")
    if person.stops() or status == "unsubscribed":
        return "refused", after
    if not person.known:
        return "created", after
    changed = not status or (mode != "add" and not person.same_name)
    return "updated" if changed else "unchanged", after


@pytest.mark.req("B-28", "D-33", "A-020")
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    everybody=st.lists(people, min_size=1, max_size=6),
    mode=st.sampled_from(["add", "add_and_update", "update"]),
)
async def test_no_mode_lifts_a_refusal_and_the_counts_add_up(
    services: Services, make: Make, everybody: list[Person], mode: str
) -> None:
    account = await make.account()
    list_id, _ = await _arrange(make, account.id, everybody)
    importer = Importer(services, account)
    rows = [["E-mail", "Prénom"]]
    for turn in range(2):
        rows += [[f"p{n}@example.test", f"Prénom {n}"] for n, one in enumerate(everybody) if one.times > turn]
    rows += [["bad", ""], ["", "Zoé"]]
    import_id = await importer.upload(files.table(rows, encoding="utf-8"))
    checked = await importer.check(import_id, mode=mode, list_ids=[list_id])
    done = await importer.run(import_id)

    expected = dict.fromkeys(FATES, 0) | {"errors": 2, "doubles": sum(one.times > 1 for one in everybody)}
    for one in everybody:
        if one.times:
            expected[_expected(one, mode)[0]] += 1
    for job in (checked, done):
        assert {fate: job.counts.get(fate, 0) for fate in FATES} == expected
        assert sum(expected.values()) == job.rows_read == len(rows) - 1
    found = {row[0]: row for row in await importer.contacts()}
    for n, one in enumerate(everybody):
        email = f"p{n}@example.test"
        if not one.times:
            assert (email in found) == one.known
            assert not one.known or (found[email][7] or "") == one.status
            continue
        status = _expected(one, mode)[1]
        if _expected(one, mode)[0] == "set_aside":
            assert email not in found
            continue
        assert found[email][7] == status
        # proof for what this import made active, for nothing else
        fresh = status == "active" and not (one.known and one.status)
        assert found[email][9] == int(fresh)
        renamed = mode != "add" or not one.known
        assert found[email][2] == (f"Prénom {n}" if renamed or one.same_name else "Autre")


async def test_who_left_between_check_and_import_stays_out(services: Services, make: Make) -> None:
    account = await make.account()
    importer = Importer(services, account)
    async with services.db.account(account.id) as tx:
        list_id = await make.mailing_list(tx)
    import_id = await importer.upload(files.people("ana@example.test", "bea@example.test"))
    assert (await importer.check(import_id, list_ids=[list_id])).counts["created"] == 2
    async with services.db.account(account.id) as tx:
        key = await keys.hash_key(tx, services.sealer)
        await tx.run(
            """
            INSERT INTO suppressions (account_id, address_hash, list_id, reason)
            VALUES ($1, $2, NULL, 'objected')
            """,
            keys.address_hash(key, "ana@example.test"),
        )
    done = await importer.run(import_id)
    assert (done.counts["created"], done.counts["refused"]) == (1, 1)
    assert [(row[0], row[7]) for row in await importer.contacts()] == [
        ("ana@example.test", "unsubscribed"),
        ("bea@example.test", "active"),
    ]


async def test_empty_cells_erase_only_when_that_was_said(services: Services, make: Make) -> None:
    importer = Importer(services, await make.account())
    first = files.table([["E-mail", "Prénom", "Nom", "Ville"], ["ana@example.test", "Ana", "Dupré", "Lyon"]])
    await importer.whole(first, new_list="Clients")
    second = files.table(
        [["E-mail", "Prénom", "Ville"], ["ana@example.test", "", ""], ["bea@example.test", "B", "Pau"]]
    )
    done = await importer.whole(second, mode="update")
    assert (done.counts["unchanged"], done.counts["set_aside"]) == (1, 1)
    assert (await importer.contacts())[0][2:6] == ("Ana", "Dupré", "", {"ville": "Lyon"})
    done = await importer.whole(second, mode="update", empty_erases=True)
    assert done.counts["updated"] == 1
    # the last name has no column in the file: nothing was said about it
    assert (await importer.contacts())[0][2:6] == ("", "Dupré", "", {})


@pytest.mark.req("A-020", "A-021", "B-25")
async def test_the_ledger_tells_who_stated_what(services: Services, make: Make) -> None:
    account = await make.account()
    importer = Importer(services, account)
    done = await importer.whole(
        files.people("ana@example.test"),
        new_list="Clients",
        legal_basis="existing_customer",
        customer_since="2026-01-02",
        products="Pains",
        could_refuse=True,
        collected_from="2026-01-02",
        collected_to="2026-03-04",
    )
    async with services.db.account(account.id) as tx:
        ledger = await tx.rows(
            """
            SELECT c.act, c.method, c.legal_basis, c.source, w.text, c.source_id, c.basis_about
            FROM consents c
            JOIN wordings w ON w.account_id = c.account_id AND w.id = c.wording_id
            WHERE c.account_id = $1
            """
        )
        proof = await tx.rows(
            """
            SELECT i.origin, i.legal_basis, i.attested_by, i.attested_at IS NOT NULL, i.file_sha256 = f.sha256
            FROM imports i
            JOIN files f ON f.account_id = i.account_id AND f.id = i.file_id
            WHERE i.account_id = $1
            """
        )
        audited = await tx.rows("SELECT action, object FROM audit WHERE account_id = $1 ORDER BY id")
    assert ledger == [
        (
            "granted",
            "import",
            "existing_customer",
            "Salon de Paris",
            "Odile Owner · 2026-01-02 – 2026-03-04",
            done.id,
            "Pains",
        )
    ]
    assert proof == [("Salon de Paris", "existing_customer", "Odile Owner", True, True)]
    assert [action for action, kind in audited if kind == "import"] == [
        "created",
        "checked",
        "started",
        "imported",
    ]


@pytest.mark.req("B-23")
async def test_professional_interest_is_no_basis_for_private_mailboxes(
    services: Services, make: Make
) -> None:
    importer = Importer(services, await make.account())
    done = await importer.whole(
        files.people("ana@gmail.com", "bea@atelier.test"),
        new_list="Pros",
        legal_basis="b2b_interest",
        informed_on="2026-03-12",
    )
    assert (done.counts["created"], done.counts["errors"]) == (1, 1)
    assert [row[0] for row in await importer.contacts()] == ["bea@atelier.test"]


async def test_two_imports_of_the_same_file_at_once(services: Services, make: Make) -> None:
    account = await make.account()
    one, two = Importer(services, account), Importer(services, account)
    data = files.excel_fr(400, 2)
    first, second = await one.upload(data), await two.upload(data)
    await one.check(first, new_list="Clients")
    await two.check(second, new_list="Clients")
    results = await asyncio.gather(one.run(first), two.run(second))
    await one.turns("lists.run_import")
    counts = [(await one.show(job.id)).counts for job in results]
    assert [(await one.show(job.id)).state for job in results] == ["done", "done"]
    assert sum(count.get("created", 0) for count in counts) == 398
    assert sum(count.get("unchanged", 0) for count in counts) == 398
    rows = await one.contacts()
    assert len(rows) == 398
    assert {(row[6], row[7], row[9]) for row in rows} == {("Clients", "active", 1)}


@pytest.mark.req("E-51")
@pytest.mark.parametrize(
    "data", [b"", b"  \n", b"PK\x03\x04" + b"\0" * 99, b"\x89PNG\r\n\x1a\n", bytes(range(256)) * 9]
)
async def test_what_is_no_table_is_refused_and_not_kept(services: Services, make: Make, data: bytes) -> None:
    from mailer.core.errors import Invalid

    account = await make.account()
    with pytest.raises(Invalid) as refused:
        await Importer(services, account).upload(data)
    assert refused.value.faults[0].field == "file"
    async with services.db.account(account.id) as tx:
        assert await tx.value("SELECT count(*) FROM files WHERE account_id = $1") == 0


@pytest.mark.req("E-51", "E-53")
async def test_hostile_cells_cost_their_own_row_only(services: Services, make: Make) -> None:
    importer = Importer(services, await make.account())
    # a zero byte among the first 64 kB makes a file no text at all
    good = [f"p{n}@example.test;Prénom;{'note ' * 20}" for n in range(700)]
    bad = [
        "nul\0@example.test;Nul;x",
        "bea@example.test;Bé\0a;x",
        'open@example.test;"jamais fermé;x',
        f"long@example.test;{'x' * 20_000};x",
        "wide@example.test;" + ";" * 300,
    ]
    odd = [
        "ana@example.test;=HYPERLINK(1);ok",
        "zoe@example.test;Zoé;'), DROP TABLE contacts --",
        "zoe@example.test;Zoé;encore",
    ]
    lines = ["E-mail;Prénom;Note", *good, *bad, *odd]
    done = await importer.whole("\r\n".join(lines).encode(), new_list="Clients")
    assert done.counts == {"rows": 708, "created": 702, "errors": 5, "doubles": 1}
    rows = {row[0]: (row[2], row[5]) for row in await importer.contacts()}
    assert rows["ana@example.test"] == ("=HYPERLINK(1)", {"note": "ok"})
    assert rows["zoe@example.test"] == ("Zoé", {"note": "'), DROP TABLE contacts --"})


async def test_examples_of_each_count_are_shown_from_what_is_staged(services: Services, make: Make) -> None:
    importer = Importer(services, await make.account())
    import_id = await importer.upload(files.excel_fr(330, 2) + files.excel_fr(3, 0).split(b"\r\n", 1)[1])
    checked = await importer.check(import_id, new_list="Clients")
    async with services.db.account(importer.account.id) as tx:
        created = await import_report.examples(tx, checked, Fate.CREATED)
        assert [one.line for one in created] == list(range(2, 22))
        doubles = await import_report.doubles(tx, checked)
        assert [one.value for one in doubles] == ["c•••@exemple.test"] * 3
        assert len(await import_report.rejected(tx, import_id)) == 2
