"""How an account goes on after its campaign was paused (D-80, A-045).

    paused by a person, or for a cause that is mended ──▶ goes on
    paused by a limit of bounces or complaints        ──▶ goes on when a person says what they found out
    paused by a limit again                           ──▶ the operator decides (operator_holds.py)

Resuming begins a new count: without an end of it, a bad list would leave in as many parts.
"""

from mailer.core.db import AccountTx
from mailer.core.errors import Conflict, Fault, fault
from mailer.core.services import Services
from mailer.core.text import N_
from mailer.web.request import Input
from sending import campaigns, sends
from sending.campaigns import Campaign

LIMITS = frozenset({"bounces", "complaints"})
"""Pause reasons of sending/evidence.py that speak of the list, not of a provider."""
BY_ACCOUNT = 1
UNTOLD = N_("A limit stopped this campaign. Say that you looked for the cause and took out what caused it.")
AGAIN = N_("A limit stopped this campaign for the second time. The operator of this service decides now.")


class Resumption(Input):
    """`acknowledged`: the cause of a limit's pause was looked for and taken out."""

    acknowledged: bool = False


async def by_account(tx: AccountTx, services: Services, campaign_id: int, asked: Resumption) -> Campaign:
    """Raises NotFound; Invalid at `acknowledged`; Conflict when it is not paused, or the operator's."""
    campaign = await campaigns.show(tx, campaign_id)
    if not limited(campaign):
        return await sends.resume(tx, services, campaign_id)
    if await is_operators(tx, campaign):
        raise Conflict(Fault("campaign", AGAIN, "limit"))
    if not asked.acknowledged:
        raise fault("acknowledged", UNTOLD, code="missing")
    return await sends.resume(tx, services, campaign_id)


def limited(campaign: Campaign) -> bool:
    return campaign.status == "paused" and campaign.pause_reason in LIMITS


async def is_operators(tx: AccountTx, campaign: Campaign) -> bool:
    """A limit stopped it once more than the account may pass by itself."""
    if not limited(campaign):
        return False
    pauses: int = await tx.value(
        "SELECT limit_pauses FROM campaigns WHERE account_id = $1 AND id = $2", campaign.id
    )
    return pauses > BY_ACCOUNT
