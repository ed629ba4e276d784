"""Who may be written to, and why.

    import_upload ─▶ imports ─▶ import_check (csv_rows, csv_contacts) ─▶ merge ─▶ contacts, subscriptions
    public_* (unsubscribe, preferences, confirm) ─▶ departures, confirmations ─▶ suppressions, consents

    segment_tree ─▶ segment_known ─▶ segment_sql ─▶ segments, members of a campaign's segments

A refusal beats everything: no import and no edit lifts one (S5); `stops` in the database defines it.
Owns: fields, contacts, mailing_lists, subscriptions, suppressions, consents, consent_ips,
wordings, restrictions, imports, exports, segments, segment_members, tags, contact_tags.
"""
