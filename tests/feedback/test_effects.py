"""What comes back by mail takes effect: bounces, complaints, unsubscribes, and what a person has to look at."""

import re
from email import message_from_bytes

import pytest

from lists import contact_timeline, suppressions
from sending import evidence, outcomes, transactional
from sending.transactional_order import NewMessage, Recipient
from tests.campaigns.conftest import confirmed_sender
from tests.delivery.conftest import Post
from tests.feedback.conftest import Desk
from tests.feedback.returned import LETTER, VACATION, complaint, notices_of_delay, report


async def _row(post: Post, campaign: int, email: str) -> tuple[str, str, str, int | None, str]:
    async with post.tx() as tx:
        [row] = await tx.rows(
            """
            SELECT d.status, d.reason, d.bounce_reason, d.smtp_code::int, d.smtp_reply
            FROM deliveries d
            JOIN contacts c ON c.account_id = $1 AND c.id = d.contact_id
            WHERE d.account_id = $1 AND d.campaign_id = $2 AND c.email = $3
            """,
            campaign,
            email,
        )
    return row  # type: ignore[return-value]  # five columns


@pytest.mark.req("D-30", "D-31", "D-33", "S1")
async def test_a_late_hard_bounce_suppresses_the_address(desk: Desk) -> None:
    campaign, sent = await desk.sent("gone@taken.test", "here@taken.test")
    assert (
        await desk.arrives(sent["gone@taken.test"].mail_from, report("gone@taken.test")) == "250 2.0.0 Kept"
    )
    await desk.read()
    assert await _row(desk.post, campaign, "gone@taken.test") == (
        "bounced",
        "hard",
        "user unknown",
        550,
        "550 5.1.1 User unknown",
    )
    assert (await _row(desk.post, campaign, "here@taken.test"))[0] == "delivered"
    assert await desk.suppressions() == [("gone@taken.test", "bounced", None)]
    assert await desk.events(campaign) == ["bounce"]
    assert await desk.mails() == [("done", "hard", False)]
    async with desk.post.tx() as tx:
        found = await outcomes.balance(tx, campaign)
        figures = await evidence.figures(tx, campaign)
    # S1: the audience is the sum, and what was sent stays sent
    assert (found.audience, found.delivered, found.bounced_hard, found.sent) == (2, 1, 1, 2)
    assert (figures.delivered, figures.hard, figures.sent) == (1, 1, 2)


@pytest.mark.req("D-32")
@pytest.mark.parametrize(
    ("status", "said", "kind", "reason"),
    [
        ("5.7.1", "550 5.7.1 Rejected by local policy", "block", "policy"),
        ("5.7.26", "550 5.7.26 Unauthenticated email is not accepted", "block", "auth failure"),
        ("5.2.2", "552 5.2.2 Mailbox full", "soft", "mailbox full"),
    ],
)
async def test_a_block_or_a_passing_fault_leaves_the_address(
    desk: Desk, status: str, said: str, kind: str, reason: str
) -> None:
    campaign, sent = await desk.sent("ana@taken.test")
    await desk.arrives(sent["ana@taken.test"].mail_from, report("ana@taken.test", status=status, said=said))
    await desk.read()
    assert (await _row(desk.post, campaign, "ana@taken.test"))[:3] == ("bounced", kind, reason)
    assert await desk.suppressions() == []


@pytest.mark.req("D-31")
async def test_a_notice_of_delay_is_no_bounce(desk: Desk) -> None:
    campaign, sent = await desk.sent("ana@taken.test")
    late = report("ana@taken.test", status="4.4.1", action="delayed", said="451 4.4.1 try later")
    await desk.arrives(sent["ana@taken.test"].mail_from, late)
    await desk.read()
    assert (await _row(desk.post, campaign, "ana@taken.test"))[0] == "delivered"
    assert [state for state, _, _ in await desk.mails()] == ["done"]


@pytest.mark.req("D-31", "D-33")
@pytest.mark.parametrize("raw", notices_of_delay())
async def test_a_notice_of_delay_in_words_or_in_base64_is_no_bounce_either(desk: Desk, raw: bytes) -> None:
    campaign, sent = await desk.sent("ana@taken.test")
    await desk.arrives(sent["ana@taken.test"].mail_from, raw)
    await desk.read()
    assert (await _row(desk.post, campaign, "ana@taken.test"))[0] == "delivered"
    assert await desk.events(campaign) == []
    assert await desk.mails() == [("done", "soft", False)]
    async with desk.post.tx() as tx:
        assert await tx.value("SELECT count(*) FROM soft_bounces WHERE account_id = $1") == 0
    # it fails for good after all
    await desk.arrives(sent["ana@taken.test"].mail_from, report("ana@taken.test"))
    await desk.read()
    assert (await _row(desk.post, campaign, "ana@taken.test"))[:2] == ("bounced", "hard")


@pytest.mark.req("D-31")
async def test_of_several_mailboxes_one_that_failed_says_more_than_one_that_is_late(desk: Desk) -> None:
    """The recipient's own alias: both reports are of one delivery."""
    campaign, sent = await desk.sent("ana@taken.test")
    late = report("a@taken.test", status="4.7.1", action="delayed", said="451 4.7.1 blocked by policy")
    failed = b"Final-Recipient: rfc822; b@taken.test\r\nAction: failed\r\nStatus: 5.2.2\r\n\r\n--b\r\nContent-Type: text/rfc"
    raw = late.replace(b"--b\r\nContent-Type: text/rfc", failed)
    await desk.arrives(sent["ana@taken.test"].mail_from, raw)
    await desk.read()
    assert (await _row(desk.post, campaign, "ana@taken.test"))[:3] == ("bounced", "soft", "mailbox full")


@pytest.mark.req("D-30")
async def test_a_report_that_comes_twice_changes_nothing(desk: Desk) -> None:
    campaign, sent = await desk.sent("gone@taken.test")
    path = sent["gone@taken.test"].mail_from
    for raw in (
        report("gone@taken.test"),
        report("gone@taken.test"),
        report("gone@taken.test", said="550 no"),
    ):
        await desk.arrives(path, raw)
        await desk.read()
    # the same octets are the same mail; another report of the same finds it done
    assert [state for state, _, _ in await desk.mails()] == ["done", "done"]
    assert await desk.events(campaign) == ["bounce"]
    async with desk.post.tx() as tx:
        assert (await evidence.figures(tx, campaign)).hard == 1


@pytest.mark.req("D-30")
async def test_a_soft_bounce_that_turns_hard_counts_once(desk: Desk) -> None:
    campaign, sent = await desk.sent("gone@taken.test")
    path = sent["gone@taken.test"].mail_from
    await desk.arrives(path, report("gone@taken.test", status="5.2.2", said="552 5.2.2 Mailbox full"))
    await desk.read()
    await desk.arrives(path, report("gone@taken.test"))
    await desk.read()
    assert (await _row(desk.post, campaign, "gone@taken.test"))[:3] == ("bounced", "hard", "user unknown")
    async with desk.post.tx() as tx:
        figures = await evidence.figures(tx, campaign)
    assert (figures.delivered, figures.hard, figures.sent) == (0, 1, 1)


@pytest.mark.req("D-33", "S5")
async def test_an_address_that_was_changed_since_is_not_stopped(desk: Desk) -> None:
    _, sent = await desk.sent("old@taken.test")
    async with desk.post.tx() as tx:
        [(contact, old)] = await tx.rows("SELECT id, address_hash FROM contacts WHERE account_id = $1")
        new = await desk.post.make.contact(tx, "new@taken.test")
        await tx.run("DELETE FROM contacts WHERE account_id = $1 AND id = $2", new)
        await tx.run(
            """
            UPDATE contacts SET email = 'new@taken.test', address_key = 'new@taken.test',
                address_hash = decode(md5('another'), 'hex')
            WHERE account_id = $1 AND id = $2
            """,
            contact,
        )
    await desk.arrives(sent["old@taken.test"].mail_from, report("old@taken.test"))
    await desk.read()
    async with desk.post.tx() as tx:
        assert await tx.rows("SELECT address_hash FROM suppressions WHERE account_id = $1") == [(old,)]
        assert await tx.value("SELECT status FROM deliveries WHERE account_id = $1") == "bounced"


@pytest.mark.req("D-22", "S1")
async def test_later_evidence_resolves_a_doubt(desk: Desk) -> None:
    campaign, sent = await desk.sent("a@taken.test", "b@taken.test")
    async with desk.post.tx() as tx:
        # as if the replies had been lost
        await tx.run("DELETE FROM evidence WHERE account_id = $1")
        await tx.run("DELETE FROM deliveries WHERE account_id = $1")
        await tx.run(
            """
            INSERT INTO deliveries (account_id, campaign_id, contact_id, month, list_id, status, first_at, final_at)
            SELECT $1, g.id, c.id, g.month, l.list_id, 'in_doubt', now(), now()
            FROM campaigns g, contacts c, campaign_lists l
            WHERE g.account_id = $1 AND c.account_id = $1 AND l.account_id = $1 AND g.id = $2
              AND l.campaign_id = g.id
            """,
            campaign,
        )
    await desk.arrives(sent["a@taken.test"].mail_from, report("a@taken.test"))
    arrived = report("b@taken.test", status="2.0.0", action="delivered", said="250 2.0.0 Ok")
    await desk.arrives(sent["b@taken.test"].mail_from, arrived)
    await desk.read()
    assert (await _row(desk.post, campaign, "a@taken.test"))[:2] == ("bounced", "hard")
    assert (await _row(desk.post, campaign, "b@taken.test"))[:2] == ("delivered", "")


@pytest.mark.req("D-30", "S1")
async def test_a_bounce_before_the_acceptance_was_written_down_waits(desk: Desk) -> None:
    campaign, sent = await desk.sent("gone@taken.test")
    async with desk.post.tx() as tx:
        await tx.run("DELETE FROM deliveries WHERE account_id = $1")
        await tx.run(
            """
            INSERT INTO deliveries (account_id, campaign_id, contact_id, month, list_id, status, first_at, lane, turn)
            SELECT $1, g.id, c.id, g.month, l.list_id, 'handing', now(), 0, 7
            FROM campaigns g, contacts c, campaign_lists l
            WHERE g.account_id = $1 AND c.account_id = $1 AND l.account_id = $1 AND g.id = $2
              AND l.campaign_id = g.id
            """,
            campaign,
        )
    await desk.arrives(sent["gone@taken.test"].mail_from, report("gone@taken.test"))
    await desk.read()
    assert [state for state, _, _ in await desk.mails()] == ["new"]
    async with desk.post.tx() as tx:
        await tx.run(
            """
            UPDATE deliveries SET status = 'delivered', final_at = now(), lane = NULL, turn = NULL
            WHERE account_id = $1
            """
        )
        await tx.run("UPDATE inbound_mails SET due_at = now() WHERE account_id = $1")
        await tx.shared().run("UPDATE work SET run_at = now() WHERE account_id = $1", desk.post.account.id)
    await desk.read()
    assert (await _row(desk.post, campaign, "gone@taken.test"))[:2] == ("bounced", "hard")


@pytest.mark.req("D-34", "S1", "S5")
async def test_a_complaint_stops_everything_and_is_an_event(desk: Desk) -> None:
    campaign, sent = await desk.sent("ana@taken.test")
    mail = sent["ana@taken.test"]
    # to the address that is registered with the provider; what it quotes tells whose mail it was
    returned = f"Return-Path: <{mail.mail_from}>\r\n".encode() + mail.raw
    for _ in range(2):
        assert (await desk.arrives("abuse@mailer.localhost", complaint(returned))).startswith("250")
        await desk.read()
        returned += b"again\r\n"
    assert (await _row(desk.post, campaign, "ana@taken.test"))[0] == "delivered"
    assert await desk.suppressions() == [("ana@taken.test", "complained", None)]
    assert await desk.events(campaign) == ["complaint"]
    async with desk.post.tx() as tx:
        ledger = await tx.rows("SELECT act, method, list_id FROM consents WHERE account_id = $1")
        assert ledger == [("withdrawn", "complaint", None)]
        assert (await evidence.figures(tx, campaign)).complaints == 1
        assert await tx.value("SELECT count(*) FROM stray_mails WHERE $1 > 0 AND state = 'new'") == 0
        contact = await tx.value("SELECT id FROM contacts WHERE account_id = $1")
        words = [one.word for one in (await contact_timeline.many(tx, contact)).items]
    assert {"complaint", "complained", "withdrawn"} <= set(words)


@pytest.mark.req("D-34")
async def test_a_complaint_is_known_by_the_page_of_the_mail_alone(desk: Desk) -> None:
    campaign, sent = await desk.sent("ana@taken.test")
    head = re.sub(rb", *\r\n <mailto:[^>]*>", b"", sent["ana@taken.test"].raw.partition(b"\r\n\r\n")[0])
    assert b"mailto:" not in head
    await desk.arrives("abuse@mailer.localhost", complaint(head + b"\r\n\r\n"))
    await desk.read()
    assert await desk.events(campaign) == ["complaint"]


@pytest.mark.req("D-80")
async def test_complaints_pause_a_campaign_that_runs(desk: Desk) -> None:
    campaign, sent = await desk.sent("a@taken.test", "b@taken.test")
    async with desk.post.tx() as tx:
        await tx.run(
            """
            UPDATE campaigns SET status = 'sending', finished_at = NULL WHERE account_id = $1 AND id = $2
            """,
            campaign,
        )
    for mail in sent.values():
        await desk.arrives(mail.mail_from, complaint(mail.raw))
    await desk.read()
    assert await desk.post.status(campaign) == "paused"


def _unsubscribe_address(raw: bytes) -> tuple[str, str]:
    """Address and subject of the mailto: in the header."""
    header = "".join(str(message_from_bytes(raw)["List-Unsubscribe"]).split())
    found = re.search(r"<mailto:([^?>]+)\?subject=([^>]+)>", header)
    assert found is not None
    return found[1], found[2]


@pytest.mark.req("D-36", "D-43", "C-01")
@pytest.mark.parametrize("with_subject", [True, False])
async def test_a_mail_to_the_address_of_the_header_unsubscribes(desk: Desk, with_subject: bool) -> None:
    campaign, sent = await desk.sent("ana@taken.test")
    address, subject = _unsubscribe_address(sent["ana@taken.test"].raw)
    raw = (
        f"From: ana@taken.test\r\nSubject: {subject if with_subject else 'unsubscribe'}\r\n\r\n.\r\n".encode()
    )
    for mail in (raw, raw, raw + b"\r\nagain\r\n"):
        assert (await desk.arrives(address.upper(), mail, "ana@taken.test")).startswith("250")
        await desk.read()
    async with desk.post.tx() as tx:
        listed = await tx.value("SELECT id FROM mailing_lists WHERE account_id = $1")
        ledger = await tx.rows("SELECT act, method, list_id FROM consents WHERE account_id = $1")
        status = await tx.value("SELECT status FROM subscriptions WHERE account_id = $1")
    assert await desk.suppressions() == [("ana@taken.test", "unsubscribed", listed)]
    assert (ledger, status) == ([("withdrawn", "mail", listed)], "unsubscribed")
    assert await desk.events(campaign) == ["unsubscribe"]
    assert [state for state, _, _ in await desk.mails()] == ["done", "done"]


@pytest.mark.req("B-28", "S9")
async def test_an_unsubscribe_by_mail_holds_after_everything_else_is_gone(desk: Desk) -> None:
    campaign, sent = await desk.sent("ana@taken.test")
    address, subject = _unsubscribe_address(sent["ana@taken.test"].raw)
    async with desk.post.tx() as tx:
        hashed = await tx.value("SELECT address_hash FROM contacts WHERE account_id = $1")
        await tx.run("DELETE FROM deliveries WHERE account_id = $1 AND campaign_id = $2", campaign)
        await tx.run("DELETE FROM subscriptions WHERE account_id = $1")
        await tx.run("DELETE FROM contacts WHERE account_id = $1")
    await desk.arrives(address, f"Subject: Re: {subject}\r\n\r\n".encode(), "ana@taken.test")
    await desk.read()
    async with desk.post.tx() as tx:
        assert await tx.rows("SELECT address_hash, reason FROM suppressions WHERE account_id = $1") == [
            (hashed, "unsubscribed")
        ]


@pytest.mark.req("D-35")
async def test_an_automatic_reply_changes_nothing(desk: Desk) -> None:
    campaign, sent = await desk.sent("ana@taken.test")
    await desk.arrives(sent["ana@taken.test"].mail_from, VACATION, "ana@taken.test")
    await desk.read()
    assert (await _row(desk.post, campaign, "ana@taken.test"))[0] == "delivered"
    assert await desk.suppressions() == []
    assert await desk.mails() == [("done", "auto_reply", False)]


@pytest.mark.req("D-30")
async def test_what_nobody_understands_waits_for_a_person(desk: Desk) -> None:
    campaign, sent = await desk.sent("ana@taken.test")
    await desk.arrives(sent["ana@taken.test"].mail_from, LETTER, "zoe@people.test")
    await desk.read()
    assert await desk.mails() == [("open", "unknown", True)]
    assert (await _row(desk.post, campaign, "ana@taken.test"))[0] == "delivered"


@pytest.mark.req("D-30", "B-28")
async def test_a_transactional_message_bounces_too(desk: Desk) -> None:
    async with desk.post.tx() as tx:
        new = NewMessage(
            to=Recipient(email="gone@taken.test"),
            sender_id=await confirmed_sender(tx),
            subject="Votre commande",
            text="Merci.",
        )
        ready = await transactional.make(tx, desk.services, new)
        await transactional.accept(tx, desk.services, ready)
    await desk.post.run()
    [mail] = desk.post.sink.accepted
    await desk.arrives(mail.mail_from, report("gone@taken.test"))
    await desk.read()
    async with desk.post.tx() as tx:
        rows = await tx.rows("SELECT status, reason, bounce_reason FROM messages WHERE account_id = $1")
        hashed = await suppressions.hash_of(tx, desk.services.sealer, "gone@taken.test")
        stopped = await tx.rows("SELECT address_hash, reason FROM suppressions WHERE account_id = $1")
    assert (rows, stopped) == ([("bounced", "hard", "user unknown")], [(hashed, "bounced")])


@pytest.mark.req("D-33")
async def test_a_soft_bounce_of_a_transactional_message_counts_against_its_contact(desk: Desk) -> None:
    """By its return path alone, as a reply while sending and a webhook do."""
    async with desk.post.tx() as tx:
        ana = await desk.post.make.contact(tx, "ana@taken.test")
        sender = await confirmed_sender(tx)
        for email in ("ana@taken.test", "stranger@taken.test"):
            new = NewMessage(
                to=Recipient(email=email), sender_id=sender, subject="Votre commande", text="Merci."
            )
            await transactional.accept(tx, desk.services, await transactional.make(tx, desk.services, new))
    await desk.post.run()
    for mail in desk.post.sink.accepted:
        full = report(mail.recipient, status="5.2.2", said="552 5.2.2 Mailbox full")
        await desk.arrives(mail.mail_from, full)
    await desk.read()
    async with desk.post.tx() as tx:
        found = await tx.rows("SELECT contact_id, reason FROM soft_bounces WHERE account_id = $1")
    assert found == [(ana, "mailbox full")]
