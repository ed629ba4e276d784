"""Test sends: a draft as one person would get it, to confirmed people of the team and to the account's test
addresses, with “[Test]” before the subject. Its links of ours all lead to a page that changes nothing, and
nothing in it is tracked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mailer.accounts import audit, identity
from mailer.core import addresses, work
from mailer.core.addresses import AddressError
from mailer.core.db import AccountTx
from mailer.core.errors import Invalid, TooMany, fault
from mailer.core.links import Links
from mailer.core.text import N_
from mailer.core.tokens import CampaignToken
from sending import ab_variants, campaigns, seeds
from sending.render import Urls

JOB = "sending.send_test"
MOST_AN_HOUR = 200
ME, SEEDS = "me", "seeds"


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
    variant: int = 1


async def ask_all(
    tx: AccountTx, campaign_id: int, to: Sequence[str], *, contact_id: int | None = None, variant: int = 1
) -> list[TestSend]:
    """A test to each of these: "me", "seeds" (all usable test addresses), or one of those addresses.

    Raises NotFound, Invalid at `to` for an address that is neither, or for a variant that is not there, and
    TooMany.
    """
    campaign = await campaigns.show(tx, campaign_id)
    if variant not in await ab_variants.numbers(tx, campaign_id):
        raise fault("variant", N_("This campaign has no such variant."), code="unknown")
    seeded = await seeds.usable(tx)
    allowed = await _allowed(tx)
    wanted: dict[str, str] = {}
    for address in [address for one in to for address in await _meant(tx, one, seeded)]:
        if _key(address) not in allowed:
            raise _not_allowed("to", address)
        wanted[_key(address)] = allowed[_key(address)]
    if not wanted:
        raise fault("to", N_("There is no test address yet that its owner has confirmed."), code="nobody")
    await _check_rate(tx, len(wanted))
    everybody = frozenset(allowed.values())
    made = [
        await ask(tx, campaign.id, recipient=address, team=everybody, contact_id=contact_id)
        for address in wanted.values()
    ]
    if variant > 1:
        await tx.run(
            "UPDATE test_sends SET variant = $3 WHERE account_id = $1 AND id = ANY ($2::bigint[])",
            made,
            variant,
        )
    return [await show(tx, test_id) for test_id in made]


async def may_get(tx: AccountTx, recipient: str) -> bool:
    """Asked again when the test leaves: a colleague may have gone, an owner may have said no meanwhile."""
    return _key(recipient) in await _allowed(tx)


async def _allowed(tx: AccountTx) -> dict[str, str]:
    """Key → address as it was confirmed, not as somebody types it."""
    both = [*await seeds.usable(tx), *await identity.team(tx)]
    return {_key(address): address for address in both}


async def _meant(tx: AccountTx, one: str, seeded: list[str]) -> list[str]:
    if one == SEEDS:
        return seeded
    if one != ME:
        return [one]
    mine = await identity.me(tx)
    if mine is None:
        message = N_("This key belongs to nobody with a confirmed address: name an address instead of “me”.")
        raise fault("to", message, code="nobody")
    return [mine]


def _key(address: str) -> str:
    try:
        return addresses.parse(address).key
    except AddressError:
        return address


async def _check_rate(tx: AccountTx, more: int) -> None:
    """A test is for looking at: an account that needs more than that an hour sends something else."""
    sent = await tx.value(
        "SELECT count(*) FROM test_sends WHERE account_id = $1 AND created_at > now() - interval '1 hour'"
    )
    if sent + more > MOST_AN_HOUR:
        raise TooMany(3600, N_("Too many tests within an hour. Go on in {minutes} minutes."))


async def ask(
    tx: AccountTx, campaign_id: int, *, recipient: str, team: frozenset[str], contact_id: int | None
) -> int:
    """One test mail, sent within seconds. `team`: the confirmed addresses that tests may go to.

    Raises Invalid at `recipient` for any other address: a test is no way around consent.
    """
    if recipient not in team:
        raise _not_allowed("recipient", recipient)
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


def _not_allowed(field: str, address: str) -> Invalid:
    message = N_(
        "Tests go to confirmed people of your team and to test addresses. {address} is not one of them."
    )
    return fault(field, message, code="not_team", address=address)


async def show(tx: AccountTx, test_id: int) -> TestSend:
    """Raises NotFound."""
    return await tx.one(
        TestSend,
        """
        SELECT id, campaign_id, contact_id, recipient, asked_by, state, reply, created_at, finished_at,
               variant::int AS variant
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
        SELECT id, campaign_id, contact_id, recipient, asked_by, state, reply, created_at, finished_at,
               variant::int AS variant
        FROM test_sends
        WHERE account_id = $1 AND campaign_id = $2
        ORDER BY id DESC
        LIMIT 1
        """,
        campaign_id,
    )


async def recent(tx: AccountTx, campaign_id: int) -> list[TestSend]:
    """The newest tests of a campaign, what became of each."""
    return await tx.many(
        TestSend,
        """
        SELECT id, campaign_id, contact_id, recipient, asked_by, state, reply, created_at, finished_at,
               variant::int AS variant
        FROM test_sends
        WHERE account_id = $1 AND campaign_id = $2
        ORDER BY id DESC
        LIMIT 50
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
