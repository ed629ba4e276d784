"""Test sends: a draft as one person would get it, to confirmed people of the team, with “[Test]” before the
subject. Its links of ours all lead to a page that changes nothing, and nothing in it is tracked."""

from dataclasses import dataclass
from datetime import datetime

from mailer.accounts import audit
from mailer.core import work
from mailer.core.db import AccountTx
from mailer.core.errors import fault
from mailer.core.links import Links
from mailer.core.text import N_
from mailer.core.tokens import CampaignToken
from sending.render import Urls

JOB = "sending.send_test"


@dataclass(frozen=True, slots=True, kw_only=True)
class TestSend:
    """`contact_id` None: rendered as the sample person. `state` is waiting, sent or failed."""

    id: int
    campaign_id: int
    contact_id: int | None
    recipient: str
    asked_by: int | None
    state: str
    reply: str
    created_at: datetime
    finished_at: datetime | None


async def ask(
    tx: AccountTx, campaign_id: int, *, recipient: str, team: frozenset[str], contact_id: int | None
) -> int:
    """One test mail, sent within seconds. `team`: the confirmed addresses of the account's people.

    Raises Invalid at `recipient` for any other address: a test is no way around consent.
    """
    if recipient not in team:
        message = N_("Tests go to confirmed people of your team. {address} is not one of them.")
        raise fault("recipient", message, code="not_team", address=recipient)
    test_id: int = await tx.value(
        """
        INSERT INTO test_sends (account_id, campaign_id, contact_id, recipient, asked_by)
        VALUES ($1, $2, $3, $4, $5)
        RETURNING id
        """,
        campaign_id,
        contact_id,
        recipient,
        tx.actor.id if tx.actor.kind == "user" else None,
    )
    await tx.run("UPDATE campaigns SET tested_at = now() WHERE account_id = $1 AND id = $2", campaign_id)
    await work.add(tx, JOB, test_id)
    await audit.write(tx, "tested", "campaign", campaign_id)
    return test_id


async def show(tx: AccountTx, test_id: int) -> TestSend:
    """Raises NotFound."""
    return await tx.one(
        TestSend,
        """
        SELECT id, campaign_id, contact_id, recipient, asked_by, state, reply, created_at, finished_at
        FROM test_sends
        WHERE account_id = $1 AND id = $2
        """,
        test_id,
    )


async def last(tx: AccountTx, campaign_id: int) -> TestSend | None:
    """The newest test of a campaign."""
    return await tx.first(
        TestSend,
        """
        SELECT id, campaign_id, contact_id, recipient, asked_by, state, reply, created_at, finished_at
        FROM test_sends
        WHERE account_id = $1 AND campaign_id = $2
        ORDER BY id DESC
        LIMIT 1
        """,
        campaign_id,
    )


async def finish(tx: AccountTx, test_id: int, state: str, *, reply: str = "") -> None:
    """What became of it: `state` sent or failed, `reply` the server's answer or our reason."""
    await tx.run(
        """
        UPDATE test_sends
        SET state = $3, reply = $4, finished_at = now()
        WHERE account_id = $1 AND id = $2 AND state = 'waiting'
        """,
        test_id,
        state,
        reply[:500],
    )


def urls(links: Links, account_id: int, campaign_id: int) -> Urls:
    """The links of ours in a preview or test: one page that says so, for each of them."""
    test = links.test(CampaignToken(account_id, campaign_id, 0))
    return Urls(unsubscribe=test, preferences=test, tracking=test, rights=test, web_version=test)
