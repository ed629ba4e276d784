"""Versions of the privacy policy, the terms, the agreement: published 30 days ahead, all kept (A-039, A-040).

The text that Mailer ships is in force until the operator publishes one. From its day on a version is in force
until the next one's day; days are those of UTC.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from pydantic import Field

from mailer.accounts import announcements, legal, prose
from mailer.core.db import SharedTx
from mailer.core.errors import Fault, Invalid, conflict
from mailer.core.operator import Operator
from mailer.core.text import N_
from mailer.web.request import Input

Kind = Literal["privacy", "terms", "agreement"]
KINDS: Mapping[Kind, str] = {
    "agreement": N_("Data processing agreement"),
    "privacy": N_("Privacy policy"),
    "terms": N_("Terms of use"),
}
NOTICE_DAYS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """`id` 0: the text that Mailer ships, while nothing is published. `french`, `english`: SHA-256."""

    id: int
    kind: Kind
    version: str
    french: bytes
    english: bytes
    built_in: bool
    published_at: datetime
    effective_on: date
    urgent_reason: str

    @property
    def title(self) -> str:
        return KINDS[self.kind]

    def hash_in(self, language: str) -> bytes:
        return self.english if language == "en" else self.french


class NewVersion(Input):
    """`urgent_reason`: the law leaves no 30 days, and why; told to everybody."""

    kind: Kind
    version: str = Field(min_length=1, max_length=20, pattern=r"^[\w.-]+$")
    effective_on: date
    french: str = Field(min_length=1, max_length=200_000)
    english: str = Field(min_length=1, max_length=200_000)
    urgent_reason: str = Field("", max_length=500)


async def keep_text(tx: SharedTx, text: str) -> bytes:
    """Stores a text once; returns its SHA-256."""
    digest = hashlib.sha256(text.encode()).digest()
    await tx.run(
        "INSERT INTO legal_texts (sha256, text) VALUES ($1, $2) ON CONFLICT (sha256) DO NOTHING", digest, text
    )
    return digest


async def kept_text(tx: SharedTx, digest: bytes) -> str | None:
    found: str | None = await tx.value("SELECT text FROM legal_texts WHERE sha256 = $1", digest)
    return found


def shipped(kind: Kind, operator: Operator) -> Version:
    document = legal.PAGES[kind]
    hashes = [
        hashlib.sha256(legal.shipped_text(kind, language, operator).encode()).digest()
        for language in ("fr", "en")
    ]
    return Version(
        id=0,
        kind=kind,
        version=document.version,
        french=hashes[0],
        english=hashes[1],
        built_in=True,
        published_at=datetime.combine(document.updated, time(), UTC),
        effective_on=document.updated,
        urgent_reason="",
    )


async def text_of(tx: SharedTx, version: Version, language: str, operator: Operator) -> str:
    """The shipped text follows the operator's file; a published one is as it was published."""
    if version.id == 0:
        return legal.shipped_text(version.kind, language, operator)
    return await kept_text(tx, version.hash_in(language)) or ""


async def many(tx: SharedTx, kind: Kind, operator: Operator) -> list[Version]:
    """Newest day first; never empty."""
    found = await tx.many(
        Version,
        """
        SELECT id, kind, version, french, english, built_in, published_at, effective_on, urgent_reason
        FROM policy_versions
        WHERE kind = $1
        ORDER BY effective_on DESC
        LIMIT 200
        """,
        kind,
    )
    return found or [shipped(kind, operator)]


async def show(tx: SharedTx, version_id: int) -> Version:
    """Raises NotFound."""
    return await tx.one(
        Version,
        """
        SELECT id, kind, version, french, english, built_in, published_at, effective_on, urgent_reason
        FROM policy_versions
        WHERE id = $1
        """,
        version_id,
    )


async def in_force(tx: SharedTx, kind: Kind, operator: Operator, today: date) -> Version:
    found = await many(tx, kind, operator)
    return next((one for one in found if one.effective_on <= today), found[-1])


async def ahead(tx: SharedTx, today: date) -> list[Version]:
    """What was published and waits for its day, the next one first."""
    return await tx.many(
        Version,
        """
        SELECT id, kind, version, french, english, built_in, published_at, effective_on, urgent_reason
        FROM policy_versions
        WHERE effective_on > $1
        ORDER BY effective_on, kind
        """,
        today,
    )


async def before(tx: SharedTx, version: Version, operator: Operator) -> Version | None:
    """The one that it replaces."""
    return next(
        (
            one
            for one in await many(tx, version.kind, operator)
            if one.effective_on < version.effective_on and one.id != version.id
        ),
        None,
    )


async def publish(
    tx: SharedTx, new: NewVersion, operator: Operator, *, now: datetime, user_id: int | None
) -> Version:
    """All owners are told by mail. Raises Invalid at `effective_on` or a text, Conflict at `version`."""
    # one spelling, so that a stray line end is no change
    spelled = {name: prose.markdown(prose.parse(getattr(new, name))) for name in ("french", "english")}
    new = new.model_copy(update=spelled)
    known = await many(tx, new.kind, operator)
    _check(new, known, now.date())
    if known[0].id == 0:
        await _keep_shipped(tx, known[0], operator)
    french, english = await keep_text(tx, new.french), await keep_text(tx, new.english)
    with conflict(
        "policy_versions_version", "version", N_("There is a version of this name. Choose another one.")
    ):
        version_id: int = await tx.value(
            """
            INSERT INTO policy_versions (kind, version, french, english, published_at, published_by,
                                         effective_on, urgent_reason)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            RETURNING id
            """,
            new.kind,
            new.version,
            french,
            english,
            now,
            user_id,
            new.effective_on,
            new.urgent_reason,
        )
    # of what takes effect at once people are told for as long as of anything else
    until = new.effective_on + timedelta(days=NOTICE_DAYS if new.urgent_reason else 0)
    days = announcements.Days(new.effective_on, until)
    await announcements.announce(tx, "policy", version_id, now, days)
    return await show(tx, version_id)


def _check(new: NewVersion, known: list[Version], today: date) -> None:
    faults = []
    first = today + timedelta(days=NOTICE_DAYS)
    if not new.urgent_reason and new.effective_on < first:
        faults.append(
            Fault(
                "effective_on",
                N_("People are told 30 days ahead: {day} is the first possible day."),
                "notice",
                {"day": first.isoformat()},
            )
        )
    elif new.effective_on < today:
        faults.append(Fault("effective_on", N_("This day has passed."), "notice"))
    elif new.effective_on <= known[0].effective_on:
        faults.append(
            Fault(
                "effective_on",
                N_("Version {version} takes effect on {day}: choose a later day."),
                "order",
                {"version": known[0].version, "day": known[0].effective_on.isoformat()},
            )
        )
    if hashlib.sha256(new.french.encode()).digest() == known[0].french:
        faults.append(
            Fault(
                "french", N_("This is the text of version {version}."), "same", {"version": known[0].version}
            )
        )
    if new.french == new.english:
        faults.append(Fault("english", N_("Both languages hold the same text."), "same"))
    if faults:
        raise Invalid(*faults)


async def _keep_shipped(tx: SharedTx, version: Version, operator: Operator) -> None:
    """What was in force so far, as it read on this day."""
    french = await keep_text(tx, legal.shipped_text(version.kind, "fr", operator))
    english = await keep_text(tx, legal.shipped_text(version.kind, "en", operator))
    await tx.run(
        """
        INSERT INTO policy_versions (kind, version, french, english, built_in, published_at, effective_on)
        VALUES ($1, $2, $3, $4, true, $5, $6)
        """,
        version.kind,
        version.version,
        french,
        english,
        version.published_at,
        version.effective_on,
    )
