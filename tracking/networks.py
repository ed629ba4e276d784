"""The network that a hit came from, as a word that means nothing tomorrow (S21).

/24 of IPv4, /48 of IPv6, hashed under a key of the day. The key is random, lives in Redis alone and expires
there: a hash that is found later leads to no address. Two hits of one network are told apart from two
networks, and nothing more.
"""

import hashlib
import ipaddress
import secrets
from functools import lru_cache
from weakref import WeakKeyDictionary

from redis.asyncio import Redis

from mailer.core import clock

KEY_SECONDS = 86_400
_NAME = "mailer:network-key:"
_keys: WeakKeyDictionary[Redis, tuple[str, bytes]] = WeakKeyDictionary()


async def key(redis: Redis) -> bytes:
    """Today's (UTC), the same in all processes. Raises RedisError."""
    today = clock.now().date().isoformat()
    day, found = _keys.get(redis, ("", b""))
    if day == today:
        return found
    # whoever asks first makes it; the others, and the same one after a restart, find it
    await redis.set(_NAME + today, secrets.token_bytes(16), ex=KEY_SECONDS, nx=True)
    made: bytes = await redis.get(_NAME + today) or b""
    if made:
        _keys[redis] = (today, made)
    return made


def word(day_key: bytes, remote: str) -> str:
    """ "" without a key, or for what is no address."""
    return _word(day_key, _prefix(remote)) if day_key else ""


@lru_cache(maxsize=16_384)
def _prefix(remote: str) -> bytes:
    try:
        address = ipaddress.ip_address(remote)
    except ValueError:
        return b""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            return address.packed[:6]
        address = address.ipv4_mapped
    return address.packed[:3]


@lru_cache(maxsize=16_384)
def _word(day_key: bytes, prefix: bytes) -> str:
    return hashlib.blake2b(prefix, key=day_key, digest_size=6).hexdigest() if prefix else ""
