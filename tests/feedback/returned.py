"""Reports as servers write them, for a mail of ours."""

from sending.replies import shown


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
