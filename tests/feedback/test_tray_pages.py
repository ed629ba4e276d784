"""Unrecognised replies as people see them: text only, with the mail they answer, until somebody has dealt with them."""

import re

import pytest

from mailer.accounts import audit
from mailer.core.db import SharedTx
from sending import inbound_text, inbound_tray
from tests.client import Client
from tests.feedback.conftest import Desk
from tests.lists_pages.test_contact_pages import sound

HOSTILE = b"\r\n".join(
    [
        b"From: =?utf-8?q?Zo=C3=A9_<script>alert(1)</script>?= <zoe@people.test>",
        b"Subject: =?utf-8?b?UXVlc3Rpb24gw6kgPGltZyBzcmM9eD4=?=",
        b"MIME-Version: 1.0",
        b"Content-Type: text/html; charset=utf-8",
        b"",
        b"<p>Bonjour</p><script>document.title='x'</script><img src='https://tracker.test/p.gif'>",
        b"<a href='javascript:alert(1)' onclick='x()'>ici</a>",
        b"",
    ]
)


async def _visitor(desk: Desk, language: str = "en") -> Client:
    return await desk.post.make.signed_in(desk.post.account.owner_id, language=language)


async def _strange(desk: Desk, raw: bytes = HOSTILE) -> tuple[int, int]:
    """Campaign, and the mail in the tray that answers it."""
    campaign, sent = await desk.sent("ana@taken.test")
    await desk.arrives(sent["ana@taken.test"].mail_from, raw, "zoe@people.test")
    await desk.read()
    async with desk.post.tx() as tx:
        mail_id = await tx.value("SELECT id FROM inbound_mails WHERE account_id = $1 AND state = 'open'")
    return campaign, mail_id


@pytest.mark.parametrize(
    ("language", "title", "empty"),
    [
        ("fr", "Réponses non reconnues", "ne reçoit pas de courrier"),
        ("en", "Unrecognised replies", "No mail comes in here"),
    ],
)
async def test_an_empty_tray_says_so(desk: Desk, language: str, title: str, empty: str) -> None:
    visitor = await _visitor(desk, language)
    page = sound(await visitor.get(f"{desk.post.account.app}/senders/replies"))
    assert title in page
    assert empty in page
    assert (
        f"{desk.post.account.app}/senders/replies"
        in (await visitor.get(f"{desk.post.account.app}/senders")).text
    )


@pytest.mark.req("E-01", "E-06")
async def test_a_reply_is_shown_as_text_and_leads_to_what_it_answers(desk: Desk) -> None:
    campaign, mail_id = await _strange(desk)
    visitor = await _visitor(desk)
    listed = sound(await visitor.get(f"{desk.post.account.app}/senders/replies"))
    assert "Question é &lt;img src=x&gt;" in listed
    shown = sound(await visitor.get(f"{desk.post.account.app}/senders/replies/{mail_id}"))
    assert "Bonjour" in shown
    assert "alert(1)&lt;/script&gt;" in shown  # in a name: words, no element
    for odd in ("<script>alert", "document.title", "tracker.test", "javascript:", "onclick"):
        assert odd not in shown, odd
    assert f"/campaigns/{campaign}" in shown
    assert re.search(r"/contacts/\d+", shown)


@pytest.mark.req("B-60")
async def test_marking_it_is_written_down_once(desk: Desk) -> None:
    _, mail_id = await _strange(desk)
    visitor, place = await _visitor(desk), f"{desk.post.account.app}/senders/replies"
    for _ in range(2):
        answer = await visitor.post(f"{place}/{mail_id}/handling")
        assert (answer.status, answer.location) == (303, place)
    assert f"{place}/{mail_id}" not in (await visitor.get(place)).text
    assert f"{place}/{mail_id}" in (await visitor.get(f"{place}?state=handled")).text
    assert "/handling" not in sound(await visitor.get(f"{place}/{mail_id}"))
    async with desk.post.tx() as tx:
        rows = await tx.rows(
            "SELECT action, object, object_id FROM audit WHERE account_id = $1 AND object = 'inbound_mail'"
        )
        assert await audit.members(tx)
    assert rows == [("handled", "inbound_mail", mail_id)]
    assert (await visitor.post(f"{place}/{mail_id + 1000}/handling")).status == 404
    assert (await visitor.get(f"{place}?state=new")).status == 422
    assert (await visitor.get(f"{place}?cursor=x")).status in (400, 422)


@pytest.mark.req("E-50")
async def test_what_was_understood_is_shown_to_nobody(desk: Desk) -> None:
    _, sent = await desk.sent("ana@taken.test")
    await desk.arrives(sent["ana@taken.test"].mail_from, b"Auto-Submitted: auto-replied\r\n\r\nx\r\n")
    await desk.read()
    async with desk.post.tx() as tx:
        mail_id = await tx.value("SELECT id FROM inbound_mails WHERE account_id = $1")
    visitor = await _visitor(desk)
    assert (await visitor.get(f"{desk.post.account.app}/senders/replies/{mail_id}")).status == 404


async def test_the_tray_is_read_page_by_page(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbound_tray, "PAGE", 2)
    _, sent = await desk.sent("ana@taken.test")
    for n in range(3):
        raw = f"Subject: Lettre {n}\r\n\r\nx\r\n".encode()
        await desk.arrives(sent["ana@taken.test"].mail_from, raw, "zoe@people.test")
    await desk.read()
    visitor = await _visitor(desk)
    first = (await visitor.get(f"{desk.post.account.app}/senders/replies")).text
    assert [n for n in range(3) if f"Lettre {n}" in first] == [1, 2]
    follow = re.search(r'href="([^"]*cursor=[^"]+)"', first)
    assert follow is not None
    second = (await visitor.get(follow[1].replace("&amp;", "&"))).text
    assert [n for n in range(3) if f"Lettre {n}" in second] == [0]


async def _operator(desk: Desk) -> Client:
    user_id, _ = await desk.post.make.user(None)
    async with desk.services.db.shared() as tx:
        await _promote(tx, user_id)
    return await desk.post.make.signed_in(user_id)


async def _promote(tx: SharedTx, user_id: int) -> None:
    await tx.run("UPDATE users SET is_operator = true WHERE id = $1", user_id)


@pytest.mark.req("A-017")
async def test_mail_to_the_operator_is_the_operators(desk: Desk) -> None:
    await desk.arrives("abuse@mailer.localhost", HOSTILE, "zoe@people.test")
    await desk.read()
    async with desk.services.db.shared() as tx:
        mail_id = await tx.value("SELECT max(id) FROM stray_mails WHERE state = 'open'")
    owner, operator = await _visitor(desk), await _operator(desk)
    for path in ("", f"/{mail_id}"):
        assert (await owner.get(f"/app/operator/mail{path}")).status == 404
    assert (await owner.post(f"/app/operator/mail/{mail_id}/handling")).status == 404
    assert "Question é" in sound(await operator.get("/app/operator/mail"))
    shown = sound(await operator.get(f"/app/operator/mail/{mail_id}"))
    assert "Bonjour" in shown
    assert "tracker.test" not in shown
    assert (await operator.post(f"/app/operator/mail/{mail_id}/handling")).status == 303
    assert (await operator.get(f"/app/operator/mail/{mail_id}")).status == 404


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff\xfe",
        b"Subject: =?x-nothing?b?####?=\r\nContent-Type: text/plain; charset=x-nothing\r\n\r\n\xe9\r\n",
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + b"--a\r\n\r\nx\r\n" * 5000,
        b"Content-Type: multipart/mixed\r\n\r\n--\r\n",
        b"Subject: \xe2\x80\xaegpj.exe\r\n\r\nx",
    ],
)
def test_any_mail_can_be_shown(raw: bytes) -> None:
    shown = inbound_text.shown(raw)
    assert len(shown.text) <= inbound_text.LONGEST
    assert "\u202e" not in shown.subject
