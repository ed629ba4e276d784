"""What happened with a contact, in words: acts, methods, events, changes."""

from lists import contact_journeys
from lists.contact_moments import Moment
from mailer.core.text import N_
from mailer.web import i18n

ACTS = {
    "granted": N_("Agreement recorded"),
    "withdrawn": N_("Unsubscribe recorded"),
    "denied": N_("Measurement refused"),
    "asked": N_("Confirmation e-mail sent"),
    "confirmed": N_("Subscription confirmed by the person"),
}
METHODS = {
    "import": N_("import"),
    "api": N_("API"),
    "page": N_("by the team"),
    "form": N_("form"),
    "link": N_("link in an e-mail"),
    "one_click": N_("unsubscribe button of the mailbox"),
    "preferences": N_("preferences page"),
    "confirmation": N_("confirmation e-mail"),
    "mail": N_("e-mail to the unsubscribe address"),
    "complaint": N_("complaint at the mailbox provider"),
}
PURPOSES = {"mail": "", "opens": N_("open measurement"), "clicks": N_("click measurement")}
EVENTS = {
    "open": N_("Opened “{name}”"),
    "click": N_("Followed a link in “{name}”"),
    "unsubscribe": N_("Unsubscribed from “{name}”"),
    "complaint": N_("Complained about “{name}”"),
    "bounce": N_("“{name}” came back"),
}
# what is not known to be the person's is not told as theirs (D-91)
NOT_SURE = {
    ("open", "machine"): N_("A machine opened “{name}”"),
    ("click", "machine"): N_("A machine followed a link in “{name}”"),
    ("open", "unknown"): N_("A person or a machine opened “{name}”"),
    ("click", "unknown"): N_("A person or a machine followed a link in “{name}”"),
}
CHANGES = {
    "complained": N_("Complained: everything is stopped"),
    "created": N_("Contact added"),
    "changed": N_("Contact changed"),
    "exported": N_("Data exported"),
    "subscribed": N_("Added to a list"),
    "unsubscribed": N_("Unsubscribed by the team"),
    "stayed": N_("Said that they stay in touch"),
    "restricted": N_("Use limited"),
    "unrestricted": N_("Limit lifted"),
    "tagged": N_("Tag put on"),
    "untagged": N_("Tag taken off"),
    "merged": N_("Merged with a duplicate"),
}
STEPS = {
    "wait": N_("Waiting over in the automatic campaign"),
    "yes": N_("Condition met in the automatic campaign"),
    "no": N_("Condition not met in the automatic campaign"),
    "tag": N_("Tag “{tag}” put on by the automatic campaign"),
    "untag": N_("Tag “{tag}” taken off by the automatic campaign"),
}


def told(moment: Moment) -> str:
    """A line of the timeline in words; of an automatic campaign its name comes behind."""
    name = moment.name or i18n.translate("deleted")
    match moment.kind:
        case "consent":
            about = i18n.translate(PURPOSES[moment.purpose]) if PURPOSES[moment.purpose] else moment.name
            act = i18n.translate(ACTS[moment.word])
            return f"{act} – {about}" if about else act
        case "event":
            # the purpose of an event is its verdict
            words = NOT_SURE.get((moment.word, moment.purpose), EVENTS[moment.word])
            return i18n.translate(words, name=name)
        case "delivery":
            states = {"delivered": N_("“{name}” delivered"), "bounced": N_("“{name}” rejected")}
            return i18n.translate(states.get(moment.word, N_("“{name}” not sent")), name=name)
        case "step":
            tag = moment.tag or i18n.translate("deleted")
            return i18n.translate(STEPS[moment.purpose or moment.word], tag=tag)
        case "journey":
            return _journey(moment.word)
    return i18n.translate(CHANGES.get(moment.word, CHANGES["changed"]))


def _journey(word: str) -> str:
    match word:
        case "entered":
            return i18n.translate(N_("Entered the automatic campaign"))
        case "done":
            return i18n.translate(N_("Came to the end of the automatic campaign"))
        case "left":
            return i18n.translate(N_("Left at a step of the automatic campaign"))
    reason = i18n.translate(contact_journeys.OUTCOMES[word])
    return i18n.translate(N_("Out ({reason}) of the automatic campaign"), reason=reason)
