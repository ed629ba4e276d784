"""A report in each dialect: the recipient is found, and what became of the mail."""

import pytest

from sending import feedback_mail
from sending.feedback import Kind
from tests.feedback.dialects import EVERY, Dialect
from tests.feedback.mails import MESSAGE_ID, RETURN_PATH, mail

LATE = {"Postfix, a warning of delay", "Exim, delayed", "a warning that names when it will give up"}


@pytest.mark.req("D-31", "D-32")
@pytest.mark.parametrize("dialect", EVERY, ids=lambda dialect: dialect.name)
def test_each_dialect_is_understood(dialect: Dialect) -> None:
    found = feedback_mail.read(dialect.raw)
    assert tuple((one.recipient, one.kind, one.reason) for one in found) == dialect.says, found
    assert (found[0].code, found[0].enhanced) == (dialect.code, dialect.enhanced)
    assert all(one.returned_to == RETURN_PATH for one in found)
    assert {one.final for one in found} == {dialect.name not in LATE}


@pytest.mark.req("D-31")
@pytest.mark.parametrize(
    "said",
    [
        "451 temporary failure in name resolution",
        "Connected but the connection died. I'm not going to try again; mail to it was delayed.",
        "451 delayed. This message has been in the queue too long.",
    ],
)
def test_a_fault_of_the_moment_that_ended_it_is_no_delay(said: str) -> None:
    raw = mail(
        f"Hi. This is the qmail-send program at mx.relay.test.\n\n<ana@recipient.test>:\n{said}\n",
        subject="failure notice",
    )
    [found] = feedback_mail.read(raw)
    assert (found.kind, found.final) == (Kind.SOFT, True)


@pytest.mark.req("D-31")
@pytest.mark.parametrize(
    "dialect", [one for one in EVERY if MESSAGE_ID.encode() in one.raw], ids=lambda one: one.name
)
def test_the_mail_it_speaks_of_is_named(dialect: Dialect) -> None:
    assert {one.message_id for one in feedback_mail.read(dialect.raw)} == {MESSAGE_ID}


@pytest.mark.req("D-31")
@pytest.mark.parametrize("dialect", EVERY, ids=lambda dialect: dialect.name)
def test_line_ends_and_an_mbox_line_change_nothing(dialect: Dialect) -> None:
    plain = feedback_mail.read(dialect.raw)
    for raw in (
        dialect.raw.replace(b"\n", b"\r\n"),
        dialect.raw.replace(b"\n", b"\r"),
        b"From MAILER-DAEMON  Mon Nov  2 09:05:00 2026\n" + dialect.raw,
    ):
        assert feedback_mail.read(raw) == plain
