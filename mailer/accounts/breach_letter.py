"""The letter to the people whom a breach concerns, in plain words, with its gaps shown (GDPR 34, C-63)."""

from mailer.accounts import breach_facts
from mailer.accounts.accounts import Account
from mailer.accounts.breach_facts import BreachFacts
from mailer.core.text import N_
from mailer.web import i18n

SUBJECT = N_("Security of your data")
# the extraction of messages does not look inside of other messages' arguments
_PLAIN = N_("nature, in plain words")
_ADVICE = N_("advice that fits, for example to change a password")


def text(facts: BreachFacts, account: Account) -> str:
    """All of it in the language in use, to copy."""
    subject = i18n.translate(N_("Subject: {text}"), text=i18n.translate(SUBJECT))
    return "\n\n".join([subject, *paragraphs(facts, account)])


def paragraphs(facts: BreachFacts, account: Account) -> list[str]:
    """Nature, contact, consequences, measures, and what people can do themselves (art. 34(2))."""
    _, gap = i18n.translate, breach_facts.gap
    when = i18n.day(facts.began_at or facts.aware_at, account.time_zone)
    return [
        _("Hello,"),
        _(
            "{name} holds data about you. A security incident concerned it on {day}.",
            name=account.legal_name or gap(N_("name of the organisation")),
            day=when,
        ),
        _("What happened: {text}", text=facts.nature or gap(_PLAIN)),
        _("Which data: {text}", text=facts.records or gap(N_("categories of records"))),
        _("What may follow from it: {text}", text=facts.consequences or gap(N_("likely consequences"))),
        _("What we did and are doing: {text}", text=facts.measures or gap(N_("measures"))),
        _("What you can do: {text}", text=gap(_ADVICE)),
        _(
            "Whom to ask: {text}",
            text=account.contact_email or gap(N_("data protection officer or other contact")),
        ),
        account.legal_name or gap(N_("name of the organisation")),
    ]
