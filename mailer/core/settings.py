"""Settings: read once from MAILER_*, checked, frozen (S10). The only place where they are named.

Whatever differs between accounts is a column, not a setting. Where a server's URL is unset, `mailer run`
starts an embedded one and leaves its address in `<data>/run.json`; the other commands find it there.
"""

import base64
import ipaddress
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from mailer.core.operator import Operator, OperatorError, read_operator

RUN_FILE = "run.json"


class SettingsError(Exception):
    """The configuration is not usable; the text says which setting and why."""


class Environment(BaseSettings):
    """What the environment says, before it is completed."""

    model_config = SettingsConfigDict(env_prefix="MAILER_", frozen=True, extra="forbid")

    data_dir: Path = Path(".data")
    database_url: str = ""
    redis_url: str = ""
    smtp_url: str = ""
    public_url: str = ""
    track_url: str = ""
    mail_domain: str = ""
    listen: str = "127.0.0.1:8080"
    inbound_listen: str = ""
    metrics_listen: str = "127.0.0.1:9108"
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()
    secret_key: str = ""
    old_secret_keys: Annotated[tuple[str, ...], NoDecode] = ()
    operator_file: Path | None = None
    sign_up: Literal["", "open", "approval", "closed"] = ""
    web_processes: int = Field(default=0, ge=0, le=64)
    workers: int = Field(default=0, ge=0, le=64)
    log_level: Literal["", "debug", "info", "warning", "error"] = ""

    @property
    def level(self) -> str:
        """A person watches an embedded copy in a terminal: each request would hide what matters."""
        return self.log_level or ("info" if self.database_url else "warning")

    @field_validator("listen", "metrics_listen", "inbound_listen")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        _, colon, port = value.rpartition(":")
        if value and not (colon and port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
            raise ValueError("must be host:port, for example 127.0.0.1:8080")
        return value

    @field_validator("trusted_proxies", "old_secret_keys", mode="before")
    @classmethod
    def _commas(cls, value: object) -> object:
        return (
            tuple(part.strip() for part in value.split(",") if part.strip())
            if isinstance(value, str)
            else value
        )


class Settings(Environment):
    """Complete: every address filled in, the keys as bytes, the operator known."""

    model_config = SettingsConfigDict(env_prefix="MAILER_", frozen=True, extra="ignore")

    embedded: bool = False  # the database is ours
    inbox: str = ""  # host:port of the local inbox, when no SMTP server is set
    key: bytes = b""
    old_keys: tuple[bytes, ...] = ()
    operator: Operator = Field(default_factory=Operator)

    @property
    def host(self) -> str:
        return self.listen.rpartition(":")[0]

    @property
    def port(self) -> int:
        return int(self.listen.rpartition(":")[2])

    @property
    def processes(self) -> int:
        return self.web_processes or os.cpu_count() or 1

    @property
    def worker_processes(self) -> int:
        return self.workers or os.cpu_count() or 1

    @property
    def secure(self) -> bool:
        """True when people reach us by https."""
        return self.public_url.startswith("https://")

    @property
    def local(self) -> bool:
        """True on a development machine: the public address is this machine itself."""
        return is_loopback(urlsplit(self.public_url).hostname or "")

    @property
    def inbox_shown(self) -> bool:
        """S18: the local inbox exists only without an SMTP server and on a loopback address."""
        return not self.smtp_url and self.local


def is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def run_file(data_dir: Path) -> dict[str, str]:
    """Addresses that a running `mailer run` left for the other commands, or nothing."""
    try:
        content: dict[str, str] = json.loads((data_dir / RUN_FILE).read_text())
    except (OSError, ValueError):
        return {}
    return content


def environment(environ: Mapping[str, str]) -> Environment:
    """Raises SettingsError for an unknown MAILER_* name or a value that cannot be read."""
    known = {f"MAILER_{name.upper()}" for name in Environment.model_fields}
    for name in environ:
        if name.startswith("MAILER_") and name not in known:
            raise SettingsError(f"{name} is not a setting. Known: {', '.join(sorted(known))}")
    given = {
        name.removeprefix("MAILER_").lower(): value
        for name, value in environ.items()
        if name.startswith("MAILER_") and value != ""
    }
    try:
        return Environment(**given)  # type: ignore[arg-type]  # strings: pydantic converts them
    except ValidationError as error:
        first = error.errors()[0]
        said = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"MAILER_{str(first['loc'][0]).upper()}: {said}") from None


def load(environ: Mapping[str, str], *, servers: Mapping[str, str] | None = None) -> Settings:
    """Complete settings. `servers` are embedded addresses; without it `run.json` is asked.

    Raises SettingsError that names the setting and says what to do.
    """
    given = environment(environ)
    found = run_file(given.data_dir) if servers is None else servers
    embedded = not given.database_url
    values: dict[str, Any] = given.model_dump()
    values["embedded"] = embedded
    values["database_url"] = given.database_url or found.get("database_url", "")
    values["redis_url"] = given.redis_url or found.get("redis_url", "")
    values["inbox"] = "" if given.smtp_url else found.get("inbox", "")
    values["inbound_listen"] = given.inbound_listen or found.get("inbound", "")
    if not values["database_url"] or not values["redis_url"]:
        missing = "MAILER_REDIS_URL" if values["database_url"] else "MAILER_DATABASE_URL"
        raise SettingsError(f"{missing} is not set and no `mailer run` is active in {given.data_dir}.")
    _addresses(given, values)
    values["key"], values["old_keys"] = _keys(given, embedded=embedded)
    values["operator"] = _operator(given, embedded=embedded)
    values["sign_up"] = given.sign_up or ("open" if embedded else "closed")
    return Settings.model_construct(**values)


def _addresses(given: Environment, values: dict[str, Any]) -> None:
    host, _, port = given.listen.rpartition(":")
    shown = "localhost" if host in ("", "0.0.0.0", "127.0.0.1", "::", "[::]") else host  # noqa: S104
    public = (given.public_url or f"http://{shown}:{port}").rstrip("/")
    values["public_url"] = public
    values["track_url"] = (given.track_url or public).rstrip("/")
    for name in ("public_url", "track_url"):
        parts = urlsplit(values[name])
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
            raise SettingsError(f"MAILER_{name.upper()} must be https://host, without a path")
        # S18: cookies and links of a public site need TLS (E-05)
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise SettingsError(
                f"MAILER_{name.upper()}: a public address must be https; only loopback may be http"
            )
    hostname = urlsplit(public).hostname or "localhost"
    values["mail_domain"] = given.mail_domain or ("mailer.localhost" if is_loopback(hostname) else hostname)


def _keys(given: Environment, *, embedded: bool) -> tuple[bytes, tuple[bytes, ...]]:
    if not given.secret_key and not embedded:
        raise SettingsError(
            "MAILER_SECRET_KEY is not set. With a database of your own it must be: 32 random bytes in base64,"
            " for example from `openssl rand -base64 32`. Keep a copy apart from the database."
        )
    current = _decode("MAILER_SECRET_KEY", given.secret_key) if given.secret_key else _own_key(given.data_dir)
    return current, tuple(_decode("MAILER_OLD_SECRET_KEYS", text) for text in given.old_secret_keys)


def _decode(name: str, text: str) -> bytes:
    try:
        key = base64.b64decode(text, altchars=b"-_" if "-" in text or "_" in text else None, validate=True)
    except ValueError:
        key = b""
    # E-67: nothing guessable; 32 equal or counted bytes are a default, not a key
    if len(key) != 32 or len(set(key)) < 8:
        raise SettingsError(f"{name} must be 32 random bytes in base64.")
    return key


def _own_key(data_dir: Path) -> bytes:
    """The embedded copy makes its own key at first start, readable by its owner alone."""
    path = data_dir / "secret.key"
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return base64.b64decode(path.read_text())
    with os.fdopen(descriptor, "w") as file:
        key = secrets.token_bytes(32)
        file.write(base64.b64encode(key).decode())
    return key


def _operator(given: Environment, *, embedded: bool) -> Operator:
    if given.operator_file is None:
        if embedded:
            return Operator()
        raise SettingsError(
            "MAILER_OPERATOR_FILE is not set. With a database of your own it must name a TOML file that says"
            " who operates this service (A-050); deploy/operator.example.toml shows one."
        )
    try:
        return read_operator(given.operator_file)
    except OperatorError as error:
        raise SettingsError(f"MAILER_OPERATOR_FILE: {error}") from None
