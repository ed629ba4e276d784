"""What leaves for whom, to which country: servers, webhooks, mailboxes, programs of the account (A-068).

The account declares the country; outside the EU and the EEA it says on what ground, and the journal keeps
that it did (A-028). What was not declared yet is shown as such, and nothing is guessed from a name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import Field

from mailer.accounts import audit
from mailer.core import regions
from mailer.core.db import AccountTx
from mailer.core.errors import NotFound, fault
from mailer.core.regions import Region
from mailer.core.text import N_
from mailer.web.request import Input

Kind = Literal["smtp_server", "webhook", "mailbox", "api_key"]
KINDS: Mapping[str, str] = {
    "smtp_server": N_("SMTP server"),
    "webhook": N_("webhook"),
    "mailbox": N_("mailbox of reports"),
    "api_key": N_("program with an API key"),
}
DATA: Mapping[str, str] = {
    "smtp_server": N_("addresses, and messages with everything in them"),
    "webhook": N_("what happened, with the contact's address and fields"),
    "mailbox": N_("reports about undelivered mail, with addresses"),
    "api_key": N_("what its scopes let it read"),
}
# where it is turned off
PLACES: Mapping[str, str] = {
    "smtp_server": "/senders",
    "webhook": "/integrations/webhooks",
    "mailbox": "/senders",
    "api_key": "/integrations",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """`label`: host, address or name. `more`: events or scopes. `country` "": not declared."""

    kind: Kind
    ref_id: int
    label: str
    more: list[str]
    country: str
    safeguards: str
    person: str
    declared_at: datetime | None

    @property
    def region(self) -> Region:
        return regions.of(self.country)

    @property
    def decision(self) -> str:
        """The number of the adequacy decision, "" without one."""
        found = regions.ADEQUACY.get(self.country)
        return found.number if found else ""


class Declaration(Input):
    """`safeguards`: on what ground data go outside the EU and the EEA."""

    kind: Kind
    ref_id: int = Field(gt=0, lt=2**63)
    country: str = Field("", max_length=2)
    safeguards: str = Field("", max_length=1000)


async def many(tx: AccountTx) -> list[Destination]:
    """Everything that is in use now, by kind."""
    return await tx.many(
        Destination,
        """
        SELECT f.kind, f.ref_id, f.label, f.more, coalesce(d.country, '') AS country,
               coalesce(d.safeguards, '') AS safeguards, coalesce(d.person, '') AS person, d.declared_at
        FROM (
            SELECT 'smtp_server' AS kind, id AS ref_id, host AS label, '{}'::text[] AS more
            FROM smtp_servers WHERE account_id = $1
            UNION ALL
            SELECT 'webhook', id, coalesce(nullif(name, ''), url), events
            FROM webhook_endpoints WHERE account_id = $1
            UNION ALL
            SELECT 'mailbox', id, host, '{}'
            FROM report_mailboxes WHERE account_id = $1
            UNION ALL
            SELECT 'api_key', id, name, scopes
            FROM api_keys
            WHERE account_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
        ) f
        LEFT JOIN data_destinations d ON d.account_id = $1 AND d.kind = f.kind AND d.ref_id = f.ref_id
        ORDER BY array_position('{smtp_server,webhook,mailbox,api_key}'::text[], f.kind), f.ref_id
        LIMIT 500
        """,
    )


async def declare(tx: AccountTx, said: Declaration, *, person: str, now: datetime) -> Destination:
    """Raises NotFound, Invalid at `country`, and at `safeguards` when a ground is needed and missing."""
    known = {(one.kind, one.ref_id) for one in await many(tx)}
    if (said.kind, said.ref_id) not in known:
        raise NotFound
    if not (len(said.country) == 2 and said.country.isascii() and said.country.isupper()):
        raise fault("country", N_("Choose the country where the data arrive."))
    if regions.of(said.country).needs_ground and not said.safeguards:
        message = N_(
            "This country is outside the EU and the EEA: write on what ground data may go there, for example"
            " standard contractual clauses (GDPR, article 46) or a certification."
        )
        raise fault("safeguards", message, code="region")
    await tx.run(
        """
        INSERT INTO data_destinations (account_id, kind, ref_id, country, safeguards, person, declared_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (account_id, kind, ref_id) DO UPDATE
        SET country = excluded.country, safeguards = excluded.safeguards, person = excluded.person,
            declared_at = excluded.declared_at
        """,
        said.kind,
        said.ref_id,
        said.country,
        said.safeguards,
        person,
        now,
    )
    await _forget_gone(tx)
    await audit.write(tx, "declared", "data_destination", said.ref_id)
    return next(one for one in await many(tx) if (one.kind, one.ref_id) == (said.kind, said.ref_id))


async def _forget_gone(tx: AccountTx) -> None:
    """What was deleted or revoked needs no country any more."""
    there = await many(tx)
    await tx.run(
        """
        DELETE FROM data_destinations
        WHERE account_id = $1
          AND (kind, ref_id) NOT IN (SELECT * FROM unnest($2::text[], $3::bigint[]) AS t (kind, ref_id))
        """,
        [one.kind for one in there],
        [one.ref_id for one in there],
    )
