"""The network that a hit came from, as a word that means nothing tomorrow (S21).

/24 of IPv4, /48 of IPv6, hashed under a key of the day. The key is random, lives in Redis alone and expires
there: a hash that is found later leads to no address. Two hits of one network are told apart from two
networks, and nothing more.
"""

import hashlib
import secrets
import socket
from weakref import WeakKeyDictionary

from redis.asyncio import Redis

from mailer.core import clock

KEY_SECONDS = 86_400
_NAME = "mailer:network-key:"
_MAPPED = bytes(10) + b"\xff\xff"  # RFC 4291 §2.5.5.2
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


def _prefix(remote: str) -> bytes:
    try:
        if ":" not in remote:
            return socket.inet_pton(socket.AF_INET, remote)[:3]
        packed = socket.inet_pton(socket.AF_INET6, remote)
    except (OSError, ValueError):
        return b""
    return packed[12:15] if packed.startswith(_MAPPED) else packed[:6]


def _word(day_key: bytes, prefix: bytes) -> str:
    return hashlib.blake2b(prefix, key=day_key, digest_size=6).hexdigest() if prefix else ""
