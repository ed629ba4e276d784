"""What the doctor says of the listener for incoming mail."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from mailer.core.settings import Settings
from mailer.doctor_inbound import inbound
from mailer.finding import Mark
from tests.running.processes import free_port


@asynccontextmanager
async def greeting(line: bytes) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(line)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def given(settings: Settings, listen: str, *, public: bool = False) -> Settings:
    changed: dict[str, object] = {"inbound_listen": listen}
    if public:
        changed |= {"public_url": "https://mailer.example.org", "mail_domain": "mail.example.org"}
    return settings.model_copy(update=changed)


@pytest.mark.parametrize(
    ("line", "mark", "said"),
    [(b"220 mail ESMTP\r\n", Mark.OK, "takes mail for"), (b"SSH-2.0-x\r\n", Mark.WRONG, "answers: SSH")],
)
async def test_the_listener_is_asked_for_its_greeting(
    settings: Settings, line: bytes, mark: Mark, said: str
) -> None:
    async with greeting(line) as port:
        [found] = await inbound(given(settings, f"127.0.0.1:{port}"))
        assert (found.mark, said in found.text) == (mark, True)
        # seen from the machine itself, all addresses are this one
        [found] = await inbound(given(settings, f"0.0.0.0:{port}"))
        assert found.mark is mark


async def test_a_listener_that_does_not_answer_is_told(settings: Settings) -> None:
    [found] = await inbound(given(settings, f"127.0.0.1:{free_port()}"))
    assert (found.mark, "nothing answers" in found.text) == (Mark.LOOK, True)


async def test_a_public_installation_without_one_is_told_what_it_loses(settings: Settings) -> None:
    [found] = await inbound(given(settings, "", public=True))
    assert (found.mark, "complaints" in found.text) == (Mark.LOOK, True)
    [local] = await inbound(given(settings, ""))
    assert local.mark is Mark.OK
