"""The cookies that this product sets, all of them and nothing else (A-033): strictly necessary ones."""

from dataclasses import dataclass

from mailer.accounts import pages_entry, sessions, sign_in_steps, sign_ins
from mailer.core.text import N_


@dataclass(frozen=True, slots=True)
class Cookie:
    """`purpose` and `lifetime` are msgids; `days` fills the lifetime (or minutes)."""

    name: str
    purpose: str
    lifetime: str
    days: int = 0


REGISTER = (
    Cookie(
        pages_entry.STEP_COOKIE,
        N_("remembers that your password was right while you look up your code"),
        N_("{days} minutes; gone when you are signed in"),
        sign_in_steps.MINUTES,
    ),
    Cookie(
        sessions.COOKIE,
        N_("keeps you signed in"),
        N_("30 minutes without activity, 8 hours at most; gone when you sign out"),
    ),
    Cookie(
        pages_entry.DEVICE_COOKIE,
        N_("knows a device on which you have signed in, so that a stranger's tries do not lock your account"),
        N_("{days} days"),
        sign_ins.DEVICE_DAYS,
    ),
)
