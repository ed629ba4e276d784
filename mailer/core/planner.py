"""PostgreSQL's planner and the accounts: it goes by figures of a table that may be older than an account."""

from mailer.core.db import Database


async def meet(db: Database, account_id: int) -> None:
    """After many rows of an account came, and before they are joined: fresh figures where it is unknown.

    Without them each statement over its contacts may take as long as their number squared. Milliseconds where
    it is known, about a second where it is not.
    """
    async with db.account(account_id) as tx:
        await tx.run("CALL meet_account($1)")
