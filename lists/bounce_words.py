"""Why a mail came back, for people: the usual words (sending/feedback.py) as phrases, never bare codes."""

from mailer.core.text import N_

REASONS = {
    "user unknown": N_("address does not exist"),
    "host unknown": N_("domain does not exist"),
    "mailbox full": N_("mailbox full"),
    "suspended": N_("mailbox closed"),
    "has moved": N_("address has moved"),
    "no mail accepted": N_("domain takes no mail"),
    "on hold": N_("put off by the receiving server"),
    "exceeded limit": N_("a limit of the mailbox is exceeded"),
    "network error": N_("receiving server not reached"),
    "expired": N_("given up after several days of tries"),
    "system error": N_("fault of the receiving server"),
    "system full": N_("receiving server without room"),
    "mailer error": N_("fault of the receiving mail program"),
    "syntax error": N_("command not understood by the receiving server"),
    "too large": N_("message too large"),
    "content error": N_("refused: content"),
    "spam": N_("refused: taken for spam"),
    "virus": N_("refused: taken for a virus"),
    "policy": N_("refused: rules of the provider"),
    "security error": N_("refused: security"),
    "blocked": N_("refused: sending server on a block list"),
    "bad reputation": N_("refused: reputation of the sender"),
    "auth failure": N_("refused: authentication"),
    "no reverse dns": N_("refused: the server's name"),
    "rate limited": N_("refused: too many messages"),
    "tls failed": N_("no encrypted connection"),
    "not compliant": N_("refused: message against the standards"),
    "sender rejected": N_("refused: address of the sender"),
    "filtered": N_("refused by a filter of the recipient"),
    "relay denied": N_("refused: no mail for this domain there"),
    "complaint": N_("complaint"),
    "auto reply": N_("automatic reply"),
    "unsubscribe": N_("unsubscribe"),
    "delivered": N_("delivered after all"),
    "undefined": N_("no reason given"),
}


def known(reason: str) -> str:
    """A msgid, or "" where the server gave no reason that is known: then the kind of bounce has to do."""
    return "" if reason == "undefined" else phrase(reason)


def phrase(reason: str) -> str:
    """A msgid; "" for "" and for a word that is not known."""
    return REASONS.get(reason, "")
