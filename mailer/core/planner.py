"""PostgreSQL's planner and the accounts: it goes by figures of a table that may be older than an account."""

from mailer.core.db import AccountTx


async def meet(tx: AccountTx) -> None:
    """After many rows of an account came, and before they are joined: fresh figures where it is unknown.

    Without them each statement over its contacts may take as long as their number squared. Milliseconds where
    it is known, about a second where it is not.
    """
    await tx.run("CALL meet_account($1)")
