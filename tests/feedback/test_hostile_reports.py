"""Anybody may send anything to the address that takes reports: nothing raises, nothing takes long, nothing grows (D-31)."""

import tracemalloc
from time import process_time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sending import bounce_rules, feedback_mail, feedback_parts
from sending.feedback import Kind, Reason
from tests.feedback.dialects import EVERY
from tests.feedback.mails import dsn, mail

SLOW = 10.0  # seconds of the processor: a bound against explosions, many times what it takes
RAWS = [dialect.raw for dialect in EVERY]


@pytest.mark.req("D-31")
@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=3_000))
def test_any_octets_give_a_finding(raw: bytes) -> None:
    assert feedback_mail.read(raw)


@pytest.mark.req("D-31")
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.large_base_example])
@given(st.sampled_from(RAWS), st.integers(0, 4_000), st.binary(max_size=40), st.integers(0, 4_000))
def test_a_report_that_was_damaged_anywhere_gives_a_finding(
    raw: bytes, at: int, put: bytes, cut: int
) -> None:
    damaged = (raw[:at] + put + raw[at + len(put) :])[: max(cut, at)]
    assert feedback_mail.read(damaged)


@pytest.mark.req("D-31")
@settings(max_examples=200, deadline=None)
@given(
    st.integers(-1, 999),
    st.sampled_from(["", "5.1.1", "4.2.2", "5.7.1", "x", "9.9.9"]),
    st.text(max_size=400),
)
def test_any_reply_has_a_kind_a_reason_and_a_rule(code: int, enhanced: str, text: str) -> None:
    kind, reason, rule = bounce_rules.classify(code, enhanced, text)
    assert isinstance(kind, Kind)
    assert isinstance(reason, Reason)
    assert rule


def _nested(depth: int) -> bytes:
    head = "".join(f'--b{n}\nContent-Type: multipart/mixed; boundary="b{n + 1}"\n\n' for n in range(depth))
    return mail(
        head + "--b0\nContent-Type: text/plain\n\nuser unknown\n", kind='multipart/mixed; boundary="b0"'
    )


def _letters(depth: int) -> bytes:
    return ("Content-Type: message/rfc822\n\n" * depth + "user unknown").encode()


HOSTILE = {
    "ten megabytes of text": mail("user unknown " * 800_000),
    "ten megabytes on a line": mail("a" * 10_000_000),
    "ten megabytes of addresses": mail("a@b.test " * 1_200_000),
    "a thousand parts inside each other": _nested(1_000),
    "a thousand letters inside each other": _letters(1_000),
    "a hundred thousand boundaries": mail("--x\n" * 100_000, kind="multipart/mixed; boundary=x"),
    "a boundary of one letter": mail("-" * 1_000_000, kind="multipart/mixed; boundary=-"),
    "a hundred thousand headers": ("X-A: b\n" * 100_000 + "\nuser unknown").encode(),
    "a header that never ends": ("Subject: a\n" + " b\n" * 300_000).encode(),
    "a recipient a line": mail(
        "could not be delivered to:\n" + "".join(f"u{n}@x.test\n" for n in range(50_000))
    ),
    "ten thousand recipients": dsn(
        "failed",
        [f"Final-Recipient: rfc822; u{n}@x.test\nAction: failed\nStatus: 5.1.1" for n in range(10_000)],
    ),
    "phrases that almost fit": dsn(
        "user " * 30_000 + "mailbox x " * 30_000,
        "Final-Recipient: rfc822; a@x.test\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 "
        + "user is was " * 9_000,
    ),
    "fifty recipients with phrases that almost fit": dsn(
        "failed",
        [
            f"Final-Recipient: rfc822; u{n}@x.test\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 {n} "
            + f"mailbox x{n} user is was message " * 300
            for n in range(50)
        ],
    ),
    "encoded words without end": (
        "Subject: " + "=?utf-8?q?=41?= " * 20_000 + "\nFrom: " + "=?" * 50_000 + "\n\nx"
    ).encode(),
    "tags without end": mail("<" * 500_000 + "a" * 10, kind="text/html"),
    "tags inside tags": mail("<a " * 300_000, kind="text/html"),
    "styles without end": mail("<style>" * 50_000, kind="text/html"),
    "comments without end": mail("<!--" * 100_000, kind="text/html"),
    "quoted-printable that is none": mail(
        "=" * 1_000_000, headers="Content-Transfer-Encoding: quoted-printable\n"
    ),
    "base64 that is none": mail("=" * 1_000_000, headers="Content-Transfer-Encoding: base64\n"),
    "blanks": mail(" " * 3_000_000),
    "blank lines": mail("\n" * 3_000_000),
    "a charset that is none": mail("x", kind="text/plain; charset=unicode_escape"),
    "numbers": mail("550 5.1.1 " * 300_000),
    "brackets": mail("<" * 100_000 + "@" * 100_000 + ">" * 100_000),
    "dots": mail("a@" + "b." * 500_000),
}


@pytest.mark.req("D-31")
@pytest.mark.parametrize("name", HOSTILE)
def test_time_and_memory_are_bounded(name: str) -> None:
    raw = HOSTILE[name]
    start = process_time()
    found = feedback_mail.read(raw)
    took = process_time() - start
    assert found
    assert len(found) <= 50
    assert took < SLOW
    assert all(len(one.text) <= 1_000 and len(one.recipient) <= 320 for one in found)


@pytest.mark.req("D-31")
def test_memory_stays_within_a_few_times_what_is_looked_at() -> None:
    raw = HOSTILE["ten megabytes of text"]
    tracemalloc.start()
    try:
        feedback_mail.read(raw)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20 * feedback_parts.LARGEST


@pytest.mark.req("D-31")
def test_a_fault_of_ours_stops_no_mailbox(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(raw: bytes) -> None:
        raise RecursionError

    monkeypatch.setattr(feedback_parts, "read", broken)
    (found,) = feedback_mail.explain(b"x")
    assert (found.kind, found.rule) == (Kind.UNKNOWN, "unreadable")
