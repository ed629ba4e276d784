"""Tokens in mails (S9): key id, then AES-SIV(payload) with the purpose as associated data, base64url.

They act for as long as the mail lies in somebody's inbox, so their form never changes. A payload is a row of
numbers, then bytes; nothing in it is readable or can be altered (B-46, B-62, D-42, E-31).
"""

import base64
import binascii
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from mailer.core.db import Database, SharedTx
from mailer.core.errors import NotFound
from mailer.core.sealing import Sealer

_KEY_PURPOSE = "signing key"
_MAX_TOKEN = 2400


class Purpose(StrEnum):
    UNSUBSCRIBE = "u"
    PREFERENCES = "p"
    TRACKING = "t"
    RIGHTS = "r"
    CLICK = "c"
    OPEN = "o"
    VIEW = "v"
    CONFIRM = "f"
    PREVIEW = "w"
    TEST = "x"
    SENDER = "s"
    SEED = "d"
    SIGN_UP = "g"
    FORM_STAMP = "m"
    FORM_ASKED = "n"
    FORM_PREVIEW = "e"
    STAY = "y"
    UPLOAD = "i"
    CLICK_MAP = "q"


@dataclass(frozen=True, slots=True)
class RecipientToken:
    """Who a link speaks for, after everything else is gone."""

    account_id: int
    list_id: int
    contact_id: int
    address_hash: bytes
    campaign_id: int = 0


@dataclass(frozen=True, slots=True)
class CampaignToken:
    """A click, an open or a web version. `link_id` 0: none. `url`: a personalised target (S9)."""

    account_id: int
    campaign_id: int
    contact_id: int
    link_id: int = 0
    url: str = ""


# as associated data, made once: a mail with ten links makes some twenty tokens
_AAD = {purpose: [purpose.value.encode()] for purpose in Purpose}
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def _pack(*numbers: int, tail: bytes = b"") -> bytes:
    """Numbers as LEB128, seven bits a byte."""
    out = bytearray()
    for value in numbers:
        number = value
        while number > 0x7F:
            out.append(number & 0x7F | 0x80)
            number >>= 7
        out.append(number)
    return bytes(out) + tail


@lru_cache(4096)
def _number(value: int) -> bytes:
    return _pack(value)


def _unpack(data: bytes, count: int) -> tuple[list[int], bytes]:
    numbers, position = [], 0
    for _ in range(count):
        shift = number = 0
        while True:
            byte = data[position]
            position += 1
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        numbers.append(number)
    return numbers, data[position:]


@lru_cache(8)
def _of_recipient(who: RecipientToken) -> bytes:
    """Remembered for the next link of the same mail."""
    return _pack(who.account_id, who.list_id, who.contact_id, who.campaign_id, tail=who.address_hash)


@dataclass(frozen=True, slots=True, repr=False)
class Tokens:
    """Makes and reads tokens. `keys` maps key id → 64-byte key; `current` signs."""

    keys: dict[int, AESSIV]
    current: int

    def _make(self, purpose: Purpose, payload: bytes) -> str:
        sealed = self.keys[self.current].encrypt(payload, _AAD[purpose])
        raw = binascii.b2a_base64(bytes((self.current,)) + sealed, newline=False)
        return raw.translate(_URL_SAFE).rstrip(b"=").decode("ascii")

    def _read(self, purpose: Purpose, token: str) -> bytes:
        if len(token) > _MAX_TOKEN or not token.isascii():
            raise NotFound
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
            return self.keys[raw[0]].decrypt(raw[1:], _AAD[purpose])
        except (binascii.Error, ValueError, IndexError, KeyError, InvalidTag):
            raise NotFound from None

    def recipient(self, purpose: Purpose, who: RecipientToken) -> str:
        return self._make(purpose, _of_recipient(who))

    def read_recipient(self, purpose: Purpose, token: str) -> RecipientToken:
        """Raises NotFound for a damaged, foreign or wrong-purpose token."""
        try:
            (account, listed, contact, campaign), tail = _unpack(self._read(purpose, token), 4)
        except IndexError:
            raise NotFound from None
        return RecipientToken(account, listed, contact, tail, campaign)

    def campaign(self, purpose: Purpose, what: CampaignToken) -> str:
        numbers = (what.account_id, what.campaign_id, what.contact_id, what.link_id)
        return self._make(purpose, _pack(*numbers, tail=what.url.encode()))

    def clicks(self, place: CampaignToken, targets: Sequence[tuple[int, str]]) -> list[str]:
        """As `campaign` makes them, the click tokens of one mail: for each (link id, personalised target)."""
        start = _pack(place.account_id, place.campaign_id, place.contact_id)
        return [
            self._make(Purpose.CLICK, start + _number(link_id) + (url.encode() if url else b""))
            for link_id, url in targets
        ]

    def read_campaign(self, purpose: Purpose, token: str) -> CampaignToken:
        """Raises NotFound for a damaged, foreign or wrong-purpose token."""
        try:
            (account, campaign, contact, link), tail = _unpack(self._read(purpose, token), 4)
        except IndexError:
            raise NotFound from None
        return CampaignToken(account, campaign, contact, link, tail.decode())

    def timed(self, purpose: Purpose, *numbers: int, expires: int) -> str:
        """A short-lived token of numbers; `expires` is a Unix time in seconds."""
        return self._make(purpose, _pack(expires, len(numbers), *numbers))

    def read_timed(self, purpose: Purpose, token: str, *, now: int) -> list[int]:
        """Raises NotFound when damaged or over."""
        data = self._read(purpose, token)
        try:
            (expires, count), _ = _unpack(data, 2)
            numbers, _ = _unpack(data, 2 + count)
        except IndexError:
            raise NotFound from None
        if now >= expires:
            raise NotFound
        return numbers[2:]

    def noted(self, purpose: Purpose, account_id: int, ref_id: int, text: str) -> str:
        """A short text that a page shows again, so that nobody else can make it show theirs."""
        return self._make(purpose, _pack(account_id, ref_id, tail=text.encode()))

    def read_noted(self, purpose: Purpose, token: str) -> tuple[int, int, str]:
        """Account, row and text. Raises NotFound when damaged."""
        try:
            (account_id, ref_id), tail = _unpack(self._read(purpose, token), 2)
        except IndexError:
            raise NotFound from None
        return account_id, ref_id, tail.decode()


@dataclass(frozen=True, slots=True)
class _Key:
    id: int
    sealed: bytes


async def _first_key(tx: SharedTx, sealer: Sealer) -> None:
    sealed = sealer.seal(secrets.token_bytes(64), _KEY_PURPOSE)
    await tx.run("INSERT INTO signing_keys (id, sealed) VALUES (1, $1) ON CONFLICT DO NOTHING", sealed)


async def load_tokens(db: Database, sealer: Sealer) -> Tokens:
    """The signing keys of this installation, the first one made on the way."""
    async with db.shared() as tx:
        found = await tx.many(_Key, "SELECT id, sealed FROM signing_keys ORDER BY id")
        if not found:
            await _first_key(tx, sealer)
            found = await tx.many(_Key, "SELECT id, sealed FROM signing_keys ORDER BY id")
    keys = {key.id: AESSIV(sealer.open(key.sealed, _KEY_PURPOSE)) for key in found}
    return Tokens(keys, found[-1].id)
