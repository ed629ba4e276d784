"""Classes of user agents: who says what it is, and who reads mail."""

import pytest

from tracking.bots import Agent, agent

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"


@pytest.mark.req("D-90", "D-92", "D-94")
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", Agent.NONE),
        ("   ", Agent.NONE),
        (CHROME, Agent.BROWSER),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
            Agent.BROWSER,
        ),
        ("Mozilla/5.0 (Linux; Android 13; CUBOT X50) AppleWebKit/537.36 Chrome/140 Mobile", Agent.BROWSER),
        ("Mozilla/5.0 (Windows NT 10.0) Outlook-iOS/2.0", Agent.BROWSER),
        ("Mozilla/5.0 (Windows; U) Gecko (via ggpht.com GoogleImageProxy)", Agent.PROXY),
        ("YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html", Agent.PROXY),
        ("Mozilla/5.0", Agent.AHEAD),
        (" Mozilla/5.0 ", Agent.AHEAD),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", Agent.BOT),
        ("Slackbot-LinkExpanding 1.0", Agent.BOT),
        ("python-requests/2.32", Agent.BOT),
        ("curl/8.10", Agent.BOT),
        ("Mozilla/5.0 HeadlessChrome/140", Agent.BOT),
        ("Barracuda Sentinel (EE)", Agent.BOT),
    ],
)
def test_a_class_for_each(text: str, found: Agent) -> None:
    assert agent(text) is found
