"""The suppression list: pasted addresses, ends, filters by reason and day, who added what, the way back."""

from datetime import timedelta

import pytest

from lists import suppression_form, suppressions
from lists.suppressions import EVER, Filter, Reason, Stop
from mailer.core import clock
from mailer.core.errors import Invalid
from mailer.core.services import Services
from tests.lists_pages.test_contact_pages import sound, start
from tests.make import Make


@pytest.mark.req("S5", "B-28")
async def test_thousands_are_pasted_at_once_and_counted(make: Make, services: Services) -> None:
    acc, person = await start(make)
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx)
        await make.contact(tx, "n7@paste.test", list_id=listed)
    text = (
        "\n".join(f"n{n}@paste.test" for n in range(3_000)) + "\nN1@PASTE.test; n2@paste.test , n3@paste.test"
    )
    sent = await person.post(f"{acc.app}/suppressions", {"emails": text, "reason": "added"})
    assert sent.status == 303
    assert "3,000 addresses added; 0 were on the list already." in (await person.get(sent.location)).text
    again = {"emails": "n1@paste.test\nnew@paste.test", "reason": "added"}
    sent = await person.post(f"{acc.app}/suppressions", again)
    assert "1 addresses added; 1 were on the list already." in (await person.get(sent.location)).text
    async with services.db.account(acc.id) as tx:
        assert await tx.value("SELECT count(*) FROM suppressions WHERE account_id = $1") == 3_001
        assert await tx.value("SELECT status FROM subscriptions WHERE account_id = $1") == "unsubscribed"
        found = await tx.value("SELECT count(*) FROM audit WHERE account_id = $1 AND object = 'suppression'")
    assert found == 3_001


@pytest.mark.req("E-53")
async def test_each_line_in_error_is_named_and_nothing_is_lost(make: Make, services: Services) -> None:
    acc, person = await start(make)
    text = "ana@paste.test\n\nnobody\nbob@@paste.test"
    refused = await person.post(f"{acc.app}/suppressions", {"emails": text, "reason": "added"})
    assert refused.status == 422
    page = sound(refused)
    assert "Line 3: “nobody” is no e-mail address." in page
    assert "Line 4: “bob@@paste.test” is no e-mail address." in page
    assert "ana@paste.test" in page
    async with services.db.account(acc.id) as tx:
        assert await tx.value("SELECT count(*) FROM suppressions WHERE account_id = $1") == 0
    taken = await person.post(f"{acc.app}/suppressions", {"emails": text, "reason": "added", "skip": "true"})
    assert taken.status == 303
    async with services.db.account(acc.id) as tx:
        assert await tx.value("SELECT count(*) FROM suppressions WHERE account_id = $1") == 1


@pytest.mark.parametrize(
    ("text", "code"), [("", "missing"), (" \n ;", "missing"), ("\n".join(f"a{n}@b.test" for n in range(5_001)), "too_many")]
)  # fmt: skip
def test_none_and_too_many_are_refused(text: str, code: str) -> None:
    with pytest.raises(Invalid) as raised:
        suppression_form.read(suppression_form.NewStops(emails=text))
    assert raised.value.faults[0].code == code


@pytest.mark.req("S5")
async def test_a_teams_stop_may_end_and_a_refusal_may_not(make: Make, services: Services) -> None:
    acc, person = await start(make)
    program = await make.program(acc.id)
    day = (clock.now() + timedelta(days=10)).date().isoformat()
    wish = {"emails": "ana@end.test", "reason": "added", "expires_on": day}
    assert (await person.post(f"{acc.app}/suppressions", wish)).status == 303
    refused = await person.post(f"{acc.app}/suppressions", wish | {"reason": "objected"})
    assert "A refusal of the person has no end" in sound(refused)
    past = await program.post(
        "/api/v1/suppressions", json={"email": "b@end.test", "expires_on": "2020-01-01"}
    )
    assert past.json()["errors"][0] | {"field": "expires_on", "code": "past"} == past.json()["errors"][0]
    page = sound(await person.get(f"{acc.app}/suppressions"))
    assert "Added by Odile Owner" in page
    assert page.count("Never") == 0
    async with services.db.account(acc.id) as tx:
        hashed = await suppressions.hash_of(tx, services.sealer, "ana@end.test")
        assert await suppressions.check(tx, hashed, list_id=1) == "added"
        [row] = await suppressions.of_address(tx, hashed)
        assert row.expires_at is not None
        await tx.run("UPDATE suppressions SET expires_at = now() WHERE account_id = $1")
        assert await suppressions.check(tx, hashed, list_id=1) is None


@pytest.mark.req("S5", "B-28")
async def test_of_two_ends_the_later_holds_and_a_refusal_has_none(make: Make, services: Services) -> None:
    acc = await make.account()
    soon, late = clock.now() + timedelta(days=1), clock.now() + timedelta(days=9)
    async with services.db.account(acc.id) as tx:
        hashed = await suppressions.hash_of(tx, services.sealer, "ana@end.test")

        async def stop(reason: Reason, expires_at: object) -> object:
            await suppressions.add_many(tx, [hashed], Stop(reason=reason, expires_at=expires_at))  # type: ignore[arg-type]
            [row] = await suppressions.of_address(tx, hashed)
            return row.expires_at

        assert await stop(Reason.ADDED, soon) == soon
        assert await stop(Reason.ADDED, late) == late
        assert await stop(Reason.ADDED, soon) == late
        assert await stop(Reason.OBJECTED, None) is None
        assert await stop(Reason.ADDED, late) is None
        assert await suppressions.check(tx, hashed) == "objected"


@pytest.mark.req("B-28")
async def test_the_list_is_filtered_by_reason_and_day_and_paged_by_since(
    make: Make, services: Services
) -> None:
    acc, person = await start(make)
    async with services.db.account(acc.id) as tx:
        for n in range(60):
            hashed = await suppressions.hash_of(tx, services.sealer, f"p{n}@page.test")
            reason = Reason.BOUNCED if n % 2 else Reason.OBJECTED
            await suppressions.add(tx, hashed, reason=reason)
            await tx.run(
                """
                UPDATE suppressions SET since = '2026-03-01T12:00Z'::timestamptz + $2::int * interval '6 hours'
                WHERE account_id = $1 AND address_hash = $3
                """,
                (n * 7) % 60,
                hashed,
            )
        for wanted, expected in (
            (Filter(), 60),
            (Filter(reason="bounced"), 30),
            (Filter(since=EVER.replace(year=2026, month=3, day=5)), 46),
            (Filter(before=EVER.replace(year=2026, month=3, day=5)), 14),
        ):
            seen, cursor = [], None
            while True:
                found = await suppressions.many(tx, wanted, cursor=cursor, limit=7)
                seen += found.items
                cursor = found.next_cursor
                if cursor is None:
                    break
            assert len({one.id for one in seen}) == len(seen) == expected, wanted
            assert seen == sorted(seen, key=lambda one: (one.since, one.id), reverse=True)
    place = f"{acc.app}/suppressions"
    page = sound(await person.get(f"{place}?reason=bounced&since=2026-03-02&until=2026-03-03"))
    assert "Shown: reason “Address rejected for good”, from" in page
    assert "fingerprint: contact erased" in page
    assert (await person.get(f"{place}?since=yesterday")).status == 422
    assert "No address fits this filter." in sound(await person.get(f"{place}?since=2030-01-01"))
    assert (await person.get(f"{place}?cursor=WzFd")).status == 422


@pytest.mark.req("B-28")
@pytest.mark.parametrize(
    ("language", "words"), [("en", "Only the person can come back"), ("fr", "Seule la personne")]
)
async def test_the_page_tells_the_way_back(make: Make, language: str, words: str) -> None:
    acc, person = await start(make, language=language)
    assert words in sound(await person.get(f"{acc.app}/suppressions"))
    reader_id, _ = await make.user(acc.id, "analyst")
    reader = await make.signed_in(reader_id)
    assert "/suppressions/new" not in sound(await reader.get(f"{acc.app}/suppressions"))
