"""What JSON lines say of a contact: fields, subscriptions, suppressions, proofs of consent, whole (A-013).

And the suppression list, with the fingerprint of whoever was erased.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lists import field_values
from lists.field_values import Value
from mailer.core.db import AccountTx


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`lists`, `suppressions`, `consents`: JSON objects as the JSON lines show them."""

    id: int
    email: str
    first_name: str
    last_name: str
    language: str
    fields: dict[str, Value]
    opens: str
    clicks: str
    source: str
    created_at: datetime
    updated_at: datetime
    last_act_at: datetime | None
    restricted_at: datetime | None
    lists: list[dict[str, Any]]
    suppressions: list[dict[str, Any]]
    consents: list[dict[str, Any]]
    tags: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppressionRow:
    """`email` None: the contact is gone; the hash tells nothing to anybody but this account.

    `returned_to`: lists that a stop of everything lets through, since the person came back to them.
    """

    id: int
    email: str | None
    address_hash: str
    list_id: int | None
    list: str | None
    reason: str
    since: datetime
    expires_at: datetime | None
    returned_to: Sequence[str]


async def by_ids(tx: AccountTx, contact_ids: Sequence[int]) -> list[Row]:
    return await tx.many(
        Row,
        """
        -- whole objects, so that one statement a chunk gives each line of JSON as it is written
        SELECT c.id, c.email, c.first_name, c.last_name, c.language, c.fields, c.opens, c.clicks, c.source,
               c.created_at, c.updated_at, c.last_act_at, c.restricted_at,
               (SELECT coalesce(jsonb_agg(jsonb_build_object(
                           'list_id', s.list_id, 'list', l.name, 'status', s.status,
                           'legal_basis', s.legal_basis,
                           'since', to_char(s.status_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
                           'created_at',
                           to_char(s.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
                           ORDER BY l.name), '[]')
                FROM subscriptions s
                JOIN mailing_lists l ON l.account_id = $1 AND l.id = s.list_id AND l.deleted_at IS NULL
                WHERE s.account_id = $1 AND s.contact_id = c.id) AS lists,
               (SELECT coalesce(jsonb_agg(jsonb_build_object(
                           'list_id', u.list_id, 'list', l.name, 'reason', u.reason,
                           'since', to_char(u.since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
                           'expires_at',
                           to_char(u.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
                           'returned_to',
                           ARRAY(SELECT r.name FROM mailing_lists r
                                 WHERE r.account_id = $1 AND r.id = ANY (u.returned_to)
                                 ORDER BY r.name))
                           ORDER BY u.id), '[]')
                FROM suppressions u
                LEFT JOIN mailing_lists l ON l.account_id = $1 AND l.id = u.list_id
                WHERE u.account_id = $1 AND u.address_hash = c.address_hash) AS suppressions,
               (SELECT coalesce(jsonb_agg(jsonb_build_object(
                           'at', to_char(g.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
                           'purpose', g.purpose, 'list_id', g.list_id, 'act', g.act, 'method', g.method,
                           'legal_basis', g.legal_basis, 'basis_date', g.basis_date,
                           'basis_about', g.basis_about, 'wording', coalesce(w.text, g.wording),
                           'wording_version', w.version, 'source', g.source, 'source_id', g.source_id,
                           'form_url', g.form_url, 'ip', host(i.ip))
                           ORDER BY g.id), '[]')
                FROM consents g
                LEFT JOIN wordings w ON w.account_id = $1 AND w.id = g.wording_id
                LEFT JOIN consent_ips i ON i.account_id = $1 AND i.consent_id = g.id
                WHERE g.account_id = $1 AND g.contact_id = c.id) AS consents,
               ARRAY(SELECT t.name
                     FROM contact_tags o
                     JOIN tags t ON t.account_id = $1 AND t.id = o.tag_id
                     WHERE o.account_id = $1 AND o.contact_id = c.id
                     ORDER BY t.name_key) AS tags
        FROM contacts c
        WHERE c.account_id = $1 AND c.id = ANY($2::bigint[])
        ORDER BY c.id
        """,
        list(contact_ids),
    )


async def suppressions(tx: AccountTx, *, after: int, limit: int) -> list[SuppressionRow]:
    return await tx.many(
        SuppressionRow,
        """
        SELECT s.id, c.email, encode(s.address_hash, 'hex') AS address_hash, s.list_id, l.name AS list,
               s.reason, s.since, s.expires_at,
               ARRAY(SELECT r.name FROM mailing_lists r
                     WHERE r.account_id = $1 AND r.id = ANY (s.returned_to)
                     ORDER BY r.name) AS returned_to
        FROM suppressions s
        LEFT JOIN contacts c ON c.account_id = $1 AND c.address_hash = s.address_hash
        LEFT JOIN mailing_lists l ON l.account_id = $1 AND l.id = s.list_id
        WHERE s.account_id = $1 AND s.id > $2
        ORDER BY s.id
        LIMIT $3
        """,
        after,
        limit,
    )


def contact_object(row: Row) -> Mapping[str, object]:
    """A line of JSON: everything, as it is stored."""
    return {name: getattr(row, name) for name in Row.__dataclass_fields__}


def suppression_object(row: SuppressionRow) -> Mapping[str, object]:
    return {name: getattr(row, name) for name in SuppressionRow.__dataclass_fields__ if name != "id"}


def suppression_cells(row: SuppressionRow) -> list[str]:
    """In the order of export_columns.SUPPRESSION_COLUMNS."""
    return [
        row.email or "",
        row.address_hash,
        row.list or "",
        row.reason,
        instant(row.since),
        instant(row.expires_at),
        field_values.write(list(row.returned_to)),
    ]


def instant(at: datetime | None) -> str:
    return "" if at is None else at.isoformat(timespec="seconds").replace("+00:00", "Z")
