"""When an address that fails for a while is given up, and what makes the count begin anew (D-33)."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from lists import bounce_standing, contact_history, suppressions
from mailer.core import clock
from mailer.core.db import AccountTx
from mailer.core.services import Services
from retention_jobs import feedback_rows
from sending import feedback_counts, soft_bounces
from sending.feedback import Reason
from sending.soft_bounces import SoftBounce
from tests.delivery.conftest import People, Post, people, post, sink
from tests.make import Make

__all__ = ["people", "post", "sink"]


def on(day: float) -> datetime:
    """The clock at noon, so many days after this test began: shifted to there."""
    clock.shift(timedelta(days=day))
    return clock.now()


async def fail(tx: AccountTx, contact_id: int, days: Iterable[float]) -> list[float]:
    """The days on which the address was given up, of a failure on each of these."""
    gave_up = []
    for day in days:
        one = SoftBounce(contact_id=contact_id, reason=Reason.MAILBOX_FULL, at=on(day))
        if await soft_bounces.add(tx, [one]):
            gave_up.append(day)
    return gave_up


async def stopped(tx: AccountTx, contact_id: int) -> str | None:
    hashed = await tx.value("SELECT address_hash FROM contacts WHERE account_id = $1 AND id = $2", contact_id)
    return await suppressions.check(tx, hashed)


@pytest.mark.req("D-33")
@pytest.mark.parametrize(
    ("days", "first"),
    [
        ((0, 4, 8, 12, 16), 16),
        # fifteen days at least lie between the first and the last
        ((0, 1, 2, 3, 4, 5, 6, 7, 14, 15), 15),
        # four are too few, whatever the time between
        ((0, 10, 20, 30), None),
        # a weekly letter, and a monthly one
        ((0, 7, 14, 21, 28), 28),
        ((0, 30, 60, 90, 120), 120),
        # every two months the mailbox has had its time: a half of a half is left
        ((0, 61, 122, 183, 244, 305), None),
        # several mails on one day are one failure
        ((0, 0.01, 0.02, 0.03, 15.5, 15.51), None),
    ],
)
async def test_an_address_is_given_up_after_enough_failures_over_enough_time(
    services: Services, make: Make, days: tuple[float, ...], first: float | None
) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        contact = await make.contact(tx)
        begin = datetime.now(UTC).replace(hour=6, minute=0)
        early = begin - datetime.now(UTC)
        gave_up = await fail(tx, contact, [day + early / timedelta(days=1) for day in days])
        assert (round(gave_up[0] - early / timedelta(days=1)) if gave_up else None) == first
        assert await stopped(tx, contact) == ("bounced" if first else None)
        found = await bounce_standing.of_contact(tx, contact)
        assert found is not None
        assert found.over == (first is not None)


@pytest.mark.req("D-33")
async def test_the_same_report_twice_counts_once(services: Services, make: Make) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        contact = await make.contact(tx)
        one = SoftBounce(contact_id=contact, reason=Reason.MAILBOX_FULL, at=on(0))
        for _ in range(9):
            await soft_bounces.add(tx, [one, one])
        found = await bounce_standing.of_contact(tx, contact)
    assert found is not None
    assert (found.days, found.reason) == (1, "mailbox full")


@pytest.mark.req("D-33")
async def test_an_act_of_the_person_outweighs_what_failed_before_it(services: Services, make: Make) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        contact, other = await make.contact(tx), await make.contact(tx)
        assert await fail(tx, contact, (0, 5, 10, 15)) == []
        await tx.run(
            "UPDATE contacts SET last_act_at = $3 WHERE account_id = $1 AND id = $2", contact, on(16)
        )
        assert await bounce_standing.of_contact(tx, contact) is None
        assert await fail(tx, contact, (17, 18)) == []
        # a report that comes late speaks of before
        late = SoftBounce(contact_id=contact, reason=Reason.MAILBOX_FULL, at=on(13))
        await soft_bounces.add(tx, [late])
        found = await bounce_standing.of_contact(tx, contact)
        assert found is not None
        assert found.days == 2
        assert await fail(tx, other, (0, 5, 10, 15)) == []
        assert await fail(tx, other, (16,)) == [16]


@pytest.mark.req("D-33")
async def test_a_delivery_that_is_sure_clears_what_is_older(services: Services, make: Make) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        contact = await make.contact(tx)
        await fail(tx, contact, (0, 5, 10, 15))
        await soft_bounces.clear(tx, [(contact, on(12)), (contact, on(3))])
        found = await bounce_standing.of_contact(tx, contact)
        assert found is not None
        assert found.days == 1
        assert await fail(tx, contact, (16,)) == []


@pytest.mark.req("D-33")
async def test_a_corrected_address_begins_anew(services: Services, make: Make) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        contact = await make.contact(tx)
        await fail(tx, contact, (0, 5, 10, 15))
        await tx.run(
            "UPDATE contacts SET address_hash = $3 WHERE account_id = $1 AND id = $2", contact, bytes(16)
        )
        assert await bounce_standing.of_contact(tx, contact) is None
        assert await fail(tx, contact, (15, 20)) == []
        found = await bounce_standing.of_contact(tx, contact)
        assert found is not None
        assert found.days == 2


@pytest.mark.req("D-33", "A-004", "C-10")
async def test_failures_are_kept_six_months_and_stand_in_a_copy(services: Services, make: Make) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        contact = await make.contact(tx)
        await fail(tx, contact, (0, 20))
        copy = await contact_history.archive(tx, contact)
        assert [one.reason for one in copy["temporary_failures"]] == ["mailbox full"] * 2
        assert await feedback_rows.feedback(tx, on(175)) == 0
        assert await feedback_rows.feedback(tx, on(190)) == 1
        assert len(await bounce_standing.failures(tx, contact)) == 1


@pytest.mark.req("D-32", "D-33")
async def test_replies_while_sending_feed_the_score_and_the_counts(post: Post, people: People) -> None:
    post.sink.rcpt = {
        "full@x.test": "552 5.2.2 mailbox full",
        "nobody@x.test": "550 5.1.1 no such user",
        "policy@x.test": "550 5.7.1 rejected by policy",
    }
    campaign = await post.campaign([await people("fine@x.test", *post.sink.rcpt)])
    await post.run()
    assert (await post.states(campaign))["full@x.test"] == ("bounced", "soft")
    today = clock.now().date()
    async with post.tx() as tx:
        rows = await tx.rows(
            """
            SELECT c.email, b.reason FROM soft_bounces b
            JOIN contacts c ON c.account_id = $1 AND c.id = b.contact_id
            WHERE b.account_id = $1
            """
        )
        counts = await feedback_counts.over(tx, today - timedelta(days=1), today + timedelta(days=1))
        days = await feedback_counts.by_day(tx, today - timedelta(days=1), today + timedelta(days=1))
        assert await feedback_counts.over(tx, today + timedelta(days=2), today + timedelta(days=3)) == []
    assert rows == [("full@x.test", "mailbox full")]
    assert {(one.kind, one.profile): one.n for one in counts} == {
        ("soft", "default"): 1,
        ("hard", "default"): 1,
        ("block", "default"): 1,
    }
    assert {one.kind: one.n for one in days} == {"soft": 1, "hard": 1, "block": 1}


async def test_counts_of_two_workers_add_up(services: Services, make: Make) -> None:
    account = await make.account()
    told = [
        feedback_counts.Told(
            kind=kind, reason=Reason.UNDEFINED, profile="gmail", at=datetime(2026, 11, 26, tzinfo=UTC)
        )
        for kind in (feedback_counts.Kind.SOFT, feedback_counts.Kind.HARD, feedback_counts.Kind.SOFT)
    ]
    for _ in range(2):
        async with services.db.account(account.id) as tx:
            await feedback_counts.add(tx, told, "webhook")
            await feedback_counts.add(tx, [], "mail")
    async with services.db.account(account.id) as tx:
        day = datetime(2026, 11, 26, tzinfo=UTC).date()
        found = await feedback_counts.over(tx, day, day)
    assert [(one.kind, one.n) for one in found] == [("soft", 4), ("hard", 2)]


async def test_the_page_of_a_contact_says_why(services: Services, make: Make) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        contact, fine = await make.contact(tx), await make.contact(tx)
        await fail(tx, contact, (-20, -15))
    clock.shift(timedelta(0))
    owner = await make.signed_in(account.owner_id)
    place = f"{account.app}/contacts"
    page = (await owner.get(f"{place}/{contact}")).text
    assert "Temporary failures on 2 days" in page
    assert "the mailbox is full" in page
    assert "After 5 such days" in page
    assert "Temporary failure" not in (await owner.get(f"{place}/{fine}")).text
    async with services.db.account(account.id) as tx:
        await fail(tx, contact, (-10, -7, -1))
    clock.shift(timedelta(0))
    french = await make.signed_in(account.owner_id, language="fr")
    page = (await french.get(f"{place}/{contact}")).text
    assert "C’est trop : plus rien n’est envoyé à cette adresse." in page.replace("&#39;", "'").replace(
        "\u202f", " "
    ).replace("\xa0", " ")
