"""Complaints: ARF reports (RFC 5965, 6650), and mails forwarded by those who send none (D-34)."""

import re

from sending import feedback_parts
from sending.feedback import Finding, Kind, Reason
from sending.feedback_parts import Headers, Mail, first, words
from sending.feedback_report import ADDRESS, fields
from sending.feedback_words import report as phrases

# RFC 5965 §7.3, RFC 6591, RFC 6430 and what providers add. One that nobody registered is a complaint as well.
_NO_COMPLAINT = frozenset({"auth-failure", "not-spam", "opt-out", "opt-out-list", "unsubscribe", "dmarc"})
_REDACTED = re.compile(
    r"redacted|hidden|anonym|removed|xxx|^undisclosed|^[^@]{0,64}@(?:invalid|localhost)$", re.IGNORECASE
)
# the recipient as the provider wrote it into the mail that it returns
_RECIPIENT_HEADERS = (
    "X-HmXmrOriginalRecipient",
    "X-Original-To",
    "X-Rcpt-To",
    "X-Envelope-To",
    "Delivered-To",
    "To",
)


def complaints(mail: Mail, above: str, returned_to: str) -> list[Finding]:
    """Empty for a mail that is no complaint. One without a readable report is one all the same."""
    report = _report(mail)
    original = mail.returned or _quoted(mail)
    if report is None:
        if not _is_forwarded(mail, original):
            return []
        report = {"feedback-type": ["abuse"]}
    told = (report.get("feedback-type") or ["abuse"])[0].split()
    kind = told[0].strip(";,").lower() if told else "abuse"
    verdict = _verdict(kind, report)
    recipients = _recipients(report, original) or [""]
    return [
        Finding(
            kind=verdict[0],
            reason=verdict[1],
            rule=f"arf {kind[:40]}",
            recipient=recipient,
            text=" ".join((above or words(mail.header("Subject"))).split())[:300],
            returned_to=_returned_to(report, original) or returned_to,
            message_id=_message_id(original),
        )
        for recipient in recipients
    ]


def _verdict(kind: str, report: dict[str, list[str]]) -> tuple[Kind, Reason]:
    if kind not in _NO_COMPLAINT:
        return Kind.COMPLAINT, Reason.COMPLAINT
    if kind in ("opt-out", "opt-out-list", "unsubscribe"):
        return Kind.UNSUBSCRIBE, Reason.UNSUBSCRIBE
    if kind in ("auth-failure", "dmarc"):
        # RFC 6591 §3.2.2: only a refused or bounced one did not arrive
        result = " ".join(report.get("delivery-result", [])).lower()
        refused = any(word in result for word in ("reject", "bounce", "refuse"))
        return (Kind.BLOCK if refused else Kind.UNKNOWN), Reason.AUTH_FAILURE
    return Kind.UNKNOWN, Reason.UNDEFINED


def _report(mail: Mail) -> dict[str, list[str]] | None:
    """The fields of the report, each with all of its values: recipients may be many (RFC 5965 §3.2)."""
    texts = [part.text for part in mail.of("message/feedback-report")]
    if not texts:
        is_report = "feedback-report" in mail.params.lower()
        texts = [
            part.text
            for part in mail.parts
            if part.type.startswith("text/")
            and re.search(r"^feedback-type\s*:", part.text[:20_000], re.M | re.I)
        ]
        if not texts:
            return {} if is_report else None
    values: dict[str, list[str]] = {}
    for group in fields("\n\n".join(texts)):
        for name, value in group.items():
            values.setdefault(name, []).append(value)
    for name in ("original-rcpt-to", "removal-recipient"):
        for text in texts:
            for found in re.finditer(rf"^\s*{name}\s*:\s*(.+)$", text[:60_000], re.M | re.I):
                if found[1].strip() not in values.setdefault(name, []):
                    values[name].append(found[1].strip())
    return values


def _is_forwarded(mail: Mail, original: Headers) -> bool:
    """Microsoft's JMRP and its like: the mail itself attached, from a known address or with their header."""
    if first(original, "X-HmXmrOriginalRecipient"):
        return True
    subject = words(mail.header("Subject"))
    return bool(original) and bool(
        phrases("complaint_subjects").search(subject)
        or phrases("complaint_senders").search(words(mail.header("From")))
    )


def _quoted(mail: Mail) -> Headers:
    """A forwarded mail that stands in the text."""
    for part in mail.of("text/plain"):
        start = re.search(
            r"^(?:received|return-path|x-hmxmroriginalrecipient)\s*:", part.text[:20_000], re.M | re.I
        )
        if start:
            return feedback_parts.split(part.text[start.start() :])[0]
    return ()


def _recipients(report: dict[str, list[str]], original: Headers) -> list[str]:
    for name in ("original-rcpt-to", "original-recipient", "removal-recipient", "final-recipient"):
        if found := _shown(report.get(name, [])):
            return found
    for header in _RECIPIENT_HEADERS:
        if found := _shown([words(first(original, header))]):
            return found[:1]
    return []


def _shown(values: list[str]) -> list[str]:
    """Addresses that nobody made unreadable: our token tells whose it is then (RFC 6650 §5.3)."""
    found = dict.fromkeys(match[0] for value in values for match in ADDRESS.finditer(value[:2000]))
    return [address for address in found if not _REDACTED.search(address)][:50]


def _returned_to(report: dict[str, list[str]], original: Headers) -> str:
    """The return path of the mail that was complained about: a report comes to no address of its own."""
    for value in (
        *report.get("original-mail-from", []),
        first(original, "Return-Path"),
        first(original, "X-Envelope-From"),
    ):
        if found := ADDRESS.search(value):
            return found[0]
    return ""


def _message_id(original: Headers) -> str:
    found = re.search(r"<([^<>\s]{1,300})>", first(original, "Message-ID"))
    return found[1] if found else ""
