"""A closed account is erased whole, three months after it was closed, unless reactivated (A-005, A-093)."""

from datetime import datetime

from mailer.core.db import Database
from retention_jobs import erased_accounts, eraser

# In an order that the keys between tables allow; a test asks the catalogue that none is missing.
_STATEMENTS = {
    # before what they would be told of
    "webhook_endpoints": "DELETE FROM webhook_endpoints WHERE account_id = $1",
    "webhook_events": "DELETE FROM webhook_events WHERE account_id = $1",
    "webhook_deliveries": "DELETE FROM webhook_deliveries WHERE account_id = $1",
    "webhook_attempts": "DELETE FROM webhook_attempts WHERE account_id = $1",
    "webhook_feeds": "DELETE FROM webhook_feeds WHERE account_id = $1",
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
    "utm_settings": "DELETE FROM utm_settings WHERE account_id = $1",
    "ab_variants": "DELETE FROM ab_variants WHERE account_id = $1",
    "ab_tests": "DELETE FROM ab_tests WHERE account_id = $1",
    "provider_stops": "DELETE FROM provider_stops WHERE account_id = $1",
    "campaign_figures": "DELETE FROM campaign_figures WHERE account_id = $1",
    "campaigns": "DELETE FROM campaigns WHERE account_id = $1",
    "idempotency_keys": "DELETE FROM idempotency_keys WHERE account_id = $1",
    "inbound_mails": "DELETE FROM inbound_mails WHERE account_id = $1",
    "messages": "DELETE FROM messages WHERE account_id = $1",
    "designs": "DELETE FROM designs WHERE account_id = $1",
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
    "contacts": "DELETE FROM contacts WHERE account_id = $1",
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


async def due(db: Database, now: datetime) -> list[int]:
    """Closed accounts whose day has come."""
    async with db.shared() as tx:
        rows = await tx.rows(
            "SELECT id FROM accounts WHERE status = 'closed' AND erase_at <= $1 ORDER BY erase_at LIMIT 20",
            now,
        )
    return [account_id for (account_id,) in rows]


async def erase(db: Database, account_id: int, now: datetime) -> dict[str, int]:
    """Everything of the account, in one transaction; rows by table. Nothing when it was reactivated."""
    async with db.account(account_id) as tx:
        shared = tx.shared()
        still = await shared.value(
            "SELECT 1 FROM accounts WHERE id = $1 AND status = 'closed' AND erase_at <= $2 FOR UPDATE",
            account_id,
            now,
        )
        if still is None:
            return {}
        found = {table: await tx.run(sql) for table, sql in _STATEMENTS.items()}
        found["ledger and journal"] = await eraser.whole_ledger(tx)
        await erased_accounts.note(tx, found, now)
        found["work"] = await shared.run("DELETE FROM work WHERE account_id = $1", account_id)
        found["outbox"] = await shared.run("DELETE FROM outbox WHERE account_id = $1", account_id)
        people = await shared.rows("SELECT user_id FROM memberships WHERE account_id = $1", account_id)
        await shared.run("DELETE FROM accounts WHERE id = $1", account_id)
        # people who belong to no other account go with it
        found["users"] = await shared.run(
            """
            DELETE FROM users u
            WHERE u.id = ANY ($1::bigint[]) AND NOT u.is_operator
              AND NOT EXISTS (SELECT 1 FROM memberships m WHERE m.user_id = u.id)
            """,
            [user_id for (user_id,) in people],
        )
    return found
