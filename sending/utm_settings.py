"""Which campaign parameters stand on links: the account's, or a campaign's own in their place (S22)."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints

from mailer.accounts import audit
from mailer.core.db import AccountTx
from mailer.core.errors import Fault, Invalid
from mailer.core.settings import Settings
from mailer.core.text import N_
from mailer.web.request import Input
from sending import ab_variants, campaigns
from sending.utm import NONE, Rule, Tagging, plain_host

Value = Annotated[str, StringConstraints(max_length=100)]
NAMES = ("source", "medium", "campaign", "content")
MOST_DOMAINS = 50
_PLACES = re.compile(r"\{(id|name|variant)\}")
_HOST = re.compile(r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")


class Parameters(Input):
    """`active` False: nothing is added. In values, {id} is the campaign's number, {name} its name in plain
    letters, {variant} the letter of its A/B variant; recipients can read all of them in the address.

    `rule`: on links to `all` domains, `only` to these and theirs below, or to all `except` these.
    """

    active: bool = True
    source: Value = ""
    medium: Value = ""
    campaign: Value = ""
    content: Value = ""
    rule: Rule = "all"
    domains: Annotated[list[Annotated[str, StringConstraints(max_length=300)]], Field(max_length=500)] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    active: bool
    source: str
    medium: str
    campaign: str
    content: str
    rule: Rule
    domains: list[str]


DEFAULT = Stored(
    active=False, source="newsletter", medium="email", campaign="{id}", content="", rule="all", domains=[]
)
"""What the form of an account begins with: nothing is added until somebody says so."""


async def stored(tx: AccountTx, campaign_id: int | None = None) -> Stored | None:
    """The account's, or the campaign's own; None where nothing was set."""
    return await tx.first(
        Stored,
        """
        SELECT active, source, medium, campaign, content, rule, domains
        FROM utm_settings
        WHERE account_id = $1 AND campaign_id IS NOT DISTINCT FROM $2
        """,
        campaign_id,
    )


async def put(tx: AccountTx, given: Parameters, *, campaign_id: int | None = None) -> None:
    """Of the account for what is not frozen yet, or of a draft. Raises NotFound, Conflict, Invalid."""
    domains = _checked(given)
    if campaign_id is not None:
        await campaigns.change(tx, campaign_id, campaigns.Changes())
    await tx.run(
        """
        INSERT INTO utm_settings (account_id, campaign_id, active, source, medium, campaign, content, rule,
                                  domains)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT ON CONSTRAINT utm_settings_of DO UPDATE
        SET active = excluded.active, source = excluded.source, medium = excluded.medium,
            campaign = excluded.campaign, content = excluded.content, rule = excluded.rule,
            domains = excluded.domains
        """,
        campaign_id,
        given.active,
        *(getattr(given, name) for name in NAMES),
        given.rule,
        domains,
    )
    if campaign_id is None:
        await audit.write(tx, "changed", "link_parameters", tx.account_id)
    else:
        await audit.write(tx, "changed", "campaign", campaign_id)


async def drop(tx: AccountTx, campaign_id: int) -> None:
    """A draft adds what the account adds. Raises NotFound and Conflict."""
    await campaigns.change(tx, campaign_id, campaigns.Changes())
    await tx.run("DELETE FROM utm_settings WHERE account_id = $1 AND campaign_id = $2", campaign_id)


async def of(tx: AccountTx, settings: Settings, campaign_id: int, variant: int = 1) -> Tagging:
    """What is added when this campaign is compiled. Raises NotFound."""
    found = await stored(tx, campaign_id) or await stored(tx)
    if found is None or not found.active:
        return NONE
    name = (await campaigns.show(tx, campaign_id)).name
    letter = ab_variants.LETTERS[variant - 1].lower()
    meanings = {"id": str(campaign_id), "name": slug(name), "variant": letter}
    return Tagging(
        params=filled_in(found, meanings),
        rule=found.rule,
        domains=found.domains,
        own=frozenset(
            plain_host(urlsplit(url).hostname or "") for url in (settings.public_url, settings.track_url)
        ),
    )


def filled_in(found: Stored, meanings: Mapping[str, str]) -> dict[str, str]:
    """Parameters by their names in an address; `meanings` of id, name and variant."""
    return {f"utm_{key}": _PLACES.sub(lambda place: meanings[place[1]], getattr(found, key)) for key in NAMES}


def slug(name: str) -> str:
    """Plain letters and hyphens: “Été 2026 !” → ete-2026."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def _checked(given: Parameters) -> list[str]:
    """The domains as A-labels. Raises Invalid with every fault."""
    faults = [fault for name in NAMES if (fault := _value_fault(name, getattr(given, name)))]
    if given.active and not given.source:
        message = N_("Write the source: analytics count nothing without it.")
        faults.append(Fault("source", message, "missing"))
    hosts = [(row, written, plain_host(_host(written))) for row, written in enumerate(given.domains, 1)]
    for row, written, host in hosts:
        if host and not _HOST.fullmatch(host):
            message = N_("“{domain}” is no domain. Write it like example.com.")
            faults.append(Fault("domains", message, "domain", {"domain": written[:80]}, row))
    domains = list(dict.fromkeys(host for _, _, host in hosts if host))
    if given.active and given.rule != "all" and not domains:
        message = N_("Name a domain at least, or choose all domains.")
        faults.append(Fault("domains", message, "missing"))
    if len(domains) > MOST_DOMAINS:
        message = N_("{n} domains; {limit} at most.")
        faults.append(Fault("domains", message, "many", {"n": len(domains), "limit": MOST_DOMAINS}))
    if faults:
        raise Invalid(*faults)
    return domains


def _value_fault(name: str, value: str) -> Fault | None:
    left = _PLACES.sub("", value)
    if "{" in left or "}" in left:
        message = N_("“{value}”: in braces, only id, name and variant may stand here.")
        return Fault(name, message, "braces", {"value": value})
    if any(unicodedata.category(one).startswith("C") for one in value):
        message = N_("“{value}” holds a character that cannot be seen.")
        return Fault(name, message, "character", {"value": value})
    return None


def _host(written: str) -> str:
    """People paste addresses: their host counts."""
    text = written.strip().removeprefix("*.")
    try:
        return (urlsplit(text if "//" in text else f"//{text}").hostname or "").removeprefix("www.")
    except ValueError:
        return text
