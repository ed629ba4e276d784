"""The report says how a campaign was measured, and why it has no figures (B-33, B-34, B-42)."""

import pytest

from mailer.core.services import Services
from tests.make import Make


@pytest.mark.req("A-011", "B-33", "B-34", "B-42")
@pytest.mark.parametrize(
    ("columns", "said", "unsaid"),
    [
        (
            {"opens_mode": "aggregate", "clicks_mode": "off"},
            "The image was loaded 812 times, for 3 messages delivered; by machines besides: 40.",
            "none of these contacts accepts",
        ),
        (
            {"opens_mode": "last_day", "clicks_mode": "off"},
            "only the day of each contact's last open is kept",
            "none of these contacts accepts it. Clicks",
        ),
        (
            {"opens_mode": "off", "clicks_mode": "off"},
            "Measurement was off for this campaign",
            "the image was",
        ),
        (
            {"opens_mode": "off", "clicks_mode": "off", "unmeasured": True},
            "as its author chose",
            "was off for",
        ),
        (
            {"opens_mode": "off", "clicks_mode": "off", "asks_measurement": True},
            "A message that asks for consent measures nobody.",
            "was off for",
        ),
        (
            {"opens_mode": "off", "clicks_mode": "off", "kind": "service"},
            "Service messages measure nobody.",
            "off for",
        ),
        (
            {"opens_mode": "individual", "clicks_mode": "individual"},
            "None of the contacts of this send accepts it",
            "812 times",
        ),
        ({}, "None of the contacts of this send accepts it", "812 times"),
    ],
)
async def test_the_report_tells_the_mode(
    make: Make, services: Services, columns: dict[str, object], said: str, unsaid: str
) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        listed = await make.mailing_list(tx)
        people = [await make.contact(tx, list_id=listed) for _ in range(3)]
        campaign = await tx.value(
            """
            INSERT INTO campaigns (account_id, name, status, month, audience, started_at, finished_at, kind,
                                   opens_mode, clicks_mode, unmeasured, asks_measurement)
            VALUES ($1, 'Pain', 'sent', date_trunc('month', now())::date, 3, now(), now(), $2, $3, $4, $5, $6)
            RETURNING id
            """,
            columns.get("kind", "newsletter"),
            columns.get("opens_mode"),
            columns.get("clicks_mode"),
            columns.get("unmeasured", False),
            columns.get("asks_measurement", False),
        )
        await tx.run(
            """
            INSERT INTO deliveries (account_id, campaign_id, contact_id, month, list_id, status, first_at, final_at)
            SELECT $1, $2, id, date_trunc('month', now())::date, $3, 'delivered', now(), now()
            FROM unnest($4::bigint[]) AS p (id)
            """,
            campaign,
            listed,
            people,
        )
        if columns.get("opens_mode") == "aggregate":
            await tx.run(
                """
                INSERT INTO open_counts (account_id, campaign_id, loads, machine_loads) VALUES ($1, $2, 812, 40)
                """,
                campaign,
            )
    person = await make.signed_in(account.owner_id)
    page = await person.get(f"{account.app}/campaigns/{campaign}/report")
    assert page.status == 200
    text = " ".join(page.text.replace("&#39;", "'").split())
    assert said in text
    assert unsaid not in text
    api = await make.program(account.id)
    shown = (await api.get(f"/api/v1/campaigns/{campaign}/measurement")).json()
    assert (shown["opens"], shown["clicks"]) == (columns.get("opens_mode"), columns.get("clicks_mode"))
