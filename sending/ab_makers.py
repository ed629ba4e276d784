"""Who makes the mail of which delivery: `deliveries.variant` → Maker. A campaign without a test has one."""

from collections.abc import Mapping
from dataclasses import replace

from mailer.core.db import AccountTx
from mailer.core.services import Services
from sending import ab_variants, revisions
from sending.personal import Maker


async def of(tx: AccountTx, services: Services, first: Maker) -> Mapping[int, Maker]:
    """`first` makes variant 1. 0 is everybody outside of the test, and missing while there is no winner.

    Raises Gone, RenderFailed or ValueError.
    """
    campaign_id = first.loaded.campaign_id
    numbers = await ab_variants.numbers(tx, campaign_id)
    if numbers == [1]:
        return {0: first, 1: first}
    makers = {1: first}
    for number in numbers[1:]:
        makers[number] = replace(first, loaded=await revisions.load(tx, services, campaign_id, number))
    winner = await tx.value(
        "SELECT winner FROM ab_tests WHERE account_id = $1 AND campaign_id = $2", campaign_id
    )
    return makers if winner is None else makers | {0: makers[winner]}
