"""Drives imports in tests as the application does: upload, mapping, choices, and the turns of their jobs."""

from collections.abc import AsyncIterator
from typing import Any

from lists import csv_mapping, import_columns, import_start, import_upload, imports
from lists.imports import Choices, Column, Import
from mailer import worker
from mailer.core import jobs, work
from mailer.core.services import Services
from tests.make import Account

STATEMENT = {"legal_basis": "consent", "source": "Salon de Paris", "attested_by": "Odile Owner"}


async def pieces(data: bytes, size: int = 64 * 1024) -> AsyncIterator[bytes]:
    for begin in range(0, len(data), size):
        yield data[begin : begin + size]


class Importer:
    def __init__(self, services: Services, account: Account) -> None:
        self.services, self.account = services, account

    async def upload(self, data: bytes, *, language: str = "fr") -> int:
        """Stored, looked at, and mapped as guessed. Returns the import's id."""
        db = self.services.db
        found = await import_upload.receive(db, self.account.id, pieces(data), name="clients.csv")
        async with db.account(self.account.id) as tx:
            import_id = await imports.create(
                tx,
                file_id=found.file_id,
                file_name=found.file_name,
                detected=found.detected,
                language=language,
            )
            job = await imports.show(tx, import_id)
            guesses = csv_mapping.guess(job.header, job.sample, await import_columns.field_guesses(tx))
            columns = [
                Column(target=guess.target, type=guess.type, label=guess.heading[:80], new=guess.new)
                if guess.column not in job.closed_columns
                else Column()
                for guess in guesses
            ]
            await import_columns.map_columns(tx, import_id, columns)
        return import_id

    async def check(self, import_id: int, **choices: Any) -> Import:
        """Counted; the turns of its job have run."""
        async with self.services.db.account(self.account.id) as tx:
            await import_start.check(tx, import_id, Choices.model_validate(STATEMENT | choices))
        await self.turns("lists.check_import")
        return await self.show(import_id)

    async def run(self, import_id: int) -> Import:
        async with self.services.db.account(self.account.id) as tx:
            await import_start.run(tx, import_id)
        await self.turns("lists.run_import")
        return await self.show(import_id)

    async def whole(self, data: bytes, **choices: Any) -> Import:
        import_id = await self.upload(data)
        checked = await self.check(import_id, **choices)
        assert checked.state == "checked", checked.failure
        return await self.run(import_id)

    async def show(self, import_id: int) -> Import:
        async with self.services.db.account(self.account.id) as tx:
            return await imports.show(tx, import_id)

    async def turns(self, *names: str) -> None:
        """Runs this account's due jobs of these names until none is left."""
        for _ in range(200):
            due = [
                task
                for task in await work.due(self.services.db, 1_000_000)
                if task.account_id == self.account.id and task.job in names
            ]
            if not due:
                return
            for task in due:
                await jobs.run_turn(self.services, worker.JOBS, task)
        raise AssertionError(f"{names} do not end")

    async def contacts(self) -> list[tuple[Any, ...]]:
        """Everything an import may have written, without ids and times."""
        async with self.services.db.account(self.account.id) as tx:
            return await tx.rows(
                """
                SELECT c.address_key, c.email, c.first_name, c.last_name, c.language, c.fields,
                       l.name, s.status, s.legal_basis,
                       (SELECT count(*) FROM consents k
                        WHERE k.account_id = $1 AND k.contact_id = c.id AND k.list_id = l.id)
                FROM contacts c
                LEFT JOIN subscriptions s ON s.account_id = c.account_id AND s.contact_id = c.id
                LEFT JOIN mailing_lists l ON l.account_id = s.account_id AND l.id = s.list_id
                WHERE c.account_id = $1
                ORDER BY c.address_key, l.name
                """
            )
