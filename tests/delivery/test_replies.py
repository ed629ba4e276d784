"""What a reply means: the corpus of requirement D-32, and what is never said of an address."""

import pytest

from sending import replies
from sending.replies import Stage, Verdict

HARD, SOFT, BLOCK = (Verdict("bounced", reason) for reason in ("hard", "soft", "block"))
LATER = Verdict("deferred")


@pytest.mark.req("D-14", "D-32")
@pytest.mark.parametrize(
    ("code", "text", "stage", "verdict"),
    [
        (250, "2.0.0 Ok: queued as 4X", "end", Verdict("delivered")),
        (550, "5.1.1 <ana@example.test>: Recipient address rejected: User unknown", "rcpt", HARD),
        (550, "5.1.2 Bad destination system", "rcpt", HARD),
        (553, "5.1.3 Bad address syntax", "rcpt", HARD),
        (551, "5.1.6 Moved, no forwarding", "rcpt", HARD),
        (556, "5.1.10 Recipient address has null MX", "rcpt", HARD),
        (550, "5.2.1 The email account that you tried to reach is disabled", "rcpt", HARD),
        (550, "No such user here", "rcpt", HARD),
        (550, "Requested action not taken: mailbox unavailable", "rcpt", HARD),
        (550, "Adresse d au moins un destinataire invalide. Invalid recipient.", "rcpt", HARD),
        (552, "5.2.2 The recipient's inbox is out of storage space", "rcpt", SOFT),
        (552, "Requested mail action aborted: exceeded storage allocation", "rcpt", SOFT),
        (550, "Mailbox is full", "rcpt", SOFT),
        (550, "Something else", "rcpt", SOFT),
        (550, "5.7.1 Service unavailable; client host blocked", "rcpt", BLOCK),
        (550, "5.7.26 This mail has been blocked because the sender is unauthenticated", "end", BLOCK),
        (550, "5.7.515 Access denied, sending domain does not meet the required level", "end", BLOCK),
        (550, "5.2.0 OFR_506 Mail rejete. Service refuse", "rcpt", BLOCK),
        (550, "5.5.0 Service refuse. Veuillez essayer plus tard. service refused LPN007_510", "end", BLOCK),
        (550, "5.1.1 Your host is listed by a spam blacklist: user unknown", "rcpt", BLOCK),
        (554, "Transaction failed", "end", BLOCK),
        (550, "5.6.0 Message refused by content filter", "end", BLOCK),
        (554, "Message rejected as spam", "end", BLOCK),
        (552, "5.3.4 Message size exceeds fixed limit", "mail", Verdict("failed", "size")),
        (552, "Message size exceeds maximum permitted", "end", Verdict("failed", "size")),
        (552, "5.2.3 Message too large", "end", Verdict("failed", "size")),
        (553, "5.6.7 the server takes no address beyond ASCII", "rcpt", Verdict("failed", "address")),
        (421, "4.7.0 Too many connections", "connect", LATER),
        (450, "4.2.0 Greylisted", "rcpt", LATER),
        (452, "4.2.2 Over quota", "rcpt", LATER),
        (451, "4.3.0 Try again", "end", LATER),
        (454, "4.7.1 Relay access denied", "rcpt", LATER),
        (530, "5.7.0 Authentication required", "mail", LATER),
        (535, "5.7.8 Authentication failed", "connect", LATER),
        (550, "5.7.1 Sender refused", "mail", LATER),
        (0, "the connection was lost", "data", LATER),
        (299, "no reply of ours", "mail", LATER),
        (354, "go on", "end", LATER),
        (777, "not SMTP", "end", LATER),
        (-1, "broken", "rcpt", LATER),
    ],
)
def test_reply_corpus(code: int, text: str, stage: Stage, verdict: Verdict) -> None:
    assert replies.classify(code, text, stage) == verdict


@pytest.mark.req("D-14")
@pytest.mark.parametrize("code", range(400, 500, 7))
def test_no_temporary_reply_is_final(code: int) -> None:
    for stage in ("connect", "mail", "rcpt", "data", "end"):
        assert replies.classify(code, "5.1.1 User unknown", stage) == LATER  # type: ignore[arg-type]


@pytest.mark.req("B-61")
def test_no_address_is_kept_with_a_reply() -> None:
    text = replies.shown(
        "5.1.1 <ana.b+c@exemple.test>:\r\n  no mailbox for ana.b+c@exemple.test here " + "x" * 500
    )
    assert "@" not in text
    assert "ana" not in text
    assert "\n" not in text
    assert len(text) == 300
