"""An account whose contact Ana asks about her data, and what its workers and mails say."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from mailer import worker
from mailer.core import jobs, work
from mailer.core.db import AccountTx
from mailer.core.links import Links
from mailer.core.services import Services
from mailer.core.tokens import RecipientToken
from tests.client import Answer, Client
from tests.make import Account, Make

EVERY = 100_000


@dataclass(frozen=True, slots=True)
class Mail:
    kind: str
    to: str
    language: str
    details: dict[str, object]

    def path(self, base: str) -> str:
        return str(self.details["link"]).removeprefix(base)


@dataclass
class Desk:
    """`who`: the token of a mail that Ana got."""

    services: Services
    make: Make
    client: Client
    account: Account
    list_id: int
    ana: int
    email: str
    who: RecipientToken
    links: Links

    def tx(self) -> AbstractAsyncContextManager[AccountTx]:
        return self.services.db.account(self.account.id)

    def form(self) -> str:
        return self.links.rights_form(self.account.id).removeprefix(self.links.base)

    def page(self) -> str:
        return self.links.rights(self.who).removeprefix(self.links.base)

    async def ask(self, right: str, email: str | None = None) -> Answer:
        """By the form of the account."""
        return await self.client.post(self.form(), {"right": right, "email": email or self.email})

    async def run(self) -> None:
        """Work of this room that is due."""
        for task in await work.due(self.services.db, EVERY):
            if task.account_id == self.account.id and task.job.startswith("lists."):
                await jobs.run_turn(self.services, worker.JOBS, task)

    async def mails(self, kind: str = "") -> list[Mail]:
        """In the order they were written."""
        async with self.services.db.shared() as tx:
            rows = await tx.rows(
                """
                SELECT kind, recipient, language, details FROM outbox
                WHERE account_id = $1 AND ($2 = '' OR kind = $2)
                ORDER BY id
                """,
                self.account.id,
                kind,
            )
        return [Mail(*row) for row in rows]

    async def link(self, right: str) -> str:
        """Ana asks, and this is where the mail leads."""
        await self.ask(right)
        await self.run()
        return (await self.mails("rights_confirm"))[-1].path(self.links.base)

    async def confirmed(self, right: str, **given: str) -> int:
        """Ana asked and confirmed. Returns the reference."""
        link = await self.link(right)
        answer = await self.client.post(link, given)
        assert answer.status == 303, answer.text
        async with self.tx() as tx:
            found: int = await tx.value("SELECT max(id) FROM rights_requests WHERE account_id = $1")
        return found

    async def value(self, sql: str, *args: object) -> object:
        async with self.tx() as tx:
            return await tx.value(sql, *args)


async def open_desk(make: Make, services: Services, client: Client) -> Desk:
    account = await make.account()
    email = f"ana-{account.id}@exemple.test"
    async with services.db.account(account.id) as tx:
        list_id = await make.mailing_list(tx)
        ana = await make.contact(tx, email, list_id=list_id)
        hashed = await tx.value("SELECT address_hash FROM contacts WHERE account_id = $1 AND id = $2", ana)
    who = RecipientToken(account.id, list_id, ana, hashed)
    links = Links(services.tokens, services.settings.track_url)
    return Desk(services, make, client, account, list_id, ana, email, who, links)
