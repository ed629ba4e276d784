"""One clock for all machines: PostgreSQL's."""

from datetime import UTC, datetime, timedelta

import pytest

from mailer.core import clock


@pytest.fixture(autouse=True)
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "_apart", timedelta(0))


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_stepped_follows_the_databases(monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    real = datetime.now(UTC)
    monkeypatch.setattr(clock, "_system", lambda: real + timedelta(hours=hours))
    clock.follow(real)
    assert clock.now() == real
    monkeypatch.setattr(clock, "_system", lambda: real)
    clock.follow(real)
    assert clock.now() == real


def test_a_second_on_the_way_is_no_step() -> None:
    real = datetime.now(UTC)
    clock.follow(real - timedelta(seconds=1))
    assert clock._apart == timedelta(0)
