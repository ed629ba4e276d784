"""The cookies that this product sets, all of them and nothing else (A-033): strictly necessary ones."""

from dataclasses import dataclass

from mailer.accounts import pages_entry, sessions, sign_ins
from mailer.core.text import N_


@dataclass(frozen=True, slots=True)
class Cookie:
    """`purpose` and `lifetime` are msgids; `days` fills the lifetime."""

    name: str
    purpose: str
    lifetime: str
    days: int = 0


REGISTER = (
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
