"""Rows past their time, in small batches: one function a rule, each inside one account (A-001 … A-007).

    events → deliveries → content → files → images → feedback → unconfirmed → proofs → log

Each returns how many it deleted. `now` is given, so that a test says what day it is. A rule deletes a
batch of a kind a call, and is called again for as long as that was a whole one (`more`).
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from lists import legal_holds
from mailer.core.clock import months_before
from mailer.core.db import AccountTx
from retention_jobs import (
    ab_content,
    days_rows,
    eraser,
    event_rows,
    feedback_rows,
    image_rows,
    import_rows,
    key_rows,
    mail_rows,
    open_days,
    register_rows,
    rights_rows,
    totals,
    unconfirmed_rows,
    webhook_rows,
)
from retention_jobs.policies import (
    BROKEN_OFF,
    CHANGES,
    CONTENT,
    KEY_LIVES,
    KEY_USE_MONTHS,
    LOG_MONTHS,
    PROOF_IP_MONTHS,
    STATISTICS_MONTHS,
    UNDO,
)
from sending import (
    draft_versions,
    thumbnail_queue,
)

BATCH = 10_000


async def content(tx: AccountTx, now: datetime) -> int:
    """Sent content of campaigns whose last attempt is 6 days ago, and the keys that sealed it (S12, S13)."""
    before = now - CONTENT
    over = await _content_over(tx, before)
    deleted = 0
    if over:
        await _keep_sources(tx, over)
        await ab_content.keep_sources(tx, over)
        await ab_content.erase(tx, over)
        deleted += await tx.run(
            "DELETE FROM revisions WHERE account_id = $1 AND campaign_id = ANY ($2::bigint[])", over
        )
        deleted += await tx.run(
            "DELETE FROM draft_versions WHERE account_id = $1 AND campaign_id = ANY ($2::bigint[])", over
        )
        await tx.run(
            """
            UPDATE campaigns
            SET subject = '', preheader = '', source = '', content_kind = 'none', content_erased_at = $3
            WHERE account_id = $1 AND id = ANY ($2::bigint[])
            """,
            over,
            now,
        )
    deleted += await draft_versions.thin(tx, None, now)
    deleted += await _paused_content(tx, before)
    deleted += await _by_age(tx, before, now - KEY_LIVES)
    deleted += await _messages(tx, before)
    await _drop_keys(tx, now)
    return deleted


async def _content_over(tx: AccountTx, before: datetime) -> list[int]:
    """At most a hundred campaigns whose last attempt was before."""
    ended = await tx.rows(
        """
        SELECT id
        FROM campaigns
        WHERE account_id = $1 AND content_erased_at IS NULL
          AND status IN ('sent', 'cancelled') AND coalesce(finished_at, updated_at) <= $2
        """,
        before,
    )
    if not ended:
        return []
    rows = await tx.rows(
        """
        SELECT c.id
        FROM unnest($3::bigint[]) AS c (id)
        WHERE NOT EXISTS (
            SELECT 1 FROM deliveries d
            WHERE d.account_id = $1 AND d.campaign_id = c.id
              AND (d.final_at > $2 OR d.status IN ('queued', 'claimed', 'handing'))
        )
        LIMIT 100
        """,
        before,
        [campaign_id for (campaign_id,) in ended],
    )
    return [campaign_id for (campaign_id,) in rows]


async def _messages(tx: AccountTx, before: datetime) -> int:
    """What transactional messages said: six days after the last attempt, or with their contact."""
    return await tx.run(
        """
        UPDATE messages m
        SET key_day = NULL, envelope = NULL, content = NULL,
            address_hash = CASE WHEN old.deleted THEN NULL ELSE m.address_hash END
        FROM (
            SELECT id, deleted
            FROM (
                SELECT o.id, o.final_at, o.contact_id IS NOT NULL AND c.id IS NULL AS deleted
                FROM messages o
                LEFT JOIN contacts c ON c.account_id = $1 AND c.id = o.contact_id
                WHERE o.account_id = $1 AND o.key_day IS NOT NULL AND o.final_at IS NOT NULL
                  AND NOT held(o.contact_id, $4)
            ) known
            WHERE final_at <= $2 OR deleted
            LIMIT $3
        ) old
        WHERE m.account_id = $1 AND m.id = old.id
        """,
        before,
        BATCH,
        before + CONTENT,
    )


async def _paused_content(tx: AccountTx, before: datetime) -> int:
    """What a paused campaign froze dies with its last attempt too; the draft can be duplicated (S12)."""
    paused = await tx.value(
        "SELECT EXISTS (SELECT FROM campaigns WHERE account_id = $1 AND status = 'paused')"
    )
    if not paused:  # planned over every month of deliveries, the rest takes as long as a whole rule
        return 0
    return await tx.run(
        """
        DELETE FROM revisions r
        USING campaigns c
        WHERE r.account_id = $1 AND c.account_id = $1 AND c.id = r.campaign_id AND c.status = 'paused'
          AND EXISTS (SELECT 1 FROM deliveries d
                      WHERE d.account_id = $1 AND d.campaign_id = c.id AND d.final_at <= $2)
          AND NOT EXISTS (SELECT 1 FROM deliveries d
                          WHERE d.account_id = $1 AND d.campaign_id = c.id
                            AND (d.final_at > $2 OR d.first_at > $2 OR d.status IN ('claimed', 'handing')))
        """,
        before,
    )


async def _by_age(tx: AccountTx, before: datetime, keys_before: datetime) -> int:
    """Test sends, mails that came back, keys of requests (E-61); and who was in which segment.

    The last until the campaign's content goes, or its draft has no segment any more. Of mails that came
    back there is what nobody understood, and that the others were there.
    """
    deleted: int = await tx.value(
        """
        WITH members AS (
            DELETE FROM segment_members m
            USING (
                SELECT c.id, n.contact_id, n.segment_id
                FROM campaigns c
                CROSS JOIN LATERAL (
                    SELECT contact_id, segment_id FROM segment_members
                    WHERE account_id = $1 AND campaign_id = c.id
                    LIMIT $4
                ) n
                WHERE c.account_id = $1
                  AND (c.content_erased_at IS NOT NULL
                       OR NOT EXISTS (SELECT 1 FROM campaign_segments s
                                      WHERE s.account_id = $1 AND s.campaign_id = c.id))
                LIMIT $4
            ) old
            WHERE m.account_id = $1 AND m.campaign_id = old.id AND m.contact_id = old.contact_id
              AND m.segment_id = old.segment_id
            RETURNING 1
        ), tests AS (
            DELETE FROM test_sends WHERE account_id = $1 AND created_at <= $2 RETURNING 1
        ), mails AS (
            DELETE FROM inbound_mails
            WHERE account_id = $1 AND id IN (
                SELECT id FROM inbound_mails WHERE account_id = $1 AND received_at <= $2 LIMIT $4
            )
            RETURNING 1
        ), old_keys AS (
            -- that stood here before idempotency_keys did
            UPDATE messages SET key_hash = NULL, body_hash = NULL
            WHERE account_id = $1 AND key_hash IS NOT NULL AND created_at <= $3
        ), keys AS (
            DELETE FROM idempotency_keys WHERE account_id = $1 AND created_at <= $3 RETURNING 1
        )
        SELECT (SELECT count(*) FROM members) + (SELECT count(*) FROM tests) + (SELECT count(*) FROM mails)
             + (SELECT count(*) FROM keys)
        """,
        before,
        keys_before,
        BATCH,
    )
    return deleted


async def _keep_sources(tx: AccountTx, campaigns: list[int]) -> None:
    """Where the author asked for it, the source lives on as a design, the author's asset (S12)."""
    await tx.run(
        """
        INSERT INTO designs (account_id, name, kind, subject, preheader, source)
        SELECT account_id, name, content_kind, subject, preheader, source
        FROM campaigns
        WHERE account_id = $1 AND id = ANY ($2::bigint[]) AND keep_source AND content_kind <> 'none'
        """,
        campaigns,
    )
    await thumbnail_queue.ask(tx)


async def _drop_keys(tx: AccountTx, now: datetime) -> None:
    """Keys that seal nothing any more: whatever a backup holds of those days is unreadable from here on."""
    await tx.run(
        """
        DELETE FROM content_keys k
        WHERE k.account_id = $1 AND k.day < $2
          AND NOT EXISTS (SELECT 1 FROM revisions r WHERE r.account_id = $1 AND r.key_day = k.day)
          AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.account_id = $1 AND m.key_day = k.day)
          AND NOT EXISTS (SELECT 1 FROM inbound_mails i WHERE i.account_id = $1 AND i.key_day = k.day)
        """,
        now.date(),
    )


async def files(tx: AccountTx, now: datetime) -> int:
    """Files whose time is over, uploads that broke off, and what was read from them."""
    deleted: int = await tx.value(
        """
        WITH old_files AS (
            DELETE FROM files
            WHERE account_id = $1 AND kind <> 'image'
              AND (expires_at <= $2 OR created_at <= $3 OR (NOT complete AND created_at <= $4))
            RETURNING 1
        ), old_selections AS (
            DELETE FROM selections WHERE account_id = $1 AND created_at <= $3 RETURNING 1
        ), told AS (
            UPDATE imports SET sample = '[]', file_id = NULL, original_file_id = NULL, rejects_file_id = NULL
            WHERE account_id = $1 AND created_at <= $3 AND (sample <> '[]' OR file_id IS NOT NULL)
        )
        SELECT (SELECT count(*) FROM old_files) + (SELECT count(*) FROM old_selections)
        """,
        now,
        now - CONTENT,
        now - BROKEN_OFF,
    )
    return deleted + await import_rows.purge(tx, now - CONTENT, now - UNDO)


async def deliveries(tx: AccountTx, now: datetime) -> int:
    """Rows of people older than 13 calendar months; what they add up to is kept first (G-2)."""
    before = months_before(now, STATISTICS_MONTHS)
    due = await tx.rows(
        """
        SELECT c.id
        FROM campaigns c
        WHERE c.account_id = $1 AND c.details_erased_at IS NULL
          AND c.month <= ($2::timestamptz AT TIME ZONE 'UTC')::date
          AND EXISTS (
              SELECT 1 FROM deliveries
              WHERE account_id = $1 AND campaign_id = c.id AND month = c.month AND final_at < $2
                AND month <= ($2::timestamptz AT TIME ZONE 'UTC')::date
          )
        """,
        before,
    )
    if due:
        await totals.freeze(tx, [campaign_id for (campaign_id,) in due], now)
    await days_rows.purge(tx, before)
    mails = await mail_rows.purge(tx, before, now)
    # a look for each row takes longer than its deletion
    held = await legal_holds.anybody(tx, now)
    return mails + await tx.run(
        """
        DELETE FROM deliveries
        WHERE account_id = $1 AND month <= ($2::timestamptz AT TIME ZONE 'UTC')::date
          AND (campaign_id, contact_id, month) IN (
            SELECT campaign_id, contact_id, month FROM deliveries
            WHERE account_id = $1 AND month <= ($2::timestamptz AT TIME ZONE 'UTC')::date AND final_at < $2
              AND NOT ($5 AND held(contact_id, $4))
            LIMIT $3
        )
        """,
        before,
        BATCH,
        now,
        held,
    )


async def proofs(tx: AccountTx, now: datetime) -> int:
    """IP addresses of confirmations; the lines of the ledger stay (B-25)."""
    return await tx.run(
        """
        DELETE FROM consent_ips
        WHERE account_id = $1 AND consent_id IN (
            SELECT consent_id FROM consent_ips
            WHERE account_id = $1 AND at < $2 AND NOT held(contact_id, $4)
            ORDER BY at
            LIMIT $3
        )
        """,
        months_before(now, PROOF_IP_MONTHS),
        BATCH,
        now,
    )


async def changes(tx: AccountTx, now: datetime) -> int:
    """The feed after 30 days, in the order it was written."""
    return await tx.run(
        """
        DELETE FROM contact_changes
        WHERE account_id = $1 AND (xid, id) IN (
            SELECT xid, id
            FROM (
                SELECT xid, id, at FROM contact_changes WHERE account_id = $1 ORDER BY xid, id LIMIT $3
            ) AS first
            WHERE at < $2
        )
        """,
        now - CHANGES,
        BATCH,
    )


async def log(tx: AccountTx, now: datetime) -> int:
    """The journal after 12 months (B-60), and from where keys were used last."""
    deleted = await eraser.old_journal(tx, months_before(now, LOG_MONTHS), limit=BATCH)
    return deleted + await key_rows.forget_places(tx, months_before(now, KEY_USE_MONTHS), limit=BATCH)


Rule = Callable[[AccountTx, datetime], Awaitable[int]]


# events first: whoever freezes totals waits for `tracking.counts.hold` before it locks anything else
RULES: Mapping[str, Rule] = {
    "events": event_rows.purge,
    "deliveries": deliveries,
    "content": content,
    "files": files,
    "images": image_rows.purge,
    "totals": totals.purge,
    "feedback": feedback_rows.feedback,
    "unconfirmed": unconfirmed_rows.purge,
    "proofs": proofs,
    "rights": rights_rows.purge,
    "changes": changes,
    "webhooks": webhook_rows.old,
    "open_days": open_days.purge,
    "registers": register_rows.purge,
    "log": log,
}


def more(rule: str, deleted: int) -> bool:
    """Was that a whole batch, so that another may follow?"""
    return deleted >= (event_rows.LIMIT if rule == "events" else BATCH)


async def note(tx: AccountTx, now: datetime, deleted: Mapping[str, int]) -> None:
    """That these rules ran, also when they found nothing; what is deleted waits for its record (`proofs`)."""
    await tx.run(
        """
        INSERT INTO retention_passes (account_id, rule, last_run_at, deleted, unproven)
        SELECT $1, rule, $2, n, n FROM unnest($3::text[], $4::bigint[]) AS d (rule, n)
        ON CONFLICT (account_id, rule) DO UPDATE
        SET last_run_at = excluded.last_run_at, deleted = retention_passes.deleted + excluded.deleted,
            unproven = retention_passes.unproven + excluded.unproven
        """,
        now,
        list(deleted),
        list(deleted.values()),
    )
