"""The account's standing instruction (G-4): which requests are carried out as soon as the person confirmed.

Refusing marketing or measurement always is: nobody weighs those (C-16). Correction and erasure are unless the
account says otherwise (A-022); copies are forwarded first (A-090).
"""

from typing import Literal

from lists.rights_words import Right
from mailer.accounts import audit
from mailer.core.db import AccountTx
from mailer.web.request import Input

ALWAYS = frozenset({Right.OBJECT, Right.TRACKING})
CHOSEN = (Right.CORRECT, Right.ERASE, Right.RESTRICT, Right.ACCESS, Right.PORTABILITY)
DEFAULT = frozenset({Right.CORRECT, Right.ERASE, Right.RESTRICT})


class Instruction(Input):
    """`at_once`: what is not named is forwarded to the account first."""

    at_once: list[Literal["access", "correct", "erase", "restrict", "portability"]] = []


async def at_once(tx: AccountTx) -> frozenset[Right]:
    found = await tx.value("SELECT at_once FROM rights_settings WHERE account_id = $1")
    chosen = DEFAULT if found is None else frozenset(Right(one) for one in found)
    return chosen | ALWAYS


async def instruct(tx: AccountTx, wanted: Instruction) -> None:
    await tx.run(
        """
        INSERT INTO rights_settings (account_id, at_once)
        VALUES ($1, $2)
        ON CONFLICT (account_id) DO UPDATE SET at_once = excluded.at_once, changed_at = now()
        """,
        sorted(set(wanted.at_once)),
    )
    await audit.write(tx, "changed", "rights_instruction")
