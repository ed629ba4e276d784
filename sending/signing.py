"""Mails ready for hand-over, signed with DKIM: campaigns, tests and transactional messages alike (D-50)."""

from collections.abc import Sequence
from dataclasses import replace

from mailer.core import clock
from sending import dkim
from sending.handover import Mail


def signed(mails: Sequence[Mail], keys: Sequence[dkim.Key]) -> list[Mail]:
    """Work for a thread: OpenSSL lets others run meanwhile."""
    at = int(clock.now().timestamp())
    return [replace(mail, message=dkim.sign(mail.message, keys, at=at) + mail.message) for mail in mails]
