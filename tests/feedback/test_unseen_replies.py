"""Replies of many servers and languages: an address is only given up where they say so (D-31, D-32)."""

from pathlib import Path

import pytest

from sending import bounce_rules
from sending.feedback import Kind, Reason
from sending.feedback_report import code_of

_LINES = [
    line.split(maxsplit=1)
    for line in Path(__file__).with_name("replies.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]
_SERVERS = [
    [part.strip() for part in line.split("|", 2)]
    for line in Path(__file__).with_name("server_replies.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]


@pytest.mark.req("D-31", "D-32")
def test_each_reply_is_of_its_kind() -> None:
    wrong = []
    for kind, text in _LINES:
        code, enhanced = code_of(text)
        ask = bounce_rules.classify if code else bounce_rules.final
        found, reason, rule = ask(code, enhanced, text)
        if found != Kind(kind):
            wrong.append(f"{kind} was read as {found} ({reason}, {rule}): {text}")
    assert len(_LINES) > 500
    assert not wrong, "\n".join(wrong)


@pytest.mark.req("D-31", "D-32")
def test_each_reply_of_a_product_is_of_its_kind_and_reason() -> None:
    wrong = []
    for kind, reason, text in _SERVERS:
        code, enhanced = code_of(text)
        ask = bounce_rules.classify if code else bounce_rules.final
        found = ask(code, enhanced, text)
        if found[:2] != (Kind(kind), Reason(reason)):
            wrong.append(f"{kind}, {reason} was read as {found}: {text}")
    assert len(_SERVERS) == 150
    assert not wrong, "\n".join(wrong)


@pytest.mark.req("D-32")
@pytest.mark.parametrize(
    ("text", "kind"),
    [
        # an enhanced code is worth more than "refused"
        ("550 5.1.1 <ana@x.test>: message rejected", Kind.HARD),
        ("552 5.2.2 message refused", Kind.SOFT),
        # of the sender, whose domain was looked up
        ("550 5.7.1 Rejected: sender.test has no MX or A record", Kind.BLOCK),
        # who has a mailbox is looked up only then by some, and they name it
        ("550 Local mailbox ana@x.test is unavailable: user not found (in reply to end of DATA command)", Kind.HARD),
        ("550 User unknown (in reply to end of DATA command)", Kind.BLOCK),
        # cPanel looks senders up, too, in the same words
        ("550-Verification failed for <news@sender.test> 550-The account or domain may not exist 550 Sender verify failed", Kind.BLOCK),
        # the recipient's own limit, and ours
        ("450 4.2.1 rate limit for this mailbox reached", Kind.SOFT),
        ("450 4.2.1 rate limit for your server reached", Kind.BLOCK),
        # the first attempt of anybody
        ("450 4.2.0 Recipient address rejected: Greylisted, see http://postgrey.test/", Kind.SOFT),
        ("554 5.7.1 Client host is greylisted", Kind.BLOCK),
    ],
)  # fmt: skip
def test_vague_words_give_way(text: str, kind: Kind) -> None:
    code, enhanced = code_of(text)
    assert bounce_rules.classify(code, enhanced, text)[0] is kind
