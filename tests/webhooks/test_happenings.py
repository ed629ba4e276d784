"""What happens is told: each kind of event, from the transaction that causes it to the receiver's ears."""

import asyncio
from dataclasses import replace
from datetime import datetime

import pytest

from lists import consents, contact_timeline, contacts, erasures, rights_records, subscriptions, suppressions
from lists.consents import Answer, Evidence, Method
from lists.erasures import Erasure
from lists.rights_records import RecordedRequest
from lists.rights_words import Right
from mailer.core import clock
from mailer.core.services import Services
from mailer.core.tokens import RecipientToken
from mailer.core.work import Task
from mailer.webhooks import collect
from sending import feedback_effects
from sending.feedback import Finding, Kind, Reason
from sending.feedback_effects import Located, Result
from tests.campaigns.conftest import confirmed_sender
from tests.make import Make
from tests.webhooks.conftest import Place


@pytest.mark.req("E-63", "C-14")
async def test_a_contact_is_told_of_from_beginning_to_erasure(place: Place) -> None:
    await place.listen("contact.created", "contact.updated", "contact.erased")
    contact = await place.contact()
    await place.tell()
    async with place.tx() as tx:
        await tx.run("UPDATE contacts SET first_name = 'Zoé' WHERE account_id = $1 AND id = $2", contact)
    await place.tell()
    async with place.tx() as tx:
        await erasures.erase(tx, contact, Erasure())
    await place.tell()
    assert [(one.json["type"], one.json["data"]) for one in place.receiver.heard] == [
        ("contact.created", {"contact_ids": [contact]}),
        ("contact.updated", {"contact_ids": [contact]}),
        ("contact.erased", {"contact_ids": [contact]}),
    ]


async def test_an_import_of_thousands_is_few_requests_with_every_id(place: Place) -> None:
    await place.listen("contact.created")
    async with place.tx() as tx:
        await tx.run(
            """
            INSERT INTO contacts (account_id, email, address_key, address_hash)
            SELECT $1, n || '@many.test', n || '@many.test', decode(lpad(to_hex(n), 32, '0'), 'hex')
            FROM generate_series(1, 2500) AS g (n)
            """
        )
        ids = [row[0] for row in await tx.rows("SELECT id FROM contacts WHERE account_id = $1 ORDER BY id")]
    await place.tell()
    told = [one.json["data"]["contact_ids"] for one in place.receiver.heard]
    assert [len(some) for some in sorted(told)] == [400] * 6 + [100]
    assert sorted(one for some in told for one in some) == ids
    assert max(len(one.body) for one in place.receiver.heard) < 20_000


async def test_subscriptions_say_their_list_and_consents_their_purpose(place: Place) -> None:
    await place.listen(
        "subscription.active", "subscription.unsubscribed", "consent.granted", "consent.withdrawn"
    )
    async with place.tx() as tx:
        listed = await place.make.mailing_list(tx)
        contact = await place.make.contact(tx, list_id=listed)
    async with place.tx() as tx:
        await subscriptions.unsubscribe_contacts(tx, [contact], listed)
    await place.tell()
    assert [(one.json["type"], one.json["data"]) for one in place.receiver.heard] == [
        ("subscription.active", {"contact_ids": [contact], "list_id": listed}),
        ("subscription.unsubscribed", {"contact_ids": [contact], "list_id": listed}),
    ]


async def test_a_refusal_joins_the_suppression_list_with_its_reason(place: Place) -> None:
    await place.listen("suppression.added")
    contact = await place.contact("ana@refused.test")
    async with place.tx() as tx:
        for email in ("ana@refused.test", "stranger@refused.test"):
            await suppressions.add_by_team(tx, place.services.sealer, email)
    await place.tell()
    told = [one.json["data"] for one in place.receiver.heard]
    assert [one["contact_ids"] for one in told] == [[contact], []]
    assert {(one["reason"], one["list_id"]) for one in told} == {("added", None)}


async def campaign(place: Place, *emails: str) -> tuple[int, list[int]]:
    """With a queued delivery for each."""
    async with place.tx() as tx:
        listed = await place.make.mailing_list(tx)
        people = [await place.make.contact(tx, email, list_id=listed) for email in emails]
        made: int = await tx.value(
            "INSERT INTO campaigns (account_id, name, month) VALUES ($1, 'Rentrée', '2026-11-01') RETURNING id"
        )
        await tx.run(
            """
            INSERT INTO deliveries (account_id, campaign_id, contact_id, month, list_id)
            SELECT $1, $2, contact_id, '2026-11-01', $4 FROM unnest($3::bigint[]) AS p (contact_id)
            """,
            made,
            people,
            listed,
        )
    return made, people


@pytest.mark.req("E-63")
async def test_a_campaign_tells_its_states_and_each_bounce_alone(place: Place) -> None:
    await place.listen("campaign.sending", "campaign.paused", "delivery.bounced", "delivery.failed")
    made, people = await campaign(place, "a@camp.test", "b@camp.test", "c@camp.test", "d@camp.test")
    ended = [("bounced", "hard"), ("bounced", "soft"), ("failed", "expired"), ("delivered", "")]
    async with place.tx() as tx:
        for status, reason in (
            ("scheduled", ""),
            ("preparing", ""),
            ("sending", ""),
            ("paused", "complaints"),
        ):
            await tx.run(
                "UPDATE campaigns SET status = $3, pause_reason = $4 WHERE account_id = $1 AND id = $2",
                made,
                status,
                reason,
            )
        for contact, (status, reason) in zip(people, ended, strict=True):
            await place.make.moved(tx, contact, "claimed", "handing")
            await tx.run(
                """
                UPDATE deliveries SET status = $3, reason = $4, final_at = now(), lane = NULL, turn = NULL
                WHERE account_id = $1 AND contact_id = $2
                """,
                contact,
                status,
                reason,
            )
    await place.tell()
    heard = sorted((one.json["type"], one.json["data"]["reason"]) for one in place.receiver.heard)
    assert heard == [
        ("campaign.paused", "complaints"),
        ("campaign.sending", ""),
        ("delivery.bounced", "hard"),
        ("delivery.bounced", "soft"),
        ("delivery.failed", "expired"),
    ]
    bounced = next(one.json["data"] for one in place.receiver.heard if one.json["data"]["reason"] == "hard")
    assert (bounced["campaign_id"], bounced["contact_id"]) == (made, people[0])


async def complain(place: Place, *, campaign_id: int = 0, contact_id: int = 0, message_id: int = 0) -> None:
    """As a report says it, twice."""
    finding = Finding(kind=Kind.COMPLAINT, reason=Reason.COMPLAINT, rule="abuse")
    told = Located(
        account_id=place.account.id,
        campaign_id=campaign_id,
        contact_id=contact_id,
        list_id=0,
        finding=finding,
        message_id=message_id,
    )
    assert await feedback_effects.apply(place.services, [told, told]) == [Result.DONE, Result.DONE]


async def message(place: Place, contact: int | None, *, status: str = "delivered") -> int:
    """A transactional message that has left."""
    async with place.tx() as tx:
        sender = await tx.value("SELECT id FROM senders WHERE account_id = $1") or await confirmed_sender(tx)
        made: int = await tx.value(
            """
            INSERT INTO messages (account_id, status, sender_id, contact_id, address_hash, expires_at, first_at, final_at)
            SELECT $1, $4, $2, $3, coalesce((SELECT address_hash FROM contacts WHERE account_id = $1 AND id = $3),
                                            decode(md5('nobody'), 'hex')),
                   now(), now(), now()
            RETURNING id
            """,
            sender,
            contact,
            status,
        )
    return made


@pytest.mark.req("D-34", "E-63")
async def test_a_complaint_is_told_with_the_refusal_that_it_is(place: Place) -> None:
    await place.listen("complaint.received", "suppression.added")
    made, [ana] = await campaign(place, "ana@camp.test")
    await complain(place, campaign_id=made, contact_id=ana)
    await place.tell()
    heard = {one.json["type"]: one.json["data"] for one in place.receiver.heard}
    assert len(place.receiver.heard) == 2
    assert heard["complaint.received"] == {"campaign_id": made, "message_id": None, "contact_id": ana}
    assert heard["suppression.added"].pop("suppression_ids")
    assert heard["suppression.added"] == {"contact_ids": [ana], "reason": "complained", "list_id": None}


@pytest.mark.req("D-34", "E-63")
async def test_a_complaint_about_a_message_is_told_too_and_stands_with_the_contact(place: Place) -> None:
    await place.listen("complaint.received", "suppression.added")
    ana = await place.contact("ana@message.test")
    messages = [await message(place, ana), await message(place, ana), await message(place, None)]
    for one in messages:
        await complain(place, message_id=one)
    await place.tell()
    told = [one.json["data"] for one in place.receiver.heard if one.json["type"] == "complaint.received"]
    assert sorted(told, key=lambda one: one["message_id"]) == [
        {"campaign_id": None, "message_id": one, "contact_id": whose}
        for one, whose in zip(messages, (ana, ana, None), strict=True)
    ]
    added = [one.json["data"] for one in place.receiver.heard if one.json["type"] == "suppression.added"]
    assert [(one["contact_ids"], one["reason"]) for one in added] == [
        ([ana], "complained"),
        ([], "complained"),
    ]
    async with place.tx() as tx:
        found = await contact_timeline.many(tx, ana, kind="event")
    assert [(one.word, one.name) for one in found.items] == [("complaint", None), ("complaint", None)]


@pytest.mark.req("D-33", "E-63")
async def test_a_bounce_that_turns_hard_is_told_again_and_one_that_comes_twice_is_not(place: Place) -> None:
    await place.listen("delivery.bounced", "message.bounced")
    made, [ana] = await campaign(place, "ana@camp.test")
    async with place.tx() as tx:
        await place.make.moved(tx, ana, "claimed", "handing")
        await tx.run(
            """
            UPDATE deliveries SET status = 'delivered', first_at = now(), final_at = now(), lane = NULL, turn = NULL
            WHERE account_id = $1
            """
        )
    sent = await message(place, ana)
    for kind in (Kind.SOFT, Kind.SOFT, Kind.HARD, Kind.HARD, Kind.SOFT):
        finding = Finding(kind=kind, reason=Reason.MAILBOX_FULL, rule="test")
        told = Located(
            account_id=place.account.id, campaign_id=made, contact_id=ana, list_id=0, finding=finding
        )
        of_message = replace(told, campaign_id=0, contact_id=0, message_id=sent)
        await feedback_effects.apply(place.services, [told, of_message])
    await place.tell()
    heard = sorted((one.json["type"], one.json["data"]["reason"]) for one in place.receiver.heard)
    assert heard == [
        ("delivery.bounced", "hard"),
        ("delivery.bounced", "soft"),
        ("message.bounced", "hard"),
        ("message.bounced", "soft"),
    ]


async def test_the_end_of_an_import_and_of_an_export_is_told(place: Place) -> None:
    await place.listen("import.finished", "export.finished")
    async with place.tx() as tx:
        await tx.run("INSERT INTO imports (account_id, file_name, state) VALUES ($1, 'a.csv', 'running')")
        await tx.run("INSERT INTO exports (account_id, what, format) VALUES ($1, 'contacts', 'csv')")
        await tx.run("UPDATE imports SET state = 'done' WHERE account_id = $1")
        await tx.run("UPDATE exports SET state = 'done' WHERE account_id = $1")
    await place.tell()
    assert sorted(place.receiver.types) == ["export.finished", "import.finished"]


@pytest.mark.req("C-10", "A-023")
async def test_a_request_about_data_is_told_by_its_number_alone(place: Place) -> None:
    await place.listen("rights_request.created")
    contact = await place.contact("ana@rights.test")
    async with place.tx() as tx:
        known, stranger = [
            await rights_records.record(
                tx,
                place.services.sealer,
                RecordedRequest(kind=Right.ERASE, channel="post", email=email, details="Effacez tout"),
                now=clock.now(),
            )
            for email in ("ana@rights.test", "nobody@rights.test")
        ]
        # its reminders, its answer are no new request
        await tx.run("UPDATE rights_requests SET reminded = 'week' WHERE account_id = $1")
    await place.tell()
    assert [one.json["data"] for one in place.receiver.heard] == [
        {"request_id": known.id, "contact_id": contact, "what": "erase"},
        {"request_id": stranger.id, "contact_id": None, "what": "erase"},
    ]
    assert not any(b"@" in one.body or b"Effacez" in one.body for one in place.receiver.heard)


async def test_what_was_undone_is_not_told(place: Place) -> None:
    """The event stands in the same transaction as what happened, and falls with it."""
    await place.listen()

    async def fail() -> None:
        async with place.tx() as tx:
            await place.make.contact(tx)
            await suppressions.add_by_team(tx, place.services.sealer, "nobody@undone.test")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    await place.tell()
    assert place.receiver.heard == []


async def test_nothing_is_written_for_an_account_without_webhooks(place: Place) -> None:
    async with place.tx() as tx:
        contact = await place.make.contact(tx)
        await suppressions.add_by_team(tx, place.services.sealer, "nobody@none.test")
        await contacts.delete(tx, [contact])
        rung = await tx.shared().value(
            "SELECT count(*) FROM webhook_rings WHERE account_id = $1", place.account.id
        )
        assert (rung, await tx.value("SELECT count(*) FROM webhook_events WHERE account_id = $1")) == (0, 0)


async def test_what_happened_before_a_webhook_was_there_is_not_told(place: Place) -> None:
    await place.contact()
    await place.listen("contact.created")
    await place.tell()
    assert place.receiver.heard == []
    later = await place.contact()
    await place.tell()
    assert [one.json["data"] for one in place.receiver.heard] == [{"contact_ids": [later]}]


async def test_a_change_that_becomes_visible_late_is_told_all_the_same(place: Place) -> None:
    """Transactions end in another order than they began: no number is passed over."""
    await place.contact()  # the account has its keys by then: the two below wait for each other nowhere
    await place.listen("contact.created")
    begun, may_end = asyncio.Event(), asyncio.Event()
    slow: list[int] = []

    async def slowly() -> None:
        async with place.tx() as tx:
            slow.append(await place.make.contact(tx))
            begun.set()
            await may_end.wait()

    async with asyncio.TaskGroup() as group:
        group.create_task(slowly())
        await begun.wait()
        quick = await place.contact()
        task = Task(place.account.id, collect.COLLECT, 0, 0, 1)
        again = await collect.collect(place.services, task)
        assert isinstance(again, datetime)  # something is there that cannot be read yet
        may_end.set()
    await place.tell()
    told = [one.json["data"]["contact_ids"] for one in place.receiver.heard]
    assert sorted(told) == sorted([[slow[0]], [quick]])


async def test_each_account_hears_its_own(place: Place, services: Services, make: Make) -> None:
    await place.listen("contact.created")
    stranger = await make.account()
    async with services.db.account(stranger.id) as tx:
        await make.contact(tx)
    await place.tell()
    assert place.receiver.heard == []


async def test_consent_to_measuring_is_told_with_its_purpose(place: Place) -> None:
    await place.listen("consent.granted", "consent.withdrawn")
    contact = await place.contact()
    async with place.tx() as tx:
        hashed = await tx.value(
            "SELECT address_hash FROM contacts WHERE account_id = $1 AND id = $2", contact
        )
        who = RecipientToken(place.account.id, 0, contact, hashed)
        answer = Answer(opens=True, clicks=False)
        await consents.choose(tx, who, answer, evidence=Evidence(method=Method.PREFERENCES, source="page"))
    await place.tell()
    assert sorted((one.json["type"], one.json["data"]["purpose"]) for one in place.receiver.heard) == [
        ("consent.granted", "opens"),
        ("consent.withdrawn", "clicks"),
    ]


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_a_million_changes_are_some_thousands_of_events_a_bounded_turn_at_a_time(place: Place) -> None:
    """As an import writes them, a part of 10,000 in a transaction; no turn reads more than its bound."""
    await place.listen("contact.created")
    for part in range(100):
        async with place.tx() as tx:
            await tx.run(
                """
                INSERT INTO contact_changes (account_id, xid, contact_id, kind)
                SELECT $1, pg_current_xact_id()::text::bigint, $2::int * 10000 + n, 'created'
                FROM generate_series(1, 10000) AS g (n)
                """,
                part,
            )
    task = Task(place.account.id, collect.COLLECT, 0, 0, 1)
    turns = 1
    while await collect.collect(place.services, task) is not None:
        turns += 1
    assert turns >= 1_000_000 / collect.MOST_CHANGES
    events, contacts_told, largest = (
        await place.value("SELECT count(*) FROM webhook_events WHERE account_id = $1"),
        await place.value(
            """
            SELECT count(DISTINCT told.contact) FROM webhook_events
            CROSS JOIN jsonb_array_elements(data->'contact_ids') AS told (contact)
            WHERE account_id = $1
            """
        ),
        await place.value("SELECT max(octet_length(data::text)) FROM webhook_events WHERE account_id = $1"),
    )
    assert (events, contacts_told) == (2_500, 1_000_000)
    assert largest < 20_000
    assert await place.states() == ["waiting"] * 2_500
