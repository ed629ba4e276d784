"""What an archive holds of the account's tables, each as JSON lines (B-68).

A new table stands here or in `archive_rest.py`: a test asks the catalogue. Secrets and traces of the machine
stay out.
"""

from mailer.core.db import AccountTx

# file → its lines behind a position. $2: the position, $3: how many
TABLES = {
    "account.ndjson": """
        SELECT a.id, ((to_jsonb(a) - '{sample,largest_send,reopen_as,resume_as,reminded_days,per_day,
                                          per_month,image_bytes}'::text[])
                      || jsonb_build_object('measurement', (
                          SELECT to_jsonb(m) - '{account_id,sunset_cursor,sunset_next_at}'::text[]
                          FROM measurement_settings m
                          WHERE m.account_id = $1))
                      || jsonb_build_object('keeps_totals', coalesce((
                          SELECT r.keep_totals FROM retention_settings r WHERE r.account_id = $1), false))
                      || jsonb_build_object('privacy', (
                          SELECT to_jsonb(p) - 'account_id'
                          FROM privacy_facts p
                          WHERE p.account_id = $1))
                      || jsonb_build_object('destinations', (
                          SELECT jsonb_agg(to_jsonb(d) - 'account_id')
                          FROM data_destinations d
                          WHERE d.account_id = $1))
                      || jsonb_build_object('requests_at_once', (
                          SELECT r.at_once FROM rights_settings r WHERE r.account_id = $1))
                      || jsonb_build_object('brand_kit', (
                          SELECT to_jsonb(k) - 'account_id'
                          FROM brand_kits k
                          WHERE k.account_id = $1))
                      || jsonb_build_object('link_parameters', (
                          SELECT to_jsonb(u) - '{account_id,campaign_id}'::text[]
                          FROM utm_settings u
                          WHERE u.account_id = $1 AND u.campaign_id IS NULL)))::text
        FROM accounts a
        WHERE a.id = $1 AND a.id > $2
        ORDER BY a.id
        LIMIT $3
        """,
    "agreements.ndjson": """
        SELECT a.id, (to_jsonb(a) - 'account_id')::text
        FROM agreement_acceptances a
        WHERE a.account_id = $1 AND a.id > $2
        ORDER BY a.id
        LIMIT $3
        """,
    "breaches.ndjson": """
        SELECT b.id, (to_jsonb(b) - '{account_id,reminded_at}'::text[])::text
        FROM account_breaches b
        WHERE b.account_id = $1 AND b.id > $2
        ORDER BY b.id
        LIMIT $3
        """,
    "notices.ndjson": """
        SELECT n.id, (to_jsonb(n) - 'account_id')::text
        FROM notices n
        WHERE n.account_id = $1 AND n.id > $2
        ORDER BY n.id
        LIMIT $3
        """,
    "fields.ndjson": """
        SELECT f.id, (to_jsonb(f) - '{account_id,filled,filled_at}'::text[])::text
        FROM fields f
        WHERE f.account_id = $1 AND f.id > $2
        ORDER BY f.id
        LIMIT $3
        """,
    "lists.ndjson": """
        SELECT l.id, (to_jsonb(l) - 'account_id')::text
        FROM mailing_lists l
        WHERE l.account_id = $1 AND l.id > $2
        ORDER BY l.id
        LIMIT $3
        """,
    "consents.ndjson": """
        SELECT c.id, ((to_jsonb(c) - '{account_id,address_hash,wording_id}'::text[])
                      || jsonb_build_object('address_hash', encode(c.address_hash, 'hex'),
                                            'wording', coalesce(w.text, c.wording),
                                            'wording_version', w.version))::text
        FROM consents c
        LEFT JOIN wordings w ON w.account_id = $1 AND w.id = c.wording_id
        WHERE c.account_id = $1 AND c.id > $2
        ORDER BY c.id
        LIMIT $3
        """,
    "suppressions.ndjson": """
        SELECT s.id, ((to_jsonb(s) - '{account_id,address_hash}'::text[])
                      || jsonb_build_object('address_hash', encode(s.address_hash, 'hex'),
                                            'email', c.email))::text
        FROM suppressions s
        LEFT JOIN contacts c ON c.account_id = $1 AND c.address_hash = s.address_hash
        WHERE s.account_id = $1 AND s.id > $2
        ORDER BY s.id
        LIMIT $3
        """,
    "requests.ndjson": """
        -- what people asked about their data, and the answers
        SELECT r.id, ((to_jsonb(r) - '{account_id,address_hash,sealed_address,reminded}'::text[])
                      || jsonb_build_object('address_hash', encode(r.address_hash, 'hex')))::text
        FROM rights_requests r
        WHERE r.account_id = $1 AND r.id > $2
        ORDER BY r.id
        LIMIT $3
        """,
    "forms.ndjson": """
        -- with each version that people saw
        SELECT f.id, ((to_jsonb(f) - 'account_id') || jsonb_build_object('versions', (
                   SELECT coalesce(jsonb_agg(to_jsonb(v) - '{account_id,form_id}'::text[]
                                             ORDER BY v.version), '[]')
                   FROM signup_form_versions v
                   WHERE v.account_id = $1 AND v.form_id = f.id)))::text
        FROM signup_forms f
        WHERE f.account_id = $1 AND f.id > $2
        ORDER BY f.id
        LIMIT least($3, 10)
        """,
    "segments.ndjson": """
        SELECT s.id, jsonb_build_object(
                   'id', s.id, 'name', s.name, 'tree', s.tree, 'created_at', s.created_at,
                   'updated_at', s.updated_at, 'deleted_at', s.deleted_at)::text
        FROM segments s
        WHERE s.account_id = $1 AND s.id > $2
        ORDER BY s.id
        LIMIT $3
        """,
    "tags.ndjson": """
        SELECT t.id, (to_jsonb(t) - '{account_id,name_key}'::text[])::text
        FROM tags t
        WHERE t.account_id = $1 AND t.id > $2
        ORDER BY t.id
        LIMIT $3
        """,
    "senders.ndjson": """
        SELECT s.id, (to_jsonb(s) - 'account_id')::text
        FROM senders s
        WHERE s.account_id = $1 AND s.id > $2
        ORDER BY s.id
        LIMIT $3
        """,
    "domains.ndjson": """
        SELECT d.id, (to_jsonb(d) - 'account_id')::text
        FROM domains d
        WHERE d.account_id = $1 AND d.id > $2
        ORDER BY d.id
        LIMIT $3
        """,
    "smtp_servers.ndjson": """
        SELECT s.id, (to_jsonb(s) - '{account_id,sealed_password,steps,last_error}'::text[])::text
        FROM smtp_servers s
        WHERE s.account_id = $1 AND s.id > $2
        ORDER BY s.id
        LIMIT $3
        """,
    "webhooks.ndjson": """
        SELECT w.id, (to_jsonb(w) - '{account_id,sealed_secret,sealed_old_secret}'::text[])::text
        FROM webhook_endpoints w
        WHERE w.account_id = $1 AND w.id > $2
        ORDER BY w.id
        LIMIT $3
        """,
    "test_addresses.ndjson": """
        SELECT s.id, (to_jsonb(s) - 'account_id')::text
        FROM seeds s
        WHERE s.account_id = $1 AND s.id > $2
        ORDER BY s.id
        LIMIT $3
        """,
    "campaigns.ndjson": """
        -- counts of everybody are what the report shows; each person's row is an export of its own
        SELECT c.id, ((to_jsonb(c) - '{account_id,revision_id,audience_cursor,judged_from}'::text[]
                       - '{segments_position,segments_at,asked_cursor}'::text[])
            || jsonb_build_object(
                'lists', (SELECT coalesce(jsonb_agg(to_jsonb(l) - '{account_id,campaign_id}'::text[]
                                                    ORDER BY l.use, l.position), '[]')
                          FROM campaign_lists l
                          WHERE l.account_id = $1 AND l.campaign_id = c.id),
                'segments', (SELECT coalesce(jsonb_agg(to_jsonb(g) - '{account_id,campaign_id}'::text[]
                                                       ORDER BY g.use, g.position), '[]')
                             FROM campaign_segments g
                             WHERE g.account_id = $1 AND g.campaign_id = c.id),
                'image_loads', (SELECT to_jsonb(o) - '{account_id,campaign_id}'::text[]
                                FROM open_counts o
                                WHERE o.account_id = $1 AND o.campaign_id = c.id),
                'links', (SELECT coalesce(jsonb_agg(to_jsonb(k) - '{account_id,campaign_id}'::text[]
                                                    ORDER BY k.position), '[]')
                          FROM links k
                          WHERE k.account_id = $1 AND k.campaign_id = c.id),
                'ab_test', (SELECT (to_jsonb(t) - '{account_id,campaign_id,seed,released_to}'::text[])
                                || jsonb_build_object('variants', (
                                    SELECT coalesce(jsonb_agg(to_jsonb(v) - '{account_id,campaign_id}'::text[]
                                                              ORDER BY v.number), '[]')
                                    FROM ab_variants v
                                    WHERE v.account_id = $1 AND v.campaign_id = c.id))
                            FROM ab_tests t
                            WHERE t.account_id = $1 AND t.campaign_id = c.id),
                'link_parameters', (SELECT to_jsonb(u) - '{account_id,campaign_id}'::text[]
                                    FROM utm_settings u
                                    WHERE u.account_id = $1 AND u.campaign_id = c.id),
                'recurrence', (SELECT (to_jsonb(r) - '{account_id,last_content,feed_shown}'::text[])
                                   || jsonb_build_object('editions', (
                                       SELECT coalesce(jsonb_agg(to_jsonb(e) - '{account_id}'::text[]
                                                                 ORDER BY e.due_at), '[]')
                                       FROM editions e
                                       WHERE e.account_id = $1 AND e.recurrence_id = r.id))
                               FROM recurrences r
                               WHERE r.account_id = $1 AND r.campaign_id = c.id),
                'counts', (SELECT coalesce(jsonb_object_agg(d.status, d.n), '{}')
                           FROM (SELECT status, count(*) AS n
                                 FROM deliveries
                                 WHERE account_id = $1 AND campaign_id = c.id AND month = c.month
                                 GROUP BY status) d)))::text
        FROM campaigns c
        WHERE c.account_id = $1 AND c.id > $2
        ORDER BY c.id
        LIMIT least($3, 10)
        """,
    "automations.ndjson": """
        SELECT a.id, ((to_jsonb(a) - '{account_id,position,searched_at}'::text[]) || jsonb_build_object(
                   'steps', (SELECT coalesce(jsonb_agg(to_jsonb(s) - 'account_id' ORDER BY s.id), '[]')
                             FROM automation_steps s
                             WHERE s.account_id = $1 AND s.automation_id = a.id)))::text
        FROM automations a
        WHERE a.account_id = $1 AND a.id > $2
        ORDER BY a.id
        LIMIT $3
        """,
    "designs.ndjson": """
        SELECT d.id, ((to_jsonb(d) - '{account_id,source}'::text[])
                      || jsonb_build_object('file', format('designs/%s.%s', d.id, CASE d.kind
                          WHEN 'mjml' THEN 'mjml' ELSE 'txt' END)))::text
        FROM designs d
        WHERE d.account_id = $1 AND d.id > $2
        ORDER BY d.id
        LIMIT $3
        """,
    "images.ndjson": """
        SELECT i.id, ((to_jsonb(i) - '{account_id,file_id,thumbnail_file_id,thumbnail_name,search}'::text[])
                      || jsonb_build_object('file', 'images/' || i.name))::text
        FROM images i
        WHERE i.account_id = $1 AND i.id > $2
        ORDER BY i.id
        LIMIT $3
        """,
    "imports.ndjson": """
        SELECT i.id, jsonb_build_object(
                   'id', i.id, 'file_name', i.file_name, 'state', i.state, 'legal_basis', i.legal_basis,
                   'origin', i.origin, 'collected_from', i.collected_from, 'collected_to', i.collected_to,
                   'attested_by', i.attested_by, 'attested_at', i.attested_at, 'counts', i.counts,
                   'created_by', i.created_by, 'created_at', i.created_at, 'finished_at', i.finished_at)::text
        FROM imports i
        WHERE i.account_id = $1 AND i.id > $2
        ORDER BY i.id
        LIMIT $3
        """,
    "feedback.ndjson": """
        SELECT (f.day - date '2000-01-01')::bigint, jsonb_build_object(
                   'day', f.day,
                   'counts', jsonb_agg(to_jsonb(f) - '{account_id,day}'::text[]
                                       ORDER BY f.kind, f.reason, f.profile, f.source))::text
        FROM feedback_counts f
        WHERE f.account_id = $1 AND f.day > date '2000-01-01' + $2::int
        GROUP BY f.day
        ORDER BY f.day
        LIMIT $3
        """,
    "journal.ndjson": """
        SELECT a.id, (to_jsonb(a) - 'account_id')::text
        FROM audit a
        WHERE a.account_id = $1 AND a.id > $2
        ORDER BY a.id
        LIMIT $3
        """,
}


async def lines(tx: AccountTx, name: str, *, after: int, limit: int) -> list[tuple[int, str]]:
    """Position and JSON of each."""
    sql = TABLES[name]
    return await tx.rows(sql, after, limit)
