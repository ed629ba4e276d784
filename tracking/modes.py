"""How an account measures, and how a campaign was measured. The account's choice is written down and dated.

A campaign keeps the modes it was frozen with. A mode that the account leaves ends at once: mails that are
still to leave do without, and nothing more is recorded of those that are out (`ingest`, `tallies`).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import Field

from mailer.accounts import audit
from mailer.core.db import AccountTx
from mailer.web.request import Input
from tracking.decision import OFF, Clicks, Modes, Opens


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`since` None: never changed. `sunset_months` count in the mode last_day only."""

    opens: str = "individual"
    clicks: str = "individual"
    sunset_months: int = 12
    since: datetime | None = None


class Choice(Input):
    """What is left out stays."""

    opens: Opens | None = None
    clicks: Clicks | None = None
    sunset_months: Annotated[int, Field(ge=6, le=12)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """How a campaign was measured; its modes None: not frozen yet. Loads are of the one image (B-34)."""

    kind: str
    unmeasured: bool
    asks: bool
    opens: str | None
    clicks: str | None
    loads: int
    machine_loads: int


async def of(tx: AccountTx) -> Settings:
    found = await tx.first(
        Settings,
        """
        SELECT opens, clicks, sunset_months::int, opens_since AS since
        FROM measurement_settings
        WHERE account_id = $1
        """,
    )
    return found or Settings()


async def change(tx: AccountTx, choice: Choice) -> Settings:
    """From now on, for mails that are out as well. Each switch is in the journal."""
    before = await of(tx)
    opens = choice.opens or before.opens
    clicks = choice.clicks or before.clicks
    await tx.run(
        """
        INSERT INTO measurement_settings AS m (account_id, opens, clicks, sunset_months)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (account_id) DO UPDATE
        SET opens = excluded.opens, clicks = excluded.clicks, sunset_months = excluded.sunset_months,
            opens_since = CASE WHEN m.opens = excluded.opens THEN m.opens_since ELSE now() END
        """,
        opens,
        clicks,
        choice.sunset_months or before.sunset_months,
    )
    if before.opens == "last_day" != opens:
        # what was kept for a purpose goes with it
        await tx.run("DELETE FROM last_open_days WHERE account_id = $1")
    if opens != before.opens:
        await audit.write(tx, "switched", f"opens_{opens}")
    if clicks != before.clicks:
        await audit.write(tx, "switched", f"clicks_{clicks}")
    if choice.sunset_months not in (None, before.sunset_months):
        await audit.write(tx, "changed", "measurement")
    return await of(tx)


async def to_freeze(tx: AccountTx, campaign_id: int) -> Modes:
    """As the account has it now, less what the author left out. A request for consent measures nothing."""
    left_out = await tx.value(
        "SELECT unmeasured OR asks_measurement FROM campaigns WHERE account_id = $1 AND id = $2", campaign_id
    )
    if left_out is not False:
        return OFF
    now = await of(tx)
    return Modes(now.opens, now.clicks)


async def of_campaign(tx: AccountTx, campaign_id: int) -> Modes:
    """For mails that leave now: the frozen modes, where the account still has them; a draft has none yet."""
    now = await to_freeze(tx, campaign_id)
    rows = await tx.rows(
        """
        SELECT opens_mode, clicks_mode
        FROM campaigns
        WHERE account_id = $1 AND id = $2 AND status <> 'draft'
        """,
        campaign_id,
    )
    opens, clicks = rows[0] if rows else (None, None)
    return Modes(
        now.opens if opens in (None, now.opens) else "off",
        now.clicks if clicks in (None, now.clicks) else "off",
    )


async def measured(tx: AccountTx, campaign_id: int) -> Measured:
    """For the report. Raises NotFound."""
    return await tx.one(
        Measured,
        """
        SELECT c.kind, c.unmeasured, c.asks_measurement AS asks, c.opens_mode AS opens,
               c.clicks_mode AS clicks,
               coalesce(o.loads, 0) AS loads, coalesce(o.machine_loads, 0) AS machine_loads
        FROM campaigns c
        LEFT JOIN open_counts o ON o.account_id = $1 AND o.campaign_id = c.id
        WHERE c.account_id = $1 AND c.id = $2
        """,
        campaign_id,
    )
