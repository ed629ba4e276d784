"""Commands in groups: whatever a server answers, each reply goes to its mail, and none is handed over twice."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from sending.smtp import Mail, Pool, Reply, Timeouts
from sending.smtp_url import Server
from tests.smtp_server import DIE, OK, Received, Sink

PIPELINING = ("PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES")
SHORT = Timeouts(banner=5, mail=0.5, rcpt=0.5, data=0.5, block=1, end=0.5)
ENDS = (
    "250 2.0.0 Ok",
    "550 5.7.1 no",
    "451 4.3.0 later",
    "421 4.3.0 closing",
    DIE,
    "eh?",
    "250-2.0.0 a\r\n250 b",
)
MIDDLE = (
    OK,
    "550 5.1.1 unknown",
    "452 4.2.2 full",
    "421 4.3.0 closing",
    DIE,
    "2",
    "550-5.1.1 a\r\n550 5.1.1 b",
)


def mails(count: int, size: int = 200) -> list[Mail]:
    body = b"Subject: x\r\n\r\n" + b"a" * 60 + b"\r\n.dot\r\n" + (b"b" * 70 + b"\r\n") * (size // 72)
    return [Mail("b@mailer.test", f"p{n}@example.test", body) for n in range(count)]


async def hand_over(sink: Sink, wanted: list[Mail], *, size: int = 3, waits: Timeouts = SHORT) -> list[Reply]:
    pool = Pool(Server("127.0.0.1", sink.port), "client.test", timeouts=waits, size=size)
    try:
        return await pool.hand_over_all(wanted)
    finally:
        await pool.close()


@pytest.mark.req("D-15")
async def test_the_next_commands_leave_behind_the_body_before() -> None:
    async with Sink(extensions=PIPELINING) as sink:
        wanted = mails(250)
        replies = await hand_over(sink, wanted, size=1)
        assert {reply.code for reply in replies} == {250}
        assert sink.recipients == [mail.recipient for mail in wanted]
        assert [mail.raw for mail in sink.accepted] == [mail.message for mail in wanted]
        # RFC 2920 §3.1: EHLO and QUIT end a group; nothing stands behind them
        assert sink.commands.count("EHLO client.test") == sink.commands.count("QUIT") == sink.connections == 3


@pytest.mark.req("D-15")
async def test_without_the_offer_each_command_waits() -> None:
    pending = 0

    async def slowly(mail: Received) -> str:
        nonlocal pending
        before = len(sink.commands)
        await asyncio.sleep(0.01)
        pending = max(pending, len(sink.commands) - before)
        return OK

    async with Sink(extensions=("8BITMIME",), mail=slowly) as sink:
        await hand_over(sink, mails(5), size=1)
        assert (len(sink.accepted), pending) == (5, 0)


@pytest.mark.req("D-14", "D-15", "D-22")
@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(n, marks=pytest.mark.long) for n in range(2, 6))])
@pytest.mark.parametrize("extensions", [PIPELINING, PIPELINING[1:]])
async def test_whatever_is_answered_goes_to_its_mail(seed: int, extensions: tuple[str, ...]) -> None:
    chance = random.Random(seed)
    wanted = mails(150)
    # most go through, so that many stand behind one that does not
    script = {
        mail.recipient: {
            "rcpt": chance.choice(MIDDLE) if chance.random() < 0.2 else OK,
            "data": chance.choice(MIDDLE[1:]) if chance.random() < 0.1 else "354 go on",
            "end": chance.choice(ENDS) if chance.random() < 0.2 else OK,
        }
        for mail in wanted
    }

    def answer(stage: str) -> Callable[[Received], str | Awaitable[str]]:
        return lambda mail: script[mail.recipient][stage] if mail.recipient else "503 5.5.1 who?"

    rcpt = {who: one["rcpt"] for who, one in script.items()}
    async with Sink(
        extensions=extensions, rcpt=rcpt, data=answer("data"), end=answer("end"), slices=seed % 3
    ) as sink:
        replies: dict[str, Reply] = {}
        # a server that breaks a new connection is left alone: the rest is tried again, as a later turn does
        for _ in range(200):
            left = [mail for mail in wanted if mail.recipient not in replies]
            if not left:
                break
            for mail, reply in zip(left, await hand_over(sink, left), strict=True):
                if reply.stage != "connect" and not (reply.unreached and reply.stage == "mail"):
                    replies[mail.recipient] = reply
        accepted = Counter(sink.recipients)
    assert replies.keys() == script.keys()
    for who, reply in replies.items():
        assert accepted[who] <= 1
        if reply.code // 100 == 2:
            assert (reply.stage, accepted[who]) == ("end", 1), (who, reply, script[who])
        elif not reply.in_doubt:
            assert accepted[who] == 0, (who, reply, script[who])
        said = script[who]
        if said == {"rcpt": OK, "data": "354 go on", "end": said["end"]} and said["end"][:3] in (
            "250",
            "550",
            "451",
        ):
            # a neighbour's end may break the connection under it, never change what it was told
            assert reply.code in (int(said["end"][:3]), 0), (who, reply, said)
        if reply.code and reply.stage == "rcpt":
            assert said["rcpt"].startswith(str(reply.code))


@pytest.mark.req("D-12", "D-22")
async def test_a_server_that_dies_behind_the_dot_leaves_few_doubts() -> None:
    async with Sink(extensions=PIPELINING, end=DIE) as sink:
        replies = await hand_over(sink, mails(64), size=8)
    stages = Counter(reply.stage for reply in replies)
    assert 1 <= sum(reply.in_doubt for reply in replies) <= 8
    assert stages["end"] + stages["connect"] == 64
    assert not sink.accepted


@pytest.mark.req("D-22")
async def test_a_large_body_lost_on_the_way_is_no_doubt() -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hi\r\n")
        while not (line := await reader.readline()).startswith(b"DATA"):
            many = b"250-cut.test\r\n250 PIPELINING\r\n" if line.startswith(b"EHLO") else b"250 Ok\r\n"
            writer.write(many)
        writer.write(b"354 go on\r\n")
        await reader.read(1000)
        writer.transport.abort()

    server = await asyncio.start_server(cut, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    for size in (8_000_000, 60_000):
        pool = Pool(Server("127.0.0.1", port), "client.test")
        [reply] = await pool.hand_over_all(mails(1, size))
        # the kernel may have taken the small one whole: then nobody knows
        assert (reply.stage, reply.code) == ("data", 0) or size < 100_000
    server.close()


async def test_a_server_that_lets_few_in_still_gets_all() -> None:
    async with Sink(extensions=PIPELINING) as sink:
        sink.most_allowed = 2
        replies = await hand_over(sink, mails(60), size=8)
        assert {reply.code for reply in replies} == {250}
        assert sink.most_open <= 3


@pytest.mark.req("D-14")
async def test_a_word_nobody_asked_for_ends_an_idle_connection() -> None:
    async with Sink(extensions=PIPELINING) as sink:
        pool = Pool(Server("127.0.0.1", sink.port), "client.test")
        assert (await pool.hand_over(mails(1)[0])).code == 250
        for writer in list(sink._writers):
            writer.write(b"421 4.4.2 timeout\r\n")
        await asyncio.sleep(0.05)
        assert (await pool.hand_over(mails(1)[0])).code == 250
        await pool.close()
        assert sink.connections == 2
