"""A session is named by the browser that a person knows, not by what it sends."""

import pytest

from mailer.accounts.sessions import Session
from mailer.core import clock

WEBKIT = "(KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0", "Firefox, Linux"),
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64) AppleWebKit/537.36 {WEBKIT} Chrome/150.0 Safari/537.36 Edg/150",
            "Edge, Windows",
        ),
        (
            f"Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 {WEBKIT} Chrome/150.0 Mobile Safari/537.36",
            "Chrome, Android",
        ),
        (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1 {WEBKIT} Version/26.0 Safari/604.1",
            "Safari, iPhone",
        ),
        ("Mozilla/5.0 (Unknown) Firefox/150.0", "Firefox"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("", ""),
    ],
)
def test_a_browser_is_named_by_its_name_and_system(sent: str, shown: str) -> None:
    now = clock.now()
    session = Session(id=1, created_at=now, seen_at=now, ip=None, user_agent=sent)
    assert session.program == shown
