"""Walk W3 of ui.md 5: “Why are my opens low?” Few accept measurement, half the hits are machines, Orange defers."""

import re
from typing import Any

import pytest

from mailer.core.db import AccountTx
from mailer.core.services import Services
from tests.browser.conftest import Visit
from tests.browser.test_campaigns_in_browser import enter, site
from tests.browser.test_walk_first_campaign import WALKED, Variant
from tests.browser.walker import Walk
from tests.clicks.conftest import sent_campaign
from tests.make import Account, Make
from tests.reports.test_report import counted

pytestmark = pytest.mark.browser
__all__ = ["site"]
MOST_PRESSES = 5
PEOPLE, MEASURED = 12_480, 1_204
WORDS = {
    "fr": {
        "report": "Voir le rapport Lettre de novembre",
        "rate": "60 personnes ont cliqué, sur les 1 204 qui acceptent la mesure des clics.",
        "counted": "Comment c’est compté",
        "machines": "Personnes, machines, indéterminé",
        "never": "Jamais demandée, refusée",
        "base": "(10,7 % de 11 294)",
        "opened": "Destinataires ayant ouvert",
        "provider": "Par fournisseur",
        "deferred": "38,0 % différés : trop d’envois ou de connexions à la fois",
        "state": "État du domaine d’envoi",
        "unmeasured": "Non mesuré",
        "ask": "Demander l’accord pour la mesure",
    },
    "en": {
        "report": "See the report Lettre de novembre",
        "rate": "60 people clicked, of the 1,204 who accept that clicks are measured.",
        "counted": "How this is counted",
        "machines": "People, machines, unknown",
        "never": "Never asked, refused",
        "base": "(10.7% of 11,294)",
        "opened": "Recipients who opened",
        "provider": "By provider",
        "deferred": "38.0% delayed: too many messages or connections at once",
        "state": "State of the sending domain",
        "unmeasured": "Not measured",
        "ask": "Ask for consent to measurement",
    },
}


async def scene(tx: AccountTx, make: Make) -> int:
    """A campaign under way: a quarter of the people are Orange's, and 38 % of those wait for another try."""
    list_id = await make.mailing_list(tx)
    campaign_id, links = await sent_campaign(tx)
    await tx.run(
        """
        UPDATE campaigns
        SET status = 'sending', finished_at = NULL, audience = $3, name = 'Lettre de novembre'
        WHERE account_id = $1 AND id = $2
        """,
        campaign_id,
        PEOPLE,
    )
    await tx.run(
        "INSERT INTO campaign_lists (account_id, campaign_id, list_id, use, position) VALUES ($1, $2, $3, 'include', 0)",
        campaign_id,
        list_id,
    )
    first: int = await tx.value(
        """
        WITH made AS (
            INSERT INTO contacts (account_id, email, address_key, address_hash)
            SELECT $1::bigint, 'p' || n || '@w3.test', 'p' || n || '@w3.test', decode(md5('w3 ' || n), 'hex')
            FROM generate_series(1, $2::int) AS n
            RETURNING id)
        SELECT min(id) FROM made
        """,
        PEOPLE,
    )
    await tx.run(
        """
        INSERT INTO deliveries (account_id, campaign_id, contact_id, month, list_id, status, profile, first_at,
                                final_at, attempts, smtp_code, smtp_reply, opens, clicks)
        SELECT $1::bigint, c.id, $3 + n, c.month, $4, CASE WHEN late THEN 'queued' ELSE 'delivered' END,
               CASE WHEN orange THEN 'orange' ELSE 'default' END, now(), CASE WHEN NOT late THEN now() END, 1,
               CASE WHEN late THEN 450 ELSE 250 END,
               CASE WHEN late THEN '4.3.0 OFR_103 Too many connections' ELSE '2.0.0 Ok' END,
               NOT orange AND rank <= $5, NOT orange AND rank <= $5
        FROM campaigns c
        CROSS JOIN (
            SELECT n, n % 4 = 0 AS orange, n % 4 = 0 AND n / 4 < 1186 AS late,
                   row_number() OVER (PARTITION BY n % 4 = 0 ORDER BY n) AS rank
            FROM generate_series(0, $6::int - 1) AS n) p
        WHERE c.account_id = $1 AND c.id = $2
        """,
        campaign_id,
        first,
        list_id,
        MEASURED,
        PEOPLE,
    )
    await tx.run(
        """
        INSERT INTO events (account_id, id, at, campaign_id, contact_id, kind, link_id, verdict)
        SELECT $1::bigint, k.kind || '-' || d.contact_id, now() - interval '20 minutes', $2, d.contact_id, k.kind,
               CASE k.kind WHEN 'click' THEN $3::bigint END, CASE WHEN d.n % 2 = 0 THEN 'person' ELSE 'machine' END
        FROM (SELECT contact_id, row_number() OVER (ORDER BY contact_id) AS n
              FROM deliveries
              WHERE account_id = $1 AND campaign_id = $2 AND opens) d
        CROSS JOIN (VALUES ('open', 400), ('click', 120)) k (kind, most)
        WHERE d.n <= k.most
        """,
        campaign_id,
        links[0],
    )
    await counted(tx, campaign_id)
    return campaign_id


@pytest.mark.req("F-01", "F-04", "F-06", "B-30", "D-91", "A-028")
@pytest.mark.parametrize("variant", WALKED, ids=str)
async def test_why_are_my_opens_low(
    services: Services, make: Make, site: str, visit: Visit, variant: Variant
) -> None:
    say = WORDS[variant.language]
    account: Account = await make.account(language=variant.language)
    async with services.db.account(account.id) as tx:
        campaign_id = await scene(tx, make)
    shown: Any = {"theme": variant.theme, "width": variant.width}
    page = await visit(language=variant.language, scripts=variant.scripts, **shown)
    mirror = None if variant.scripts else await visit(**shown)
    await enter(services, page, site, account.owner_id, language=variant.language, theme=variant.theme)
    await page.goto(f"{site}{account.app}")
    walk = Walk(page, f"w3-{variant}", mirror)
    await walk.stop("home")
    report = rf"/campaigns/{campaign_id}/report"
    await walk.go(walk.link(say["report"]), report)
    await walk.shows(say["rate"])
    await walk.shows(say["base"])
    await walk.shows(say["provider"])
    await walk.shows(say["deferred"])
    table = page.get_by_role("row").filter(has_text=say["opened"])
    assert re.findall(r"\d+", await table.inner_text()) == ["200", "200", "0"]
    await walk.stop("report")
    await walk.go(walk.link(say["counted"]), "/reports/formulas")
    await walk.shows(say["machines"])
    await walk.shows(say["never"])
    await walk.stop("formulas")
    await page.go_back()
    deferred = page.locator("a[href*='provider=orange'][href*='status=deferred']")
    await walk.go(deferred, "/deliveries")
    await walk.stop("people")
    assert await page.get_by_role("row").count() == 51
    await page.go_back()
    await walk.go(walk.link(say["state"]), "/domains")
    await walk.stop("domains")
    await page.go_back()
    await walk.go(page.get_by_role("button", name=say["ask"]), "/audience")
    await walk.stop("request")
    async with services.db.account(account.id) as tx:
        [(source, asks)] = await tx.rows(
            "SELECT source, asks_measurement FROM campaigns WHERE account_id = $1 AND status = 'draft'"
        )
    assert asks
    assert "<mj-image" not in source
    assert walk.presses <= MOST_PRESSES, walk.presses


@pytest.mark.req("A-011", "B-30")
async def test_without_any_consent_nothing_is_zero_percent(
    services: Services, make: Make, site: str, visit: Visit
) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        campaign_id = await scene(tx, make)
        await tx.run("UPDATE deliveries SET opens = false, clicks = false WHERE account_id = $1")
        for table in ("events", "event_counts", "event_hours"):
            await tx._connection.execute(f"DELETE FROM {table}")
    page = await visit()
    await enter(services, page, site, account.owner_id, language="fr", theme="light")
    await page.goto(f"{site}{account.app}/campaigns/{campaign_id}/report")
    main = " ".join((await page.locator("main").inner_text()).split())
    assert "Non mesuré" in main
    rows = page.get_by_role("row").filter(has_text=re.compile(r"mesurée?s \(personnes\)"))
    assert await rows.count() >= 2
    for text in await rows.all_inner_texts():
        assert not re.search(r"(?<!\d)0(,0)?[\s\u00a0\u202f]%", text), text
