"""Contacts with everything a segment can ask about, and a plain Python answer to a tree, contact by contact."""

import random
import unicodedata
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from lists.segment_tree import Condition, Group
from mailer.core import clock
from mailer.core.db import AccountTx
from tests.make import Make

ZONE = ZoneInfo("Europe/Paris")
TEXTS = (
    "",
    "Paris",
    "paris ",
    "PÂRIS",
    "pa%is",
    "Été",
    "E\u0301te\u0301",
    "Straße",
    "100 %",
    "a_b",
    "O'Brien",
    "\\",
    "ΣΑΣ",
)
NUMBERS = (0, -1, 7, 7.5, 0.1, 2**53, -0.25)
DAYS = ("2026-02-28", "2024-02-29", "1990-12-31", "2026-01-01")
ITEMS = ((), ("pain",), ("Pain", "sel"), ("été", "100 %"))


@dataclass(slots=True, repr=False)
class Person:
    """A contact as the test made it."""

    email: str
    key: str
    first: str
    last: str
    language: str
    fields: dict[str, Any]
    opens: str
    clicks: str
    source: str
    imported: int | None
    added: datetime
    act: datetime | None
    objected: bool
    id: int = 0
    tags: set[int] = field(default_factory=set)
    lists: dict[int, tuple[str, datetime]] = field(default_factory=dict)
    deliveries: dict[int, tuple[str, bool, bool]] = field(default_factory=dict)
    events: list[tuple[int, str, str, str]] = field(default_factory=list)


@dataclass(slots=True, repr=False)
class Crowd:
    """`campaigns`: the newest first."""

    account_id: int
    people: list[Person]
    tags: list[int]
    lists: list[int]
    imports: list[int]
    campaigns: list[int]
    urls: dict[int, str]

    def __repr__(self) -> str:
        return f"the crowd of account {self.account_id}"


def _person(n: int, chance: random.Random, imports: list[int]) -> Person:
    now = clock.now()
    today = now.astimezone(ZONE).date()
    near = [(today + timedelta(days)).isoformat() for days in (-31, -30, -1, 0, 1, 30, 31)]
    domain = chance.choice(("exemple.test", "pain.test", "xn--t-9fab.test"))
    local = chance.choice(("ana", "Zoé", "o'neil", "a%b"))
    values: dict[str, Any] = {
        "city": chance.choice(TEXTS),
        "points": chance.choice(NUMBERS),
        "born": chance.choice((*DAYS, *near)),
        "vip": chance.choice((True, False)),
        "likes": list(chance.choice(ITEMS)),
    }
    email = f"{local}.{n}@{domain}"
    return Person(
        email=email,
        key=email.lower(),
        first=chance.choice(("", "Ana", "Élise", "De  la Tour")),
        last=chance.choice(TEXTS),
        language=chance.choice(("", "fr", "en")),
        fields={key: value for key, value in values.items() if chance.random() < 0.7},
        opens=chance.choice(("unknown", "granted", "denied")),
        clicks=chance.choice(("unknown", "granted", "denied")),
        source=chance.choice(("page", "api", "import", "form")),
        imported=chance.choice((None, *imports)),
        added=now - timedelta(days=chance.choice((0, 1, 29, 30, 31, 400)), hours=chance.randrange(24)),
        act=chance.choice((None, now - timedelta(days=chance.randrange(60)))),
        objected=chance.random() < 0.05,
    )


async def gather(make: Make, size: int = 160) -> Crowd:
    chance = random.Random(20261126)
    account = await make.account()
    now = clock.now()
    months = sorted({now.date().replace(day=1), (now - timedelta(days=40)).date().replace(day=1)})
    async with make.services.db.shared() as shared:
        for month in months:
            await shared.run("CALL make_month($1)", month)
    async with make.services.db.account(account.id) as tx:
        for key, kind in (
            ("city", "text"), ("points", "number"), ("born", "date"), ("vip", "boolean"), ("likes", "list")
        ):  # fmt: skip
            await tx.run(
                "INSERT INTO fields (account_id, key, label, type) VALUES ($1, $2, $2, $3)", key, kind
            )
        tags = [
            await tx.value(
                "INSERT INTO tags (account_id, name, name_key) VALUES ($1, $2, $2) RETURNING id", f"t{n}"
            )
            for n in range(2)
        ]
        lists = [await make.mailing_list(tx) for _ in range(2)]
        imports = [
            await tx.value("INSERT INTO imports (account_id, file_name) VALUES ($1, 'a.csv') RETURNING id")
            for _ in range(2)
        ]
        campaigns, urls = [], {}
        for n in range(3):
            campaign_id = await tx.value(
                """
                INSERT INTO campaigns (account_id, name, status, month, started_at)
                VALUES ($1, 'Lettre', 'sent', $2, $3)
                RETURNING id
                """,
                months[n % len(months)],
                now - timedelta(days=n),
            )
            campaigns.append(campaign_id)
            for position, path in enumerate(("pain", "SEL")):
                link_id = await tx.value(
                    """
                    INSERT INTO links (account_id, campaign_id, position, url)
                    VALUES ($1, $2, $3, $4)
                    RETURNING id
                    """,
                    campaign_id,
                    position,
                    f"https://boutique.test/{path}",
                )
                urls[link_id] = f"https://boutique.test/{path}"
        crowd = Crowd(account.id, [], tags, lists, imports, campaigns, urls)
        for n in range(size):
            person = _person(n, chance, imports)
            await _store(tx, make, crowd, person, chance, months)
            crowd.people.append(person)
    return crowd


async def _store(tx: AccountTx, make: Make, crowd: Crowd, one: Person, *rest: Any) -> None:
    chance, months = rest
    one.id = await make.contact(tx, one.email)
    from lists.contacts import search_key

    await tx.run(
        """
        UPDATE contacts
        SET first_name = $3, first_name_key = $4, last_name = $5, last_name_key = $6, language = $7, fields = $8,
            opens = $9, clicks = $10, source = $11, import_id = $12, created_at = $13, last_act_at = $14
        WHERE account_id = $1 AND id = $2
        """,
        one.id, one.first, search_key(one.first), one.last, search_key(one.last), one.language, one.fields,
        one.opens, one.clicks, one.source, one.imported, one.added, one.act,
    )  # fmt: skip
    one.key = await tx.value("SELECT address_key FROM contacts WHERE account_id = $1 AND id = $2", one.id)
    if one.objected:
        await tx.run(
            """
            INSERT INTO suppressions (account_id, address_hash, reason)
            SELECT account_id, address_hash, 'objected' FROM contacts WHERE account_id = $1 AND id = $2
            """,
            one.id,
        )
    one.tags = {tag for tag in crowd.tags if chance.random() < 0.4}
    for tag in one.tags:
        await tx.run(
            "INSERT INTO contact_tags (account_id, contact_id, tag_id) VALUES ($1, $2, $3)", one.id, tag
        )
    for list_id in crowd.lists:
        if chance.random() < 0.7:
            at = clock.now() - timedelta(days=chance.choice((0, 29, 30, 31, 90)), hours=chance.randrange(24))
            one.lists[list_id] = (chance.choice(("active", "active", "pending", "unsubscribed")), at)
            await tx.run(
                """
                INSERT INTO subscriptions (account_id, list_id, contact_id, status, status_at, legal_basis)
                VALUES ($1, $2, $3, $4, $5, 'consent')
                """,
                list_id, one.id, *one.lists[list_id],
            )  # fmt: skip
    for n, campaign_id in enumerate(crowd.campaigns):
        if chance.random() < 0.7:
            await _deliver(tx, crowd, one, campaign_id, months[n % len(months)], chance)


async def _deliver(tx: AccountTx, crowd: Crowd, one: Person, campaign_id: int, *rest: Any) -> None:
    month, chance = rest
    status = chance.choice(("delivered", "delivered", "bounced", "failed", "queued", "cancelled"))
    opens, clicks = chance.random() < 0.6, chance.random() < 0.6
    one.deliveries[campaign_id] = (status, opens, clicks)
    await tx.run(
        """
        INSERT INTO deliveries (account_id, campaign_id, contact_id, month, list_id, status, reason, first_at,
                                final_at, opens, clicks)
        VALUES ($1, $2, $3, $4, $5, $6, CASE $6 WHEN 'bounced' THEN 'hard' WHEN 'failed' THEN 'size' ELSE '' END,
                CASE WHEN $6 IN ('delivered', 'bounced') THEN now() END,
                CASE WHEN $6 <> 'queued' THEN now() END, $7, $8)
        """,
        campaign_id, one.id, month, crowd.lists[0], status, opens, clicks,
    )  # fmt: skip
    for kind in ("open", "click"):
        if chance.random() < 0.5:
            link = chance.choice(list(crowd.urls)) if kind == "click" else None
            verdict = chance.choice(("person", "machine", "unknown"))
            one.events.append((campaign_id, kind, verdict, crowd.urls[link] if link else ""))
            await tx.run(
                """
                INSERT INTO events (account_id, id, at, campaign_id, contact_id, kind, link_id, verdict)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                """,
                f"{campaign_id}-{one.id}-{kind}", clock.now(), campaign_id, one.id, kind, link, verdict,
            )  # fmt: skip


# ---------------------------------------------------------------- the plain answer


def fold(text: str) -> str:
    """Lower case letter by letter, composed; as a database does it."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(char.lower() if len(char.lower()) == 1 else char for char in composed)


def holds(group: Group, one: Person, crowd: Crowd) -> bool:
    answers = [
        holds(rule, one, crowd) if isinstance(rule, Group) else true_of(rule, one, crowd)
        for rule in group.rules
    ]
    return {"all": all(answers), "any": any(answers), "none": not any(answers)}[group.match]


def true_of(rule: Condition, one: Person, crowd: Crowd) -> bool:
    match rule.subject:
        case "field":
            return _field(rule, one.fields.get(str(rule.of)))
        case "email":
            return _text(rule, fold(one.email), fold(str(rule.value)))
        case "domain":
            wanted = str(rule.value).lower().encode("idna").decode() if str(rule.value).isascii() else ""
            return (one.key.rpartition("@")[2] == wanted) is (rule.operator == "is")
        case "first_name" | "last_name":
            name = one.first if rule.subject == "first_name" else one.last
            key = " ".join(unicodedata.normalize("NFC", name).lower().split())
            return _text(rule, key, " ".join(unicodedata.normalize("NFC", str(rule.value)).lower().split()))
        case "language" | "opens" | "clicks" | "source":
            return (getattr(one, rule.subject) == rule.value) is (rule.operator == "is")
        case "measurement":
            # nobody of the crowd was asked: the ledger knows nothing of them
            may = one.opens != "granted" or one.clicks != "granted"
            return may is (rule.operator == "may_be_asked")
        case "tag":
            return (rule.of in one.tags) is (rule.operator == "has")
        case "import":
            return (one.imported == rule.of) is (rule.operator == "is")
        case "added" | "last_act":
            at = one.added if rule.subject == "added" else one.act
            if rule.operator in ("empty", "filled"):
                return (at is None) is (rule.operator == "empty")
            return at is not None and _day(rule, at.astimezone(ZONE).date())
        case "list":
            return _list(rule, one)
    return _campaign(rule, one, crowd)


def _text(rule: Condition, text: str, value: str) -> bool:
    return {
        "is": text == value,
        "is_not": text != value,
        "contains": value in text,
        "contains_not": value not in text,
        "begins": text.startswith(value),
        "ends": text.endswith(value),
        "empty": text == "",
        "filled": text != "",
    }[rule.operator]


def _field(rule: Condition, value: Any) -> bool:
    empty = value in (None, "", [])
    if rule.operator in ("empty", "filled"):
        return empty is (rule.operator == "empty")
    match rule.of:
        case "city":
            return _text(rule, fold(value or ""), fold(str(rule.value)))
        case "points":
            return _number(rule, value)
        case "born":
            return value is not None and _day(rule, date.fromisoformat(value))
        case "vip":
            return value is (rule.operator == "yes")
    return (fold(str(rule.value)) in map(fold, value or ())) is (rule.operator == "has")


def _number(rule: Condition, value: Any) -> bool:
    if value is None:
        return rule.operator == "is_not"
    known = Decimal(str(value))
    given = [Decimal(str(one)) for one in (rule.value if isinstance(rule.value, list) else [rule.value])]
    return {
        "is": known == given[0],
        "is_not": known != given[0],
        "more": known > given[0],
        "less": known < given[0],
        "between": given[0] <= known <= given[-1],
    }[rule.operator]


def _day(rule: Condition, day: date) -> bool:
    today = clock.now().astimezone(ZONE).date()
    match rule.operator:
        case "month":
            return day.month == rule.value
        case "birthday_days":
            return any(
                _same_day(day, today + timedelta(n)) for n in range(min(int(str(rule.value)), 366) + 1)
            )
        case "last_days":
            return 0 <= (today - day).days <= int(str(rule.value))
        case "older_days":
            return (today - day).days > int(str(rule.value))
        case "next_days":
            return 0 <= (day - today).days <= int(str(rule.value))
    given = rule.value if isinstance(rule.value, list) else [rule.value]
    first, last = (date.fromisoformat(str(one)) for one in (given[0], given[-1]))
    if rule.operator == "before":
        return day < first
    return day > first if rule.operator == "after" else first <= day <= last


def _same_day(born: date, day: date) -> bool:
    if (born.month, born.day) == (2, 29) and (day.month, day.day) == (2, 28):
        return day.year % 4 != 0 or (day.year % 100 == 0 and day.year % 400 != 0)
    return (born.month, born.day) == (day.month, day.day)


def _list(rule: Condition, one: Person) -> bool:
    today = clock.now().astimezone(ZONE).date()
    found = [state for list_id, state in one.lists.items() if rule.of in (None, list_id)]
    ages = [(today - at.astimezone(ZONE).date()).days for status, at in found if status == "active"]
    match rule.operator:
        case "subscribed" | "not_subscribed":
            return bool(ages) is (rule.operator == "subscribed")
        case "subscribed_over":
            return any(age > int(str(rule.value)) for age in ages)
        case "subscribed_within":
            return any(age <= int(str(rule.value)) for age in ages)
        case "never":
            return not found
    return any(status == rule.operator for status, _ in found)


def _campaign(rule: Condition, one: Person, crowd: Crowd) -> bool:
    asked = crowd.campaigns[: rule.last] if rule.last else [rule.of]
    went = [state for campaign, state in one.deliveries.items() if campaign in asked]
    events = [event for event in one.events if event[0] in asked]
    clicks = [event for event in events if event[1] == "click" and event[2] != "machine"]
    match rule.operator:
        case "sent" | "not_sent":
            sent = any(status in ("delivered", "bounced") for status, _, _ in went)
            return sent is (rule.operator == "sent")
        case "delivered" | "bounced":
            return any(status == rule.operator for status, _, _ in went)
        case "clicked":
            return bool(clicks)
        case "clicked_link":
            return any(fold(str(rule.value)) in fold(url) for *_, url in clicks)
        case "opened":
            return one.opens == "granted" and any(
                kind == "open" and verdict != "machine" for _, kind, verdict, _ in events
            )
        case "not_opened":
            measured = any(status == "delivered" and opens for status, opens, _ in went)
            return one.opens == "granted" and measured and not any(kind == "open" for _, kind, *_ in events)
    measured = any(status == "delivered" and measures for status, _, measures in went)
    return one.clicks == "granted" and measured and not clicks
