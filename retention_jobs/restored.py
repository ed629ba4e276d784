"""What a restored copy holds past its six days goes before anybody can look (A-001, A-103).

Everything else goes with the first run of its workers, which run while sending is held, too.
"""

from datetime import datetime

from lists import legal_holds
from mailer.core.db import AccountTx, Database
from retention_jobs import platform, purge

RULES = ("content", "files", "webhooks")


async def forget(db: Database, now: datetime) -> int:
    """How many rows, of the platform and of each account. The next run writes the record of it."""
    async with db.shared() as tx:
        deleted = sum((await platform.purge(tx, now)).values())
        accounts = await tx.rows("SELECT id FROM accounts ORDER BY id")
    for (account_id,) in accounts:
        rules = list(RULES)
        while rules:
            async with db.account(account_id) as tx:
                found = await _batch(tx, rules, now)
            deleted += sum(found.values())
            rules = [rule for rule, n in found.items() if purge.more(rule, n)]
    return deleted


async def _batch(tx: AccountTx, rules: list[str], now: datetime) -> dict[str, int]:
    if await legal_holds.whole_account(tx, now):
        return {}
    deleted = {rule: await purge.RULES[rule](tx, now) for rule in rules}
    await purge.note(tx, now, deleted)
    return deleted
