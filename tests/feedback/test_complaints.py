"""Complaints: ARF and what providers send instead; never a bounce, never for an authentication report (D-34)."""

import pytest

from sending import feedback_mail
from sending.feedback import Finding, Kind, Reason
from tests.feedback.mails import MESSAGE_ID, RETURN_PATH, arf, mail, multipart, original

ANA = "ana@recipient.test"
TOKEN = f"Original-Mail-From: <{RETURN_PATH}>\n"


def only(raw: bytes) -> Finding:
    (found,) = feedback_mail.read(raw)
    return found


@pytest.mark.req("D-34")
@pytest.mark.parametrize("kind", ["abuse", "fraud", "virus", "other", "miscategorized", "complaint"])
def test_a_report_is_a_complaint_of_its_recipient(kind: str) -> None:
    found = only(
        arf(f"Feedback-Type: {kind}\nUser-Agent: Test/1\nVersion: 1\nOriginal-Rcpt-To: <{ANA}>\n{TOKEN}")
    )
    assert (found.kind, found.reason, found.recipient) == (Kind.COMPLAINT, Reason.COMPLAINT, ANA)
    assert (found.returned_to, found.message_id, found.rule) == (RETURN_PATH, MESSAGE_ID, f"arf {kind}")


@pytest.mark.req("D-34")
def test_a_redacted_recipient_is_known_by_the_return_path() -> None:
    for redacted in ("redacted@recipient.test", "<>", "[redacted]"):
        returned = original("undisclosed-recipients:;").replace(
            "Message-ID", f"Return-Path: <{RETURN_PATH}>\nMessage-ID"
        )
        found = only(
            arf(f"Feedback-Type: abuse\nVersion: 1\nOriginal-Rcpt-To: {redacted}\n", returned=returned)
        )
        assert (found.kind, found.recipient, found.returned_to) == (Kind.COMPLAINT, "", RETURN_PATH)


@pytest.mark.req("D-34")
def test_yahoo_names_nobody_but_the_mail() -> None:
    fields = (
        "Feedback-Type: abuse\nUser-Agent: Yahoo!-Mail-Feedback/2.0\nVersion: 0.1\nOriginal-Mail-From: <"
        + RETURN_PATH
        + ">\nOriginal-Rcpt-To: ana@recipient.test\nReceived-Date: Mon, 2 Nov 2026\nReported-Domain: sender.test\n"
    )
    found = only(
        arf(
            fields,
            sender="Yahoo! Mail AntiSpam Feedback <feedback@arf.mail.yahoo.test>",
            subject="FW: Nos offres",
        )
    )
    assert (found.kind, found.recipient) == (Kind.COMPLAINT, ANA)


@pytest.mark.req("D-34")
def test_several_recipients_complain_each() -> None:
    found = feedback_mail.read(
        arf(
            f"Feedback-Type: abuse\nVersion: 1\nOriginal-Rcpt-To: <{ANA}>\nOriginal-Rcpt-To: <bob@recipient.test>\n"
        )
    )
    assert [one.recipient for one in found] == [ANA, "bob@recipient.test"]
    assert {one.kind for one in found} == {Kind.COMPLAINT}


@pytest.mark.req("D-34")
def test_microsoft_forwards_the_mail_itself() -> None:
    returned = f"X-HmXmrOriginalRecipient: {ANA}\nReturn-Path: {RETURN_PATH}\n" + original(
        "someone@else.test"
    )
    raw = multipart(
        ("message/rfc822", returned),
        kind="multipart/mixed",
        sender="staff@hotmail.com",
        subject="complaint about message from 192.0.2.9",
    )
    found = only(raw)
    assert (found.kind, found.recipient, found.returned_to) == (Kind.COMPLAINT, ANA, RETURN_PATH)


@pytest.mark.req("D-34")
def test_signal_spam_and_amazon_reports_are_complaints() -> None:
    signal = arf(
        "Feedback-Type: abuse\nUser-Agent: SignalSpam/1.0\nVersion: 1\nSource-IP: 192.0.2.9\n",
        sender="fbl@signal-spam.test",
        subject="[Signal Spam] signalement",
        text="Un internaute a signalé ce message.",
    )
    assert only(signal).kind is Kind.COMPLAINT
    amazon = arf(
        f"Feedback-Type: abuse\nUser-Agent: Amazon SES Mail Proxy\nVersion: 0.1\nOriginal-Rcpt-To: {ANA}\n",
        sender="complaints@email-abuse.amazonses.com",
        text="This is an email abuse report for an email message from amazonses.com.",
    )
    assert only(amazon).recipient == ANA


@pytest.mark.req("D-34")
@pytest.mark.parametrize(
    ("kind", "more", "means"),
    [
        ("opt-out", "", Kind.UNSUBSCRIBE),
        ("not-spam", "", Kind.UNKNOWN),
        ("auth-failure", "Auth-Failure: dmarc\nDelivery-Result: delivered\n", Kind.UNKNOWN),
        ("auth-failure", "Auth-Failure: spf\nDelivery-Result: reject\n", Kind.BLOCK),
    ],
)
def test_what_is_no_complaint(kind: str, more: str, means: Kind) -> None:
    assert only(arf(f"Feedback-Type: {kind}\nVersion: 1\n{more}Original-Rcpt-To: <{ANA}>\n")).kind is means


@pytest.mark.req("D-34")
def test_a_broken_report_is_a_complaint_all_the_same() -> None:
    assert only(arf("\n")).kind is Kind.COMPLAINT
    text = mail(
        "This is an abuse report\n\nFeedback-Type: abuse\nUser-Agent: x\nVersion: 1\nOriginal-Rcpt-To: ana@recipient.test\n",
        sender="fbl@provider.test",
        subject="Abuse report",
    )
    assert (only(text).kind, only(text).recipient) == (Kind.COMPLAINT, ANA)
