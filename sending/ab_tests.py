"""A/B tests: two to four variants of a subject or of the content inside one campaign.

    draft ─ audience frozen ─▶ running ─ a winner ─▶ decided ─ the rest is let go ─▶ done
                                  └ nothing shown ─▶ asking ─ a person decides ─┘

A part of the audience, drawn at random and written down with each delivery, gets the variants; the rest
waits. Nobody gets two: a recipient has one row. Variant 1, called A, is the campaign itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from mailer.accounts import audit
from mailer.core.db import AccountTx
from mailer.core.errors import Fault, Invalid, NotFound, fault
from mailer.core.text import N_
from mailer.web.request import Input
from sending import ab_variants, campaigns, draft_versions, merge, sources
from sending.ab_variants import LETTERS, MOST
from sending.campaigns import Campaign

About = Literal["subject", "content"]
WinnerBy = Literal["clicks", "opens", "hand"]
Unclear = Literal["first", "ask"]
Source = Annotated[str, StringConstraints(strip_whitespace=False, max_length=merge.MAX_SOURCE)]


class Variant(Input):
    """B, C or D: with a subject of its own, or with a content. None: as in the campaign."""

    subject: campaigns.Line | None = None
    preheader: campaigns.Line | None = None
    content_kind: Literal["letter", "mjml"] | None = None
    source: Source | None = None


class Setting(Input):
    """`share`: percent of the audience that gets the variants; at 100 nothing is held back.

    `hours`: from when the last mail of the test was tried. `early`: ends sooner when the result is beyond
    doubt. `unclear`: what happens when nothing is shown: variant A goes out, or a person is asked.
    """

    about: About = "subject"
    variants: Annotated[list[Variant], Field(min_length=1, max_length=MOST - 1)]
    share: Annotated[int, Field(ge=5, le=100)] = 20
    winner_by: WinnerBy = "clicks"
    hours: Annotated[int, Field(ge=1, le=120)] = 4
    early: bool = False
    unclear: Unclear = "first"
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AbTest:
    """`counted_from`: when the last mail of the test had been tried; `ends_at`: so many hours later.

    `decided_by`: result, unclear (nothing was shown) or hand. `figures`: as they were at that moment.
    """

    campaign_id: int
    about: str
    share: int
    winner_by: str
    hours: int
    early: bool
    unclear: str
    state: str
    counted_from: datetime | None
    ends_at: datetime | None
    winner: int | None
    decided_at: datetime | None
    decided_by: str | None
    figures: Sequence[Any]


async def of(tx: AccountTx, campaign_id: int) -> AbTest | None:
    """None: the campaign compares nothing."""
    return await tx.first(
        AbTest,
        """
        SELECT campaign_id, about, share, winner_by, hours, early, unclear, state, counted_from, ends_at,
               winner, decided_at, decided_by, figures
        FROM ab_tests
        WHERE account_id = $1 AND campaign_id = $2
        """,
        campaign_id,
    )


async def put(tx: AccountTx, campaign_id: int, setting: Setting) -> Campaign:
    """Of a draft, in place of what was set before.

    Raises NotFound, Conflict (no draft any more, another version) and Invalid at `variants`.
    """
    faults = _variant_faults(setting, await sources.field_keys(tx))
    if faults:
        raise Invalid(*faults)
    campaign = await campaigns.change(tx, campaign_id, campaigns.Changes(version=setting.version))
    _check_measured(setting, campaign.kind)
    if setting.about == "content" and campaign.content_kind == "none":
        message = N_("Write the content of the campaign first: the variants begin as copies of it.")
        raise fault("about", message, code="no_content")
    await tx.run("DELETE FROM ab_tests WHERE account_id = $1 AND campaign_id = $2", campaign_id)
    await tx.run(
        """
        INSERT INTO ab_tests (account_id, campaign_id, about, share, winner_by, hours, early, unclear)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """,
        campaign_id,
        setting.about,
        setting.share,
        setting.winner_by,
        setting.hours,
        setting.early,
        setting.unclear,
    )
    given = setting.variants
    own = setting.about == "content"
    await tx.run(
        """
        INSERT INTO ab_variants (account_id, campaign_id, number, subject, preheader, content_kind, source)
        SELECT $1, $2, n + 1, subject, preheader, content_kind, source
        FROM unnest($3::text[], $4::text[], $5::text[], $6::text[])
            WITH ORDINALITY AS given (subject, preheader, content_kind, source, n)
        """,
        campaign_id,
        [None if own else one.subject for one in given],
        [None if own else one.preheader for one in given],
        [(one.content_kind or campaign.content_kind) if own else None for one in given],
        # a content that was not given begins as a copy of A's
        [(campaign.source if one.source is None else one.source) if own else None for one in given],
    )
    await audit.write(tx, "compared", "campaign", campaign_id, count=len(given) + 1)
    return campaign


async def variants(tx: AccountTx, campaign: Campaign) -> list[tuple[int, Campaign]]:
    """B, C and D, each as the campaign would be if it were the only one."""
    found = await ab_variants.versions(tx, campaign.id)
    return [(one.number, _as(campaign, one)) for one in found[1:]]


async def variant(tx: AccountTx, campaign: Campaign, number: int) -> Campaign:
    """The campaign as if this variant were the only one. Raises NotFound."""
    found = await ab_variants.versions(tx, campaign.id)
    if not 1 <= number <= len(found):
        raise NotFound
    return _as(campaign, found[number - 1])


def _as(campaign: Campaign, one: ab_variants.Version) -> Campaign:
    return replace(
        campaign,
        subject=one.subject,
        preheader=one.preheader,
        content_kind=one.content_kind,
        source=one.source,
    )


async def drop(tx: AccountTx, campaign_id: int, *, version: int | None = None) -> Campaign:
    """A draft compares nothing any more. Raises NotFound and Conflict."""
    campaign = await campaigns.change(tx, campaign_id, campaigns.Changes(version=version))
    await tx.run("DELETE FROM ab_tests WHERE account_id = $1 AND campaign_id = $2", campaign_id)
    return campaign


async def write_content(
    tx: AccountTx, campaign_id: int, number: int, source: sources.Source, *, version: int | None
) -> Campaign:
    """The content of B, C or D of a draft. Raises NotFound, Conflict, and Invalid where there is none."""
    size = len(source.text)
    if size > merge.MAX_SOURCE:
        message = N_("The source holds {size} characters; {limit} at most. Shorten it.")
        raise fault("source", message, code="source_too_long", size=size, limit=merge.MAX_SOURCE)
    campaign = await campaigns.change(tx, campaign_id, campaigns.Changes(version=version))
    await draft_versions.keep_variant(tx, campaign_id, number, own=False)
    if not await tx.run(
        """
        UPDATE ab_variants
        SET content_kind = $4, source = $5
        WHERE account_id = $1 AND campaign_id = $2 AND number = $3 AND source IS NOT NULL
        """,
        campaign_id,
        number,
        source.kind,
        source.text.replace("\0", ""),
    ):
        raise unknown_variant("variant")
    await draft_versions.keep_variant(tx, campaign_id, number)
    await draft_versions.thin(tx, draft_versions.Draft(campaign_id=campaign_id, variant=number))
    return campaign


def unknown_variant(field: str) -> Invalid:
    return fault(field, N_("This campaign has no such variant."), code="unknown")


def _check_measured(setting: Setting, kind: str) -> None:
    if kind == "service" and setting.winner_by != "hand":
        message = N_("A service message measures nothing: its variant can only be chosen by hand.")
        raise fault("winner_by", message, code="unmeasured")


def _variant_faults(setting: Setting, fields: frozenset[str]) -> list[Fault]:
    """Of a test of subjects: each is written, and its merge tags are sound."""
    if setting.about == "content":
        return []
    faults = []
    for n, one in enumerate(setting.variants):
        place = f"variants.{n}.subject"
        if not (one.subject or "").strip():
            message = N_("Write the subject of variant {letter}.")
            faults.append(Fault(place, message, "missing", {"letter": LETTERS[n + 1]}))
            continue
        parts: list[tuple[merge.Part, str]] = [
            ("subject", one.subject or ""),
            ("preheader", one.preheader or ""),
        ]
        faults += [
            Fault(f"variants.{n}.{part}", found.message, found.code, found.params)
            for part, text in parts
            for found in merge.check(text, fields=fields, part=part)
        ]
    return faults
