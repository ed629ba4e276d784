"""The periods under the names that rules use. Each comes out of the table in `classes`; none stands here."""

from collections.abc import Mapping
from datetime import timedelta

from retention_jobs.classes import OF_ACCOUNTS, period
from retention_jobs.data_class import DataClass

CONTENT: timedelta = period("content").time
UNDO: timedelta = period("undo").time
KEY_LIVES: timedelta = period("repeats").time
CHANGES: timedelta = period("changes").time
SEEN: timedelta = period("reports").time
COUNTED: timedelta = period("loads").time
UNCONFIRMED: timedelta = period("unconfirmed").time
STATISTICS_MONTHS: int = period("events").months
CLOSED_MONTHS: int = period("closed").months
LOG_MONTHS: int = period("log").months
KEY_USE_MONTHS: int = period("key_uses").months
INACTIVE_MONTHS: int = period("inactive").months
PROOF_IP_MONTHS: int = period("proofs").months
RIGHTS_ASKED: timedelta = period("rights_asked").time
RIGHTS_SHOWN: timedelta = period("rights_shown").time
RIGHTS_MONTHS: int = period("rights").months
CERTIFICATE_MONTHS = 60  # a row says its end; A-093, C. civ. art. 2224
REGISTER_MONTHS: int = period("registers").months
UNUSED_IMAGES_MONTHS: int = period("images").months
SOFT_BOUNCE_MONTHS: int = period("feedback").months
# no period: an upload that broke off, seen by nobody
BROKEN_OFF = timedelta(days=1)
SMALLEST_CELL = 10

# lines of an account's page, by class
SHOWN: Mapping[str, DataClass] = {name: one for name, one in OF_ACCOUNTS.items() if one.shown}
