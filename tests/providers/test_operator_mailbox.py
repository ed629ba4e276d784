"""The installation's mailbox: set by a command, read like an account's, of whichever account the mail was."""

import io
import json
from collections.abc import AsyncIterator

import pytest

from mailer import command_options, mailbox_command, worker
from mailer.core import jobs, work
from sending import operator_mailbox
from tests.delivery.conftest import EVERY
from tests.providers.imap_server import HOST
from tests.providers.test_mailboxes import Box, box

__all__ = ["box"]


@pytest.fixture(autouse=True)
async def nobodys(box: Box) -> AsyncIterator[None]:
    """One row a database: the next test finds none."""
    yield
    async with box.post.services.db.shared() as tx:
        await operator_mailbox.remove(tx)


async def command(box: Box, monkeypatch: pytest.MonkeyPatch, *args: str, password: str = "") -> int:
    parsed = command_options.build().parse_args(["mailbox", *args])
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
    return await mailbox_command.run(box.post.services.settings, parsed)


async def polled(box: Box) -> bool:
    due = [
        task
        for task in await work.due(box.post.services.db, EVERY)
        if (task.account_id, task.job) == (work.PLATFORM, operator_mailbox.JOB)
    ]
    for task in due:
        await jobs.run_turn(box.post.services, worker.JOBS, task)
    return bool(due)


@pytest.mark.req("D-30")
async def test_a_report_reaches_the_account_whose_mail_it_was(
    box: Box, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await box.sent("gone@x.test", "kept@x.test")
    real = box.report("gone@x.test")
    # names the account, and a Message-ID that its key never made
    forged = box.report("kept@x.test").replace(b"Message-ID: <", b"Message-ID: <0")
    nobodys = box.report("kept@x.test").replace(f":a{box.post.account.id}:".encode(), b":a999999999:")
    for raw in (b"Subject: hello\r\n\r\nx\r\n", forged, nobodys, real):
        box.server.deliver(raw)
    given = ("set", "--host", HOST, "--username", box.server.username, "--done-folder", "Traite")
    assert await command(box, monkeypatch, *given, password="wrong") == 1
    assert "user name and password" in capsys.readouterr().err
    assert await command(box, monkeypatch, "show") == 1
    assert await command(box, monkeypatch, *given, password=box.server.password) == 0
    assert await polled(box)
    assert await box.stopped("gone@x.test") == "bounced"
    assert await box.stopped("kept@x.test") is None
    assert (len(box.server.uids()), len(box.server.uids("Traite"))) == (3, 1)
    capsys.readouterr()
    assert await command(box, monkeypatch, "show", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["host"], told["taken"], told["left_alone"], told["last_error"]) == (HOST, 1, 3, "")
    assert box.server.password not in json.dumps(told)
    box.server.password = "changed"
    async with box.post.services.db.shared() as tx:
        await work.add(tx, operator_mailbox.JOB, 0)
    assert await polled(box)
    assert await command(box, monkeypatch, "show") == 0
    assert "does not take the user name" in capsys.readouterr().out
    assert await command(box, monkeypatch, "remove") == 0
    assert await command(box, monkeypatch, "remove") == 1


async def test_another_mailbox_is_read_from_its_beginning(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    await box.sent("gone@x.test")
    given = ("set", "--host", HOST, "--username", box.server.username, "--starttls")
    assert await command(box, monkeypatch, *given, password=box.server.password) == 0
    box.server.deliver(box.report("gone@x.test"))
    assert await polled(box)
    assert await box.stopped("gone@x.test") == "bounced"
    assert await command(box, monkeypatch, *given, password=box.server.password) == 0
    async with box.post.services.db.shared() as tx:
        found = await operator_mailbox.opened(tx, box.post.services.sealer)
    assert found is not None
    assert found[1].last_uid == 0
    assert await box.counted() == 1
