"""What an editor offers to insert: columns of a contact, the account's own fields, links of a mail (S14)."""

from mailer.core.db import AccountTx
from mailer.core.text import N_
from mailer.web import i18n


async def merge_fields(tx: AccountTx) -> list[tuple[str, str]]:
    """What “Insert a field” offers: the tag, and what it stands for."""
    own = await tx.rows("SELECT key, label FROM fields WHERE account_id = $1 ORDER BY label LIMIT 200")
    known = [
        ('{{ contact.first_name | default("") }}', N_("First name")),
        ('{{ contact.last_name | default("") }}', N_("Last name")),
        ("{{ contact.email }}", N_("E-mail address")),
        ("{{ list.name }}", N_("Name of the list")),
        ("{{ unsubscribe_url }}", N_("Unsubscribe link")),
        ("{{ preferences_url }}", N_("Link to the preferences")),
        ("{{ web_version_url }}", N_("Link to the online version")),
        ("{{ account.name }}", N_("Your organisation’s name")),
        ("{{ account.address }}", N_("Your postal address")),
    ]
    told = [(tag, i18n.translate(words)) for tag, words in known]
    return told + [(f'{{{{ contact.{key} | default("") }}}}', label) for key, label in own]
