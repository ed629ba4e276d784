"""A closed account is erased whole, on the day it was told, unless reactivated (A-005, A-093; decision 0026).

    due ─▶ table by table, large ones in parts ─▶ contacts, by the way of everybody ─▶ the rest, the account

Each part is a transaction that notes what it deleted, so that a killed worker's successor goes on with the
right counts; the last one deletes the account itself, and makes the certificate (`at_end`).
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from lists import erasing
from mailer.core.db import AccountTx, Database
from retention_jobs import erased_accounts, eraser, held_people

BATCH = 10_000

# In an order that the keys between tables allow; a test asks the catalogue that none is missing.
_STATEMENTS = {
    # before what they would be told of
    "webhook_endpoints": "DELETE FROM webhook_endpoints WHERE account_id = $1",
    "webhook_events": "DELETE FROM webhook_events WHERE account_id = $1",
    "webhook_deliveries": "DELETE FROM webhook_deliveries WHERE account_id = $1",
    "webhook_attempts": "DELETE FROM webhook_attempts WHERE account_id = $1",
    "webhook_feeds": "DELETE FROM webhook_feeds WHERE account_id = $1",
    "automation_mails": "DELETE FROM automation_mails WHERE account_id = $1",
    "automation_passages": "DELETE FROM automation_passages WHERE account_id = $1",
    "automation_journeys": "DELETE FROM automation_journeys WHERE account_id = $1",
    "automation_steps": "DELETE FROM automation_steps WHERE account_id = $1",
    "automations": "DELETE FROM automations WHERE account_id = $1",
    "events": "DELETE FROM events WHERE account_id = $1",
    "event_counts": "DELETE FROM event_counts WHERE account_id = $1",
    "event_hours": "DELETE FROM event_hours WHERE account_id = $1",
    "judgements": "DELETE FROM judgements WHERE account_id = $1",
    "deliveries": "DELETE FROM deliveries WHERE account_id = $1",
    "test_sends": "DELETE FROM test_sends WHERE account_id = $1",
    "links": "DELETE FROM links WHERE account_id = $1",
    "revisions": "DELETE FROM revisions WHERE account_id = $1",
    "campaign_lists": "DELETE FROM campaign_lists WHERE account_id = $1",
    "segment_members": "DELETE FROM segment_members WHERE account_id = $1",
    "campaign_segments": "DELETE FROM campaign_segments WHERE account_id = $1",
    "segments": "DELETE FROM segments WHERE account_id = $1",
    "evidence": "DELETE FROM evidence WHERE account_id = $1",
    "feed_items": "DELETE FROM feed_items WHERE account_id = $1",
    "editions": "DELETE FROM editions WHERE account_id = $1",
    "recurrences": "DELETE FROM recurrences WHERE account_id = $1",
    "utm_settings": "DELETE FROM utm_settings WHERE account_id = $1",
    "ab_variants": "DELETE FROM ab_variants WHERE account_id = $1",
    "ab_tests": "DELETE FROM ab_tests WHERE account_id = $1",
    "provider_stops": "DELETE FROM provider_stops WHERE account_id = $1",
    "campaign_figures": "DELETE FROM campaign_figures WHERE account_id = $1",
    "draft_versions": "DELETE FROM draft_versions WHERE account_id = $1",
    "campaigns": "DELETE FROM campaigns WHERE account_id = $1",
    "idempotency_keys": "DELETE FROM idempotency_keys WHERE account_id = $1",
    "inbound_mails": "DELETE FROM inbound_mails WHERE account_id = $1",
    "messages": "DELETE FROM messages WHERE account_id = $1",
    "design_thumbnails": "DELETE FROM design_thumbnails WHERE account_id = $1",
    "designs": "DELETE FROM designs WHERE account_id = $1",
    "image_uses": "DELETE FROM image_uses WHERE account_id = $1",
    "brand_kits": "DELETE FROM brand_kits WHERE account_id = $1",
    "images": "DELETE FROM images WHERE account_id = $1",
    "warm_up_days": "DELETE FROM warm_up_days WHERE account_id = $1",
    "warm_ups": "DELETE FROM warm_ups WHERE account_id = $1",
    "day_counts": "DELETE FROM day_counts WHERE account_id = $1",
    "dkim_keys": "DELETE FROM dkim_keys WHERE account_id = $1",
    "domains": "DELETE FROM domains WHERE account_id = $1",
    "report_mailboxes": "DELETE FROM report_mailboxes WHERE account_id = $1",
    "feedback_hooks": "DELETE FROM feedback_hooks WHERE account_id = $1",
    "feedback_seen": "DELETE FROM feedback_seen WHERE account_id = $1",
    "smtp_servers": "DELETE FROM smtp_servers WHERE account_id = $1",
    "kept_counts": "DELETE FROM kept_counts WHERE account_id = $1",
    "seeds": "DELETE FROM seeds WHERE account_id = $1",
    "senders": "DELETE FROM senders WHERE account_id = $1",
    "selection_contacts": "DELETE FROM selection_contacts WHERE account_id = $1",
    "selections": "DELETE FROM selections WHERE account_id = $1",
    "export_members": "DELETE FROM export_members WHERE account_id = $1",
    "exports": "DELETE FROM exports WHERE account_id = $1",
    "import_rejects": "DELETE FROM import_rejects WHERE account_id = $1",
    "import_opt_outs": "DELETE FROM import_opt_outs WHERE account_id = $1",
    "import_parts": "DELETE FROM import_parts WHERE account_id = $1",
    "import_changes": "DELETE FROM import_changes WHERE account_id = $1",
    "import_values": "DELETE FROM import_values WHERE account_id = $1",
    "import_removals": "DELETE FROM import_removals WHERE account_id = $1",
    "imports": "DELETE FROM imports WHERE account_id = $1",
    "signup_requests": "DELETE FROM signup_requests WHERE account_id = $1",
    "signup_form_versions": "DELETE FROM signup_form_versions WHERE account_id = $1",
    "signup_forms": "DELETE FROM signup_forms WHERE account_id = $1",
    "import_mappings": "DELETE FROM import_mappings WHERE account_id = $1",
    "rights_asks": "DELETE FROM rights_asks WHERE account_id = $1",
    "rights_requests": "DELETE FROM rights_requests WHERE account_id = $1",
    "rights_settings": "DELETE FROM rights_settings WHERE account_id = $1",
    "suppressions": "DELETE FROM suppressions WHERE account_id = $1",
    "subscriptions": "DELETE FROM subscriptions WHERE account_id = $1",
    "mailing_lists": "DELETE FROM mailing_lists WHERE account_id = $1",
    "inactive_contacts": "DELETE FROM inactive_contacts WHERE account_id = $1",
    "sunset_contacts": "DELETE FROM sunset_contacts WHERE account_id = $1",
    "last_open_days": "DELETE FROM last_open_days WHERE account_id = $1",
    "open_counts": "DELETE FROM open_counts WHERE account_id = $1",
    "counted_loads": "DELETE FROM counted_loads WHERE account_id = $1",
    "measurement_settings": "DELETE FROM measurement_settings WHERE account_id = $1",
    "inactive_walks": "DELETE FROM inactive_walks WHERE account_id = $1",
    "consent_ips": "DELETE FROM consent_ips WHERE account_id = $1",
    "restrictions": "DELETE FROM restrictions WHERE account_id = $1",
    "contact_tags": "DELETE FROM contact_tags WHERE account_id = $1",
    "tags": "DELETE FROM tags WHERE account_id = $1",
    "soft_bounces": "DELETE FROM soft_bounces WHERE account_id = $1",
    "feedback_counts": "DELETE FROM feedback_counts WHERE account_id = $1",
    "legal_holds": "DELETE FROM legal_holds WHERE account_id = $1",
    # erased as everybody is (B-66)
    "contacts": "SELECT id FROM contacts WHERE account_id = $1 ORDER BY id LIMIT $2",
    "duplicates": "DELETE FROM duplicates WHERE account_id = $1",
    "duplicate_searches": "DELETE FROM duplicate_searches WHERE account_id = $1",
    "contact_merges": "DELETE FROM contact_merges WHERE account_id = $1",
    "field_changes": "DELETE FROM field_changes WHERE account_id = $1",
    "contact_changes": "DELETE FROM contact_changes WHERE account_id = $1",
    "fields": "DELETE FROM fields WHERE account_id = $1",
    "file_chunks": "DELETE FROM file_chunks WHERE account_id = $1",
    "files": "DELETE FROM files WHERE account_id = $1",
    "content_masters": "DELETE FROM content_masters WHERE account_id = $1",
    "content_keys": "DELETE FROM content_keys WHERE account_id = $1",
    "notices": "DELETE FROM notices WHERE account_id = $1",
    "account_breaches": "DELETE FROM account_breaches WHERE account_id = $1",
    "agreement_acceptances": "DELETE FROM agreement_acceptances WHERE account_id = $1",
    "privacy_facts": "DELETE FROM privacy_facts WHERE account_id = $1",
    "data_destinations": "DELETE FROM data_destinations WHERE account_id = $1",
    "account_keys": "DELETE FROM account_keys WHERE account_id = $1",
    "retention_passes": "DELETE FROM retention_passes WHERE account_id = $1",
    "retention_settings": "DELETE FROM retention_settings WHERE account_id = $1",
}
# the same for tables that may hold millions of rows, a part at a time; $2: how many
_PARTS = {
    "events": """
        DELETE FROM events
        WHERE account_id = $1 AND (id, at) IN (SELECT id, at FROM events WHERE account_id = $1 LIMIT $2)
        """,
    "deliveries": """
        DELETE FROM deliveries
        WHERE account_id = $1 AND (campaign_id, contact_id, month) IN (
            SELECT campaign_id, contact_id, month FROM deliveries WHERE account_id = $1 LIMIT $2)
        """,
    "automation_mails": """
        DELETE FROM automation_mails
        WHERE account_id = $1 AND (step_id, contact_id, occasion) IN (
            SELECT step_id, contact_id, occasion FROM automation_mails WHERE account_id = $1 LIMIT $2)
        """,
    "automation_passages": """
        DELETE FROM automation_passages
        WHERE account_id = $1 AND (contact_id, at, id) IN (
            SELECT contact_id, at, id FROM automation_passages WHERE account_id = $1 LIMIT $2)
        """,
    "automation_journeys": """
        DELETE FROM automation_journeys
        WHERE account_id = $1 AND (automation_id, contact_id, occasion) IN (
            SELECT automation_id, contact_id, occasion FROM automation_journeys
            WHERE account_id = $1 LIMIT $2)
        """,
    "messages": """
        DELETE FROM messages
        WHERE account_id = $1 AND id IN (SELECT id FROM messages WHERE account_id = $1 LIMIT $2)
        """,
    "segment_members": """
        DELETE FROM segment_members
        WHERE account_id = $1 AND (campaign_id, contact_id, segment_id) IN (
            SELECT campaign_id, contact_id, segment_id FROM segment_members WHERE account_id = $1 LIMIT $2)
        """,
    "suppressions": """
        DELETE FROM suppressions
        WHERE account_id = $1 AND id IN (SELECT id FROM suppressions WHERE account_id = $1 LIMIT $2)
        """,
    "subscriptions": """
        DELETE FROM subscriptions
        WHERE account_id = $1 AND (list_id, contact_id) IN (
            SELECT list_id, contact_id FROM subscriptions WHERE account_id = $1 LIMIT $2)
        """,
    "contact_tags": """
        DELETE FROM contact_tags
        WHERE account_id = $1 AND (contact_id, tag_id) IN (
            SELECT contact_id, tag_id FROM contact_tags WHERE account_id = $1 LIMIT $2)
        """,
    "contact_changes": """
        DELETE FROM contact_changes
        WHERE account_id = $1 AND (xid, id) IN (
            SELECT xid, id FROM contact_changes WHERE account_id = $1 LIMIT $2)
        """,
    "file_chunks": """
        DELETE FROM file_chunks
        WHERE account_id = $1 AND (file_id, n) IN (
            SELECT file_id, n FROM file_chunks WHERE account_id = $1 LIMIT least($2, 200))
        """,
}
LEDGER = "ledger and journal"


@dataclass(frozen=True, slots=True)
class Ended:
    """What the last transaction knows. `counts`: rows by table; `people`: who goes with the account."""

    account_id: int
    begun_at: datetime
    now: datetime
    counts: Mapping[str, int]
    people: list[int]


AtEnd = Callable[[AccountTx, Ended], Awaitable[None]]


async def due(db: Database, now: datetime) -> list[int]:
    """Closed accounts whose day has come, and which no law holds."""
    async with db.shared() as tx:
        rows = await tx.rows(
            """
            SELECT id
            FROM accounts
            WHERE status = 'closed' AND erase_at <= $1 AND (held_until IS NULL OR held_until <= $1)
            ORDER BY erase_at
            LIMIT 20
            """,
            now,
        )
    return [account_id for (account_id,) in rows]


async def erase(
    db: Database, account_id: int, now: datetime, *, at_end: AtEnd | None = None
) -> dict[str, int]:
    """Everything of the account; rows by table. Nothing when it was reactivated, or its day has not come.

    `at_end`: in the last transaction, before people and account go. A restored copy, which erases again what
    was erased already, gives none: nobody is told twice.
    """
    if not await _begin(db, account_id, now):
        return {}
    for table, sql in _STATEMENTS.items():
        if table == "contacts":
            await _contacts(db, account_id)
        elif table in _PARTS:
            await _in_parts(db, account_id, table)
        else:
            async with db.account(account_id) as tx:
                await _note(tx, table, await tx.run(sql))
    while await _ledger(db, account_id) >= BATCH:
        pass
    async with db.account(account_id) as tx:
        if not await _is_due(tx, now):
            return {}
        return await _end(tx, now, at_end)


async def _is_due(tx: AccountTx, now: datetime) -> bool:
    """Locks the account until the transaction ends."""
    return bool(
        await tx.shared().value(
            """
            SELECT 1
            FROM accounts
            WHERE id = $1 AND status = 'closed' AND erase_at <= $2
              AND (held_until IS NULL OR held_until <= $2)
            FOR UPDATE
            """,
            tx.account_id,
            now,
        )
    )


async def _begin(db: Database, account_id: int, now: datetime) -> bool:
    async with db.account(account_id) as tx:
        if not await _is_due(tx, now):
            return False
        begun = await tx.shared().run(
            """
            INSERT INTO account_certificates (account_id, begun_at, legal_basis)
            VALUES ($1, $2, 'GDPR, art. 5(2) and 28(3)(g)')
            ON CONFLICT DO NOTHING
            """,
            account_id,
            now,
        )
        if begun:
            await held_people.keep(tx, now)
    return True


async def _note(tx: AccountTx, table: str, deleted: int) -> int:
    """Adds to the counts, in the transaction that deleted."""
    if deleted:
        await tx.shared().run(
            """
            UPDATE account_certificates
            SET counts = jsonb_set(counts, ARRAY[$2], to_jsonb(coalesce((counts ->> $2)::bigint, 0) + $3))
            WHERE account_id = $1
            """,
            tx.account_id,
            table,
            deleted,
        )
    return deleted


async def _in_parts(db: Database, account_id: int, table: str) -> None:
    sql, deleted = _PARTS[table], BATCH
    while deleted:
        async with db.account(account_id) as tx:
            deleted = await _note(tx, table, await tx.run(sql, BATCH))


async def _contacts(db: Database, account_id: int) -> None:
    """B-66: people go the way everybody goes whom retention or their right erases."""
    left = True
    while left:
        async with db.account(account_id) as tx:
            left = bool(await _some_contacts(tx))


async def _some_contacts(tx: AccountTx) -> list[int]:
    """Returns whom it erased, nobody at the end."""
    sql = _STATEMENTS["contacts"]
    ids = [contact_id for (contact_id,) in await tx.rows(sql, BATCH)]
    await _note(tx, "contacts", await erasing.erase(tx, ids, erasing.Why.CLOSING))
    return ids


async def _ledger(db: Database, account_id: int) -> int:
    async with db.account(account_id) as tx:
        return await _note(tx, LEDGER, await eraser.part_of_ledger(tx, limit=BATCH))


async def _end(tx: AccountTx, now: datetime, at_end: AtEnd | None) -> dict[str, int]:
    """What came meanwhile, the account, and people who belong to no other."""
    account_id, shared = tx.account_id, tx.shared()
    for table, sql in _STATEMENTS.items():
        if table != "contacts":
            await _note(tx, table, await tx.run(sql))
        else:
            while await _some_contacts(tx):
                pass
    await _note(tx, LEDGER, await eraser.whole_ledger(tx))
    await _note(tx, "work", await shared.run("DELETE FROM work WHERE account_id = $1", account_id))
    await _note(tx, "outbox", await shared.run("DELETE FROM outbox WHERE account_id = $1", account_id))
    await _note(tx, "api_keys", await shared.run("DELETE FROM api_keys WHERE account_id = $1", account_id))
    people = await shared.rows(
        """
        SELECT m.user_id
        FROM memberships m
        JOIN users u ON u.id = m.user_id
        WHERE m.account_id = $1 AND NOT u.is_operator
          AND NOT EXISTS (SELECT FROM memberships o WHERE o.user_id = u.id AND o.account_id <> $1)
        ORDER BY m.user_id
        """,
        account_id,
    )
    ids = [user_id for (user_id,) in people]
    members = await shared.value("SELECT count(*) FROM memberships WHERE account_id = $1", account_id)
    await _note(tx, "memberships", members)
    await _note(tx, "users", len(ids))
    begun_at, counts = (
        await shared.rows(
            "SELECT begun_at, counts FROM account_certificates WHERE account_id = $1", account_id
        )
    )[0]
    await erased_accounts.note(tx, counts, now)
    if at_end is not None:
        await at_end(tx, Ended(account_id, begun_at, now, counts, ids))
    else:
        await shared.run(
            "DELETE FROM account_certificates WHERE account_id = $1 AND erased_at IS NULL", account_id
        )
    await shared.run("DELETE FROM accounts WHERE id = $1", account_id)
    await shared.run("DELETE FROM users WHERE id = ANY ($1::bigint[])", ids)
    return dict(counts)
