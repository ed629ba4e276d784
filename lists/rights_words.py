"""The rights in words: what a person asks, as they and the team read it, and letters that are ready."""

from enum import StrEnum

from mailer.core.text import N_
from mailer.web import i18n


class Right(StrEnum):
    """GDPR articles 15, 16, 17, 21, 18, 20; the last is the refusal of measurement (B-40)."""

    ACCESS = "access"
    CORRECT = "correct"
    ERASE = "erase"
    OBJECT = "object"
    RESTRICT = "restrict"
    PORTABILITY = "portability"
    TRACKING = "tracking"


# ui 4.5 "rights, form"
CHOICES = {
    Right.ACCESS: N_("Get a copy"),
    Right.CORRECT: N_("Correct"),
    Right.ERASE: N_("Erase"),
    Right.OBJECT: N_("No more marketing"),
    Right.RESTRICT: N_("Suspend its use"),
    Right.PORTABILITY: N_("Take it in a reusable format"),
    Right.TRACKING: N_("No more measurement of opens and clicks"),
}
# in a subject and a sentence of a mail
REQUESTS = {
    Right.ACCESS: N_("a copy of your data"),
    Right.CORRECT: N_("the correction of your data"),
    Right.ERASE: N_("the erasure of your data"),
    Right.OBJECT: N_("no more marketing"),
    Right.RESTRICT: N_("the suspension of the use of your data"),
    Right.PORTABILITY: N_("your data in a reusable format"),
    Right.TRACKING: N_("no more measurement of opens and clicks"),
}
QUESTIONS = {
    Right.ACCESS: N_("Get a copy of your data at {sender}?"),
    Right.CORRECT: N_("Correct your data at {sender}?"),
    Right.ERASE: N_("Erase your data at {sender}?"),
    Right.OBJECT: N_("Receive no more marketing from {sender}?"),
    Right.RESTRICT: N_("Suspend the use of your data at {sender}?"),
    Right.PORTABILITY: N_("Take your data at {sender} in a reusable format?"),
    Right.TRACKING: N_("Stop the measurement of your opens and clicks by {sender}?"),
}
# what a confirmation brings about when it is carried out at once
EFFECTS = {
    Right.ACCESS: N_("An e-mail with a link to the copy leaves for this address."),
    Right.CORRECT: N_("What you write here takes the place of what is stored."),
    Right.ERASE: N_("Only a fingerprint of your address will remain, so that we no longer write to you."),
    Right.OBJECT: N_("You leave every list of {sender}, and nothing more is measured."),
    Right.RESTRICT: N_(
        "Your data is kept, and nothing else is done with it: no e-mail, no change, no sharing."
    ),
    Right.PORTABILITY: N_("An e-mail with a link to the file leaves for this address."),
    Right.TRACKING: N_(
        "No open and no click of yours is recorded any more, of messages you already have too."
    ),
}
BUTTONS = {
    Right.ACCESS: N_("Confirm my request"),
    Right.CORRECT: N_("Confirm the correction"),
    Right.ERASE: N_("Confirm erasure"),
    Right.OBJECT: N_("Confirm my refusal"),
    Right.RESTRICT: N_("Confirm the suspension"),
    Right.PORTABILITY: N_("Confirm my request"),
    Right.TRACKING: N_("Confirm my refusal"),
}
DONE = {
    Right.ACCESS: N_("Copy sent on {date}."),
    Right.CORRECT: N_("Corrected on {date}."),
    Right.ERASE: N_("Erased on {date}."),
    Right.OBJECT: N_("Refusal recorded on {date}."),
    Right.RESTRICT: N_("Use suspended on {date}."),
    Right.PORTABILITY: N_("File sent on {date}."),
    Right.TRACKING: N_("Refusal recorded on {date}."),
}
# art. 18(1) a to d, as the person says it
GROUNDS = (
    ("accuracy", N_("It is wrong, and I want it checked")),
    ("unlawful", N_("It should not have been used, and I want it kept all the same")),
    ("claims", N_("I need it for a legal claim")),
    ("objection", N_("I objected, and wait for the answer")),
)
# the team's words
KINDS = {
    Right.ACCESS: N_("Access: a copy of the data (art. 15)"),
    Right.CORRECT: N_("Correction (art. 16)"),
    Right.ERASE: N_("Erasure (art. 17)"),
    Right.OBJECT: N_("Objection to marketing (art. 21)"),
    Right.RESTRICT: N_("Restriction of use (art. 18)"),
    Right.PORTABILITY: N_("Portability: a reusable file (art. 20)"),
    Right.TRACKING: N_("Refusal of measurement"),
}
CHANNELS = {
    "page": N_("Page of an e-mail"),
    "mail": N_("E-mail"),
    "post": N_("Post"),
    "phone": N_("Telephone"),
    "other": N_("Other"),
}
STATES = {
    "open": ("wait", N_("To answer")),
    "done": ("ok", N_("Done")),
    "refused": ("off", N_("Refused, with reasons")),
}
GAP = N_("[to complete: why, with the text that allows it]")
_LETTERS = {
    Right.ACCESS: N_(
        "You asked for a copy of your data. You get it by a separate e-mail that holds a link, valid for six"
        " days. The file says what is held about you, where it comes from, what it is used for, who receives"
        " it and how long it is kept."
    ),
    Right.CORRECT: N_("You asked for the correction of your data. It is done."),
    Right.ERASE: N_(
        "You asked for the erasure of your data. It is done. Only a fingerprint of your address remains, so"
        " that we no longer write to you; your address cannot be read from it."
    ),
    Right.OBJECT: N_(
        "You asked to receive no more marketing. It is done: you are on none of our lists any more, and no"
        " import brings you back."
    ),
    Right.RESTRICT: N_(
        "You asked us to suspend the use of your data. It is done: we keep it and do nothing else with it."
        " We will tell you before that ends."
    ),
    Right.PORTABILITY: N_(
        "You asked for your data in a reusable format. You get it by a separate e-mail that holds a link,"
        " valid for six days. The file is in JSON, an open format that other services can read."
    ),
    Right.TRACKING: N_("You asked that your opens and clicks be measured no more. It is done."),
}
_REFUSED = N_("You asked for {request}. We cannot do as you ask, for this reason: {gap}")


def letter(kind: Right, language: str) -> str:
    """The answer to a request that was carried out, ready to be read once more and sent."""
    with i18n.speaking(language):
        return i18n.translate(_LETTERS[kind])


def refusal(kind: Right, language: str) -> str:
    """A refusal with its gap shown; what the person can do against it is added by the mail (C-05)."""
    with i18n.speaking(language):
        return i18n.translate(_REFUSED, request=i18n.translate(REQUESTS[kind]), gap=i18n.translate(GAP))


def has_gap(text: str) -> bool:
    """Something is still to be completed, in either language."""
    return "[à compléter" in text.lower() or "[to complete" in text.lower()
