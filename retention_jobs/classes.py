"""The table of retention: every class of data, where it lies, how long it is kept, from when, who says so.

Periods stand here and nowhere else; `policies` gives them to the rules by name. `make check` reads
mailer/schema.sql against it (tests/retention/test_schema_classes.py): every table has a class, a table in
which classes meet names each of its columns, and each column's class was written down by somebody.

    DataClass ── tables, columns     what of the database belongs to it
              ├─ ages                by which column its rows are over; `ages` looks the oldest up. Tables of
              │                      no age of their own: `odd_ages`, or they go with the row they hang on
              ├─ elsewhere           files, keys, Valkey, logs, backups
              └─ rule                what erases it: of purge.RULES or platform.RULES; "": its account's end
"""

from collections.abc import Mapping

from mailer.core.text import N_
from retention_jobs.classes_columns import COLUMNS
from retention_jobs.classes_platform import OF_PLATFORM
from retention_jobs.data_class import Age, DataClass
from retention_jobs.periods import Period, days, hours, months, months_less

_WITH_ACCOUNT = N_("as long as the account; then three months at most after it was closed")
PROMISED_CONTENT = N_("privacy policy: content of messages for 6 days only")
PROMISED_STATISTICS = N_("privacy policy: statistics for 13 months")
PROMISED_CLOSING = N_("privacy policy: 3 months after closing at most")

OF_ACCOUNTS: Mapping[str, DataClass] = {
    "content": DataClass(
        what=N_("Sent content, transactional messages, test sends and web versions"),
        kept=N_("6 days after the last attempt"),
        source="A-001, A-002, A-003, S12, S13",
        why=PROMISED_CONTENT,
        rule="content",
        period=days(6),
        tables="revisions draft_versions test_sends segment_members content_keys",
        ages=(Age("test_sends", "created_at"),),
        elsewhere=(
            "keys: one for each account and day; when it goes, what a backup holds is unreadable",
            "backups: content_keys is left out of dumps, and its own file goes after 6 days (S13): what was"
            " sent is unreadable then",
            "backups: subject and source as the author wrote them, and addresses of test sends, are plain in"
            " a dump, gone with it 30 days after their deletion at most",
        ),
    ),
    "replies": DataClass(
        what=N_("Replies and reports that nobody recognised"),
        kept=N_("6 days after their arrival"),
        source="A-001",
        why=PROMISED_CONTENT,
        rule="content",
        period=days(6),
        tables="inbound_mails",
        ages=(Age("inbound_mails", "received_at"),),
    ),
    "repeats": DataClass(
        what=N_("Keys by which a program's repeated request is recognised"),
        kept=N_("24 hours after the request"),
        source="E-61",
        why=N_("our choice: as long as programs repeat a request"),
        rule="content",
        period=hours(24),
        tables="idempotency_keys",
        ages=(Age("idempotency_keys", "created_at"),),
    ),
    "files": DataClass(
        what=N_("Uploaded files, error files and exports"),
        kept=N_("6 days after the upload at most"),
        source="A-001",
        why=PROMISED_CONTENT,
        rule="files",
        period=days(6),
        tables="files file_chunks selections selection_contacts import_parts import_rejects import_opt_outs",
        ages=(
            Age("files", "created_at", "kind <> 'image'"),
            Age("selections", "created_at", small=True),
            Age("imports", "created_at", "sample <> '[]' OR file_id IS NOT NULL", small=True),
        ),
        elsewhere=("files: pieces of 1 MB in file_chunks, also of uploads under way (S15)",),
    ),
    "undo": DataClass(
        what=N_("What an undo of an import would need"),
        kept=N_("7 days after the end of the import"),
        source="matrix 0.1",
        why=N_("our choice: long enough to notice a mistake"),
        rule="files",
        period=days(7),
        tables="import_changes import_values import_removals",
    ),
    "events": DataClass(
        what=N_("Opens and clicks"),
        kept=N_("13 months after the open or click"),
        source="A-004, S6, S21",
        why=PROMISED_STATISTICS,
        rule="events",
        period=months(13),
        tables="events event_counts event_hours open_counts",
        ages=(Age("events", "at", person="contact_id"),),
        elsewhere=(
            "Valkey: streams of what just happened, 24 hours at most; address and browser nowhere else",
        ),
    ),
    "open_days": DataClass(
        what=N_("Days of last opens, where only these are kept"),
        kept=N_("13 months after the open"),
        source="B-33, matrix 0.1",
        why=N_("CNIL on measurement in mails: one day, overwritten each time"),
        rule="open_days",
        period=months(13),
        tables="last_open_days",
    ),
    "loads": DataClass(
        what=N_("Numbers of counted image loads"),
        kept=N_("2 days after the day that was counted"),
        source="B-34",
        rule="open_days",
        period=days(2),
        tables="counted_loads",
        ages=(Age("counted_loads", "day", day=True),),
        shown=False,
    ),
    "deliveries": DataClass(
        what=N_("Deliveries"),
        kept=N_("13 months after the last attempt"),
        source="A-004, S6",
        why=PROMISED_STATISTICS,
        rule="deliveries",
        period=months(13),
        tables="""
            deliveries campaign_figures evidence provider_stops day_counts warm_up_days automation_mails
        """,
        ages=(
            Age("deliveries", "final_at", person="contact_id"),
            Age("messages", "final_at", person="contact_id"),
            Age("automation_mails", "at", person="contact_id"),
            Age("provider_stops", "at", small=True),
            Age("day_counts", "day", day=True),
            Age("warm_up_days", "day", day=True, small=True),
        ),
    ),
    "steps": DataClass(
        what=N_("Steps of automatic campaigns that people passed"),
        kept=N_("13 months after the step"),
        source="A-004, C-10",
        why=PROMISED_STATISTICS,
        rule="deliveries",
        period=months(13),
        tables="automation_passages",
        ages=(Age("automation_passages", "at", person="contact_id"),),
    ),
    "totals": DataClass(
        what=N_("Totals of 10 people and more of each campaign"),
        kept=N_("13 months after the campaign; longer only if you chose so"),
        source="G-2, A-064",
        why=N_("GDPR, recital 26: what identifies nobody"),
        rule="totals",
        tables="",
    ),
    "feedback": DataClass(
        what=N_("Temporary failures counted against an address"),
        kept=N_("6 months after the failure"),
        source="matrix 0.1",
        why=N_("our choice: an old failure says nothing any more"),
        rule="feedback",
        period=months(6),  # three half-lives: an eighth of a bounce is left (sending/soft_bounces.py)
        tables="soft_bounces",
        ages=(Age("soft_bounces", "at"),),
    ),
    "reports": DataClass(
        what=N_("Fingerprints of reports, so that none counts twice"),
        kept=N_("30 days after the report"),
        source="matrix 0.1",
        rule="feedback",
        period=days(30),
        tables="feedback_seen",
        ages=(Age("feedback_seen", "at"),),
        shown=False,
    ),
    "feedback_days": DataClass(
        what=N_("Counts of bounces by day, of nobody in particular"),
        kept=N_("13 months after the day that was counted"),
        source="A-004",
        rule="feedback",
        period=months(13),
        tables="feedback_counts",
        ages=(Age("feedback_counts", "day", day=True),),
        shown=False,
    ),
    "unconfirmed": DataClass(
        what=N_("Subscriptions never confirmed"),
        kept=N_("30 days after the request"),
        source="B-26",
        why=N_("our choice: nobody agreed yet"),
        rule="unconfirmed",
        period=days(30),
        tables="signup_requests",
        ages=(
            Age("signup_requests", "asked_at"),
            Age("subscriptions", "status_at", "status = 'pending'"),
            Age("seeds", "asked_at", "status IN ('pending', 'removed')", small=True),
        ),
    ),
    "inactive": DataClass(
        what=N_("Contacts of whom nothing is heard"),
        kept=N_("3 years after the person's last sign, never counting an open; then what you chose"),
        source="B-27, matrix 0.1",
        why=N_("CNIL: three years after the last sign of a prospect"),
        rule="inactive",
        period=months(36),
        tables="inactive_contacts inactive_walks sunset_contacts",
    ),
    "proofs": DataClass(
        what=N_("IP addresses kept as proof of a confirmation"),
        kept=N_("12 months after the confirmation"),
        source="B-25",
        why=N_("GDPR, article 7(1); CNIL: a year for such logs at most"),
        rule="proofs",
        period=months(12),
        tables="consent_ips",
        ages=(Age("consent_ips", "at", person="contact_id"),),
    ),
    "webhooks": DataClass(
        what=N_("Webhooks: what was sent, and what was answered"),
        kept=N_("6 days after the event"),
        source="A-001, E-64",
        why=PROMISED_CONTENT,
        rule="webhooks",
        period=days(6),
        tables="webhook_events webhook_deliveries webhook_attempts",
        ages=(Age("webhook_events", "at"),),
    ),
    "changes": DataClass(
        what=N_("Feed of contact changes for programs"),
        kept=N_("30 days after the change"),
        source="matrix 0.1",
        why=N_("our choice: a month for programs to catch up"),
        rule="changes",
        period=days(30),
        tables="contact_changes webhook_feeds",
    ),
    "log": DataClass(
        what=N_("Journal of actions"),
        kept=N_("12 months after the action"),
        source="A-007, B-60",
        why=N_("CNIL: 6 to 12 months for logs"),
        rule="log",
        period=months(12),
        tables="audit",
        ages=(Age("audit", "at"),),
        elsewhere=("logs: written to standard output only; journald or Docker drop them (operating.md)",),
    ),
    "key_uses": DataClass(
        what=N_("IP addresses from which keys of programs were used last"),
        kept=N_("12 months after the last use"),
        source="A-007, matrix 0.1",
        why=N_("CNIL: 6 to 12 months for logs"),
        rule="log",
        period=months(12),
        # few rows: one for each key of the account
        ages=(Age("api_keys", "last_used_at", "last_used_ip IS NOT NULL", small=True),),
    ),
    "contacts": DataClass(
        what=N_("Contacts with their fields, lists and tags"),
        kept=N_("until you erase them; then nothing but a refusal"),
        source="C-12, B-66",
        why=N_("GDPR, article 17"),
        tables="""
            contacts subscriptions contact_tags restrictions duplicates duplicate_searches contact_merges
            automation_journeys
        """,
    ),
    "refusals": DataClass(
        what=N_("Refusals, by fingerprint of the address, and the register of consents"),
        kept=_WITH_ACCOUNT,
        source="B-28, C-01",
        why=N_("GDPR, articles 7(1) and 21(3): proof of consent, and of refusal"),
        tables="suppressions consents wordings account_keys content_masters",
        elsewhere=("Valkey: numbers and fingerprints of who left, 35 days (lists/departures_kept.py)",),
    ),
    "account": DataClass(
        what=N_("The account, its drafts, designs, images, lists and settings"),
        kept=_WITH_ACCOUNT,
        source="A-005, G-1",
        why=PROMISED_CLOSING,
        tables="""
            accounts memberships agreement_acceptances campaign_lists campaign_segments links
            designs images image_uses fields
            field_changes mailing_lists segments tags senders smtp_servers seeds
            domains dkim_keys warm_ups feedback_hooks report_mailboxes webhook_endpoints signup_forms
            signup_form_versions import_mappings exports export_members kept_counts measurement_settings
            utm_settings retention_settings privacy_facts data_destinations rights_settings legal_holds
            brand_kits design_thumbnails recurrences editions feed_items automations automation_steps
            judgements
        """,
    ),
    "images": DataClass(
        what=N_("Images that nothing uses"),
        kept=N_("13 months after the last use, unless you keep them"),
        source="A-084",
        why=N_("our choice: as long as the figures of the mails that showed them"),
        rule="images",
        period=months(13),
        ages=(Age("images", "used_until", "NOT kept"),),
    ),
    "rights_asked": DataClass(
        what=N_("Requests about data that nobody confirmed"),
        kept=N_("24 hours after the request"),
        source="A-022",
        why=N_("our choice: whoever asks confirms within a day"),
        rule="rights",
        period=hours(24),
        tables="rights_asks",
        ages=(Age("rights_asks", "asked_at", "request_id IS NULL", small=True),),
    ),
    "rights_shown": DataClass(
        what=N_("Links that show what became of a request about data"),
        kept=N_("6 days after the request"),
        source="A-022",
        rule="rights",
        period=days(6),
        ages=(Age("rights_asks", "asked_at", small=True),),
        shown=False,
    ),
    "rights": DataClass(
        what=N_("Register of requests about data"),
        kept=N_("3 years after the answer"),
        source="A-023, B-28",
        why=N_("GDPR, article 5(2): proof of the answer"),
        rule="rights",
        period=months(36),
        tables="rights_requests",
        ages=(Age("rights_requests", "finished_at", "state <> 'open'", small=True),),
    ),
    "registers": DataClass(
        what=N_("Register of breaches, and what the operator told you"),
        kept=N_("5 years after the end of the file"),
        source="C-63, matrix 0.1",
        why=N_("GDPR, article 33(5); the period is our choice"),
        rule="registers",
        period=months(60),
        tables="account_breaches notices",
        ages=(
            Age("account_breaches", "closed_at", small=True),
            # those of a breach's file go when it does
            Age(
                "notices",
                "at",
                "NOT EXISTS (SELECT FROM account_breaches b WHERE b.account_id = notices.account_id"
                " AND notices.kind = 'breach' AND b.breach_id = notices.ref_id)",
                small=True,
            ),
        ),
    ),
    "evidence": DataClass(
        what=N_("Proof that all this was erased on time"),
        kept=_WITH_ACCOUNT,
        source="S11, A-093",
        why=N_("GDPR, article 5(2): proof of the erasure"),
        tables="retention_passes retention_chains retention_proofs",
    ),
    "closed": DataClass(
        what=N_("Everything of a closed account"),
        kept=N_("3 months after the closing, backups included"),
        source="A-005",
        why=PROMISED_CLOSING,
        # the database forgets it so much earlier that no backup has it after that (decision 0026)
        period=months_less(3, days_less=31),
    ),
}

__all__ = ["CLASSES", "OF_ACCOUNTS", "OF_PLATFORM", "class_of", "period"]
CLASSES: Mapping[str, DataClass] = {**OF_ACCOUNTS, **OF_PLATFORM}


def period(name: str) -> Period:
    """Of the class; raises KeyError or ValueError for one that has none."""
    found = CLASSES[name].period
    if found is None:
        raise ValueError(name)
    return found


def class_of(table: str, column: str) -> str | None:
    """The class of a column: its own, or its table's; None when the table knows neither."""
    named = COLUMNS.get(table)
    if named is not None:
        return next((name for name, columns in named.items() if column in columns.split()), None)
    return next((name for name, one in CLASSES.items() if table in one.tables.split()), None)
