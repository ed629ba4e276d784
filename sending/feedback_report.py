"""The fields in reports: of a delivery status (RFC 3464, 6533), a receipt, a complaint (RFC 5965)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sending import bounce_rules
from sending.feedback_parts import Mail, words

MOST_RECIPIENTS = 50
_FIELD = re.compile(r"[ \t]*([A-Za-z][A-Za-z0-9-]{1,60})[ \t]*:[ \t]*(.*)")
_NAMES_ONE = re.compile(r"^[ \t]*Final-Recipient[ \t]*:", re.MULTILINE | re.IGNORECASE)
_STATUS_TYPES = (
    "message/delivery-status",
    "message/global-delivery-status",
    "message/delivery-status-notification",
)
# those that some write with a blank before them; others there go on with the line above
_FIELDS = frozenset(
    {"final-recipient", "original-recipient", "action", "status", "diagnostic-code", "remote-mta"}
)
_STARTS = frozenset({"final-recipient", "original-recipient", "x-actual-recipient", "x-original-recipient"})
ADDRESS = re.compile(
    r"(?:\"[^\"\n@]{1,64}\"|[^\s<>\"'(),;:\[\]|]{1,64})@(?:\[[0-9a-fA-F.:]{2,45}\]|[\w\u0080-\uffff-]{1,63}(?:\.[\w\u0080-\uffff-]{1,63}){0,10})"
)
# RFC 6533 §3: \x{2603}
_UNICODE = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}")
_XTEXT = re.compile(r"\+([0-9A-F]{2})")  # RFC 3461 §4: +2B
_CODE = re.compile(r"(?:^|[^\d.#/_-])([245]\d\d)(?=[ \-,;:#.)\"]|$)(?![.]\d)(?!-\d\d-\d\d)")
_CODE_WITH_STATUS = re.compile(r"(?<!\d)([245]\d\d)[ -]#?([245]\.\d{1,3}\.\d{1,3})(?!\d)")


@dataclass(frozen=True, slots=True)
class Status:
    """Of one recipient, as its fields say; "" for a field that is not there."""

    recipient: str
    original: str
    action: str
    status: str
    diagnostic: str
    diagnostic_type: str
    remote: str


def statuses(mail: Mail) -> list[Status]:
    """Of each recipient that a delivery status names, also where it stands in a part of a wrong type."""
    for part in mail.of(*_STATUS_TYPES):
        if found := _read(part.text):
            return found
    found = []
    for part in mail.parts:
        readable = part.type.startswith(("text/", "message/")) and "disposition" not in part.type
        if readable and not part.is_returned and _NAMES_ONE.search(part.text):
            found += _read(part.text)
    return found[:MOST_RECIPIENTS]


def has_status_part(mail: Mail) -> bool:
    return any(mail.of(*_STATUS_TYPES))


def fields(text: str) -> list[dict[str, str]]:
    """Groups of fields, names in small letters; one for each recipient, however they are set apart."""
    groups: list[dict[str, str]] = [{}]
    last = ""
    blank = False
    for line in text[:60_000].split("\n"):
        if not line.strip():
            blank, last = True, ""
            continue
        found = _FIELD.match(line[:2000])
        name = found[1].lower() if found else ""
        if found is None or (line[:1] in " \t" and last and name not in _FIELDS):
            if last:
                groups[-1][last] = f"{groups[-1][last]} {line.strip()}"[:4000]
            continue
        group = groups[-1]
        if name in group or (blank and _is_complete(group)):
            groups.append({})
        last, blank = name, False
        groups[-1].setdefault(name, found[2].strip())
    return [group for group in groups if group]


def _is_complete(group: Mapping[str, str]) -> bool:
    """Of the message (RFC 3464 §2.2), or a recipient and what became of it: blank lines stand anywhere."""
    if not group.keys() & (_STARTS | {"action", "status"}):
        return True
    return bool(group.keys() & _STARTS) and bool(group.keys() & {"action", "status", "diagnostic-code"})


def _read(text: str) -> list[Status]:
    found = []
    reporting = ""
    for group in fields(text):
        reporting = group.get("reporting-mta", reporting)
        if not (group.keys() & _STARTS) and not ("action" in group and "status" in group):
            continue
        kind, diagnostic = _diagnostic(group)
        recipient = _address(group.get("final-recipient", "")) or _address(
            group.get("x-actual-recipient", "")
        )
        original = _address(group.get("original-recipient", ""))
        found.append(
            Status(
                recipient=recipient,
                original=_as_it_was(original, recipient) or _address(group.get("x-original-recipient", "")),
                action=group.get("action", "").split(" ")[0].split(";")[0].strip("()").lower(),
                status=bounce_rules.find_enhanced(group.get("status", "")),
                diagnostic=diagnostic,
                diagnostic_type=kind,
                remote=_host(group.get("remote-mta", "")) or _host(reporting),
            )
        )
    return found[:MOST_RECIPIENTS]


def _diagnostic(group: Mapping[str, str]) -> tuple[str, str]:
    value = words(group.get("diagnostic-code", ""))
    kind, semicolon, text = value.partition(";")
    if not semicolon or not re.fullmatch(r"[\w-]{1,30}", kind.strip()):
        kind, text = "", value
    category = group.get("x-powermta-bouncecategory", "")
    if category:
        text = f"{text} X-PowerMTA-BounceCategory: {category}"
    # "Status: 5.0.0 (recipient reached disk quota)", "Status: 553 Exceeded maximum size"
    status = group.get("status", "")
    comment = status.partition("(")[2].rstrip(")") or (status if re.search(r"[A-Za-z]{4}", status) else "")
    return kind.strip().lower(), text.strip() or comment


def _address(value: str) -> str:
    """What stands behind "rfc822;" or "utf-8;", without brackets."""
    value = _UNICODE.sub(_character, value)
    found = ADDRESS.search(value)
    return found[0].rstrip(".") if found else ""


def _as_it_was(original: str, recipient: str) -> str:
    """Some print ORCPT as they got it, in xtext; "+2B" may be the address's own: the other field tells."""
    plain = _XTEXT.sub(lambda found: chr(int(found[1], 16)), original)
    return plain if plain.lower() == recipient.lower() else original


def _character(found: re.Match[str]) -> str:
    number = int(found[1], 16)
    return chr(number) if 0x20 < number < 0x110000 and not 0xD800 <= number < 0xE000 else ""


def _host(value: str) -> str:
    host = value.rpartition(";")[2].strip().split(" ")[0].lower()
    return host.strip("[]()<>")[:255]


def code_of(text: str) -> tuple[int, str]:
    """The SMTP code and the enhanced one of a reply's text; 0 and "" where there is none."""
    both = _CODE_WITH_STATUS.search(text)
    if both:
        return int(both[1]), both[2]
    code = _CODE.search(text)
    return (int(code[1]) if code else 0), bounce_rules.find_enhanced(text)
