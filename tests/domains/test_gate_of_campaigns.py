"""The gate where it counts: in the checks, when the time has come, while mails leave; and the signatures of a send."""

import re

import dkim as verifier
import pytest

from mailer.core.services import Services
from sending import campaign_checks, domain_checks, domains, sends
from sending.domain_dns import key_name
from sending.domains import NewDomain
from tests.campaigns.conftest import Ready, ready
from tests.delivery.conftest import People, Post, people, post, sink
from tests.dns_server import Zone
from tests.domains.conftest import Place, real

__all__ = ["people", "post", "ready", "sink"]


async def own_domain(post: Post, zone: Zone) -> Place:
    """The domain of the campaign's sender, its records published and seen."""
    name = f"pain-{post.account.id}.test"
    async with post.tx() as tx:
        made = await domains.create(tx, post.services, NewDomain(name=name))
    place = Place(post.services, zone, post.account, name, made.id)
    await place.publish()
    await place.look()
    return place


def to_the_internet(post: Post) -> None:
    """The sink is a real server now, not the local inbox."""
    settings = post.services.settings.model_copy(
        update={"smtp_url": f"smtp://{post.sink.address}", "inbox": ""}
    )
    post.services = type(post.services)(
        settings=settings,
        db=post.services.db,
        redis=post.services.redis,
        sealer=post.services.sealer,
        tokens=post.services.tokens,
    )


@pytest.mark.req("D-41", "D-50", "D-51")
async def test_every_mail_of_a_campaign_carries_two_signatures_that_hold(
    post: Post, people: People, zone: Zone
) -> None:
    to_the_internet(post)
    place = await own_domain(post, zone)
    campaign_id = await post.campaign([await people(count=70)])
    await post.run()
    assert await post.status(campaign_id) == "sent"
    assert len(post.sink.accepted) == 70

    def answer(name: bytes, **_: object) -> bytes:
        return "".join(re.findall(r'"([^"]*)"', zone.records[(name.decode().rstrip("."), "TXT")][0])).encode()

    for mail in post.sink.accepted:
        raw = mail.raw
        listed = re.search(rb"h=([^;]+);", re.sub(rb"\s", b"", raw))[1].lower().split(b":")
        assert {b"list-unsubscribe", b"list-unsubscribe-post"} <= set(listed)
        assert f"d={place.name};".encode() in raw
        assert [verifier.DKIM(raw).verify(idx=n, dnsfunc=answer) for n in (0, 1)] == [True, True]


@pytest.mark.req("D-62")
async def test_the_feedback_id_has_four_fields_the_sender_last_and_is_signed(
    post: Post, people: People, zone: Zone
) -> None:
    """As Gmail counts complaints: by each field, and only where a signature covers the header."""
    to_the_internet(post)
    await own_domain(post, zone)
    account = post.account.id
    campaigns = [await post.campaign([await people(count=2)]) for _ in range(2)]
    service = await post.campaign([await people(count=2)], kind="service")
    await post.run()

    def answer(name: bytes, **_: object) -> bytes:
        return "".join(re.findall(r'"([^"]*)"', zone.records[(name.decode().rstrip("."), "TXT")][0])).encode()

    def held(raw: bytes) -> list[bool]:
        return [verifier.DKIM(raw).verify(idx=n, dnsfunc=answer) for n in (0, 1)]

    found = set()
    for mail in post.sink.accepted:
        [value] = mail.message.get_all("Feedback-ID")
        found.add(value)
        assert 5 <= len(value.split(":")[3]) <= 15
        assert held(mail.raw) == [True, True]
        # neither another's campaign nor no campaign at all
        assert held(mail.raw.replace(f":a{account}:".encode(), b":a9:", 1)) == [False, False]
        assert held(mail.raw.replace(f"Feedback-ID: {value}\r\n".encode(), b"", 1)) == [False, False]
        # one of the relay's own goes on top of ours, which stays signed
        assert held(b"Feedback-ID: 1.eu-west-3.x=:AmazonSES\r\n" + mail.raw) == [True, True]
    kinds = dict.fromkeys(campaigns, "newsletter") | {service: "service"}
    assert found == {f"c{one}:a{account}:{kind}:mailer" for one, kind in kinds.items()}


@pytest.mark.req("D-54")
async def test_a_domain_without_records_stops_a_scheduled_campaign(
    post: Post, people: People, zone: Zone
) -> None:
    to_the_internet(post)
    campaign_id = await post.campaign([await people(count=2)])
    await post.run()
    assert await post.status(campaign_id) == "paused"
    async with post.tx() as tx:
        reason = await tx.value(
            "SELECT pause_reason FROM campaigns WHERE account_id = $1 AND id = $2", campaign_id
        )
    assert (reason, post.sink.accepted) == ("domain", [])
    await own_domain(post, zone)
    async with post.tx() as tx:
        await sends.resume(tx, post.services, campaign_id)
    await post.run()
    assert await post.status(campaign_id) == "sent"
    assert len(post.sink.accepted) == 2


@pytest.mark.req("D-54")
async def test_a_domain_that_breaks_while_mails_leave_pauses_the_campaign(
    post: Post, people: People, zone: Zone
) -> None:
    from datetime import timedelta

    from mailer.core import clock

    to_the_internet(post)
    place = await own_domain(post, zone)
    campaign_id = await post.campaign([await people(count=2)])
    await post.prepared(campaign_id)
    assert await post.status(campaign_id) == "sending"
    zone.remove(key_name(place.name, (await place.key("active")).selector))
    await place.look()
    clock.shift(timedelta(minutes=11))
    await place.look()
    clock.shift(timedelta(0))
    assert await post.status(campaign_id) == "paused"
    async with post.tx() as tx:
        await sends.resume(tx, post.services, campaign_id)
    await post.run()
    assert await post.status(campaign_id) == "paused", "resuming does not open the gate"
    assert post.sink.accepted == []


@pytest.mark.req("D-54")
async def test_into_the_local_inbox_everything_leaves(post: Post, people: People) -> None:
    campaign_id = await post.campaign([await people(count=2)])
    await post.run()
    assert await post.status(campaign_id) == "sent"
    assert b"DKIM-Signature" not in post.sink.accepted[0].raw


@pytest.mark.req("D-54")
async def test_the_checks_of_a_campaign_name_the_domain_and_lead_to_it(
    services: Services,
    ready,
    zone: Zone,  # type: ignore[no-untyped-def]
) -> None:
    found: Ready = await ready()
    held = real(services)

    async def told() -> campaign_checks.Check:
        async with services.db.account(found.account.id) as tx:
            report = await campaign_checks.run(tx, held, found.campaign.id)
        return next(check for check in report.checks if check.code == "domain")

    assert ((await told()).group, (await told()).step) == ("blocking", "domains/new")
    async with services.db.account(found.account.id) as tx:
        made = await domains.create(tx, held, NewDomain(name="pain.test"))
    assert ((await told()).group, (await told()).step) == ("blocking", f"domains/{made.id}")
    place = Place(held, zone, found.account, "pain.test", made.id)
    await place.publish()
    zone.remove("_dmarc.pain.test")
    await place.look()
    assert "DMARC" in (await told()).message
    await place.publish("active")
    await domain_checks.check(held, found.account.id, made.id)
    assert (await told()).group == "fine"
    async with services.db.account(found.account.id) as tx:
        inbox = await campaign_checks.run(tx, services, found.campaign.id)
    assert not inbox.blocked


@pytest.mark.req("D-64")
async def test_microsofts_refusal_of_the_domain_stops_it(post: Post, people: People, zone: Zone) -> None:
    to_the_internet(post)
    await own_domain(post, zone)
    post.sink.end = (
        "550 5.7.515 Access denied, sending domain does not meet the required authentication level."
    )
    campaign_id = await post.campaign([await people(count=300)])
    await post.run()
    assert await post.status(campaign_id) == "paused"
    states = [status for status, _ in (await post.states(campaign_id)).values()]
    assert states.count("queued") >= 300 - 2 * 64, "the others are not tried"
    async with post.tx() as tx:
        reason = await tx.value(
            "SELECT pause_reason FROM campaigns WHERE account_id = $1 AND id = $2", campaign_id
        )
    assert reason == "unauthenticated"
