"""A segment's tree → SQL. The only SQL of the product that is built at run time (E-02).

Its words come from the tables below, and everything else is a parameter. What is built is one expression
over a contact `c`, true or false and never NULL, in which every table is tied to the account (`$1`) and to
the range of contacts asked about (`$2` < id <= `$3`): a range costs what its contacts cost, whatever the
account holds.

Text is compared in lower case and composed (NFC), both sides alike, by the database.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from lists.contacts import search_key
from lists.segment_days import anniversaries, period, two, whole
from lists.segment_known import Known
from lists.segment_tree import Condition, Group, Kind, Match, Subject
from mailer.core import addresses
from mailer.core.addresses import AddressError
from mailer.core.db import AccountTx

EVERYBODY = 2**63 - 1
# one contact in 100, by the hash of its id: the index "contacts_sample" holds these
SAMPLED = "(hashint8(c.id) & 2147483647) % 100 = 0"
ONE_IN = 100
# who may be in a segment at all. C-16: an objection ends profiling too
_SELECTABLE = """
    c.account_id = $1 AND c.id > $2 AND c.id <= $3 AND c.restricted_at IS NULL
    AND NOT EXISTS (SELECT FROM suppressions u
                    WHERE u.account_id = $1 AND u.address_hash = c.address_hash AND u.list_id IS NULL
                      AND u.reason = 'objected' AND (u.expires_at IS NULL OR u.expires_at > now()))
"""
_NOTHING = "coalesce(c.fields -> {key}, 'null') IN ('null'::jsonb, '\"\"'::jsonb, '[]'::jsonb)"
_NUMBER = "CASE WHEN jsonb_typeof(c.fields -> {key}) = 'number' THEN (c.fields -> {key})::numeric END"
# ISO dates sort as text
_DATE = "CASE WHEN jsonb_typeof(c.fields -> {key}) = 'string' THEN (c.fields ->> {key}) COLLATE \"C\" END"
_ITEMS = (
    "jsonb_array_elements_text(CASE WHEN jsonb_typeof(c.fields -> {key}) = 'array' "
    "THEN c.fields -> {key} ELSE '[]' END)"
)
_COLUMNS = {
    Subject.EMAIL: "lower(normalize(c.email))",
    Subject.DOMAIN: "split_part(c.address_key, '@', -1)",
    Subject.FIRST_NAME: "c.first_name_key",
    Subject.LAST_NAME: "c.last_name_key",
    Subject.LANGUAGE: "c.language",
    Subject.OPENS: "c.opens",
    Subject.CLICKS: "c.clicks",
    Subject.SOURCE: "c.source",
    Subject.ADDED: "c.created_at",
    Subject.LAST_ACT: "c.last_act_at",
}
_JOINS = {"all": " AND ", "any": " OR ", "none": " OR "}
_RANGE = (
    "{alias}.account_id = $1 AND {alias}.contact_id = c.id"
    " AND {alias}.contact_id > $2 AND {alias}.contact_id <= $3"
)


@dataclass(frozen=True, slots=True)
class Person:
    """One of those found, for a page."""

    id: int
    email: str
    first_name: str
    last_name: str


class _Where:
    """The expression of a tree, and the values of its parameters from `$4` on."""

    def __init__(self, tree: Group, known: Known, *more: object) -> None:
        self._known = known
        self.values: list[object] = list(more)
        self.sql = f"{_SELECTABLE} AND {self._group(tree)}"

    def _put(self, value: object, kind: str) -> str:
        self.values.append(value)
        return f"${len(self.values) + 3}::{kind}"

    def _group(self, group: Group) -> str:
        parts = [
            self._group(rule) if isinstance(rule, Group) else self._condition(rule) for rule in group.rules
        ]
        return _joined(group.match, parts)

    def _condition(self, one: Condition) -> str:
        match self._known.kind(one):
            case Kind.TEXT:
                return self._text(one)
            case Kind.DOMAIN | Kind.CHOICE:
                equal = f"{_COLUMNS[one.subject]} = {self._put(_plain(one), 'text')}"
                return _unless(one.operator == "is_not", equal)
            case Kind.NUMBER:
                return self._number(one)
            case Kind.DATE:
                return self._date(one)
            case Kind.INSTANT:
                return self._instant(one)
            case Kind.BOOLEAN:
                return self._boolean(one)
            case Kind.ITEMS:
                return self._items(one)
            case Kind.TAG:
                found = f"{_tied('contact_tags', 't')} AND t.tag_id = {self._put(one.of, 'bigint')})"
                return _unless(one.operator == "has_not", found)
            case Kind.ASKING:
                return _unless(one.operator == "may_not_be_asked", "may_ask_measurement(c)")
            case Kind.IMPORT:
                equal = f"coalesce(c.import_id = {self._put(one.of, 'bigint')}, false)"
                return _unless(one.operator == "is_not", equal)
            case Kind.LIST:
                return self._list(one)
            case Kind.CAMPAIGN:
                return self._campaign(one)
        raise KeyError(one.of)  # faults() comes before

    def _text(self, one: Condition) -> str:
        names = one.subject in (Subject.FIRST_NAME, Subject.LAST_NAME)
        if one.subject is Subject.FIELD:
            column = f"lower(normalize(coalesce(c.fields ->> {self._put(one.of, 'text')}, '')))"
        else:
            column = _COLUMNS[one.subject]
        if one.operator in ("empty", "filled"):
            return _unless(one.operator == "filled", f"{column} = ''")
        given = str(one.value)
        value = self._put(search_key(given) if names else given, "text")
        value = value if names else f"lower(normalize({value}))"
        match one.operator:
            case "is" | "is_not":
                return _unless(one.operator == "is_not", f"{column} = {value}")
            case "begins":
                return f"starts_with({column}, {value})"
            case "ends":
                return f"right({column}, length({value})) = {value}"
        return _unless(one.operator == "contains_not", f"strpos({column}, {value}) > 0")

    def _number(self, one: Condition) -> str:
        key = self._put(one.of, "text")
        if one.operator in ("empty", "filled"):
            return _unless(one.operator == "filled", _NOTHING.format(key=key))
        column = _NUMBER.format(key=key)
        if one.operator == "between":
            low, high = (self._put(Decimal(str(value)), "numeric") for value in two(one))
            return f"coalesce({column} BETWEEN {low} AND {high}, false)"
        sign = {"is": "=", "is_not": "=", "more": ">", "less": "<"}[one.operator]
        value = self._put(Decimal(str(one.value)), "numeric")
        return _unless(one.operator == "is_not", f"coalesce({column} {sign} {value}, false)")

    def _date(self, one: Condition) -> str:
        key = self._put(one.of, "text")
        if one.operator in ("empty", "filled"):
            return _unless(one.operator == "filled", _NOTHING.format(key=key))
        column = _DATE.format(key=key)
        if one.operator == "month":
            return f"coalesce(substring({column}, 6, 2) = {self._put(f'{one.value:02d}', 'text')}, false)"
        if one.operator == "birthday_days":
            days = self._put(anniversaries(self._known.today, whole(one)), "text[]")
            return f"coalesce(substring({column}, 6, 5) = ANY ({days}), false)"
        first, end = period(one, self._known.today)
        return self._between(column, first and first.isoformat(), end and end.isoformat(), "text")

    def _instant(self, one: Condition) -> str:
        column = _COLUMNS[one.subject]
        if one.operator in ("empty", "filled"):
            return _unless(one.operator == "filled", f"{column} IS NULL")
        first, end = period(one, self._known.today)
        begins, ends = (day and self._known.beginning(day) for day in (first, end))
        return self._between(column, begins, ends, "timestamptz")

    def _between(self, column: str, first: object, end: object, kind: str) -> str:
        parts = [f"{column} >= {self._put(first, kind)}"] if first else []
        parts += [f"{column} < {self._put(end, kind)}"] if end else []
        return f"coalesce({' AND '.join(parts)}, false)"

    def _boolean(self, one: Condition) -> str:
        key = self._put(one.of, "text")
        if one.operator in ("empty", "filled"):
            return _unless(one.operator == "filled", _NOTHING.format(key=key))
        wanted = "true" if one.operator == "yes" else "false"
        return f"coalesce(c.fields -> {key} = '{wanted}'::jsonb, false)"

    def _items(self, one: Condition) -> str:
        key = self._put(one.of, "text")
        if one.operator in ("empty", "filled"):
            return _unless(one.operator == "filled", _NOTHING.format(key=key))
        value = self._put(str(one.value), "text")
        same = f"lower(normalize(i.item)) = lower(normalize({value}))"
        found = f"EXISTS (SELECT FROM {_ITEMS.format(key=key)} AS i (item) WHERE {same})"
        return _unless(one.operator == "has_not", found)

    def _list(self, one: Condition) -> str:
        if one.of is None:
            lists = self._put(list(self._known.lists), "bigint[]")
            found = f"{_tied('subscriptions', 's')} AND s.list_id = ANY ({lists})"
        else:
            found = f"{_tied('subscriptions', 's')} AND s.list_id = {self._put(one.of, 'bigint')}"
        match one.operator:
            case "never":
                return f"NOT {found})"
            case "pending" | "unsubscribed":
                return f"{found} AND s.status = '{_WORDS[one.operator]}')"
            case "subscribed_over" | "subscribed_within":
                day = self._known.today - timedelta(days=whole(one))
                at = self._put(self._known.beginning(day), "timestamptz")
                sign = "<" if one.operator == "subscribed_over" else ">="
                return f"{found} AND s.status = 'active' AND s.status_at {sign} {at})"
        return _unless(one.operator == "not_subscribed", f"{found} AND s.status = 'active')")

    def _campaign(self, one: Condition) -> str:
        chosen = self._known.recent[: one.last] if one.last else [int(one.of or 0)]
        ids = self._put(list(chosen), "bigint[]")
        event = f"{_tied('events', 'e')} AND e.campaign_id = ANY ({ids})"
        click = f"{event} AND e.kind = 'click' AND e.verdict <> 'machine'"
        match one.operator:
            case "sent" | "not_sent":
                sent = f"{self._went(ids, chosen)} AND d.status IN ('delivered', 'bounced'))"
                return _unless(one.operator == "not_sent", sent)
            case "delivered" | "bounced":
                return f"{self._went(ids, chosen)} AND d.status = '{_WORDS[one.operator]}')"
            case "clicked":
                return f"{click})"
            case "clicked_link":
                value = self._put(str(one.value), "text")
                return (
                    f"{click} AND EXISTS (SELECT FROM links l WHERE l.account_id = $1 AND l.id = e.link_id"
                    f" AND strpos(lower(l.url), lower({value})) > 0))"
                )
            case "opened":
                return f"(c.opens = 'granted' AND {event} AND e.kind = 'open' AND e.verdict <> 'machine'))"
        # B-36: of whom nothing was measured, nobody can say that they did not
        what, kind = ("opens", "open") if one.operator == "not_opened" else ("clicks", "click")
        happened = f"{event} AND e.kind = 'open')" if kind == "open" else f"{click})"
        measured = f"{self._went(ids, chosen)} AND d.status = 'delivered' AND d.{what})"
        return f"(c.{what} = 'granted' AND {measured} AND NOT {happened})"

    def _went(self, ids: str, chosen: Sequence[int]) -> str:
        """Deliveries of these campaigns; their months say which partitions (S6)."""
        months = self._put(sorted({self._known.campaigns[one].month for one in chosen}), "date[]")
        return f"{_tied('deliveries', 'd')} AND d.campaign_id = ANY ({ids}) AND d.month = ANY ({months})"


_WORDS = {word: word for word in ("pending", "unsubscribed", "delivered", "bounced")}


def _joined(match: Match, parts: list[str]) -> str:
    text = _JOINS[match].join(parts)
    return f"NOT ({text})" if match == "none" else f"({text})"


def _unless(negated: bool, sql: str) -> str:
    return f"NOT ({sql})" if negated else f"({sql})"


def _tied(table: str, alias: str) -> str:
    return f"EXISTS (SELECT FROM {table} {alias} WHERE {_RANGE.format(alias=alias)}"


def _plain(one: Condition) -> str:
    """A choice as it is; a domain as addresses keep it (S8)."""
    text = str(one.value)
    if one.subject is not Subject.DOMAIN:
        return text
    try:
        return addresses.domain_of(addresses.parse(f"x@{text.lstrip('@')}").key)
    except AddressError:
        return text.lower()


async def count(tx: AccountTx, tree: Group, known: Known, *, after: int = 0, last: int = EVERYBODY) -> int:
    """How many there are, exactly, among the contacts of this range."""
    where = _Where(tree, known)
    found: int = await tx.value(
        f"SELECT count(*) FROM contacts c WHERE {where.sql}", after, last, *where.values
    )
    return found


async def count_sample(tx: AccountTx, tree: Group, known: Known) -> int:
    """How many there are in the sample of one in 100."""
    where = _Where(tree, known)
    sql = f"SELECT count(*) FROM contacts c WHERE {SAMPLED} AND {where.sql}"
    found: int = await tx.value(sql, 0, EVERYBODY, *where.values)
    return found


async def people(tx: AccountTx, tree: Group, known: Known, *, sampled: bool, limit: int) -> list[Person]:
    """Some of them, the newest first; of the sample when the account is large."""
    where = _Where(tree, known)
    only = f"{SAMPLED} AND " if sampled else ""
    sql = (
        "SELECT c.id, c.email, c.first_name, c.last_name FROM contacts c"
        f" WHERE {only}{where.sql} ORDER BY c.id DESC LIMIT {limit:d}"
    )
    return await tx.many(Person, sql, 0, EVERYBODY, *where.values)


async def ids(tx: AccountTx, tree: Group, known: Known, *, after: int, last: int) -> list[int]:
    """Those of a range of contacts, by id."""
    where = _Where(tree, known)
    sql = f"SELECT c.id FROM contacts c WHERE {where.sql} ORDER BY c.id"
    return [row[0] for row in await tx.rows(sql, after, last, *where.values)]


async def among(tx: AccountTx, tree: Group, known: Known, contact_ids: Sequence[int]) -> list[int]:
    """Those of these contacts."""
    if not contact_ids:
        return []
    where = _Where(tree, known, list(contact_ids))
    sql = f"SELECT c.id FROM contacts c WHERE {where.sql} AND c.id = ANY ($4::bigint[])"
    return [row[0] for row in await tx.rows(sql, min(contact_ids) - 1, max(contact_ids), *where.values)]


async def sampled_ids(tx: AccountTx, tree: Group, known: Known) -> list[int]:
    """Those of the sample of one in 100."""
    where = _Where(tree, known)
    sql = f"SELECT c.id FROM contacts c WHERE {SAMPLED} AND {where.sql}"
    return [row[0] for row in await tx.rows(sql, 0, EVERYBODY, *where.values)]


async def freeze(
    tx: AccountTx, tree: Group, known: Known, selection_id: int, *, after: int = 0, last: int = EVERYBODY
) -> int:
    """The people of this range into a selection. Returns how many."""
    where = _Where(tree, known, selection_id)
    sql = (
        "INSERT INTO selection_contacts (account_id, selection_id, contact_id)"
        f" SELECT $1, $4::bigint, c.id FROM contacts c WHERE {where.sql}"
    )
    return await tx.run(sql, after, last, *where.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where members are written: a campaign's segment, and the range of contacts looked at."""

    campaign_id: int
    segment_id: int
    after: int
    last: int


async def write_members(tx: AccountTx, tree: Group, known: Known, place: Place) -> int:
    """The segment's people of this range, for one campaign. Returns how many."""
    where = _Where(tree, known, place.campaign_id, place.segment_id)
    sql = (
        "INSERT INTO segment_members (account_id, campaign_id, contact_id, segment_id)"
        f" SELECT $1, $4::bigint, c.id, $5::bigint FROM contacts c WHERE {where.sql} ON CONFLICT DO NOTHING"
    )
    return await tx.run(sql, place.after, place.last, *where.values)


async def write_objectors(tx: AccountTx, place: Place) -> int:
    """For a segment that is left out: no rule looks at who objected (C-16), so it leaves them out as well.

    They may have come back to a list by their own act; a rule that cannot be asked must not let mail through.
    """
    return await tx.run(
        """
        INSERT INTO segment_members (account_id, campaign_id, contact_id, segment_id)
        SELECT $1, $4, c.id, $5
        FROM contacts c
        WHERE c.account_id = $1 AND c.id > $2 AND c.id <= $3
          AND EXISTS (SELECT FROM suppressions u
                      WHERE u.account_id = $1 AND u.address_hash = c.address_hash AND u.list_id IS NULL
                        AND u.reason = 'objected' AND (u.expires_at IS NULL OR u.expires_at > now()))
        ON CONFLICT DO NOTHING
        """,
        place.after,
        place.last,
        place.campaign_id,
        place.segment_id,
    )
