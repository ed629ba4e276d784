"""The ledger of consents: added to, never changed (C-01, S11). What is in force stands in `contacts`.

The texts are kept once in `wordings`. An IP address stands apart, in `consent_ips`: it ends before its line.

mail     granted · withdrawn · asked · confirmed     one list, or everything (list_id None)
opens    granted · denied                            unknown until the person answers: not measured (B-36)
clicks   granted · denied
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Literal

from lists import wordings
from mailer.core.db import AccountTx
from mailer.core.paging import Page, decode, page
from mailer.core.tokens import RecipientToken

Purpose = Literal["mail", "opens", "clicks"]
Act = Literal["granted", "withdrawn", "denied", "asked", "confirmed"]


class Method(StrEnum):
    """How an act reached us. `link`: a button on a page of a mail's link; `one_click`: RFC 8058.

    `mail`: written to the address of List-Unsubscribe; `complaint`: told by the person's mailbox provider.
    """

    IMPORT = "import"
    API = "api"
    PAGE = "page"
    FORM = "form"
    LINK = "link"
    ONE_CLICK = "one_click"
    PREFERENCES = "preferences"
    CONFIRMATION = "confirmation"
    MAIL = "mail"
    COMPLAINT = "complaint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What proves an act (B-25). `source_id`: the import or form it came by; `source_version`: of a form.

    `wording`: what the person read. `basis_date`, `basis_about`: what the legal basis rests on. `ip`: of a
    person's own act that needs it.
    """

    method: Method
    legal_basis: str = ""
    source: str = ""
    wording: str = ""
    source_id: int | None = None
    source_version: int | None = None
    form_url: str = ""
    basis_date: date | None = None
    basis_about: str = ""
    ip: str | None = None

    @property
    def place(self) -> str:
        """Where the wording was shown: its versions count there."""
        return f"{self.method} {self.source_id}" if self.source_id else str(self.method)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of the ledger as page and API show it. `version`: of the wording; 0: it has none."""

    id: int
    purpose: str
    list_id: int | None
    list_name: str | None
    act: str
    at: datetime
    method: str
    legal_basis: str
    wording: str
    version: int
    source: str
    source_id: int | None
    source_version: int | None
    form_url: str
    basis_date: date | None
    basis_about: str
    actor_id: int | None
    ip: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """Measurement in force: unknown, granted or denied; unknown and denied are not measured."""

    opens: str
    clicks: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the person chose; None leaves that one as it is."""

    opens: bool | None = None
    clicks: bool | None = None


def method_of(tx: AccountTx) -> Method:
    """How somebody of the team is acting here."""
    return Method.API if tx.actor.kind == "api_key" else Method.PAGE


async def write(
    tx: AccountTx,
    who: RecipientToken,
    act: Act,
    *,
    purpose: Purpose = "mail",
    evidence: Evidence,
) -> None:
    """One line. `who.list_id` 0 stands for everything."""
    consent_id: int = await tx.value(
        """
        INSERT INTO consents (account_id, contact_id, address_hash, purpose, list_id, act, method,
                              legal_basis, wording_id, source, source_id, form_url, basis_date, basis_about,
                              actor_id, source_version)
        VALUES ($1, $2, $3, $4, nullif($5::bigint, 0), $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
        RETURNING id
        """,
        who.contact_id,
        who.address_hash,
        purpose,
        who.list_id,
        act,
        evidence.method,
        evidence.legal_basis,
        await wordings.keep(tx, evidence.place, evidence.wording),
        evidence.source,
        evidence.source_id,
        evidence.form_url,
        evidence.basis_date,
        evidence.basis_about,
        tx.actor.id,
        evidence.source_version,
    )
    if evidence.ip:
        # none when the contact is gone: there is nobody left to prove anything about
        await tx.run(
            """
            INSERT INTO consent_ips (account_id, consent_id, contact_id, ip)
            SELECT account_id, $2, id, $4::inet
            FROM contacts
            WHERE account_id = $1 AND id = $3
            """,
            consent_id,
            who.contact_id,
            evidence.ip,
        )


async def grant(tx: AccountTx, contact_ids: Sequence[int], list_id: int, *, evidence: Evidence) -> None:
    """One line for each of these contacts: added to the list on this basis (C-01)."""
    await tx.run(
        """
        INSERT INTO consents (account_id, contact_id, address_hash, purpose, list_id, act, method,
                              legal_basis, wording_id, source, source_id, form_url, basis_date, basis_about,
                              actor_id)
        SELECT $1, id, address_hash, 'mail', $3, 'granted', $4, $5, $6, $7, $8, $9, $10, $11, $12
        FROM contacts
        WHERE account_id = $1 AND id = ANY ($2::bigint[])
        """,
        list(contact_ids),
        list_id,
        evidence.method,
        evidence.legal_basis,
        await wordings.keep(tx, evidence.place, evidence.wording),
        evidence.source,
        evidence.source_id,
        evidence.form_url,
        evidence.basis_date,
        evidence.basis_about,
        tx.actor.id,
    )


async def choices(tx: AccountTx, who: RecipientToken) -> Choices:
    """What is in force for this address; unknown when the contact is gone."""
    found = await tx.first(
        Choices,
        "SELECT opens, clicks FROM contacts WHERE account_id = $1 AND address_hash = $2",
        who.address_hash,
    )
    return found or Choices(opens="unknown", clicks="unknown")


async def refused(tx: AccountTx, who: RecipientToken) -> bool:
    """Did this address say no to being measured, last of all? The ledger knows when the contact is gone."""
    last = await tx.value(
        """
        SELECT act
        FROM consents
        WHERE account_id = $1 AND address_hash = $2 AND purpose <> 'mail' AND act IN ('granted', 'denied')
        ORDER BY at DESC, id DESC
        LIMIT 1
        """,
        who.address_hash,
    )
    return bool(last == "denied")


async def choose(tx: AccountTx, who: RecipientToken, answer: Answer, *, evidence: Evidence) -> Choices:
    """Writes down the person's answer (B-36, B-38); what does not change anything leaves no second line.

    Acts on the contact that has the address now. When there is none, a refusal still enters the ledger, and
    reaches the contact whose address was changed since; a yes speaks for its own address only.
    """
    found = await tx.rows(
        """
        SELECT id, opens, clicks, address_hash
        FROM contacts
        WHERE account_id = $1 AND (address_hash = $2 OR id = $3 OR id = ANY (ARRAY(
            -- merged into another since the mail
            SELECT kept_id FROM contact_merges m
            WHERE m.account_id = $1 AND (m.merged_id = $3 OR m.merged_hash = $2)
        )))
        ORDER BY address_hash = $2 DESC
        LIMIT 1
        FOR NO KEY UPDATE
        """,
        who.address_hash,
        who.contact_id,
    )
    contact_id, opens, clicks, hashed = found[0] if found else (who.contact_id, "unknown", "unknown", b"")
    own = hashed == who.address_hash
    person = RecipientToken(tx.account_id, who.list_id, contact_id, who.address_hash)
    wishes: tuple[tuple[Purpose, str, bool | None], ...] = (
        ("opens", opens, answer.opens),
        ("clicks", clicks, answer.clicks),
    )
    for purpose, before, wish in wishes:
        word = _word(wish)
        if word is not None and word != before and (own or not wish):
            await write(tx, person, "granted" if wish else "denied", purpose=purpose, evidence=evidence)
    await tx.run(
        """
        UPDATE contacts
        SET opens = coalesce($3, opens), clicks = coalesce($4, clicks),
            last_act_at = CASE WHEN $5 THEN now() ELSE last_act_at END
        WHERE account_id = $1 AND id = $2
        """,
        contact_id,
        _word(answer.opens if own or not answer.opens else None),
        _word(answer.clicks if own or not answer.clicks else None),
        evidence.method not in (Method.PAGE, Method.API),
    )
    return await choices(tx, who)


def _word(wish: bool | None) -> str | None:
    return None if wish is None else "granted" if wish else "denied"


async def of_contact(
    tx: AccountTx, contact_id: int, *, before: int = 2**63 - 1, limit: int = 200
) -> list[Entry]:
    """The ledger of one contact and of those merged into it, below line `before`, the newest first."""
    return await tx.many(
        Entry,
        """
        SELECT c.id, c.purpose, c.list_id, l.name AS list_name, c.act, c.at, c.method, c.legal_basis,
               coalesce(w.text, c.wording) AS wording, coalesce(w.version, 0) AS version, c.source,
               c.source_id, c.source_version, c.form_url, c.basis_date, c.basis_about, c.actor_id,
               host(i.ip) AS ip
        FROM consents c
        LEFT JOIN mailing_lists l ON l.account_id = $1 AND l.id = c.list_id
        LEFT JOIN wordings w ON w.account_id = $1 AND w.id = c.wording_id
        LEFT JOIN consent_ips i ON i.account_id = $1 AND i.consent_id = c.id
        WHERE c.account_id = $1 AND c.id < $3 AND c.contact_id = ANY (ARRAY(
            SELECT $2::bigint
            UNION ALL SELECT m.merged_id FROM contact_merges m WHERE m.account_id = $1 AND m.kept_id = $2
        ))
        ORDER BY c.id DESC
        LIMIT $4
        """,
        contact_id,
        before,
        limit,
    )


async def pages(tx: AccountTx, contact_id: int, *, cursor: str | None = None, limit: int = 50) -> Page[Entry]:
    """The ledger of one contact by pages, the newest first. Raises Invalid for a damaged cursor."""
    after = decode(cursor, (int,))
    rows = await of_contact(
        tx, contact_id, before=int(str(after[0])) if after else 2**63 - 1, limit=limit + 1
    )
    return page(rows, limit, key=lambda row: (row.id,))
