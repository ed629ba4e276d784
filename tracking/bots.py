"""Who asked, from the request alone: a class, so that no user agent is ever stored (S21, D-92, D-94)."""

import re
from enum import StrEnum
from functools import lru_cache


class Agent(StrEnum):
    """`proxy`: loads pictures for people, mostly when they look at the mail. `ahead`: loads them when the
    mail comes, seen or not (D-90). `bot`: says so itself. `none`: says nothing.
    """

    BROWSER = "browser"
    PROXY = "proxy"
    AHEAD = "ahead"
    BOT = "bot"
    NONE = "none"


_PROXY = re.compile(r"GoogleImageProxy|YahooMailProxy|ggpht\.com")
_APPLE = "Mozilla/5.0"
"""All that Mail Privacy Protection says of itself."""
# Cubot is a maker of telephones
_BOT = re.compile(
    r"(?<!cu)bot\b|crawl|spider|whatsapp|slurp|scan|preview|prefetch|monitor|python|aiohttp|curl|wget|libwww|go-http"
    r"|java/|okhttp|node-fetch|axios|headless|phantom|facebookexternalhit|barracuda|proofpoint|mimecast"
    r"|safelinks|symantec|trendmicro",
    re.IGNORECASE,
)


@lru_cache(maxsize=4096)
def agent(user_agent: str) -> Agent:
    """The class of a User-Agent header; "" when there is none."""
    said = user_agent.strip()
    if not said:
        return Agent.NONE
    if said == _APPLE:
        return Agent.AHEAD
    if _PROXY.search(user_agent):
        return Agent.PROXY
    return Agent.BOT if _BOT.search(user_agent) else Agent.BROWSER
