"""A campaign at the same hour of each recipient's clock."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from lists import fields
from lists.fields import NewField
from mailer.core import clock, work
from mailer.core.errors import Invalid
from sending import ab_tests, local_times, sends
from sending.ab_tests import Setting, Variant
from sending.local_times import LocalTime, Share
from tests.make import Make
from tests.recurring.conftest import Begin, Trial

WINTER = datetime(2027, 1, 15, 9)
PEOPLE = {
    "tokyo@pain.test": "Asia/Tokyo",
    "paris@pain.test": "europe/paris",
    "berlin@pain.test": "Allemagne",
    "lima@pain.test": "PE",
    "nowhere@pain.test": "n’importe où",
    "spain@pain.test": "Spain",
}


@pytest.mark.parametrize(
    ("value", "zone"),
    [
        ("Europe/Paris", "Europe/Paris"),
        (" america/new york ", "America/New_York"),
        ("FR", "Europe/Paris"),
        ("Belgique", "Europe/Brussels"),
        ("japan", "Asia/Tokyo"),
        ("Allemagne", "Europe/Berlin"),
        # several hours at once
        ("Espagne", None),
        ("US", None),
        ("Europe/Atlantis", None),
        ("../../etc/passwd", None),
        ("", None),
        ("x" * 5000, None),
    ],
)
def test_a_field_tells_a_zone_where_it_is_sure(value: str, zone: str | None) -> None:
    found = local_times.instant(WINTER, local_times.zones_of(value))
    assert found == (WINTER.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) if zone else None)


def test_where_the_hour_is_past_it_is_the_next_days() -> None:
    begins_at = datetime(2027, 1, 15, 2, tzinfo=UTC)
    assert local_times.leaves_at(WINTER, ("Asia/Tokyo",), begins_at) == datetime(2027, 1, 16, 0, tzinfo=UTC)
    assert local_times.leaves_at(WINTER, ("Europe/Paris",), begins_at) == datetime(2027, 1, 15, 8, tzinfo=UTC)


# in Paris the clocks go forward on 28 March 2027 at two, and back on 31 October 2027 at three
SPRING, AUTUMN = datetime(2027, 3, 28, 2, 30), datetime(2027, 10, 31, 2, 30)


@pytest.mark.parametrize(
    ("wall", "zone", "expected"),
    [
        # 02:30 does not exist: as much later as they jump
        (SPRING, "Europe/Paris", datetime(2027, 3, 28, 1, 30, tzinfo=UTC)),
        (SPRING, "Europe/London", datetime(2027, 3, 28, 1, 30, tzinfo=UTC)),
        (SPRING, "America/Lima", datetime(2027, 3, 28, 7, 30, tzinfo=UTC)),
        # 02:30 comes twice: the first time
        (AUTUMN, "Europe/Paris", datetime(2027, 10, 31, 0, 30, tzinfo=UTC)),
        # in London it is 01:30 that comes twice
        (AUTUMN, "Europe/London", datetime(2027, 10, 31, 2, 30, tzinfo=UTC)),
        (AUTUMN.replace(hour=1), "Europe/London", datetime(2027, 10, 31, 0, 30, tzinfo=UTC)),
        # nine in the morning is nine in the morning, the day before and the day after
        (datetime(2027, 3, 27, 9), "Europe/Paris", datetime(2027, 3, 27, 8, tzinfo=UTC)),
        (datetime(2027, 3, 28, 9), "Europe/Paris", datetime(2027, 3, 28, 7, tzinfo=UTC)),
        (datetime(2027, 10, 30, 9), "Europe/Paris", datetime(2027, 10, 30, 7, tzinfo=UTC)),
        (datetime(2027, 10, 31, 9), "Europe/Paris", datetime(2027, 10, 31, 8, tzinfo=UTC)),
    ],
)
def test_an_hour_that_clocks_skip_comes_later_and_one_that_comes_twice_counts_first(
    wall: datetime, zone: str, expected: datetime
) -> None:
    assert local_times.instant(wall, (zone,)) == expected


@pytest.mark.parametrize("country", ["FR", "Allemagne", "Belgique"])
@pytest.mark.parametrize("wall", [SPRING, AUTUMN])
def test_a_country_with_one_hour_keeps_it_in_the_night_of_the_change(country: str, wall: datetime) -> None:
    found = local_times.instant(wall, local_times.zones_of(country))
    assert found == local_times.instant(wall, ("Europe/Paris",))


def test_the_next_days_hour_is_by_the_clock_of_the_next_day() -> None:
    # nine is past on the last day of winter time: 23 hours later, not 24
    begins_at = datetime(2027, 3, 27, 10, tzinfo=UTC)
    found = local_times.leaves_at(datetime(2027, 3, 27, 9), ("Europe/Paris",), begins_at)
    assert found == datetime(2027, 3, 28, 7, tzinfo=UTC)
    begins_at = datetime(2027, 10, 30, 10, tzinfo=UTC)
    found = local_times.leaves_at(datetime(2027, 10, 30, 9), ("Europe/Paris",), begins_at)
    assert found == datetime(2027, 10, 31, 8, tzinfo=UTC)


async def scattered(trial: Trial) -> None:
    """People whose field says where they are."""
    async with trial.post.tx() as tx:
        await fields.create(tx, NewField(label="Fuseau"))
        for email, value in PEOPLE.items():
            contact = await trial.post.make.contact(tx, email, list_id=trial.ready.list_id)
            await tx.run(
                "UPDATE contacts SET fields = jsonb_build_object('fuseau', $3::text) WHERE account_id = $1 AND id = $2",
                contact,
                value,
            )


def nine(days: int = 3) -> datetime:
    return datetime.combine((clock.now() + timedelta(days=days)).date(), time(9))


async def ordered(trial: Trial, local: LocalTime) -> None:
    async with trial.post.tx() as tx:
        await sends.schedule(tx, trial.post.services, trial.campaign_id, sends.Order(local=local))


async def dues(trial: Trial) -> dict[str, datetime]:
    async with trial.post.tx() as tx:
        return dict(
            await tx.rows(
                """
                SELECT c.email, d.next_at
                FROM deliveries d
                JOIN contacts c ON c.account_id = d.account_id AND c.id = d.contact_id
                WHERE d.account_id = $1 AND d.campaign_id = $2
                """,
                trial.campaign_id,
            )
        )


async def test_each_delivery_waits_for_its_hour_in_the_ordinary_lanes(begin: Begin) -> None:
    trial = await begin(people=1)
    await scattered(trial)
    hour = nine()
    await ordered(trial, LocalTime(at=hour, field="fuseau"))
    async with trial.post.tx() as tx:
        planned = await tx.value(
            "SELECT scheduled_at FROM campaigns WHERE account_id = $1 AND id = $2", trial.campaign_id
        )
        assert planned == hour.replace(tzinfo=UTC) - timedelta(hours=14)
        await work.add(tx, sends.PREPARE, trial.campaign_id)
    clock.shift(planned - clock.now() + timedelta(minutes=2))
    await trial.post.prepared(trial.campaign_id)
    clock.shift(timedelta(0))
    found = await dues(trial)
    zones = {"tokyo": "Asia/Tokyo", "berlin": "Europe/Berlin", "lima": "America/Lima"}
    for email in PEOPLE:
        zone = zones.get(email.partition("@")[0], "Europe/Paris")
        assert found[email] == hour.replace(tzinfo=ZoneInfo(zone)), email
    async with trial.post.tx() as tx:
        waves = await local_times.waves(tx, trial.campaign_id)
    assert [wave.people for wave in waves] == [1, 5, 1]
    await trial.post.run()
    assert trial.post.sink.accepted == []
    assert await trial.post.status(trial.campaign_id) == "sending"
    # the first wave's hour comes; one of the second leaves the list meanwhile
    async with trial.post.tx() as tx:
        await tx.run(
            "UPDATE deliveries SET next_at = now() WHERE account_id = $1 AND campaign_id = $2 AND next_at = $3",
            trial.campaign_id,
            waves[0].at,
        )
        await tx.run(
            """
            UPDATE subscriptions s SET status = 'unsubscribed'
            FROM contacts c
            WHERE s.account_id = $1 AND c.account_id = s.account_id AND c.id = s.contact_id
              AND c.email = 'berlin@pain.test'
            """
        )
        await work.bring_forward(tx, "sending.send")
    await trial.post.run()
    assert [mail.recipient for mail in trial.post.sink.accepted] == ["tokyo@pain.test"]
    async with trial.post.tx() as tx:
        await tx.run(
            "UPDATE deliveries SET next_at = now() WHERE account_id = $1 AND campaign_id = $2",
            trial.campaign_id,
        )
        await work.bring_forward(tx, "sending.send")
    await trial.post.run()
    states = await trial.post.states(trial.campaign_id)
    assert states.pop("berlin@pain.test") == ("skipped", "unsubscribed")
    assert set(states.values()) == {("delivered", "")}
    assert await trial.post.status(trial.campaign_id) == "sent"


@pytest.mark.parametrize(
    ("wall", "paris"),
    [
        (SPRING, datetime(2027, 3, 28, 1, 30, tzinfo=UTC)),
        (AUTUMN, datetime(2027, 10, 31, 0, 30, tzinfo=UTC)),
    ],
    ids=["spring", "autumn"],
)
async def test_in_the_night_of_a_change_each_delivery_has_one_hour_and_who_has_no_zone_the_accounts(
    begin: Begin, wall: datetime, paris: datetime
) -> None:
    trial = await begin(people=1)
    await scattered(trial)
    async with trial.post.tx() as tx:
        # an empty text, and no field at all, are no zone
        empty = await trial.post.make.contact(tx, "empty@pain.test", list_id=trial.ready.list_id)
        await tx.run(
            """UPDATE contacts SET fields = '{"fuseau": ""}' WHERE account_id = $1 AND id = $2""", empty
        )
        await trial.post.make.contact(tx, "none@pain.test", list_id=trial.ready.list_id)
    clock.shift(wall.replace(tzinfo=UTC) - timedelta(days=8) - clock.now())
    await ordered(trial, LocalTime(at=wall, field="fuseau"))
    clock.shift(clock.offset() + timedelta(days=7, hours=10, minutes=2))
    async with trial.post.tx() as tx:
        await work.add(tx, sends.PREPARE, trial.campaign_id)
    await trial.post.prepared(trial.campaign_id)
    found = await dues(trial)
    zones = {"tokyo@pain.test": "Asia/Tokyo", "lima@pain.test": "America/Lima"}
    assert len(found) == len(PEOPLE) + 3
    for email, at in found.items():
        assert at == (wall.replace(tzinfo=ZoneInfo(zones[email])) if email in zones else paris), email


async def test_the_page_says_how_many_are_in_which_zone_and_takes_the_order(begin: Begin, make: Make) -> None:
    trial = await begin(people=1)
    await scattered(trial)
    async with trial.post.tx() as tx:
        shares = await local_times.shares(tx, trial.campaign_id, "fuseau", WINTER)
    assert shares[0] == Share(zone="", people=3)
    assert {share.zone for share in shares[1:]} == {
        "America/Lima",
        "Asia/Tokyo",
        "Europe/Berlin",
        "Europe/Paris",
    }
    owner = await make.signed_in(trial.ready.account.owner_id)
    review = (await owner.get(f"{trial.ready.page}/review?when=later")).text
    assert "Of each recipient" in review
    assert f'href="{trial.ready.page}/time-zones?field=fuseau"' in review
    assert "Asia/Tokyo" in (await owner.get(f"{trial.ready.page}/time-zones?field=fuseau")).text
    assert (await owner.get(f"{trial.ready.page}/time-zones?field=other")).status == 404
    form = {"when": "later", "expected": "7", "zone": "recipient", "zone_field": "fuseau", "time": "09:00"}
    past = await owner.post(f"{trial.ready.page}/sends", form | {"date": "2020-01-01"})
    assert (past.status, 'id="date-error"' in past.text) == (422, True)
    made = await owner.post(f"{trial.ready.page}/sends", form | {"date": f"{nine():%Y-%m-%d}"})
    assert made.location == trial.ready.page
    assert "on the clock of each recipient" in (await owner.get(trial.ready.page)).text


async def test_a_program_orders_it_and_a_test_of_variants_is_refused(begin: Begin, make: Make) -> None:
    trial = await begin(people=4)
    key = await make.program(trial.ready.account.id)
    place = f"/api/v1/campaigns/{trial.campaign_id}/sends"
    hour = f"{nine():%Y-%m-%dT%H:%M:%S}"
    assert (await key.post(place, json={"local_at": hour, "zone_field": "pays"})).status == 422
    assert (await key.post(place, json={"local_at": hour, "at": f"{hour}Z"})).status == 422
    async with trial.post.tx() as tx:
        await ab_tests.put(tx, trial.campaign_id, Setting(variants=[Variant(subject="B")]))
        with pytest.raises(Invalid) as refused:
            await sends.schedule(
                tx, trial.post.services, trial.campaign_id, sends.Order(local=LocalTime(at=nine()))
            )
        assert [one.code for one in refused.value.faults] == ["ab_test"]
        await ab_tests.drop(tx, trial.campaign_id)
    sent = (await key.post(place, json={"local_at": hour})).json()
    assert (sent["status"], sent["local_at"][:19], sent["zone_field"]) == ("scheduled", hour, "")
