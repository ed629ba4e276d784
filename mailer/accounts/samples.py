"""The sample account that the demonstration makes: whether there is room for one, and its mark."""

from mailer.core.db import AccountTx, SharedTx


async def wanted(tx: SharedTx) -> bool:
    """True while nobody has an account here."""
    return not await tx.value("SELECT EXISTS (SELECT FROM accounts)")


async def mark(tx: AccountTx) -> None:
    """What is in it was made up."""
    await tx.run("UPDATE accounts SET sample = true WHERE id = $1")
