"""Who asked, behind a proxy: X-Forwarded-For and -Proto count only when a proxy of ours wrote them (E-11)."""

import ipaddress
import socket
from collections.abc import Callable, Iterable
from ipaddress import IPv4Network, IPv6Network

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from mailer.core.settings import Settings, SettingsError

Network = IPv4Network | IPv6Network
_MAPPED = bytes(10) + b"\xff\xff"  # RFC 4291 §2.5.5.2: IPv4 seen by an IPv6 socket


def networks(settings: Settings) -> tuple[Network, ...]:
    """Raises SettingsError for what is neither an address nor a network."""
    found = []
    for text in settings.trusted_proxies:
        try:
            found.append(ipaddress.ip_network(text, strict=False))
        except ValueError:
            raise SettingsError(
                f"MAILER_TRUSTED_PROXIES: {text} is neither an address nor a network like 172.16.0.0/12"
            ) from None
    return tuple(found)


def middlewares(settings: Settings) -> list[Middleware]:
    """Nothing without trusted proxies: then the peer is who asked, whatever headers say."""
    trusted = networks(settings)
    if not trusted:
        return []

    @web.middleware
    async def forwarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not _inside(request.remote or "", trusted):
            return await handler(request)
        remote = _last_stranger(request.headers.getall("X-Forwarded-For", []), trusted)
        scheme = request.headers.get("X-Forwarded-Proto", "")
        request = request.clone(
            remote=remote or request.remote or "",
            scheme=scheme if scheme in ("http", "https") else request.scheme,
        )
        return await handler(request)

    return [forwarded]


def asker(settings: Settings) -> Callable[[web.BaseRequest], str]:
    """The address that asked, for who answers before the middlewares; "" when our proxy does not tell."""
    trusted = networks(settings)

    def remote(request: web.BaseRequest) -> str:
        peer = request.remote or ""
        if not trusted or not _inside(peer, trusted):
            return peer
        return _last_stranger(request.headers.getall("X-Forwarded-For", []), trusted)

    return remote


def _last_stranger(headers: Iterable[str], trusted: tuple[Network, ...]) -> str:
    """The nearest address that is no proxy of ours: what stands left of it, anybody may have written."""
    chain = [part.strip() for header in headers for part in header.split(",")]
    for text in reversed(chain):
        packed = _packed(text)
        if packed is None:
            return ""
        if not _covered(packed, trusted):
            return text
    return ""


def _inside(text: str, trusted: tuple[Network, ...]) -> bool:
    packed = _packed(text)
    return packed is not None and _covered(packed, trusted)


def _packed(text: str) -> bytes | None:
    """Four or sixteen bytes; the C library reads an address in a tenth of the time of `ipaddress`."""
    try:
        if ":" not in text:
            return socket.inet_pton(socket.AF_INET, text)
        packed = socket.inet_pton(socket.AF_INET6, text)
    except (OSError, ValueError):
        return None
    return packed[12:] if packed.startswith(_MAPPED) else packed


def _covered(packed: bytes, trusted: tuple[Network, ...]) -> bool:
    number, bits = int.from_bytes(packed), len(packed) * 8
    return any(
        network.max_prefixlen == bits and number & int(network.netmask) == int(network.network_address)
        for network in trusted
    )
