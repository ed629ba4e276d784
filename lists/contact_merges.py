"""Two contacts of one person become one, and no refusal is lifted by it (B-28).

The stricter consent wins:
    a list          unsubscribed, then pending, then active; what only one of them has stays as it is
    legal basis     service messages only, when one of them gets no more than those
    everything      refusals of either address hold for both: whichever is added again stays stopped;
                    refusals after the merge, too
    measurement     denied, then unknown, then granted

The ledger, deliveries and events are not rewritten: they keep the id they happened under, and
`contact_merges` says under which contact they are read now, and whom a link in an old mail reaches.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from lists import consents, contact_journeys, contacts, legal_holds, restrictions, suppressions, tags
from lists.consents import Evidence, Purpose
from lists.contacts import NOT_BUSINESS, Contact, Id, search_key
from mailer.accounts import audit
from mailer.core import clock
from mailer.core.addresses import domain_of, is_free_mail
from mailer.core.db import AccountTx
from mailer.core.errors import NotFound, fault
from mailer.core.text import N_
from mailer.core.tokens import RecipientToken
from mailer.web.request import Input

Side = Literal["kept", "other"]
SAME = N_("Choose two contacts.")
_STRICTER = ("denied", "unknown", "granted")


class Merge(Input):
    """Of each value, whose is kept; `fields` by key. Not named: the kept contact's, or else the other's."""

    other_id: Id
    email: Side = "kept"
    first_name: Side | None = None
    last_name: Side | None = None
    language: Side | None = None
    fields: dict[str, Side] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListMerged:
    """What becomes of one list. A status "": not on it. `stopped`: a refusal of either address holds."""

    list_id: int
    list_name: str
    kept_status: str
    other_status: str
    stopped: bool
    kept_basis: str
    other_basis: str

    @property
    def status(self) -> str:
        both = {self.kept_status, self.other_status}
        if self.stopped or "unsubscribed" in both:
            return "unsubscribed"
        return "pending" if "pending" in both else "active"

    @property
    def legal_basis(self) -> str:
        bases = [basis for basis in (self.kept_basis, self.other_basis) if basis]
        return "service" if "service" in bases else bases[0] if bases else ""


@dataclass(frozen=True, slots=True)
class Locked:
    """A contact as it is locked for the merge."""

    id: int
    email: str
    address_key: str
    address_hash: bytes


def stricter(one: str, other: str) -> str:
    """Of two answers about measurement."""
    return min(one, other, key=_STRICTER.index)


async def ids(tx: AccountTx, contact_id: int) -> list[int]:
    """The ids under which this person's history stands: its own, and those merged into it."""
    rows = await tx.rows(
        "SELECT merged_id FROM contact_merges WHERE account_id = $1 AND kept_id = $2", contact_id
    )
    return [contact_id, *(merged_id for (merged_id,) in rows)]


async def lists_of(tx: AccountTx, kept_id: int, other_id: int) -> list[ListMerged]:
    """Every list that one of the two is on, by name: what they are now and what comes out."""
    return await tx.many(
        ListMerged,
        """
        SELECT l.id AS list_id, l.name AS list_name, coalesce(a.status, '') AS kept_status,
               coalesce(b.status, '') AS other_status, coalesce(a.legal_basis, '') AS kept_basis,
               coalesce(b.legal_basis, '') AS other_basis,
               EXISTS (SELECT FROM suppressions u
                       JOIN contacts c ON c.account_id = $1 AND c.id IN ($2::bigint, $3::bigint)
                                      AND c.address_hash = u.address_hash
                       WHERE u.account_id = $1 AND u.reason <> 'bounced' AND stops(u, l.id)) AS stopped
        FROM mailing_lists l
        LEFT JOIN subscriptions a ON a.account_id = $1 AND a.list_id = l.id AND a.contact_id = $2
        LEFT JOIN subscriptions b ON b.account_id = $1 AND b.list_id = l.id AND b.contact_id = $3
        WHERE l.account_id = $1 AND (a.contact_id IS NOT NULL OR b.contact_id IS NOT NULL)
        ORDER BY l.name, l.id
        """,
        kept_id,
        other_id,
    )


async def merge(tx: AccountTx, kept_id: int, wanted: Merge) -> Contact:
    """The other contact goes into `kept_id`. Raises NotFound, Conflict while one of the two is
    limited (C-13), Invalid at `other_id` and `email`.
    """
    if kept_id == wanted.other_id:
        raise fault("other_id", SAME, code="same")
    kept, other = await _lock(tx, kept_id, wanted.other_id)
    await restrictions.require_free(tx, [kept_id, wanted.other_id])
    await legal_holds.require_unheld(tx, wanted.other_id, clock.now())
    before, merged = await contacts.show(tx, kept.id), await contacts.show(tx, other.id)
    lists = await lists_of(tx, kept.id, other.id)
    chosen = other if wanted.email == "other" else kept
    if is_free_mail(domain_of(chosen.address_key)) and any(
        one.status == "active" and one.legal_basis == "b2b_interest" for one in lists
    ):
        raise fault("email", NOT_BUSINESS, code="free_mail", address=chosen.email)
    # both ways at once: whichever address is added again later stays refused, and a bounce of the one closes
    # no way back of the other
    mine, theirs = kept.address_hash, other.address_hash
    await suppressions.carry_strictly(tx, [(mine, theirs), (theirs, mine)])
    # and on to those of earlier merges; not back, since the person may have returned by one address alone
    hashes = await suppressions.of_person(tx, [mine, theirs])
    await suppressions.carry_strictly(tx, [(mine, hashed) for hashed in {*hashes} - {mine, theirs}])
    refused = [one.list_id for one in lists if one.status == "unsubscribed"]
    await suppressions.add_for_lists(tx, hashes, refused)
    await contact_journeys.carry(tx, other.id, kept.id)
    await _write_lists(tx, kept.id, other.id, lists)
    await tags.carry(tx, other.id, kept.id)
    await _remember(tx, kept, other, gone=kept if chosen is other else other)
    await tx.run("DELETE FROM contacts WHERE account_id = $1 AND id = $2", other.id)
    await _write_values(tx, chosen, _values(wanted, before, merged), (before, merged))
    await _write_ledger(tx, (kept.id, chosen.address_hash), (before, merged), lists)
    await audit.write(tx, "merged", "contact", kept.id)
    return await contacts.show(tx, kept.id)


async def _lock(tx: AccountTx, kept_id: int, other_id: int) -> tuple[Locked, Locked]:
    found = await tx.many(
        Locked,
        """
        SELECT id, email, address_key, address_hash FROM contacts
        WHERE account_id = $1 AND id IN ($2::bigint, $3::bigint)
        ORDER BY id
        FOR UPDATE
        """,
        kept_id,
        other_id,
    )
    by_id = {one.id: one for one in found}
    if kept_id not in by_id:
        raise NotFound
    if other_id not in by_id:
        raise fault("other_id", N_("There is no such contact."), code="unknown_contact")
    return by_id[kept_id], by_id[other_id]


async def _write_lists(tx: AccountTx, kept_id: int, other_id: int, lists: Sequence[ListMerged]) -> None:
    """Statuses and bases as they come out; `since` is the other's where the status is."""
    await tx.run(
        """
        INSERT INTO subscriptions AS s (account_id, list_id, contact_id, status, legal_basis, created_at,
                                        status_at, import_id)
        SELECT $1, o.list_id, $2, m.status, m.legal_basis, o.created_at, o.status_at, o.import_id
        FROM unnest($4::bigint[], $5::text[], $6::text[]) AS m (list_id, status, legal_basis)
        JOIN subscriptions o ON o.account_id = $1 AND o.contact_id = $3 AND o.list_id = m.list_id
        ON CONFLICT (account_id, list_id, contact_id) DO NOTHING
        """,
        kept_id,
        other_id,
        [one.list_id for one in lists],
        [one.status for one in lists],
        [one.legal_basis for one in lists],
    )
    await tx.run(
        """
        UPDATE subscriptions s
        SET status = m.status, legal_basis = m.legal_basis, status_at = now()
        FROM unnest($3::bigint[], $4::text[], $5::text[]) AS m (list_id, status, legal_basis)
        WHERE s.account_id = $1 AND s.contact_id = $2 AND s.list_id = m.list_id
          AND (s.status, s.legal_basis) IS DISTINCT FROM (m.status, m.legal_basis)
        """,
        kept_id,
        [one.list_id for one in lists],
        [one.status for one in lists],
        [one.legal_basis for one in lists],
    )


async def _remember(tx: AccountTx, kept: Locked, other: Locked, *, gone: Locked) -> None:
    """Also of those that were merged into the other before. `gone`: whose address no contact has any more."""
    # what either asked about their data waits under the one that stays
    await tx.run(
        "UPDATE rights_requests SET contact_id = $3 WHERE account_id = $1 AND contact_id = $2",
        other.id,
        kept.id,
    )
    await tx.run(
        "UPDATE contact_merges SET kept_id = $3 WHERE account_id = $1 AND kept_id = $2", other.id, kept.id
    )
    await tx.run(
        """
        INSERT INTO contact_merges (account_id, merged_id, merged_hash, kept_id) VALUES ($1, $2, $3, $4)
        """,
        other.id,
        gone.address_hash,
        kept.id,
    )


def _values(wanted: Merge, kept: Contact, other: Contact) -> dict[str, object]:
    """Columns and fields as they come out: chosen, else the kept contact's, else the other's."""

    def of(side: Side | None, mine: str, theirs: str) -> str:
        if side is None:
            return mine or theirs
        return theirs if side == "other" else mine

    merged = dict(other.fields) | dict(kept.fields)
    for key, side in wanted.fields.items():
        source: Mapping[str, object] = other.fields if side == "other" else kept.fields
        if key in source:
            merged[key] = source[key]  # type: ignore[assignment]  # both hold values of fields
        else:
            merged.pop(key, None)
    return {
        "first_name": of(wanted.first_name, kept.first_name, other.first_name),
        "last_name": of(wanted.last_name, kept.last_name, other.last_name),
        "language": of(wanted.language, kept.language, other.language),
        "fields": merged,
    }


async def _write_values(
    tx: AccountTx, chosen: Locked, values: Mapping[str, object], both: tuple[Contact, Contact]
) -> None:
    kept, other = both
    first, last = str(values["first_name"]), str(values["last_name"])
    await tx.run(
        """
        UPDATE contacts
        SET email = $3, address_key = $4, address_hash = $5, first_name = $6, last_name = $7,
            first_name_key = $8, last_name_key = $9, language = $10, fields = $11, opens = $12, clicks = $13,
            created_at = least(created_at, $14), last_act_at = greatest(last_act_at, $15),
            acted_before = greatest(acted_before,
                                    CASE WHEN last_act_at <> $15 THEN least(last_act_at, $15) END),
            updated_at = now()
        WHERE account_id = $1 AND id = $2
        """,
        kept.id,
        chosen.email,
        chosen.address_key,
        chosen.address_hash,
        first,
        last,
        search_key(first),
        search_key(last),
        values["language"],
        values["fields"],
        stricter(kept.opens, other.opens),
        stricter(kept.clicks, other.clicks),
        other.created_at,
        other.last_act_at,
    )


async def _write_ledger(
    tx: AccountTx, who: tuple[int, bytes], both: tuple[Contact, Contact], lists: Sequence[ListMerged]
) -> None:
    """A no that came with the other contact enters the ledger under the kept one."""
    kept, other = both
    evidence = Evidence(method=consents.method_of(tx), source=f"contact {other.id}")
    for one in lists:
        if one.status == "unsubscribed" and one.kept_status not in ("", "unsubscribed"):
            of_list = RecipientToken(tx.account_id, one.list_id, *who)
            await consents.write(tx, of_list, "withdrawn", evidence=evidence)
    answers: tuple[tuple[Purpose, str, str], ...] = (
        ("opens", kept.opens, other.opens),
        ("clicks", kept.clicks, other.clicks),
    )
    for purpose, mine, theirs in answers:
        if theirs == "denied" and mine != "denied":
            person = RecipientToken(tx.account_id, 0, *who)
            await consents.write(tx, person, "denied", purpose=purpose, evidence=evidence)
