"""What an archive says of itself: a guide in both languages, and a manifest for programs (B-68)."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from lists import archive_rest
from lists.archive_members import Member
from lists.exports import Export
from mailer import __version__
from mailer.core import clock, keys

FORMAT, VERSION = "mailer-account-export", 1

TEXT = (Path(__file__).parent / "templates" / "exports" / "readme.txt").read_text()


def fingerprint(key: bytes) -> str:
    """Tells whether address hashes were made with this key, and nothing of the key."""
    return keys.address_hash(key, FORMAT).hex()


def manifest(
    members: Sequence[Member], export: Export, *, account: tuple[int, str], fields: Mapping[str, str]
) -> dict[str, object]:
    """`fields`: key → type, for whoever reads the cells of contacts."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "product": f"mailer {__version__}",
        "account": {"id": account[0], "name": account[1]},
        "begun_at": export.started_at,
        "ended_at": clock.now(),
        "fields": dict(fields),
        "files": [
            {
                "name": one.name,
                "rows": one.rows,
                "bytes": one.size,
                "sha256": (one.sha256 or b"").hex(),
            }
            for one in members
        ],
        "not_included": [
            {"table": table, "why": {"en": english, "fr": french}}
            for table, (english, french) in archive_rest.LEFT_OUT.items()
        ],
    }
