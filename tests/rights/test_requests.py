"""The register: last days, reminders, more time, answers; and what a confirmed request brings about."""

from datetime import UTC, date, datetime, timedelta

import pytest

from lists import (
    contact_merges,
    erasures,
    restrictions,
    rights_acts,
    rights_answers,
    rights_records,
    rights_reminders,
    rights_requests,
    rights_settings,
    rights_words,
    suppressions,
)
from lists.contact_merges import Merge
from lists.erasures import By, Erasure
from lists.restrictions import NewRestriction
from lists.rights_answers import Answering, Extension
from lists.rights_records import RecordedRequest
from lists.rights_words import Right
from mailer.core import clock
from mailer.core.errors import Conflict, Invalid
from retention_jobs import rights_rows
from tests.rights.desk import Desk

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def desk_of(desk: Desk) -> rights_acts.Desk:
    return rights_acts.Desk(desk.services.sealer, desk.links, "https://mailer.test")


async def recorded(desk: Desk, kind: Right = Right.ACCESS, *, now: datetime = NOW, **more: object) -> int:
    wanted = RecordedRequest.model_validate(
        {"kind": kind.value, "channel": "post", "email": desk.email} | more
    )
    async with desk.tx() as tx:
        return (await rights_records.record(tx, desk.services.sealer, wanted, now=now)).id


async def shown(desk: Desk, request_id: int) -> rights_requests.Request:
    async with desk.tx() as tx:
        return await rights_requests.show(tx, desk.services.sealer, request_id)


@pytest.mark.req("A-023", "C-05", "G-5")
@pytest.mark.parametrize(
    ("received", "due", "longer"),
    [
        (date(2027, 1, 30), date(2027, 2, 28), date(2027, 4, 30)),
        (date(2027, 1, 31), date(2027, 2, 28), date(2027, 4, 30)),
        (date(2028, 1, 30), date(2028, 2, 29), date(2028, 4, 30)),
        (date(2028, 1, 31), date(2028, 2, 29), date(2028, 4, 30)),
        (date(2026, 8, 31), date(2026, 9, 30), date(2026, 11, 30)),
        (date(2026, 7, 1), date(2026, 7, 31), date(2026, 10, 1)),
        (date(2026, 11, 2), date(2026, 12, 2), date(2027, 2, 2)),
    ],
)
def test_a_request_is_due_in_thirty_days_or_a_month(received: date, due: date, longer: date) -> None:
    assert rights_requests.due_on(received) == due
    assert rights_requests.extended_until(received) == longer


@pytest.mark.req("A-023")
async def test_the_day_of_receipt_is_the_accounts_own(desk: Desk) -> None:
    """Half past eleven in the evening in London's winter is the next day in Paris."""
    request_id = await recorded(desk, now=datetime(2026, 11, 2, 23, 30, tzinfo=UTC))
    assert (await shown(desk, request_id)).due_on == date(2026, 12, 3)
    late = await recorded(desk, received_on="2026-10-20", channel="phone")
    found = await shown(desk, late)
    assert (found.due_on, found.channel) == (date(2026, 11, 19), "phone")
    for day in ("2026-11-03", "2025-10-01"):
        with pytest.raises(Invalid):
            await recorded(desk, received_on=day)


@pytest.mark.req("A-023")
async def test_those_in_charge_are_reminded_three_times_and_never_twice(desk: Desk) -> None:
    request_id = await recorded(desk)
    told = []
    for days in range(40):
        async with desk.tx() as tx:
            now = NOW + timedelta(days=days)
            for _ in range(2):
                again = await rights_reminders.remind(tx, request_id, "https://mailer.test", now=now)
            assert (again is None) == (days >= 31)
        mails = await desk.mails("rights_due")
        told.append(len(mails))
    days_of = [day for day in range(1, 40) if told[day] > told[day - 1]]
    assert days_of == [23, 28, 31]
    assert [one.details["step"] for one in mails] == ["week", "days", "overdue"]
    assert {one.to for one in mails} == {desk.account.owner_email}
    assert all(desk.email not in str(one.details) for one in mails)


@pytest.mark.req("A-023")
async def test_a_reminder_wakes_up_on_its_day(desk: Desk) -> None:
    request_id = await recorded(desk)
    async with desk.tx() as tx:
        first = await rights_reminders.remind(tx, request_id, "", now=NOW)
        # seven in the morning in Paris
        assert first == datetime(2026, 11, 25, 6, 0, tzinfo=UTC)
        assert await rights_reminders.remind(tx, request_id, "", now=first) == datetime(
            2026, 11, 30, 6, 0, tzinfo=UTC
        )
        given = Answering(answer="C’est fait.", by="other")
        await rights_answers.answer(tx, desk.services.sealer, request_id, given, now=NOW)
        assert await rights_reminders.remind(tx, request_id, "", now=NOW) is None


@pytest.mark.req("A-023", "C-05")
async def test_two_months_more_need_a_reason_within_the_first_and_the_person_is_told(desk: Desk) -> None:
    request_id = await recorded(desk)
    sealer = desk.services.sealer

    async def extend(reason: str, days: int) -> rights_requests.Request:
        async with desk.tx() as tx:
            wanted, now = Extension(reason=reason), NOW + timedelta(days=days)
            return await rights_answers.extend(tx, sealer, request_id, wanted, now=now)

    with pytest.raises(Invalid) as missing:
        await extend("  ", 3)
    assert missing.value.faults[0].field == "reason"
    with pytest.raises(Conflict) as late:
        await extend("Beaucoup de demandes", 31)
    assert late.value.faults[0].code == "too_late"
    assert await desk.mails("rights_extended") == []
    found = await extend("Beaucoup de demandes", 30)
    assert found.due_on == date(2027, 2, 2)
    [mail] = await desk.mails("rights_extended")
    assert (mail.to, mail.details["reason"], mail.details["due_on"]) == (
        desk.email,
        "Beaucoup de demandes",
        "2027-02-02",
    )
    with pytest.raises(Conflict):
        await extend("Encore", 30)


@pytest.mark.req("C-05")
async def test_an_answer_is_sent_once_and_takes_the_address_with_it(desk: Desk) -> None:
    request_id = await recorded(desk, details="Ana demande une copie")
    sealer = desk.services.sealer
    gap = rights_words.refusal(Right.ACCESS, "fr")
    assert "[à compléter" in gap
    for given, code in (
        (Answering(answer=""), "missing"),
        (Answering(answer=gap, outcome="refused"), "gap"),
        (Answering(answer="We refuse: [to complete: why]", outcome="refused"), "gap"),
    ):
        async with desk.tx() as tx:
            with pytest.raises(Invalid) as raised:
                await rights_answers.answer(tx, sealer, request_id, given, now=NOW)
            assert raised.value.faults[0].code == code
    given = Answering(answer="Le fichier ne peut être donné : motif.", outcome="refused")
    async with desk.tx() as tx:
        await rights_answers.answer(tx, sealer, request_id, given, now=NOW)
    with pytest.raises(Conflict):
        async with desk.tx() as tx:
            await rights_answers.answer(tx, sealer, request_id, given, now=NOW)
    [mail] = await desk.mails("rights_answer")
    assert (mail.to, mail.details["refused"]) == (desk.email, True)
    found = await shown(desk, request_id)
    assert (found.state, found.details, found.finished_at) == ("refused", "", NOW)
    assert await desk.value("SELECT sealed_address FROM rights_requests WHERE account_id = $1") is None


@pytest.mark.req("C-16")
@pytest.mark.parametrize("kind", [Right.OBJECT, Right.TRACKING])
async def test_a_refusal_of_marketing_or_measurement_is_heard_at_once_and_never_refused(
    desk: Desk, kind: Right
) -> None:
    request_id = await recorded(desk, kind)
    async with desk.tx() as tx:
        opens = await tx.value("SELECT opens FROM contacts WHERE account_id = $1 AND id = $2", desk.ana)
        stopped = await suppressions.check(tx, desk.who.address_hash)
        assert (opens, stopped) == ("denied", "objected" if kind is Right.OBJECT else None)
        given = Answering(answer="Non.", outcome="refused")
        with pytest.raises(Invalid) as raised:
            await rights_answers.answer(tx, desk.services.sealer, request_id, given, now=NOW)
    assert raised.value.faults[0].code == "absolute"


# ---------------------------------------------------------------- what a confirmation brings about


@pytest.mark.req("A-022", "C-12", "B-28", "B-66")
async def test_an_erasure_is_carried_out_in_that_account_alone(desk: Desk) -> None:
    other = await desk.make.account()
    async with desk.services.db.account(other.id) as tx:
        await desk.make.contact(tx, desk.email)
    reference = await desk.confirmed("erase")
    assert await desk.value("SELECT count(*) FROM contacts WHERE account_id = $1") == 0
    async with desk.services.db.account(other.id) as tx:
        assert await tx.value("SELECT count(*) FROM contacts WHERE account_id = $1") == 1
    async with desk.tx() as tx:
        assert await suppressions.check(tx, desk.who.address_hash) == "objected"
    found = await shown(desk, reference)
    assert (found.state, found.by_instruction, found.contact_id, found.email) == ("done", True, None, None)
    [mail] = await desk.mails("rights_told")
    assert (mail.to, mail.details["done"]) == (desk.account.owner_email, True)
    assert desk.email not in str(mail.details)
    acts = await desk.value(
        "SELECT array_agg(action ORDER BY id) FROM audit WHERE account_id = $1 AND object = 'rights_request'"
    )
    assert acts == ["received", "answered"]


@pytest.mark.req("C-12", "B-28")
async def test_nothing_readable_of_an_erased_person_is_left_in_the_desk(desk: Desk) -> None:
    await recorded(desk, Right.ACCESS, details=f"Lettre de {desk.email}")
    await desk.confirmed("erase")
    async with desk.tx() as tx:
        rows = await tx.rows(
            """
            SELECT to_jsonb(r)::text FROM rights_requests r WHERE account_id = $1 AND state <> 'open'
            UNION ALL SELECT to_jsonb(a)::text FROM rights_asks a WHERE account_id = $1
            """
        )
        sealed = await tx.rows("SELECT sealed_address FROM rights_asks WHERE account_id = $1")
    assert len(rows) == 2
    assert not any(desk.email in text or '"contact_id": ' + str(desk.ana) in text for (text,) in rows)
    assert sealed == [(b"",)]


@pytest.mark.req("C-12", "B-28")
async def test_a_scan_of_every_table_finds_nothing_of_an_erased_person_but_fingerprints(desk: Desk) -> None:
    await desk.confirmed("access")
    async with desk.tx() as tx:
        await tx.run("DELETE FROM rights_asks WHERE account_id = $1")
    link = await desk.link("erase")
    async with desk.services.db.shared() as tx:
        await tx.run("UPDATE outbox SET sent_at = now() WHERE account_id = $1", desk.account.id)
    await desk.client.post(link, {})
    async with desk.services.db.connection() as connection:
        tables = await connection.fetch(
            """
            SELECT relname FROM pg_class
            WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace
              AND has_table_privilege(oid, 'SELECT')
            """
        )
    hashed = desk.who.address_hash.hex()
    found = {desk.email: set(), hashed: set()}  # type: dict[str, set[str]]
    async with desk.tx() as tx:
        for (name,) in tables:
            for text, places in found.items():
                sql = f"SELECT count(*) FROM {name} x WHERE x::text ILIKE '%' || $1 || '%'"
                if await tx._connection.fetchval(sql, text):
                    places.add(name)
    assert len(tables) > 80
    assert found[desk.email] == set()
    assert found[hashed] <= {"suppressions", "consents", "rights_requests", "rights_asks", "erasure_journal"}
    assert "suppressions" in found[hashed]


@pytest.mark.req("C-12")
async def test_which_mails_left_for_an_erased_person_is_forgotten(desk: Desk) -> None:
    link = await desk.link("erase")
    async with desk.services.db.shared() as tx:
        await tx.run("UPDATE outbox SET sent_at = now() WHERE account_id = $1", desk.account.id)
    await desk.client.post(link, {})
    assert [one.kind for one in await desk.mails()] == ["rights_told"]


@pytest.mark.req("A-022")
async def test_a_request_waits_under_the_contact_that_a_merge_keeps(desk: Desk) -> None:
    request_id = await recorded(desk)
    async with desk.tx() as tx:
        kept = await desk.make.contact(tx, "ana.bis@exemple.test")
        await contact_merges.merge(tx, kept, Merge(other_id=desk.ana))
    assert (await shown(desk, request_id)).contact_id == kept


@pytest.mark.req("A-022", "G-4")
@pytest.mark.parametrize("kind", ["access", "portability"])
async def test_copies_are_forwarded_unless_the_account_says_at_once(desk: Desk, kind: str) -> None:
    found = await shown(desk, await desk.confirmed(kind))
    assert (found.state, found.by_instruction) == ("open", False)
    assert await desk.mails("rights_copy") == []
    async with desk.tx() as tx:
        wanted = rights_settings.Instruction.model_validate({"at_once": [kind]})
        await rights_settings.instruct(tx, wanted)
        await tx.run("DELETE FROM rights_asks WHERE account_id = $1")
    found = await shown(desk, await desk.confirmed(kind))
    assert (found.state, found.by_instruction) == ("done", True)
    assert [one.to for one in await desk.mails("rights_copy")] == [desk.email]


@pytest.mark.req("A-022", "C-11", "G-4")
async def test_a_new_name_is_taken_over_and_words_are_forwarded(desk: Desk) -> None:
    found = await shown(desk, await desk.confirmed("correct", last_name="Dupont"))
    assert found.state == "done"
    names = "SELECT first_name || ' ' || last_name FROM contacts WHERE account_id = $1"
    assert await desk.value(names) == "Ana Dupont"
    async with desk.tx() as tx:
        await tx.run("DELETE FROM rights_asks WHERE account_id = $1")
    found = await shown(desk, await desk.confirmed("correct", first_name="Anna", details="Ma ville est Lyon"))
    assert found.state == "open"
    assert "Anna" in found.details
    assert "Ma ville est Lyon" in found.details
    assert await desk.value(names) == "Ana Dupont"


@pytest.mark.req("C-11", "A-026")
async def test_a_correction_needs_words_and_no_card_number(desk: Desk) -> None:
    link = await desk.link("correct")
    for given in ({}, {"first_name": "4111 1111 1111 1111"}):
        assert (await desk.client.post(link, given)).status == 422
    assert await desk.value("SELECT count(*) FROM rights_requests WHERE account_id = $1") == 0


@pytest.mark.req("C-13")
async def test_a_restriction_needs_its_ground_and_holds_at_once(desk: Desk) -> None:
    link = await desk.link("restrict")
    assert (await desk.client.post(link, {})).status == 422
    assert (await desk.client.post(link, {"ground": "claims"})).status == 303
    assert await desk.value("SELECT ground FROM restrictions WHERE account_id = $1") == "claims"
    assert await desk.value("SELECT restricted_at IS NOT NULL FROM contacts WHERE account_id = $1") is True


@pytest.mark.req("C-13", "C-12")
async def test_who_had_their_data_limited_is_erased_by_the_team_only(desk: Desk) -> None:
    async with desk.tx() as tx:
        await restrictions.limit(tx, desk.ana, NewRestriction(ground="claims"))
    found = await shown(desk, await desk.confirmed("erase"))
    assert (found.state, found.contact_id) == ("open", desk.ana)
    assert await desk.value("SELECT count(*) FROM contacts WHERE account_id = $1") == 1
    async with desk.tx() as tx:
        assert await suppressions.check(tx, desk.who.address_hash) == "objected"


@pytest.mark.req("C-16", "B-40")
async def test_an_objection_and_a_refusal_of_measurement_need_nobody(desk: Desk) -> None:
    async with desk.tx() as tx:
        await rights_settings.instruct(tx, rights_settings.Instruction(at_once=[]))
    assert (await shown(desk, await desk.confirmed("tracking"))).state == "done"
    assert await desk.value("SELECT opens || clicks FROM contacts WHERE account_id = $1") == "denieddenied"
    async with desk.tx() as tx:
        await tx.run("DELETE FROM rights_asks WHERE account_id = $1")
    assert (await shown(desk, await desk.confirmed("object"))).state == "done"
    assert await desk.value("SELECT status FROM subscriptions WHERE account_id = $1") == "unsubscribed"
    async with desk.tx() as tx:
        assert await suppressions.check(tx, desk.who.address_hash) == "objected"


@pytest.mark.req("A-022", "C-10")
async def test_somebody_of_whom_a_fingerprint_is_left_can_still_ask(desk: Desk) -> None:
    async with desk.tx() as tx:
        await erasures.erase(tx, desk.ana, Erasure(asked_by=By.PERSON))
    found = await shown(desk, await desk.confirmed("access"))
    assert (found.state, found.contact_id, found.email) == ("open", None, desk.email)
    async with desk.tx() as tx:
        with pytest.raises(Conflict):
            await rights_acts.send_copy(tx, desk_of(desk), found.id, now=clock.now())
        given = Answering(answer="Il ne reste qu’une empreinte.")
        await rights_answers.answer(tx, desk.services.sealer, found.id, given, now=clock.now())
    assert [one.to for one in await desk.mails("rights_answer")] == [desk.email]


@pytest.mark.req("A-090", "C-12")
async def test_the_team_erases_and_can_still_answer(desk: Desk) -> None:
    request_id = await recorded(desk, Right.ERASE)
    async with desk.tx() as tx:
        await rights_acts.erase(tx, desk_of(desk), request_id)
    assert await desk.value("SELECT count(*) FROM contacts WHERE account_id = $1") == 0
    found = await shown(desk, request_id)
    assert (found.state, found.email) == ("open", desk.email)
    async with desk.tx() as tx:
        given = Answering(answer=rights_words.letter(Right.ERASE, "fr"))
        await rights_answers.answer(tx, desk.services.sealer, request_id, given, now=NOW)
    assert [one.to for one in await desk.mails("rights_answer")] == [desk.email]
    assert (await shown(desk, request_id)).email is None


@pytest.mark.req("A-023")
async def test_the_register_forgets_three_years_after_the_answer_and_never_before(desk: Desk) -> None:
    first, second = await recorded(desk), await recorded(desk, Right.CORRECT)
    await desk.ask("access")
    async with desk.tx() as tx:
        given = Answering(answer="Fait.", by="other")
        await rights_answers.answer(tx, desk.services.sealer, first, given, now=NOW)
        await tx.run("UPDATE rights_asks SET asked_at = $2 WHERE account_id = $1", NOW)
        assert await rights_rows.purge(tx, NOW + timedelta(hours=23, minutes=59)) == 0
        assert await rights_rows.purge(tx, NOW + timedelta(hours=24)) == 1
        assert await rights_rows.purge(tx, datetime(2029, 11, 2, 9, 0, tzinfo=UTC)) == 0
        assert await rights_rows.purge(tx, datetime(2029, 11, 2, 9, 1, tzinfo=UTC)) == 1
        left = await tx.value("SELECT array_agg(id) FROM rights_requests WHERE account_id = $1")
    assert left == [second]
