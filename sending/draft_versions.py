"""What a draft said before: campaigns that were not sent, variants of their A/B tests, designs.

    save ─▶ keep (the first time also what stood there) ─▶ thin
    save on another's save ─▶ Conflict ─▶ set_aside: the refused text, for its author

All of the last hour stay, of the last day one an hour, of before one a day. A restored version is a save like
any other: it makes a new version, and nothing is lost.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from mailer.core import clock
from mailer.core.db import AccountTx
from mailer.core.errors import NotFound
from sending.ab_variants import LETTERS

# beside the rule: a program that saves without end fills no disk
MOST = 500
MOST_CHARACTERS = 40_000_000
REFUSED_KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Whose versions: of a campaign (and which of its variants), or of a design."""

    campaign_id: int | None = None
    design_id: int | None = None
    variant: int = 1

    @property
    def letter(self) -> str:
        return LETTERS[self.variant - 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A version in the list. `size` in characters; `restored`: the number of the version it brought back."""

    id: int
    number: int
    kind: str
    size: int
    saved_by: int | None
    refused: bool
    restored: int | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    id: int
    campaign_id: int | None
    design_id: int | None
    variant: int
    number: int
    kind: str
    source: str
    saved_by: int | None
    refused: bool
    restored: int | None
    created_at: datetime

    @property
    def draft(self) -> Draft:
        return Draft(campaign_id=self.campaign_id, design_id=self.design_id, variant=self.variant)


async def keep_campaign(tx: AccountTx, campaign_id: int, *, own: bool = True) -> None:
    """What a draft says now, unless its newest version says the same. Not `own`: nobody knows whose it is."""
    await tx.run(
        """
        INSERT INTO draft_versions (account_id, campaign_id, number, kind, source, saved_by,
                                    created_at)
        SELECT c.account_id, c.id, c.version, c.content_kind, c.source, $3, c.updated_at
        FROM campaigns c
        WHERE c.account_id = $1 AND c.id = $2 AND c.status = 'draft' AND c.content_kind <> 'none'
          AND NOT EXISTS (
              SELECT FROM (
                  SELECT kind, source FROM draft_versions
                  WHERE account_id = $1 AND campaign_id = $2 AND variant = 1 AND NOT refused
                  ORDER BY id DESC
                  LIMIT 1
              ) last
              WHERE last.kind = c.content_kind AND last.source = c.source
          )
        """,
        campaign_id,
        _person(tx) if own else None,
    )


async def keep_variant(tx: AccountTx, campaign_id: int, variant: int, *, own: bool = True) -> None:
    """The same for B, C or D of a draft."""
    await tx.run(
        """
        INSERT INTO draft_versions (account_id, campaign_id, variant, number, kind, source, saved_by,
                                    created_at)
        SELECT c.account_id, c.id, v.number, c.version, v.content_kind, v.source, $4, c.updated_at
        FROM ab_variants v
        JOIN campaigns c ON c.account_id = v.account_id AND c.id = v.campaign_id AND c.status = 'draft'
        WHERE v.account_id = $1 AND v.campaign_id = $2 AND v.number = $3 AND v.content_kind <> 'none'
          AND NOT EXISTS (
              SELECT FROM (
                  SELECT kind, source FROM draft_versions
                  WHERE account_id = $1 AND campaign_id = $2 AND variant = $3 AND NOT refused
                  ORDER BY id DESC
                  LIMIT 1
              ) last
              WHERE last.kind = v.content_kind AND last.source = v.source
          )
        """,
        campaign_id,
        variant,
        _person(tx) if own else None,
    )


async def keep_design(tx: AccountTx, design_id: int, *, own: bool = True) -> None:
    """The same for a design."""
    await tx.run(
        """
        INSERT INTO draft_versions (account_id, design_id, number, kind, source, saved_by,
                                    created_at)
        SELECT d.account_id, d.id, d.version, d.kind, d.source, $3, d.updated_at
        FROM designs d
        WHERE d.account_id = $1 AND d.id = $2
          AND NOT EXISTS (
              SELECT FROM (
                  SELECT kind, source FROM draft_versions
                  WHERE account_id = $1 AND design_id = $2 AND NOT refused
                  ORDER BY id DESC
                  LIMIT 1
              ) last
              WHERE last.kind = d.kind AND last.source = d.source
          )
        """,
        design_id,
        _person(tx) if own else None,
    )


async def set_aside(tx: AccountTx, draft: Draft, kind: str, source: str, *, number: int | None) -> int | None:
    """A text that was refused because somebody else had saved: its author finds it among the versions.

    None where there is no such draft any more. The same text is kept once.
    """
    found: int | None = await tx.value(
        """
        WITH known AS (
            SELECT id FROM draft_versions
            WHERE account_id = $1 AND (campaign_id = $2 OR design_id = $3) AND variant = $4 AND refused
              AND saved_by IS NOT DISTINCT FROM $8 AND kind = $6 AND source = $7
            LIMIT 1
        ), made AS (
            INSERT INTO draft_versions (account_id, campaign_id, design_id, variant, number, kind, source,
                                        saved_by, refused)
            SELECT $1, $2, $3, $4, $5, $6, $7, $8, true
            WHERE NOT EXISTS (SELECT FROM known)
              AND (EXISTS (SELECT FROM campaigns WHERE account_id = $1 AND id = $2)
                   OR EXISTS (SELECT FROM designs WHERE account_id = $1 AND id = $3))
            RETURNING id
        )
        SELECT id FROM known UNION ALL SELECT id FROM made
        """,
        draft.campaign_id,
        draft.design_id,
        draft.variant,
        number or 0,
        kind,
        source.replace("\0", ""),
        _person(tx),
    )
    return found


async def mark_restored(tx: AccountTx, draft: Draft, version: Version) -> None:
    """The newest version came by bringing that one back."""
    await tx.run(
        """
        UPDATE draft_versions
        SET restored = $5
        WHERE account_id = $1 AND id = (
            SELECT max(id) FROM draft_versions
            WHERE account_id = $1 AND (campaign_id = $2 OR design_id = $3) AND variant = $4 AND NOT refused
        ) AND kind = $6 AND source = $7 AND id > $8
        """,
        draft.campaign_id,
        draft.design_id,
        draft.variant,
        version.number,
        version.kind,
        version.source,
        version.id,
    )


async def drop_refused(tx: AccountTx, version_id: int) -> None:
    """Its author wants it no more. Raises NotFound for what was never refused, or is somebody else's."""
    if not await tx.run(
        """
        DELETE FROM draft_versions
        WHERE account_id = $1 AND id = $2 AND refused AND saved_by IS NOT DISTINCT FROM $3
        """,
        version_id,
        _person(tx),
    ):
        raise NotFound


async def many(tx: AccountTx, draft: Draft, *, before: int | None = None, limit: int = 50) -> list[Line]:
    """Newest first, one more than the limit when there are more; of refused texts one's own alone."""
    return await tx.many(
        Line,
        """
        SELECT id, number, kind, length(source) AS size, saved_by, refused, restored, created_at
        FROM draft_versions
        WHERE account_id = $1
          AND (($2::bigint IS NOT NULL AND campaign_id = $2 AND variant = $4)
               OR ($3::bigint IS NOT NULL AND design_id = $3))
          AND (NOT refused OR saved_by = $5)
          AND ($6::bigint IS NULL OR id < $6)
        ORDER BY id DESC
        LIMIT $7
        """,
        draft.campaign_id,
        draft.design_id,
        draft.variant,
        _person(tx),
        before,
        limit + 1,
    )


async def show(tx: AccountTx, version_id: int, draft: Draft | None = None) -> Version:
    """Raises NotFound, also for a version of another draft and for what somebody else was refused."""
    found = await tx.one(
        Version,
        """
        SELECT id, campaign_id, design_id, variant, number, kind, source, saved_by, refused, restored,
               created_at
        FROM draft_versions
        WHERE account_id = $1 AND id = $2
        """,
        version_id,
    )
    theirs = found.refused and found.saved_by != _person(tx) and tx.actor.kind == "user"
    if theirs or (draft is not None and found.draft != draft):
        raise NotFound
    return found


async def last_saved_by(tx: AccountTx, draft: Draft) -> tuple[int | None, datetime] | None:
    """Who made the newest version, and when; None while there is none."""
    rows = await tx.rows(
        """
        SELECT saved_by, created_at
        FROM draft_versions
        WHERE account_id = $1 AND NOT refused
          AND (($2::bigint IS NOT NULL AND campaign_id = $2 AND variant = $4)
               OR ($3::bigint IS NOT NULL AND design_id = $3))
        ORDER BY id DESC
        LIMIT 1
        """,
        draft.campaign_id,
        draft.design_id,
        draft.variant,
    )
    return rows[0] if rows else None


async def thin(tx: AccountTx, draft: Draft | None, now: datetime | None = None) -> int:
    """Deletes what the rule does not keep of one draft, or of all; how many. The newest always stays."""
    one = draft or Draft()
    return await tx.run(
        """
        -- of each stretch (a save of the last hour, an hour of the last day, a day) the last version stays
        DELETE FROM draft_versions
        WHERE account_id = $1 AND id IN (
            SELECT id FROM (
                SELECT id, refused, created_at,
                       row_number() OVER (PARTITION BY campaign_id, design_id, variant, refused, CASE
                           WHEN created_at > $6::timestamptz - interval '1 hour' THEN id::text
                           WHEN created_at > $6::timestamptz - interval '1 day'
                               THEN date_trunc('hour', created_at, 'UTC')::text
                           ELSE date_trunc('day', created_at, 'UTC')::text || ' day'
                       END ORDER BY id DESC) AS of_stretch,
                       row_number() OVER newest AS place,
                       sum(length(source)) OVER newest AS characters
                FROM draft_versions
                WHERE account_id = $1
                  AND ($5 OR ($2::bigint IS NOT NULL AND campaign_id = $2 AND variant = $4)
                       OR ($3::bigint IS NOT NULL AND design_id = $3))
                WINDOW newest AS (PARTITION BY campaign_id, design_id, variant ORDER BY id DESC)
            ) known
            WHERE (of_stretch > 1 AND NOT refused)
               OR (refused AND created_at <= $6::timestamptz - $7::interval)
               OR (place > 1 AND (place > $8 OR characters > $9))
            LIMIT 10000
        )
        """,
        one.campaign_id,
        one.design_id,
        one.variant,
        draft is None,
        now or clock.now(),
        REFUSED_KEPT,
        MOST,
        MOST_CHARACTERS,
    )


def _person(tx: AccountTx) -> int | None:
    return tx.actor.id if tx.actor.kind == "user" else None
