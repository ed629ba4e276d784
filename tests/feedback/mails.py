"""Reports as servers write them, made here: the headers that matter, the wording of the dialect, the mail returned."""

from collections.abc import Sequence

RETURN_PATH = "b+7f3a9c.1k2@bounces.sender.test"
MESSAGE_ID = "c42.9d8e7f@sender.test"


def original(to: str = "ana@recipient.test") -> str:
    return (
        f"Received: from app.sender.test (app.sender.test [192.0.2.9]) by mx.relay.test; Mon, 2 Nov 2026 09:00:00 +0100\n"
        f"Message-ID: <{MESSAGE_ID}>\nFrom: La Boutique <news@sender.test>\nTo: {to}\n"
        "Subject: Nos offres de novembre\n\nBonjour, voici nos offres.\n"
    )


def mail(
    body: str,
    *,
    sender: str = "MAILER-DAEMON@mx.relay.test (Mail Delivery System)",
    subject: str = "Undelivered Mail Returned to Sender",
    headers: str = "",
    kind: str = "text/plain; charset=utf-8",
) -> bytes:
    return (
        f"Return-Path: <>\nFrom: {sender}\nTo: {RETURN_PATH}\nSubject: {subject}\n"
        f"Date: Mon, 2 Nov 2026 09:05:00 +0100\n{headers}Content-Type: {kind}\n\n{body}"
    ).encode()


def multipart(
    *parts: tuple[str, str], kind: str = "multipart/report; report-type=delivery-status", **given: str
) -> bytes:
    body = "".join(f"--=_bound.1\nContent-Type: {of}\n\n{text}\n" for of, text in parts) + "--=_bound.1--\n"
    return mail(body, kind=f'{kind}; boundary="=_bound.1"', **given)


def dsn(
    text: str,
    fields: Sequence[str] | str,
    *,
    returned: str = "",
    reporting: str = "Reporting-MTA: dns; mx.relay.test",
    **given: str,
) -> bytes:
    """`fields`: a group for each recipient."""
    groups = [fields] if isinstance(fields, str) else fields
    status = "\n\n".join([reporting, *groups]) + "\n"
    return multipart(
        ("text/plain", text),
        ("message/delivery-status", status),
        ("message/rfc822", returned or original()),
        **given,
    )


def arf(
    fields: str, *, returned: str = "", text: str = "This is an email abuse report.", **given: str
) -> bytes:
    return multipart(
        ("text/plain", text),
        ("message/feedback-report", fields),
        ("message/rfc822", returned or original()),
        kind="multipart/report; report-type=feedback-report",
        **({"sender": "feedback@provider.test", "subject": "FW: Nos offres de novembre"} | given),
    )
