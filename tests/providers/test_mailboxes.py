"""Mailboxes of reports, read from a real IMAP server over TLS: what acts, what is left alone, and after a kill."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from lists import suppressions
from mailer import worker
from mailer.core import clock, jobs, work
from mailer.core.errors import Invalid
from sending import feedback_reports, imap, mailbox_polls, report_mailboxes
from sending.report_mailboxes import NewMailbox, ReportMailbox
from tests.delivery.conftest import EVERY, People, Post
from tests.feedback.returned import complaint, notices_of_delay
from tests.providers import imap_server
from tests.providers.imap_server import HOST, ImapServer


@dataclass
class Box:
    """An account's mailbox, and a campaign that left."""

    post: Post
    people: People
    server: ImapServer

    async def set_up(self, **changes: object) -> ReportMailbox:
        values = {"host": HOST, "username": self.server.username, "password": self.server.password} | changes
        async with self.post.tx() as tx:
            given = await report_mailboxes.access(
                tx, self.post.services.sealer, NewMailbox.model_validate(values)
            )
            return await report_mailboxes.save(tx, self.post.services.sealer, given)

    async def poll(self) -> bool:
        """The job, when it is due. True when it was."""
        due = [
            task
            for task in await work.due(self.post.services.db, EVERY)
            if (task.account_id, task.job) == (self.post.account.id, report_mailboxes.JOB)
        ]
        for task in due:
            await jobs.run_turn(self.post.services, worker.JOBS, task)
        return bool(due)

    async def poll_now(self) -> ReportMailbox:
        async with self.post.tx() as tx:
            found = await report_mailboxes.show(tx)
            await work.add(tx, report_mailboxes.JOB, found.id)
        assert await self.poll()
        async with self.post.tx() as tx:
            return await report_mailboxes.show(tx)

    async def sent(self, *emails: str) -> None:
        await self.post.campaign([await self.people(*emails)])
        await self.post.run()

    def report(self, email: str, status: str = "5.1.1", said: str = "550 5.1.1 user unknown") -> bytes:
        """An RFC 3464 report about the mail that this address got."""
        [mail] = [one for one in self.post.sink.accepted if one.recipient == email]
        head = mail.raw.partition(b"\r\n\r\n")[0]
        return (
            b"From: MAILER-DAEMON@relay.test\r\nTo: retours@boulangerie.test\r\nSubject: Undelivered\r\n"
            b"MIME-Version: 1.0\r\n"
            b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
            b"--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
            b"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; relay.test\r\n\r\n"
            + f"Final-Recipient: rfc822; {email}\r\nAction: failed\r\nStatus: {status}\r\n".encode()
            + f"Diagnostic-Code: smtp; {said}\r\n\r\n".encode()
            + b"--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
            + head
            + b"\r\n\r\n--b--\r\n"
        )

    async def stopped(self, email: str) -> str | None:
        async with self.post.tx() as tx:
            return await suppressions.check(
                tx, await suppressions.hash_of(tx, self.post.services.sealer, email)
            )

    async def counted(self) -> int:
        async with self.post.tx() as tx:
            return int(
                await tx.value("SELECT coalesce(sum(n), 0) FROM feedback_counts WHERE account_id = $1")
            )


@pytest.fixture
async def box(
    post: Post, people: People, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Box]:
    loop = asyncio.get_running_loop()
    ask = loop.getaddrinfo
    async with imap_server.serving(tmp_path) as (server, trusted):

        async def getaddrinfo(host: Any, port: Any, **more: Any) -> Any:
            if str(host).endswith("boulangerie.test"):
                return await ask("127.0.0.1", server.port if port == 993 else server.plain_port, **more)
            return await ask(host, port, **more)

        monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        yield Box(post, people, server)


@pytest.mark.req("D-30", "D-34")
async def test_a_complaint_that_hides_its_recipient_is_known_by_the_mail_it_returns(box: Box) -> None:
    await box.sent("upset@x.test")
    [mail] = box.post.sink.accepted
    box.server.deliver(complaint(mail.raw))
    box.server.deliver(complaint(mail.raw) + b"\r\n")
    await box.set_up()
    assert await box.poll()
    assert await box.stopped("upset@x.test") == "complained"
    async with box.post.tx() as tx:
        told = await tx.value("SELECT count(*) FROM events WHERE account_id = $1 AND kind = 'complaint'")
    assert told == 1


@pytest.mark.req("D-31", "D-33")
@pytest.mark.parametrize(("port", "tls"), [(993, "implicit"), (143, "starttls")])
async def test_reports_act_and_go_to_their_folder_and_others_stay(box: Box, port: int, tls: str) -> None:
    await box.sent("gone@x.test", "full@x.test", "fine@x.test")
    letter = box.server.deliver(b"From: ana@example.test\r\nSubject: Bonjour\r\n\r\nUne question.\r\n")
    box.server.deliver(box.report("gone@x.test"))
    box.server.deliver(box.report("full@x.test", "4.2.2", "452 4.2.2 mailbox full"))
    stranger = box.server.deliver(
        box.report("fine@x.test").replace(b"rfc822; fine@x.test", b"rfc822; other@x.test")
    )
    await box.set_up(port=port, tls=tls, done_folder="Traite")
    assert await box.poll()
    assert [await box.stopped(one) for one in ("gone@x.test", "full@x.test", "fine@x.test")] == [
        "bounced",
        None,
        None,
    ]
    assert box.server.uids() == [letter, stranger]
    assert (box.server.flags(letter), box.server.flags(stranger)) == (set(), set())
    assert len(box.server.uids("Traite")) == 2
    found = await box.poll_now()
    assert (found.taken, found.left_alone, found.last_error) == (2, 2, "")
    assert found.checked_at is not None
    assert await box.counted() == 2


async def test_a_notice_that_a_mail_is_late_is_no_failure(box: Box) -> None:
    await box.sent("slow@x.test")
    late = box.report("slow@x.test", "4.4.1", "451 4.4.1 no answer").replace(b"failed", b"delayed")
    [mail] = box.post.sink.accepted
    for raw in (late, *notices_of_delay("slow@x.test", mail.raw.partition(b"\r\n\r\n")[0])):
        box.server.deliver(raw)
    await box.set_up(done_folder="Traite")
    await box.poll()
    assert (len(box.server.uids("Traite")), await box.counted()) == (5, 0)
    async with box.post.tx() as tx:
        assert await tx.value("SELECT count(*) FROM soft_bounces WHERE account_id = $1") == 0
        assert await tx.value("SELECT status FROM deliveries WHERE account_id = $1") == "delivered"


async def test_without_a_folder_they_are_marked_as_read_and_never_deleted(box: Box) -> None:
    await box.sent("gone@x.test")
    box.server.moves = False
    marked = box.server.deliver(b"Subject: somebody marked me\r\n\r\nx\r\n")
    box.server.folders["INBOX"].mails[0].flags.add("\\Deleted")
    report = box.server.deliver(box.report("gone@x.test"))
    await box.set_up(done_folder="Traite")
    await box.poll()
    assert box.server.uids() == [marked, report]
    assert box.server.flags(report) == {"\\Seen"}
    assert await box.stopped("gone@x.test") == "bounced"
    assert not {"EXPUNGE", "UID COPY", "UID MOVE"} & set(box.server.heard)


@pytest.mark.parametrize("tells_next", [True, False])
async def test_each_mail_is_read_once_and_all_again_when_the_server_counts_anew(
    box: Box, tells_next: bool
) -> None:
    box.server.tells_next = tells_next
    await box.sent("gone@x.test")
    for n in range(120):
        box.server.deliver(f"Subject: {n}\r\n\r\n{n}\r\n".encode())
    await box.set_up()
    await box.poll()
    assert (await box.poll_now()).left_alone == 120
    box.server.deliver(box.report("gone@x.test"))
    box.server.heard.clear()
    assert (await box.poll_now()).taken == 1
    assert box.server.heard.count("UID FETCH") == 2
    box.server.validity += 1
    box.server.folders["INBOX"].mails = box.server.folders["INBOX"].mails[-1:]
    assert (await box.poll_now()).taken == 2
    # the same report twice is one
    assert await box.counted() == 1


async def test_a_worker_that_dies_in_between_loses_nothing_and_counts_nothing_twice(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    await box.sent("gone@x.test", "full@x.test")
    box.server.deliver(box.report("gone@x.test"))
    box.server.deliver(box.report("full@x.test", "4.2.2", "452 4.2.2 mailbox full"))
    await box.set_up(done_folder="Traite")

    class Killed(BaseException):
        pass

    def dies(*_: object, **__: object) -> Any:
        raise Killed

    async with box.post.tx() as tx:
        found = await report_mailboxes.show(tx)
    task = work.Task(box.post.account.id, report_mailboxes.JOB, found.id, 0, 1)
    for where, what in ((imap.Mailbox, "settle"), (report_mailboxes, "note_read")):
        with monkeypatch.context() as patched:
            patched.setattr(where, what, dies)
            with pytest.raises(Killed):
                await mailbox_polls.poll(box.post.services, task)
    assert await box.stopped("gone@x.test") == "bounced"
    await mailbox_polls.poll(box.post.services, task)
    assert box.server.uids() == []
    assert len(box.server.uids("Traite")) == 2
    assert await box.counted() == 2


async def test_a_mail_that_breaks_something_stops_no_other(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    await box.sent("gone@x.test")
    poison = box.server.deliver(b"Subject: poison\r\n\r\nx\r\n")
    box.server.deliver(box.report("gone@x.test"))
    await box.set_up(done_folder="Traite")
    act = feedback_reports.act

    async def sometimes(*args: Any) -> Any:
        if args[2][0].finding.message_id == "":
            raise RuntimeError
        return await act(*args)

    monkeypatch.setattr(feedback_reports, "act", sometimes)
    await box.poll()
    assert box.server.uids() == [poison]
    assert await box.stopped("gone@x.test") == "bounced"


@pytest.mark.parametrize(
    ("changes", "server", "why"),
    [
        ({}, {"password": "other"}, "sign_in"),
        ({"folder": "Nulle part"}, {}, "folder"),
        ({"done_folder": "Nulle part"}, {}, "done_folder"),
        # a certificate of another name
        ({"host": "other.boulangerie.test"}, {}, "tls"),
        ({}, {"late": 3}, "away"),
        ({}, {"endless": True}, "odd"),
    ],
)
async def test_what_goes_wrong_is_named_and_tried_less_and_less(
    box: Box, changes: dict[str, object], server: dict[str, object], why: str
) -> None:
    box.server.deliver(b"Subject: x\r\n\r\nx\r\n")
    await box.set_up(**changes)
    for name, value in server.items():
        setattr(box.server, name, value)
    for _ in range(2):
        found = await box.poll_now()
        assert (found.last_error, found.taken) == (why, 0)
    assert not await box.poll()
    assert found.failed_at is not None
    waits = [mailbox_polls.backoff(n) / timedelta(minutes=1) for n in (0, 1, 2, 5, 6, 100)]
    assert waits == [1, 2, 4, 32, 60, 60]


@pytest.mark.req("E-54")
async def test_the_fence_keeps_private_networks_out(box: Box) -> None:
    await box.set_up()
    settings = box.post.services.settings.model_copy(update={"public_url": "https://mailer.example.org"})
    box.post.services = replace(box.post.services, settings=settings)
    assert (await box.poll_now()).last_error == "private"
    assert box.server.heard == []
    with pytest.raises(Invalid) as met:
        await report_mailboxes.look_up(box.post.services, HOST, 993)
    assert met.value.faults[0].code == "private"


@pytest.mark.req("A-082")
async def test_the_password_is_sealed_and_bound_to_where_it_goes(box: Box) -> None:
    await box.set_up()
    async with box.post.tx() as tx:
        sealed = await tx.value("SELECT sealed_password FROM report_mailboxes WHERE account_id = $1")
        assert box.server.password.encode() not in sealed
    assert (await box.set_up(password="", folder="Traite")).folder == "Traite"
    for changes, field in (
        ({"host": "other.boulangerie.test"}, "password"),
        ({"username": "somebody"}, "password"),
        ({"port": 143, "tls": "starttls"}, "password"),
        ({"port": 143}, "tls"),
    ):
        with pytest.raises(Invalid) as met:
            await box.set_up(**({"password": ""} | changes))
        assert met.value.faults[0].field == field
    async with box.post.tx() as tx:
        # as if the secret key had been changed
        await tx.run("UPDATE report_mailboxes SET sealed_password = '\\x00' WHERE account_id = $1")
    assert (await box.poll_now()).last_error == "sealed"


async def test_a_mailbox_that_is_deleted_is_polled_no_more(box: Box) -> None:
    await box.set_up()
    assert await box.poll()
    async with box.post.tx() as tx:
        found = await report_mailboxes.show(tx)
        await report_mailboxes.delete(tx)
        await work.add(tx, report_mailboxes.JOB, found.id)
    box.server.heard.clear()
    assert await box.poll()
    assert box.server.heard == []
    clock.shift(timedelta(hours=2))
    assert not await box.poll()
