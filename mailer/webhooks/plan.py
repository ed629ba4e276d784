"""When a request is tried again, and when it is not any more (E-64). Pure: what time it is, is given."""

import random
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from mailer.web.outgoing import Answer, Outcome

# Standard Webhooks' plan: what to wait before each try, counted from the one before
PLAN = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
TRIES = len(PLAN)
# an endpoint that failed for so long is given up, however many events wait for their turn
PATIENCE = sum(PLAN, timedelta(0))
JITTER = 0.1
LONGEST_RETRY_AFTER = timedelta(hours=24)
# how long an endpoint that failed is left alone, doubling: its events wait together
_FIRST_HOLD, _LONGEST_HOLD = timedelta(seconds=4), timedelta(minutes=1)
# answers of a server that is up and does not want this one request: the next may well be taken
_ITS_OWN = frozenset(range(400, 500)) - {408, 410, 425, 429}


def next_at(tries: int, answer: Answer, now: datetime) -> datetime | None:
    """After so many tries of this plan, the last answered thus. None: that was the last."""
    if tries >= TRIES:
        return None
    jitter = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  (jitter is no secret)
    return now + max(PLAN[tries] * jitter, retry_after(answer, now))


def hold_until(failures: int, answer: Answer, now: datetime) -> datetime | None:
    """Until when nothing is sent to the endpoint at all. `failures`: in a row, with this one."""
    if answer.outcome is Outcome.REFUSED and answer.status in _ITS_OWN:
        return None
    hold = min(_FIRST_HOLD * 2.0 ** min(failures - 1, 10), _LONGEST_HOLD)
    return now + max(hold, retry_after(answer, now))


def retry_after(answer: Answer, now: datetime) -> timedelta:
    """Seconds or an HTTP date (RFC 9110 §10.2.3), a day at most; nothing for what is neither."""
    text = answer.retry_after.strip()
    if not text:
        return timedelta(0)
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text[:9])), LONGEST_RETRY_AFTER)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return timedelta(0)
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(timedelta(0), min(at - now, LONGEST_RETRY_AFTER))
