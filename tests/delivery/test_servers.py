"""An account's own SMTP servers: whose mail goes where, what a spare is for, and where no server may be."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import ip_network

import pytest

from mailer.core import clock
from mailer.core.errors import Conflict, Invalid
from mailer.core.services import Services
from sending import fence, route, servers, smtp
from sending.fence import Fence
from sending.servers import NewServer, ServerChanges
from sending.smtp import Mail
from sending.smtp_url import Server
from tests.delivery.conftest import People, Post
from tests.make import Make
from tests.smtp_server import DIE, Sink

PASSWORD = " s3cret of the bakery "


@pytest.fixture(autouse=True)
def nobody_is_away() -> None:
    route._away.clear()


@pytest.fixture
async def own() -> AsyncIterator[Sink]:
    async with Sink() as opened:
        yield opened
        await smtp.close_pools()


@pytest.fixture
async def spare() -> AsyncIterator[Sink]:
    async with Sink() as opened:
        yield opened
        await smtp.close_pools()


async def through_a_relay(post: Post) -> None:
    """The post's sink is the operator's SMTP server, no local inbox."""
    url = f"smtp://127.0.0.1:{post.sink.port}?tls=none"
    changed = {"inbox": "", "smtp_url": url, "workers": 2}
    post.services = replace(post.services, settings=post.services.settings.model_copy(update=changed))
    await post.domain_in_order()


async def add(post: Post, sink: Sink, **more: object) -> int:
    async with post.tx() as tx:
        new = NewServer(host="127.0.0.1", port=sink.port, tls="opportunistic", **more)  # type: ignore[arg-type]
        made = await servers.create(tx, post.services.sealer, new)
    if post.services.settings.smtp_url:
        await post.domain_in_order()
    return made.id


async def read(post: Post, server_id: int) -> servers.SmtpServer:
    async with post.tx() as tx:
        return await servers.show(tx, server_id)


async def test_campaigns_leave_through_the_accounts_own_server(post: Post, people: People, own: Sink) -> None:
    await through_a_relay(post)
    await add(post, own)
    campaign = await post.campaign([await people(count=30)])
    await post.run()
    assert await post.status(campaign) == "sent"
    assert (len(own.accepted), len(post.sink.accepted)) == (30, 0)


async def test_without_one_they_leave_through_the_operators(post: Post, people: People) -> None:
    await through_a_relay(post)
    campaign = await post.campaign([await people(count=3)])
    await post.run()
    assert await post.status(campaign) == "sent"
    assert len(post.sink.accepted) == 3


@pytest.mark.req("S18")
async def test_the_local_inbox_catches_the_mail_of_such_an_account_too(
    post: Post, people: People, own: Sink
) -> None:
    await add(post, own)
    campaign = await post.campaign([await people(count=3)])
    await post.run()
    assert await post.status(campaign) == "sent"
    assert (len(own.accepted), own.connections, len(post.sink.accepted)) == (0, 0, 3)
    # the pages say so of a loopback installation without an SMTP server, whether the inbox listens or not
    settings = post.services.settings.model_copy(update={"inbox": ""})
    assert settings.inbox_shown
    async with post.tx() as tx:
        assert await servers.of(tx, replace(post.services, settings=settings)) == []


@pytest.mark.req("D-22")
async def test_when_the_main_server_dies_the_rest_goes_to_the_spare_and_nobody_gets_two(
    post: Post, people: People, own: Sink, spare: Sink
) -> None:
    await through_a_relay(post)
    main = await add(post, own)
    await add(post, spare)
    own.end = lambda _: "250 2.0.0 Ok" if len(own.accepted) < 20 else DIE
    campaign = await post.campaign([await people(count=120)])
    for _ in range(5):
        await post.run()
    states = await post.states(campaign)
    doubtful = {email for email, (status, _) in states.items() if status == "in_doubt"}
    arrived = [*own.recipients, *spare.recipients]
    # one connection each may break behind a final dot; nobody else's mail is in doubt, and none left twice
    assert len(doubtful) <= 5
    assert len(arrived) == len(set(arrived)) == 120 - len(doubtful)
    assert len(spare.accepted) >= 100 - len(doubtful)
    assert not doubtful & set(spare.recipients)
    assert post.sink.accepted == []
    assert (await read(post, main)).last_error


async def test_the_lane_comes_back_to_the_main_server(
    post: Post, people: People, own: Sink, spare: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    await through_a_relay(post)
    main = await add(post, own)
    await add(post, spare)
    await own.stop()
    first = await post.campaign([await people(count=5)])
    await post.run()
    assert await post.status(first) == "sent"
    assert len(spare.accepted) == 5
    noted = await read(post, main)
    assert noted.last_error
    assert noted.failed_at is not None
    async with Sink(port=own.port) as again:
        second = await post.campaign([await people(count=5)])
        await post.run()
        assert (await post.status(second), len(spare.accepted)) == ("sent", 10)
        # a minute later
        now = asyncio.get_running_loop().time()
        route._away.update(dict.fromkeys(route._away, now))
        third = await post.campaign([await people(count=5)])
        await post.run()
        assert (await post.status(third), len(spare.accepted), len(again.accepted)) == ("sent", 10, 5)
        await smtp.close_pools()
    noted = await read(post, main)
    assert (noted.last_error, noted.failed_at) == ("", None)


@pytest.mark.parametrize(
    ("refusal", "moves"),
    [
        ({"greeting": "421 4.3.2 closing"}, True),
        ({"greeting": "554 5.7.1 not you"}, True),
        ({"mail": "421 4.3.2 closing"}, True),
        ({"mail": DIE}, True),
        ({"data": DIE}, True),
        ({"mail": "550 5.7.1 sender refused"}, False),
        ({"rcpt": {"ana@example.test": "550 5.1.1 unknown"}}, False),
        ({"data": "451 4.3.0 later"}, False),
        ({"end": "554 5.7.1 spam"}, False),
        ({"end": "451 4.3.0 later"}, False),
        ({"end": DIE}, False),
    ],
)
@pytest.mark.req("D-22")
async def test_only_what_nobody_can_have_accepted_moves_to_the_spare(
    refusal: dict[str, object], moves: bool
) -> None:
    mail = Mail("bounces@mailer.test", "ana@example.test", b"Subject: Pain\r\n\r\nBonjour\r\n")
    async with Sink(**refusal) as broken, Sink() as second:  # type: ignore[arg-type]
        way = route.of(
            [Server("127.0.0.1", broken.port, row=1), Server("127.0.0.1", second.port, row=2)], "c.test"
        )
        reply = await way.hand_over(mail)
        await smtp.close_pools()
    assert (len(second.accepted), reply.code == 250) == (int(moves), moves)
    assert bool(way.met[1]) == (moves or refusal.get("mail") is not None)


@pytest.mark.req("D-70")
async def test_a_server_gets_no_more_connections_and_mails_each_than_it_was_given(
    post: Post, people: People, own: Sink
) -> None:
    await through_a_relay(post)
    await add(post, own, connections=4, messages_each=7)
    own.delay = 0.002
    campaign = await post.campaign([await people(count=60)])
    await post.run()
    assert await post.status(campaign) == "sent"
    # two worker processes share four
    assert own.most_open <= 2
    # 60 mails of at most 7 each
    assert own.connections >= 9
    assert own.commands.count("QUIT") >= 7


@pytest.mark.req("A-082")
async def test_the_password_is_sealed_and_bound_to_its_server(post: Post, make: Make) -> None:
    sealer = post.services.sealer
    await through_a_relay(post)
    async with post.tx() as tx:
        new = NewServer(host="SMTP.Exemple.test.", username="post", password=PASSWORD)
        made = await servers.create(tx, sealer, new)
        row = await tx.value("SELECT to_jsonb(s)::text FROM smtp_servers s WHERE account_id = $1")
        assert PASSWORD.strip() not in row + repr(made) + repr(new)
        [found] = await servers.of(tx, post.services)
        assert (found.host, found.username, found.password) == ("smtp.exemple.test", "post", PASSWORD)
        assert PASSWORD.strip() not in repr(found)
        # somebody who reads nothing of it cannot have it sent elsewhere
        for changes in ({"host": "evil.test"}, {"port": 2525}, {"username": "other"}):
            with pytest.raises(Invalid) as caught:
                await servers.change(tx, sealer, made.id, ServerChanges(**changes))  # type: ignore[arg-type]
            assert [one.field for one in caught.value.faults] == ["password"]
        kept = await servers.change(tx, sealer, made.id, ServerChanges(connections=2, tls="implicit"))
        assert (kept.connections, kept.has_password) == (2, True)
        assert (await servers.of(tx, post.services))[0].password == PASSWORD
        # nor in the database: the seal is of this host
        await tx.run("UPDATE smtp_servers SET host = 'evil.test' WHERE account_id = $1")
        assert await servers.of(tx, post.services) == []
        gone = await servers.change(tx, sealer, made.id, ServerChanges(username=""))
        assert (gone.username, gone.has_password) == ("", False)


@pytest.mark.req("D-18", "A-082")
async def test_a_password_needs_tls_a_name_and_itself(post: Post) -> None:
    wrong = [
        ({"username": "post", "password": "x", "tls": "opportunistic"}, "tls"),
        ({"username": "post"}, "password"),
        ({"password": "x"}, "username"),
    ]
    for values, field in wrong:
        new = NewServer(host="smtp.exemple.test", **values)  # type: ignore[arg-type]
        async with post.tx() as tx:
            with pytest.raises(Invalid) as caught:
                await servers.create(tx, post.services.sealer, new)
            assert [one.field for one in caught.value.faults] == [field]


async def test_main_and_spare_change_places(post: Post) -> None:
    sealer = post.services.sealer
    async with post.tx() as tx:
        first = await servers.create(tx, sealer, NewServer(host="a.test"))
        second = await servers.create(tx, sealer, NewServer(host="b.test"))
        assert (first.position, second.position) == ("main", "spare")
        with pytest.raises(Conflict):
            await servers.create(tx, sealer, NewServer(host="c.test"))
        await servers.change(tx, sealer, second.id, ServerChanges(position="main"))
        assert [row.host for row in await servers.many(tx)] == ["b.test", "a.test"]
        await servers.change(tx, sealer, second.id, ServerChanges(position="spare"))
        assert [row.host for row in await servers.many(tx)] == ["a.test", "b.test"]
        await servers.delete(tx, first.id)
        await through_a_relay(post)
        assert [server.host for server in await servers.of(tx, post.services)] == ["b.test"]


# 93.184.216.34 and its like are public; nothing is connected to
@pytest.mark.req("E-54")
@pytest.mark.parametrize(
    ("address", "let_in"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("127.0.0.1", False),
        ("127.1", False),
        ("0x7f000001", False),
        ("0.0.0.0", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("198.18.0.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("::7f00:1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:93.184.216.34", True),
        ("64:ff9b::10.0.0.1", False),
        ("64:ff9b::5db8:d822", True),
        ("2002:a00:1::", False),
        ("fc00::1", False),
        ("fe80::1%eth0", False),
        ("fec0::1", False),
        ("ff02::1", False),
    ],
)
def test_the_fence_lets_in_what_is_on_the_internet(address: str, let_in: bool) -> None:
    assert Fence().lets(address) is let_in
    assert Fence(down=True).lets(address)


@pytest.mark.req("E-54")
def test_the_operator_lets_single_networks_in() -> None:
    opened = Fence(networks=(ip_network("10.20.0.0/16"), ip_network("fd00:1::/32")))
    assert opened.lets("10.20.3.4")
    assert opened.lets("::ffff:10.20.3.4")
    assert opened.lets("fd00:1::5")
    assert not opened.lets("10.21.0.1")
    assert not opened.lets("127.0.0.1")
    assert not opened.lets_port(22)


def public(services: Services) -> Services:
    """The same services on an installation that everybody reaches."""
    changed = {"public_url": "https://mailer.example"}
    return replace(services, settings=services.settings.model_copy(update=changed))


@pytest.mark.req("E-54")
@pytest.mark.parametrize(
    ("host", "port", "field", "code"),
    [
        ("localhost", 25, "host", "private"),
        ("127.0.0.1", 25, "host", "private"),
        ("[::1]", 25, "host", "private"),
        ("169.254.169.254", 587, "host", "private"),
        ("93.184.216.34", 22, "port", "port"),
        ("127.1", 25, "host", "host"),
        ("0x7f000001", 25, "host", "host"),
        ("2130706433", 25, "host", "host"),
        ("smtp.example.com/x", 25, "host", "host"),
        ("a@b", 25, "host", "host"),
        ("nowhere.invalid", 25, "host", "unknown"),
    ],
)
async def test_a_server_inside_the_fence_is_not_saved(
    services: Services, host: str, port: int, field: str, code: str
) -> None:
    with pytest.raises(Invalid) as caught:
        await servers.look_up(public(services), host, port)
    assert [(one.field, one.code) for one in caught.value.faults] == [(field, code)]


@pytest.mark.req("E-54")
async def test_the_fence_is_asked_again_at_every_connection(
    post: Post, people: People, own: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a name leads elsewhere after it was saved (DNS rebinding)."""
    await through_a_relay(post)
    server_id = await add(post, own)
    post.services = public(post.services)
    monkeypatch.setattr(fence, "PORTS", (own.port,))
    campaign = await post.campaign([await people("ana@example.test")])
    await post.run()
    assert await post.states(campaign) == {"ana@example.test": ("queued", "")}
    assert (own.connections, post.sink.accepted) == (0, [])
    noted = await read(post, server_id)
    assert noted.last_error == "its address belongs to a private network"
    assert noted.failed_at is not None
    assert noted.failed_at <= clock.now()


@pytest.mark.req("E-54")
async def test_the_address_that_was_looked_at_is_the_one_connected_to(
    own: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    loop = asyncio.get_running_loop()
    real = type(loop).getaddrinfo

    async def resolve(self, host, *more, **named):  # type: ignore[no-untyped-def]
        asked.append(host)
        return await real(self, "127.0.0.1" if len(asked) == 1 else "127.0.0.2", *more, **named)

    monkeypatch.setattr(fence, "PORTS", (own.port,))
    inside = Fence(networks=(ip_network("127.0.0.1/32"),))
    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", resolve, raising=False)
    opened = await fence.connect("rebound.test", own.port, inside)
    assert opened.getpeername() == ("127.0.0.1", own.port)
    assert asked == ["rebound.test"]
    opened.close()
