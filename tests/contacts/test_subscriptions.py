"""A no stays a no: leaving, adding again, coming back; by address hash, after everything else is gone."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from lists import confirmations, consents, subscriptions, suppressions
from lists.confirmations import Asked
from lists.consents import Answer, Evidence, Method
from mailer.core import addresses, keys
from mailer.core.db import AccountTx
from mailer.core.errors import Gone, NotFound
from mailer.core.links import Links
from mailer.core.services import Services
from mailer.core.tokens import RecipientToken
from tests.make import Make

BY_TEAM = Evidence(method=Method.PAGE, legal_basis="consent", source="Salon 2026")


async def token(
    tx: AccountTx, services: Services, email: str, *, list_id: int, contact_id: int
) -> RecipientToken:
    key = await keys.hash_key(tx, services.sealer)
    return RecipientToken(
        tx.account_id, list_id, contact_id, keys.address_hash(key, addresses.parse(email).key), 7
    )


async def status(tx: AccountTx, list_id: int, contact_id: int) -> str | None:
    return await tx.value(
        "SELECT status FROM subscriptions WHERE account_id = $1 AND list_id = $2 AND contact_id = $3",
        list_id,
        contact_id,
    )


async def ledger(tx: AccountTx, who: RecipientToken) -> list[tuple[str, str, str]]:
    return await tx.rows(
        "SELECT purpose, act, method FROM consents WHERE account_id = $1 AND address_hash = $2 ORDER BY id",
        who.address_hash,
    )


def links(services: Services) -> Links:
    return Links(services.tokens, "http://t.test")


@pytest.mark.req("D-43", "B-28", "C-01")
async def test_leaving_writes_suppression_subscription_and_one_ledger_line(
    services: Services, make: Make
) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx)
        contact = await make.contact(tx, "ana@example.test", list_id=listed)
        who = await token(tx, services, "ana@example.test", list_id=listed, contact_id=contact)
        first = await subscriptions.unsubscribe(tx, who, method=Method.ONE_CLICK)
        again = await subscriptions.unsubscribe(tx, who, method=Method.LINK)
        assert not first.already
        assert again.already
        assert again.since == first.since
        assert await status(tx, listed, contact) == "unsubscribed"
        assert await suppressions.check(tx, who.address_hash, list_id=listed) == "unsubscribed"
        assert await suppressions.check(tx, who.address_hash, list_id=listed + 1) is None
        assert await ledger(tx, who) == [("mail", "withdrawn", "one_click")]
        campaign = await tx.value(
            "SELECT campaign_id FROM suppressions WHERE account_id = $1 AND address_hash = $2",
            who.address_hash,
        )
        assert campaign == 7


@pytest.mark.req("B-28", "S9")
async def test_link_works_after_contact_and_list_are_gone_and_survives_adding_again(
    services: Services, make: Make
) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx)
        contact = await make.contact(tx, "ana@example.test", list_id=listed)
        who = await token(tx, services, "ana@example.test", list_id=listed, contact_id=contact)
        await tx.run("DELETE FROM contacts WHERE account_id = $1 AND id = $2", contact)
        await tx.run("UPDATE mailing_lists SET deleted_at = now() WHERE account_id = $1 AND id = $2", listed)
        assert not (await subscriptions.unsubscribe(tx, who, method=Method.LINK)).already
        assert await ledger(tx, who) == [("mail", "withdrawn", "link")]
        await tx.run("UPDATE mailing_lists SET deleted_at = NULL WHERE account_id = $1 AND id = $2", listed)
        back = await make.contact(tx, "Ana@Example.test")
        result = await subscriptions.add(tx, [back], listed, evidence=BY_TEAM)
        assert (result.added, result.refused, result.already) == (0, 1, 0)
        assert await status(tx, listed, back) == "unsubscribed"
        # no consent is claimed for somebody who refused
        assert [act for _, act, _ in await ledger(tx, who)] == ["withdrawn"]


@pytest.mark.req("C-16", "S5")
async def test_stop_everything_reaches_each_list_and_those_made_later(services: Services, make: Make) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        one, two = await make.mailing_list(tx), await make.mailing_list(tx)
        contact = await make.contact(tx, "ana@example.test", list_id=one)
        await subscriptions.add(tx, [contact], two, evidence=BY_TEAM)
        who = await token(tx, services, "ana@example.test", list_id=one, contact_id=contact)
        await subscriptions.stop_everything(tx, who, method=Method.PREFERENCES)
        assert await status(tx, one, contact) == await status(tx, two, contact) == "unsubscribed"
        later = await make.mailing_list(tx)
        assert (await subscriptions.add(tx, [contact], later, evidence=BY_TEAM)).refused == 1
        assert await suppressions.check(tx, who.address_hash) == "unsubscribed"


@pytest.mark.req("B-28")
async def test_changed_address_carries_the_refusal_of_an_old_link(services: Services, make: Make) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx)
        contact = await make.contact(tx, "new@example.test", list_id=listed)
        old = await token(tx, services, "old@example.test", list_id=listed, contact_id=contact)
        new = await token(tx, services, "new@example.test", list_id=listed, contact_id=contact)
        await subscriptions.unsubscribe(tx, old, method=Method.LINK)
        assert await status(tx, listed, contact) == "unsubscribed"
        for who in (old, new):
            assert await suppressions.check(tx, who.address_hash, list_id=listed) == "unsubscribed"


@pytest.mark.req("C-01", "B-25")
async def test_adding_by_the_team_records_basis_and_source_and_adds_up(
    services: Services, make: Make
) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx)
        already = await make.contact(tx, list_id=listed)
        gone = await make.contact(tx, list_id=listed)
        await subscriptions.unsubscribe_contacts(tx, [gone], listed)
        new = await make.contact(tx, "ana@example.test")
        result = await subscriptions.add(tx, [already, gone, new, 2**40], listed, evidence=BY_TEAM)
        assert (result.added, result.already, result.refused) == (1, 1, 1)
        entry = (await consents.of_contact(tx, new))[0]
        assert (entry.act, entry.method, entry.legal_basis, entry.source) == (
            "granted",
            "page",
            "consent",
            "Salon 2026",
        )


@pytest.mark.req("B-28", "C-01")
async def test_only_the_persons_confirmation_brings_them_back(services: Services, make: Make) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx)
        contact = await make.contact(tx, "ana@example.test", list_id=listed, tracked=False)
        who = await token(tx, services, "ana@example.test", list_id=listed, contact_id=contact)
        await subscriptions.unsubscribe(tx, who, method=Method.LINK)
        with pytest.raises(Gone):
            await confirmations.confirm(tx, who)
        assert await confirmations.ask(tx, who, links(services)) is Asked.SENT
        assert await confirmations.ask(tx, who, links(services)) is Asked.RECENT
        assert await status(tx, listed, contact) == "unsubscribed"
        mails = await tx.shared().rows(
            "SELECT recipient, details->>'link' FROM outbox WHERE account_id = $1 AND kind = 'confirm_subscription'",
            acc.id,
        )
        assert [recipient for recipient, _ in mails] == ["ana@example.test"]
        assert mails[0][1].startswith("http://t.test/t/confirm/")
        await confirmations.confirm(tx, who, wording="Confirmer mon abonnement")
        await confirmations.confirm(tx, who)
        assert await status(tx, listed, contact) == "active"
        assert await suppressions.check(tx, who.address_hash, list_id=listed) is None
        assert [act for _, act, _ in await ledger(tx, who)] == ["withdrawn", "asked", "confirmed"]
        assert (await consents.choices(tx, who)).opens == "unknown"
        # leaving again works, and the used link does not bring anybody back
        assert not (await subscriptions.unsubscribe(tx, who, method=Method.LINK)).already
        with pytest.raises(Gone):
            await confirmations.confirm(tx, who)


@pytest.mark.req("B-28", "S5")
async def test_coming_back_to_one_list_leaves_the_others_stopped(services: Services, make: Make) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        one, two = await make.mailing_list(tx), await make.mailing_list(tx)
        contact = await make.contact(tx, "ana@example.test", list_id=one)
        who = await token(tx, services, "ana@example.test", list_id=one, contact_id=contact)
        await subscriptions.stop_everything(tx, who, method=Method.LINK)
        await confirmations.ask(tx, who, links(services))
        await confirmations.confirm(tx, who)
        assert await suppressions.check(tx, who.address_hash, list_id=one) is None
        assert await suppressions.check(tx, who.address_hash, list_id=two) == "unsubscribed"


@pytest.mark.req("B-28")
async def test_what_the_team_stopped_is_not_lifted_by_a_link(services: Services, make: Make) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx)
        contact = await make.contact(tx, "ana@example.test", list_id=listed)
        who = await token(tx, services, "ana@example.test", list_id=listed, contact_id=contact)
        assert await suppressions.add_by_team(tx, services.sealer, "ANA@example.test")
        assert not await suppressions.add_by_team(tx, services.sealer, "ana@example.test")
        assert await status(tx, listed, contact) == "unsubscribed"
        assert await confirmations.ask(tx, who, links(services)) is Asked.BLOCKED
        # the person's own refusal outranks it, and is then the person's to lift
        await subscriptions.stop_everything(tx, who, method=Method.LINK)
        assert await suppressions.check(tx, who.address_hash) == "unsubscribed"


@pytest.mark.req("B-26")
async def test_a_wish_older_than_thirty_days_is_not_confirmed(services: Services, make: Make) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx)
        contact = await make.contact(tx, "ana@example.test")
        who = await token(tx, services, "ana@example.test", list_id=listed, contact_id=contact)
        await tx.run(
            """
            INSERT INTO consents (account_id, contact_id, address_hash, purpose, list_id, act, method, at)
            VALUES ($1, $2, $3, 'mail', $4, 'asked', 'link', now() - $5::interval)
            """,
            contact,
            who.address_hash,
            listed,
            timedelta(days=31),
        )
        with pytest.raises(Gone):
            await confirmations.confirm(tx, who)
        assert await status(tx, listed, contact) is None


@pytest.mark.req("B-28")
async def test_coming_back_needs_a_contact_and_a_list(services: Services, make: Make) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx)
        contact = await make.contact(tx, "ana@example.test", list_id=listed)
        who = await token(tx, services, "ana@example.test", list_id=listed, contact_id=contact)
        assert await confirmations.ask(tx, who, links(services)) is Asked.ACTIVE
        await tx.run("DELETE FROM contacts WHERE account_id = $1 AND id = $2", contact)
        assert await confirmations.ask(tx, who, links(services)) is Asked.GONE
        with pytest.raises(NotFound):
            await confirmations.confirm(tx, who)


@pytest.mark.req("B-26", "B-28")
async def test_two_presses_at_once_send_one_mail(services: Services, make: Make) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx)
        contact = await make.contact(tx, "ana@example.test", list_id=listed)
        who = await token(tx, services, "ana@example.test", list_id=listed, contact_id=contact)
        await subscriptions.unsubscribe(tx, who, method=Method.LINK)

    async def press() -> Asked:
        async with services.db.account(acc.id) as tx:
            return await confirmations.ask(tx, who, links(services))

    answers = await asyncio.gather(*(press() for _ in range(5)))
    assert sorted(answers) == [Asked.RECENT] * 4 + [Asked.SENT]


@pytest.mark.req("B-36", "B-38", "C-01")
async def test_measurement_is_unknown_until_chosen_and_each_change_is_a_line(
    services: Services, make: Make
) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx)
        contact = await make.contact(tx, "ana@example.test", list_id=listed)
        who = await token(tx, services, "ana@example.test", list_id=listed, contact_id=contact)
        assert await consents.choices(tx, who) == consents.Choices(opens="unknown", clicks="unknown")
        by_person = Evidence(method=Method.PREFERENCES, wording="Ouvertures : Oui")
        await consents.choose(tx, who, Answer(opens=True), evidence=by_person)
        await consents.choose(tx, who, Answer(opens=True), evidence=by_person)
        now = await consents.choose(tx, who, Answer(opens=False, clicks=False), evidence=by_person)
        assert now == consents.Choices(opens="denied", clicks="denied")
        assert [line[:2] for line in await ledger(tx, who)] == [
            ("opens", "granted"),
            ("opens", "denied"),
            ("clicks", "denied"),
        ]


@pytest.mark.req("B-36")
async def test_a_yes_from_an_old_address_does_not_speak_for_the_new_one(
    services: Services, make: Make
) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        contact = await make.contact(tx, "bob@example.test")
        old = await token(tx, services, "ana@example.test", list_id=1, contact_id=contact)
        own = await token(tx, services, "bob@example.test", list_id=1, contact_id=contact)
        evidence = Evidence(method=Method.LINK)
        await consents.choose(tx, old, Answer(opens=True, clicks=False), evidence=evidence)
        assert await consents.choices(tx, own) == consents.Choices(opens="unknown", clicks="denied")


@pytest.mark.req("C-01", "S11")
@pytest.mark.parametrize("statement", ["UPDATE consents SET act = 'granted'", "DELETE FROM consents"])
async def test_the_ledger_cannot_be_changed(services: Services, make: Make, statement: str) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        contact = await make.contact(tx, "ana@example.test")
        who = await token(tx, services, "ana@example.test", list_id=0, contact_id=contact)
        await subscriptions.stop_everything(tx, who, method=Method.LINK)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with tx.savepoint():
                await tx.run(f"{statement} WHERE account_id = $1")
        assert [act for _, act, _ in await ledger(tx, who)] == ["withdrawn"]
