"""Columns of an export: what a contact is, its fields, and the states that our import leaves alone."""

from collections.abc import Sequence

from mailer.core.text import N_

NAMES = ("email", "first_name", "last_name", "language")
# `status` in the words that imports know: of the exported list, else of all lists together. No other heading
# says so: an import takes a column called “unsubscribed” for an answer.
STATES = (
    "status",
    "lists_subscribed",
    "lists_pending",
    "lists_unsubscribed",
    "legal_basis",
    "suppressed",
    "opens",
    "clicks",
    "source",
    "created_at",
    "last_act_at",
)
WORDS = {
    "email": N_("E-mail"),
    "first_name": N_("First name"),
    "last_name": N_("Last name"),
    "language": N_("Language"),
    "status": N_("State of the subscription"),
    "lists_subscribed": N_("Lists that the person receives"),
    "lists_pending": N_("Lists that await confirmation"),
    "lists_unsubscribed": N_("Lists left"),
    "legal_basis": N_("Legal basis of each list"),
    "suppressed": N_("Suppressions"),
    "opens": N_("Measurement of opens"),
    "clicks": N_("Measurement of clicks"),
    "source": N_("Where the contact came from"),
    "created_at": N_("Added on"),
    "last_act_at": N_("Last act"),
}
SUPPRESSION_COLUMNS = ("email", "address_hash", "list", "reason", "since", "expires_at", "returned_to")


def header(keys: Sequence[str], chosen: Sequence[str] = ()) -> list[str]:
    """Built-in names, the account's fields by key, then states; of these the chosen ones, or all."""
    whole = [*NAMES, *keys, *(heading(name, keys) for name in STATES)]
    return [name for name in whole if not chosen or name in chosen]


def heading(state: str, keys: Sequence[str]) -> str:
    """A field may have the name of a state: the state gives way."""
    return f"_{state}" if state in keys else state
