"""A campaign's figures for one segment: exact in a small account, an estimate that says so in a large one."""

import pytest

from lists import segment_sql, segments
from lists.segment_tree import Tree
from lists.segments import NewSegment
from mailer.core.db import AccountTx
from mailer.core.services import Services
from mailer.web.request import check
from sending import segment_figures
from tests.make import Account, Make
from tests.reports.test_report import fill
from tests.reports.test_report_parts import words_of

FRENCH = {"subject": "language", "operator": "is", "value": "fr"}


@pytest.fixture
async def acc(make: Make) -> Account:
    return await make.account()


async def scene(tx: AccountTx, make: Make) -> tuple[int, int]:
    """Campaign and segment: the first six people and the first one that bounced, of whom one is no recipient."""
    campaign_id = await fill(tx, make)
    rows = await tx.rows("SELECT id FROM contacts WHERE account_id = $1 ORDER BY id")
    contacts = [row[0] for row in rows]
    outside = await make.contact(tx)
    chosen = [*contacts[:8], contacts[18], outside]
    await tx.run(
        "UPDATE contacts SET language = 'fr' WHERE account_id = $1 AND id = ANY ($2::bigint[])", chosen
    )
    tree = check(Tree, {"match": "all", "rules": [FRENCH]})
    return campaign_id, (await segments.create(tx, NewSegment(name="En français", tree=tree))).id


@pytest.mark.req("A-011")
async def test_exact_figures_of_a_segments_people(services: Services, make: Make, acc: Account) -> None:
    async with services.db.account(acc.id) as tx:
        campaign_id, segment_id = await scene(tx, make)
        found = await segment_figures.of(tx, campaign_id, segment_id)
    assert found.exact
    assert (found.audience, found.delivered, found.bounced) == (9, 8, 1)
    # machines and unknown are no people here
    assert (found.opens_base, found.opened, found.clicks_base, found.clicked) == (8, 2, 8, 1)
    assert (found.unsubscribed, found.complained) == (2, 1)
    person = await make.signed_in(acc.owner_id)
    path = f"{acc.app}/campaigns/{campaign_id}/report/segments"
    assert f'href="{path}"' in (await person.get(path.removesuffix("/segments"))).text
    words = words_of((await person.get(f"{path}?segment_id={segment_id}")).text)
    assert "9 of 30 recipients are in this segment." in words
    assert "estimate" not in words
    assert "Measured clicks (people) 1 1 / 8 of 8 messages delivered to contacts who accept it" in words
    program = await make.program(acc.id)
    answer = (await program.get(f"/api/v1/campaigns/{campaign_id}/report/segments/{segment_id}")).json()
    assert (answer["name"], answer["exact"], answer["clicked"]) == ("En français", True, 1)


async def test_a_large_account_is_told_an_estimate(
    services: Services, make: Make, acc: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with services.db.account(acc.id) as tx:
        campaign_id, segment_id = await scene(tx, make)
        sampled = await tx.rows(
            f"SELECT c.id FROM contacts c WHERE c.account_id = $1 AND c.language = 'fr' AND {segment_sql.SAMPLED}"
        )
    monkeypatch.setattr(segments, "SMALL", 5)
    async with services.db.account(acc.id) as tx:
        found = await segment_figures.of(tx, campaign_id, segment_id)
        recipients = await tx.value(
            """
            SELECT count(*) FROM deliveries
            WHERE account_id = $1 AND campaign_id = $2 AND contact_id = ANY ($3::bigint[])
            """,
            campaign_id,
            [row[0] for row in sampled],
        )
    assert not found.exact
    assert found.audience == 100 * recipients
    person = await make.signed_in(acc.owner_id)
    path = f"{acc.app}/campaigns/{campaign_id}/report/segments?segment_id={segment_id}"
    assert "An estimate, from one contact in 100." in (await person.get(path)).text


async def test_what_cannot_be_told_says_why(services: Services, make: Make, acc: Account) -> None:
    person = await make.signed_in(acc.owner_id)
    program = await make.program(acc.id)
    async with services.db.account(acc.id) as tx:
        campaign_id = await fill(tx, make)
    path = f"{acc.app}/campaigns/{campaign_id}/report/segments"
    assert "There is no segment yet." in (await person.get(path)).text
    async with services.db.account(acc.id) as tx:
        list_id = await make.mailing_list(tx)
        rule = {"subject": "list", "of": list_id, "operator": "subscribed"}
        tree = check(Tree, {"match": "all", "rules": [rule]})
        segment_id = (await segments.create(tx, NewSegment(name="Liste", tree=tree))).id
        await tx.run("UPDATE mailing_lists SET deleted_at = now() WHERE account_id = $1 AND id = $2", list_id)
    assert (
        "speaks of something that was deleted" in (await person.get(f"{path}?segment_id={segment_id}")).text
    )
    refused = await program.get(f"/api/v1/campaigns/{campaign_id}/report/segments/{segment_id}")
    assert (refused.status, refused.json()["errors"][0]["field"]) == (422, "segment_id")
    assert (await person.get(f"{path}?segment_id=999999")).status == 404
    assert (await person.get(f"{path}?segment_id=x")).status == 422
    async with services.db.account(acc.id) as tx:
        await tx.run(
            """
            UPDATE campaigns SET details_erased_at = now(), totals = '{}', measured = '{}'
            WHERE account_id = $1
            """
        )
    assert "there is nothing left to tell a segment by" in (await person.get(path)).text
