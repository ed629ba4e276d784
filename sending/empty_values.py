"""Fields of the message that some people of the audience have nothing in: how many, and what they will read.

names in the message ─▶ one statement over the audience ─▶ how many for each
                     └▶ the message rendered without the value ─▶ the line as they get it
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mailer.core.db import AccountTx
from mailer.core.text import N_
from mailer.web import i18n
from sending import merge, personal
from sending.audience_sample import Sample
from sending.links_in_mail import Link
from sending.merge_filters import Value
from sending.problems import Problem, fine, warning
from sending.render import Program, Recipient, RenderFailed, Urls
from sending.revisions import Content

# private-use characters: no filter changes them, nobody writes them
_MARK = "\ue5a0\ue5a1"
_ADDRESS = "https://mark.invalid/x"
_SHOWN = 80
_NOBODY = Urls(unsubscribe="", preferences="", tracking="", rights="", web_version="")
COLUMNS = {
    "first_name": N_("First name"),
    "last_name": N_("Last name"),
    "email": N_("E-mail address"),
    "language": N_("Language"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Of the people looked at: whose field is empty, and whose holds no address where one is needed."""

    key: str
    people: int
    empty: int
    unusable: int


@dataclass(frozen=True, slots=True)
class _Reading:
    """What somebody without the value gets: the line of it, or the link that it changes."""

    subject: str | None = None
    line: str | None = None
    link: Link | None = None
    target: str = ""


def used(content: Content) -> frozenset[str]:
    """Keys of the fields that any part of the message reads."""
    parts = (content.subject, content.preheader, content.html, content.text)
    names = {name for part in parts for name in merge.names_used(part)}
    return frozenset(name[8:] for name in names if name.startswith("contact."))


async def check(
    tx: AccountTx, campaign_id: int, content: Content, program: Program, sample: Sample
) -> list[Problem]:
    """One finding for each field that is empty for somebody; else that none is."""
    keys = sorted(used(content))
    if not keys:
        return [fine("fields", N_("The message says the same to everybody: no field can be empty."))]
    whole = _whole_addresses(content, program, keys)
    found = await count(tx, campaign_id, keys, sample, addresses=sorted(set(whole.values())))
    labels = await _labels(tx)
    problems: list[Problem] = []
    for one in found:
        label = labels.get(one.key, one.key)
        for position, key in whole.items():
            if key == one.key and one.empty + one.unusable:
                problems.append(_leads_nowhere(content, position, one, label, sample))
        if one.empty:
            problems += _empty(content, program, one, label, sample)
    if problems:
        return problems
    if sample.whole:
        return [fine("fields", N_("Every field of the message has a value for everybody."))]
    people = max((one.people for one in found), default=0)
    message = N_("Every field of the message has a value for the {n} people looked at.")
    return [fine("fields", message, n=people)]


async def count(
    tx: AccountTx, campaign_id: int, keys: list[str], sample: Sample, *, addresses: list[str]
) -> list[Found]:
    """One pass over the people looked at, for all fields. `addresses`: keys that must hold a web address."""
    return await tx.many(
        Found,
        """
        SELECT f.key, count(*)::int AS people, (count(*) FILTER (WHERE f.value = ''))::int AS empty,
               (count(*) FILTER (WHERE f.value <> '' AND f.key = ANY ($5::text[])
                                   AND f.value !~* '^(https?://[^/[:space:]]|mailto:|tel:)'))::int AS unusable
        FROM audience a
        JOIN contacts c ON c.account_id = a.account_id AND c.id = a.contact_id
        CROSS JOIN LATERAL (
            SELECT k.key, coalesce(btrim(CASE k.key
                       WHEN 'first_name' THEN c.first_name
                       WHEN 'last_name' THEN c.last_name
                       WHEN 'email' THEN c.email
                       WHEN 'language' THEN c.language
                       ELSE nullif(c.fields ->> k.key, '[]')
                   END), '') AS value
            FROM unnest($3::text[]) AS k (key)
        ) AS f
        WHERE a.account_id = $1 AND a.campaign_id = $2 AND a.reason = ''
          AND (hashint8(a.contact_id) & 2147483647) % $4::int = 0
        GROUP BY f.key
        ORDER BY f.key
        """,
        campaign_id,
        keys,
        sample.every,
        addresses,
    )


async def _labels(tx: AccountTx) -> dict[str, str]:
    own = await tx.rows("SELECT key, label FROM fields WHERE account_id = $1")
    return dict(own) | {key: i18n.translate(words) for key, words in COLUMNS.items()}


def _leads_nowhere(content: Content, position: int, one: Found, label: str, sample: Sample) -> Problem:
    link = next(link for link in content.links if link.position == position)
    message = N_("The link “{link}” leads nowhere for {n} of {total}: {field} is empty, or no web address.")
    n = sample.figure(one.empty + one.unusable, one.people)
    return warning(0, "links", message, link=link.label, field=label, n=n, total=sample.total)


def _empty(content: Content, program: Program, one: Found, label: str, sample: Sample) -> list[Problem]:
    reading = read_without(content, program, one.key)
    n, total = sample.figure(one.empty, one.people), sample.total
    if reading.subject is not None and not reading.subject:
        message = N_("{field}, empty for {n} of {total}: their subject is empty.")
        return [warning(0, "fields", message, field=label, n=n, total=total)]
    if reading.subject is not None:
        message = N_("{field}, empty for {n} of {total}: their subject reads “{words}”.")
        return [warning(0, "fields", message, field=label, n=n, total=total, words=reading.subject)]
    if reading.line is not None:
        message = N_("{field}, empty for {n} of {total}: they read “{words}”.")
        return [warning(0, "fields", message, field=label, n=n, total=total, words=reading.line)]
    if reading.link is not None and not reading.target:
        return []  # told as a link that leads nowhere
    if reading.link is not None:
        message = N_("{field}, empty for {n} of {total}: the link “{link}” leads to “{url}”.")
        name, url = reading.link.label, reading.target[:_SHOWN]
        return [warning(0, "fields", message, field=label, n=n, total=total, link=name, url=url)]
    message = N_("{field}, empty for {n} of {total}: what depends on it is left out, or says something else.")
    return [warning(0, "fields", message, field=label, n=n, total=total)]


def read_without(content: Content, program: Program, key: str) -> _Reading:
    """Found by rendering twice, once with a mark in the field and once with nothing in it."""
    keys = used(content)
    try:
        marked = program.render(_somebody(content, keys, {key: _MARK}))
        empty = program.render(_somebody(content, keys, {key: ""}))
    except RenderFailed:
        return _Reading()
    if _MARK in marked.subject:
        return _Reading(subject=_around(empty.subject, 0))
    line = _same_line(marked.text, empty.text)
    if line is not None:
        return _Reading(line=line)
    without = program.personal_targets(_somebody(content, keys, {key: ""}))
    for link in content.links:
        if f"contact.{key}" in merge.names_used(link.target):
            return _Reading(link=link, target=without.get(link.position, ""))
    return _Reading()


def _same_line(marked: str, empty: str) -> str | None:
    """The first line with the mark, as it reads without it; None when it is not there any more."""
    for line in marked.split("\n"):
        if _MARK not in line:
            continue
        before, after = line.partition(_MARK)[0], line.rpartition(_MARK)[2]
        for other in empty.split("\n"):
            if (
                other.startswith(before.rstrip())
                and other.endswith(after)
                and len(other) >= len(before.rstrip()) + len(after)
                and other.strip()
            ):
                return _around(other.strip(), len(before))
    return None


def _around(text: str, place: int) -> str:
    """At most so many characters, with the place inside."""
    start = 0 if place < _SHOWN - 20 else place - _SHOWN // 2
    piece = text[start : start + _SHOWN]
    return ("…" if start else "") + piece.strip() + ("…" if start + _SHOWN < len(text) else "")


def _whole_addresses(content: Content, program: Program, keys: list[str]) -> Mapping[int, str]:
    """Links whose whole address is one field: position → key."""
    if not program.targets:
        return {}
    found: dict[int, str] = {}
    for key in keys:
        made = program.personal_targets(_somebody(content, frozenset(keys), {key: _ADDRESS}))
        found |= {position: key for position, url in made.items() if url == _ADDRESS}
    return found


def _somebody(content: Content, keys: frozenset[str], values: Mapping[str, Value]) -> Recipient:
    """A person with something in each field but those given."""
    person = personal.sample("a@mark.invalid", content.language)
    base = personal.recipient(content, person, _NOBODY)
    return replace(base, contact={**dict.fromkeys(keys, "1"), **base.contact, **values})
