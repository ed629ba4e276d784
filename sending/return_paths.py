"""Addresses at our mail domain that mails carry, so that what comes back names its delivery (D-30, D-36).

    bounces+TOKEN@…                    envelope sender: reports of bounces, complaints, auto-replies
    unsub+TOKEN@…?subject=TOKEN        in List-Unsubscribe

The first token is the delivery's (`ReturnToken`), lower-case. The subject holds the token of the unsubscribe
page, which acts after delivery and contact are gone (S9); where a mailbox drops the subject the address is
enough. Both survive as sub-addresses of one mailbox.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from mailer.core import clock
from mailer.core.errors import NotFound
from mailer.core.tokens import CHECK_OCTETS, ReturnToken, Tokens, return_start

BOUNCES = "bounces"
UNSUBSCRIBE = "unsub"
VALID_DAYS = 30
"""D-30 asks for 10: queues give up after 5, and some reports are late."""
_DAY = 86_400
_TOKEN = re.compile(r"[a-z2-7]{30,60}")


@dataclass(frozen=True, slots=True)
class Returns:
    """Of the mails of one campaign, or of the transactional ones, that leave today."""

    tokens: Tokens
    domain: str
    start: bytes

    def token(self, ref_id: int, address_hash: bytes) -> str:
        return self.tokens.returns(self.start, ref_id, address_hash[:CHECK_OCTETS])

    def path(self, token: str) -> str:
        return f"bounces+{token}@{self.domain}"

    def unsubscribe(self, token: str, url: str) -> str:
        """`url`: of the unsubscribe page, whose token goes into the subject."""
        return f"mailto:unsub+{token}@{self.domain}?subject={url.rpartition('/')[2]}"


def of_campaign(tokens: Tokens, domain: str, *, account_id: int, campaign_id: int) -> Returns:
    return Returns(tokens, domain, return_start(account_id, campaign_id, _day(clock.now())))


def of_messages(tokens: Tokens, domain: str, *, account_id: int) -> Returns:
    """Of transactional messages; message 0 stands for tests, which only tell whose they are."""
    return of_campaign(tokens, domain, account_id=account_id, campaign_id=0)


def plain(domain: str) -> str:
    """For mails that belong to no account (S10)."""
    return f"{BOUNCES}@{domain}"


def read(tokens: Tokens, local: str, *, now: datetime, lay_days: int = 0) -> tuple[str, ReturnToken]:
    """A local part → which of the two, and the token. Raises NotFound for whatever is not ours any more.

    An unsubscribe has no end; a report does. `lay_days`: how long the mail may have lain here already.
    """
    name, _, text = local.lower().partition("+")
    if name not in (BOUNCES, UNSUBSCRIBE) or not _TOKEN.fullmatch(text):
        raise NotFound
    token = tokens.read_returns(text)
    if name == BOUNCES and not -1 <= _day(now) - token.day <= VALID_DAYS + lay_days:
        raise NotFound
    return name, token


def _day(at: datetime) -> int:
    return int(at.timestamp()) // _DAY
