"""Reports as servers write them, for a mail of ours."""

import base64

from sending.replies import shown
from tests.feedback.dialects import WORDS
from tests.feedback.unseen_mails import S

_LATE = ("Exim, delayed", "a warning that names when it will give up", "exim warn")


def report(
    recipient: str,
    *,
    status: str = "5.1.1",
    action: str = "failed",
    said: str = "550 5.1.1 User unknown",
    original: bytes = b"Subject: Du pain\r\n",
) -> bytes:
    """RFC 3464, as Postfix lays it out."""
    assert shown(said)
    return b"\r\n".join(
        [
            b"From: MAILER-DAEMON@mx.taken.test (Mail Delivery System)",
            b"Subject: Undelivered Mail Returned to Sender",
            b"Auto-Submitted: auto-replied",
            b"MIME-Version: 1.0",
            b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
            b"",
            b"--b",
            b"Content-Type: text/plain; charset=us-ascii",
            b"",
            b"I'm sorry to have to inform you that your message could not be delivered.",
            b"",
            b"--b",
            b"Content-Type: message/delivery-status",
            b"",
            b"Reporting-MTA: dns; mx.taken.test",
            b"",
            f"Final-Recipient: rfc822; {recipient}".encode(),
            f"Action: {action}".encode(),
            f"Status: {status}".encode(),
            f"Diagnostic-Code: smtp; {said}".encode(),
            b"",
            b"--b",
            b"Content-Type: text/rfc822-headers",
            b"",
            original,
            b"--b--",
            b"",
        ]
    )


def notices_of_delay(recipient: str = "ana@taken.test", original: bytes = b"Subject: Du pain") -> list[bytes]:
    """Mails that are still on their way: in words, and with a delivery status that no plain search finds."""
    plain = report(recipient, status="4.4.1", action="delayed", said="451 4.4.1 try later", original=original)
    above, _, rest = plain.partition(b"\r\nReporting-MTA")
    fields, mark, below = rest.partition(b"--b\r\n")
    encoded = base64.encodebytes(b"Reporting-MTA" + fields).replace(b"\n", b"\r\n")
    in_base64 = above + b"Content-Transfer-Encoding: base64\r\n\r\n" + encoded + mark + below
    words = [one.raw for one in WORDS if one.name in _LATE] + [one.raw for one in S if one.name in _LATE]
    written = [
        raw.replace(b"ana@recipient.test", recipient.encode()).replace(b"\n", b"\r\n")
        + b"\r\n--- Original message headers ---\r\n\r\n"
        + original
        + b"\r\n"
        for raw in words
    ]
    assert len(written) == len(_LATE)
    return [*written, in_base64]


def complaint(original: bytes, *, kind: str = "abuse") -> bytes:
    """RFC 5965, the recipient taken out."""
    return b"\r\n".join(
        [
            b"From: fbl@provider.test",
            b"Subject: complaint",
            b"MIME-Version: 1.0",
            b'Content-Type: multipart/report; report-type=feedback-report; boundary="b"',
            b"",
            b"--b",
            b"Content-Type: text/plain",
            b"",
            b"This is an email abuse report.",
            b"--b",
            b"Content-Type: message/feedback-report",
            b"",
            f"Feedback-Type: {kind}".encode(),
            b"User-Agent: Provider/1.0",
            b"Version: 1",
            b"",
            b"--b",
            b"Content-Type: message/rfc822",
            b"",
            original,
            b"--b--",
            b"",
        ]
    )


VACATION = b"\r\n".join(
    [
        b"From: Ana <ana@taken.test>",
        b"Subject: Absente du bureau",
        b"Auto-Submitted: auto-replied (vacation)",
        b"",
        b"Je reviens lundi.",
        b"",
    ]
)
LETTER = b"From: Zoe <zoe@people.test>\r\nSubject: Question\r\n\r\nEst-ce encore frais ?\r\n"
