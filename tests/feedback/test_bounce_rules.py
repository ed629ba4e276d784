"""The classifier by itself: kind, reason and rule of what servers reply (D-32, D-61 to D-74)."""

import re
import tomllib
from importlib import resources

import pytest

from sending import bounce_rules, replies
from sending.feedback import Kind, Reason
from sending.feedback_report import code_of

HARD, SOFT, BLOCK = Kind.HARD, Kind.SOFT, Kind.BLOCK


@pytest.mark.req("D-32")
@pytest.mark.parametrize(
    ("text", "kind", "reason"),
    [
        ("550 5.1.1 <ana@x.test>: Recipient address rejected: User unknown in virtual mailbox table", HARD, Reason.USER_UNKNOWN),
        ("550 No such user here", HARD, Reason.USER_UNKNOWN),
        ("550 Requested action not taken: mailbox unavailable", HARD, Reason.USER_UNKNOWN),
        ("550 sorry, no mailbox here by that name (#5.7.17)", HARD, Reason.USER_UNKNOWN),
        ("550 5.1.1 Adresse d'au moins un destinataire invalide. OFR_416", HARD, Reason.USER_UNKNOWN),
        ("550 utilisateur inconnu !", HARD, Reason.USER_UNKNOWN),
        ("550 Empfänger existiert nicht", HARD, Reason.USER_UNKNOWN),
        ("550 El usuario no existe", HARD, Reason.USER_UNKNOWN),
        ("550 Пользователь не найден", HARD, Reason.USER_UNKNOWN),
        ("550 5.1.2 Bad destination system: no such domain", HARD, Reason.HOST_UNKNOWN),
        ("550 5.1.3 bad destination syntax", HARD, Reason.USER_UNKNOWN),
        ("551 5.1.6 user has moved", HARD, Reason.HAS_MOVED),
        ("556 5.1.10 Recipient domain has a null MX", HARD, Reason.NO_MAIL_ACCEPTED),
        ("550 5.2.1 something", HARD, Reason.SUSPENDED),
        ("550 5.2.1 The email account that you tried to reach is disabled", HARD, Reason.SUSPENDED),
        ("552 5.2.2 The recipient's inbox is out of storage space", SOFT, Reason.MAILBOX_FULL),
        ("550 Boîte du destinataire pleine", SOFT, Reason.MAILBOX_FULL),
        ("450 4.1.1 user unknown, try later", SOFT, Reason.USER_UNKNOWN),
        ("452 4.2.2 over quota", SOFT, Reason.MAILBOX_FULL),
        ("451 4.7.1 Greylisting in action, please try again in 300 seconds", SOFT, Reason.RATE_LIMITED),
        ("450 4.2.1 The user you are trying to contact is receiving mail too quickly", SOFT, Reason.RATE_LIMITED),
        ("552 5.3.4 Message size exceeds fixed limit", BLOCK, Reason.TOO_LARGE),
        ("550 5.2.3 RESOLVER.RST.RecipSizeLimit; message too large for this recipient", BLOCK, Reason.EXCEEDED_LIMIT),
        ("550 5.7.1 message refused", BLOCK, Reason.POLICY),
        ("550 5.7.1 <ana@x.test>: Relay access denied", BLOCK, Reason.RELAY),
        ("554 5.7.1 Service unavailable; Client host [192.0.2.9] blocked using zen.spamhaus.org", BLOCK, Reason.BLOCKED),
        ("550 spam detected", BLOCK, Reason.SPAM),
        ("554 5.7.1 virus Eicar-Test-Signature detected by ClamAV", BLOCK, Reason.VIRUS),
        ("550 5.6.0 conversion failed", BLOCK, Reason.CONTENT),
        ("550 5.1.8 Domain of sender address does not exist", BLOCK, Reason.REJECTED),
        ("550 Connections are rejected due to a poor email reputation score", BLOCK, Reason.BAD_REPUTATION),
        ("554-No SMTP service. Bad DNS PTR resource record", BLOCK, Reason.PTR),
        ("550 5.7.1 This message is not RFC 5322 compliant", BLOCK, Reason.NOT_COMPLIANT),
        ("538 5.7.10 STARTTLS is required to send mail", BLOCK, Reason.TLS),
        ("554 5.4.6 Hop count exceeded - possible mail loop", SOFT, Reason.NETWORK),
        ("550 4.4.7 QUEUE.Expired; message expired", SOFT, Reason.EXPIRED),
        ("554 5.3.5 Local configuration error", SOFT, Reason.SYSTEM),
        ("550 Recipient user name ana not unique. Several matches found in Domino Directory.", SOFT, Reason.SYSTEM),
        ("The recipient was unavailable to take delivery of the message", SOFT, Reason.SYSTEM),
        ("550 5.0.0 nothing that anybody knows", SOFT, Reason.ON_HOLD),
    ],
)  # fmt: skip
def test_code_and_words_say_kind_and_reason(text: str, kind: Kind, reason: Reason) -> None:
    code, enhanced = code_of(text)
    assert bounce_rules.classify(code, enhanced, text)[:2] == (kind, reason)


@pytest.mark.req("D-61", "D-63", "D-64", "D-71", "D-72", "D-73", "D-74")
@pytest.mark.parametrize(
    ("profile", "text", "reason"),
    [
        ("gmail", "550 5.7.26 This mail has been blocked because the sender is unauthenticated", Reason.AUTH_FAILURE),
        ("gmail", "421 4.7.27 Your email has been rate limited because SPF authentication didn't pass", Reason.AUTH_FAILURE),
        ("gmail", "421 4.7.30 Your email has been rate limited because DKIM authentication didn't pass", Reason.AUTH_FAILURE),
        ("gmail", "550 5.7.25 The IP address sending this message does not have a PTR record setup", Reason.PTR),
        ("gmail", "421 4.7.29 Your email has been rate limited because this message wasn't sent over a TLS connection", Reason.TLS),
        ("gmail", "421 4.7.28 Gmail has detected an unusual rate of mail", Reason.RATE_LIMITED),
        ("gmail", "421 4.7.0 Try again later, closing connection.", Reason.RATE_LIMITED),
        ("gmail", "550 5.7.1 Our system has detected that this message is likely unsolicited mail", Reason.SPAM),
        ("gmail", "550 5.7.1 likely suspicious due to the very low reputation of the sending domain", Reason.BAD_REPUTATION),
        ("yahoo", "421 4.7.0 [TSS04] Messages from 192.0.2.9 temporarily deferred due to unexpected volume", Reason.RATE_LIMITED),
        ("yahoo", "553 5.7.1 [BL21] Connections will not be accepted", Reason.BLOCKED),
        ("microsoft", "550 5.7.515 Access denied, sending domain x.test doesn't meet the required authentication level", Reason.AUTH_FAILURE),
        ("microsoft", "550 5.7.606 Access denied, banned sending IP [192.0.2.9]", Reason.BLOCKED),
        ("microsoft", "550 5.7.1 Unfortunately, messages from [192.0.2.9] weren't sent (S3150)", Reason.BLOCKED),
        ("orange", "421 4.7.0 OFR004_104 [104] Trop de connexions, veuillez patienter", Reason.RATE_LIMITED),
        ("orange", "421 OFR004_105 Service refuse. Veuillez essayer plus tard", Reason.BLOCKED),
        ("orange", "550 5.2.0 Mail rejete. Mail rejected. OFR_506 [506]", Reason.SPAM),
        ("laposte", "550 5.5.0 Service refuse. LPN007_510", Reason.BLOCKED),
        ("laposte", "571 5.7.1 Message refused, DMARC verification Failed. LPN007_517", Reason.AUTH_FAILURE),
        ("laposte", "501 5.1.0 Emetteur invalide. Invalid Sender. LPN007_405", Reason.REJECTED),
        ("laposte", "421 4.7.1 Too busy LPN027_503", Reason.RATE_LIMITED),
        ("free", "550 spam detected", Reason.SPAM),
        ("free", "421 Too many spams from your IP (192.0.2.9)", Reason.BLOCKED),
        ("sfr", "554 5.7.1 Client host rejected: Abus detecte GU_EIB_04", Reason.BLOCKED),
    ],
)  # fmt: skip
def test_no_refusal_of_us_is_held_against_the_address(profile: str, text: str, reason: Reason) -> None:
    code, enhanced = code_of(text)
    assert bounce_rules.classify(code, enhanced, text, profile=profile)[:2] == (BLOCK, reason)


@pytest.mark.req("D-32")
@pytest.mark.parametrize("code", [550, 551, 553, 554, 571])
@pytest.mark.parametrize(
    "detail", [0, 1, 2, 3, 7, 8, 9, 12, 13, 14, 17, 18, 20, 25, 26, 27, 40, 133, 504, 505, 515, 606, 999]
)
def test_a_policy_number_alone_is_never_hard(code: int, detail: int) -> None:
    for words in (
        "",
        "rejected",
        "access denied: user unknown",
        "policy: mailbox disabled",
        "not authorized, no such user",
    ):
        kind, _, rule = bounce_rules.classify(code, f"5.7.{detail}", words)
        assert kind is not HARD, (words, rule)


@pytest.mark.req("D-32")
def test_a_server_that_says_it_for_days_is_believed() -> None:
    text = "450 4.1.1 <ana@x.test>: Recipient address rejected: User unknown in local recipient table"
    assert bounce_rules.classify(450, "4.1.1", text)[0] is SOFT
    assert bounce_rules.final(450, "4.1.1", text)[0] is HARD
    assert bounce_rules.final(450, "4.1.1", "")[0] is SOFT  # nothing but a number


@pytest.mark.req("D-32")
def test_user_unknown_after_the_content_is_a_filter() -> None:
    said = "User unknown (in reply to end of DATA command)"
    assert bounce_rules.classify(550, "", said)[:2] == (BLOCK, Reason.FILTERED)
    assert bounce_rules.classify(550, "5.1.1", said)[:2] == (HARD, Reason.USER_UNKNOWN)


@pytest.mark.req("D-32")
def test_a_sender_that_is_unknown_makes_no_recipient_invalid() -> None:
    for enhanced, said in (
        ("5.1.7", "No such domain sender.test"),
        ("", "User unknown (in reply to MAIL FROM command)"),
    ):
        assert bounce_rules.final(550, enhanced, said)[:2] == (BLOCK, Reason.REJECTED)


def test_an_address_with_words_in_it_decides_nothing() -> None:
    for local in ("spam", "virus", "blocked", "mailbox-full", "dmarc", "postmaster"):
        text = f"550 5.1.1 <{local}@{local}.test>: Recipient address rejected: User unknown"
        assert bounce_rules.classify(550, "5.1.1", text)[:2] == (HARD, Reason.USER_UNKNOWN)


def test_every_reason_of_the_data_is_a_word_of_the_field() -> None:
    data = resources.files("sending").joinpath("data")
    phrases = tomllib.loads(data.joinpath("bounce_phrases.toml").read_text("utf-8"))["rules"]
    names = [rule["name"] for rule in phrases]
    assert len(names) == len(set(names))
    for rule in phrases:
        Reason(rule["reason"])
        for phrase in rule["phrases"]:
            assert re.compile(phrase)
            assert not re.search(phrase, "¤ "), (rule["name"], "fits nothing said")
    codes = tomllib.loads(data.joinpath("bounce_codes.toml").read_text("utf-8"))
    for table in codes["ranges"]:
        assert len(table["from"]) == len(table["to"]) == len(table["reasons"])
    assert {bounce_rules.usual_kind(reason) for reason in Reason} == set(Kind)


@pytest.mark.req("D-32")
def test_a_delivery_can_name_the_reason() -> None:
    assert replies.why(550, "5.2.2 mailbox full") is Reason.MAILBOX_FULL
    assert replies.why(550, "5.7.26 unauthenticated", "gmail") is Reason.AUTH_FAILURE
