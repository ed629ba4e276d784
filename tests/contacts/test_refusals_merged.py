"""Where two parts of the product meet: a refusal holds for every address of a merged person, and in each race."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta

import pytest

from lists import confirmations, contact_merges, contacts, erasures, restrictions, subscriptions, suppressions
from lists.consents import Method
from lists.contact_merges import Merge
from lists.contacts import ContactChange, NewContact
from lists.erasures import By, Erasure
from lists.restrictions import NewRestriction
from lists.suppressions import Reason
from mailer.core import clock
from mailer.core.db import AccountTx
from mailer.core.errors import NotFound
from mailer.core.links import Links
from mailer.core.services import Services
from tests.contacts.test_returns import ANA, Story, story
from tests.importing import files
from tests.importing.importer import Importer
from tests.importing.test_import_undo import undo
from tests.make import Make

__all__ = ["story"]

GONE = "ana.old@return.test"


async def add_active(story: Story, tx: AccountTx, email: str) -> int:
    """On list A."""
    wish = {"email": email, "lists": [story.lists["A"]], "legal_basis": "consent", "source": "Salon"}
    return (await contacts.add(tx, story.services.sealer, NewContact.model_validate(wish))).id


@pytest.fixture(params=["kept", "other"])
async def merged(story: Story, request: pytest.FixtureRequest) -> Story:
    """Ana with two addresses: GONE is the one that no contact has any more."""
    async with story.tx() as tx:
        if request.param == "kept":
            other = await add_active(story, tx, GONE)
        else:
            await contacts.change(
                tx, story.services.sealer, await story.contact_id(tx), ContactChange(email=GONE)
            )
            other = await add_active(story, tx, ANA)
        kept = await story.contact_id(tx, GONE if request.param == "other" else ANA)
        await contact_merges.merge(tx, kept, Merge(other_id=other, email=request.param))
    assert await story.mailable() == {"A", "B"}
    return story


async def by_link(story: Story) -> None:
    await story.stop()


async def by_the_old_link(story: Story) -> None:
    async with story.tx() as tx:
        await subscriptions.stop_everything(tx, await story.who(tx, email=GONE), method=Method.LINK)


async def by_team(story: Story) -> None:
    async with story.tx() as tx:
        await suppressions.add_by_team(tx, story.services.sealer, ANA, reason=Reason.OBJECTED)


async def by_team_at_the_old_address(story: Story) -> None:
    async with story.tx() as tx:
        await suppressions.add_by_team(tx, story.services.sealer, GONE, reason=Reason.OBJECTED)


async def by_erasure(story: Story) -> None:
    async with story.tx() as tx:
        await erasures.erase(tx, await story.contact_id(tx), Erasure(asked_by=By.PERSON))


async def _file(story: Story, email: str, **choices: object) -> None:
    data = files.table(
        [["E-mail", "Prénom", "Statut"], [email, "Ana", "blocked"], ["x@y.test", "", "subscribed"]]
    )
    await Importer(story.services, story.account).whole(data, list_ids=[story.lists["A"]], **choices)


async def by_a_file(story: Story) -> None:
    await _file(story, ANA)


async def by_a_file_of_the_old_address(story: Story) -> None:
    await _file(story, GONE)


async def by_an_unsubscribing_import_of_the_old_address(story: Story) -> None:
    importer = Importer(story.services, story.account)
    await importer.whole(files.people(GONE), mode="unsubscribe")


@pytest.mark.req("B-28", "C-16")
@pytest.mark.parametrize(
    "refuse",
    [
        by_link,
        by_the_old_link,
        by_team,
        by_team_at_the_old_address,
        by_erasure,
        by_a_file,
        by_a_file_of_the_old_address,
        by_an_unsubscribing_import_of_the_old_address,
    ],
)
async def test_a_no_after_a_merge_is_of_both_addresses(merged: Story, refuse) -> None:
    await refuse(merged)
    assert await merged.mailable() == set()
    importer = Importer(merged.services, merged.account)
    lists = list(merged.lists.values())
    await importer.whole(files.people(ANA, GONE), list_ids=lists, mode="add_and_update")
    for email in (ANA, GONE):
        assert await merged.refused(email) == {"A", "B"}
        assert await merged.mailable(email) == set()


@pytest.mark.req("B-28", "C-16")
async def test_what_comes_with_a_second_merge_holds_for_the_addresses_of_the_first(merged: Story) -> None:
    async with merged.tx() as tx:
        third = await add_active(merged, tx, "third@return.test")
        who = await merged.who(tx, email="third@return.test")
        await subscriptions.stop_everything(tx, who, method=Method.LINK)
        await contact_merges.merge(tx, await merged.contact_id(tx), Merge(other_id=third))
    assert await merged.refused(GONE) == {"A", "B"}


@pytest.mark.req("B-28")
async def test_a_return_outlives_a_second_merge(merged: Story) -> None:
    await merged.stop()
    await merged.come_back("A")
    async with merged.tx() as tx:
        third = await add_active(merged, tx, "third@return.test")
        await contact_merges.merge(tx, await merged.contact_id(tx), Merge(other_id=third))
    assert await merged.mailable() == {"A"}
    assert await merged.refused(GONE) == {"A", "B"}


@pytest.mark.req("B-28")
async def test_a_refusal_carried_to_an_address_outlives_the_stop_with_an_end_there(story: Story) -> None:
    other = "held@return.test"
    async with story.tx() as tx:
        await suppressions.add_many_by_team(
            tx, story.services.sealer, [other], expires_at=clock.now() + timedelta(days=1)
        )
    await story.stop()
    async with story.tx() as tx:
        await contacts.change(
            tx, story.services.sealer, await story.contact_id(tx), ContactChange(email=other)
        )
        hashed = (await story.who(tx, email=other)).address_hash
        [row] = await suppressions.of_address(tx, hashed)
    assert (row.reason, row.expires_at) == (Reason.UNSUBSCRIBED, None)


@pytest.mark.req("C-13")
@pytest.mark.parametrize("mode", ["add_and_update", "add", "remove"])
async def test_an_undo_leaves_whoever_is_limited(services: Services, make: Make, mode: str) -> None:
    story = Story(services, make, await make.account())
    for name in ("A", "B"):
        await story.make_list(name)
    importer = Importer(services, story.account)
    if mode != "add":
        async with story.tx() as tx:
            await add_active(story, tx, ANA)
    name = "A" if mode == "remove" else "B"
    job = await importer.whole(files.people(ANA), list_ids=[story.lists[name]], mode=mode)
    before = await story.active()
    async with story.tx() as tx:
        await restrictions.limit(tx, await story.contact_id(tx), NewRestriction(ground="accuracy"))
        held = await contacts.show(tx, await story.contact_id(tx))
    assert await undo(importer, job) == {"erased": 0, "restored": 0, "kept": 1}
    async with story.tx() as tx:
        assert await contacts.show(tx, await story.contact_id(tx)) == held
    assert await story.active() == before


@pytest.mark.req("C-13")
async def test_an_undo_puts_nobody_on_a_list_that_the_import_left_them_on(story: Story) -> None:
    async with story.tx() as tx:
        contact = await story.contact_id(tx)
        await restrictions.limit(tx, contact, NewRestriction(ground="accuracy"))
    importer = Importer(story.services, story.account)
    await importer.whole(files.people(ANA), list_ids=[story.lists["A"]], mode="remove")
    async with story.tx() as tx:
        assert await tx.value("SELECT count(*) FROM import_removals WHERE account_id = $1") == 0
    assert await story.active() == {"A", "B"}


async def blocked_on_a_lock(services: Services) -> None:
    """Until a statement of this database waits for somebody else's row."""
    for _ in range(500):
        async with services.db.connection() as connection:
            waiting = await connection.fetchval(
                """
                SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock'
                """
            )
        if waiting:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody waits")


async def _behind(story: Story, tx: AccountTx, act: Awaitable[object]) -> asyncio.Task[object]:
    task = asyncio.ensure_future(act)
    await blocked_on_a_lock(story.services)
    return task


@pytest.mark.req("B-28", "D-43")
async def test_who_leaves_while_they_are_merged_leaves(story: Story) -> None:
    async with story.tx() as tx:
        other = await add_active(story, tx, GONE)
        who = await story.who(tx, "A", email=GONE)

    async def leave() -> None:
        async with story.tx() as tx:
            await subscriptions.unsubscribe(tx, who, method=Method.ONE_CLICK)

    async with story.tx() as tx:
        await contact_merges.merge(tx, await story.contact_id(tx), Merge(other_id=other))
        task = await _behind(story, tx, leave())
    await task
    assert await story.mailable() == {"B"}


@pytest.mark.req("B-26", "C-12")
@pytest.mark.parametrize("act", ["erased", "another address"])
async def test_a_confirmation_behind_an_erasure_or_another_address_is_of_nobody(
    story: Story, act: str
) -> None:
    await story.stop()
    async with story.tx() as tx:
        who = await story.who(tx, "A")
        await confirmations.ask(tx, who, Links(story.services.tokens, "http://t.test"))

    async def confirm() -> None:
        async with story.tx() as tx:
            await confirmations.confirm(tx, who)

    async with story.tx() as tx:
        contact = await story.contact_id(tx)
        if act == "erased":
            await erasures.erase(tx, contact, Erasure(asked_by=By.PERSON))
        else:
            await contacts.change(tx, story.services.sealer, contact, ContactChange(email=GONE))
        task = await _behind(story, tx, confirm())
    with pytest.raises(NotFound):
        await task
    assert await story.active() == set()
    assert await story.refused() == {"A", "B"}
