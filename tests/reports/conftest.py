"""Chromium for the report, and a draft that can leave."""

from tests.browser.conftest import browser, visit
from tests.campaigns.conftest import ready

__all__ = ["browser", "ready", "visit"]
