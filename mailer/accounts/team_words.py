"""Roles in words: a name, a sentence, and what each may do, for the table that compares them."""

from collections.abc import Mapping

from mailer.core.text import N_

ROLES: Mapping[str, tuple[str, str]] = {
    "owner": (N_("Owner"), N_("Answers for the account: does everything, gives rights, closes it.")),
    "manager": (
        N_("Manager"),
        N_("Sets up senders, keys and settings, and invites people; does not close the account."),
    ),
    "editor": (N_("Editor"), N_("Works on contacts, lists and campaigns.")),
    "analyst": (N_("Analyst"), N_("Reads campaigns, contacts and reports; changes nothing.")),
}
# what, then who may: owner, manager, editor, analyst
COMPARED: tuple[tuple[str, tuple[bool, bool, bool, bool]], ...] = (
    (N_("Read contacts, campaigns and reports"), (True, True, True, True)),
    (N_("Change contacts and lists, import, export"), (True, True, True, False)),
    (N_("Write campaigns"), (True, True, True, False)),
    (N_("Senders, domains, SMTP servers, keys and webhooks"), (True, True, False, False)),
    (N_("Settings of the account and its log"), (True, True, False, False)),
    (N_("Invite people and change their rights, below one's own"), (True, True, False, False)),
    (N_("Make owners, require double authentication"), (True, False, False, False)),
    (N_("Accept the agreement, close the account"), (True, False, False, False)),
)
