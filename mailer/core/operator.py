"""Who operates the service, its data protection officer, hosts and sub-processors (A-050, A-028, A-047)."""

import tomllib
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

# EU and EEA (A-028: "located exclusively within the European Union"; the EEA applies the GDPR alike)
EEA = frozenset(
    [
        "AT",
        "BE",
        "BG",
        "HR",
        "CY",
        "CZ",
        "DK",
        "EE",
        "FI",
        "FR",
        "DE",
        "GR",
        "HU",
        "IE",
        "IT",
        "LV",
        "LT",
        "LU",
        "MT",
        "NL",
        "PL",
        "PT",
        "RO",
        "SK",
        "SI",
        "ES",
        "SE",
        "IS",
        "LI",
        "NO",
    ]
)


class OperatorError(Exception):
    """The operator file cannot be used; the text says why."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_min_length=1)


class Host(_Part):
    """A place where personal data lies or passes: database, relay, backup."""

    name: str
    service: str
    country: str


class SubProcessor(_Part):
    """A-047: without contract date or country it is refused."""

    name: str
    service: str
    country: str
    region: str = ""
    safeguards: str = ""
    contract_date: str
    # does the contract bind it to secrecy? left out: nobody has said
    confidentiality: bool | None = None
    data: str
    retention: str


class Operator(BaseModel):
    """Shown on the legal pages and, as processor, to recipients."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "Mailer (installation locale)"
    registration: str = ""
    address: str = ""
    country: str = "FR"
    email: str = "contact@mailer.localhost"
    dpo: str = "dpo@mailer.localhost"
    abuse: str = "abuse@mailer.localhost"
    hosts: tuple[Host, ...] = ()
    sub_processors: tuple[SubProcessor, ...] = ()
    # private networks in which accounts may have their own SMTP servers (E-54); not shown
    smtp_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    # for STARTTLS where mail comes in; read again when the files change; not shown
    inbound_certificate: Path | None = None
    inbound_key: Path | None = None


def read_operator(path: Path) -> Operator:
    """Raises OperatorError that names the missing line or the host outside the EEA."""
    try:
        content = tomllib.loads(path.read_text())
    except OSError as error:
        raise OperatorError(f"cannot be read: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise OperatorError(f"is not TOML: {error}") from None
    try:
        operator = Operator(**content)
    except ValidationError as error:
        first = error.errors()[0]
        raise OperatorError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    for name in ("name", "registration", "address", "email", "dpo"):
        if not content.get(name):
            raise OperatorError(f"{name} is missing or empty")
    if (operator.inbound_certificate is None) != (operator.inbound_key is None):
        raise OperatorError("inbound_certificate and inbound_key belong together")
    places: tuple[Host | SubProcessor, ...] = (*operator.hosts, *operator.sub_processors)
    for part in places:
        if part.country not in EEA:
            raise OperatorError(f"{part.name} is in {part.country}: data stays in the EU or EEA (A-028)")
    return operator
