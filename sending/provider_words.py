"""What a mailbox provider's answer means, in words for people (ui 2.4)."""

from mailer.core.text import N_
from sending import profiles

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
    return _MEANINGS[rule.means] if rule else ""
