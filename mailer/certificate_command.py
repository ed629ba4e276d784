"""`mailer certificate verify FILE`: was this certificate made here, and is it as it was made (A-093)?"""

import argparse
import base64
import binascii
import json
from pathlib import Path

from mailer.core import clock, proof_keys
from mailer.core.db import open_database
from mailer.core.errors import MailerError
from mailer.core.proof_keys import PublicKey
from mailer.core.settings import Settings
from retention_jobs import account_certificate
from retention_jobs.account_certificate import NotACertificate


class BadKey(MailerError):
    """A public key of Ed25519 is 32 octets, in base64 or hexadecimal."""


async def run(settings: Settings, args: argparse.Namespace) -> int:
    """0: good. 1: altered, of another installation, or no certificate. Raises OSError for no file."""
    try:
        read = account_certificate.read(Path(args.file).read_bytes())
    except NotACertificate:
        return _say(args, "not_a_certificate", {})
    if args.public_key:
        keys = [PublicKey(read.signature.key_id, _octets(args.public_key), clock.now())]
    else:
        async with open_database(settings.database_url, size=1) as db, db.shared() as tx:
            keys = await proof_keys.public_keys(tx)
    good = proof_keys.verified(keys, read.record.encode(), read.signature)
    return _say(args, "good" if good else "bad_signature", read.told)


def _octets(text: str) -> bytes:
    for decode in (bytes.fromhex, base64.b64decode):
        try:
            found = decode(text)
        except (ValueError, binascii.Error):
            continue
        if len(found) == 32:
            return found
    raise BadKey


def _say(args: argparse.Namespace, verdict: str, told: dict[str, object]) -> int:
    shown = {
        "verdict": verdict,
        **{name: told.get(name) for name in ("account", "erased_at", "rows") if told},
    }
    if args.json:
        print(json.dumps(shown))
    else:
        print("\n".join(f"{name}: {value}" for name, value in shown.items()))
    return 0 if verdict == "good" else 1
