"""Which class of the certificate each table belongs to; a test asks the catalogue that none is missing.

A class is what people call it (`CLASSES`); the certificate names class, table and rows.
"""

from mailer.core.text import N_

CLASSES = {
    "people": N_("Contacts, their lists, tags and fields"),
    "proofs": N_("Proofs of consent, refusals, restrictions, journal"),
    "content": N_("Campaigns, messages, designs, images and other content"),
    "statistics": N_("Deliveries, opens, clicks and figures"),
    "files": N_("Files: imports, exports, images"),
    "keys": N_("Keys: of content, of addresses, of signatures, of programs"),
    "settings": N_("Settings: senders, domains, servers, webhooks, segments, forms"),
    "team": N_("People of the team, and mail to them"),
}
TABLES = {
    "people": "contacts subscriptions contact_tags tags fields mailing_lists contact_changes contact_merges"
    " duplicates duplicate_searches field_changes import_changes import_values import_removals import_parts"
    " import_rejects import_opt_outs imports import_mappings selections selection_contacts signup_requests"
    " inactive_contacts inactive_walks sunset_contacts last_open_days soft_bounces segment_members"
    " automation_journeys automation_mails automation_passages",
    "proofs": "suppressions consent_ips restrictions legal_holds agreement_acceptances retention_passes"
    " retention_proofs retention_chains retention_settings rights_asks rights_requests rights_settings"
    " notices account_breaches",
    "content": "campaigns campaign_lists campaign_segments revisions messages test_sends inbound_mails links"
    " designs draft_versions design_thumbnails images image_uses brand_kits ab_tests ab_variants"
    " recurrences editions feed_items idempotency_keys",
    "statistics": "events event_counts event_hours judgements deliveries evidence campaign_figures"
    " provider_stops day_counts warm_up_days open_counts counted_loads feedback_counts feedback_seen"
    " kept_counts",
    "files": "files file_chunks exports export_members",
    "keys": "content_masters content_keys account_keys dkim_keys api_keys",
    "settings": "webhook_endpoints webhook_events webhook_deliveries webhook_attempts webhook_feeds segments"
    " signup_forms signup_form_versions senders domains smtp_servers seeds warm_ups report_mailboxes"
    " feedback_hooks measurement_settings utm_settings privacy_facts data_destinations"
    " automations automation_steps",
    "team": "memberships users work outbox",
}
_OF = {table: name for name, tables in TABLES.items() for table in tables.split()}
_OF["ledger and journal"] = "proofs"


def by_class(counts: dict[str, int]) -> dict[str, dict[str, int]]:
    """Class → table → rows, without empty ones. What is in no class yet is told under its own name."""
    found: dict[str, dict[str, int]] = {}
    for table, rows in counts.items():
        if rows:
            found.setdefault(_OF.get(table, "settings"), {})[table] = rows
    return found


def keys_of(counts: dict[str, int]) -> dict[str, int]:
    """Keys destroyed, by table."""
    return {table: counts.get(table, 0) for table in TABLES["keys"].split()}
