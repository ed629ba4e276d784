"""A raw mail that came back → what it says of whom (D-31, D-34, D-35, D-36).

    explain ─▶ complaints (feedback_complaint.py) ─▶ delivery status ─▶ answers of people and their programs
               (feedback_answer.py) ─▶ reports in words (feedback_text.py)

`explain` never raises and is bounded in time and memory: anybody may send anything here.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sending import bounce_rules, feedback_answer, feedback_complaint, feedback_parts, profiles
from sending.feedback import Finding, Kind, Reason
from sending.feedback_parts import Mail, words
from sending.feedback_report import ADDRESS, MOST_RECIPIENTS, Status, code_of, has_status_part, statuses
from sending.feedback_text import Told, human, told, without_recipient
from sending.feedback_words import report

_Verdict = tuple[Kind, Reason, str]
_IN_REPLY = re.compile(r"\bin reply to ((?:end of )?data|mail from)\b", re.IGNORECASE)
_ANSWER = re.compile(r"\s*(?:re|aw|antw|sv|vs|r|rif|odp|tr|wg|fwd?)\s*:", re.IGNORECASE)
_QUOTED = re.compile(r"^[ \t]{0,4}>[^\n]*$", re.MULTILINE)
_SENT = re.compile(r"^>>> (DATA|MAIL FROM)\b[^\n]{0,300}\n<<< ([^\n]{1,300})", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Said:
    """The words about one recipient, and the whole text for want of them."""

    near: tuple[str, ...]
    far: tuple[str, ...] = ()

    @property
    def first(self) -> str:
        return next((text for text in (*self.near, *self.far) if text.strip()), "")


@dataclass(frozen=True, slots=True)
class _About:
    """What all findings of a mail share."""

    returned_to: str
    message_id: str


def explain(raw: bytes) -> list[Finding]:
    """One finding for each recipient that the mail speaks of, at least one."""
    try:
        return read(raw)
    except Exception:  # a fault of ours here must not stop a mailbox: the mail goes into the tray (D-31)
        return [Finding(kind=Kind.UNKNOWN, reason=Reason.UNDEFINED, rule="unreadable")]


def read(raw: bytes) -> list[Finding]:
    """`explain`, with our own faults told."""
    mail = feedback_parts.read(raw)
    found = _of(_unwrapped(mail) or mail)
    return found[:MOST_RECIPIENTS]


def _unwrapped(mail: Mail) -> Mail | None:
    """A report that journals and gateways pass on as an attachment, with nothing to say of their own."""
    if has_status_part(mail) or any(mail.of("message/feedback-report")):
        return None
    for part in mail.of("message/rfc822", "message/global"):
        inner = feedback_parts.read_text(part.text)
        if has_status_part(inner) or any(inner.of("message/feedback-report")):
            return inner
    return None


def _of(mail: Mail) -> list[Finding]:
    text = _text(mail)
    above, below = human(text)
    about = _About(_returned_to(mail), _message_id(mail, below))
    return (
        feedback_complaint.complaints(mail, above, about.returned_to)
        or _from_status(mail, above, about)
        or feedback_answer.receipt(mail, about.returned_to)
        or _reported(mail, above, below, about, strict=True)
        or feedback_answer.answer(mail, above, about.returned_to)
        or _reported(mail, above, below, about, strict=False)
        or [_finding(about, (Kind.UNKNOWN, Reason.UNDEFINED, "no report"))]
    )


def _text(mail: Mail) -> str:
    """What a person would read: plain text where there is any, else the HTML part's words."""
    plain = [
        part.text
        for part in mail.parts
        if part.type in ("text/plain", "text/delivery-status") or part.type.startswith("text/x-")
    ]
    joined = "\n".join(plain)
    if len(re.findall(r"\w", joined)) > 20:
        return joined
    pages = [feedback_parts.from_html(part.text) for part in mail.of("text/html")]
    return "\n".join([joined, *pages])


def _from_status(mail: Mail, above: str, about: _About) -> list[Finding]:
    found = statuses(mail)
    if not found:
        return []
    named = [status.original or status.recipient for status in found]
    return [_of_status(mail, status, above, about, alone=len(found) == 1, named=named) for status in found]


def _of_status(
    mail: Mail, status: Status, above: str, about: _About, *, alone: bool, named: Sequence[str]
) -> Finding:
    recipient = status.original or status.recipient
    if not recipient:
        others = _addressees(mail)
        recipient = others[0] if len(others) == 1 else ""
    if status.action in ("delivered", "relayed", "expanded") or status.status.startswith("2"):
        return _finding(
            about,
            (Kind.UNKNOWN, Reason.DELIVERED, f"report {status.action or status.status}"),
            recipient,
            (0, status.status, status.diagnostic),
        )
    code, enhanced = code_of(status.diagnostic)
    if not enhanced or (enhanced.endswith(".0.0") and status.status):
        enhanced = status.status
    if code and enhanced and str(code)[0] != enhanced[0] and enhanced == status.status:
        enhanced = "" if enhanced.endswith(".0.0") else enhanced
    profile = _profile(status.remote, recipient)
    told_of = _told_of(recipient, above, alone=alone, named=named)
    if told_of and status.recipient and status.recipient != recipient and status.recipient in above:
        told_of = _told_of(status.recipient, above, alone=alone, named=[status.recipient])
    first = f"{status.diagnostic}{_step(status.diagnostic, told_of, above)}"
    said = _Said((first, *(told_of.said if told_of else ())), (told_of.whole,) if told_of else ())
    if told_of and not code and not status.diagnostic:
        code = told_of.code
        enhanced = enhanced if enhanced and not enhanced.endswith(".0.0") else told_of.enhanced or enhanced
    delayed = status.action in ("delayed", "delay")
    verdict = _verdict(code, enhanced, said, profile=profile, delayed=delayed)
    if status.diagnostic_type == "x-unix" and verdict[1] in (Reason.ON_HOLD, Reason.UNDEFINED, Reason.SYSTEM):
        verdict = (Kind.SOFT, Reason.MAILER, "x-unix")
    reply = (code, enhanced, status.diagnostic or said.first)
    return _finding(about, verdict, recipient, reply, final=not delayed)


def _step(diagnostic: str, told_of: Told | None, above: str) -> str:
    """In reply to what: the text tells it, the fields do not. Unknown is not always the recipient."""
    if not diagnostic:
        return ""
    found = _IN_REPLY.search(told_of.said[0]) if told_of and told_of.said else None
    sent = next((one for one in _SENT.finditer(above) if one[2][:30] == diagnostic[:30]), None)
    step = found[1] if found else sent[1] if sent else ""
    return f" (in reply to {step} command)" if step else ""


def _told_of(recipient: str, above: str, *, alone: bool, named: Sequence[str]) -> Told | None:
    if not above.strip():
        return None
    if alone:
        return next(iter(told(above, known=[recipient])), None) if recipient else without_recipient(above)
    return next(
        (one for one in told(above, known=[name for name in named if name]) if one.recipient == recipient),
        None,
    )


def _reported(mail: Mail, above: str, below: str, about: _About, *, strict: bool) -> list[Finding]:
    """A report in words. `strict`: one by who sent it or by its subject, not by its text alone."""
    if not _looks_reported(mail, above, strict=strict):
        return []
    failed = _failed_recipients(mail)
    not_these = _correspondents(mail)
    found = told(above, known=failed, not_these=not_these)
    subject = words(mail.header("Subject"))
    if not found and (named := ADDRESS.search(subject)):
        found = [replace(without_recipient(f"{subject}\n{above}"), recipient=named[0])]
    if not found:
        others = _addressees(mail, below)
        found = [replace(without_recipient(above), recipient=others[0] if len(others) == 1 else "")]
    if report("delivered").search(f"{subject} {above[:3000]}") and not report("bodies").search(above[:3000]):
        return [
            _finding(about, (Kind.UNKNOWN, Reason.DELIVERED, "report in words"), one.recipient)
            for one in found
        ]
    given_up = bool(report("gave_up").search(above[:4000]))
    late = not given_up and bool(report("delayed").search(f"{subject} {above[:4000]}"))
    # a fault that passes is read as one, but does not say that anybody tries again
    delayed = late or (not given_up and bool(report("passing").search(f"{subject} {above[:4000]}")))
    findings = []
    for one in found:
        profile = _profile("", one.recipient)
        said = _Said(one.said, (one.whole, subject))
        verdict = _verdict(one.code, one.enhanced, said, profile=profile, delayed=delayed)
        reply = (one.code, one.enhanced, said.first)
        findings.append(_finding(about, verdict, one.recipient, reply, final=not late))
    return findings


def _looks_reported(mail: Mail, above: str, *, strict: bool) -> bool:
    if mail.header("X-Failed-Recipients") or has_status_part(mail):
        return True
    sender = words(mail.header("From")) + mail.header("Return-Path")
    subject = words(mail.header("Subject"))
    from_machine = bool(report("senders").search(sender)) or mail.header("Return-Path").strip() == "<>"
    by_subject = bool(report("subjects").search(subject))
    if not from_machine and _ANSWER.match(subject):
        above = _QUOTED.sub("", above)  # somebody writes about a report: it is theirs, not of this mail
    by_body = bool(report("bodies").search(above[:6000]))
    if strict:
        return (from_machine and (by_subject or by_body)) or (
            by_subject and by_body and not subject.lower().startswith("re:")
        )
    return from_machine or (by_subject and bool(above.strip())) or by_body


def _verdict(code: int, enhanced: str, said: _Said, *, profile: str, delayed: bool) -> _Verdict:
    """The first of several tellings that says why, most telling first, and else what the codes say."""
    ask = bounce_rules.classify if delayed else bounce_rules.final
    verdict = ask(code, enhanced, "", profile=profile)
    heard = [
        one
        for text in said.near
        if text.strip() and not _is_number(one := ask(code, enhanced, text, profile=profile))
    ]
    if not heard:
        # prose says what may go wrong in general: only where nothing else says anything
        heard = [
            one
            for text in said.far
            if text.strip() and not _is_number(one := ask(code, enhanced, text, profile=profile))
        ]
    precise = [one for one in heard if one[1] not in _VAGUE]
    if precise:
        verdict = precise[0]
    elif heard and (verdict[1] in _VAGUE or verdict[2].startswith(("no rule", "code "))):
        verdict = heard[0]
    if verdict[1] in (Reason.UNDEFINED, Reason.ON_HOLD) and delayed:
        return Kind.SOFT, Reason.EXPIRED, "delayed"
    if verdict[0] is Kind.UNKNOWN:
        return Kind.SOFT, Reason.ON_HOLD, "no rule"
    if delayed and verdict[0] is Kind.HARD:
        return Kind.SOFT, *verdict[1:]
    return verdict


def _is_number(verdict: _Verdict) -> bool:
    return verdict[2].startswith(("status ", "code ", "no rule"))


_VAGUE = frozenset(
    {Reason.EXPIRED, Reason.SYSTEM, Reason.ON_HOLD, Reason.UNDEFINED, Reason.NETWORK, Reason.MAILER}
)


def _finding(
    about: _About,
    verdict: _Verdict,
    recipient: str = "",
    reply: tuple[int, str, str] = (0, "", ""),
    *,
    final: bool = True,
) -> Finding:
    kind, reason, rule = verdict
    code, enhanced, text = reply
    return Finding(
        kind=kind,
        reason=reason,
        rule=rule,
        recipient=recipient[:320],
        code=code,
        enhanced=enhanced,
        text=" ".join(text.split())[:1000],
        returned_to=about.returned_to,
        message_id=about.message_id,
        final=final,
    )


def _profile(remote: str, recipient: str) -> str:
    domain = recipient.rpartition("@")[2].lower()
    known = profiles.of_domain(domain) if domain else None
    return known or profiles.of_mx(remote)


def _addresses(values: Iterable[str]) -> list[str]:
    return list(
        dict.fromkeys(found[0] for value in values if value for found in ADDRESS.finditer(value[:4000]))
    )


def _returned_to(mail: Mail) -> str:
    for name in ("To", "X-Original-To", "Envelope-To", "Delivered-To", "X-Envelope-To", "X-Rcpt-To"):
        if found := _addresses([words(mail.header(name))]):
            return found[0]
    return ""


def _failed_recipients(mail: Mail) -> list[str]:
    values = [value for name, value in mail.headers if name.lower() == "x-failed-recipients"]
    return _addresses(values)[:MOST_RECIPIENTS]


def _correspondents(mail: Mail) -> list[str]:
    names = (
        "To",
        "From",
        "Cc",
        "Reply-To",
        "Return-Path",
        "Delivered-To",
        "Sender",
        "X-Original-To",
        "Envelope-To",
    )
    ours = [
        feedback_parts.first(mail.returned, name) for name in ("From", "Return-Path", "Reply-To", "Sender")
    ]
    return _addresses([*(words(mail.header(name)) for name in names), *ours])


def _addressees(mail: Mail, below: str = "") -> list[str]:
    """To whom the returned mail went, by its own headers."""
    headers = mail.returned or feedback_parts.split(_headers_in(below))[0]
    for name in ("X-Envelope-To", "To", "Delivered-To"):
        if found := _addresses([words(feedback_parts.first(headers, name))]):
            return found
    return []


def _message_id(mail: Mail, below: str) -> str:
    headers = mail.returned or feedback_parts.split(_headers_in(below))[0]
    value = feedback_parts.first(headers, "Message-ID")
    found = re.search(r"<([^<>\s]{1,300})>", value)
    return found[1] if found else ""


def _headers_in(below: str) -> str:
    """The headers of a mail that was returned as text: from the first line that is one."""
    lines = below.split("\n")[:300]
    start = next(
        (n for n, line in enumerate(lines) if re.match(r"\s{0,4}>?[A-Z][A-Za-z-]{1,40}: ?\S", line)), None
    )
    if start is None:
        return ""
    indent = len(lines[start]) - len(lines[start].lstrip(" >\t"))
    return "\n".join(line[indent:] if not line[:indent].strip(" >\t") else line for line in lines[start:])
