"""Duplicates are found over a whole account, and merging two contacts lifts no refusal of either."""

import random
from datetime import datetime, timedelta
from typing import Any, Literal

import pytest

from lists import (
    consents,
    contact_history,
    contact_merges,
    contact_timeline,
    contacts,
    duplicates,
    fields,
    subscriptions,
    suppressions,
)
from lists.consents import Evidence, Method
from lists.contact_merges import Merge
from lists.contacts import NewContact
from lists.field_values import FieldType
from lists.suppressions import Reason
from mailer.core import clock
from mailer.core.db import AccountTx
from mailer.core.errors import Invalid
from mailer.core.services import Services
from mailer.core.tokens import RecipientToken
from tests.contacts.test_returns import Story
from tests.lists_pages.test_contact_pages import run_work
from tests.make import Account, Make

REASONS = ("unsubscribed", "bounced", "complained", "objected", "added")


async def add(services: Services, tx: AccountTx, email: str, **values: Any) -> int:
    return (await contacts.add(tx, services.sealer, NewContact(email=email, **values))).id


async def hash_of(tx: AccountTx, contact_id: int) -> bytes:
    found: bytes = await tx.value(
        "SELECT address_hash FROM contacts WHERE account_id = $1 AND id = $2", contact_id
    )
    return found


# ---------------------------------------------------------------- finding


async def found_by_search(services: Services, account: Account) -> set[tuple[str, str, str]]:
    async with services.db.account(account.id) as tx:
        await duplicates.search(tx)
    await run_work(services, account.id, duplicates.JOB)
    async with services.db.account(account.id) as tx:
        pairs = (await duplicates.many(tx, cursor=None, limit=100)).items
    return {(pair.email, pair.other_email, pair.reason) for pair in pairs}


async def test_duplicates_are_found_by_address_typo_and_field(services: Services, make: Make) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        await fields.create(tx, fields.NewField(label="Téléphone"))
        await fields.create(tx, fields.NewField(label="Ville"))
        await fields.create(tx, fields.NewField(label="Né le", type=FieldType.DATE))
        for email, values in {
            "ana.martin@gmail.com": {},
            "anamartin+promo@googlemail.com": {},
            "zoe@hotmail.fr": {"first_name": "Zoé"},
            "zoe@hotmial.fr": {"first_name": "Zoé"},
            "luc@hotmail.fr": {"first_name": "Luc"},
            "luc@hotmial.fr": {"first_name": "Lucie"},
            "jean.d@exemple.fr": {"first_name": "Jean", "last_name": "Dupont", "fields": {"telephone": "06 12 34 56 78"}},
            "jd@boulot.fr": {"first_name": "jean", "last_name": "DUPONT", "fields": {"telephone": "+33612345678"}},
            "autre@exemple.fr": {"first_name": "Marc", "last_name": "Dupont", "fields": {"telephone": "0612345678"}},
            "eva@exemple.fr": {"first_name": "Eva", "last_name": "Roux", "fields": {"ne_le": "1990-02-01"}},
            "eva@boulot.fr": {"first_name": "Eva", "last_name": "Roux", "fields": {"ne_le": "01/02/1990"}},
            "paul@exemple.fr": {"first_name": "Paul", "last_name": "Petit", "fields": {"ville": "Montpellier"}},
            "paul@boulot.fr": {"first_name": "Paul", "last_name": "Petit", "fields": {"ville": "Montpellier"}},
            # dots matter here, and a plus where nobody promised it
            "a.b@exemple.fr": {},
            "ab@exemple.fr": {},
            "ab+x@exemple.fr": {},
        }.items():  # fmt: skip
            await add(services, tx, email, **values)
    expected = {
        ("ana.martin@gmail.com", "anamartin+promo@googlemail.com", "address"),
        ("zoe@hotmail.fr", "zoe@hotmial.fr", "typo"),
        ("jean.d@exemple.fr", "jd@boulot.fr", "field"),
        ("eva@exemple.fr", "eva@boulot.fr", "field"),
    }
    assert await found_by_search(services, account) == expected
    async with services.db.account(account.id) as tx:
        pair = next(one for one in (await duplicates.many(tx, cursor=None)).items if one.reason == "field")
        await duplicates.keep_apart(tx, pair.other_id, pair.contact_id)
    # what a person decided outlives a search
    assert await found_by_search(services, account) == {one for one in expected if one[0] != pair.email}


async def test_pairs_are_paged_without_gaps(services: Services, make: Make) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        for n in range(6):
            await add(services, tx, f"p{n}@gmail.com")
            await add(services, tx, f"p.{n}@gmail.com")
    assert len(await found_by_search(services, account)) == 6
    async with services.db.account(account.id) as tx:
        first = await duplicates.many(tx, cursor=None, limit=4)
        rest = await duplicates.many(tx, cursor=first.next_cursor, limit=4)
    assert len({one.contact_id for one in (*first.items, *rest.items)}) == 6
    assert rest.next_cursor is None


# ---------------------------------------------------------------- merging


async def stops(
    tx: AccountTx, hashed: bytes, at: datetime, *, refusals_only: bool
) -> list[tuple[int | None, set[int]]]:
    """Scopes in force at a moment: the list, or None with the lists the person came back to."""
    rows = await tx.rows(
        """
        SELECT list_id, returned_to FROM suppressions
        WHERE account_id = $1 AND address_hash = $2 AND (expires_at IS NULL OR expires_at > $3)
          AND NOT ($4 AND reason = 'bounced')
        """,
        hashed,
        at,
        refusals_only,
    )
    return [(list_id, set(returned)) for list_id, returned in rows]


def is_stopped(scopes: list[tuple[int | None, set[int]]], list_id: int) -> bool:
    return any(scope == list_id or (scope is None and list_id not in back) for scope, back in scopes)


async def scene(
    services: Services, make: Make, tx: AccountTx, chance: random.Random
) -> tuple[int, int, list[int]]:
    """Two contacts with random subscriptions, refusals and answers, and their lists."""
    lists = [await make.mailing_list(tx) for _ in range(4)]
    pair = [await add(services, tx, f"{side}{chance.random()}@pair.test") for side in ("a", "b")]
    for contact_id in pair:
        hashed = await hash_of(tx, contact_id)
        for list_id in lists[:3]:
            status = chance.choice(("", "pending", "active", "active", "unsubscribed"))
            if status:
                await tx.run(
                    """
                    INSERT INTO subscriptions (account_id, list_id, contact_id, status, legal_basis)
                    VALUES ($1, $2, $3, $4, $5)
                    """,
                    list_id,
                    contact_id,
                    status,
                    chance.choice(("consent", "service")) if status == "active" else "",
                )
        for list_id in (*lists, None):
            if chance.random() < 0.25:
                back = [one for one in lists if chance.random() < 0.4] if list_id is None else []
                await tx.run(
                    """
                    INSERT INTO suppressions (account_id, address_hash, list_id, reason, expires_at, returned_to)
                    VALUES ($1, $2, $3, $4, $5, $6)
                    """,
                    hashed,
                    list_id,
                    chance.choice(REASONS),
                    chance.choice((None, None, clock.now() + timedelta(days=chance.choice((-1, 1, 30))))),
                    back,
                )
        await tx.run(
            "UPDATE contacts SET opens = $3, clicks = $4 WHERE account_id = $1 AND id = $2",
            contact_id,
            chance.choice(("unknown", "granted", "denied")),
            chance.choice(("unknown", "granted", "denied")),
        )
    return pair[0], pair[1], lists


async def status_of(tx: AccountTx, contact_id: int) -> dict[int, str]:
    return dict(
        await tx.rows(
            "SELECT list_id, status FROM subscriptions WHERE account_id = $1 AND contact_id = $2", contact_id
        )
    )


@pytest.mark.req("B-28", "C-16")
@pytest.mark.parametrize("seed", range(40))
async def test_no_merge_lifts_a_refusal(services: Services, make: Make, seed: int) -> None:
    chance = random.Random(seed)
    account = await make.account()
    async with services.db.account(account.id) as tx:
        kept, other, lists = await scene(services, make, tx, chance)
        hashes = [await hash_of(tx, one) for one in (kept, other)]
        moments = [clock.now(), clock.now() + timedelta(days=10), clock.now() + timedelta(days=400)]
        before = {
            (hashed, at, refusals): await stops(tx, hashed, at, refusals_only=refusals)
            for hashed in hashes
            for at in moments
            for refusals in (False, True)
        }
        were = [await status_of(tx, one) for one in (kept, other)]
        told = [await contacts.show(tx, one) for one in (kept, other)]
        ledger = await tx.rows(
            "SELECT id, to_jsonb(c)::text FROM consents c WHERE account_id = $1 ORDER BY id"
        )

        side = chance.choice(("kept", "other"))
        merged = await contact_merges.merge(tx, kept, Merge(other_id=other, email=side))  # type: ignore[arg-type]

        assert merged.email == (told[1] if side == "other" else told[0]).email
        after = await status_of(tx, kept)
        for at in moments:
            now_stopped = {h: await stops(tx, h, at, refusals_only=False) for h in hashes}
            for list_id in (*lists, 10**12):  # the last is one that will be made later
                for hashed in hashes:
                    if is_stopped(before[hashed, at, False], list_id):
                        assert is_stopped(now_stopped[hashed], list_id)
                refused = any(is_stopped(before[h, at, True], list_id) for h in hashes)
                if refused or any(one.get(list_id) == "unsubscribed" for one in were):
                    # neither address gets it, whichever is written to or added again
                    assert all(is_stopped(now_stopped[h], list_id) for h in hashes)
                    if at == moments[0]:
                        assert after.get(list_id, "unsubscribed") == "unsubscribed"
        for list_id, status in after.items():
            if status == "active":
                assert {one.get(list_id, "active") for one in were} == {"active"}
        for name in ("opens", "clicks"):
            both = {getattr(one, name) for one in told}
            worst = "denied" if "denied" in both else "unknown" if "unknown" in both else "granted"
            assert getattr(merged, name) == worst
        assert (
            await tx.rows("SELECT id, to_jsonb(c)::text FROM consents c WHERE account_id = $1 ORDER BY id")
        )[: len(ledger)] == ledger

        # the address that went comes back as a new contact: added to every list, it gets no refused one
        gone = told[0] if side == "other" else told[1]
        again = await add(services, tx, gone.email)
        evidence = Evidence(method=Method.PAGE, legal_basis="consent", source="again")
        for list_id in lists:
            await subscriptions.add(tx, [again], list_id, evidence=evidence)
        for list_id, status in (await status_of(tx, again)).items():
            if any(one.get(list_id) == "unsubscribed" for one in were):
                assert status == "unsubscribed"


@pytest.mark.req("B-28", "S5")
@pytest.mark.parametrize(("side", "mailable"), [("kept", {"A"}), ("other", set[str]())])
async def test_a_bounce_of_a_duplicate_closes_no_way_back_of_the_other_address(
    services: Services, make: Make, side: Literal["kept", "other"], mailable: set[str]
) -> None:
    """Who stopped everything and came back to A is written to at the address that takes mail, and only there."""
    story = Story(services, make, await make.account())
    for name in "AB":
        await story.make_list(name)
        await story.by_page(name)
    await story.stop()
    await story.come_back("A")
    double = "ana.double@return.test"
    async with story.tx() as tx:
        other = (await contacts.add(tx, services.sealer, NewContact(email=double))).id
        await suppressions.add(tx, (await story.who(tx, email=double)).address_hash, reason=Reason.BOUNCED)
        kept = await story.contact_id(tx)
        merged = await contact_merges.merge(tx, kept, Merge(other_id=other, email=side))
    story.email = merged.email
    assert await story.mailable() == mailable
    assert await story.refused() == {"A", "B"} - mailable


@pytest.mark.req("B-28", "D-43")
async def test_a_link_in_an_old_mail_reaches_the_contact_that_stayed(services: Services, make: Make) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        list_id = await make.mailing_list(tx)
        evidence = {"lists": [list_id], "legal_basis": "consent", "source": "form"}
        first = await add(services, tx, "first@merge.test", **evidence)
        second = await add(services, tx, "second@merge.test", **evidence)
        third = await add(services, tx, "third@merge.test", **evidence)
        link = RecipientToken(account.id, list_id, first, await hash_of(tx, first))
        await contact_merges.merge(tx, second, Merge(other_id=first))
        await contact_merges.merge(tx, third, Merge(other_id=second))
        assert (await status_of(tx, third))[list_id] == "active"
        await subscriptions.unsubscribe(tx, link, method=Method.LINK)
        assert (await status_of(tx, third))[list_id] == "unsubscribed"
        await consents.choose(
            tx, link, consents.Answer(opens=False, clicks=True), evidence=Evidence(method=Method.LINK)
        )
        shown = await contacts.show(tx, third)
        # a no reaches it, a yes speaks for its own address only
        assert (shown.opens, shown.clicks) == ("denied", "unknown")


async def test_history_follows_and_values_are_as_chosen(services: Services, make: Make) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        list_id = await make.mailing_list(tx)
        for label in ("Ville", "Note", "Reste"):
            await fields.create(tx, fields.NewField(label=label))
        kept = await add(
            services, tx, "kept@merge.test", first_name="Ana", fields={"ville": "Lyon", "note": "x"}
        )
        other = await add(
            services,
            tx,
            "other@merge.test",
            first_name="Anna",
            last_name="Roy",
            language="fr",
            fields={"ville": "Paris", "reste": "y"},
            lists=[list_id],
            legal_basis="consent",
            source="Salon 2026",
        )
        await tx.run("UPDATE contacts SET clicks = 'denied' WHERE account_id = $1 AND id = $2", other)
        wanted = Merge(other_id=other, email="other", first_name="other", fields={"ville": "other"})
        merged = await contact_merges.merge(tx, kept, wanted)
        assert (merged.id, merged.email, merged.first_name, merged.last_name, merged.language) == (
            kept, "other@merge.test", "Anna", "Roy", "fr",
        )  # fmt: skip
        assert merged.fields == {"ville": "Paris", "note": "x", "reste": "y"}
        everything = await contact_history.everything(tx, kept)
        assert [(one.act, one.source) for one in everything.ledger] == [
            ("denied", f"contact {other}"),
            ("granted", "Salon 2026"),
        ]
        assert (await status_of(tx, kept)) == {list_id: "active"}
        words = {moment.word for moment in (await contact_timeline.many(tx, kept)).items}
        assert {"granted", "denied", "merged", "created", "subscribed"} <= words
        archive = await contact_history.archive(tx, kept)
        assert "Salon 2026" in str(archive["history"])
        acts = await tx.rows(
            "SELECT action, object_id FROM audit WHERE account_id = $1 AND action = 'merged'"
        )
        assert acts == [("merged", kept)]
        await contacts.delete(tx, [kept])
        assert await tx.value("SELECT count(*) FROM contact_merges WHERE account_id = $1") == 0


async def test_a_personal_mailbox_does_not_take_business_interest_over(
    services: Services, make: Make
) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        list_id = await make.mailing_list(tx)
        evidence = {
            "lists": [list_id],
            "legal_basis": "b2b_interest",
            "source": "salon",
            "informed_on": "2026-01-05",
        }
        business = await add(services, tx, "ana@societe.test", **evidence)
        personal = await add(services, tx, "ana@gmail.com")
        with pytest.raises(Invalid) as caught:
            await contact_merges.merge(tx, personal, Merge(other_id=business))
        assert caught.value.faults[0].field == "email"
        await contact_merges.merge(tx, personal, Merge(other_id=business, email="other"))
