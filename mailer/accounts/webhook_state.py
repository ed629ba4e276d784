"""How the account's webhooks are, for pages that lead to them (the room is mailer/webhooks)."""

from dataclasses import dataclass

from mailer.core.db import AccountTx


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenUp:
    """A webhook that Mailer has disabled: somebody has to look."""

    id: int
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookState:
    total: int
    given_up: list[GivenUp]


async def given_up(tx: AccountTx) -> list[GivenUp]:
    return await tx.many(
        GivenUp,
        """
        SELECT id, coalesce(nullif(name, ''), url) AS label
        FROM webhook_endpoints
        WHERE account_id = $1 AND status = 'disabled'
        ORDER BY id
        """,
    )


async def show(tx: AccountTx) -> WebhookState:
    total = await tx.value("SELECT count(*) FROM webhook_endpoints WHERE account_id = $1")
    return WebhookState(total=total, given_up=await given_up(tx))
