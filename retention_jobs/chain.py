"""A chain of signed records: canonical JSON, its SHA-256, an Ed25519 signature over its octets (decision 22).

canonical JSON   keys sorted, no spaces, UTF-8; values are objects, lists, strings, whole numbers and null
hash             SHA-256 of those octets
previous         the hash of the record before, in hexadecimal; 64 zeros in the first
n                1, 2, 3 …
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from mailer.core import proof_keys
from mailer.core.proof_keys import PublicKey, Signature

START = bytes(32)


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: how many records, and the hash of the last."""

    n: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Proof:
    """A record as it is stored."""

    n: int
    at: datetime
    record: str
    hash: bytes
    key_id: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with which record; `n` 0: with the chain as a whole. `code` is a word of verify."""

    n: int
    code: str


def canonical(record: dict[str, Any]) -> str:
    return orjson.dumps(record, option=orjson.OPT_SORT_KEYS).decode()


def digest(record: str) -> bytes:
    return hashlib.sha256(record.encode()).digest()


def instant(at: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def line(proof: Proof) -> bytes:
    """A line of an exported proof: the record as text, so that its octets are those that were signed."""
    return orjson.dumps(
        {
            "record": proof.record,
            "hash": proof.hash.hex(),
            "key_id": proof.key_id,
            "signature": base64.b64encode(proof.signature).decode(),
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )


class Checker:
    """Reads a chain in the order of its numbers, some records at a time, and gathers its faults."""

    def __init__(self, keys: Sequence[PublicKey], account_id: int) -> None:
        self._keys = keys
        self._account_id = account_id
        self.head = Head(0, START)
        self.last_at: datetime | None = None
        self.faults: list[Fault] = []

    def read(self, proofs: Sequence[Proof]) -> None:
        for proof in proofs:
            code = self._fault(proof)
            if code:
                self.faults.append(Fault(proof.n, code))
            self.head = Head(proof.n, proof.hash)
            self.last_at = proof.at

    def _fault(self, proof: Proof) -> str:
        if proof.n != self.head.n + 1:
            return "missing_before"
        if digest(proof.record) != proof.hash:
            return "altered"
        signature = Signature(proof.key_id, proof.signature)
        if not proof_keys.verified(self._keys, proof.record.encode(), signature):
            return "signature"
        try:
            record = orjson.loads(proof.record)
        except orjson.JSONDecodeError:
            return "altered"
        told = (record.get("n"), record.get("account"), record.get("at"))
        if told != (proof.n, self._account_id, instant(proof.at)):
            return "moved"
        if record.get("previous") != self.head.hash.hex():
            return "not_chained"
        return ""

    def end(self, expected: Head | None) -> None:
        """The chain ends where its head says. None: no record was ever written."""
        if (expected or Head(0, START)) != self.head:
            self.faults.append(Fault(0, "end_missing"))
