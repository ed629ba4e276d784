"""What an archive holds of the account's tables, each as JSON lines, and what it leaves out and why (B-68).

A new table stands in one of the two: a test asks the catalogue. Secrets and traces of the machine stay out.
"""

from mailer.core.db import AccountTx

# file → its lines behind a position. $2: the position, $3: how many
TABLES = {
    "account.ndjson": """
        SELECT a.id, ((to_jsonb(a) - '{sample,largest_send,reopen_as,resume_as,reminded_days,per_day,
                                          per_month}'::text[])
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

_SECRET = ("a secret of this installation", "un secret de cette installation")
_STATE = ("the state of work that is under way", "l'état d'un travail en cours")
_PROOFS = (
    "the chain of records of what was erased; its page gives it as a file that anybody can check",
    "la chaîne des preuves d'effacement ; sa page la donne en fichier, que chacun peut vérifier",
)
_CONTENT = ("sent content, erased after 6 days", "contenu envoyé, effacé au bout de 6 jours")
_PEOPLE = (
    "figures are in campaigns.ndjson; the rows of a campaign are an export of their own",
    "les chiffres sont dans campaigns.ndjson ; les lignes d'une campagne s'exportent à part",
)
_SUGGESTED = (
    "suggestions; a search finds them again",
    "des propositions ; une recherche les retrouve",
)
_LIMITED = (
    "people whose data may only be kept are in no bulk export (GDPR, Article 18); each has a copy apart",
    "qui a fait limiter ses données n'est dans aucun export (RGPD, art. 18) ; sa fiche en donne une copie",
)
_FAILURES = (
    "temporary failures of the last six months; who was given up is in suppressions.ndjson",
    "échecs temporaires des six derniers mois ; les adresses abandonnées sont dans suppressions.ndjson",
)
_STANDING = ("a person's copy has it", "la copie des données de chaque personne le dit")
# inside other files: subscriptions in contacts, lists and links in campaigns, sources in designs
INSIDE = {
    "contacts": "contacts/",
    "subscriptions": "contacts/",
    "campaign_lists": "campaigns.ndjson",
    "campaign_segments": "campaigns.ndjson",
    "links": "campaigns.ndjson",
    "ab_tests": "campaigns.ndjson",
    "utm_settings": "campaigns.ndjson",
    "recurrences": "campaigns.ndjson",
    "editions": "campaigns.ndjson",
    "ab_variants": "campaigns.ndjson",
    "contact_tags": "contacts/",
    "consent_ips": "contacts/",
    "signup_form_versions": "forms.ndjson",
    "wordings": "consents.ndjson",
    "measurement_settings": "account.ndjson",
    "retention_settings": "account.ndjson",
    "rights_settings": "account.ndjson",
    "brand_kits": "account.ndjson",
    "open_counts": "campaigns.ndjson",
    "automation_steps": "automations.ndjson",
}
_UNDO = (
    "what stood before an import, for seven days, so that it can be undone here",
    "ce qui précédait un import, pendant sept jours, pour pouvoir l'annuler ici",
)
LEFT_OUT = {
    "account_keys": _SECRET,
    "content_masters": _SECRET,
    "content_keys": _SECRET,
    "dkim_keys": _SECRET,
    "revisions": _CONTENT,
    "messages": _CONTENT,
    "inbound_mails": _CONTENT,
    "test_sends": _CONTENT,
    "draft_versions": (
        "what drafts and designs said before; as they are now they are in campaigns.ndjson and designs/",
        "ce que brouillons et modèles disaient avant ; leur état actuel est dans campaigns.ndjson et designs",
    ),
    "deliveries": _PEOPLE,
    "automation_mails": _PEOPLE,
    "automation_journeys": _STANDING,
    "events": _PEOPLE,
    "feed_items": _STATE,
    "files": ("images are here; other files die within days", "les images sont là ; le reste meurt sous peu"),
    "file_chunks": ("as files", "comme files"),
    "design_thumbnails": ("drawn from designs", "dessinées d'après les modèles"),
    "restrictions": _LIMITED,
    "legal_holds": (
        "what a law asks to keep here, by whom and until when; it binds this installation",
        "ce qu'une loi demande de conserver ici, par qui et jusqu'à quand ; cela lie cette installation",
    ),
    "signup_requests": (
        "who has not confirmed agreed to nothing; who has is a contact with a proof",
        "qui n'a pas confirmé n'a rien accepté ; qui a confirmé est un contact avec sa preuve",
    ),
    "rights_asks": (
        "presses on a form that nobody has confirmed, for a day",
        "des demandes que personne n'a confirmées, pendant un jour",
    ),
    "contact_changes": (
        "a feed for programs of the last 30 days",
        "un flux pour les programmes, des 30 derniers jours",
    ),
    "webhook_events": _STATE,
    "webhook_deliveries": _STATE,
    "webhook_attempts": _STATE,
    "webhook_feeds": _STATE,
    "idempotency_keys": _STATE,
    "contact_merges": (
        "tells old links of this installation who a contact became",
        "dit aux anciens liens de cette installation ce qu'un contact est devenu",
    ),
    "duplicates": _SUGGESTED,
    "duplicate_searches": _STATE,
    "field_changes": _STATE,
    "inactive_contacts": _STATE,
    "counted_loads": _STATE,
    "sunset_contacts": _STATE,
    "last_open_days": (
        "days that the search for inactive contacts alone may read (CNIL, deliberation 2026-042)",
        "des jours que seule la recherche des contacts inactifs peut lire (CNIL, délibération 2026-042)",
    ),
    "inactive_walks": _STATE,
    "segment_members": _STATE,
    "import_parts": _STATE,
    "import_rejects": _STATE,
    "import_opt_outs": _STATE,
    "image_uses": _STATE,
    "import_mappings": _STATE,
    "import_changes": _UNDO,
    "import_values": _UNDO,
    "import_removals": _UNDO,
    "kept_counts": _STATE,
    "judgements": _STATE,
    "event_counts": _PEOPLE,
    "event_hours": _PEOPLE,
    "selections": _STATE,
    "selection_contacts": _STATE,
    "exports": _STATE,
    "export_members": _STATE,
    "soft_bounces": _FAILURES,
    "feedback_hooks": _SECRET,
    "report_mailboxes": _SECRET,
    "feedback_seen": _STATE,
    "day_counts": _STATE,
    "campaign_figures": _PEOPLE,
    "evidence": _STATE,
    "provider_stops": _STATE,
    "warm_ups": _STATE,
    "warm_up_days": _STATE,
    "retention_passes": _STATE,
    "retention_chains": _STATE,
    "retention_proofs": _PROOFS,
}


async def lines(tx: AccountTx, name: str, *, after: int, limit: int) -> list[tuple[int, str]]:
    """Position and JSON of each."""
    sql = TABLES[name]
    return await tx.rows(sql, after, limit)
