"""A session tells when it ends, and asking for it puts the end off (F-10, WCAG 2.2.1)."""

from datetime import timedelta

import pytest

from mailer.core import clock
from tests.make import Make


@pytest.mark.req("F-10", "E-30")
async def test_asking_puts_the_end_off_until_the_day_is_over(make: Make) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    assert 'data-session-seconds="1' in (await owner.get(account.app)).text
    for minutes in (20, 40, 60):
        clock.shift(timedelta(minutes=minutes))
        answer = await owner.get("/app/session")
        assert (answer.status, answer.json()["seconds_left"]) == (200, 1800)
    clock.shift(timedelta(minutes=60 + 31))
    assert (await owner.get("/app/session")).status in (303, 401)
