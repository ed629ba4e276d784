"""What holds an image beside drafts and designs: earlier versions, automatic campaigns, the brand kit."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailer.core.db import AccountTx
from mailer.core.errors import Conflict
from mailer.core.services import Services
from retention_jobs import purge
from sending import (
    automation_mails,
    automation_steps,
    automations,
    brand_kits,
    campaigns,
    designs,
    draft_versions,
    image_library,
    image_uses,
)
from sending.automation_steps import Place, StepInput
from sending.automations import NewAutomation, Trigger
from sending.brand_kits import Kit
from sending.designs import NewDesign
from sending.images import Image, Words
from tests.make import Account, Make
from tests.media.test_image_library import put, uses_of

SOURCE = '<mj-image src="https://m/t/img/{}" />'


async def _left(services: Services, account: Account, now: datetime) -> set[int]:
    """After the sweep."""
    async with services.db.account(account.id) as tx:
        await purge.RULES["images"](tx, now)
        return {one.id for one in await image_library.many(tx, image_library.Looking())}


@pytest.mark.req("A-084")
async def test_an_image_stays_while_an_earlier_version_of_a_draft_shows_it(
    make: Make, services: Services
) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    old, new = [await put(services, account, Words(alt=alt)) for alt in ("Vieux", "Neuf")]
    async with services.db.account(account.id) as tx:
        draft = await campaigns.create(tx, campaigns.NewCampaign(name="Rentrée"))
        await campaigns.write_content(tx, draft.id, "mjml", SOURCE.format(old.name))
        await campaigns.write_content(tx, draft.id, "mjml", SOURCE.format(new.name))
    # a version that says what its draft says is not told beside it
    assert await uses_of(services, account, new) == [("campaign", "Rentrée")]
    assert await uses_of(services, account, old) == [("campaign_version", "Rentrée")]
    page = await owner.get(f"{account.app}/media/{old.id}")
    assert f'href="{account.app}/campaigns/{draft.id}/versions"' in page.text
    assert "earlier version of a draft" in page.text
    assert (await owner.get(f"{account.app}/campaigns/{draft.id}/versions")).status == 200
    later = datetime.now(UTC) + timedelta(days=500)
    assert await _left(services, account, later) == {old.id, new.id}
    async with services.db.account(account.id) as tx:
        with pytest.raises(Conflict):
            await image_uses.delete(tx, old.id)
        await draft_versions.thin(tx, None, datetime.now(UTC) + timedelta(days=400))
        assert await image_library.unused_since(tx, old.id) is not None
    assert await _left(services, account, later) == {new.id}


@pytest.mark.req("A-084")
async def test_a_design_takes_the_images_of_its_earlier_versions_with_it(
    make: Make, services: Services
) -> None:
    account = await make.account()
    old, shared = [await put(services, account, Words(alt=alt)) for alt in ("Vieux", "Partagé")]
    async with services.db.account(account.id) as tx:
        one = await designs.create(
            tx, NewDesign(name="A", kind="mjml"), f"<mjml>{old.name}{shared.name}</mjml>"
        )
        other = await designs.create(tx, NewDesign(name="B", kind="mjml"), f"<mjml>{shared.name}</mjml>")
        await designs.write(tx, one.id, "<mjml></mjml>")
        await designs.write(tx, other.id, "<mjml></mjml>")
    assert await uses_of(services, account, old) == [("design_version", "A")]
    async with services.db.account(account.id) as tx:
        assert await image_uses.unshared(tx, one.id) == [old.id]
        assert await image_uses.delete_design(tx, one.id) == 1
        assert [found.id for found in await image_library.many(tx, image_library.Looking())] == [shared.id]


async def _published(services: Services, account: Account, make: Make, image: Image) -> tuple[int, int]:
    """An automatic campaign that runs, and the step whose mail shows the image."""
    async with services.db.account(account.id) as tx:
        list_id = await make.mailing_list(tx)
        new = NewAutomation(name="Bienvenue", list_id=list_id, trigger=Trigger(kind="subscribed"))
        made = await automations.create(tx, new)
        step_id = await automation_steps.add(tx, made.id, StepInput(kind="send", subject="Bonjour"), Place())
        [step] = (await automation_steps.plan(tx, made.id)).steps
        assert step.draft_id is not None
        await campaigns.write_content(tx, step.draft_id, "mjml", SOURCE.format(image.name))
        await automation_mails.publish(tx, step_id)
        await tx.run("UPDATE automations SET status = 'running' WHERE account_id = $1 AND id = $2", made.id)
    return made.id, step_id


async def _sources(tx: AccountTx, step_id: int) -> list[str]:
    [row] = await tx.rows(
        """
        SELECT d.source, p.source
        FROM automation_steps s
        JOIN campaigns d ON d.account_id = $1 AND d.id = s.draft_id
        JOIN campaigns p ON p.account_id = $1 AND p.id = s.published_id
        WHERE s.account_id = $1 AND s.id = $2
        """,
        step_id,
    )
    return list(row)


@pytest.mark.req("A-084")
async def test_what_a_running_automatic_campaign_shows_is_neither_deleted_nor_changed_unpublished(
    make: Make, services: Services
) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    old, new = [await put(services, account, Words(alt=alt)) for alt in ("Vieux", "Neuf")]
    automation_id, step_id = await _published(services, account, make, old)
    # once, though its draft, what was published and their versions hold it
    assert await uses_of(services, account, old) == [("automation", "Bienvenue")]
    page = await owner.get(f"{account.app}/media/{old.id}")
    assert f'href="{account.app}/automations/{automation_id}"' in page.text
    refused = await owner.post(f"{account.app}/media/{old.id}/deletion", {"anyway": "true"})
    assert (refused.status, "Bienvenue" in refused.text) == (409, True)
    answer = await owner.post(
        f"{account.app}/media/{old.id}/replacement", {"by": str(new.id), "expected": "1"}
    )
    assert answer.status == 303
    async with services.db.account(account.id) as tx:
        draft, published = await _sources(tx, step_id)
        assert (new.name in draft, old.name in published) == (True, True)
        plan = await automation_steps.plan(tx, automation_id)
        assert [step.unpublished for step in plan.steps] == [True]
        await automation_mails.publish(tx, step_id)
        draft, published = await _sources(tx, step_id)
        assert (new.name in draft, new.name in published) == (True, True)


@pytest.mark.req("A-084")
async def test_the_logo_of_the_brand_kit_is_in_use_until_another_is_chosen(
    make: Make, services: Services
) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    first, logo = [await put(services, account, Words(alt=alt)) for alt in ("Premier", "Logo")]
    async with services.db.account(account.id) as tx:
        await brand_kits.put(tx, Kit(logo_image_id=first.id))
        await brand_kits.put(tx, Kit(logo_image_id=logo.id))
    assert await uses_of(services, account, first) == []
    assert await uses_of(services, account, logo) == [("brand", "")]
    page = f"{account.app}/media/{logo.id}"
    assert f'href="{account.app}/brand"' in (await owner.get(page)).text
    assert "Choose another logo there first." in (await owner.get(f"{page}/deletion")).text
    assert (await owner.post(f"{page}/deletion", {"anyway": "true"})).status == 409
    later = datetime.now(UTC) + timedelta(days=500)
    assert await _left(services, account, later) == {logo.id}
    async with services.db.account(account.id) as tx:
        await brand_kits.put(tx, Kit())
    assert await uses_of(services, account, logo) == []
    assert (await owner.post(f"{page}/deletion", {})).status == 303


async def test_the_migration_finds_versions_and_logos_that_are_there_already(
    make: Make, services: Services, repository: Path
) -> None:
    account = await make.account()
    logo, old = [await put(services, account, Words(alt=alt)) for alt in ("Logo", "Vieux")]
    async with services.db.account(account.id) as tx:
        await brand_kits.put(tx, Kit(logo_image_id=logo.id))
        draft = await campaigns.create(tx, campaigns.NewCampaign(name="Rentrée"))
        await campaigns.write_content(tx, draft.id, "mjml", SOURCE.format(old.name))
        await campaigns.write_content(tx, draft.id, "mjml", SOURCE.format("rien"))
        before = await tx.rows(
            "SELECT kind, ref_id, name FROM image_uses WHERE account_id = $1 ORDER BY 1, 2"
        )
        await tx.run("UPDATE images SET used_until = now() WHERE account_id = $1")
    text = (repository / "mailer/migrations/0165_more_image_uses.sql").read_text()
    async with services.db.connection() as connection, connection.transaction():
        await connection.execute("ALTER TABLE image_uses NO FORCE ROW LEVEL SECURITY")
        # of every account: it finds them all again
        await connection.execute("DELETE FROM image_uses WHERE kind IN ('version', 'brand')")
        await connection.execute(text.partition("-- What stands there already.")[2])
    async with services.db.account(account.id) as tx:
        after = await tx.rows("SELECT kind, ref_id, name FROM image_uses WHERE account_id = $1 ORDER BY 1, 2")
        assert [kind for kind, _, _ in after] == ["brand", "version"]
        assert after == before
        assert await image_library.unused_since(tx, logo.id) is None
        assert await image_library.unused_since(tx, old.id) is None


@pytest.mark.req("A-084")
async def test_a_time_that_is_missing_on_an_unused_image_begins_with_the_next_sweep(
    make: Make, services: Services
) -> None:
    account = await make.account()
    image = await put(services, account, Words(alt="Un pain"))
    now = datetime(2026, 11, 27, 9, tzinfo=UTC)
    async with services.db.account(account.id) as tx:
        # as two transactions leave it that took away its last two uses at the same moment
        await tx.run("UPDATE images SET used_until = NULL WHERE account_id = $1")
    assert await _left(services, account, now) == {image.id}
    assert await _left(services, account, now + timedelta(days=390)) == {image.id}
    assert await _left(services, account, now + timedelta(days=400)) == set()


async def test_people_who_save_drafts_with_the_same_logo_do_not_wait_for_each_other(
    make: Make, services: Services
) -> None:
    account = await make.account()
    logo = await put(services, account, Words(alt="Logo"))
    async with services.db.account(account.id) as tx:
        one, other = [await campaigns.create(tx, campaigns.NewCampaign(name=name)) for name in "AB"]
        for draft in (one, other):
            await campaigns.write_content(tx, draft.id, "mjml", SOURCE.format(logo.name))
    async with services.db.account(account.id) as first, services.db.account(account.id) as second:
        await first.run_plain("SET LOCAL lock_timeout = '2s'")
        await second.run_plain("SET LOCAL lock_timeout = '2s'")
        await campaigns.write_content(first, one.id, "mjml", "A " + SOURCE.format(logo.name))
        await campaigns.write_content(second, other.id, "mjml", "B " + SOURCE.format(logo.name))
    async with services.db.account(account.id) as tx:
        assert await image_library.unused_since(tx, logo.id) is None
