"""Real workers, killed in the middle of an import: the tables are as if nobody had died."""

import asyncio
import random

import pytest

from lists import import_start, import_undo
from lists.imports import Choices, Import
from mailer.core import keys
from tests.faults.conftest import Machine
from tests.importing import files
from tests.importing.importer import STATEMENT, Importer
from tests.make import Account, Make

pytestmark = pytest.mark.timeout(1800)


def table(rows: int, *, first_name: str, every: int = 1) -> bytes:
    """Each 131st row in error, each 97th a double of the row before."""
    lines = ["E-mail;Prénom;Ville"]
    for n in range(0, rows, every):
        email = "pas d’adresse" if n % 131 == 7 else f"p{n - (n % 97 == 11)}@exemple.test"
        lines.append(f"{email};{first_name} {n};Ville {n % 20}")
    return "\r\n".join(lines).encode()


async def arranged(machine: Machine, account: Account, rows: int) -> Importer:
    """Every third contact is there with another name, every 50th of all refused everything."""
    importer = Importer(machine.services, account)
    await importer.whole(table(rows, first_name="Ancien", every=3), new_list="Avant")
    left = files.people(*[f"p{n}@exemple.test" for n in range(0, rows, 50)])
    await importer.whole(left, mode="unsubscribe")
    return importer


async def digest(importer: Importer) -> tuple[object, ...]:
    """Of everything that an import may have written, without ids and times."""
    async with importer.services.db.connection() as connection:
        # nobody has looked at these tables yet: their sizes would be guessed
        await connection.execute("ANALYZE contacts, subscriptions, consents")
    async with importer.services.db.account(importer.account.id) as tx:
        [found] = await tx.rows(
            """
            SELECT count(*), md5(string_agg(row, '|' ORDER BY row)) FROM (
                SELECT (c.address_key, c.email, c.first_name, c.last_name, c.language, c.fields, l.name, s.status,
                        s.legal_basis, k.acts)::text AS row
                FROM contacts c
                LEFT JOIN subscriptions s ON s.account_id = c.account_id AND s.contact_id = c.id
                LEFT JOIN mailing_lists l ON l.account_id = s.account_id AND l.id = s.list_id
                LEFT JOIN (
                    SELECT contact_id, list_id, string_agg(act, ' ' ORDER BY id) AS acts
                    FROM consents
                    WHERE account_id = $1
                    GROUP BY contact_id, list_id
                ) AS k ON k.contact_id = c.id AND k.list_id = l.id
                WHERE c.account_id = $1
            ) AS rows
            """
        )
    return tuple(found)


def position(job: Import) -> tuple[object, ...]:
    return job.state, job.bytes_read, job.merged_to_line, job.undone_to_line


async def die_often(machine: Machine, importer: Importer, import_id: int, *, kills: int, end: str) -> Import:
    """Each worker dies a moment after the import has moved on; the last one gets to the end."""
    chance = random.Random()
    for _ in range(kills):
        before = position(await importer.show(import_id))
        await machine.start_worker()

        async def moved(before: tuple[object, ...] = before) -> bool:
            return position(await importer.show(import_id)) != before

        await machine.until(moved)
        await asyncio.sleep(chance.uniform(0, 0.15))
        await machine.kill_workers()
        assert (await importer.show(import_id)).state != end, "it was over before the kills were"
    await machine.start_worker()

    async def ended() -> bool:
        return (await importer.show(import_id)).state == end

    await machine.until(ended)
    await machine.kill_workers()
    return await importer.show(import_id)


@pytest.mark.req("S3", "S20", "E-53")
@pytest.mark.long  # the short forms: tests/importing/test_import_kills.py
@pytest.mark.parametrize(("rows", "kills"), [(12_000, 2), (600_000, 20)])
async def test_an_import_whose_workers_are_killed_ends_as_one_whose_are_not(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, rows: int, kills: int
) -> None:
    # those of accounts with the same numbers in the databases of other tests
    monkeypatch.setattr(keys, "_hash_keys", {})
    make = Make(machine.services, None, "")  # type: ignore[arg-type]  # asks nothing over HTTP
    quiet = await arranged(machine, await make.account(), rows)
    expected = await quiet.whole(table(rows, first_name="Neuf"), new_list="Clients")
    importer = await arranged(machine, await make.account(), rows)
    before = await digest(importer)
    import_id = await importer.upload(table(rows, first_name="Neuf"))
    choices = Choices.model_validate(STATEMENT | {"new_list": "Clients"})
    async with machine.services.db.account(importer.account.id) as tx:
        await import_start.check(tx, import_id, choices, dry_run=False)
    done = await die_often(machine, importer, import_id, kills=kills, end="done")
    assert done.counts == expected.counts
    assert await digest(importer) == await digest(quiet)
    async with machine.services.db.account(importer.account.id) as tx:
        await import_undo.start(tx, import_id)
    undone = await die_often(machine, importer, import_id, kills=kills // 3, end="undone")
    assert undone.undo_counts["kept"] == 0
    assert await digest(importer) == before
