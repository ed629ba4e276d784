"""What a server's refusal means: by enhanced code, then by its words (D-32)."""

from sending import replies
from sending.feedback import Kind, Reason

_BY_CODE = {
    "1.1": (Kind.HARD, Reason.USER_UNKNOWN),
    "1.2": (Kind.HARD, Reason.HOST_UNKNOWN),
    "1.3": (Kind.HARD, Reason.USER_UNKNOWN),
    "1.6": (Kind.HARD, Reason.HAS_MOVED),
    "1.10": (Kind.HARD, Reason.NO_MAIL_ACCEPTED),
    "2.1": (Kind.HARD, Reason.SUSPENDED),
    "2.2": (Kind.SOFT, Reason.MAILBOX_FULL),
    "2.3": (Kind.BLOCK, Reason.TOO_LARGE),
    "3.4": (Kind.BLOCK, Reason.TOO_LARGE),
    "4.7": (Kind.SOFT, Reason.EXPIRED),
    "7.20": (Kind.BLOCK, Reason.AUTH_FAILURE),
    "7.23": (Kind.BLOCK, Reason.AUTH_FAILURE),
    "7.26": (Kind.BLOCK, Reason.AUTH_FAILURE),
    "7.28": (Kind.BLOCK, Reason.RATE_LIMITED),
}
_BY_KIND = {
    Kind.HARD: Reason.USER_UNKNOWN,
    Kind.SOFT: Reason.UNDEFINED,
    Kind.BLOCK: Reason.POLICY,
}


def classify(code: int, enhanced: str, text: str, *, profile: str = "default") -> tuple[Kind, Reason, str]:
    """Kind, reason and the name of the rule. `code` 0: none is known."""
    found = _BY_CODE.get(enhanced[2:])
    if found is not None and enhanced.startswith("5."):
        return *found, f"code {enhanced}"
    if enhanced.startswith("4.") or 400 <= code < 500:
        return Kind.SOFT, found[1] if found else Reason.UNDEFINED, "for now"
    verdict = replies.classify(code or 550, f"{enhanced} {text}".strip(), "rcpt", profile)
    kind = Kind(verdict.reason) if verdict.status == "bounced" else Kind.BLOCK
    return kind, _BY_KIND[kind], "words"
