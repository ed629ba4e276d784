"""How a mail stands in the list of a mailbox: sender, subject, and what follows it until the line is full."""

import re
from dataclasses import dataclass

from sending.preview import Shown

PHONE_SUBJECT = 40
PREVIEW = 100
"""Characters that mailboxes show behind the subject, preheader and beginning of the message together."""

_ADDRESS = re.compile(r"\s*\(?(https?://|mailto:)\S+")
_RULE = re.compile(r"^(=+|-+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxLine:
    """`cut_subject`: what a telephone shows of a subject that is too long for it, else nothing.

    `filler`: the beginning of the message, where the preheader leaves room. `sample`: made for nobody real.
    """

    sender: str
    subject: str
    preheader: str
    filler: str
    sample: bool

    @property
    def cut_subject(self) -> str:
        return "" if len(self.subject) <= PHONE_SUBJECT else self.subject[: PHONE_SUBJECT - 1].rstrip() + "…"


def of(shown: Shown, *, subject: str, preheader: str, sample: bool) -> InboxLine:
    """`subject` and `preheader` as they are written: shown so while the message cannot be made."""
    if shown.rendered is None:
        return InboxLine(
            sender=shown.sender_name, subject=subject, preheader=preheader, filler="", sample=False
        )
    made = shown.rendered
    return InboxLine(
        sender=shown.sender_name,
        subject=made.subject,
        preheader=made.preheader,
        filler=_filler(made.text, PREVIEW - len(made.preheader)),
        sample=sample,
    )


def _filler(text: str, room: int) -> str:
    """The first words of the text, without addresses and lines under titles, if there is room for some."""
    if room < 10:
        return ""
    words = " ".join(_ADDRESS.sub("", _RULE.sub("", text)).split())
    return words if len(words) <= room else words[: room - 1].rstrip() + "…"
