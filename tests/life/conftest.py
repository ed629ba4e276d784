"""An account from its first day to the day nothing is left of it."""

from tests.delivery.conftest import people, post, sink

__all__ = ["people", "post", "sink"]
