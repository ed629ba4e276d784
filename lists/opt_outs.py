"""What a file says of a person's subscription: words and columns of many products as data. Pure.

A column may hold a state (`unsubscribed`), an answer whose yes is a no to us (`EMAIL_BLACKLIST`), an answer
whose no is one (`Subscribed`), or a day on which somebody left (`UNSUB_TIME`). A word that is not known is a
fault, never a yes.
"""

from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache

from lists import field_values
from lists.csv_headings import words
from mailer.core.text import N_


class OptOut(StrEnum):
    """`unsubscribed`: from the lists of the import; the others: from everything. The last one said wins."""

    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    BLOCKED = "blocked"
    COMPLAINED = "complained"


ORDER = tuple(OptOut)
UNKNOWN = N_("This state of a subscription is not known. Write subscribed or unsubscribed.")
UNCONFIRMED = N_("This person has not confirmed yet, so nothing may be sent. Let them sign up again.")


def _set(joined: str) -> frozenset[str]:
    return frozenset(joined.replace("\n", "").split("|"))


Read = Callable[[str], OptOut | None]

# as `words` leaves them: lower case, without accents
_STATE_WORDS = {
    "unsubscribed": "unsubscribed|unsubscribe|unsub|opted out|opt out|optout|desabonne|desabonnee|"
    "desabonnement|desinscrit|desinscrite|desinscription|resilie|resiliee|disabled|desactive|desactivee",
    "blocked": "blocklisted|blacklisted|blocked|bloque|bloquee|excluded|exclu|exclue|suppressed|liste noire|"
    "opposition|oppose|opposee|do not contact|ne pas contacter|sur liste noire|on blocklist",
    "bounced": "cleaned|nettoye|nettoyee|bounced|bounce|hard bounce|hardbounce|hard bounced|hardbounced|"
    "undeliverable|non distribuable|adresse erronee|npai|invalid|rejete|rejetee",
    "complained": "complained|complaint|complainer|spam|spam complaint|marked as spam|abuse|plainte|"
    "a signale un spam|signale comme spam|abuse complaint",
}  # fmt: skip
_ACTIVE_WORDS = (
    "subscribed|subscribe|active|actif|active subscriber|abonne|abonnee|inscrit|inscrite|enabled|confirmed|"
    "confirme|confirmee|opted in|opt in|optin|ok|valid|valide|soft bounce|soft bounced"
)
_WAITING_WORDS = (
    "pending|unconfirmed|not confirmed|non confirme|non confirmee|en attente|waiting|non subscribed|"
    "nonsubscribed|not subscribed|non abonne|non abonnee|transactional|archived|archive|archivee"
)
_STATES = {word: OptOut(state) for state, joined in _STATE_WORDS.items() for word in joined.split("|")}
_ACTIVE, _WAITING = frozenset(_ACTIVE_WORDS.split("|")), frozenset(_WAITING_WORDS.split("|"))

# headings: those whose yes, or a day, is a no to us
_NO_HEADINGS = {
    "unsubscribed": "unsub time|unsubscribed|is unsubscribed|isunsubscribed|unsubscribed at|unsubscribe date|"
    "unsubscription date|date unsubscribed|optout date|opt out date|opt out|optout|opted out|"
    "opted out at|desabonne|desabonnee|desinscrit|desinscrite|date de desabonnement|"
    "date desabonnement|date de desinscription|date desinscription|desabonne le|desinscrit le",
    "blocked": "email blacklist|email blacklisted|emailblacklisted|blacklist|blacklisted|blocklisted|"
    "email blocklisted|is excluded from campaigns|isexcludedfromcampaigns|excluded from campaigns|"
    "liste noire|opposition|do not contact|ne pas contacter|stop",
    "bounced": "clean time|cleaned|cleaned at|bounced|bounced at|hard bounce|date de nettoyage|npai",
    "complained": "is spam complaining|isspamcomplaining|spam complaint|complained|complained at|plainte",
}
_BY_NO = {heading: OptOut(state) for state, joined in _NO_HEADINGS.items() for heading in joined.split("|")}
_YES_HEADINGS = _set("""
subscribed|is subscribed|issubscribed|abonne|inscrit|opt in|optin|opted in
""")
_WAITING_HEADINGS = _set("is opt in pending|isoptinpending|opt in pending")
# headings that may mean something else: taken when half of the samples are states
_STATE_HEADINGS = _set("""
status|statut|etat|state|subscription status|subscriber status|email status|
statut de l abonnement|etat de l abonnement|statut abonnement|statut email|email marketing|
email marketing status|statut de l e mail|abonnement|subscription|opt in status|contact status|
statut du contact
""")


def says(heading: str, samples: list[str]) -> bool:
    """Is this a column that tells who left?"""
    told = words(heading)
    if told in _BY_NO or told in _WAITING_HEADINGS:
        return True
    if told in _YES_HEADINGS or told in _STATE_HEADINGS:
        read = reader(heading)
        return 0 < len(samples) <= 2 * sum(_reads(read, sample) for sample in samples)
    return False


def _reads(read: Read, text: str) -> bool:
    try:
        read(text)
    except field_values.ValueFault as error:
        return error.code == "unconfirmed"
    return True


def reader(heading: str) -> Read:
    """Trimmed text, not empty → why not to write, or None. Raises field_values.ValueFault."""
    told = words(heading)
    return lru_cache(maxsize=1024)(lambda text: _read(text, told))


def _read(text: str, heading: str) -> OptOut | None:
    word = words(text)
    if word in _STATES:
        return _STATES[word]
    if word in _ACTIVE:
        return None
    if word in _WAITING:
        raise field_values.ValueFault("unconfirmed", UNCONFIRMED)
    answer = _answer(text)
    if heading in _BY_NO:
        if answer is None:
            field_values.day(text[:10])
        return None if answer is False else _BY_NO[heading]
    if answer is not None and heading in _WAITING_HEADINGS:
        if answer:
            raise field_values.ValueFault("unconfirmed", UNCONFIRMED)
        return None
    if answer is not None and heading in _YES_HEADINGS:
        return None if answer else OptOut.UNSUBSCRIBED
    raise field_values.ValueFault("unknown_state", UNKNOWN)


def _answer(text: str) -> bool | None:
    try:
        return field_values.boolean(text)
    except field_values.ValueFault:
        return None


def strongest(one: OptOut | None, other: OptOut | None) -> OptOut | None:
    said = [state for state in (one, other) if state is not None]
    return max(said, key=ORDER.index, default=None)
