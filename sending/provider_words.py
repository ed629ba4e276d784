"""What a mailbox provider's answer means, in words for people (ui 2.4)."""

from lists import bounce_words
from mailer.core.text import N_
from sending import profiles, replies

_MEANINGS: dict[profiles.Meaning, str] = {
    "slow": N_("too many messages or connections at once"),
    "pause": N_("asks for a pause"),
    "policy": N_("refused: not wanted by the provider"),
    "auth": N_("refused: authentication"),
    "bad_address": N_("address does not exist"),
}


def said(profile: str, code: int, reply: str) -> str:
    """A msgid; "" when nothing is known of it but its code."""
    rule = profiles.read(profile, code, reply)
    if rule is not None:
        return _MEANINGS[rule.means]
    return bounce_words.known(replies.why(code, reply, profile).value) if code else ""
