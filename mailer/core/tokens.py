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
    OPEN_DAY = "k"
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
    RETURN = "b"
    HOOK = "h"
    CLICK_MAP = "q"
    RIGHTS_FORM = "rights form"
    RIGHTS_CONFIRM = "rights confirm"
    RIGHTS_FILE = "rights file"
    RIGHTS_ADDRESS = "rights address"


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
    """A click, an open or a web version. `link_id` 0: none; `contact_id` 0: everybody (B-34).

    `url`: a personalised target (S9).
    """

    account_id: int
    campaign_id: int
    contact_id: int
    link_id: int = 0
    url: str = ""


@dataclass(frozen=True, slots=True)
class ReturnToken:
    """Which mail a report speaks of (D-30). `campaign_id` 0: `ref_id` is a transactional message, 0 a test.

    `day`: when it left, in days since 1970; `check`: the first octets of the hash of the address it went to.
    """

    account_id: int
    campaign_id: int
    ref_id: int
    day: int
    check: bytes = b""


CHECK_OCTETS = 3
# as associated data, made once: a mail with ten links makes some twenty tokens
_AAD = {purpose: [purpose.value.encode()] for purpose in Purpose}
_URL_SAFE, _PADDING = bytes.maketrans(b"+/", b"-_"), b"="
_OF_CAMPAIGN = frozenset({Purpose.CLICK, Purpose.OPEN, Purpose.VIEW})
_GROUPS = 64
_LETTERS = bytes.maketrans(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef",  # base64's for 0 to 31
    b"abcdefghijklmnopqrstuvwxyz234567",
)


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


def _levels() -> list[tuple[int, int, int]]:
    """Masks and shifts that part 64 groups of five bits: halves first, then quarters, down to single ones."""
    levels = []
    half = _GROUPS // 2
    while half:
        low = sum(((1 << 5 * half) - 1) << 12 * half * block for block in range(_GROUPS // (2 * half)))
        levels.append((low, low << 5 * half, half))
        half //= 2
    return levels


_SPREAD = _levels()


def _base32(raw: bytes) -> str:
    """RFC 4648 §6 in lower case, without padding; at most 40 octets.

    With a zero bit put before each five, base64's C code writes one letter for each: a third of the time of
    the standard library's loop.
    """
    if len(raw) > _GROUPS * 5 // 8:
        raise ValueError("too long for a local part")
    groups = -(-len(raw) * 8 // 5)
    number = int.from_bytes(raw, "big") << (groups * 5 - len(raw) * 8)
    for low, high, shift in _SPREAD:
        number = number & low | (number & high) << shift
    letters = binascii.b2a_base64(number.to_bytes(_GROUPS * 6 // 8, "big"), newline=False)
    return letters.translate(_LETTERS)[-groups:].decode("ascii")


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


def _of_recipient(who: RecipientToken) -> bytes:
    return _pack(who.account_id, who.list_id, who.contact_id, who.campaign_id, tail=who.address_hash)


def return_start(account_id: int, campaign_id: int, day: int) -> bytes:
    """What the return paths of a campaign's mails of one day share."""
    return _pack(account_id, campaign_id, day)


@dataclass(frozen=True, slots=True, repr=False)
class Tokens:
    """Makes and reads tokens. `keys` maps key id → 64-byte key; `current` signs."""

    keys: dict[int, AESSIV]
    current: int

    def _make(self, purpose: Purpose, payload: bytes) -> str:
        [made] = self._all([(purpose, payload)])
        return made

    def _all(self, wanted: Sequence[tuple[Purpose, bytes]]) -> list[str]:
        """A mail with ten links has some fifteen: what can be done to them as one text is done once."""
        seal, head, base64_of = self.keys[self.current].encrypt, bytes((self.current,)), binascii.b2a_base64
        made = [base64_of(head + seal(payload, _AAD[purpose]), newline=False) for purpose, payload in wanted]
        return b" ".join(made).translate(_URL_SAFE, _PADDING).decode("ascii").split(" ")

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

    def of_mail(
        self, who: RecipientToken, purposes: Sequence[Purpose], clicks: Sequence[tuple[int, str]]
    ) -> list[str]:
        """The tokens of one mail at once: of these purposes, then one for each click (link id, target).

        As `recipient` and `campaign` make them one by one.
        """
        place = _pack(who.account_id, who.campaign_id, who.contact_id)
        nowhere, recipient = place + b"\0", _of_recipient(who)
        wanted = [(one, nowhere if one in _OF_CAMPAIGN else recipient) for one in purposes]
        wanted += [
            (Purpose.CLICK, place + _number(link_id) + (url.encode() if url else b""))
            for link_id, url in clicks
        ]
        return self._all(wanted) if wanted else []

    def read_campaign(self, purpose: Purpose, token: str) -> CampaignToken:
        """Raises NotFound for a damaged, foreign or wrong-purpose token."""
        try:
            (account, campaign, contact, link), tail = _unpack(self._read(purpose, token), 4)
        except IndexError:
            raise NotFound from None
        return CampaignToken(account, campaign, contact, link, tail.decode())

    def returns(self, start: bytes, ref_id: int, check: bytes) -> str:
        """As `return_start` began it: lower-case base32, since a local part may lose its case on the way.

        4 µs, in the path of every mail. At most 56 characters, for ids below 2³⁵.
        """
        raw = bytes((self.current,)) + self.keys[self.current].encrypt(
            start + _pack(ref_id, tail=check), _AAD[Purpose.RETURN]
        )
        return _base32(raw)

    def read_returns(self, text: str) -> ReturnToken:
        """Raises NotFound for a damaged, foreign or wrong-purpose token. How old it is says `day`."""
        try:
            raw = base64.b32decode(text.upper() + "=" * (-len(text) % 8))
            plain = self.keys[raw[0]].decrypt(raw[1:], _AAD[Purpose.RETURN])
            (account, campaign, day, ref), check = _unpack(plain, 4)
        except (binascii.Error, ValueError, IndexError, KeyError, InvalidTag):
            raise NotFound from None
        return ReturnToken(account, campaign, ref, day, check)

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
