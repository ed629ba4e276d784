"""Does what comes back find its way in? The listener is asked for its greeting, and takes no mail by that."""

import asyncio

from mailer.core.settings import Settings, is_loopback
from mailer.finding import Finding, look, ok, wrong

SECONDS = 5.0
NAME = "Inbound mail"


async def inbound(settings: Settings) -> list[Finding]:
    listen = settings.inbound_listen
    if not listen:
        if settings.local or is_loopback(settings.mail_domain):
            return [ok(NAME, "no listener: bounces that come later and mails that unsubscribe are not read")]
        return [
            look(
                NAME,
                "nothing takes what comes back: late bounces, complaints and mails that unsubscribe are lost",
                "Set MAILER_INBOUND_LISTEN and start `mailer inbound` (deploy/docs/operating.md).",
            )
        ]
    host, _, port = listen.rpartition(":")
    bare = host.strip("[]")
    address = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(bare, bare)  # noqa: S104 - compared
    try:
        async with asyncio.timeout(SECONDS):
            reader, writer = await asyncio.open_connection(address, int(port))
            try:
                greeting = (await reader.readline()).decode("ascii", "replace").strip()
                writer.write(b"QUIT\r\n")
                await writer.drain()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        remedy = "Start `mailer inbound`. On another machine or in a container it cannot be seen from here."
        return [look(NAME, f"nothing answers on {listen}", remedy)]
    if not greeting.startswith("220"):
        return [wrong(NAME, f"{listen} answers: {greeting[:100]}", "Another program may have the port.")]
    text = f"{listen} takes mail for {settings.mail_domain}"
    if settings.operator.inbound_certificate is None and not settings.local:
        remedy = "Set inbound_certificate and inbound_key in the operator file."
        return [ok(NAME, text), look(NAME, "it offers no TLS", remedy)]
    return [ok(NAME, text)]
