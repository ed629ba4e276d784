"""A campaign ready to leave, a server that takes it, and jobs run by hand."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace

import pytest

from mailer import worker
from mailer.core import jobs, work
from mailer.core.db import AccountTx
from mailer.core.services import Services
from sending import domains, smtp
from tests.make import Account, Make
from tests.smtp_server import Sink

MJML = """<mjml><mj-body><mj-section><mj-column>
<mj-text>Bonjour {{ contact.first_name | default("vous") }},</mj-text>
<mj-button href="https://boutique.test/pain?a=1&amp;b=2">Voir le pain</mj-button>
<mj-text><a href="https://boutique.test/{{ contact.first_name }}">Pour vous</a></mj-text>
<mj-text>{{ account.name }}, {{ account.address }}
<a href="{{ unsubscribe_url }}">Me desabonner</a> <a href="{{ web_version_url }}">En ligne</a>
<a href="{{ tracking_url }}">Mesure</a></mj-text>
</mj-column></mj-section></mj-body></mjml>"""


# tests before this one leave work behind: the tick rings 500 at a time, a test plays them all
EVERY = 1_000_000


@dataclass
class Post:
    """An account, its campaigns, and the worker's part played by hand."""

    services: Services
    make: Make
    account: Account
    sink: Sink

    async def campaign(self, list_ids: list[int], **columns: object) -> int:
        """A scheduled campaign to these lists, asked to be prepared."""
        values = {
            "kind": "newsletter",
            "subject": "Du pain {{ contact.first_name }}",
            "source": MJML,
        } | columns
        async with self.services.db.account(self.account.id) as tx:
            sender_id = await tx.value(
                """
                INSERT INTO senders (account_id, email, address_key, name, status)
                VALUES ($1, $2, $2, 'Atelier du Pain', 'confirmed')
                ON CONFLICT (account_id, address_key) DO UPDATE SET status = 'confirmed'
                RETURNING id
                """,
                f"bonjour@pain-{self.account.id}.test",
            )
            campaign_id: int = await tx.value(
                """
                INSERT INTO campaigns (account_id, name, kind, status, sender_id, subject, content_kind, source)
                VALUES ($1, 'Lettre', $2, 'scheduled', $3, $4, 'mjml', $5)
                RETURNING id
                """,
                values["kind"],
                sender_id,
                values["subject"],
                values["source"],
            )
            for position, list_id in enumerate(list_ids):
                await tx.run(
                    """
                    INSERT INTO campaign_lists (account_id, campaign_id, list_id, use, position)
                    VALUES ($1, $2, $3, 'include', $4)
                    """,
                    campaign_id,
                    list_id,
                    position,
                )
            await work.add(tx, "sending.prepare", campaign_id)
        return campaign_id

    async def domain_in_order(self) -> None:
        """A real server takes only mail of a domain that is verified (D-54); here the relay signs."""
        async with self.tx() as tx:
            await tx.run(
                """
                INSERT INTO domains (account_id, name, dmarc, verified_at, relay, relay_at)
                VALUES ($1, $2, 'none', now(), $3, now())
                ON CONFLICT (account_id, name) DO UPDATE SET relay = excluded.relay
                """,
                f"pain-{self.account.id}.test",
                await domains.relay_name(tx, self.services),
            )

    async def run(self, times: int = 20, *, system: bool = False) -> int:
        """Turns of this account's work that is due, until none is; with `system`, of system mail too.

        Other tests leave system mail behind, which would come to this sink as well. Returns how many ran.
        """
        ran = 0
        for _ in range(times):
            due = [
                task
                for task in await work.due(self.services.db, EVERY)
                if (task.account_id == self.account.id or (system and not task.account_id))
                and task.job.startswith("sending.")
            ]
            if not due:
                break
            for task in due:
                ran += await jobs.run_turn(self.services, worker.JOBS, task)
        return ran

    async def prepared(self, campaign_id: int) -> None:
        """Frozen, its lanes waiting."""
        [task] = [
            task
            for task in await work.due(self.services.db, EVERY)
            if (task.account_id, task.job, task.ref_id) == (self.account.id, "sending.prepare", campaign_id)
        ]
        await jobs.run_turn(self.services, worker.JOBS, task)

    def tx(self) -> AbstractAsyncContextManager[AccountTx]:
        return self.services.db.account(self.account.id)

    async def states(self, campaign_id: int) -> dict[str, tuple[str, str]]:
        """Address → status and reason."""
        async with self.tx() as tx:
            rows = await tx.rows(
                """
                SELECT coalesce(c.email, d.contact_id::text), d.status, d.reason
                FROM deliveries d
                LEFT JOIN contacts c ON c.account_id = d.account_id AND c.id = d.contact_id
                WHERE d.account_id = $1 AND d.campaign_id = $2
                """,
                campaign_id,
            )
        return {email: (status, reason) for email, status, reason in rows}

    async def status(self, campaign_id: int) -> str:
        async with self.tx() as tx:
            return str(
                await tx.value("SELECT status FROM campaigns WHERE account_id = $1 AND id = $2", campaign_id)
            )


def with_server(services: Services, sink: Sink) -> Services:
    """The same services, handing their mail to this sink."""
    return replace(
        services, settings=services.settings.model_copy(update={"inbox": sink.address, "workers": 2})
    )


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    async with Sink() as opened:
        yield opened
        await smtp.close_pools()


@pytest.fixture
async def post(services: Services, make: Make, sink: Sink) -> Post:
    return Post(with_server(services, sink), make, await make.account(), sink)


People = Callable[..., Awaitable[int]]


@pytest.fixture
def people(post: Post) -> People:
    """A list with contacts of these addresses, or so many made-up ones. Returns its id."""

    async def put(*emails: str, count: int = 0, tracked: bool = False) -> int:
        async with post.tx() as tx:
            list_id = await post.make.mailing_list(tx)
            for email in (*emails, *(f"p{n}@people-{list_id}.test" for n in range(count))):
                await post.make.contact(tx, email, list_id=list_id, tracked=tracked)
        return list_id

    return put
