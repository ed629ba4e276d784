"""Tables in which classes of data meet: each column with its class. A new one needs a line here."""

from collections.abc import Mapping

COLUMNS: Mapping[str, Mapping[str, str]] = {
    "campaigns": {
        "content": "subject preheader source content_kind content_erased_at revision_id",
        "totals": "totals measured details_erased_at",
        "account": """
            account_id id name kind status pause_reason sender_id reply_to language keep_source tested_at
            version scheduled_at time_zone month audience_cursor audience confirmed_audience prepared_at
            started_at finished_at created_by sent_by created_at updated_at archived_at rest_of
            pause_figures limit_pauses judged_from segments_position segments_at unmeasured asks_measurement
            asked_cursor opens_mode clicks_mode reminder_of local_at zone_field automation_id step_id
            mailing_of mailing_day
        """,
    },
    "messages": {
        "content": "key_day envelope content",
        "repeats": "key_hash body_hash",
        "deliveries": """
            account_id id status reason sender_id design_id template contact_id address_hash turn attempts
            next_at expires_at first_at final_at smtp_code smtp_reply created_at bounce_reason
        """,
    },
    "ab_variants": {
        "content": "subject preheader content_kind source",
        "account": "account_id campaign_id number",
    },
    "ab_tests": {
        "totals": "figures",
        "account": """
            account_id campaign_id about share winner_by hours early unclear state seed counted_from
            ends_at winner decided_at decided_by released_to
        """,
    },
    "api_keys": {
        "key_uses": "last_used_ip",
        "account": """
            id account_id name prefix key_hash scopes created_by created_at last_used_at expires_at revoked_at
        """,
    },
    "imports": {
        "files": "sample file_id original_file_id rejects_file_id",
        "account": """
            account_id id file_name file_sha256 state failure encoding delimiter has_header header mapping
            options legal_basis origin collected_from collected_to attested_by attested_at bytes_read
            lines_read rows_read merged_to_line counts created_by created_at started_at finished_at
            language first_offset first_line attempt resumed_at_line examples undone_to_line undo_counts
            undone_at format sheet sheets lines_turned closed guard
        """,
    },
}
