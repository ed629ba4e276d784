"""Who asked, behind a proxy: X-Forwarded-For and -Proto count only when a proxy of ours wrote them (E-11)."""

import ipaddress
from collections.abc import Callable, Iterable
from ipaddress import IPv4Network, IPv6Network

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from mailer.core.settings import Settings, SettingsError

Network = IPv4Network | IPv6Network


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


def asker(settings: Settings) -> Callable[[web.Request], str]:
    """The address that asked, for who answers before the middlewares; "" when our proxy does not tell."""
    trusted = networks(settings)

    def remote(request: web.Request) -> str:
        peer = request.remote or ""
        if not trusted or not _inside(peer, trusted):
            return peer
        return _last_stranger(request.headers.getall("X-Forwarded-For", []), trusted)

    return remote


def _last_stranger(headers: Iterable[str], trusted: tuple[Network, ...]) -> str:
    """The nearest address that is no proxy of ours: what stands left of it, anybody may have written."""
    chain = [part.strip() for header in headers for part in header.split(",")]
    for text in reversed(chain):
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return ""
        if not _inside(str(address), trusted):
            return str(address)
    return ""


def _inside(text: str, trusted: tuple[Network, ...]) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in network for network in trusted)
