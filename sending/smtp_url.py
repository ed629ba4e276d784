"""MAILER_SMTP_URL: `smtp://user:pass@host:port?tls=none|starttls|implicit` → Server (S10)."""

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

from mailer.core.settings import Settings, SettingsError, is_loopback
from sending.fence import Fence
from sending.handover import MESSAGES_EACH

Tls = Literal["none", "opportunistic", "starttls", "implicit"]
_PORTS = {"implicit": 465, "starttls": 587}
MAX_CONNECTIONS = 8


@dataclass(frozen=True, slots=True)
class Server:
    """Where mail is handed to. `tls` opportunistic: STARTTLS when offered (D-18).

    `connections`: of one process at once; `messages_each`: what one of them carries before it is closed.
    `fence`: where an account's own server may be; the operator's has none. `row`: of smtp_servers, 0 for the
    operator's.
    """

    host: str
    port: int
    tls: Tls = "none"
    username: str = ""
    password: str = field(default="", repr=False)
    connections: int = MAX_CONNECTIONS
    messages_each: int = MESSAGES_EACH
    fence: Fence | None = None
    row: int = 0


def parse(url: str) -> Server:
    """Raises SettingsError that says what is wrong, without the password.

    Without `tls` the port decides (465 is implicit), then STARTTLS is used when offered; with a user name it
    is demanded, so that no password crosses a network in the clear.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise SettingsError("MAILER_SMTP_URL: the port is not a number") from None
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.path not in ("", "/"):
        raise SettingsError("MAILER_SMTP_URL must be smtp://user:pass@host:port?tls=none|starttls|implicit")
    asked = parse_qs(parts.query, keep_blank_values=True)
    if set(asked) - {"tls"} or any(len(values) > 1 for values in asked.values()):
        raise SettingsError("MAILER_SMTP_URL: the only option is tls=none, tls=starttls or tls=implicit")
    tls = _tls(
        asked.get("tls", [""])[0],
        implicit=parts.scheme == "smtps" or port == 465,
        guarded=bool(parts.username) and not is_loopback(parts.hostname),
    )
    if parts.username and tls == "none" and not is_loopback(parts.hostname):
        raise SettingsError("MAILER_SMTP_URL: tls=none would send the password in the clear")
    username, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Server(parts.hostname, port or _PORTS.get(tls, 25), tls, username, password)


def _tls(asked: str, *, implicit: bool, guarded: bool) -> Tls:
    match asked:
        case "none" | "starttls" | "implicit":
            return asked
        case "":
            return "implicit" if implicit else "starttls" if guarded else "opportunistic"
        case _:
            raise SettingsError("MAILER_SMTP_URL: tls is none, starttls or implicit")


def server(settings: Settings) -> Server | None:
    """The SMTP server of this installation: the given one, else the local inbox; None without either."""
    if settings.smtp_url:
        return parse(settings.smtp_url)
    if settings.inbox:
        host, _, port = settings.inbox.rpartition(":")
        return Server(host, int(port))
    return None
