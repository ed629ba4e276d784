"""The certificate of an erasure: made, signed, kept and mailed in the transaction that ends it (A-093).

    record      canonical JSON: keys sorted, no spaces, UTF-8; objects, lists, strings, whole numbers, null
    signature   Ed25519 over the octets of the record, by a key of the installation (core/proof_keys)

It holds no personal data: the account's number, days, counts by class and table, and what stays by which law.
"""

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from mailer.accounts import account_life, accounts, certificates, former_people
from mailer.accounts.accounts import Account
from mailer.accounts.certificates import Certificate
from mailer.core import outbox, proof_keys
from mailer.core.clock import months_after
from mailer.core.db import AccountTx, SharedTx
from mailer.core.proof_keys import Signature
from mailer.core.services import Services
from retention_jobs import certificate_classes
from retention_jobs.closed_accounts import AtEnd, Ended
from retention_jobs.policies import CERTIFICATE_MONTHS, LOG_MONTHS

ABOUT = "erasure of an account (GDPR, art. 28(3)(g))"


def issuer(services: Services) -> AtEnd:
    """What `closed_accounts.erase` calls at the end."""

    async def issue(tx: AccountTx, ended: Ended) -> None:
        await _issue(services, tx, ended)

    return issue


async def _issue(services: Services, tx: AccountTx, ended: Ended) -> None:
    account, shared = await accounts.show(tx), tx.shared()
    waived_at = await tx.value("SELECT retrieval_waived_at FROM accounts WHERE id = $1")
    former = await former_people.note(shared, services.settings.key, ended.people, ended.now)
    until = months_after(ended.now, CERTIFICATE_MONTHS)
    record = canonical(
        {
            "about": ABOUT,
            "version": 1,
            "installation": services.settings.public_url,
            "account": ended.account_id,
            "opened_at": instant(account.created_at),
            "closed_at": instant(account.closed_at),
            "begun_at": instant(ended.begun_at),
            "erased_at": instant(ended.now),
            "retrieval_waived_at": instant(waived_at),
            "deleted": certificate_classes.by_class(dict(ended.counts)),
            "rows": sum(ended.counts.values()),
            "keys_destroyed": certificate_classes.keys_of(dict(ended.counts)),
            "kept": _kept(ended.now, until, former) + await _held(shared, ended.account_id),
            "not_covered": ["earlier_backups", "delivered_mails"],
        }
    )
    signed = await proof_keys.sign(shared, services.sealer, record.encode())
    token, link_hash = certificates.new_link()
    one = Certificate(ended.account_id, ended.now, record, signed.key_id, signed.value)
    await certificates.finish(shared, one, signed, link_hash=link_hash, expires_at=until)
    await _tell(tx, account, one, f"{services.settings.public_url}/legal/certificates/{token}")


def _kept(now: datetime, until: datetime, former: int) -> list[dict[str, object]]:
    found: list[dict[str, object]] = [
        {
            "what": "certificate",
            "rows": 1,
            "legal_basis": "GDPR, art. 5(2) and 28(3)(g)",
            "until": instant(until),
        }
    ]
    if former:
        found.append(
            {
                "what": "former_people",
                "rows": former,
                "legal_basis": "GDPR, art. 6(1)(f) and 32: log of sign-ins",
                "until": instant(months_after(now, LOG_MONTHS)),
            }
        )
    return found


async def _held(tx: SharedTx, account_id: int) -> list[dict[str, object]]:
    rows = await tx.rows(
        """
        SELECT legal_basis, count(*), max(expires_at)
        FROM held_people
        WHERE account_id = $1
        GROUP BY legal_basis
        ORDER BY legal_basis
        """,
        account_id,
    )
    return [
        {"what": "held_people", "rows": n, "legal_basis": basis, "until": instant(until)}
        for basis, n, until in rows
    ]


async def _tell(tx: AccountTx, account: Account, one: Certificate, link: str) -> None:
    """Everybody of the team, the owners with the certificate. Mail of the platform outlives the account."""
    for person in await account_life.team(tx):
        await outbox.write(
            tx.shared(),
            "account_erased",
            person.email,
            language=person.language,
            details={
                "name": person.first_name,
                "account": account.name,
                "erased_on": one.erased_at.date().isoformat(),
                "link": link,
                "certificate": document(one).decode() if person.role == "owner" else "",
            },
        )


# ---------------------------------------------------------------- the document


def instant(at: datetime | None) -> str | None:
    """RFC 3339 in UTC, to the second."""
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def canonical(record: dict[str, Any]) -> str:
    return orjson.dumps(record, option=orjson.OPT_SORT_KEYS).decode()


def document(one: Certificate) -> bytes:
    """The file that somebody keeps: the record as text, so that its octets are those that were signed."""
    return orjson.dumps(
        {
            "record": one.record,
            "hash": hashlib.sha256(one.record.encode()).hexdigest(),
            "key_id": one.key_id,
            "signature": base64.b64encode(one.signature).decode(),
        }
    )


@dataclass(frozen=True, slots=True)
class Read:
    """A document as somebody brought it."""

    record: str
    told: dict[str, Any]
    signature: Signature


class NotACertificate(Exception):
    """The file is no certificate of an erasure."""


def read(data: bytes) -> Read:
    """Raises NotACertificate."""
    try:
        found = orjson.loads(data)
        record = found["record"]
        signature = Signature(int(found["key_id"]), base64.b64decode(found["signature"], validate=True))
        told = orjson.loads(record)
        if told["about"] != ABOUT or hashlib.sha256(record.encode()).hexdigest() != found["hash"]:
            raise NotACertificate
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotACertificate from error
    return Read(record, told, signature)
