-- The whole schema after the last migration, for reading. Made by `make schema`; a test proves it is fresh.
-- Partitions by month are left out: CALL make_month() makes them.

CREATE PROCEDURE public.analyze_month(IN first_day date)
    LANGUAGE plpgsql
    AS $$
BEGIN
    EXECUTE format('ANALYZE %I', 'deliveries_' || to_char(first_day, 'YYYY_MM'));
END
$$;

CREATE FUNCTION public.current_account() RETURNS bigint
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT current_setting('app.account_id')::bigint $$;

CREATE PROCEDURE public.date_image_uses(IN account bigint, IN fresh text[], IN gone text[])
    LANGUAGE plpgsql
    AS $$
BEGIN
    -- the role that erases whole accounts may only delete
    IF coalesce(fresh, gone) IS NULL OR NOT has_table_privilege('images', 'UPDATE') THEN
        RETURN;
    END IF;
    UPDATE images i
    SET used_until = NULL
    WHERE i.account_id = account AND i.used_until IS NOT NULL
      AND (i.name = ANY (fresh) OR i.thumbnail_name = ANY (fresh));
    UPDATE images i
    SET used_until = now()
    WHERE i.account_id = account AND i.used_until IS NULL
      AND (i.name = ANY (gone) OR i.thumbnail_name = ANY (gone))
      AND NOT EXISTS (
          SELECT FROM image_uses u
          WHERE u.account_id = i.account_id AND u.name IN (i.name, i.thumbnail_name));
END
$$;

CREATE FUNCTION public.end_restricted() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE automation_journeys SET ended_at = now(), outcome = 'restricted', step_id = NULL
    WHERE account_id = NEW.account_id AND contact_id = NEW.id AND ended_at IS NULL;
    RETURN NULL;
END
$$;

CREATE FUNCTION public.end_suppressed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF EXISTS (SELECT FROM automations WHERE account_id = current_account() AND status <> 'draft') THEN
        EXECUTE 'UPDATE automation_journeys j SET ended_at = now(), outcome = ''suppressed'', step_id = NULL
            FROM new_rows x
            JOIN contacts c ON c.account_id = x.account_id AND c.address_hash = x.address_hash
            JOIN automations a ON a.account_id = x.account_id
                AND (x.list_id = a.list_id OR x.list_id IS NULL AND a.list_id <> ALL (x.returned_to))
            WHERE j.account_id = x.account_id AND j.automation_id = a.id AND j.contact_id = c.id
              AND j.ended_at IS NULL AND (x.expires_at IS NULL OR x.expires_at > now())';
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION public.end_unsubscribed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    gone text := CASE TG_OP WHEN 'DELETE' THEN 'old_rows g WHERE true' ELSE 'new_rows g WHERE g.status = ''unsubscribed''' END;
BEGIN
    IF EXISTS (SELECT FROM automations WHERE account_id = current_account() AND status <> 'draft') THEN
        EXECUTE 'UPDATE automation_journeys j SET ended_at = now(), outcome = ''unsubscribed'', step_id = NULL
            FROM automations a, (SELECT account_id, list_id, contact_id FROM ' || gone || ') u
            WHERE a.account_id = u.account_id AND a.list_id = u.list_id
              AND j.account_id = u.account_id AND j.automation_id = a.id AND j.contact_id = u.contact_id
              AND j.ended_at IS NULL';
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION public.enter_subscribed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    before text := '';
BEGIN
    IF NOT EXISTS (SELECT FROM automations WHERE account_id = current_account() AND trigger = 'subscribed'
                     AND status IN ('running', 'paused')) THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        before := 'JOIN old_rows o ON o.account_id = n.account_id AND o.list_id = n.list_id'
                  ' AND o.contact_id = n.contact_id AND o.status <> ''active''';
    END IF;
    EXECUTE 'WITH entered AS (
            INSERT INTO automation_journeys (account_id, automation_id, contact_id, occasion)
            SELECT n.account_id, a.id, n.contact_id, CASE WHEN a.again THEN pg_current_xact_id()::text ELSE '''' END
            FROM new_rows n ' || before || '
            JOIN automations a ON a.account_id = n.account_id AND a.trigger = ''subscribed''
                AND a.trigger_of = n.list_id AND a.status IN (''running'', ''paused'')
                AND (n.import_id IS NULL OR coalesce((a.setting ->> ''imports'')::boolean, false))
            WHERE n.status = ''active''
            ON CONFLICT DO NOTHING
            RETURNING account_id, automation_id)
        INSERT INTO automation_rings (account_id, automation_id)
        SELECT DISTINCT account_id, automation_id FROM entered';
    RETURN NULL;
END
$$;

CREATE FUNCTION public.enter_tagged() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM automations WHERE account_id = current_account() AND trigger = 'tagged'
                     AND status IN ('running', 'paused')) THEN
        RETURN NULL;
    END IF;
    EXECUTE 'WITH entered AS (
            INSERT INTO automation_journeys (account_id, automation_id, contact_id, occasion)
            SELECT n.account_id, a.id, n.contact_id, CASE WHEN a.again THEN pg_current_xact_id()::text ELSE '''' END
            FROM new_rows n
            JOIN automations a ON a.account_id = n.account_id AND a.trigger = ''tagged''
                AND a.trigger_of = n.tag_id AND a.status IN (''running'', ''paused'')
            JOIN subscriptions s ON s.account_id = n.account_id AND s.list_id = a.list_id
                AND s.contact_id = n.contact_id AND s.status = ''active''
            ON CONFLICT DO NOTHING
            RETURNING account_id, automation_id)
        INSERT INTO automation_rings (account_id, automation_id)
        SELECT DISTINCT account_id, automation_id FROM entered';
    RETURN NULL;
END
$$;

CREATE FUNCTION public.held(contact bigint, at timestamp with time zone) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    SELECT EXISTS (SELECT FROM legal_holds h
                   WHERE h.account_id = current_account() AND (h.contact_id IS NULL OR h.contact_id = contact)
                     AND h.lifted_at IS NULL AND h.ends_at > at)
$$;

CREATE FUNCTION public.journal_accounts() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        -- its own entries name people of an account that is no more
        DELETE FROM erasure_journal WHERE account_id = OLD.id;
        INSERT INTO erasure_journal (account_id, kind, detail) VALUES (OLD.id, 'account', '{"status": "erased"}');
    ELSE
        INSERT INTO erasure_journal (account_id, kind, detail)
        VALUES (NEW.id, 'account',
                jsonb_build_object('status', NEW.status, 'closed_at', NEW.closed_at, 'erase_at', NEW.erase_at,
                                   'reopen_as', NEW.reopen_as));
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION public.journal_contacts() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO erasure_journal (account_id, kind, ref_id) SELECT account_id, 'contact', id FROM old_rows;
    RETURN NULL;
END
$$;

CREATE FUNCTION public.journal_suppressions() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO erasure_journal (account_id, kind, detail)
    SELECT account_id, 'suppression',
           jsonb_build_object('hash', encode(address_hash, 'hex'), 'list_id', list_id, 'reason', reason,
                              'campaign_id', campaign_id, 'expires_at', expires_at)
    FROM new_rows
    WHERE returned_to = '{}';
    RETURN NULL;
END
$$;

CREATE FUNCTION public.keep_later_day() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    NEW.day := greatest(NEW.day, OLD.day);
    RETURN NEW;
END
$$;

CREATE PROCEDURE public.make_month(IN first_day date)
    LANGUAGE plpgsql
    AS $$
DECLARE
    suffix text := to_char(first_day, 'YYYY_MM');
    next_day date := (first_day + interval '1 month')::date;
BEGIN
    IF first_day <> date_trunc('month', first_day)::date THEN
        RAISE EXCEPTION 'make_month: % is not the first day of a month', first_day;
    END IF;
    PERFORM pg_advisory_xact_lock(7250, 1);
    IF to_regclass('deliveries_' || suffix) IS NULL THEN
        EXECUTE format('CREATE TABLE %I PARTITION OF deliveries FOR VALUES FROM (%L) TO (%L)',
            'deliveries_' || suffix, first_day, next_day);
        CALL wall_off('deliveries_' || suffix);
    END IF;
    IF to_regclass('events_' || suffix) IS NULL THEN
        EXECUTE format('CREATE TABLE %I PARTITION OF events FOR VALUES FROM (%L) TO (%L)',
            'events_' || suffix, first_day::timestamp AT TIME ZONE 'UTC', next_day::timestamp AT TIME ZONE 'UTC');
        CALL wall_off('events_' || suffix);
    END IF;
END
$$;

CREATE TABLE public.contacts (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    email text NOT NULL,
    address_key text NOT NULL COLLATE pg_catalog."C",
    address_hash bytea NOT NULL,
    first_name text DEFAULT ''::text NOT NULL,
    last_name text DEFAULT ''::text NOT NULL,
    first_name_key text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    last_name_key text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    language text DEFAULT ''::text NOT NULL,
    fields jsonb DEFAULT '{}'::jsonb NOT NULL,
    opens text DEFAULT 'unknown'::text NOT NULL,
    clicks text DEFAULT 'unknown'::text NOT NULL,
    source text DEFAULT 'page'::text NOT NULL,
    import_id bigint,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    last_act_at timestamp with time zone,
    restricted_at timestamp with time zone,
    acted_before timestamp with time zone,
    CONSTRAINT contacts_address_hash_check CHECK ((length(address_hash) = 16)),
    CONSTRAINT contacts_clicks_check CHECK ((clicks = ANY (ARRAY['unknown'::text, 'granted'::text, 'denied'::text]))),
    CONSTRAINT contacts_email_check CHECK ((length(email) <= 320)),
    CONSTRAINT contacts_first_name_check CHECK ((length(first_name) <= 200)),
    CONSTRAINT contacts_language_check CHECK ((language = ANY (ARRAY[''::text, 'fr'::text, 'en'::text]))),
    CONSTRAINT contacts_last_name_check CHECK ((length(last_name) <= 200)),
    CONSTRAINT contacts_opens_check CHECK ((opens = ANY (ARRAY['unknown'::text, 'granted'::text, 'denied'::text]))),
    CONSTRAINT contacts_source_check CHECK ((source = ANY (ARRAY['page'::text, 'api'::text, 'import'::text, 'form'::text])))
)
WITH (autovacuum_analyze_scale_factor='0.02', fillfactor='90');

ALTER TABLE ONLY public.contacts FORCE ROW LEVEL SECURITY;

CREATE FUNCTION public.may_ask_measurement(c public.contacts) RETURNS boolean
    LANGUAGE plpgsql STABLE
    AS $$
BEGIN
    IF c.opens = 'granted' AND c.clicks = 'granted' THEN
        RETURN false;
    END IF;
    PERFORM FROM consents p
    WHERE p.account_id = c.account_id AND p.address_hash = c.address_hash AND p.purpose <> 'mail'
      AND p.act IN ('asked', 'denied') AND p.at > now() - interval '6 months';
    IF FOUND THEN
        RETURN false;
    END IF;
    PERFORM FROM consents p
    WHERE p.account_id = c.account_id AND p.contact_id = c.id AND p.purpose <> 'mail'
      AND p.act IN ('asked', 'denied') AND p.at > now() - interval '6 months';
    IF FOUND THEN
        RETURN false;
    END IF;
    PERFORM FROM contact_merges m
    JOIN consents p ON p.account_id = m.account_id AND p.contact_id = m.merged_id
    WHERE m.account_id = c.account_id AND m.kept_id = c.id AND p.purpose <> 'mail'
      AND p.act IN ('asked', 'denied') AND p.at > now() - interval '6 months';
    IF FOUND THEN
        RETURN false;
    END IF;
    -- requests on their way, or whose lines of the ledger are still to be written: rarely any, and looking into
    -- the partitions of deliveries costs more than all of the above
    PERFORM FROM campaigns q
    WHERE q.account_id = c.account_id AND q.asks_measurement AND q.asked_cursor < 9223372036854775807
      AND q.month > now() - interval '8 months';
    IF NOT FOUND THEN
        RETURN true;
    END IF;
    PERFORM FROM campaigns q
    JOIN deliveries d ON d.account_id = q.account_id AND d.campaign_id = q.id AND d.month = q.month
    WHERE q.account_id = c.account_id AND q.asks_measurement AND q.asked_cursor < 9223372036854775807
      AND q.month > now() - interval '8 months' AND d.contact_id = c.id AND d.status NOT IN ('skipped', 'cancelled', 'failed')
      AND coalesce(d.final_at, now()) > now() - interval '6 months';
    RETURN NOT FOUND;
END
$$;

CREATE PROCEDURE public.meet_account(IN account bigint)
    LANGUAGE plpgsql
    AS $$
DECLARE
    name text;
    plan jsonb;
    expected numeric;
    found bigint;
BEGIN
    FOREACH name IN ARRAY ARRAY['contacts', 'subscriptions', 'suppressions', 'contact_tags', 'consents'] LOOP
        EXECUTE format('EXPLAIN (FORMAT JSON) SELECT FROM %I WHERE account_id = %s', name, account) INTO plan;
        expected := (plan #>> '{0,Plan,Plan Rows}')::numeric;
        CONTINUE WHEN expected >= 500;
        EXECUTE format('SELECT count(*) FROM (SELECT FROM %I WHERE account_id = %s LIMIT 5000) f', name, account)
            INTO found;
        IF found >= 100 AND found > expected * 10 THEN
            -- who is at it already does it for us
            EXECUTE format('ANALYZE (SKIP_LOCKED) %I', name);
        END IF;
    END LOOP;
END
$$;

CREATE PROCEDURE public.meet_month(IN account bigint, IN first_day date)
    LANGUAGE plpgsql
    AS $$
DECLARE
    name text := 'events_' || to_char(first_day, 'YYYY_MM');
    plan jsonb;
    expected numeric;
    found bigint;
BEGIN
    EXECUTE format('EXPLAIN (FORMAT JSON) SELECT FROM %I WHERE account_id = %s', name, account) INTO plan;
    expected := (plan #>> '{0,Plan,Plan Rows}')::numeric;
    IF expected >= 500 THEN
        RETURN;
    END IF;
    EXECUTE format('SELECT count(*) FROM (SELECT FROM %I WHERE account_id = %s LIMIT 5000) f', name, account)
        INTO found;
    IF found >= 100 AND found > expected * 10 THEN
        -- who is at it already does it for us
        EXECUTE format('ANALYZE (SKIP_LOCKED) %I', name);
    END IF;
END
$$;

CREATE FUNCTION public.note_contacts() RETURNS trigger
    LANGUAGE plpgsql
    AS $_$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO contact_changes (account_id, xid, contact_id, kind)
        SELECT account_id, (SELECT pg_current_xact_id()::text::bigint), id, 'created' FROM new_rows;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO contact_changes (account_id, xid, contact_id, kind)
        SELECT account_id, (SELECT pg_current_xact_id()::text::bigint), id, 'deleted' FROM old_rows;
    ELSE
        EXECUTE $sql$
            INSERT INTO contact_changes (account_id, xid, contact_id, kind)
            SELECT n.account_id, (SELECT pg_current_xact_id()::text::bigint), n.id, k.kind
            FROM new_rows n
            JOIN old_rows o ON o.account_id = n.account_id AND o.id = n.id
            CROSS JOIN LATERAL (
                SELECT 'updated' AS kind
                WHERE (n.email, n.first_name, n.last_name, n.language, n.fields, n.restricted_at)
                      IS DISTINCT FROM (o.email, o.first_name, o.last_name, o.language, o.fields, o.restricted_at)
                UNION ALL
                SELECT 'consent' WHERE (n.opens, n.clicks) IS DISTINCT FROM (o.opens, o.clicks)
            ) AS k
            $sql$;
    END IF;
    RETURN NULL;
END
$_$;

CREATE FUNCTION public.note_image_uses() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    line jsonb;
    text_now text := '';
    held text[];
    fresh text[];
    gone text[];
BEGIN
    IF TG_OP = 'DELETE' THEN
        line := to_jsonb(OLD) - TG_ARGV[3];
    ELSE
        text_now := to_jsonb(NEW) ->> TG_ARGV[3];
        line := to_jsonb(NEW) - TG_ARGV[3];
    END IF;
    SELECT coalesce(array_agg(DISTINCT hit[1]), '{}') INTO held
    FROM regexp_matches(
        coalesce(text_now, ''),
        '(?<![0-9])(' || (line ->> 'account_id') || '-[0-9a-f]{40}\.(?:png|jpg|gif|webp))', 'g'
    ) AS hit;
    WITH deleted AS (
        DELETE FROM image_uses
        WHERE account_id = (line ->> 'account_id')::bigint AND kind = TG_ARGV[0]
          AND ref_id = (line ->> TG_ARGV[1])::bigint
          AND part = coalesce((line ->> nullif(TG_ARGV[2], ''))::integer, 0)
          AND NOT name = ANY (held)
        RETURNING name
    )
    SELECT array_agg(name) INTO gone FROM deleted;
    IF held <> '{}' THEN
        WITH added AS (
            INSERT INTO image_uses (account_id, name, kind, ref_id, part)
            SELECT (line ->> 'account_id')::bigint, name, TG_ARGV[0], (line ->> TG_ARGV[1])::bigint,
                   coalesce((line ->> nullif(TG_ARGV[2], ''))::integer, 0)
            FROM unnest(held) AS name
            ON CONFLICT DO NOTHING
            RETURNING name
        )
        SELECT array_agg(name) INTO fresh FROM added;
    END IF;
    CALL date_image_uses((line ->> 'account_id')::bigint, fresh, gone);
    RETURN NULL;
END
$$;

CREATE FUNCTION public.note_logo_use() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    gone text[];
    fresh text[];
BEGIN
    WITH deleted AS (
        DELETE FROM image_uses WHERE account_id = OLD.account_id AND kind = 'brand' RETURNING name
    )
    SELECT array_agg(name) INTO gone FROM deleted;
    IF TG_OP <> 'DELETE' THEN
        WITH added AS (
            INSERT INTO image_uses (account_id, name, kind, ref_id)
            SELECT account_id, name, 'brand', NEW.account_id
            FROM images
            WHERE account_id = NEW.account_id AND id = NEW.logo_image_id
            RETURNING name
        )
        SELECT array_agg(name) INTO fresh FROM added;
    END IF;
    CALL date_image_uses(coalesce(NEW.account_id, OLD.account_id), fresh, gone);
    RETURN NULL;
END
$$;

CREATE FUNCTION public.note_subscriptions() RETURNS trigger
    LANGUAGE plpgsql
    AS $_$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO contact_changes (account_id, xid, contact_id, list_id, kind, status)
        SELECT account_id, (SELECT pg_current_xact_id()::text::bigint), contact_id, list_id, 'subscription', status
        FROM new_rows;
    ELSIF TG_OP = 'DELETE' THEN
        -- what goes with its contact is told by the contact
        INSERT INTO contact_changes (account_id, xid, contact_id, list_id, kind, status)
        SELECT o.account_id, (SELECT pg_current_xact_id()::text::bigint), o.contact_id, o.list_id, 'subscription',
               'removed'
        FROM old_rows o
        WHERE EXISTS (SELECT FROM contacts c WHERE c.account_id = o.account_id AND c.id = o.contact_id);
    ELSE
        EXECUTE $sql$
            INSERT INTO contact_changes (account_id, xid, contact_id, list_id, kind, status)
            SELECT n.account_id, (SELECT pg_current_xact_id()::text::bigint), n.contact_id, n.list_id,
                   'subscription', n.status
            FROM new_rows n
            JOIN old_rows o USING (account_id, list_id, contact_id)
            WHERE n.status <> o.status
            $sql$;
    END IF;
    RETURN NULL;
END
$_$;

CREATE FUNCTION public.only_added_to() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_user = 'mailer_eraser' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'permission denied for table %: it is only added to, % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE FUNCTION public.refuse_step() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION '%: no step leads from % to %', TG_TABLE_NAME, OLD.status, NEW.status
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
END
$$;

CREATE FUNCTION public.ring_automations() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    -- the role that erases whole accounts may only delete
    IF has_table_privilege('automation_rings', 'INSERT') THEN
        INSERT INTO automation_rings (account_id, automation_id)
        SELECT account_id, id FROM automations WHERE account_id = current_account() AND status = 'running';
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION public.ring_webhooks() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF EXISTS (SELECT FROM webhook_endpoints WHERE account_id = current_account() AND status <> 'off') THEN
        INSERT INTO webhook_rings (account_id) VALUES (current_account());
    END IF;
    RETURN NULL;
END
$$;

CREATE PROCEDURE public.seal_ledgers()
    LANGUAGE plpgsql
    AS $$
DECLARE
    login name := current_user;
    ledger regclass;
BEGIN
    GRANT CREATE ON SCHEMA public TO mailer_eraser;
    FOREACH ledger IN ARRAY ARRAY['audit', 'consents', 'wordings']::regclass[] LOOP
        IF (SELECT relowner FROM pg_class WHERE oid = ledger) = login::regrole THEN
            EXECUTE format('ALTER TABLE %s OWNER TO mailer_eraser', ledger);
        END IF;
    END LOOP;
    IF (SELECT proowner FROM pg_proc WHERE oid = 'only_added_to'::regproc) = login::regrole THEN
        ALTER FUNCTION only_added_to() OWNER TO mailer_eraser;
    END IF;
    REVOKE CREATE ON SCHEMA public FROM mailer_eraser;
    SET LOCAL ROLE mailer_eraser;
    REVOKE ALL ON audit, consents, wordings FROM mailer_eraser;
    GRANT SELECT, DELETE ON audit, consents, wordings TO mailer_eraser;
    EXECUTE format('REVOKE ALL ON audit, consents, wordings FROM %I', login);
    EXECUTE format('GRANT SELECT, INSERT ON audit, consents, wordings TO %I', login);
    RESET ROLE;
END
$$;

CREATE TABLE public.suppressions (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    address_hash bytea NOT NULL,
    list_id bigint,
    reason text NOT NULL,
    since timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    campaign_id bigint,
    returned_to bigint[] DEFAULT '{}'::bigint[] NOT NULL,
    CONSTRAINT suppressions_address_hash_check CHECK ((length(address_hash) = 16)),
    CONSTRAINT suppressions_reason_check CHECK ((reason = ANY (ARRAY['unsubscribed'::text, 'bounced'::text, 'complained'::text, 'objected'::text, 'added'::text]))),
    CONSTRAINT suppressions_returned_to CHECK (((list_id IS NULL) OR (returned_to = '{}'::bigint[])))
)
WITH (autovacuum_analyze_scale_factor='0.02');

ALTER TABLE ONLY public.suppressions FORCE ROW LEVEL SECURITY;

CREATE FUNCTION public.stops(row_ public.suppressions, list bigint) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN ((((row_).list_id = list) OR (((row_).list_id IS NULL) AND (list <> ALL ((row_).returned_to)))) AND (((row_).expires_at IS NULL) OR ((row_).expires_at > now())));

CREATE FUNCTION public.tell_of_campaign() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    CALL tell_webhooks('campaign.' || NEW.status,
                       jsonb_build_object('campaign_id', NEW.id, 'reason', NEW.pause_reason));
    RETURN NULL;
END
$$;

CREATE FUNCTION public.tell_of_complaint() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    CALL tell_webhooks('complaint.received',
                       jsonb_build_object('campaign_id', nullif(NEW.campaign_id, 0),
                                          'message_id', NEW.signals -> 'message_id',
                                          'contact_id', nullif(NEW.contact_id, 0)));
    RETURN NULL;
END
$$;

CREATE FUNCTION public.tell_of_delivery() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    CALL tell_webhooks('delivery.' || NEW.status,
                       jsonb_build_object('campaign_id', NEW.campaign_id, 'contact_id', NEW.contact_id,
                                          'list_id', NEW.list_id, 'reason', NEW.reason,
                                          'smtp_code', NEW.smtp_code));
    RETURN NULL;
END
$$;

CREATE FUNCTION public.tell_of_export() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    CALL tell_webhooks('export.finished',
                       jsonb_build_object('export_id', NEW.id, 'state', NEW.state, 'what', NEW.what));
    RETURN NULL;
END
$$;

CREATE FUNCTION public.tell_of_import() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    CALL tell_webhooks('import.finished', jsonb_build_object('import_id', NEW.id, 'state', NEW.state));
    RETURN NULL;
END
$$;

CREATE FUNCTION public.tell_of_message() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    CALL tell_webhooks('message.' || NEW.status,
                       jsonb_build_object('message_id', NEW.id, 'contact_id', NEW.contact_id,
                                          'reason', NEW.reason, 'smtp_code', NEW.smtp_code));
    RETURN NULL;
END
$$;

CREATE FUNCTION public.tell_of_rights_request() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    CALL tell_webhooks('rights_request.created',
                       jsonb_build_object('request_id', NEW.id, 'contact_id', NEW.contact_id, 'what', NEW.kind));
    RETURN NULL;
END
$$;

CREATE FUNCTION public.tell_of_suppressions() RETURNS trigger
    LANGUAGE plpgsql
    AS $_$
BEGIN
    IF webhook_wanted('suppression.added') THEN
        EXECUTE $sql$
            INSERT INTO webhook_events (account_id, type, data)
            SELECT account_id, 'suppression.added',
                   jsonb_build_object('suppression_ids', jsonb_agg(id ORDER BY id), 'reason', reason,
                                      'list_id', list_id,
                                      'contact_ids', coalesce(jsonb_agg(contact_id ORDER BY contact_id)
                                                              FILTER (WHERE contact_id IS NOT NULL), '[]'))
            FROM (SELECT n.account_id, n.id, n.reason, n.list_id, c.id AS contact_id,
                         (row_number() OVER (PARTITION BY n.reason, n.list_id ORDER BY n.id) - 1) / 400 AS part
                  FROM new_rows n
                  LEFT JOIN contacts c ON c.account_id = n.account_id AND c.address_hash = n.address_hash) AS added
            GROUP BY account_id, reason, list_id, part
            $sql$;
        INSERT INTO webhook_rings (account_id) VALUES (current_account());
    END IF;
    RETURN NULL;
END
$_$;

CREATE PROCEDURE public.tell_webhooks(IN told text, IN about jsonb)
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF webhook_wanted(told) THEN
        INSERT INTO webhook_events (account_id, type, data) VALUES (current_account(), told, about);
        INSERT INTO webhook_rings (account_id) VALUES (current_account());
    END IF;
END
$$;

CREATE PROCEDURE public.wall_off(IN name text)
    LANGUAGE plpgsql
    AS $$
BEGIN
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format(
        'CREATE POLICY account ON %I USING (account_id = current_account())'
        ' WITH CHECK (account_id = current_account())', name);
END
$$;

CREATE FUNCTION public.webhook_wanted(wanted text) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    SELECT EXISTS (SELECT FROM webhook_endpoints
                   WHERE account_id = current_account() AND status <> 'off' AND wanted = ANY (events))
$$;

CREATE TABLE public.ab_tests (
    account_id bigint NOT NULL,
    campaign_id bigint NOT NULL,
    about text NOT NULL,
    share smallint NOT NULL,
    winner_by text NOT NULL,
    hours smallint NOT NULL,
    early boolean DEFAULT false NOT NULL,
    unclear text DEFAULT 'first'::text NOT NULL,
    state text DEFAULT 'draft'::text NOT NULL,
    seed bigint,
    counted_from timestamp with time zone,
    ends_at timestamp with time zone,
    winner smallint,
    decided_at timestamp with time zone,
    decided_by text,
    figures jsonb DEFAULT '[]'::jsonb NOT NULL,
    released_to bigint DEFAULT 0 NOT NULL,
    CONSTRAINT ab_tests_about_check CHECK ((about = ANY (ARRAY['subject'::text, 'content'::text]))),
    CONSTRAINT ab_tests_decided CHECK ((((winner IS NOT NULL) = (state = ANY (ARRAY['decided'::text, 'done'::text]))) AND ((winner IS NULL) = (decided_at IS NULL)) AND ((winner IS NULL) = (decided_by IS NULL)))),
    CONSTRAINT ab_tests_decided_by_check CHECK ((decided_by = ANY (ARRAY['result'::text, 'unclear'::text, 'hand'::text]))),
    CONSTRAINT ab_tests_hours_check CHECK (((hours >= 1) AND (hours <= 120))),
    CONSTRAINT ab_tests_share_check CHECK (((share >= 5) AND (share <= 100))),
    CONSTRAINT ab_tests_state_check CHECK ((state = ANY (ARRAY['draft'::text, 'running'::text, 'asking'::text, 'decided'::text, 'done'::text]))),
    CONSTRAINT ab_tests_unclear_check CHECK ((unclear = ANY (ARRAY['first'::text, 'ask'::text]))),
    CONSTRAINT ab_tests_winner_by_check CHECK ((winner_by = ANY (ARRAY['clicks'::text, 'opens'::text, 'hand'::text]))),
    CONSTRAINT ab_tests_winner_check CHECK (((winner >= 1) AND (winner <= 4)))
);

ALTER TABLE ONLY public.ab_tests FORCE ROW LEVEL SECURITY;

CREATE TABLE public.ab_variants (
    account_id bigint NOT NULL,
    campaign_id bigint NOT NULL,
    number smallint NOT NULL,
    subject text,
    preheader text,
    content_kind text,
    source text,
    CONSTRAINT ab_variants_content CHECK (((content_kind IS NULL) = (source IS NULL))),
    CONSTRAINT ab_variants_content_kind_check CHECK ((content_kind = ANY (ARRAY['none'::text, 'letter'::text, 'mjml'::text]))),
    CONSTRAINT ab_variants_number_check CHECK (((number >= 2) AND (number <= 4)))
);

ALTER TABLE ONLY public.ab_variants FORCE ROW LEVEL SECURITY;

CREATE TABLE public.account_breaches (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    breach_id bigint,
    aware_at timestamp with time zone NOT NULL,
    facts jsonb NOT NULL,
    authority_told_at timestamp with time zone,
    authority_note text DEFAULT ''::text NOT NULL,
    people_told_at timestamp with time zone,
    people_note text DEFAULT ''::text NOT NULL,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    reminded_at timestamp with time zone,
    closed_at timestamp with time zone
);

ALTER TABLE ONLY public.account_breaches FORCE ROW LEVEL SECURITY;

ALTER TABLE public.account_breaches ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.account_breaches_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.account_certificates (
    account_id bigint NOT NULL,
    begun_at timestamp with time zone NOT NULL,
    counts jsonb DEFAULT '{}'::jsonb NOT NULL,
    erased_at timestamp with time zone,
    record text,
    key_id smallint,
    signature bytea,
    link_hash bytea,
    legal_basis text NOT NULL,
    expires_at timestamp with time zone,
    CONSTRAINT account_certificates_link_hash_check CHECK ((octet_length(link_hash) = 32)),
    CONSTRAINT account_certificates_signature_check CHECK ((octet_length(signature) = 64)),
    CONSTRAINT account_certificates_whole CHECK ((num_nulls(erased_at, record, key_id, signature, link_hash, expires_at) = ANY (ARRAY[0, 6])))
);

CREATE TABLE public.account_keys (
    account_id bigint NOT NULL,
    purpose text NOT NULL,
    sealed bytea NOT NULL,
    CONSTRAINT account_keys_purpose_check CHECK ((purpose = 'address_hash'::text))
);

ALTER TABLE ONLY public.account_keys FORCE ROW LEVEL SECURITY;

CREATE TABLE public.accounts (
    id bigint NOT NULL,
    name text NOT NULL,
    status text DEFAULT 'active'::text NOT NULL,
    status_reason text DEFAULT ''::text NOT NULL,
    language text DEFAULT 'fr'::text NOT NULL,
    time_zone text DEFAULT 'Europe/Paris'::text NOT NULL,
    legal_name text DEFAULT ''::text NOT NULL,
    postal_address text DEFAULT ''::text NOT NULL,
    country text DEFAULT 'FR'::text NOT NULL,
    contact_email text DEFAULT ''::text NOT NULL,
    website text DEFAULT ''::text NOT NULL,
    registration text DEFAULT ''::text NOT NULL,
    keep_sources boolean DEFAULT true NOT NULL,
    sample boolean DEFAULT false NOT NULL,
    largest_send integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    closed_at timestamp with time zone,
    erase_at timestamp with time zone,
    reopen_as text DEFAULT 'active'::text NOT NULL,
    per_day integer,
    per_month integer,
    messages_per_hour integer DEFAULT 1000 NOT NULL,
    inactive_choice text DEFAULT 'ask'::text NOT NULL,
    suspended_by text,
    suspended_at timestamp with time zone,
    resume_as text DEFAULT 'active'::text NOT NULL,
    awaits text DEFAULT 'operator'::text NOT NULL,
    retrieval_waived_at timestamp with time zone,
    reminded_days smallint,
    held_until timestamp with time zone,
    dpo text DEFAULT ''::text NOT NULL,
    without_dpo boolean DEFAULT false NOT NULL,
    staff_approval boolean DEFAULT false NOT NULL,
    second_factor_required boolean DEFAULT false NOT NULL,
    team_reviewed_at timestamp with time zone DEFAULT now() NOT NULL,
    team_reminded_at timestamp with time zone,
    image_bytes bigint DEFAULT 2000000000,
    CONSTRAINT accounts_awaits_check CHECK ((awaits = ANY (ARRAY['operator'::text, 'owner'::text]))),
    CONSTRAINT accounts_closed CHECK (((status = 'closed'::text) = ((closed_at IS NOT NULL) AND (erase_at IS NOT NULL)))),
    CONSTRAINT accounts_country_check CHECK ((length(country) = 2)),
    CONSTRAINT accounts_dpo CHECK (((NOT without_dpo) OR (dpo = ''::text))),
    CONSTRAINT accounts_dpo_check CHECK ((length(dpo) <= 300)),
    CONSTRAINT accounts_image_bytes_check CHECK ((image_bytes >= 0)),
    CONSTRAINT accounts_inactive_choice_check CHECK ((inactive_choice = ANY (ARRAY['ask'::text, 'delete'::text]))),
    CONSTRAINT accounts_language_check CHECK ((language = ANY (ARRAY['fr'::text, 'en'::text]))),
    CONSTRAINT accounts_messages_per_hour_check CHECK ((messages_per_hour > 0)),
    CONSTRAINT accounts_name_check CHECK (((length(name) >= 1) AND (length(name) <= 120))),
    CONSTRAINT accounts_per_day_check CHECK ((per_day >= 0)),
    CONSTRAINT accounts_per_month_check CHECK ((per_month >= 0)),
    CONSTRAINT accounts_reopen_as_check CHECK ((reopen_as = ANY (ARRAY['pending'::text, 'active'::text, 'suspended'::text]))),
    CONSTRAINT accounts_resume_as_check CHECK ((resume_as = ANY (ARRAY['pending'::text, 'active'::text]))),
    CONSTRAINT accounts_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'active'::text, 'suspended'::text, 'closed'::text]))),
    CONSTRAINT accounts_suspended_by_check CHECK ((suspended_by = ANY (ARRAY['owner'::text, 'operator'::text])))
);

ALTER TABLE public.accounts ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.accounts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.agreement_acceptances (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    version text NOT NULL,
    accepted_at timestamp with time zone DEFAULT now() NOT NULL,
    user_id bigint,
    person text NOT NULL,
    kind text DEFAULT 'agreement'::text NOT NULL,
    language text DEFAULT 'fr'::text NOT NULL,
    text_sha256 bytea,
    CONSTRAINT agreement_acceptances_kind_check CHECK ((kind = ANY (ARRAY['agreement'::text, 'responsibilities'::text]))),
    CONSTRAINT agreement_acceptances_language_check CHECK ((language = ANY (ARRAY['fr'::text, 'en'::text]))),
    CONSTRAINT agreement_acceptances_text_sha256_check CHECK ((octet_length(text_sha256) = 32))
);

ALTER TABLE ONLY public.agreement_acceptances FORCE ROW LEVEL SECURITY;

ALTER TABLE public.agreement_acceptances ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.agreement_acceptances_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.announcement_readings (
    user_id bigint NOT NULL,
    announcement_id bigint NOT NULL,
    at timestamp with time zone NOT NULL
);

CREATE TABLE public.announcements (
    id bigint NOT NULL,
    kind text NOT NULL,
    ref_id bigint NOT NULL,
    announced_at timestamp with time zone NOT NULL,
    effective_on date NOT NULL,
    shown_until date NOT NULL,
    told_up_to bigint DEFAULT 0 NOT NULL,
    told integer DEFAULT 0 NOT NULL,
    finished_at timestamp with time zone,
    CONSTRAINT announcements_kind_check CHECK ((kind = ANY (ARRAY['policy'::text, 'sub_processor'::text])))
);

ALTER TABLE public.announcements ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.announcements_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.api_keys (
    id bigint NOT NULL,
    account_id bigint NOT NULL,
    name text NOT NULL,
    prefix text NOT NULL,
    key_hash bytea NOT NULL,
    scopes text[] NOT NULL,
    created_by bigint,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    last_used_at timestamp with time zone,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    last_used_ip inet,
    CONSTRAINT api_keys_name_check CHECK (((length(name) >= 1) AND (length(name) <= 120)))
);

ALTER TABLE public.api_keys ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.api_keys_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.campaign_lists (
    account_id bigint NOT NULL,
    campaign_id bigint NOT NULL,
    list_id bigint NOT NULL,
    use text NOT NULL,
    "position" smallint NOT NULL,
    CONSTRAINT campaign_lists_use_check CHECK ((use = ANY (ARRAY['include'::text, 'exclude'::text])))
);

ALTER TABLE ONLY public.campaign_lists FORCE ROW LEVEL SECURITY;

CREATE TABLE public.campaign_segments (
    account_id bigint NOT NULL,
    campaign_id bigint NOT NULL,
    segment_id bigint NOT NULL,
    use text NOT NULL,
    "position" smallint NOT NULL,
    CONSTRAINT campaign_segments_use_check CHECK ((use = ANY (ARRAY['include'::text, 'exclude'::text])))
);

ALTER TABLE ONLY public.campaign_segments FORCE ROW LEVEL SECURITY;

CREATE TABLE public.campaigns (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    name text NOT NULL,
    kind text DEFAULT 'newsletter'::text NOT NULL,
    status text DEFAULT 'draft'::text NOT NULL,
    pause_reason text DEFAULT ''::text NOT NULL,
    sender_id bigint,
    reply_to text DEFAULT ''::text NOT NULL,
    language text DEFAULT 'fr'::text NOT NULL,
    subject text DEFAULT ''::text NOT NULL,
    preheader text DEFAULT ''::text NOT NULL,
    content_kind text DEFAULT 'none'::text NOT NULL,
    source text DEFAULT ''::text NOT NULL,
    keep_source boolean DEFAULT true NOT NULL,
    tested_at timestamp with time zone,
    version integer DEFAULT 1 NOT NULL,
    scheduled_at timestamp with time zone,
    time_zone text DEFAULT 'Europe/Paris'::text NOT NULL,
    month date,
    audience_cursor bigint DEFAULT 0 NOT NULL,
    audience integer DEFAULT 0 NOT NULL,
    confirmed_audience integer,
    prepared_at timestamp with time zone,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    content_erased_at timestamp with time zone,
    revision_id bigint,
    created_by bigint,
    sent_by bigint,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    archived_at timestamp with time zone,
    totals jsonb,
    rest_of bigint,
    measured jsonb,
    details_erased_at timestamp with time zone,
    pause_figures jsonb DEFAULT '{}'::jsonb NOT NULL,
    judged_from timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    segments_position bigint DEFAULT 0 NOT NULL,
    segments_at timestamp with time zone,
    unmeasured boolean DEFAULT false NOT NULL,
    asks_measurement boolean DEFAULT false NOT NULL,
    asked_cursor bigint DEFAULT 0 NOT NULL,
    opens_mode text,
    clicks_mode text,
    reminder_of bigint,
    automation_id bigint,
    step_id bigint,
    mailing_of bigint,
    mailing_day date,
    local_at timestamp without time zone,
    zone_field text DEFAULT ''::text NOT NULL,
    limit_pauses smallint DEFAULT 0 NOT NULL,
    CONSTRAINT campaigns_clicks_mode_check CHECK ((clicks_mode = ANY (ARRAY['off'::text, 'individual'::text]))),
    CONSTRAINT campaigns_content_kind_check CHECK ((content_kind = ANY (ARRAY['none'::text, 'letter'::text, 'mjml'::text]))),
    CONSTRAINT campaigns_kind_check CHECK ((kind = ANY (ARRAY['newsletter'::text, 'promotion'::text, 'service'::text]))),
    CONSTRAINT campaigns_language_check CHECK ((language = ANY (ARRAY['fr'::text, 'en'::text]))),
    CONSTRAINT campaigns_limit_pauses_check CHECK ((limit_pauses >= 0)),
    CONSTRAINT campaigns_name_check CHECK (((length(name) >= 1) AND (length(name) <= 120))),
    CONSTRAINT campaigns_opens_mode_check CHECK ((opens_mode = ANY (ARRAY['off'::text, 'last_day'::text, 'aggregate'::text, 'individual'::text]))),
    CONSTRAINT campaigns_pause_reason CHECK (((status = 'paused'::text) OR (pause_reason = ''::text))),
    CONSTRAINT campaigns_status_check CHECK ((status = ANY (ARRAY['draft'::text, 'scheduled'::text, 'preparing'::text, 'sending'::text, 'paused'::text, 'sent'::text, 'cancelled'::text]))),
    CONSTRAINT campaigns_zone_field_check CHECK ((length(zone_field) <= 40))
);

ALTER TABLE ONLY public.campaigns FORCE ROW LEVEL SECURITY;

CREATE TABLE public.deliveries (
    account_id bigint NOT NULL,
    campaign_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    month date NOT NULL,
    list_id bigint NOT NULL,
    status text DEFAULT 'queued'::text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    lane smallint,
    turn integer,
    attempts smallint DEFAULT 0 NOT NULL,
    next_at timestamp with time zone DEFAULT now() NOT NULL,
    first_at timestamp with time zone,
    final_at timestamp with time zone,
    smtp_code smallint,
    smtp_reply text DEFAULT ''::text NOT NULL,
    opens boolean DEFAULT false NOT NULL,
    clicks boolean DEFAULT false NOT NULL,
    profile text DEFAULT 'default'::text NOT NULL,
    bounce_reason text DEFAULT ''::text NOT NULL,
    variant smallint DEFAULT 0 NOT NULL,
    CONSTRAINT deliveries_bounce_reason_check CHECK ((length(bounce_reason) <= 40)),
    CONSTRAINT deliveries_state CHECK (
CASE status
    WHEN 'queued'::text THEN ((lane IS NULL) AND (turn IS NULL) AND (final_at IS NULL) AND (reason = ''::text))
    WHEN 'claimed'::text THEN ((lane IS NOT NULL) AND (turn IS NOT NULL) AND (final_at IS NULL) AND (reason = ''::text))
    WHEN 'handing'::text THEN ((lane IS NOT NULL) AND (turn IS NOT NULL) AND (final_at IS NULL) AND (reason = ''::text) AND (first_at IS NOT NULL))
    WHEN 'in_doubt'::text THEN (((lane IS NULL) = (turn IS NULL)) AND (final_at IS NOT NULL) AND (reason = ''::text) AND (first_at IS NOT NULL))
    ELSE ((lane IS NULL) AND (turn IS NULL) AND (final_at IS NOT NULL) AND
    CASE status
        WHEN 'delivered'::text THEN ((first_at IS NOT NULL) AND (reason = ''::text))
        WHEN 'bounced'::text THEN ((first_at IS NOT NULL) AND (reason = ANY (ARRAY['hard'::text, 'soft'::text, 'block'::text])))
        WHEN 'failed'::text THEN (reason = ANY (ARRAY['render'::text, 'size'::text, 'address'::text, 'expired'::text]))
        WHEN 'skipped'::text THEN (reason = ANY (ARRAY['unsubscribed'::text, 'suppressed'::text, 'deleted'::text, 'restricted'::text, 'pending'::text, 'service'::text]))
        ELSE (reason = ''::text)
    END)
END),
    CONSTRAINT deliveries_status_check CHECK ((status = ANY (ARRAY['queued'::text, 'claimed'::text, 'handing'::text, 'delivered'::text, 'bounced'::text, 'failed'::text, 'skipped'::text, 'cancelled'::text, 'in_doubt'::text])))
)
PARTITION BY RANGE (month);

ALTER TABLE ONLY public.deliveries FORCE ROW LEVEL SECURITY;

CREATE TABLE public.mailing_lists (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    name text NOT NULL,
    public_name text NOT NULL,
    purpose text DEFAULT ''::text NOT NULL,
    frequency text DEFAULT ''::text NOT NULL,
    kind text DEFAULT 'newsletter'::text NOT NULL,
    double_opt_in boolean DEFAULT true NOT NULL,
    shown_in_preferences boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    CONSTRAINT mailing_lists_frequency_check CHECK ((length(frequency) <= 120)),
    CONSTRAINT mailing_lists_kind_check CHECK ((kind = ANY (ARRAY['newsletter'::text, 'promotion'::text, 'service'::text]))),
    CONSTRAINT mailing_lists_name_check CHECK (((length(name) >= 1) AND (length(name) <= 120))),
    CONSTRAINT mailing_lists_public_name_check CHECK (((length(public_name) >= 1) AND (length(public_name) <= 120))),
    CONSTRAINT mailing_lists_purpose_check CHECK ((length(purpose) <= 500))
);

ALTER TABLE ONLY public.mailing_lists FORCE ROW LEVEL SECURITY;

CREATE TABLE public.segment_members (
    account_id bigint NOT NULL,
    campaign_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    segment_id bigint NOT NULL
);

ALTER TABLE ONLY public.segment_members FORCE ROW LEVEL SECURITY;

CREATE TABLE public.subscriptions (
    account_id bigint NOT NULL,
    list_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    status text NOT NULL,
    legal_basis text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    status_at timestamp with time zone DEFAULT now() NOT NULL,
    import_id bigint,
    CONSTRAINT subscriptions_legal_basis_check CHECK ((legal_basis = ANY (ARRAY[''::text, 'consent'::text, 'existing_customer'::text, 'b2b_interest'::text, 'service'::text]))),
    CONSTRAINT subscriptions_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'active'::text, 'unsubscribed'::text])))
)
WITH (autovacuum_analyze_scale_factor='0.02');

ALTER TABLE ONLY public.subscriptions FORCE ROW LEVEL SECURITY;

CREATE VIEW public.audience WITH (security_invoker='true') AS
 SELECT account_id,
    campaign_id,
    contact_id,
    measured,
        CASE
            WHEN (reason = ''::text) THEN list_id
            ELSE NULL::bigint
        END AS list_id,
    reason
   FROM ( SELECT people.account_id,
            people.campaign_id,
            people.contact_id,
            people.measured,
            people.list_id,
                CASE
                    WHEN people.limited THEN 'restricted'::text
                    WHEN people.excluded THEN 'excluded'::text
                    WHEN people.outside THEN 'segment'::text
                    WHEN (people.list_id IS NOT NULL) THEN ''::text
                    WHEN people.stopped THEN 'suppressed'::text
                    WHEN people.refused THEN 'unsubscribed'::text
                    WHEN people.service THEN 'service'::text
                    ELSE 'pending'::text
                END AS reason
           FROM ( SELECT i.account_id,
                    i.campaign_id,
                    s.contact_id,
                    (array_agg(s.list_id ORDER BY i."position", s.list_id) FILTER (WHERE ((s.status = 'active'::text) AND (a.id IS NULL) AND (o.id IS NULL) AND ((g.kind = 'service'::text) OR (s.legal_basis = ANY (ARRAY['consent'::text, 'existing_customer'::text, 'b2b_interest'::text]))))))[1] AS list_id,
                    bool_or(((s.status = 'unsubscribed'::text) OR (o.id IS NOT NULL))) AS refused,
                    bool_or((s.status = 'active'::text)) AS service,
                    bool_or((a.id IS NOT NULL)) AS stopped,
                    bool_or((c.restricted_at IS NOT NULL)) AS limited,
                    bool_or(((c.opens = 'granted'::text) OR (c.clicks = 'granted'::text))) AS measured,
                    bool_or(((EXISTS ( SELECT
                           FROM (public.campaign_lists x
                             JOIN public.subscriptions m ON (((m.account_id = x.account_id) AND (m.list_id = x.list_id))))
                          WHERE ((x.account_id = i.account_id) AND (x.campaign_id = i.campaign_id) AND (x.use = 'exclude'::text) AND (m.contact_id = s.contact_id)))) OR ((n.excluded IS NOT NULL) AND (EXISTS ( SELECT
                           FROM public.segment_members m
                          WHERE ((m.account_id = i.account_id) AND (m.campaign_id = i.campaign_id) AND (m.contact_id = s.contact_id) AND (m.segment_id = ANY (n.excluded)))))))) AS excluded,
                    bool_or(((n.included IS NOT NULL) AND (cardinality(n.included) > ( SELECT count(*) AS count
                           FROM public.segment_members m
                          WHERE ((m.account_id = i.account_id) AND (m.campaign_id = i.campaign_id) AND (m.contact_id = s.contact_id) AND (m.segment_id = ANY (n.included))))))) AS outside
                   FROM ((((((((public.campaign_lists i
                     JOIN public.campaigns g ON (((g.account_id = i.account_id) AND (g.id = i.campaign_id))))
                     JOIN public.mailing_lists l ON (((l.account_id = i.account_id) AND (l.id = i.list_id) AND (l.deleted_at IS NULL))))
                     JOIN public.subscriptions s ON (((s.account_id = i.account_id) AND (s.list_id = i.list_id))))
                     JOIN public.contacts c ON (((c.account_id = s.account_id) AND (c.id = s.contact_id))))
                     LEFT JOIN LATERAL ( SELECT array_agg(x.segment_id) FILTER (WHERE (x.use = 'include'::text)) AS included,
                            array_agg(x.segment_id) FILTER (WHERE (x.use = 'exclude'::text)) AS excluded
                           FROM public.campaign_segments x
                          WHERE ((x.account_id = g.account_id) AND (x.campaign_id = g.id))) n ON (true))
                     LEFT JOIN public.campaigns b ON (((b.account_id = g.account_id) AND (b.id = g.rest_of))))
                     LEFT JOIN public.suppressions a ON (((a.account_id = c.account_id) AND (a.address_hash = c.address_hash) AND (a.list_id IS NULL) AND public.stops(a.*, s.list_id))))
                     LEFT JOIN public.suppressions o ON (((o.account_id = c.account_id) AND (o.address_hash = c.address_hash) AND (o.list_id = s.list_id) AND public.stops(o.*, s.list_id))))
                  WHERE ((i.use = 'include'::text) AND ((g.rest_of IS NULL) OR ( SELECT true
                           FROM public.deliveries d
                          WHERE ((d.account_id = b.account_id) AND (d.campaign_id = b.id) AND (d.month = b.month) AND (d.contact_id = s.contact_id) AND ((d.status = 'cancelled'::text) OR ((d.status = 'failed'::text) AND (d.reason = ANY (ARRAY['render'::text, 'size'::text])))))
                         LIMIT 1)))
                  GROUP BY i.account_id, i.campaign_id, s.contact_id) people) judged;

CREATE TABLE public.audit (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    actor text NOT NULL,
    actor_id bigint,
    action text NOT NULL,
    object text NOT NULL,
    object_id bigint,
    count integer,
    ip inet,
    request_id text DEFAULT ''::text NOT NULL,
    CONSTRAINT audit_actor_check CHECK ((actor = ANY (ARRAY['user'::text, 'api_key'::text, 'recipient'::text, 'job'::text, 'operator'::text])))
);

ALTER TABLE ONLY public.audit FORCE ROW LEVEL SECURITY;

ALTER TABLE public.audit ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.audit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.authority_requests (
    id bigint NOT NULL,
    account_id bigint,
    received_at timestamp with time zone NOT NULL,
    facts jsonb NOT NULL,
    country text NOT NULL,
    answer text DEFAULT 'open'::text NOT NULL,
    answered_at timestamp with time zone,
    answer_note text DEFAULT ''::text NOT NULL,
    silent_until timestamp with time zone,
    told_at timestamp with time zone,
    recorded_by bigint,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT authority_requests_answer_check CHECK ((answer = ANY (ARRAY['open'::text, 'refused'::text, 'partial'::text, 'complied'::text]))),
    CONSTRAINT authority_requests_answered CHECK (((answer = 'open'::text) = (answered_at IS NULL))),
    CONSTRAINT authority_requests_country_check CHECK ((length(country) = 2))
);

ALTER TABLE public.authority_requests ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.authority_requests_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.automation_journeys (
    account_id bigint NOT NULL,
    automation_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    occasion text DEFAULT ''::text NOT NULL,
    step_id bigint,
    entered_at timestamp with time zone DEFAULT now() NOT NULL,
    arrived_at timestamp with time zone DEFAULT now() NOT NULL,
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    ended_at timestamp with time zone,
    outcome text DEFAULT ''::text NOT NULL,
    CONSTRAINT automation_journeys_end CHECK (((ended_at IS NULL) = (outcome = ''::text))),
    CONSTRAINT automation_journeys_occasion_check CHECK ((length(occasion) <= 100)),
    CONSTRAINT automation_journeys_outcome_check CHECK ((outcome = ANY (ARRAY[''::text, 'done'::text, 'left'::text, 'unsubscribed'::text, 'suppressed'::text, 'restricted'::text, 'pending'::text, 'service'::text, 'segment'::text, 'excluded'::text, 'ended'::text])))
);

ALTER TABLE ONLY public.automation_journeys FORCE ROW LEVEL SECURITY;

CREATE TABLE public.automation_mails (
    account_id bigint NOT NULL,
    step_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    occasion text NOT NULL,
    automation_id bigint NOT NULL,
    campaign_id bigint NOT NULL,
    at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.automation_mails FORCE ROW LEVEL SECURITY;

CREATE TABLE public.automation_passages (
    account_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    id bigint NOT NULL,
    automation_id bigint NOT NULL,
    kind text NOT NULL,
    said text DEFAULT ''::text NOT NULL,
    tag_id bigint,
    CONSTRAINT automation_passages_kind_check CHECK ((kind = ANY (ARRAY['wait'::text, 'condition'::text, 'tag'::text, 'untag'::text]))),
    CONSTRAINT automation_passages_said CHECK (((kind = 'condition'::text) = (said <> ''::text))),
    CONSTRAINT automation_passages_said_check CHECK ((said = ANY (ARRAY[''::text, 'yes'::text, 'no'::text]))),
    CONSTRAINT automation_passages_tag CHECK (((kind = ANY (ARRAY['tag'::text, 'untag'::text])) = (tag_id IS NOT NULL)))
);

ALTER TABLE ONLY public.automation_passages FORCE ROW LEVEL SECURITY;

ALTER TABLE public.automation_passages ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.automation_passages_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.automation_rings (
    id bigint NOT NULL,
    account_id bigint NOT NULL,
    automation_id bigint NOT NULL
);

ALTER TABLE public.automation_rings ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.automation_rings_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.automation_steps (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    automation_id bigint NOT NULL,
    parent_id bigint,
    branch text DEFAULT ''::text NOT NULL,
    "position" integer NOT NULL,
    kind text NOT NULL,
    setting jsonb DEFAULT '{}'::jsonb NOT NULL,
    draft_id bigint,
    published_id bigint,
    published_version integer,
    passed bigint DEFAULT 0 NOT NULL,
    said_yes bigint DEFAULT 0 NOT NULL,
    CONSTRAINT automation_steps_branch CHECK (((parent_id IS NULL) = (branch = ''::text))),
    CONSTRAINT automation_steps_branch_check CHECK ((branch = ANY (ARRAY[''::text, 'yes'::text, 'no'::text]))),
    CONSTRAINT automation_steps_kind_check CHECK ((kind = ANY (ARRAY['wait'::text, 'send'::text, 'condition'::text, 'tag'::text, 'untag'::text, 'leave'::text]))),
    CONSTRAINT automation_steps_mail CHECK (((kind = 'send'::text) = (draft_id IS NOT NULL)))
);

ALTER TABLE ONLY public.automation_steps FORCE ROW LEVEL SECURITY;

ALTER TABLE public.automation_steps ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.automation_steps_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.automations (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    name text NOT NULL,
    list_id bigint NOT NULL,
    status text DEFAULT 'draft'::text NOT NULL,
    pause_reason text DEFAULT ''::text NOT NULL,
    trigger text NOT NULL,
    trigger_of bigint,
    setting jsonb DEFAULT '{}'::jsonb NOT NULL,
    again boolean DEFAULT false NOT NULL,
    quiet_from smallint,
    quiet_to smallint,
    version integer DEFAULT 1 NOT NULL,
    "position" bigint DEFAULT 0 NOT NULL,
    searched_at timestamp with time zone,
    created_by bigint,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    started_at timestamp with time zone,
    ended_at timestamp with time zone,
    CONSTRAINT automations_name_check CHECK (((length(name) >= 1) AND (length(name) <= 120))),
    CONSTRAINT automations_pause CHECK (((status = 'paused'::text) = (pause_reason <> ''::text))),
    CONSTRAINT automations_quiet CHECK (((quiet_from IS NULL) = (quiet_to IS NULL))),
    CONSTRAINT automations_quiet_from_check CHECK (((quiet_from >= 0) AND (quiet_from <= 23))),
    CONSTRAINT automations_quiet_to_check CHECK (((quiet_to >= 0) AND (quiet_to <= 23))),
    CONSTRAINT automations_status_check CHECK ((status = ANY (ARRAY['draft'::text, 'running'::text, 'paused'::text, 'ended'::text]))),
    CONSTRAINT automations_trigger_check CHECK ((trigger = ANY (ARRAY['subscribed'::text, 'tagged'::text, 'date'::text, 'segment'::text, 'clicked'::text, 'event'::text])))
);

ALTER TABLE ONLY public.automations FORCE ROW LEVEL SECURITY;

ALTER TABLE public.automations ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.automations_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.brand_kits (
    account_id bigint NOT NULL,
    logo_image_id bigint,
    color text NOT NULL,
    link text NOT NULL,
    text_color text NOT NULL,
    background text NOT NULL,
    surround text NOT NULL,
    font text NOT NULL,
    heading_font text NOT NULL,
    footer text DEFAULT ''::text NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT brand_kits_background_check CHECK ((background ~ '^#[0-9a-f]{6}$'::text)),
    CONSTRAINT brand_kits_color_check CHECK ((color ~ '^#[0-9a-f]{6}$'::text)),
    CONSTRAINT brand_kits_footer_check CHECK ((length(footer) <= 2000)),
    CONSTRAINT brand_kits_link_check CHECK ((link ~ '^#[0-9a-f]{6}$'::text)),
    CONSTRAINT brand_kits_surround_check CHECK ((surround ~ '^#[0-9a-f]{6}$'::text)),
    CONSTRAINT brand_kits_text_color_check CHECK ((text_color ~ '^#[0-9a-f]{6}$'::text))
);

ALTER TABLE ONLY public.brand_kits FORCE ROW LEVEL SECURITY;

CREATE TABLE public.breach_accounts (
    breach_id bigint NOT NULL,
    account_id bigint NOT NULL,
    people bigint,
    records bigint
);

CREATE TABLE public.breaches (
    id bigint NOT NULL,
    role text NOT NULL,
    aware_at timestamp with time zone NOT NULL,
    facts jsonb NOT NULL,
    told smallint DEFAULT 0 NOT NULL,
    told_at timestamp with time zone,
    authority_told_at timestamp with time zone,
    authority_note text DEFAULT ''::text NOT NULL,
    recorded_by bigint,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    reminded_at timestamp with time zone,
    closed_at timestamp with time zone,
    CONSTRAINT breaches_role_check CHECK ((role = ANY (ARRAY['processor'::text, 'controller'::text, 'both'::text]))),
    CONSTRAINT breaches_told CHECK (((told = 0) = (told_at IS NULL)))
);

ALTER TABLE public.breaches ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.breaches_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.campaign_figures (
    account_id bigint NOT NULL,
    campaign_id bigint NOT NULL,
    counted_at timestamp with time zone DEFAULT now() NOT NULL,
    audience integer NOT NULL,
    sent integer NOT NULL,
    delivered integer NOT NULL,
    bounced_hard integer NOT NULL,
    bounced_other integer NOT NULL,
    opens_base integer NOT NULL,
    opened integer NOT NULL,
    clicks_base integer NOT NULL,
    clicked integer NOT NULL,
    unsubscribed integer NOT NULL,
    complained integer NOT NULL
);

ALTER TABLE ONLY public.campaign_figures FORCE ROW LEVEL SECURITY;

ALTER TABLE public.campaigns ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.campaigns_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.consent_ips (
    account_id bigint NOT NULL,
    consent_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    ip inet NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.consent_ips FORCE ROW LEVEL SECURITY;

CREATE TABLE public.consents (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    contact_id bigint NOT NULL,
    address_hash bytea NOT NULL,
    purpose text NOT NULL,
    list_id bigint,
    act text NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    method text NOT NULL,
    legal_basis text DEFAULT ''::text NOT NULL,
    wording text DEFAULT ''::text NOT NULL,
    source text DEFAULT ''::text NOT NULL,
    source_id bigint,
    wording_id bigint,
    form_url text DEFAULT ''::text NOT NULL,
    basis_date date,
    basis_about text DEFAULT ''::text NOT NULL,
    actor_id bigint,
    source_version integer,
    CONSTRAINT consents_act_check CHECK ((act = ANY (ARRAY['granted'::text, 'withdrawn'::text, 'denied'::text, 'asked'::text, 'confirmed'::text]))),
    CONSTRAINT consents_basis_about_check CHECK ((length(basis_about) <= 200)),
    CONSTRAINT consents_form_url_check CHECK ((length(form_url) <= 1000)),
    CONSTRAINT consents_method_check CHECK ((method = ANY (ARRAY['import'::text, 'api'::text, 'page'::text, 'form'::text, 'link'::text, 'one_click'::text, 'preferences'::text, 'confirmation'::text, 'mail'::text, 'complaint'::text]))),
    CONSTRAINT consents_purpose_check CHECK ((purpose = ANY (ARRAY['mail'::text, 'opens'::text, 'clicks'::text])))
);

ALTER TABLE ONLY public.consents FORCE ROW LEVEL SECURITY;

ALTER TABLE public.consents ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.consents_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.contact_changes (
    account_id bigint NOT NULL,
    xid bigint NOT NULL,
    id bigint NOT NULL,
    contact_id bigint NOT NULL,
    list_id bigint,
    at timestamp with time zone DEFAULT now() NOT NULL,
    kind text NOT NULL,
    status text DEFAULT ''::text NOT NULL,
    CONSTRAINT contact_changes_kind_check CHECK ((kind = ANY (ARRAY['created'::text, 'updated'::text, 'deleted'::text, 'subscription'::text, 'consent'::text])))
);

ALTER TABLE ONLY public.contact_changes FORCE ROW LEVEL SECURITY;

ALTER TABLE public.contact_changes ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.contact_changes_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.contact_merges (
    account_id bigint NOT NULL,
    merged_id bigint NOT NULL,
    merged_hash bytea NOT NULL,
    kept_id bigint NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT contact_merges_merged_hash_check CHECK ((length(merged_hash) = 16))
);

ALTER TABLE ONLY public.contact_merges FORCE ROW LEVEL SECURITY;

CREATE TABLE public.contact_tags (
    account_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    tag_id bigint NOT NULL,
    added_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.contact_tags FORCE ROW LEVEL SECURITY;

ALTER TABLE public.contacts ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.contacts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.content_keys (
    account_id bigint NOT NULL,
    day date NOT NULL,
    sealed bytea NOT NULL
);

ALTER TABLE ONLY public.content_keys FORCE ROW LEVEL SECURITY;

CREATE TABLE public.content_masters (
    account_id bigint NOT NULL,
    sealed bytea NOT NULL
);

ALTER TABLE ONLY public.content_masters FORCE ROW LEVEL SECURITY;

CREATE TABLE public.counted_loads (
    account_id bigint NOT NULL,
    day date NOT NULL,
    id text NOT NULL
);

ALTER TABLE ONLY public.counted_loads FORCE ROW LEVEL SECURITY;

CREATE TABLE public.data_destinations (
    account_id bigint NOT NULL,
    kind text NOT NULL,
    ref_id bigint NOT NULL,
    country text NOT NULL,
    safeguards text DEFAULT ''::text NOT NULL,
    person text NOT NULL,
    declared_at timestamp with time zone NOT NULL,
    CONSTRAINT data_destinations_country_check CHECK ((country ~ '^[A-Z]{2}$'::text)),
    CONSTRAINT data_destinations_kind_check CHECK ((kind = ANY (ARRAY['smtp_server'::text, 'webhook'::text, 'mailbox'::text, 'api_key'::text]))),
    CONSTRAINT data_destinations_safeguards_check CHECK ((length(safeguards) <= 1000))
);

ALTER TABLE ONLY public.data_destinations FORCE ROW LEVEL SECURITY;

CREATE TABLE public.day_counts (
    account_id bigint NOT NULL,
    day date NOT NULL,
    begun integer DEFAULT 0 NOT NULL
);

ALTER TABLE ONLY public.day_counts FORCE ROW LEVEL SECURITY;

CREATE TABLE public.design_thumbnails (
    account_id bigint NOT NULL,
    design_id bigint NOT NULL,
    design_version integer NOT NULL,
    kit_version integer NOT NULL,
    picture bytea NOT NULL,
    CONSTRAINT design_thumbnails_picture_check CHECK ((length(picture) <= 500000))
);

ALTER TABLE ONLY public.design_thumbnails FORCE ROW LEVEL SECURITY;

CREATE TABLE public.designs (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    subject text DEFAULT ''::text NOT NULL,
    preheader text DEFAULT ''::text NOT NULL,
    source text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    archived_at timestamp with time zone,
    version integer DEFAULT 1 NOT NULL,
    CONSTRAINT designs_kind_check CHECK ((kind = ANY (ARRAY['letter'::text, 'mjml'::text]))),
    CONSTRAINT designs_name_check CHECK (((length(name) >= 1) AND (length(name) <= 120)))
);

ALTER TABLE ONLY public.designs FORCE ROW LEVEL SECURITY;

ALTER TABLE public.designs ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.designs_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.dkim_keys (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    domain_id bigint NOT NULL,
    selector text NOT NULL,
    algorithm text NOT NULL,
    state text DEFAULT 'pending'::text NOT NULL,
    record text NOT NULL,
    sealed bytea,
    missed_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    active_at timestamp with time zone,
    retire_at timestamp with time zone,
    retired_at timestamp with time zone,
    CONSTRAINT dkim_keys_algorithm_check CHECK ((algorithm = ANY (ARRAY['rsa-sha256'::text, 'ed25519-sha256'::text]))),
    CONSTRAINT dkim_keys_check CHECK (((state = 'retired'::text) = (sealed IS NULL))),
    CONSTRAINT dkim_keys_check1 CHECK (((state = ANY (ARRAY['retiring'::text, 'retired'::text])) = (retire_at IS NOT NULL))),
    CONSTRAINT dkim_keys_selector_check CHECK ((selector ~ '^[a-z0-9]{1,63}$'::text)),
    CONSTRAINT dkim_keys_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'active'::text, 'retiring'::text, 'retired'::text])))
);

ALTER TABLE ONLY public.dkim_keys FORCE ROW LEVEL SECURITY;

ALTER TABLE public.dkim_keys ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.dkim_keys_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.domains (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    name text NOT NULL,
    zone text DEFAULT ''::text NOT NULL,
    dmarc text DEFAULT ''::text NOT NULL,
    dmarc_missed_at timestamp with time zone,
    findings jsonb DEFAULT '[]'::jsonb NOT NULL,
    asked_at timestamp with time zone DEFAULT now() NOT NULL,
    checked_at timestamp with time zone,
    answered_at timestamp with time zone,
    verified_at timestamp with time zone,
    broken_at timestamp with time zone,
    relay text DEFAULT ''::text NOT NULL,
    relay_signer text DEFAULT ''::text NOT NULL,
    relay_at timestamp with time zone,
    created_by bigint,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT domains_dmarc_check CHECK ((dmarc = ANY (ARRAY[''::text, 'none'::text, 'quarantine'::text, 'reject'::text]))),
    CONSTRAINT domains_name_check CHECK (((name = lower(name)) AND ((length(name) >= 3) AND (length(name) <= 253))))
);

ALTER TABLE ONLY public.domains FORCE ROW LEVEL SECURITY;

ALTER TABLE public.domains ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.domains_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.draft_versions (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    campaign_id bigint,
    design_id bigint,
    variant smallint DEFAULT 1 NOT NULL,
    number integer NOT NULL,
    kind text NOT NULL,
    source text NOT NULL,
    saved_by bigint,
    refused boolean DEFAULT false NOT NULL,
    restored integer,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT draft_versions_check CHECK ((num_nonnulls(campaign_id, design_id) = 1)),
    CONSTRAINT draft_versions_kind_check CHECK ((kind = ANY (ARRAY['letter'::text, 'mjml'::text]))),
    CONSTRAINT draft_versions_variant_check CHECK (((variant >= 1) AND (variant <= 4)))
);

ALTER TABLE ONLY public.draft_versions FORCE ROW LEVEL SECURITY;

ALTER TABLE public.draft_versions ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.draft_versions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.duplicate_searches (
    account_id bigint NOT NULL,
    asked_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone
);

ALTER TABLE ONLY public.duplicate_searches FORCE ROW LEVEL SECURITY;

CREATE TABLE public.duplicates (
    account_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    other_id bigint NOT NULL,
    reason text NOT NULL,
    apart boolean DEFAULT false NOT NULL,
    found_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT duplicates_check CHECK ((contact_id < other_id)),
    CONSTRAINT duplicates_reason_check CHECK ((reason = ANY (ARRAY['address'::text, 'typo'::text, 'field'::text])))
);

ALTER TABLE ONLY public.duplicates FORCE ROW LEVEL SECURITY;

CREATE TABLE public.editions (
    account_id bigint NOT NULL,
    recurrence_id bigint NOT NULL,
    due_at timestamp with time zone NOT NULL,
    result text NOT NULL,
    number integer,
    campaign_id bigint,
    faults jsonb DEFAULT '[]'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT editions_result_check CHECK ((result = ANY (ARRAY['made'::text, 'scheduled'::text, 'unchanged'::text, 'nothing_new'::text, 'blocked'::text, 'missed'::text])))
);

ALTER TABLE ONLY public.editions FORCE ROW LEVEL SECURITY;

CREATE TABLE public.erased_accounts (
    account_id bigint NOT NULL,
    erased_at timestamp with time zone NOT NULL,
    n bigint NOT NULL,
    hash bytea NOT NULL,
    counts jsonb NOT NULL
);

CREATE TABLE public.erasure_journal (
    xid bigint DEFAULT ((pg_current_xact_id())::text)::bigint NOT NULL,
    id bigint NOT NULL,
    account_id bigint NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    kind text NOT NULL,
    ref_id bigint,
    detail jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT erasure_journal_kind_check CHECK ((kind = ANY (ARRAY['contact'::text, 'suppression'::text, 'account'::text])))
);

ALTER TABLE public.erasure_journal ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.erasure_journal_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.event_counts (
    account_id bigint NOT NULL,
    campaign_id bigint NOT NULL,
    month date NOT NULL,
    kind text NOT NULL,
    link_id bigint DEFAULT 0 NOT NULL,
    verdict text NOT NULL,
    hits bigint NOT NULL,
    people bigint NOT NULL,
    CONSTRAINT event_counts_kind_check CHECK ((kind = ANY (ARRAY['open'::text, 'click'::text]))),
    CONSTRAINT event_counts_verdict_check CHECK ((verdict = ANY (ARRAY['person'::text, 'machine'::text, 'unknown'::text])))
)
WITH (fillfactor='50');

ALTER TABLE ONLY public.event_counts FORCE ROW LEVEL SECURITY;

CREATE TABLE public.event_hours (
    account_id bigint NOT NULL,
    campaign_id bigint NOT NULL,
    hour timestamp with time zone NOT NULL,
    kind text NOT NULL,
    verdict text NOT NULL,
    hits bigint NOT NULL,
    CONSTRAINT event_hours_kind_check CHECK ((kind = ANY (ARRAY['open'::text, 'click'::text]))),
    CONSTRAINT event_hours_verdict_check CHECK ((verdict = ANY (ARRAY['person'::text, 'machine'::text, 'unknown'::text])))
)
WITH (fillfactor='50');

ALTER TABLE ONLY public.event_hours FORCE ROW LEVEL SECURITY;

CREATE TABLE public.events (
    account_id bigint NOT NULL,
    id text NOT NULL,
    at timestamp with time zone NOT NULL,
    campaign_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    kind text NOT NULL,
    link_id bigint,
    verdict text DEFAULT 'unknown'::text NOT NULL,
    signals jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT events_kind_check CHECK ((kind = ANY (ARRAY['open'::text, 'click'::text, 'unsubscribe'::text, 'complaint'::text, 'bounce'::text]))),
    CONSTRAINT events_verdict_check CHECK ((verdict = ANY (ARRAY['person'::text, 'machine'::text, 'unknown'::text])))
)
PARTITION BY RANGE (at);

ALTER TABLE ONLY public.events FORCE ROW LEVEL SECURITY;

CREATE TABLE public.evidence (
    account_id bigint NOT NULL,
    campaign_id bigint NOT NULL,
    lane smallint NOT NULL,
    profile text NOT NULL,
    delivered integer DEFAULT 0 NOT NULL,
    hard integer DEFAULT 0 NOT NULL,
    other integer DEFAULT 0 NOT NULL,
    refused integer DEFAULT 0 NOT NULL
)
WITH (fillfactor='50');

ALTER TABLE ONLY public.evidence FORCE ROW LEVEL SECURITY;

CREATE TABLE public.export_members (
    account_id bigint NOT NULL,
    export_id bigint NOT NULL,
    n integer NOT NULL,
    part integer NOT NULL,
    name text NOT NULL,
    offset_ bigint NOT NULL,
    packed bigint DEFAULT 0 NOT NULL,
    size bigint DEFAULT 0 NOT NULL,
    rows bigint DEFAULT 0 NOT NULL,
    crc bigint DEFAULT 0 NOT NULL,
    sha256 bytea
);

ALTER TABLE ONLY public.export_members FORCE ROW LEVEL SECURITY;

CREATE TABLE public.exports (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    what text NOT NULL,
    list_id bigint,
    campaign_id bigint,
    format text NOT NULL,
    state text DEFAULT 'waiting'::text NOT NULL,
    failure text DEFAULT ''::text NOT NULL,
    rows bigint DEFAULT 0 NOT NULL,
    "position" bigint DEFAULT 0 NOT NULL,
    file_id bigint,
    created_by bigint,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    expires_at timestamp with time zone,
    total bigint DEFAULT 0 NOT NULL,
    columns jsonb DEFAULT '[]'::jsonb NOT NULL,
    delimiter text DEFAULT ','::text NOT NULL,
    delivery_status text DEFAULT ''::text NOT NULL,
    delivery_reason text DEFAULT ''::text NOT NULL,
    provider text DEFAULT ''::text NOT NULL,
    status text DEFAULT ''::text NOT NULL,
    selection_id bigint,
    chosen jsonb DEFAULT '[]'::jsonb NOT NULL,
    started_at timestamp with time zone,
    top_id bigint DEFAULT 0 NOT NULL,
    part integer DEFAULT 0 NOT NULL,
    CONSTRAINT exports_delimiter_check CHECK ((delimiter = ANY (ARRAY[','::text, ';'::text]))),
    CONSTRAINT exports_format_check CHECK ((format = ANY (ARRAY['csv'::text, 'ndjson'::text, 'xlsx'::text, 'zip'::text]))),
    CONSTRAINT exports_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'running'::text, 'done'::text, 'failed'::text]))),
    CONSTRAINT exports_status_check CHECK ((status = ANY (ARRAY[''::text, 'active'::text, 'pending'::text, 'unsubscribed'::text]))),
    CONSTRAINT exports_what_check CHECK ((what = ANY (ARRAY['contacts'::text, 'suppressions'::text, 'deliveries'::text, 'account'::text])))
);

ALTER TABLE ONLY public.exports FORCE ROW LEVEL SECURITY;

ALTER TABLE public.exports ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.exports_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.feed_items (
    account_id bigint NOT NULL,
    recurrence_id bigint NOT NULL,
    key bytea NOT NULL,
    due_at timestamp with time zone,
    seen_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT feed_items_key_check CHECK ((length(key) = 16))
);

ALTER TABLE ONLY public.feed_items FORCE ROW LEVEL SECURITY;

CREATE TABLE public.feedback_counts (
    account_id bigint NOT NULL,
    day date NOT NULL,
    kind text NOT NULL,
    reason text NOT NULL,
    profile text NOT NULL,
    source text NOT NULL,
    n bigint NOT NULL,
    CONSTRAINT feedback_counts_kind_check CHECK (((length(kind) >= 1) AND (length(kind) <= 20))),
    CONSTRAINT feedback_counts_n_check CHECK ((n > 0)),
    CONSTRAINT feedback_counts_profile_check CHECK (((length(profile) >= 1) AND (length(profile) <= 60))),
    CONSTRAINT feedback_counts_reason_check CHECK (((length(reason) >= 1) AND (length(reason) <= 40))),
    CONSTRAINT feedback_counts_source_check CHECK ((source = ANY (ARRAY['smtp'::text, 'mail'::text, 'webhook'::text])))
);

ALTER TABLE ONLY public.feedback_counts FORCE ROW LEVEL SECURITY;

CREATE TABLE public.feedback_hooks (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    server_id bigint NOT NULL,
    provider text NOT NULL,
    topic text DEFAULT ''::text NOT NULL,
    sealed_secret bytea,
    confirmed_at timestamp with time zone,
    last_event_at timestamp with time zone,
    last_error text DEFAULT ''::text NOT NULL,
    failed_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT feedback_hooks_last_error_check CHECK ((length(last_error) <= 40)),
    CONSTRAINT feedback_hooks_proof CHECK (
CASE provider
    WHEN 'ses'::text THEN ((topic <> ''::text) AND (sealed_secret IS NULL))
    ELSE ((topic = ''::text) AND (sealed_secret IS NOT NULL))
END),
    CONSTRAINT feedback_hooks_provider_check CHECK ((provider = ANY (ARRAY['ses'::text, 'sendgrid'::text, 'postmark'::text]))),
    CONSTRAINT feedback_hooks_topic_check CHECK ((length(topic) <= 400))
);

ALTER TABLE ONLY public.feedback_hooks FORCE ROW LEVEL SECURITY;

ALTER TABLE public.feedback_hooks ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.feedback_hooks_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.feedback_seen (
    account_id bigint NOT NULL,
    key bytea NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT feedback_seen_key_check CHECK ((length(key) = 16))
);

ALTER TABLE ONLY public.feedback_seen FORCE ROW LEVEL SECURITY;

CREATE TABLE public.field_changes (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    key text NOT NULL,
    act text NOT NULL,
    before text DEFAULT ''::text NOT NULL,
    after text DEFAULT ''::text NOT NULL,
    reached bigint DEFAULT 0 NOT NULL,
    changed bigint DEFAULT 0 NOT NULL,
    total bigint DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    CONSTRAINT field_changes_act_check CHECK ((act = ANY (ARRAY['delete_field'::text, 'rename_option'::text, 'delete_option'::text])))
);

ALTER TABLE ONLY public.field_changes FORCE ROW LEVEL SECURITY;

ALTER TABLE public.field_changes ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.field_changes_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.fields (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    key text NOT NULL,
    label text NOT NULL,
    type text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    options jsonb DEFAULT '[]'::jsonb NOT NULL,
    filled bigint,
    filled_at timestamp with time zone,
    CONSTRAINT fields_key_check CHECK ((key ~ '^[a-z][a-z0-9_]{0,39}$'::text)),
    CONSTRAINT fields_label_check CHECK (((length(label) >= 1) AND (length(label) <= 80))),
    CONSTRAINT fields_type_check CHECK ((type = ANY (ARRAY['text'::text, 'number'::text, 'date'::text, 'boolean'::text, 'list'::text, 'choice'::text, 'choices'::text])))
);

ALTER TABLE ONLY public.fields FORCE ROW LEVEL SECURITY;

ALTER TABLE public.fields ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.fields_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.file_chunks (
    account_id bigint NOT NULL,
    file_id bigint NOT NULL,
    n integer NOT NULL,
    bytes bytea NOT NULL
);

ALTER TABLE ONLY public.file_chunks ALTER COLUMN bytes SET STORAGE EXTERNAL;

ALTER TABLE ONLY public.file_chunks FORCE ROW LEVEL SECURITY;

CREATE TABLE public.files (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    media_type text NOT NULL,
    size bigint DEFAULT 0 NOT NULL,
    sha256 bytea,
    complete boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    CONSTRAINT files_kind_check CHECK ((kind = ANY (ARRAY['upload'::text, 'export'::text, 'rejects'::text, 'image'::text])))
);

ALTER TABLE ONLY public.files FORCE ROW LEVEL SECURITY;

ALTER TABLE public.files ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.files_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.former_people (
    id bigint NOT NULL,
    bucket smallint NOT NULL,
    salted text NOT NULL,
    proof bytea NOT NULL,
    erased_at timestamp with time zone NOT NULL,
    CONSTRAINT former_people_bucket_check CHECK (((bucket >= 0) AND (bucket <= 255))),
    CONSTRAINT former_people_proof_check CHECK ((octet_length(proof) = 32))
);

ALTER TABLE public.former_people ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.former_people_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.held_people (
    id bigint NOT NULL,
    account_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    data jsonb NOT NULL,
    legal_basis text NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

ALTER TABLE public.held_people ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.held_people_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.idempotency_keys (
    account_id bigint NOT NULL,
    key_hash bytea NOT NULL,
    body_hash bytea NOT NULL,
    status smallint NOT NULL,
    location text DEFAULT ''::text NOT NULL,
    answer bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT idempotency_keys_body_hash_check CHECK ((length(body_hash) = 32)),
    CONSTRAINT idempotency_keys_key_hash_check CHECK ((length(key_hash) = 32))
);

ALTER TABLE ONLY public.idempotency_keys FORCE ROW LEVEL SECURITY;

CREATE TABLE public.image_uses (
    account_id bigint NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    ref_id bigint NOT NULL,
    part integer DEFAULT 0 NOT NULL,
    CONSTRAINT image_uses_kind_check CHECK ((kind = ANY (ARRAY['campaign'::text, 'variant'::text, 'design'::text, 'form'::text, 'version'::text, 'brand'::text])))
);

ALTER TABLE ONLY public.image_uses FORCE ROW LEVEL SECURITY;

CREATE TABLE public.images (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    name text NOT NULL,
    file_id bigint NOT NULL,
    label text DEFAULT ''::text NOT NULL,
    alt text DEFAULT ''::text NOT NULL,
    media_type text NOT NULL,
    width integer NOT NULL,
    height integer NOT NULL,
    size integer NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    thumbnail_name text,
    thumbnail_file_id bigint,
    decorative boolean DEFAULT false NOT NULL,
    folder text DEFAULT ''::text NOT NULL,
    search text DEFAULT ''::text NOT NULL,
    shown_width integer NOT NULL,
    frames integer DEFAULT 1 NOT NULL,
    seconds real DEFAULT 0 NOT NULL,
    kept boolean DEFAULT false NOT NULL,
    used_until timestamp with time zone DEFAULT now(),
    CONSTRAINT images_folder_check CHECK ((length(folder) <= 80))
);

ALTER TABLE ONLY public.images FORCE ROW LEVEL SECURITY;

ALTER TABLE public.images ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.images_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.import_changes (
    account_id bigint NOT NULL,
    import_id bigint NOT NULL,
    part bigint NOT NULL,
    contact_ids bigint[] NOT NULL
);

ALTER TABLE ONLY public.import_changes FORCE ROW LEVEL SECURITY;

CREATE TABLE public.import_mappings (
    account_id bigint NOT NULL,
    headings bytea NOT NULL,
    name text NOT NULL,
    mapping jsonb NOT NULL,
    used_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT import_mappings_headings_check CHECK ((length(headings) = 32)),
    CONSTRAINT import_mappings_name_check CHECK (((length(name) >= 1) AND (length(name) <= 120)))
);

ALTER TABLE ONLY public.import_mappings FORCE ROW LEVEL SECURITY;

CREATE TABLE public.import_opt_outs (
    account_id bigint NOT NULL,
    import_id bigint NOT NULL,
    line bigint NOT NULL,
    address_hash bytea NOT NULL,
    opt_out text NOT NULL,
    CONSTRAINT import_opt_outs_address_hash_check CHECK ((length(address_hash) = 16)),
    CONSTRAINT import_opt_outs_opt_out_check CHECK ((opt_out = ANY (ARRAY['unsubscribed'::text, 'blocked'::text, 'bounced'::text, 'complained'::text])))
);

ALTER TABLE ONLY public.import_opt_outs FORCE ROW LEVEL SECURITY;

CREATE TABLE public.import_parts (
    account_id bigint NOT NULL,
    import_id bigint NOT NULL,
    last_line bigint NOT NULL,
    lines bigint[] NOT NULL,
    emails text[] NOT NULL,
    address_keys text[] NOT NULL,
    address_hashes bytea[] NOT NULL,
    first_names text[] NOT NULL,
    first_name_keys text[] NOT NULL,
    last_names text[] NOT NULL,
    last_name_keys text[] NOT NULL,
    languages text[] NOT NULL,
    fields jsonb[] NOT NULL,
    doubles bigint[] DEFAULT '{}'::bigint[] NOT NULL
);

ALTER TABLE ONLY public.import_parts ALTER COLUMN lines SET STORAGE EXTERNAL;

ALTER TABLE ONLY public.import_parts ALTER COLUMN emails SET STORAGE EXTERNAL;

ALTER TABLE ONLY public.import_parts ALTER COLUMN address_keys SET STORAGE EXTERNAL;

ALTER TABLE ONLY public.import_parts ALTER COLUMN address_hashes SET STORAGE EXTERNAL;

ALTER TABLE ONLY public.import_parts ALTER COLUMN first_names SET STORAGE EXTERNAL;

ALTER TABLE ONLY public.import_parts ALTER COLUMN first_name_keys SET STORAGE EXTERNAL;

ALTER TABLE ONLY public.import_parts ALTER COLUMN last_names SET STORAGE EXTERNAL;

ALTER TABLE ONLY public.import_parts ALTER COLUMN last_name_keys SET STORAGE EXTERNAL;

ALTER TABLE ONLY public.import_parts ALTER COLUMN languages SET STORAGE EXTERNAL;

ALTER TABLE ONLY public.import_parts ALTER COLUMN fields SET STORAGE EXTERNAL;

ALTER TABLE ONLY public.import_parts FORCE ROW LEVEL SECURITY;

CREATE TABLE public.import_rejects (
    account_id bigint NOT NULL,
    import_id bigint NOT NULL,
    line bigint NOT NULL,
    n smallint NOT NULL,
    column_name text DEFAULT ''::text NOT NULL,
    value text DEFAULT ''::text NOT NULL,
    code text NOT NULL,
    message text NOT NULL,
    params jsonb DEFAULT '{}'::jsonb NOT NULL
);

ALTER TABLE ONLY public.import_rejects FORCE ROW LEVEL SECURITY;

CREATE TABLE public.import_removals (
    account_id bigint NOT NULL,
    import_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    list_id bigint NOT NULL,
    status text NOT NULL,
    legal_basis text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    status_at timestamp with time zone NOT NULL,
    given_by bigint
);

ALTER TABLE ONLY public.import_removals FORCE ROW LEVEL SECURITY;

CREATE VIEW public.import_rows WITH (security_invoker='true') AS
 SELECT p.account_id,
    p.import_id,
    p.last_line AS part,
    r.line,
    r.email,
    r.address_key,
    r.address_hash,
    r.first_name,
    r.first_name_key,
    r.last_name,
    r.last_name_key,
    r.language,
    r.fields
   FROM (public.import_parts p
     CROSS JOIN LATERAL UNNEST(p.lines, p.emails, p.address_keys, p.address_hashes, p.first_names, p.first_name_keys, p.last_names, p.last_name_keys, p.languages, p.fields) r(line, email, address_key, address_hash, first_name, first_name_key, last_name, last_name_key, language, fields))
  WHERE (r.line <> ALL (p.doubles));

CREATE TABLE public.import_values (
    account_id bigint NOT NULL,
    import_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    first_name text NOT NULL,
    last_name text NOT NULL,
    first_name_key text NOT NULL,
    last_name_key text NOT NULL,
    language text NOT NULL,
    fields jsonb NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.import_values FORCE ROW LEVEL SECURITY;

CREATE TABLE public.imports (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    file_id bigint,
    file_name text NOT NULL,
    file_sha256 bytea,
    state text DEFAULT 'uploaded'::text NOT NULL,
    failure text DEFAULT ''::text NOT NULL,
    encoding text DEFAULT ''::text NOT NULL,
    delimiter text DEFAULT ''::text NOT NULL,
    has_header boolean DEFAULT true NOT NULL,
    header jsonb DEFAULT '[]'::jsonb NOT NULL,
    sample jsonb DEFAULT '[]'::jsonb NOT NULL,
    mapping jsonb DEFAULT '[]'::jsonb NOT NULL,
    options jsonb DEFAULT '{}'::jsonb NOT NULL,
    legal_basis text DEFAULT ''::text NOT NULL,
    origin text DEFAULT ''::text NOT NULL,
    collected_from date,
    collected_to date,
    attested_by text DEFAULT ''::text NOT NULL,
    attested_at timestamp with time zone,
    bytes_read bigint DEFAULT 0 NOT NULL,
    lines_read bigint DEFAULT 0 NOT NULL,
    rows_read bigint DEFAULT 0 NOT NULL,
    merged_to_line bigint DEFAULT 0 NOT NULL,
    counts jsonb DEFAULT '{}'::jsonb NOT NULL,
    rejects_file_id bigint,
    created_by bigint,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    language text DEFAULT 'fr'::text NOT NULL,
    first_offset bigint DEFAULT 0 NOT NULL,
    first_line bigint DEFAULT 1 NOT NULL,
    attempt integer DEFAULT 0 NOT NULL,
    resumed_at_line bigint,
    examples jsonb DEFAULT '{}'::jsonb NOT NULL,
    undone_to_line bigint DEFAULT 0 NOT NULL,
    undo_counts jsonb DEFAULT '{}'::jsonb NOT NULL,
    undone_at timestamp with time zone,
    format text DEFAULT 'csv'::text NOT NULL,
    sheet text DEFAULT ''::text NOT NULL,
    sheets jsonb DEFAULT '[]'::jsonb NOT NULL,
    original_file_id bigint,
    lines_turned bigint DEFAULT 0 NOT NULL,
    closed jsonb DEFAULT '[]'::jsonb NOT NULL,
    guard jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT imports_format_check CHECK ((format = ANY (ARRAY['csv'::text, 'xlsx'::text, 'ndjson'::text]))),
    CONSTRAINT imports_language_check CHECK ((language = ANY (ARRAY['fr'::text, 'en'::text]))),
    CONSTRAINT imports_state_check CHECK ((state = ANY (ARRAY['uploaded'::text, 'mapped'::text, 'checking'::text, 'checked'::text, 'running'::text, 'done'::text, 'undoing'::text, 'undone'::text, 'failed'::text, 'cancelled'::text])))
);

ALTER TABLE ONLY public.imports FORCE ROW LEVEL SECURITY;

ALTER TABLE public.imports ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.imports_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.inactive_contacts (
    account_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    idle_since timestamp with time zone NOT NULL,
    found_at timestamp with time zone DEFAULT now() NOT NULL,
    told_at timestamp with time zone,
    due_at timestamp with time zone,
    asked_at timestamp with time zone,
    CONSTRAINT inactive_contacts_asked CHECK (((asked_at IS NULL) OR (told_at IS NOT NULL))),
    CONSTRAINT inactive_contacts_told CHECK (((told_at IS NULL) = (due_at IS NULL)))
);

ALTER TABLE ONLY public.inactive_contacts FORCE ROW LEVEL SECURITY;

CREATE TABLE public.inactive_walks (
    account_id bigint NOT NULL,
    cursor bigint DEFAULT 0 NOT NULL,
    next_at timestamp with time zone DEFAULT now() NOT NULL,
    told_at timestamp with time zone
);

ALTER TABLE ONLY public.inactive_walks FORCE ROW LEVEL SECURITY;

CREATE TABLE public.inbound_mails (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    received_at timestamp with time zone DEFAULT now() NOT NULL,
    digest bytea NOT NULL,
    size integer NOT NULL,
    state text DEFAULT 'new'::text NOT NULL,
    kind text DEFAULT ''::text NOT NULL,
    rule text DEFAULT ''::text NOT NULL,
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    attempts smallint DEFAULT 0 NOT NULL,
    key_day date,
    content bytea,
    handled_at timestamp with time zone,
    handled_by bigint,
    CONSTRAINT inbound_mails_content CHECK (((state <> 'new'::text) OR (content IS NOT NULL))),
    CONSTRAINT inbound_mails_digest_check CHECK ((length(digest) = 16)),
    CONSTRAINT inbound_mails_handled CHECK (((state = 'handled'::text) = (handled_at IS NOT NULL))),
    CONSTRAINT inbound_mails_sealed CHECK (((key_day IS NULL) = (content IS NULL))),
    CONSTRAINT inbound_mails_size_check CHECK ((size >= 0)),
    CONSTRAINT inbound_mails_state_check CHECK ((state = ANY (ARRAY['new'::text, 'done'::text, 'open'::text, 'handled'::text])))
);

ALTER TABLE ONLY public.inbound_mails FORCE ROW LEVEL SECURITY;

ALTER TABLE public.inbound_mails ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.inbound_mails_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.inbox_mails (
    id bigint NOT NULL,
    received_at timestamp with time zone DEFAULT now() NOT NULL,
    mail_from text NOT NULL,
    recipient text NOT NULL,
    subject text DEFAULT ''::text NOT NULL,
    feedback_id text DEFAULT ''::text NOT NULL,
    raw bytea NOT NULL
);

ALTER TABLE public.inbox_mails ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.inbox_mails_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.installation (
    one boolean DEFAULT true NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    mark bigint DEFAULT 0 NOT NULL,
    marked_at timestamp with time zone DEFAULT now() NOT NULL,
    held_since timestamp with time zone,
    held_reason text DEFAULT ''::text NOT NULL,
    known_mark bigint,
    known_at timestamp with time zone,
    waiting integer DEFAULT 0 NOT NULL,
    begun integer DEFAULT 0 NOT NULL,
    replayed integer,
    resume_begun boolean DEFAULT false NOT NULL,
    erased_again integer,
    CONSTRAINT installation_held CHECK (((held_since IS NULL) = (held_reason = ''::text))),
    CONSTRAINT installation_held_reason_check CHECK ((held_reason = ANY (ARRAY[''::text, 'behind'::text, 'copy'::text, 'operator'::text]))),
    CONSTRAINT installation_one_check CHECK (one)
);

CREATE TABLE public.invitations (
    id bigint NOT NULL,
    account_id bigint NOT NULL,
    email text NOT NULL,
    address_key text NOT NULL,
    role text NOT NULL,
    can_send boolean DEFAULT false NOT NULL,
    token_hash bytea NOT NULL,
    invited_by bigint NOT NULL,
    sent_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT invitations_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'manager'::text, 'editor'::text, 'analyst'::text])))
);

ALTER TABLE public.invitations ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.invitations_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.judgements (
    account_id bigint NOT NULL,
    rules integer NOT NULL,
    after_id text DEFAULT ''::text NOT NULL,
    after_at timestamp with time zone DEFAULT '1970-01-01 00:00:00+00'::timestamp with time zone NOT NULL,
    changed bigint DEFAULT 0 NOT NULL,
    done_at timestamp with time zone
);

ALTER TABLE ONLY public.judgements FORCE ROW LEVEL SECURITY;

CREATE TABLE public.kept_counts (
    account_id bigint NOT NULL,
    name text NOT NULL,
    ref_id bigint NOT NULL,
    size bigint NOT NULL,
    value jsonb NOT NULL,
    counted_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.kept_counts FORCE ROW LEVEL SECURITY;

CREATE TABLE public.kept_forms (
    token_hash bytea NOT NULL,
    user_id bigint NOT NULL,
    sealed bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

CREATE TABLE public.last_open_days (
    account_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    day date NOT NULL
);

ALTER TABLE ONLY public.last_open_days FORCE ROW LEVEL SECURITY;

CREATE TABLE public.legal_holds (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    contact_id bigint,
    article text NOT NULL,
    reason text NOT NULL,
    placed_at timestamp with time zone NOT NULL,
    placed_by text NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    lifted_at timestamp with time zone,
    CONSTRAINT legal_holds_article_check CHECK (((length(article) >= 3) AND (length(article) <= 200))),
    CONSTRAINT legal_holds_end CHECK ((ends_at > placed_at)),
    CONSTRAINT legal_holds_reason_check CHECK (((length(reason) >= 3) AND (length(reason) <= 500)))
);

ALTER TABLE ONLY public.legal_holds FORCE ROW LEVEL SECURITY;

ALTER TABLE public.legal_holds ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.legal_holds_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.legal_texts (
    sha256 bytea NOT NULL,
    text text NOT NULL,
    CONSTRAINT legal_texts_sha256_check CHECK ((octet_length(sha256) = 32)),
    CONSTRAINT legal_texts_text_check CHECK (((length(text) >= 1) AND (length(text) <= 200000)))
);

CREATE TABLE public.links (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    campaign_id bigint NOT NULL,
    "position" smallint NOT NULL,
    url text NOT NULL,
    label text DEFAULT ''::text NOT NULL,
    variant smallint DEFAULT 1 NOT NULL
);

ALTER TABLE ONLY public.links FORCE ROW LEVEL SECURITY;

ALTER TABLE public.links ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.links_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.mailing_lists ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.mailing_lists_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.measurement_settings (
    account_id bigint NOT NULL,
    opens text DEFAULT 'individual'::text NOT NULL,
    clicks text DEFAULT 'individual'::text NOT NULL,
    sunset_months smallint DEFAULT 12 NOT NULL,
    opens_since timestamp with time zone DEFAULT now() NOT NULL,
    sunset_cursor bigint DEFAULT 0 NOT NULL,
    sunset_next_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT measurement_settings_clicks_check CHECK ((clicks = ANY (ARRAY['off'::text, 'individual'::text]))),
    CONSTRAINT measurement_settings_opens_check CHECK ((opens = ANY (ARRAY['off'::text, 'last_day'::text, 'aggregate'::text, 'individual'::text]))),
    CONSTRAINT measurement_settings_sunset_months_check CHECK (((sunset_months >= 6) AND (sunset_months <= 12)))
);

ALTER TABLE ONLY public.measurement_settings FORCE ROW LEVEL SECURITY;

CREATE TABLE public.memberships (
    account_id bigint NOT NULL,
    user_id bigint NOT NULL,
    role text NOT NULL,
    can_send boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT memberships_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'manager'::text, 'editor'::text, 'analyst'::text])))
);

CREATE TABLE public.messages (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    status text DEFAULT 'queued'::text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    sender_id bigint NOT NULL,
    design_id bigint,
    template text DEFAULT ''::text NOT NULL,
    contact_id bigint,
    address_hash bytea,
    key_hash bytea,
    body_hash bytea,
    key_day date,
    envelope bytea,
    content bytea,
    turn integer,
    attempts smallint DEFAULT 0 NOT NULL,
    next_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    first_at timestamp with time zone,
    final_at timestamp with time zone,
    smtp_code smallint,
    smtp_reply text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    bounce_reason text DEFAULT ''::text NOT NULL,
    CONSTRAINT messages_address_hash_check CHECK ((length(address_hash) = 16)),
    CONSTRAINT messages_bounce_reason_check CHECK ((length(bounce_reason) <= 40)),
    CONSTRAINT messages_content CHECK (((final_at IS NOT NULL) OR (content IS NOT NULL))),
    CONSTRAINT messages_final CHECK (((final_at IS NULL) = (status = ANY (ARRAY['queued'::text, 'claimed'::text, 'handing'::text])))),
    CONSTRAINT messages_key CHECK (((key_hash IS NULL) = (body_hash IS NULL))),
    CONSTRAINT messages_sealed CHECK ((((key_day IS NULL) = (envelope IS NULL)) AND ((key_day IS NULL) = (content IS NULL)))),
    CONSTRAINT messages_status_check CHECK ((status = ANY (ARRAY['queued'::text, 'claimed'::text, 'handing'::text, 'delivered'::text, 'bounced'::text, 'failed'::text, 'skipped'::text, 'cancelled'::text, 'in_doubt'::text])))
);

ALTER TABLE ONLY public.messages FORCE ROW LEVEL SECURITY;

ALTER TABLE public.messages ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.messages_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.mx_domains (
    domain text NOT NULL,
    profile text NOT NULL,
    looked_up_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT mx_domains_domain_check CHECK (((length(domain) >= 1) AND (length(domain) <= 255)))
);

CREATE TABLE public.notices (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    kind text NOT NULL,
    ref_id bigint NOT NULL,
    number smallint NOT NULL,
    at timestamp with time zone NOT NULL,
    facts jsonb NOT NULL,
    CONSTRAINT notices_kind_check CHECK ((kind = ANY (ARRAY['breach'::text, 'authority'::text]))),
    CONSTRAINT notices_number_check CHECK ((number > 0))
);

ALTER TABLE ONLY public.notices FORCE ROW LEVEL SECURITY;

ALTER TABLE public.notices ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.notices_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.one_time_links (
    token_hash bytea NOT NULL,
    user_id bigint NOT NULL,
    purpose text NOT NULL,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    CONSTRAINT one_time_links_purpose_check CHECK ((purpose = ANY (ARRAY['confirm_email'::text, 'reset_password'::text, 'sign_in'::text, 'change_email'::text])))
);

CREATE TABLE public.open_counts (
    account_id bigint NOT NULL,
    campaign_id bigint NOT NULL,
    loads bigint DEFAULT 0 NOT NULL,
    machine_loads bigint DEFAULT 0 NOT NULL
);

ALTER TABLE ONLY public.open_counts FORCE ROW LEVEL SECURITY;

CREATE TABLE public.operator_mailbox (
    one boolean DEFAULT true NOT NULL,
    host text NOT NULL,
    port integer NOT NULL,
    tls text NOT NULL,
    username text NOT NULL,
    sealed_password bytea NOT NULL,
    folder text DEFAULT 'INBOX'::text NOT NULL,
    done_folder text DEFAULT ''::text NOT NULL,
    uid_validity bigint DEFAULT 0 NOT NULL,
    last_uid bigint DEFAULT 0 NOT NULL,
    taken bigint DEFAULT 0 NOT NULL,
    left_alone bigint DEFAULT 0 NOT NULL,
    checked_at timestamp with time zone,
    failures integer DEFAULT 0 NOT NULL,
    last_error text DEFAULT ''::text NOT NULL,
    failed_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT operator_mailbox_done_folder_check CHECK ((length(done_folder) <= 200)),
    CONSTRAINT operator_mailbox_folder_check CHECK (((length(folder) >= 1) AND (length(folder) <= 200))),
    CONSTRAINT operator_mailbox_host_check CHECK (((length(host) >= 1) AND (length(host) <= 253))),
    CONSTRAINT operator_mailbox_last_error_check CHECK ((length(last_error) <= 40)),
    CONSTRAINT operator_mailbox_one_check CHECK (one),
    CONSTRAINT operator_mailbox_port_check CHECK (((port >= 1) AND (port <= 65535))),
    CONSTRAINT operator_mailbox_tls_check CHECK ((tls = ANY (ARRAY['implicit'::text, 'starttls'::text]))),
    CONSTRAINT operator_mailbox_username_check CHECK (((length(username) >= 1) AND (length(username) <= 320)))
);

CREATE TABLE public.original (
    one boolean DEFAULT true NOT NULL,
    CONSTRAINT original_one_check CHECK (one)
);

CREATE TABLE public.outbox (
    id bigint NOT NULL,
    account_id bigint DEFAULT 0 NOT NULL,
    kind text NOT NULL,
    recipient text NOT NULL,
    language text DEFAULT 'fr'::text NOT NULL,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    sent_at timestamp with time zone,
    failed_at timestamp with time zone,
    reply text DEFAULT ''::text NOT NULL
);

ALTER TABLE public.outbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.platform_chain (
    one boolean DEFAULT true NOT NULL,
    n bigint DEFAULT 0 NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT platform_chain_hash_check CHECK ((octet_length(hash) = 32)),
    CONSTRAINT platform_chain_one_check CHECK (one)
);

CREATE TABLE public.platform_proofs (
    n bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    record text NOT NULL,
    hash bytea NOT NULL,
    key_id smallint NOT NULL,
    signature bytea NOT NULL,
    CONSTRAINT platform_proofs_hash_check CHECK ((octet_length(hash) = 32)),
    CONSTRAINT platform_proofs_n_check CHECK ((n > 0)),
    CONSTRAINT platform_proofs_signature_check CHECK ((octet_length(signature) = 64))
);

CREATE TABLE public.policy_versions (
    id bigint NOT NULL,
    kind text NOT NULL,
    version text NOT NULL,
    french bytea NOT NULL,
    english bytea NOT NULL,
    built_in boolean DEFAULT false NOT NULL,
    published_at timestamp with time zone NOT NULL,
    published_by bigint,
    effective_on date NOT NULL,
    urgent_reason text DEFAULT ''::text NOT NULL,
    CONSTRAINT policy_versions_kind_check CHECK ((kind = ANY (ARRAY['privacy'::text, 'terms'::text, 'agreement'::text]))),
    CONSTRAINT policy_versions_notice CHECK ((built_in OR (urgent_reason <> ''::text) OR (effective_on >= (((published_at AT TIME ZONE 'UTC'::text))::date + 30)))),
    CONSTRAINT policy_versions_urgent_reason_check CHECK ((length(urgent_reason) <= 500)),
    CONSTRAINT policy_versions_version_check CHECK (((length(version) >= 1) AND (length(version) <= 20)))
);

ALTER TABLE public.policy_versions ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.policy_versions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.privacy_facts (
    account_id bigint NOT NULL,
    authority text DEFAULT ''::text NOT NULL,
    origin text DEFAULT ''::text NOT NULL,
    provision text DEFAULT ''::text NOT NULL,
    other_recipients text DEFAULT ''::text NOT NULL,
    transfers text DEFAULT ''::text NOT NULL,
    interests text DEFAULT ''::text NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    CONSTRAINT privacy_facts_authority_check CHECK ((length(authority) <= 300)),
    CONSTRAINT privacy_facts_interests_check CHECK ((length(interests) <= 1000)),
    CONSTRAINT privacy_facts_origin_check CHECK ((length(origin) <= 1000)),
    CONSTRAINT privacy_facts_other_recipients_check CHECK ((length(other_recipients) <= 1000)),
    CONSTRAINT privacy_facts_provision_check CHECK ((length(provision) <= 1000)),
    CONSTRAINT privacy_facts_transfers_check CHECK ((length(transfers) <= 1000))
);

ALTER TABLE ONLY public.privacy_facts FORCE ROW LEVEL SECURITY;

CREATE TABLE public.proof_keys (
    id smallint NOT NULL,
    public_key bytea NOT NULL,
    sealed bytea NOT NULL,
    made_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT proof_keys_id_check CHECK ((id > 0)),
    CONSTRAINT proof_keys_public_key_check CHECK ((octet_length(public_key) = 32))
);

CREATE TABLE public.provider_pauses (
    server text NOT NULL,
    profile text NOT NULL,
    until timestamp with time zone NOT NULL,
    reply text DEFAULT ''::text NOT NULL
);

CREATE TABLE public.provider_stops (
    account_id bigint NOT NULL,
    campaign_id bigint NOT NULL,
    profile text NOT NULL,
    cause text NOT NULL,
    refused integer NOT NULL,
    reply text DEFAULT ''::text NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT provider_stops_cause_check CHECK ((cause = ANY (ARRAY['auth'::text, 'policy'::text])))
);

ALTER TABLE ONLY public.provider_stops FORCE ROW LEVEL SECURITY;

CREATE TABLE public.recovery_codes (
    user_id bigint NOT NULL,
    code_hash bytea NOT NULL,
    used_at timestamp with time zone
);

CREATE TABLE public.recurrences (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    campaign_id bigint NOT NULL,
    every text NOT NULL,
    weekdays smallint[] DEFAULT '{}'::smallint[] NOT NULL,
    month_day smallint,
    last_weekday smallint,
    at time without time zone NOT NULL,
    time_zone text NOT NULL,
    ends_on date,
    skip_unchanged boolean DEFAULT false NOT NULL,
    status text NOT NULL,
    pause_faults jsonb DEFAULT '[]'::jsonb NOT NULL,
    next_at timestamp with time zone,
    number integer DEFAULT 0 NOT NULL,
    last_content bytea,
    version integer DEFAULT 1 NOT NULL,
    created_by bigint,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    feed_url text DEFAULT ''::text NOT NULL,
    feed_etag text DEFAULT ''::text NOT NULL,
    feed_modified text DEFAULT ''::text NOT NULL,
    feed_shown jsonb DEFAULT '[]'::jsonb NOT NULL,
    feed_read_at timestamp with time zone,
    feed_error text DEFAULT ''::text NOT NULL,
    feed_failures integer DEFAULT 0 NOT NULL,
    CONSTRAINT recurrences_days CHECK (
CASE every
    WHEN 'day'::text THEN ((weekdays = '{}'::smallint[]) AND (month_day IS NULL) AND (last_weekday IS NULL))
    WHEN 'week'::text THEN ((weekdays <> '{}'::smallint[]) AND (month_day IS NULL) AND (last_weekday IS NULL))
    ELSE ((weekdays = '{}'::smallint[]) AND ((month_day IS NULL) <> (last_weekday IS NULL)))
END),
    CONSTRAINT recurrences_every_check CHECK ((every = ANY (ARRAY['day'::text, 'week'::text, 'month'::text]))),
    CONSTRAINT recurrences_feed_error_check CHECK ((length(feed_error) <= 40)),
    CONSTRAINT recurrences_feed_etag_check CHECK ((length(feed_etag) <= 300)),
    CONSTRAINT recurrences_feed_modified_check CHECK ((length(feed_modified) <= 100)),
    CONSTRAINT recurrences_feed_url_check CHECK ((length(feed_url) <= 1000)),
    CONSTRAINT recurrences_last_weekday_check CHECK (((last_weekday >= 1) AND (last_weekday <= 7))),
    CONSTRAINT recurrences_month_day_check CHECK (((month_day >= 1) AND (month_day <= 31))),
    CONSTRAINT recurrences_next CHECK (((next_at IS NOT NULL) = (status = 'active'::text))),
    CONSTRAINT recurrences_status_check CHECK ((status = ANY (ARRAY['active'::text, 'paused'::text, 'ended'::text]))),
    CONSTRAINT recurrences_weekdays_check CHECK ((weekdays <@ '{1,2,3,4,5,6,7}'::smallint[]))
);

ALTER TABLE ONLY public.recurrences FORCE ROW LEVEL SECURITY;

ALTER TABLE public.recurrences ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.recurrences_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.report_mailboxes (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    host text NOT NULL,
    port integer NOT NULL,
    tls text NOT NULL,
    username text NOT NULL,
    sealed_password bytea NOT NULL,
    folder text DEFAULT 'INBOX'::text NOT NULL,
    done_folder text DEFAULT ''::text NOT NULL,
    uid_validity bigint DEFAULT 0 NOT NULL,
    last_uid bigint DEFAULT 0 NOT NULL,
    taken bigint DEFAULT 0 NOT NULL,
    left_alone bigint DEFAULT 0 NOT NULL,
    checked_at timestamp with time zone,
    failures integer DEFAULT 0 NOT NULL,
    last_error text DEFAULT ''::text NOT NULL,
    failed_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT report_mailboxes_done_folder_check CHECK ((length(done_folder) <= 200)),
    CONSTRAINT report_mailboxes_folder_check CHECK (((length(folder) >= 1) AND (length(folder) <= 200))),
    CONSTRAINT report_mailboxes_host_check CHECK (((length(host) >= 1) AND (length(host) <= 253))),
    CONSTRAINT report_mailboxes_last_error_check CHECK ((length(last_error) <= 40)),
    CONSTRAINT report_mailboxes_port_check CHECK (((port >= 1) AND (port <= 65535))),
    CONSTRAINT report_mailboxes_tls_check CHECK ((tls = ANY (ARRAY['implicit'::text, 'starttls'::text]))),
    CONSTRAINT report_mailboxes_username_check CHECK (((length(username) >= 1) AND (length(username) <= 320)))
);

ALTER TABLE ONLY public.report_mailboxes FORCE ROW LEVEL SECURITY;

ALTER TABLE public.report_mailboxes ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.report_mailboxes_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.restrictions (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    contact_id bigint NOT NULL,
    ground text NOT NULL,
    since timestamp with time zone DEFAULT now() NOT NULL,
    lifted_at timestamp with time zone,
    lift_reason text DEFAULT ''::text NOT NULL,
    CONSTRAINT restrictions_ground_check CHECK ((ground = ANY (ARRAY['accuracy'::text, 'unlawful'::text, 'claims'::text, 'objection'::text]))),
    CONSTRAINT restrictions_lift_reason_check CHECK ((length(lift_reason) <= 500)),
    CONSTRAINT restrictions_lifted CHECK (((lifted_at IS NULL) = (lift_reason = ''::text)))
);

ALTER TABLE ONLY public.restrictions FORCE ROW LEVEL SECURITY;

ALTER TABLE public.restrictions ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.restrictions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.retention_alarm (
    one boolean DEFAULT true NOT NULL,
    told_at timestamp with time zone NOT NULL,
    CONSTRAINT retention_alarm_one_check CHECK (one)
);

CREATE TABLE public.retention_chains (
    account_id bigint NOT NULL,
    n bigint DEFAULT 0 NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT retention_chains_hash_check CHECK ((octet_length(hash) = 32))
);

ALTER TABLE ONLY public.retention_chains FORCE ROW LEVEL SECURITY;

CREATE TABLE public.retention_passes (
    account_id bigint NOT NULL,
    rule text NOT NULL,
    last_run_at timestamp with time zone NOT NULL,
    deleted bigint DEFAULT 0 NOT NULL,
    unproven bigint DEFAULT 0 NOT NULL
);

ALTER TABLE ONLY public.retention_passes FORCE ROW LEVEL SECURITY;

CREATE TABLE public.retention_proofs (
    account_id bigint NOT NULL,
    n bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    record text NOT NULL,
    hash bytea NOT NULL,
    key_id smallint NOT NULL,
    signature bytea NOT NULL,
    CONSTRAINT retention_proofs_hash_check CHECK ((octet_length(hash) = 32)),
    CONSTRAINT retention_proofs_n_check CHECK ((n > 0)),
    CONSTRAINT retention_proofs_signature_check CHECK ((octet_length(signature) = 64))
);

ALTER TABLE ONLY public.retention_proofs FORCE ROW LEVEL SECURITY;

CREATE TABLE public.retention_runs (
    rule text NOT NULL,
    last_run_at timestamp with time zone NOT NULL,
    deleted bigint DEFAULT 0 NOT NULL,
    unproven bigint DEFAULT 0 NOT NULL
);

CREATE TABLE public.retention_settings (
    account_id bigint NOT NULL,
    keep_totals boolean NOT NULL
);

ALTER TABLE ONLY public.retention_settings FORCE ROW LEVEL SECURITY;

CREATE TABLE public.retention_watch (
    account_id bigint NOT NULL,
    checked_at timestamp with time zone NOT NULL,
    late_since timestamp with time zone,
    late text[] DEFAULT '{}'::text[] NOT NULL
);

CREATE TABLE public.revisions (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    campaign_id bigint NOT NULL,
    key_day date NOT NULL,
    sealed bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    variant smallint DEFAULT 1 NOT NULL,
    links_of smallint DEFAULT 1 NOT NULL
);

ALTER TABLE ONLY public.revisions FORCE ROW LEVEL SECURITY;

ALTER TABLE public.revisions ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.revisions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.rights_asks (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    kind text NOT NULL,
    address_hash bytea NOT NULL,
    sealed_address bytea NOT NULL,
    language text DEFAULT ''::text NOT NULL,
    asked_at timestamp with time zone DEFAULT now() NOT NULL,
    mailed_at timestamp with time zone,
    request_id bigint,
    CONSTRAINT rights_asks_address_hash_check CHECK ((length(address_hash) = 16)),
    CONSTRAINT rights_asks_kind_check CHECK ((kind = ANY (ARRAY['access'::text, 'correct'::text, 'erase'::text, 'object'::text, 'restrict'::text, 'portability'::text, 'tracking'::text]))),
    CONSTRAINT rights_asks_language_check CHECK ((language = ANY (ARRAY[''::text, 'fr'::text, 'en'::text])))
);

ALTER TABLE ONLY public.rights_asks FORCE ROW LEVEL SECURITY;

ALTER TABLE public.rights_asks ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.rights_asks_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.rights_requests (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    kind text NOT NULL,
    channel text NOT NULL,
    contact_id bigint,
    address_hash bytea,
    sealed_address bytea,
    language text DEFAULT 'fr'::text NOT NULL,
    details text DEFAULT ''::text NOT NULL,
    received_at timestamp with time zone NOT NULL,
    due_on date NOT NULL,
    extended_at timestamp with time zone,
    extension_reason text DEFAULT ''::text NOT NULL,
    state text DEFAULT 'open'::text NOT NULL,
    by_instruction boolean DEFAULT false NOT NULL,
    handled_by bigint,
    answer text DEFAULT ''::text NOT NULL,
    finished_at timestamp with time zone,
    reminded text DEFAULT ''::text NOT NULL,
    copy_sent_at timestamp with time zone,
    copied_at timestamp with time zone,
    created_by bigint,
    by_operator boolean DEFAULT false NOT NULL,
    operator_told_at timestamp with time zone,
    CONSTRAINT rights_requests_address_hash_check CHECK ((length(address_hash) = 16)),
    CONSTRAINT rights_requests_answer_check CHECK ((length(answer) <= 10000)),
    CONSTRAINT rights_requests_channel_check CHECK ((channel = ANY (ARRAY['page'::text, 'mail'::text, 'post'::text, 'phone'::text, 'other'::text]))),
    CONSTRAINT rights_requests_details_check CHECK ((length(details) <= 4000)),
    CONSTRAINT rights_requests_extended CHECK (((extended_at IS NULL) = (extension_reason = ''::text))),
    CONSTRAINT rights_requests_extension_reason_check CHECK ((length(extension_reason) <= 1000)),
    CONSTRAINT rights_requests_finished CHECK (((state = 'open'::text) = (finished_at IS NULL))),
    CONSTRAINT rights_requests_kind_check CHECK ((kind = ANY (ARRAY['access'::text, 'correct'::text, 'erase'::text, 'object'::text, 'restrict'::text, 'portability'::text, 'tracking'::text]))),
    CONSTRAINT rights_requests_language_check CHECK ((language = ANY (ARRAY['fr'::text, 'en'::text]))),
    CONSTRAINT rights_requests_reminded_check CHECK ((reminded = ANY (ARRAY[''::text, 'week'::text, 'days'::text, 'overdue'::text]))),
    CONSTRAINT rights_requests_state_check CHECK ((state = ANY (ARRAY['open'::text, 'done'::text, 'refused'::text])))
);

ALTER TABLE ONLY public.rights_requests FORCE ROW LEVEL SECURITY;

ALTER TABLE public.rights_requests ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.rights_requests_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.rights_settings (
    account_id bigint NOT NULL,
    at_once text[] NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT rights_settings_at_once_check CHECK ((at_once <@ ARRAY['access'::text, 'correct'::text, 'erase'::text, 'restrict'::text, 'portability'::text]))
);

ALTER TABLE ONLY public.rights_settings FORCE ROW LEVEL SECURITY;

CREATE TABLE public.schema_migrations (
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.second_factors (
    user_id bigint NOT NULL,
    sealed bytea,
    since timestamp with time zone,
    last_step bigint DEFAULT 0 NOT NULL,
    pending bytea,
    pending_at timestamp with time zone,
    CONSTRAINT second_factors_on CHECK (((sealed IS NULL) = (since IS NULL))),
    CONSTRAINT second_factors_pending CHECK (((pending IS NULL) = (pending_at IS NULL)))
);

CREATE TABLE public.seeds (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    email text NOT NULL,
    address_key text NOT NULL,
    label text DEFAULT ''::text NOT NULL,
    team boolean DEFAULT false NOT NULL,
    status text DEFAULT 'pending'::text NOT NULL,
    asked_at timestamp with time zone DEFAULT now() NOT NULL,
    confirmed_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT seeds_label_check CHECK ((length(label) <= 120)),
    CONSTRAINT seeds_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'confirmed'::text, 'refused'::text, 'removed'::text])))
);

ALTER TABLE ONLY public.seeds FORCE ROW LEVEL SECURITY;

ALTER TABLE public.seeds ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.seeds_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.segments (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    name text NOT NULL,
    tree jsonb NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    contacts bigint,
    counted_at timestamp with time zone,
    counted_version integer,
    count_version integer,
    count_position bigint DEFAULT 0 NOT NULL,
    count_found bigint DEFAULT 0 NOT NULL,
    created_by bigint,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    CONSTRAINT segments_name_check CHECK (((length(name) >= 1) AND (length(name) <= 120)))
);

ALTER TABLE ONLY public.segments FORCE ROW LEVEL SECURITY;

ALTER TABLE public.segments ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.segments_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.selection_contacts (
    account_id bigint NOT NULL,
    selection_id bigint NOT NULL,
    contact_id bigint NOT NULL
);

ALTER TABLE ONLY public.selection_contacts FORCE ROW LEVEL SECURITY;

CREATE TABLE public.selections (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    action text NOT NULL,
    state text DEFAULT 'frozen'::text NOT NULL,
    filter jsonb DEFAULT '{}'::jsonb NOT NULL,
    list_id bigint,
    legal_basis text DEFAULT ''::text NOT NULL,
    source text DEFAULT ''::text NOT NULL,
    size integer DEFAULT 0 NOT NULL,
    changed integer DEFAULT 0 NOT NULL,
    refused integer DEFAULT 0 NOT NULL,
    "position" bigint DEFAULT 0 NOT NULL,
    created_by bigint,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    basis_date date,
    basis_about text DEFAULT ''::text NOT NULL,
    tag_id bigint,
    CONSTRAINT selections_action_check CHECK ((action = ANY (ARRAY['delete'::text, 'unsubscribe'::text, 'add'::text, 'remove'::text, 'tag'::text, 'untag'::text, 'export'::text]))),
    CONSTRAINT selections_state_check CHECK ((state = ANY (ARRAY['frozen'::text, 'running'::text, 'done'::text])))
);

ALTER TABLE ONLY public.selections FORCE ROW LEVEL SECURITY;

ALTER TABLE public.selections ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.selections_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.senders (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    email text NOT NULL,
    address_key text NOT NULL,
    name text NOT NULL,
    reply_to text DEFAULT ''::text NOT NULL,
    status text DEFAULT 'pending'::text NOT NULL,
    asked_at timestamp with time zone DEFAULT now() NOT NULL,
    confirmed_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    per_second double precision,
    CONSTRAINT senders_name_check CHECK (((length(name) >= 1) AND (length(name) <= 120))),
    CONSTRAINT senders_per_second_check CHECK (((per_second >= (0.01)::double precision) AND (per_second <= (1000)::double precision))),
    CONSTRAINT senders_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'confirmed'::text, 'revoked'::text])))
);

ALTER TABLE ONLY public.senders FORCE ROW LEVEL SECURITY;

ALTER TABLE public.senders ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.senders_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.sessions (
    token_hash bytea NOT NULL,
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    csrf bytea NOT NULL,
    flash jsonb,
    ip inet,
    user_agent text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    seen_at timestamp with time zone DEFAULT now() NOT NULL,
    confirmed_at timestamp with time zone DEFAULT now() NOT NULL,
    second_factor_at timestamp with time zone
);

ALTER TABLE public.sessions ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.sessions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.sign_in_steps (
    token_hash bytea NOT NULL,
    user_id bigint NOT NULL,
    sign_in_id bigint,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

CREATE TABLE public.sign_ins (
    id bigint NOT NULL,
    user_id bigint,
    at timestamp with time zone DEFAULT now() NOT NULL,
    ip inet,
    succeeded boolean NOT NULL,
    address_hash bytea,
    device bytea,
    place inet,
    method text DEFAULT 'password'::text NOT NULL,
    program text DEFAULT ''::text NOT NULL,
    CONSTRAINT sign_ins_method_check CHECK ((method = ANY (ARRAY['password'::text, 'link'::text, 'step'::text, 'code'::text, 'recovery'::text, 'second'::text])))
);

ALTER TABLE public.sign_ins ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.sign_ins_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.signing_keys (
    id smallint NOT NULL,
    sealed bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT signing_keys_id_check CHECK (((id >= 1) AND (id <= 255)))
);

CREATE TABLE public.signup_form_versions (
    account_id bigint NOT NULL,
    form_id bigint NOT NULL,
    version integer NOT NULL,
    frozen jsonb NOT NULL,
    published_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.signup_form_versions FORCE ROW LEVEL SECURITY;

CREATE TABLE public.signup_forms (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    name text NOT NULL,
    public_key text NOT NULL,
    draft jsonb NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    version integer,
    published_at timestamp with time zone,
    asked bigint DEFAULT 0 NOT NULL,
    confirmed bigint DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    CONSTRAINT signup_forms_name_check CHECK (((length(name) >= 1) AND (length(name) <= 120))),
    CONSTRAINT signup_forms_public_key_check CHECK ((public_key ~ '^[a-z2-7]{16}$'::text))
);

ALTER TABLE ONLY public.signup_forms FORCE ROW LEVEL SECURITY;

ALTER TABLE public.signup_forms ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.signup_forms_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.signup_requests (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    form_id bigint NOT NULL,
    version integer NOT NULL,
    contact_id bigint NOT NULL,
    address_hash bytea NOT NULL,
    list_ids bigint[] NOT NULL,
    given jsonb DEFAULT '{}'::jsonb NOT NULL,
    asked_at timestamp with time zone DEFAULT now() NOT NULL,
    confirmed_at timestamp with time zone,
    CONSTRAINT signup_requests_address_hash_check CHECK ((length(address_hash) = 16))
);

ALTER TABLE ONLY public.signup_requests FORCE ROW LEVEL SECURITY;

ALTER TABLE public.signup_requests ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.signup_requests_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.smtp_servers (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    "position" text NOT NULL,
    host text NOT NULL,
    port integer NOT NULL,
    tls text NOT NULL,
    username text DEFAULT ''::text NOT NULL,
    sealed_password bytea,
    connections integer DEFAULT 5 NOT NULL,
    messages_each integer DEFAULT 100 NOT NULL,
    tested_at timestamp with time zone,
    steps jsonb DEFAULT '[]'::jsonb NOT NULL,
    last_error text DEFAULT ''::text NOT NULL,
    failed_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT smtp_servers_connections_check CHECK (((connections >= 1) AND (connections <= 20))),
    CONSTRAINT smtp_servers_host_check CHECK (((length(host) >= 1) AND (length(host) <= 253))),
    CONSTRAINT smtp_servers_last_error_check CHECK ((length(last_error) <= 500)),
    CONSTRAINT smtp_servers_messages_each_check CHECK (((messages_each >= 1) AND (messages_each <= 1000))),
    CONSTRAINT smtp_servers_password CHECK (((username = ''::text) = (sealed_password IS NULL))),
    CONSTRAINT smtp_servers_port_check CHECK (((port >= 1) AND (port <= 65535))),
    CONSTRAINT smtp_servers_position_check CHECK (("position" = ANY (ARRAY['main'::text, 'spare'::text]))),
    CONSTRAINT smtp_servers_tls CHECK (((username = ''::text) OR (tls <> 'opportunistic'::text))),
    CONSTRAINT smtp_servers_tls_check CHECK ((tls = ANY (ARRAY['starttls'::text, 'implicit'::text, 'opportunistic'::text]))),
    CONSTRAINT smtp_servers_username_check CHECK ((length(username) <= 320))
);

ALTER TABLE ONLY public.smtp_servers FORCE ROW LEVEL SECURITY;

ALTER TABLE public.smtp_servers ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.smtp_servers_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.soft_bounces (
    account_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    day date NOT NULL,
    address_hash bytea NOT NULL,
    reason text NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT soft_bounces_address_hash_check CHECK ((length(address_hash) = 16)),
    CONSTRAINT soft_bounces_reason_check CHECK (((length(reason) >= 1) AND (length(reason) <= 40)))
);

ALTER TABLE ONLY public.soft_bounces FORCE ROW LEVEL SECURITY;

CREATE TABLE public.staff_accesses (
    id bigint NOT NULL,
    account_id bigint NOT NULL,
    operator_id bigint NOT NULL,
    purpose text NOT NULL,
    ticket text NOT NULL,
    minutes smallint NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    starts_at timestamp with time zone,
    ends_at timestamp with time zone,
    approved_by bigint,
    ended_at timestamp with time zone,
    ended_by text DEFAULT ''::text NOT NULL,
    CONSTRAINT staff_accesses_ended CHECK (((ended_at IS NULL) = (ended_by = ''::text))),
    CONSTRAINT staff_accesses_ended_by_check CHECK ((ended_by = ANY (ARRAY[''::text, 'operator'::text, 'account'::text, 'refused'::text]))),
    CONSTRAINT staff_accesses_minutes_check CHECK (((minutes >= 1) AND (minutes <= 60))),
    CONSTRAINT staff_accesses_purpose_check CHECK ((purpose = ANY (ARRAY['support'::text, 'billing'::text, 'statistics'::text, 'legal'::text]))),
    CONSTRAINT staff_accesses_ticket_check CHECK (((length(ticket) >= 1) AND (length(ticket) <= 80))),
    CONSTRAINT staff_accesses_times CHECK ((((starts_at IS NULL) = (ends_at IS NULL)) AND (ends_at <= (starts_at + '01:00:00'::interval))))
);

ALTER TABLE public.staff_accesses ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.staff_accesses_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.stray_mails (
    id bigint NOT NULL,
    received_at timestamp with time zone DEFAULT now() NOT NULL,
    digest bytea NOT NULL,
    size integer NOT NULL,
    state text DEFAULT 'new'::text NOT NULL,
    content bytea NOT NULL,
    CONSTRAINT stray_mails_digest_check CHECK ((length(digest) = 16)),
    CONSTRAINT stray_mails_size_check CHECK ((size >= 0)),
    CONSTRAINT stray_mails_state_check CHECK ((state = ANY (ARRAY['new'::text, 'open'::text])))
);

ALTER TABLE public.stray_mails ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.stray_mails_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.sub_processor_objections (
    sub_processor_id bigint NOT NULL,
    account_id bigint NOT NULL,
    reason text NOT NULL,
    user_id bigint,
    person text NOT NULL,
    objected_at timestamp with time zone NOT NULL,
    answer text DEFAULT ''::text NOT NULL,
    answered_at timestamp with time zone,
    CONSTRAINT sub_processor_objections_answer_check CHECK ((length(answer) <= 2000)),
    CONSTRAINT sub_processor_objections_reason_check CHECK (((length(reason) >= 1) AND (length(reason) <= 2000)))
);

CREATE TABLE public.sub_processor_registers (
    one boolean DEFAULT true NOT NULL,
    taken_at timestamp with time zone NOT NULL,
    CONSTRAINT sub_processor_registers_one_check CHECK (one)
);

CREATE TABLE public.sub_processors (
    id bigint NOT NULL,
    name text NOT NULL,
    service text NOT NULL,
    country text NOT NULL,
    region text DEFAULT ''::text NOT NULL,
    safeguards text DEFAULT ''::text NOT NULL,
    data text NOT NULL,
    retention text NOT NULL,
    contract_date text NOT NULL,
    replaces text DEFAULT ''::text NOT NULL,
    from_file boolean DEFAULT false NOT NULL,
    announced_at timestamp with time zone NOT NULL,
    announced_by bigint,
    effective_on date NOT NULL,
    ends_on date,
    withdrawn_at timestamp with time zone,
    confidentiality boolean,
    CONSTRAINT sub_processors_contract_date_check CHECK (((length(contract_date) >= 1) AND (length(contract_date) <= 40))),
    CONSTRAINT sub_processors_country_check CHECK ((country ~ '^[A-Z]{2}$'::text)),
    CONSTRAINT sub_processors_data_check CHECK (((length(data) >= 1) AND (length(data) <= 1000))),
    CONSTRAINT sub_processors_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200))),
    CONSTRAINT sub_processors_notice CHECK ((from_file OR (effective_on >= (((announced_at AT TIME ZONE 'UTC'::text))::date + 30)))),
    CONSTRAINT sub_processors_region_check CHECK ((length(region) <= 200)),
    CONSTRAINT sub_processors_replaces_check CHECK ((length(replaces) <= 200)),
    CONSTRAINT sub_processors_retention_check CHECK (((length(retention) >= 1) AND (length(retention) <= 500))),
    CONSTRAINT sub_processors_safeguards_check CHECK ((length(safeguards) <= 1000)),
    CONSTRAINT sub_processors_service_check CHECK (((length(service) >= 1) AND (length(service) <= 500)))
);

ALTER TABLE public.sub_processors ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.sub_processors_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.sunset_contacts (
    account_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    silent_since timestamp with time zone NOT NULL,
    asked_at timestamp with time zone
);

ALTER TABLE ONLY public.sunset_contacts FORCE ROW LEVEL SECURITY;

ALTER TABLE public.suppressions ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.suppressions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.tags (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    name text NOT NULL,
    name_key text NOT NULL COLLATE pg_catalog."C",
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT tags_name_check CHECK (((length(name) >= 1) AND (length(name) <= 60)))
);

ALTER TABLE ONLY public.tags FORCE ROW LEVEL SECURITY;

ALTER TABLE public.tags ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.tags_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.test_sends (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    campaign_id bigint NOT NULL,
    contact_id bigint,
    recipient text NOT NULL,
    asked_by bigint,
    state text DEFAULT 'waiting'::text NOT NULL,
    reply text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    variant smallint DEFAULT 1 NOT NULL,
    CONSTRAINT test_sends_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'sent'::text, 'failed'::text])))
);

ALTER TABLE ONLY public.test_sends FORCE ROW LEVEL SECURITY;

ALTER TABLE public.test_sends ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.test_sends_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.users (
    id bigint NOT NULL,
    email text NOT NULL,
    address_key text NOT NULL,
    password_hash text,
    must_change_password boolean DEFAULT false NOT NULL,
    title text DEFAULT ''::text NOT NULL,
    first_name text DEFAULT ''::text NOT NULL,
    last_name text DEFAULT ''::text NOT NULL,
    country text DEFAULT 'FR'::text NOT NULL,
    vat_number text DEFAULT ''::text NOT NULL,
    postal_address text DEFAULT ''::text NOT NULL,
    telephone text DEFAULT ''::text NOT NULL,
    domain_name text DEFAULT ''::text NOT NULL,
    language text DEFAULT 'fr'::text NOT NULL,
    theme text DEFAULT 'auto'::text NOT NULL,
    is_operator boolean DEFAULT false NOT NULL,
    disabled boolean DEFAULT false NOT NULL,
    email_confirmed_at timestamp with time zone,
    news_wanted_at timestamp with time zone,
    partners_wanted_at timestamp with time zone,
    adult_business_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    news_wording text DEFAULT ''::text NOT NULL,
    partners_wording text DEFAULT ''::text NOT NULL,
    second_factor_asked_at timestamp with time zone,
    void_password_hash text,
    CONSTRAINT users_country_check CHECK ((length(country) = 2)),
    CONSTRAINT users_language_check CHECK ((language = ANY (ARRAY['fr'::text, 'en'::text]))),
    CONSTRAINT users_password_after_proof CHECK (((email_confirmed_at IS NOT NULL) OR (password_hash IS NULL))),
    CONSTRAINT users_theme_check CHECK ((theme = ANY (ARRAY['auto'::text, 'light'::text, 'dark'::text])))
);

ALTER TABLE public.users ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.users_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.utm_settings (
    account_id bigint NOT NULL,
    campaign_id bigint,
    active boolean NOT NULL,
    source text DEFAULT ''::text NOT NULL,
    medium text DEFAULT ''::text NOT NULL,
    campaign text DEFAULT ''::text NOT NULL,
    content text DEFAULT ''::text NOT NULL,
    rule text DEFAULT 'all'::text NOT NULL,
    domains text[] DEFAULT '{}'::text[] NOT NULL,
    CONSTRAINT utm_settings_campaign_check CHECK ((length(campaign) <= 100)),
    CONSTRAINT utm_settings_content_check CHECK ((length(content) <= 100)),
    CONSTRAINT utm_settings_medium_check CHECK ((length(medium) <= 100)),
    CONSTRAINT utm_settings_rule_check CHECK ((rule = ANY (ARRAY['all'::text, 'only'::text, 'except'::text]))),
    CONSTRAINT utm_settings_source_check CHECK ((length(source) <= 100))
);

ALTER TABLE ONLY public.utm_settings FORCE ROW LEVEL SECURITY;

CREATE TABLE public.warm_up_days (
    account_id bigint NOT NULL,
    domain text NOT NULL,
    profile text NOT NULL,
    day date NOT NULL,
    step smallint NOT NULL,
    begun integer DEFAULT 0 NOT NULL,
    deferred integer DEFAULT 0 NOT NULL
);

ALTER TABLE ONLY public.warm_up_days FORCE ROW LEVEL SECURITY;

CREATE TABLE public.warm_ups (
    account_id bigint NOT NULL,
    domain text NOT NULL,
    first_cap integer NOT NULL,
    steps smallint NOT NULL,
    started_on date NOT NULL,
    CONSTRAINT warm_ups_domain_check CHECK (((length(domain) >= 1) AND (length(domain) <= 255))),
    CONSTRAINT warm_ups_first_cap_check CHECK (((first_cap >= 1) AND (first_cap <= 100000))),
    CONSTRAINT warm_ups_steps_check CHECK (((steps >= 1) AND (steps <= 30)))
);

ALTER TABLE ONLY public.warm_ups FORCE ROW LEVEL SECURITY;

CREATE TABLE public.webhook_attempts (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    endpoint_id bigint NOT NULL,
    event_id bigint NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    number smallint NOT NULL,
    outcome text NOT NULL,
    http_status smallint,
    milliseconds integer NOT NULL,
    answer text DEFAULT ''::text NOT NULL,
    CONSTRAINT webhook_attempts_answer_check CHECK ((length(answer) <= 500)),
    CONSTRAINT webhook_attempts_outcome_check CHECK ((outcome = ANY (ARRAY['accepted'::text, 'refused'::text, 'redirected'::text, 'gone'::text, 'timeout'::text, 'unreachable'::text, 'tls'::text, 'not_allowed'::text, 'malformed'::text])))
);

ALTER TABLE ONLY public.webhook_attempts FORCE ROW LEVEL SECURITY;

ALTER TABLE public.webhook_attempts ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.webhook_attempts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.webhook_deliveries (
    account_id bigint NOT NULL,
    endpoint_id bigint NOT NULL,
    event_id bigint NOT NULL,
    status text DEFAULT 'waiting'::text NOT NULL,
    attempts smallint DEFAULT 0 NOT NULL,
    begun_at timestamp with time zone,
    next_at timestamp with time zone,
    CONSTRAINT webhook_deliveries_next CHECK (((status = 'waiting'::text) = (next_at IS NOT NULL))),
    CONSTRAINT webhook_deliveries_status_check CHECK ((status = ANY (ARRAY['waiting'::text, 'delivered'::text, 'failed'::text, 'missed'::text])))
);

ALTER TABLE ONLY public.webhook_deliveries FORCE ROW LEVEL SECURITY;

CREATE TABLE public.webhook_endpoints (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    url text NOT NULL,
    name text DEFAULT ''::text NOT NULL,
    events text[] NOT NULL,
    status text DEFAULT 'on'::text NOT NULL,
    disabled_reason text DEFAULT ''::text NOT NULL,
    disabled_at timestamp with time zone,
    since timestamp with time zone DEFAULT now() NOT NULL,
    sealed_secret bytea NOT NULL,
    sealed_old_secret bytea,
    old_secret_until timestamp with time zone,
    failures integer DEFAULT 0 NOT NULL,
    failing_since timestamp with time zone,
    held_until timestamp with time zone,
    last_attempt_at timestamp with time zone,
    last_success_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT webhook_endpoints_disabled CHECK ((((status = 'disabled'::text) = (disabled_at IS NOT NULL)) AND ((status = 'disabled'::text) = (disabled_reason <> ''::text)))),
    CONSTRAINT webhook_endpoints_disabled_reason_check CHECK ((disabled_reason = ANY (ARRAY[''::text, 'gone'::text, 'failing'::text]))),
    CONSTRAINT webhook_endpoints_events_check CHECK (((cardinality(events) >= 1) AND (cardinality(events) <= 100))),
    CONSTRAINT webhook_endpoints_name_check CHECK ((length(name) <= 120)),
    CONSTRAINT webhook_endpoints_old_secret CHECK (((sealed_old_secret IS NULL) = (old_secret_until IS NULL))),
    CONSTRAINT webhook_endpoints_status_check CHECK ((status = ANY (ARRAY['on'::text, 'off'::text, 'disabled'::text]))),
    CONSTRAINT webhook_endpoints_url_check CHECK (((length(url) >= 1) AND (length(url) <= 2000)))
);

ALTER TABLE ONLY public.webhook_endpoints FORCE ROW LEVEL SECURITY;

ALTER TABLE public.webhook_endpoints ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.webhook_endpoints_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.webhook_events (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    uid text DEFAULT ('msg_'::text || replace((gen_random_uuid())::text, '-'::text, ''::text)) NOT NULL,
    type text NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    data jsonb NOT NULL,
    spread boolean DEFAULT false NOT NULL
);

ALTER TABLE ONLY public.webhook_events FORCE ROW LEVEL SECURITY;

ALTER TABLE public.webhook_events ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.webhook_events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.webhook_feeds (
    account_id bigint NOT NULL,
    lineage text NOT NULL,
    xid bigint NOT NULL,
    id bigint NOT NULL
);

ALTER TABLE ONLY public.webhook_feeds FORCE ROW LEVEL SECURITY;

CREATE TABLE public.webhook_rings (
    id bigint NOT NULL,
    account_id bigint NOT NULL
);

ALTER TABLE public.webhook_rings ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.webhook_rings_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.wordings (
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    place text NOT NULL,
    version integer NOT NULL,
    hash bytea NOT NULL,
    text text NOT NULL,
    first_used_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT wordings_hash_check CHECK ((length(hash) = 16)),
    CONSTRAINT wordings_place_check CHECK (((length(place) >= 1) AND (length(place) <= 80))),
    CONSTRAINT wordings_version_check CHECK ((version > 0))
);

ALTER TABLE ONLY public.wordings FORCE ROW LEVEL SECURITY;

ALTER TABLE public.wordings ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.wordings_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.work (
    account_id bigint NOT NULL,
    job text NOT NULL,
    ref_id bigint NOT NULL,
    lane smallint DEFAULT 0 NOT NULL,
    turn integer DEFAULT 1 NOT NULL,
    run_at timestamp with time zone DEFAULT now() NOT NULL,
    leased_until timestamp with time zone,
    attempts integer DEFAULT 0 NOT NULL,
    last_error text DEFAULT ''::text NOT NULL,
    asked boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    background boolean DEFAULT false NOT NULL
);

ALTER TABLE ONLY public.ab_tests
    ADD CONSTRAINT ab_tests_pkey PRIMARY KEY (account_id, campaign_id);

ALTER TABLE ONLY public.ab_variants
    ADD CONSTRAINT ab_variants_pkey PRIMARY KEY (account_id, campaign_id, number);

ALTER TABLE ONLY public.account_breaches
    ADD CONSTRAINT account_breaches_once UNIQUE (account_id, breach_id);

ALTER TABLE ONLY public.account_breaches
    ADD CONSTRAINT account_breaches_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.account_certificates
    ADD CONSTRAINT account_certificates_pkey PRIMARY KEY (account_id);

ALTER TABLE ONLY public.account_keys
    ADD CONSTRAINT account_keys_pkey PRIMARY KEY (account_id, purpose);

ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT accounts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.agreement_acceptances
    ADD CONSTRAINT agreement_acceptances_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.announcement_readings
    ADD CONSTRAINT announcement_readings_pkey PRIMARY KEY (user_id, announcement_id);

ALTER TABLE ONLY public.announcements
    ADD CONSTRAINT announcements_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.announcements
    ADD CONSTRAINT announcements_ref UNIQUE (kind, ref_id);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_key_hash UNIQUE (key_hash);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.authority_requests
    ADD CONSTRAINT authority_requests_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.automation_journeys
    ADD CONSTRAINT automation_journeys_pkey PRIMARY KEY (account_id, automation_id, contact_id, occasion);

ALTER TABLE ONLY public.automation_mails
    ADD CONSTRAINT automation_mails_pkey PRIMARY KEY (account_id, step_id, contact_id, occasion);

ALTER TABLE ONLY public.automation_passages
    ADD CONSTRAINT automation_passages_pkey PRIMARY KEY (account_id, contact_id, at, id);

ALTER TABLE ONLY public.automation_rings
    ADD CONSTRAINT automation_rings_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.automation_steps
    ADD CONSTRAINT automation_steps_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.automations
    ADD CONSTRAINT automations_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.brand_kits
    ADD CONSTRAINT brand_kits_pkey PRIMARY KEY (account_id);

ALTER TABLE ONLY public.breach_accounts
    ADD CONSTRAINT breach_accounts_pkey PRIMARY KEY (breach_id, account_id);

ALTER TABLE ONLY public.breaches
    ADD CONSTRAINT breaches_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.campaign_figures
    ADD CONSTRAINT campaign_figures_pkey PRIMARY KEY (account_id, campaign_id);

ALTER TABLE ONLY public.campaign_lists
    ADD CONSTRAINT campaign_lists_pkey PRIMARY KEY (account_id, campaign_id, list_id);

ALTER TABLE ONLY public.campaign_segments
    ADD CONSTRAINT campaign_segments_pkey PRIMARY KEY (account_id, campaign_id, segment_id);

ALTER TABLE ONLY public.campaigns
    ADD CONSTRAINT campaigns_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.consent_ips
    ADD CONSTRAINT consent_ips_pkey PRIMARY KEY (account_id, consent_id);

ALTER TABLE ONLY public.consents
    ADD CONSTRAINT consents_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.contact_changes
    ADD CONSTRAINT contact_changes_pkey PRIMARY KEY (account_id, xid, id);

ALTER TABLE ONLY public.contact_merges
    ADD CONSTRAINT contact_merges_pkey PRIMARY KEY (account_id, merged_id);

ALTER TABLE ONLY public.contact_tags
    ADD CONSTRAINT contact_tags_pkey PRIMARY KEY (account_id, contact_id, tag_id);

ALTER TABLE ONLY public.contacts
    ADD CONSTRAINT contacts_address_key UNIQUE (account_id, address_key);

ALTER TABLE ONLY public.contacts
    ADD CONSTRAINT contacts_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.content_keys
    ADD CONSTRAINT content_keys_pkey PRIMARY KEY (account_id, day);

ALTER TABLE ONLY public.content_masters
    ADD CONSTRAINT content_masters_pkey PRIMARY KEY (account_id);

ALTER TABLE ONLY public.counted_loads
    ADD CONSTRAINT counted_loads_pkey PRIMARY KEY (account_id, day, id);

ALTER TABLE ONLY public.data_destinations
    ADD CONSTRAINT data_destinations_pkey PRIMARY KEY (account_id, kind, ref_id);

ALTER TABLE ONLY public.day_counts
    ADD CONSTRAINT day_counts_pkey PRIMARY KEY (account_id, day);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (account_id, campaign_id, contact_id, month);

ALTER TABLE ONLY public.design_thumbnails
    ADD CONSTRAINT design_thumbnails_pkey PRIMARY KEY (account_id, design_id);

ALTER TABLE ONLY public.designs
    ADD CONSTRAINT designs_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.dkim_keys
    ADD CONSTRAINT dkim_keys_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.dkim_keys
    ADD CONSTRAINT dkim_keys_selector UNIQUE (account_id, selector);

ALTER TABLE ONLY public.domains
    ADD CONSTRAINT domains_name UNIQUE (account_id, name);

ALTER TABLE ONLY public.domains
    ADD CONSTRAINT domains_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.draft_versions
    ADD CONSTRAINT draft_versions_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.duplicate_searches
    ADD CONSTRAINT duplicate_searches_pkey PRIMARY KEY (account_id);

ALTER TABLE ONLY public.duplicates
    ADD CONSTRAINT duplicates_pkey PRIMARY KEY (account_id, contact_id, other_id);

ALTER TABLE ONLY public.editions
    ADD CONSTRAINT editions_pkey PRIMARY KEY (account_id, recurrence_id, due_at);

ALTER TABLE ONLY public.erased_accounts
    ADD CONSTRAINT erased_accounts_pkey PRIMARY KEY (account_id);

ALTER TABLE ONLY public.erasure_journal
    ADD CONSTRAINT erasure_journal_pkey PRIMARY KEY (xid, id);

ALTER TABLE ONLY public.event_counts
    ADD CONSTRAINT event_counts_pkey PRIMARY KEY (account_id, campaign_id, kind, link_id, verdict);

ALTER TABLE ONLY public.event_hours
    ADD CONSTRAINT event_hours_pkey PRIMARY KEY (account_id, campaign_id, kind, hour, verdict);

ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (account_id, at, id);

ALTER TABLE ONLY public.evidence
    ADD CONSTRAINT evidence_pkey PRIMARY KEY (account_id, campaign_id, lane, profile);

ALTER TABLE ONLY public.export_members
    ADD CONSTRAINT export_members_pkey PRIMARY KEY (account_id, export_id, n);

ALTER TABLE ONLY public.exports
    ADD CONSTRAINT exports_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.feed_items
    ADD CONSTRAINT feed_items_pkey PRIMARY KEY (account_id, recurrence_id, key);

ALTER TABLE ONLY public.feedback_counts
    ADD CONSTRAINT feedback_counts_pkey PRIMARY KEY (account_id, day, kind, reason, profile, source);

ALTER TABLE ONLY public.feedback_hooks
    ADD CONSTRAINT feedback_hooks_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.feedback_hooks
    ADD CONSTRAINT feedback_hooks_server UNIQUE (account_id, server_id);

ALTER TABLE ONLY public.feedback_seen
    ADD CONSTRAINT feedback_seen_pkey PRIMARY KEY (account_id, key);

ALTER TABLE ONLY public.field_changes
    ADD CONSTRAINT field_changes_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.fields
    ADD CONSTRAINT fields_key UNIQUE (account_id, key);

ALTER TABLE ONLY public.fields
    ADD CONSTRAINT fields_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.file_chunks
    ADD CONSTRAINT file_chunks_pkey PRIMARY KEY (account_id, file_id, n);

ALTER TABLE ONLY public.files
    ADD CONSTRAINT files_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.former_people
    ADD CONSTRAINT former_people_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.held_people
    ADD CONSTRAINT held_people_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (account_id, key_hash);

ALTER TABLE ONLY public.image_uses
    ADD CONSTRAINT image_uses_pkey PRIMARY KEY (account_id, name, kind, ref_id, part);

ALTER TABLE ONLY public.images
    ADD CONSTRAINT images_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.import_changes
    ADD CONSTRAINT import_changes_pkey PRIMARY KEY (account_id, import_id, part);

ALTER TABLE ONLY public.import_mappings
    ADD CONSTRAINT import_mappings_pkey PRIMARY KEY (account_id, headings);

ALTER TABLE ONLY public.import_opt_outs
    ADD CONSTRAINT import_opt_outs_pkey PRIMARY KEY (account_id, import_id, line);

ALTER TABLE ONLY public.import_parts
    ADD CONSTRAINT import_parts_pkey PRIMARY KEY (account_id, import_id, last_line);

ALTER TABLE ONLY public.import_rejects
    ADD CONSTRAINT import_rejects_pkey PRIMARY KEY (account_id, import_id, line, n);

ALTER TABLE ONLY public.import_removals
    ADD CONSTRAINT import_removals_pkey PRIMARY KEY (account_id, contact_id, import_id, list_id);

ALTER TABLE ONLY public.import_values
    ADD CONSTRAINT import_values_pkey PRIMARY KEY (account_id, contact_id, import_id);

ALTER TABLE ONLY public.imports
    ADD CONSTRAINT imports_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.inactive_contacts
    ADD CONSTRAINT inactive_contacts_pkey PRIMARY KEY (account_id, contact_id);

ALTER TABLE ONLY public.inactive_walks
    ADD CONSTRAINT inactive_walks_pkey PRIMARY KEY (account_id);

ALTER TABLE ONLY public.inbound_mails
    ADD CONSTRAINT inbound_mails_digest UNIQUE (account_id, digest);

ALTER TABLE ONLY public.inbound_mails
    ADD CONSTRAINT inbound_mails_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.inbox_mails
    ADD CONSTRAINT inbox_mails_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.installation
    ADD CONSTRAINT installation_pkey PRIMARY KEY (one);

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_address UNIQUE (account_id, address_key);

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_token_hash UNIQUE (token_hash);

ALTER TABLE ONLY public.judgements
    ADD CONSTRAINT judgements_pkey PRIMARY KEY (account_id);

ALTER TABLE ONLY public.kept_counts
    ADD CONSTRAINT kept_counts_pkey PRIMARY KEY (account_id, name, ref_id);

ALTER TABLE ONLY public.kept_forms
    ADD CONSTRAINT kept_forms_pkey PRIMARY KEY (token_hash);

ALTER TABLE ONLY public.last_open_days
    ADD CONSTRAINT last_open_days_pkey PRIMARY KEY (account_id, contact_id);

ALTER TABLE ONLY public.legal_holds
    ADD CONSTRAINT legal_holds_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.legal_texts
    ADD CONSTRAINT legal_texts_pkey PRIMARY KEY (sha256);

ALTER TABLE ONLY public.links
    ADD CONSTRAINT links_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.links
    ADD CONSTRAINT links_position UNIQUE (account_id, campaign_id, variant, "position");

ALTER TABLE ONLY public.mailing_lists
    ADD CONSTRAINT mailing_lists_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.measurement_settings
    ADD CONSTRAINT measurement_settings_pkey PRIMARY KEY (account_id);

ALTER TABLE ONLY public.memberships
    ADD CONSTRAINT memberships_pkey PRIMARY KEY (account_id, user_id);

ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.mx_domains
    ADD CONSTRAINT mx_domains_pkey PRIMARY KEY (domain);

ALTER TABLE ONLY public.notices
    ADD CONSTRAINT notices_once UNIQUE (account_id, kind, ref_id, number);

ALTER TABLE ONLY public.notices
    ADD CONSTRAINT notices_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.one_time_links
    ADD CONSTRAINT one_time_links_pkey PRIMARY KEY (token_hash);

ALTER TABLE ONLY public.open_counts
    ADD CONSTRAINT open_counts_pkey PRIMARY KEY (account_id, campaign_id);

ALTER TABLE ONLY public.operator_mailbox
    ADD CONSTRAINT operator_mailbox_pkey PRIMARY KEY (one);

ALTER TABLE ONLY public.original
    ADD CONSTRAINT original_pkey PRIMARY KEY (one);

ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.platform_chain
    ADD CONSTRAINT platform_chain_pkey PRIMARY KEY (one);

ALTER TABLE ONLY public.platform_proofs
    ADD CONSTRAINT platform_proofs_pkey PRIMARY KEY (n);

ALTER TABLE ONLY public.policy_versions
    ADD CONSTRAINT policy_versions_day UNIQUE (kind, effective_on);

ALTER TABLE ONLY public.policy_versions
    ADD CONSTRAINT policy_versions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.policy_versions
    ADD CONSTRAINT policy_versions_version UNIQUE (kind, version);

ALTER TABLE ONLY public.privacy_facts
    ADD CONSTRAINT privacy_facts_pkey PRIMARY KEY (account_id);

ALTER TABLE ONLY public.proof_keys
    ADD CONSTRAINT proof_keys_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.provider_pauses
    ADD CONSTRAINT provider_pauses_pkey PRIMARY KEY (server, profile);

ALTER TABLE ONLY public.provider_stops
    ADD CONSTRAINT provider_stops_pkey PRIMARY KEY (account_id, campaign_id, profile);

ALTER TABLE ONLY public.recovery_codes
    ADD CONSTRAINT recovery_codes_pkey PRIMARY KEY (user_id, code_hash);

ALTER TABLE ONLY public.recurrences
    ADD CONSTRAINT recurrences_campaign UNIQUE (account_id, campaign_id);

ALTER TABLE ONLY public.recurrences
    ADD CONSTRAINT recurrences_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.report_mailboxes
    ADD CONSTRAINT report_mailboxes_one UNIQUE (account_id);

ALTER TABLE ONLY public.report_mailboxes
    ADD CONSTRAINT report_mailboxes_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.restrictions
    ADD CONSTRAINT restrictions_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.retention_alarm
    ADD CONSTRAINT retention_alarm_pkey PRIMARY KEY (one);

ALTER TABLE ONLY public.retention_chains
    ADD CONSTRAINT retention_chains_pkey PRIMARY KEY (account_id);

ALTER TABLE ONLY public.retention_passes
    ADD CONSTRAINT retention_passes_pkey PRIMARY KEY (account_id, rule);

ALTER TABLE ONLY public.retention_proofs
    ADD CONSTRAINT retention_proofs_pkey PRIMARY KEY (account_id, n);

ALTER TABLE ONLY public.retention_runs
    ADD CONSTRAINT retention_runs_pkey PRIMARY KEY (rule);

ALTER TABLE ONLY public.retention_settings
    ADD CONSTRAINT retention_settings_pkey PRIMARY KEY (account_id);

ALTER TABLE ONLY public.retention_watch
    ADD CONSTRAINT retention_watch_pkey PRIMARY KEY (account_id);

ALTER TABLE ONLY public.revisions
    ADD CONSTRAINT revisions_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.rights_asks
    ADD CONSTRAINT rights_asks_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.rights_requests
    ADD CONSTRAINT rights_requests_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.rights_settings
    ADD CONSTRAINT rights_settings_pkey PRIMARY KEY (account_id);

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.second_factors
    ADD CONSTRAINT second_factors_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY public.seeds
    ADD CONSTRAINT seeds_address_key UNIQUE (account_id, address_key);

ALTER TABLE ONLY public.seeds
    ADD CONSTRAINT seeds_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.segment_members
    ADD CONSTRAINT segment_members_pkey PRIMARY KEY (account_id, campaign_id, contact_id, segment_id);

ALTER TABLE ONLY public.segments
    ADD CONSTRAINT segments_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.selection_contacts
    ADD CONSTRAINT selection_contacts_pkey PRIMARY KEY (account_id, selection_id, contact_id);

ALTER TABLE ONLY public.selections
    ADD CONSTRAINT selections_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.senders
    ADD CONSTRAINT senders_address_key UNIQUE (account_id, address_key);

ALTER TABLE ONLY public.senders
    ADD CONSTRAINT senders_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_id_key UNIQUE (id);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (token_hash);

ALTER TABLE ONLY public.sign_in_steps
    ADD CONSTRAINT sign_in_steps_pkey PRIMARY KEY (token_hash);

ALTER TABLE ONLY public.sign_ins
    ADD CONSTRAINT sign_ins_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.signing_keys
    ADD CONSTRAINT signing_keys_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.signup_form_versions
    ADD CONSTRAINT signup_form_versions_pkey PRIMARY KEY (account_id, form_id, version);

ALTER TABLE ONLY public.signup_forms
    ADD CONSTRAINT signup_forms_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.signup_forms
    ADD CONSTRAINT signup_forms_public_key UNIQUE (account_id, public_key);

ALTER TABLE ONLY public.signup_requests
    ADD CONSTRAINT signup_requests_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.smtp_servers
    ADD CONSTRAINT smtp_servers_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.smtp_servers
    ADD CONSTRAINT smtp_servers_position UNIQUE (account_id, "position") DEFERRABLE;

ALTER TABLE ONLY public.soft_bounces
    ADD CONSTRAINT soft_bounces_pkey PRIMARY KEY (account_id, contact_id, day);

ALTER TABLE ONLY public.staff_accesses
    ADD CONSTRAINT staff_accesses_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.stray_mails
    ADD CONSTRAINT stray_mails_digest UNIQUE (digest);

ALTER TABLE ONLY public.stray_mails
    ADD CONSTRAINT stray_mails_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.sub_processor_objections
    ADD CONSTRAINT sub_processor_objections_pkey PRIMARY KEY (sub_processor_id, account_id);

ALTER TABLE ONLY public.sub_processor_registers
    ADD CONSTRAINT sub_processor_registers_pkey PRIMARY KEY (one);

ALTER TABLE ONLY public.sub_processors
    ADD CONSTRAINT sub_processors_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.subscriptions
    ADD CONSTRAINT subscriptions_pkey PRIMARY KEY (account_id, list_id, contact_id);

ALTER TABLE ONLY public.sunset_contacts
    ADD CONSTRAINT sunset_contacts_pkey PRIMARY KEY (account_id, contact_id);

ALTER TABLE ONLY public.suppressions
    ADD CONSTRAINT suppressions_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.suppressions
    ADD CONSTRAINT suppressions_scope UNIQUE NULLS NOT DISTINCT (account_id, address_hash, list_id);

ALTER TABLE ONLY public.tags
    ADD CONSTRAINT tags_name UNIQUE (account_id, name_key);

ALTER TABLE ONLY public.tags
    ADD CONSTRAINT tags_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.test_sends
    ADD CONSTRAINT test_sends_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_address_key UNIQUE (address_key);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.utm_settings
    ADD CONSTRAINT utm_settings_of UNIQUE NULLS NOT DISTINCT (account_id, campaign_id);

ALTER TABLE ONLY public.warm_up_days
    ADD CONSTRAINT warm_up_days_pkey PRIMARY KEY (account_id, domain, profile, day);

ALTER TABLE ONLY public.warm_ups
    ADD CONSTRAINT warm_ups_pkey PRIMARY KEY (account_id, domain);

ALTER TABLE ONLY public.webhook_attempts
    ADD CONSTRAINT webhook_attempts_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.webhook_deliveries
    ADD CONSTRAINT webhook_deliveries_pkey PRIMARY KEY (account_id, endpoint_id, event_id);

ALTER TABLE ONLY public.webhook_endpoints
    ADD CONSTRAINT webhook_endpoints_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.webhook_events
    ADD CONSTRAINT webhook_events_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.webhook_feeds
    ADD CONSTRAINT webhook_feeds_pkey PRIMARY KEY (account_id);

ALTER TABLE ONLY public.webhook_rings
    ADD CONSTRAINT webhook_rings_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.wordings
    ADD CONSTRAINT wordings_pkey PRIMARY KEY (account_id, id);

ALTER TABLE ONLY public.wordings
    ADD CONSTRAINT wordings_text UNIQUE (account_id, place, hash);

ALTER TABLE ONLY public.wordings
    ADD CONSTRAINT wordings_version UNIQUE (account_id, place, version);

ALTER TABLE ONLY public.work
    ADD CONSTRAINT work_pkey PRIMARY KEY (account_id, job, ref_id, lane);

CREATE INDEX account_certificates_expires_at ON public.account_certificates USING btree (expires_at);

CREATE INDEX account_certificates_link ON public.account_certificates USING btree (link_hash);

CREATE INDEX accounts_erase_at ON public.accounts USING btree (erase_at) WHERE (status = 'closed'::text);

CREATE INDEX accounts_team_reviewed ON public.accounts USING btree (team_reviewed_at);

CREATE INDEX api_keys_account ON public.api_keys USING btree (account_id);

CREATE INDEX audit_at ON public.audit USING btree (account_id, at);

CREATE INDEX audit_object ON public.audit USING btree (account_id, object, object_id, id) WHERE (object_id IS NOT NULL);

CREATE INDEX automation_journeys_at ON public.automation_journeys USING btree (account_id, step_id) WHERE (step_id IS NOT NULL);

CREATE INDEX automation_journeys_due ON public.automation_journeys USING btree (account_id, automation_id, due_at) WHERE (ended_at IS NULL);

CREATE INDEX automation_journeys_of ON public.automation_journeys USING btree (account_id, contact_id);

CREATE UNIQUE INDEX automation_journeys_open ON public.automation_journeys USING btree (account_id, automation_id, contact_id) WHERE (ended_at IS NULL);

CREATE INDEX automation_mails_at ON public.automation_mails USING btree (account_id, at);

CREATE INDEX automation_mails_of ON public.automation_mails USING btree (account_id, contact_id);

CREATE INDEX automation_passages_at ON public.automation_passages USING btree (account_id, at);

CREATE INDEX automation_steps_of ON public.automation_steps USING btree (account_id, automation_id);

CREATE INDEX automations_waiting ON public.automations USING btree (account_id, trigger, trigger_of) WHERE (status = ANY (ARRAY['running'::text, 'paused'::text]));

CREATE INDEX brand_kits_logo ON public.brand_kits USING btree (account_id, logo_image_id);

CREATE INDEX breach_accounts_account ON public.breach_accounts USING btree (account_id);

CREATE INDEX campaign_segments_segment ON public.campaign_segments USING btree (account_id, segment_id, campaign_id);

CREATE INDEX campaigns_asking ON public.campaigns USING btree (account_id, month) WHERE (asks_measurement AND (asked_cursor < '9223372036854775807'::bigint));

CREATE INDEX campaigns_automation ON public.campaigns USING btree (account_id, automation_id, id) WHERE (automation_id IS NOT NULL);

CREATE UNIQUE INDEX campaigns_mailing ON public.campaigns USING btree (account_id, mailing_of, mailing_day) WHERE ((mailing_of IS NOT NULL) AND (status <> 'cancelled'::text));

CREATE UNIQUE INDEX campaigns_reminder_of ON public.campaigns USING btree (account_id, reminder_of) WHERE (reminder_of IS NOT NULL);

CREATE UNIQUE INDEX campaigns_rest_of ON public.campaigns USING btree (account_id, rest_of) WHERE (rest_of IS NOT NULL);

CREATE INDEX campaigns_status ON public.campaigns USING btree (account_id, status, id);

CREATE INDEX consent_ips_at ON public.consent_ips USING btree (account_id, at);

CREATE INDEX consent_ips_contact ON public.consent_ips USING btree (account_id, contact_id);

CREATE INDEX consents_contact ON public.consents USING btree (account_id, contact_id, id);

CREATE INDEX consents_measurement ON public.consents USING btree (account_id, address_hash, at) WHERE (purpose <> 'mail'::text);

CREATE INDEX contact_merges_hash ON public.contact_merges USING btree (account_id, merged_hash);

CREATE INDEX contact_merges_kept ON public.contact_merges USING btree (account_id, kept_id);

CREATE INDEX contact_tags_tag ON public.contact_tags USING btree (account_id, tag_id, contact_id);

CREATE INDEX contacts_first_name ON public.contacts USING btree (account_id, first_name_key);

CREATE INDEX contacts_hash ON public.contacts USING btree (account_id, address_hash);

CREATE INDEX contacts_last_name ON public.contacts USING btree (account_id, last_name_key);

CREATE INDEX contacts_restricted ON public.contacts USING btree (account_id, id) WHERE (restricted_at IS NOT NULL);

CREATE INDEX contacts_sample ON public.contacts USING btree (account_id, id) WHERE (((hashint8(id) & 2147483647) % 100) = 0);

CREATE INDEX contacts_updated_at ON public.contacts USING btree (account_id, updated_at, id);

CREATE INDEX deliveries_contact ON ONLY public.deliveries USING btree (account_id, contact_id, month);

CREATE INDEX deliveries_drawn ON ONLY public.deliveries USING btree (account_id, campaign_id, status, variant, contact_id) INCLUDE (month, opens, clicks) WHERE (variant > 0);

CREATE INDEX deliveries_final_at ON ONLY public.deliveries USING btree (account_id, final_at) WHERE (final_at IS NOT NULL);

CREATE INDEX deliveries_lane ON ONLY public.deliveries USING btree (account_id, campaign_id, lane) WHERE (status = ANY (ARRAY['claimed'::text, 'handing'::text]));

CREATE INDEX deliveries_queued ON ONLY public.deliveries USING btree (account_id, campaign_id, profile, next_at) WHERE (status = 'queued'::text);

CREATE INDEX deliveries_status ON ONLY public.deliveries USING btree (account_id, campaign_id, status, reason, contact_id);

CREATE UNIQUE INDEX dkim_keys_active ON public.dkim_keys USING btree (account_id, domain_id, algorithm) WHERE (state = 'active'::text);

CREATE INDEX dkim_keys_domain ON public.dkim_keys USING btree (account_id, domain_id);

CREATE UNIQUE INDEX dkim_keys_pending ON public.dkim_keys USING btree (account_id, domain_id, algorithm) WHERE (state = 'pending'::text);

CREATE INDEX draft_versions_campaign ON public.draft_versions USING btree (account_id, campaign_id, variant, id) WHERE (campaign_id IS NOT NULL);

CREATE INDEX draft_versions_design ON public.draft_versions USING btree (account_id, design_id, id) WHERE (design_id IS NOT NULL);

CREATE INDEX duplicates_other ON public.duplicates USING btree (account_id, other_id);

CREATE INDEX editions_campaign ON public.editions USING btree (account_id, campaign_id) WHERE (campaign_id IS NOT NULL);

CREATE INDEX erasure_journal_account ON public.erasure_journal USING btree (account_id);

CREATE INDEX erasure_journal_at ON public.erasure_journal USING btree (at);

CREATE INDEX event_counts_month ON public.event_counts USING btree (account_id, month);

CREATE INDEX event_hours_hour ON public.event_hours USING btree (account_id, hour);

CREATE INDEX events_campaign ON ONLY public.events USING btree (account_id, campaign_id, kind, at);

CREATE INDEX events_contact ON ONLY public.events USING btree (account_id, contact_id, at);

CREATE INDEX feedback_seen_at ON public.feedback_seen USING btree (account_id, at);

CREATE INDEX files_created_at ON public.files USING btree (account_id, created_at) WHERE (kind <> 'image'::text);

CREATE INDEX files_expires ON public.files USING btree (account_id, expires_at) WHERE (expires_at IS NOT NULL);

CREATE INDEX files_of_images ON public.files USING btree (account_id) INCLUDE (size) WHERE (kind = 'image'::text);

CREATE INDEX former_people_bucket ON public.former_people USING btree (bucket);

CREATE INDEX former_people_erased_at ON public.former_people USING btree (erased_at);

CREATE INDEX held_people_account ON public.held_people USING btree (account_id);

CREATE INDEX held_people_expires_at ON public.held_people USING btree (expires_at);

CREATE INDEX idempotency_keys_created_at ON public.idempotency_keys USING btree (account_id, created_at);

CREATE INDEX image_uses_of ON public.image_uses USING btree (account_id, kind, ref_id, part);

CREATE INDEX images_folder ON public.images USING btree (account_id, folder, id);

CREATE UNIQUE INDEX images_name ON public.images USING btree (account_id, name);

CREATE UNIQUE INDEX images_thumbnail ON public.images USING btree (account_id, thumbnail_name);

CREATE INDEX images_undescribed ON public.images USING btree (account_id, id) WHERE ((alt = ''::text) AND (NOT decorative));

CREATE INDEX images_used_until ON public.images USING btree (account_id, used_until) WHERE (NOT kept);

CREATE INDEX import_opt_outs_address ON public.import_opt_outs USING btree (account_id, import_id, address_hash);

CREATE INDEX import_removals_import ON public.import_removals USING btree (account_id, import_id);

CREATE INDEX import_values_import ON public.import_values USING btree (account_id, import_id);

CREATE INDEX inactive_contacts_due ON public.inactive_contacts USING btree (account_id, due_at, contact_id);

CREATE INDEX inbound_mails_new ON public.inbound_mails USING btree (account_id, due_at) WHERE (state = 'new'::text);

CREATE INDEX inbound_mails_received_at ON public.inbound_mails USING btree (account_id, received_at);

CREATE INDEX inbound_mails_shown ON public.inbound_mails USING btree (account_id, state, id) WHERE (state = ANY (ARRAY['open'::text, 'handled'::text]));

CREATE INDEX inbox_mails_received ON public.inbox_mails USING btree (received_at);

CREATE INDEX invitations_expires ON public.invitations USING btree (expires_at);

CREATE INDEX invitations_invited_by ON public.invitations USING btree (invited_by);

CREATE INDEX kept_forms_expires ON public.kept_forms USING btree (expires_at);

CREATE INDEX kept_forms_user ON public.kept_forms USING btree (user_id, created_at);

CREATE INDEX last_open_days_day ON public.last_open_days USING btree (account_id, day);

CREATE INDEX legal_holds_contact ON public.legal_holds USING btree (account_id, contact_id) WHERE (lifted_at IS NULL);

CREATE UNIQUE INDEX mailing_lists_name ON public.mailing_lists USING btree (account_id, name) WHERE (deleted_at IS NULL);

CREATE INDEX memberships_user ON public.memberships USING btree (user_id);

CREATE INDEX messages_address ON public.messages USING btree (account_id, address_hash, id);

CREATE INDEX messages_final_at ON public.messages USING btree (account_id, final_at);

CREATE INDEX messages_key_day ON public.messages USING btree (account_id, key_day) WHERE (key_day IS NOT NULL);

CREATE UNIQUE INDEX messages_key_hash ON public.messages USING btree (account_id, key_hash) WHERE (key_hash IS NOT NULL);

CREATE INDEX messages_open ON public.messages USING btree (account_id, id) WHERE (status = ANY (ARRAY['claimed'::text, 'handing'::text]));

CREATE INDEX messages_queued ON public.messages USING btree (account_id, next_at) WHERE (status = 'queued'::text);

CREATE INDEX messages_status ON public.messages USING btree (account_id, status, id);

CREATE INDEX one_time_links_user ON public.one_time_links USING btree (user_id, purpose);

CREATE INDEX outbox_created ON public.outbox USING btree (created_at);

CREATE INDEX restrictions_contact ON public.restrictions USING btree (account_id, contact_id, id);

CREATE UNIQUE INDEX restrictions_open ON public.restrictions USING btree (account_id, contact_id) WHERE (lifted_at IS NULL);

CREATE INDEX revisions_campaign ON public.revisions USING btree (account_id, campaign_id);

CREATE INDEX rights_asks_address ON public.rights_asks USING btree (account_id, address_hash, asked_at);

CREATE INDEX rights_asks_asked ON public.rights_asks USING btree (account_id, asked_at);

CREATE INDEX rights_requests_address ON public.rights_requests USING btree (account_id, address_hash) WHERE (address_hash IS NOT NULL);

CREATE INDEX rights_requests_contact ON public.rights_requests USING btree (account_id, contact_id) WHERE (contact_id IS NOT NULL);

CREATE INDEX rights_requests_finished_at ON public.rights_requests USING btree (account_id, finished_at) WHERE (state <> 'open'::text);

CREATE INDEX rights_requests_open ON public.rights_requests USING btree (account_id, due_on) WHERE (state = 'open'::text);

CREATE UNIQUE INDEX segments_name ON public.segments USING btree (account_id, name) WHERE (deleted_at IS NULL);

CREATE INDEX sessions_user ON public.sessions USING btree (user_id);

CREATE INDEX sign_in_steps_expires ON public.sign_in_steps USING btree (expires_at);

CREATE INDEX sign_in_steps_sign_in ON public.sign_in_steps USING btree (sign_in_id);

CREATE INDEX sign_in_steps_user ON public.sign_in_steps USING btree (user_id);

CREATE INDEX sign_ins_address ON public.sign_ins USING btree (address_hash, at);

CREATE INDEX sign_ins_at ON public.sign_ins USING btree (at);

CREATE INDEX sign_ins_place ON public.sign_ins USING btree (place, at);

CREATE INDEX sign_ins_unknown ON public.sign_ins USING btree (at) WHERE (user_id IS NULL);

CREATE INDEX sign_ins_user ON public.sign_ins USING btree (user_id, at DESC);

CREATE UNIQUE INDEX signup_forms_name ON public.signup_forms USING btree (account_id, name) WHERE (deleted_at IS NULL);

CREATE INDEX signup_requests_asked ON public.signup_requests USING btree (account_id, asked_at);

CREATE INDEX signup_requests_contact ON public.signup_requests USING btree (account_id, contact_id);

CREATE INDEX soft_bounces_at ON public.soft_bounces USING btree (account_id, at);

CREATE INDEX staff_accesses_account ON public.staff_accesses USING btree (account_id, id);

CREATE INDEX staff_accesses_open ON public.staff_accesses USING btree (account_id, operator_id) WHERE (ended_at IS NULL);

CREATE INDEX stray_mails_received_at ON public.stray_mails USING btree (received_at);

CREATE INDEX stray_mails_state ON public.stray_mails USING btree (state, id);

CREATE INDEX sub_processor_objections_account ON public.sub_processor_objections USING btree (account_id);

CREATE INDEX subscriptions_contact ON public.subscriptions USING btree (account_id, contact_id);

CREATE INDEX subscriptions_pending ON public.subscriptions USING btree (account_id, status_at) WHERE (status = 'pending'::text);

CREATE INDEX subscriptions_status ON public.subscriptions USING btree (account_id, list_id, status, contact_id);

CREATE INDEX sunset_contacts_asked ON public.sunset_contacts USING btree (account_id, asked_at, contact_id);

CREATE INDEX suppressions_reason ON public.suppressions USING btree (account_id, reason, since, id);

CREATE INDEX suppressions_since ON public.suppressions USING btree (account_id, since, id);

CREATE INDEX test_sends_campaign ON public.test_sends USING btree (account_id, campaign_id, id);

CREATE INDEX test_sends_created ON public.test_sends USING btree (account_id, created_at);

CREATE INDEX webhook_attempts_endpoint ON public.webhook_attempts USING btree (account_id, endpoint_id, id);

CREATE INDEX webhook_attempts_event ON public.webhook_attempts USING btree (account_id, event_id);

CREATE INDEX webhook_deliveries_event ON public.webhook_deliveries USING btree (account_id, event_id);

CREATE INDEX webhook_deliveries_next_at ON public.webhook_deliveries USING btree (account_id, endpoint_id, next_at) WHERE (status = 'waiting'::text);

CREATE INDEX webhook_deliveries_order ON public.webhook_deliveries USING btree (account_id, endpoint_id, event_id) WHERE (status = 'waiting'::text);

CREATE INDEX webhook_events_at ON public.webhook_events USING btree (account_id, at);

CREATE UNIQUE INDEX webhook_events_uid ON public.webhook_events USING btree (account_id, uid);

CREATE INDEX webhook_events_waiting ON public.webhook_events USING btree (account_id, id) WHERE (NOT spread);

CREATE INDEX work_next ON public.work USING btree (background, run_at);

CREATE TRIGGER accounts_erased AFTER DELETE ON public.accounts FOR EACH ROW EXECUTE FUNCTION public.journal_accounts();

CREATE TRIGGER accounts_journalled AFTER UPDATE OF status, erase_at ON public.accounts FOR EACH ROW WHEN (((new.status IS DISTINCT FROM old.status) OR (new.erase_at IS DISTINCT FROM old.erase_at))) EXECUTE FUNCTION public.journal_accounts();

CREATE TRIGGER automations_look AFTER DELETE ON public.campaigns FOR EACH STATEMENT EXECUTE FUNCTION public.ring_automations();

CREATE TRIGGER automations_look AFTER DELETE ON public.fields FOR EACH STATEMENT EXECUTE FUNCTION public.ring_automations();

CREATE TRIGGER automations_look AFTER UPDATE OF deleted_at ON public.mailing_lists FOR EACH STATEMENT EXECUTE FUNCTION public.ring_automations();

CREATE TRIGGER automations_look AFTER UPDATE OF deleted_at ON public.segments FOR EACH STATEMENT EXECUTE FUNCTION public.ring_automations();

CREATE TRIGGER automations_look AFTER DELETE ON public.tags FOR EACH STATEMENT EXECUTE FUNCTION public.ring_automations();

CREATE TRIGGER campaigns_steps BEFORE UPDATE OF status ON public.campaigns FOR EACH ROW WHEN ((NOT
        CASE old.status
            WHEN new.status THEN true
            WHEN 'draft'::text THEN (new.status = 'scheduled'::text)
            WHEN 'scheduled'::text THEN (new.status = ANY (ARRAY['draft'::text, 'preparing'::text, 'paused'::text, 'cancelled'::text]))
            WHEN 'preparing'::text THEN (new.status = ANY (ARRAY['sending'::text, 'paused'::text, 'cancelled'::text]))
            WHEN 'sending'::text THEN (new.status = ANY (ARRAY['paused'::text, 'sent'::text, 'cancelled'::text]))
            WHEN 'paused'::text THEN (new.status = ANY (ARRAY['draft'::text, 'scheduled'::text, 'preparing'::text, 'sending'::text, 'cancelled'::text]))
            WHEN 'sent'::text THEN (new.status = 'sending'::text)
            ELSE false
        END)) EXECUTE FUNCTION public.refuse_step();

CREATE TRIGGER campaigns_told AFTER UPDATE OF status ON public.campaigns FOR EACH ROW WHEN (((new.status <> old.status) AND (new.mailing_of IS NULL) AND (new.status = ANY (ARRAY['scheduled'::text, 'sending'::text, 'paused'::text, 'sent'::text, 'cancelled'::text])))) EXECUTE FUNCTION public.tell_of_campaign();

CREATE TRIGGER contact_changes_ring AFTER INSERT ON public.contact_changes FOR EACH STATEMENT EXECUTE FUNCTION public.ring_webhooks();

CREATE TRIGGER contact_tags_entered AFTER INSERT ON public.contact_tags REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.enter_tagged();

CREATE TRIGGER contacts_created AFTER INSERT ON public.contacts REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.note_contacts();

CREATE TRIGGER contacts_deleted AFTER DELETE ON public.contacts REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.note_contacts();

CREATE TRIGGER contacts_journalled AFTER DELETE ON public.contacts REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.journal_contacts();

CREATE TRIGGER contacts_restricted AFTER UPDATE OF restricted_at ON public.contacts FOR EACH ROW WHEN (((new.restricted_at IS NOT NULL) AND (old.restricted_at IS NULL))) EXECUTE FUNCTION public.end_restricted();

CREATE TRIGGER contacts_updated AFTER UPDATE ON public.contacts REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.note_contacts();

CREATE TRIGGER deliveries_steps BEFORE UPDATE OF status, lane, turn ON public.deliveries FOR EACH ROW WHEN ((NOT
        CASE old.status
            WHEN new.status THEN ((old.status <> ALL (ARRAY['claimed'::text, 'handing'::text])) OR ((old.lane = new.lane) AND (old.turn = new.turn)))
            WHEN 'queued'::text THEN (new.status = ANY (ARRAY['claimed'::text, 'skipped'::text, 'cancelled'::text]))
            WHEN 'claimed'::text THEN (new.status = ANY (ARRAY['handing'::text, 'queued'::text, 'skipped'::text, 'cancelled'::text, 'failed'::text]))
            WHEN 'handing'::text THEN (new.status = ANY (ARRAY['delivered'::text, 'bounced'::text, 'failed'::text, 'in_doubt'::text, 'queued'::text, 'cancelled'::text]))
            WHEN 'in_doubt'::text THEN (new.status = ANY (ARRAY['delivered'::text, 'bounced'::text, 'failed'::text, 'queued'::text, 'cancelled'::text]))
            WHEN 'delivered'::text THEN (new.status = 'bounced'::text)
            ELSE false
        END)) EXECUTE FUNCTION public.refuse_step();

CREATE TRIGGER deliveries_told AFTER UPDATE OF status, reason ON public.deliveries FOR EACH ROW WHEN (((new.status = ANY (ARRAY['bounced'::text, 'failed'::text])) AND ((new.status <> old.status) OR (new.reason <> old.reason)))) EXECUTE FUNCTION public.tell_of_delivery();

CREATE TRIGGER events_told AFTER INSERT ON public.events FOR EACH ROW WHEN ((new.kind = 'complaint'::text)) EXECUTE FUNCTION public.tell_of_complaint();

CREATE TRIGGER exports_told AFTER UPDATE OF state ON public.exports FOR EACH ROW WHEN (((new.state <> old.state) AND (new.state = ANY (ARRAY['done'::text, 'failed'::text])))) EXECUTE FUNCTION public.tell_of_export();

CREATE TRIGGER images_of_changed AFTER UPDATE OF source ON public.ab_variants FOR EACH ROW WHEN ((old.source IS DISTINCT FROM new.source)) EXECUTE FUNCTION public.note_image_uses('variant', 'campaign_id', 'number', 'source');

CREATE TRIGGER images_of_changed AFTER UPDATE OF source ON public.campaigns FOR EACH ROW WHEN ((old.source IS DISTINCT FROM new.source)) EXECUTE FUNCTION public.note_image_uses('campaign', 'id', '', 'source');

CREATE TRIGGER images_of_changed AFTER UPDATE OF source ON public.designs FOR EACH ROW WHEN ((old.source IS DISTINCT FROM new.source)) EXECUTE FUNCTION public.note_image_uses('design', 'id', '', 'source');

CREATE TRIGGER images_of_changed AFTER UPDATE OF draft ON public.signup_forms FOR EACH ROW WHEN ((old.draft IS DISTINCT FROM new.draft)) EXECUTE FUNCTION public.note_image_uses('form', 'id', '', 'draft');

CREATE TRIGGER images_of_deleted AFTER DELETE ON public.ab_variants FOR EACH ROW EXECUTE FUNCTION public.note_image_uses('variant', 'campaign_id', 'number', 'source');

CREATE TRIGGER images_of_deleted AFTER DELETE ON public.campaigns FOR EACH ROW EXECUTE FUNCTION public.note_image_uses('campaign', 'id', '', 'source');

CREATE TRIGGER images_of_deleted AFTER DELETE ON public.designs FOR EACH ROW EXECUTE FUNCTION public.note_image_uses('design', 'id', '', 'source');

CREATE TRIGGER images_of_deleted AFTER DELETE ON public.draft_versions FOR EACH ROW EXECUTE FUNCTION public.note_image_uses('version', 'id', '', 'source');

CREATE TRIGGER images_of_deleted AFTER DELETE ON public.signup_form_versions FOR EACH ROW EXECUTE FUNCTION public.note_image_uses('form', 'form_id', 'version', 'frozen');

CREATE TRIGGER images_of_deleted AFTER DELETE ON public.signup_forms FOR EACH ROW EXECUTE FUNCTION public.note_image_uses('form', 'id', '', 'draft');

CREATE TRIGGER images_of_new AFTER INSERT ON public.ab_variants FOR EACH ROW WHEN ((new.source <> ''::text)) EXECUTE FUNCTION public.note_image_uses('variant', 'campaign_id', 'number', 'source');

CREATE TRIGGER images_of_new AFTER INSERT ON public.campaigns FOR EACH ROW WHEN ((new.source <> ''::text)) EXECUTE FUNCTION public.note_image_uses('campaign', 'id', '', 'source');

CREATE TRIGGER images_of_new AFTER INSERT ON public.designs FOR EACH ROW WHEN ((new.source <> ''::text)) EXECUTE FUNCTION public.note_image_uses('design', 'id', '', 'source');

CREATE TRIGGER images_of_new AFTER INSERT ON public.draft_versions FOR EACH ROW WHEN ((new.source <> ''::text)) EXECUTE FUNCTION public.note_image_uses('version', 'id', '', 'source');

CREATE TRIGGER images_of_new AFTER INSERT ON public.signup_form_versions FOR EACH ROW EXECUTE FUNCTION public.note_image_uses('form', 'form_id', 'version', 'frozen');

CREATE TRIGGER images_of_new AFTER INSERT ON public.signup_forms FOR EACH ROW EXECUTE FUNCTION public.note_image_uses('form', 'id', '', 'draft');

CREATE TRIGGER imports_told AFTER UPDATE OF state ON public.imports FOR EACH ROW WHEN (((new.state <> old.state) AND (new.state = ANY (ARRAY['done'::text, 'undone'::text, 'failed'::text, 'cancelled'::text])))) EXECUTE FUNCTION public.tell_of_import();

CREATE TRIGGER last_open_days_later BEFORE UPDATE ON public.last_open_days FOR EACH ROW EXECUTE FUNCTION public.keep_later_day();

CREATE TRIGGER logo_of_changed AFTER UPDATE OF logo_image_id ON public.brand_kits FOR EACH ROW WHEN ((old.logo_image_id IS DISTINCT FROM new.logo_image_id)) EXECUTE FUNCTION public.note_logo_use();

CREATE TRIGGER logo_of_deleted AFTER DELETE ON public.brand_kits FOR EACH ROW WHEN ((old.logo_image_id IS NOT NULL)) EXECUTE FUNCTION public.note_logo_use();

CREATE TRIGGER logo_of_new AFTER INSERT ON public.brand_kits FOR EACH ROW WHEN ((new.logo_image_id IS NOT NULL)) EXECUTE FUNCTION public.note_logo_use();

CREATE TRIGGER messages_told AFTER UPDATE OF status, reason ON public.messages FOR EACH ROW WHEN (((new.status = ANY (ARRAY['delivered'::text, 'bounced'::text, 'failed'::text])) AND ((new.status <> old.status) OR (new.reason <> old.reason)))) EXECUTE FUNCTION public.tell_of_message();

CREATE TRIGGER only_added_to BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit FOR EACH STATEMENT EXECUTE FUNCTION public.only_added_to();

CREATE TRIGGER only_added_to BEFORE DELETE OR UPDATE OR TRUNCATE ON public.consents FOR EACH STATEMENT EXECUTE FUNCTION public.only_added_to();

CREATE TRIGGER only_added_to BEFORE DELETE OR UPDATE OR TRUNCATE ON public.wordings FOR EACH STATEMENT EXECUTE FUNCTION public.only_added_to();

CREATE TRIGGER rights_requests_told AFTER INSERT ON public.rights_requests FOR EACH ROW EXECUTE FUNCTION public.tell_of_rights_request();

CREATE TRIGGER subscriptions_confirmed AFTER UPDATE ON public.subscriptions REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.enter_subscribed();

CREATE TRIGGER subscriptions_created AFTER INSERT ON public.subscriptions REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.note_subscriptions();

CREATE TRIGGER subscriptions_deleted AFTER DELETE ON public.subscriptions REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.note_subscriptions();

CREATE TRIGGER subscriptions_entered AFTER INSERT ON public.subscriptions REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.enter_subscribed();

CREATE TRIGGER subscriptions_gone AFTER DELETE ON public.subscriptions REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION public.end_unsubscribed();

CREATE TRIGGER subscriptions_left AFTER UPDATE ON public.subscriptions REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.end_unsubscribed();

CREATE TRIGGER subscriptions_updated AFTER UPDATE ON public.subscriptions REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.note_subscriptions();

CREATE TRIGGER suppressions_journalled AFTER INSERT ON public.suppressions REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.journal_suppressions();

CREATE TRIGGER suppressions_left AFTER INSERT ON public.suppressions REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.end_suppressed();

CREATE TRIGGER suppressions_left_again AFTER UPDATE ON public.suppressions REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.end_suppressed();

CREATE TRIGGER suppressions_renewed AFTER UPDATE ON public.suppressions REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.journal_suppressions();

CREATE TRIGGER suppressions_told AFTER INSERT ON public.suppressions REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.tell_of_suppressions();

ALTER TABLE ONLY public.ab_tests
    ADD CONSTRAINT ab_tests_account_id_campaign_id_fkey FOREIGN KEY (account_id, campaign_id) REFERENCES public.campaigns(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.ab_variants
    ADD CONSTRAINT ab_variants_account_id_campaign_id_fkey FOREIGN KEY (account_id, campaign_id) REFERENCES public.ab_tests(account_id, campaign_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.account_breaches
    ADD CONSTRAINT account_breaches_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.account_certificates
    ADD CONSTRAINT account_certificates_key_id_fkey FOREIGN KEY (key_id) REFERENCES public.proof_keys(id);

ALTER TABLE ONLY public.account_keys
    ADD CONSTRAINT account_keys_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.agreement_acceptances
    ADD CONSTRAINT agreement_acceptances_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.announcement_readings
    ADD CONSTRAINT announcement_readings_announcement_id_fkey FOREIGN KEY (announcement_id) REFERENCES public.announcements(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.announcement_readings
    ADD CONSTRAINT announcement_readings_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.users(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.automation_journeys
    ADD CONSTRAINT automation_journeys_account_id_automation_id_fkey FOREIGN KEY (account_id, automation_id) REFERENCES public.automations(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.automation_journeys
    ADD CONSTRAINT automation_journeys_account_id_contact_id_fkey FOREIGN KEY (account_id, contact_id) REFERENCES public.contacts(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.automation_journeys
    ADD CONSTRAINT automation_journeys_account_id_step_id_fkey FOREIGN KEY (account_id, step_id) REFERENCES public.automation_steps(account_id, id);

ALTER TABLE ONLY public.automation_mails
    ADD CONSTRAINT automation_mails_account_id_automation_id_fkey FOREIGN KEY (account_id, automation_id) REFERENCES public.automations(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.automation_mails
    ADD CONSTRAINT automation_mails_account_id_contact_id_fkey FOREIGN KEY (account_id, contact_id) REFERENCES public.contacts(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.automation_passages
    ADD CONSTRAINT automation_passages_account_id_contact_id_fkey FOREIGN KEY (account_id, contact_id) REFERENCES public.contacts(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.automation_rings
    ADD CONSTRAINT automation_rings_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.automation_steps
    ADD CONSTRAINT automation_steps_account_id_automation_id_fkey FOREIGN KEY (account_id, automation_id) REFERENCES public.automations(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.automation_steps
    ADD CONSTRAINT automation_steps_account_id_parent_id_fkey FOREIGN KEY (account_id, parent_id) REFERENCES public.automation_steps(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.automations
    ADD CONSTRAINT automations_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.automations
    ADD CONSTRAINT automations_account_id_list_id_fkey FOREIGN KEY (account_id, list_id) REFERENCES public.mailing_lists(account_id, id);

ALTER TABLE ONLY public.brand_kits
    ADD CONSTRAINT brand_kits_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.brand_kits
    ADD CONSTRAINT brand_kits_account_id_logo_image_id_fkey FOREIGN KEY (account_id, logo_image_id) REFERENCES public.images(account_id, id) ON DELETE SET NULL (logo_image_id);

ALTER TABLE ONLY public.breach_accounts
    ADD CONSTRAINT breach_accounts_breach_id_fkey FOREIGN KEY (breach_id) REFERENCES public.breaches(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.campaign_figures
    ADD CONSTRAINT campaign_figures_account_id_campaign_id_fkey FOREIGN KEY (account_id, campaign_id) REFERENCES public.campaigns(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.campaign_lists
    ADD CONSTRAINT campaign_lists_account_id_campaign_id_fkey FOREIGN KEY (account_id, campaign_id) REFERENCES public.campaigns(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.campaign_lists
    ADD CONSTRAINT campaign_lists_account_id_list_id_fkey FOREIGN KEY (account_id, list_id) REFERENCES public.mailing_lists(account_id, id);

ALTER TABLE ONLY public.campaign_segments
    ADD CONSTRAINT campaign_segments_account_id_campaign_id_fkey FOREIGN KEY (account_id, campaign_id) REFERENCES public.campaigns(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.campaign_segments
    ADD CONSTRAINT campaign_segments_account_id_segment_id_fkey FOREIGN KEY (account_id, segment_id) REFERENCES public.segments(account_id, id);

ALTER TABLE ONLY public.campaigns
    ADD CONSTRAINT campaigns_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.campaigns
    ADD CONSTRAINT campaigns_reminder_of_fkey FOREIGN KEY (account_id, reminder_of) REFERENCES public.campaigns(account_id, id);

ALTER TABLE ONLY public.campaigns
    ADD CONSTRAINT campaigns_rest_of_fkey FOREIGN KEY (account_id, rest_of) REFERENCES public.campaigns(account_id, id);

ALTER TABLE ONLY public.consent_ips
    ADD CONSTRAINT consent_ips_account_id_contact_id_fkey FOREIGN KEY (account_id, contact_id) REFERENCES public.contacts(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.consent_ips
    ADD CONSTRAINT consent_ips_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.contact_merges
    ADD CONSTRAINT contact_merges_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.contact_merges
    ADD CONSTRAINT contact_merges_account_id_kept_id_fkey FOREIGN KEY (account_id, kept_id) REFERENCES public.contacts(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.contact_tags
    ADD CONSTRAINT contact_tags_account_id_contact_id_fkey FOREIGN KEY (account_id, contact_id) REFERENCES public.contacts(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.contact_tags
    ADD CONSTRAINT contact_tags_account_id_tag_id_fkey FOREIGN KEY (account_id, tag_id) REFERENCES public.tags(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.contacts
    ADD CONSTRAINT contacts_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.content_keys
    ADD CONSTRAINT content_keys_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.content_masters
    ADD CONSTRAINT content_masters_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.data_destinations
    ADD CONSTRAINT data_destinations_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.day_counts
    ADD CONSTRAINT day_counts_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.design_thumbnails
    ADD CONSTRAINT design_thumbnails_account_id_design_id_fkey FOREIGN KEY (account_id, design_id) REFERENCES public.designs(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.design_thumbnails
    ADD CONSTRAINT design_thumbnails_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.designs
    ADD CONSTRAINT designs_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.dkim_keys
    ADD CONSTRAINT dkim_keys_account_id_domain_id_fkey FOREIGN KEY (account_id, domain_id) REFERENCES public.domains(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.domains
    ADD CONSTRAINT domains_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.draft_versions
    ADD CONSTRAINT draft_versions_account_id_campaign_id_fkey FOREIGN KEY (account_id, campaign_id) REFERENCES public.campaigns(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.draft_versions
    ADD CONSTRAINT draft_versions_account_id_design_id_fkey FOREIGN KEY (account_id, design_id) REFERENCES public.designs(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.duplicate_searches
    ADD CONSTRAINT duplicate_searches_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.duplicates
    ADD CONSTRAINT duplicates_account_id_contact_id_fkey FOREIGN KEY (account_id, contact_id) REFERENCES public.contacts(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.duplicates
    ADD CONSTRAINT duplicates_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.duplicates
    ADD CONSTRAINT duplicates_account_id_other_id_fkey FOREIGN KEY (account_id, other_id) REFERENCES public.contacts(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.editions
    ADD CONSTRAINT editions_account_id_campaign_id_fkey FOREIGN KEY (account_id, campaign_id) REFERENCES public.campaigns(account_id, id) ON DELETE SET NULL (campaign_id);

ALTER TABLE ONLY public.editions
    ADD CONSTRAINT editions_account_id_recurrence_id_fkey FOREIGN KEY (account_id, recurrence_id) REFERENCES public.recurrences(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.event_counts
    ADD CONSTRAINT event_counts_account_id_campaign_id_fkey FOREIGN KEY (account_id, campaign_id) REFERENCES public.campaigns(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.event_hours
    ADD CONSTRAINT event_hours_account_id_campaign_id_fkey FOREIGN KEY (account_id, campaign_id) REFERENCES public.campaigns(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.evidence
    ADD CONSTRAINT evidence_account_id_campaign_id_fkey FOREIGN KEY (account_id, campaign_id) REFERENCES public.campaigns(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.export_members
    ADD CONSTRAINT export_members_account_id_export_id_fkey FOREIGN KEY (account_id, export_id) REFERENCES public.exports(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.export_members
    ADD CONSTRAINT export_members_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.exports
    ADD CONSTRAINT exports_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.feed_items
    ADD CONSTRAINT feed_items_account_id_recurrence_id_fkey FOREIGN KEY (account_id, recurrence_id) REFERENCES public.recurrences(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.feedback_counts
    ADD CONSTRAINT feedback_counts_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.feedback_hooks
    ADD CONSTRAINT feedback_hooks_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.feedback_hooks
    ADD CONSTRAINT feedback_hooks_account_id_server_id_fkey FOREIGN KEY (account_id, server_id) REFERENCES public.smtp_servers(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.feedback_seen
    ADD CONSTRAINT feedback_seen_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.field_changes
    ADD CONSTRAINT field_changes_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.fields
    ADD CONSTRAINT fields_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.file_chunks
    ADD CONSTRAINT file_chunks_account_id_file_id_fkey FOREIGN KEY (account_id, file_id) REFERENCES public.files(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.files
    ADD CONSTRAINT files_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.image_uses
    ADD CONSTRAINT image_uses_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.images
    ADD CONSTRAINT images_account_id_file_id_fkey FOREIGN KEY (account_id, file_id) REFERENCES public.files(account_id, id);

ALTER TABLE ONLY public.images
    ADD CONSTRAINT images_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.images
    ADD CONSTRAINT images_account_id_thumbnail_file_id_fkey FOREIGN KEY (account_id, thumbnail_file_id) REFERENCES public.files(account_id, id);

ALTER TABLE ONLY public.import_changes
    ADD CONSTRAINT import_changes_account_id_import_id_fkey FOREIGN KEY (account_id, import_id) REFERENCES public.imports(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.import_mappings
    ADD CONSTRAINT import_mappings_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.import_opt_outs
    ADD CONSTRAINT import_opt_outs_account_id_import_id_fkey FOREIGN KEY (account_id, import_id) REFERENCES public.imports(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.import_parts
    ADD CONSTRAINT import_parts_account_id_import_id_fkey FOREIGN KEY (account_id, import_id) REFERENCES public.imports(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.import_rejects
    ADD CONSTRAINT import_rejects_account_id_import_id_fkey FOREIGN KEY (account_id, import_id) REFERENCES public.imports(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.import_removals
    ADD CONSTRAINT import_removals_account_id_contact_id_fkey FOREIGN KEY (account_id, contact_id) REFERENCES public.contacts(account_id, id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.import_values
    ADD CONSTRAINT import_values_account_id_contact_id_fkey FOREIGN KEY (account_id, contact_id) REFERENCES public.contacts(account_id, id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.imports
    ADD CONSTRAINT imports_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.inactive_contacts
    ADD CONSTRAINT inactive_contacts_account_id_contact_id_fkey FOREIGN KEY (account_id, contact_id) REFERENCES public.contacts(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.inactive_contacts
    ADD CONSTRAINT inactive_contacts_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.inactive_walks
    ADD CONSTRAINT inactive_walks_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.inbound_mails
    ADD CONSTRAINT inbound_mails_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_invited_by_fkey FOREIGN KEY (invited_by) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.judgements
    ADD CONSTRAINT judgements_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.kept_counts
    ADD CONSTRAINT kept_counts_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.kept_forms
    ADD CONSTRAINT kept_forms_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.last_open_days
    ADD CONSTRAINT last_open_days_account_id_contact_id_fkey FOREIGN KEY (account_id, contact_id) REFERENCES public.contacts(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.legal_holds
    ADD CONSTRAINT legal_holds_account_id_contact_id_fkey FOREIGN KEY (account_id, contact_id) REFERENCES public.contacts(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.legal_holds
    ADD CONSTRAINT legal_holds_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.links
    ADD CONSTRAINT links_account_id_campaign_id_fkey FOREIGN KEY (account_id, campaign_id) REFERENCES public.campaigns(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.mailing_lists
    ADD CONSTRAINT mailing_lists_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.measurement_settings
    ADD CONSTRAINT measurement_settings_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.memberships
    ADD CONSTRAINT memberships_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.memberships
    ADD CONSTRAINT memberships_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_account_id_sender_id_fkey FOREIGN KEY (account_id, sender_id) REFERENCES public.senders(account_id, id);

ALTER TABLE ONLY public.notices
    ADD CONSTRAINT notices_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.one_time_links
    ADD CONSTRAINT one_time_links_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.open_counts
    ADD CONSTRAINT open_counts_account_id_campaign_id_fkey FOREIGN KEY (account_id, campaign_id) REFERENCES public.campaigns(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.policy_versions
    ADD CONSTRAINT policy_versions_english_fkey FOREIGN KEY (english) REFERENCES public.legal_texts(sha256);

ALTER TABLE ONLY public.policy_versions
    ADD CONSTRAINT policy_versions_french_fkey FOREIGN KEY (french) REFERENCES public.legal_texts(sha256);

ALTER TABLE ONLY public.policy_versions
    ADD CONSTRAINT policy_versions_published_by_fkey FOREIGN KEY (published_by) REFERENCES public.users(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.privacy_facts
    ADD CONSTRAINT privacy_facts_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.provider_stops
    ADD CONSTRAINT provider_stops_account_id_campaign_id_fkey FOREIGN KEY (account_id, campaign_id) REFERENCES public.campaigns(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.recovery_codes
    ADD CONSTRAINT recovery_codes_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.second_factors(user_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.recurrences
    ADD CONSTRAINT recurrences_account_id_campaign_id_fkey FOREIGN KEY (account_id, campaign_id) REFERENCES public.campaigns(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.recurrences
    ADD CONSTRAINT recurrences_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.report_mailboxes
    ADD CONSTRAINT report_mailboxes_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.restrictions
    ADD CONSTRAINT restrictions_account_id_contact_id_fkey FOREIGN KEY (account_id, contact_id) REFERENCES public.contacts(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.restrictions
    ADD CONSTRAINT restrictions_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.retention_passes
    ADD CONSTRAINT retention_passes_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.retention_settings
    ADD CONSTRAINT retention_settings_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.revisions
    ADD CONSTRAINT revisions_account_id_campaign_id_fkey FOREIGN KEY (account_id, campaign_id) REFERENCES public.campaigns(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.rights_asks
    ADD CONSTRAINT rights_asks_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.rights_requests
    ADD CONSTRAINT rights_requests_account_id_contact_id_fkey FOREIGN KEY (account_id, contact_id) REFERENCES public.contacts(account_id, id) ON DELETE SET NULL (contact_id);

ALTER TABLE ONLY public.rights_requests
    ADD CONSTRAINT rights_requests_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.rights_settings
    ADD CONSTRAINT rights_settings_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.second_factors
    ADD CONSTRAINT second_factors_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.seeds
    ADD CONSTRAINT seeds_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.segment_members
    ADD CONSTRAINT segment_members_account_id_campaign_id_fkey FOREIGN KEY (account_id, campaign_id) REFERENCES public.campaigns(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.segments
    ADD CONSTRAINT segments_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.selection_contacts
    ADD CONSTRAINT selection_contacts_account_id_selection_id_fkey FOREIGN KEY (account_id, selection_id) REFERENCES public.selections(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.selections
    ADD CONSTRAINT selections_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.senders
    ADD CONSTRAINT senders_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.sign_in_steps
    ADD CONSTRAINT sign_in_steps_sign_in_id_fkey FOREIGN KEY (sign_in_id) REFERENCES public.sign_ins(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.sign_in_steps
    ADD CONSTRAINT sign_in_steps_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.sign_ins
    ADD CONSTRAINT sign_ins_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.signup_form_versions
    ADD CONSTRAINT signup_form_versions_account_id_form_id_fkey FOREIGN KEY (account_id, form_id) REFERENCES public.signup_forms(account_id, id);

ALTER TABLE ONLY public.signup_forms
    ADD CONSTRAINT signup_forms_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.signup_requests
    ADD CONSTRAINT signup_requests_account_id_contact_id_fkey FOREIGN KEY (account_id, contact_id) REFERENCES public.contacts(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.signup_requests
    ADD CONSTRAINT signup_requests_account_id_form_id_version_fkey FOREIGN KEY (account_id, form_id, version) REFERENCES public.signup_form_versions(account_id, form_id, version);

ALTER TABLE ONLY public.smtp_servers
    ADD CONSTRAINT smtp_servers_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.soft_bounces
    ADD CONSTRAINT soft_bounces_account_id_contact_id_fkey FOREIGN KEY (account_id, contact_id) REFERENCES public.contacts(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.soft_bounces
    ADD CONSTRAINT soft_bounces_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.staff_accesses
    ADD CONSTRAINT staff_accesses_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.sub_processor_objections
    ADD CONSTRAINT sub_processor_objections_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.sub_processor_objections
    ADD CONSTRAINT sub_processor_objections_sub_processor_id_fkey FOREIGN KEY (sub_processor_id) REFERENCES public.sub_processors(id);

ALTER TABLE ONLY public.sub_processors
    ADD CONSTRAINT sub_processors_announced_by_fkey FOREIGN KEY (announced_by) REFERENCES public.users(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.subscriptions
    ADD CONSTRAINT subscriptions_account_id_contact_id_fkey FOREIGN KEY (account_id, contact_id) REFERENCES public.contacts(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.subscriptions
    ADD CONSTRAINT subscriptions_account_id_list_id_fkey FOREIGN KEY (account_id, list_id) REFERENCES public.mailing_lists(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.sunset_contacts
    ADD CONSTRAINT sunset_contacts_account_id_contact_id_fkey FOREIGN KEY (account_id, contact_id) REFERENCES public.contacts(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.suppressions
    ADD CONSTRAINT suppressions_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.tags
    ADD CONSTRAINT tags_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.test_sends
    ADD CONSTRAINT test_sends_account_id_campaign_id_fkey FOREIGN KEY (account_id, campaign_id) REFERENCES public.campaigns(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.utm_settings
    ADD CONSTRAINT utm_settings_account_id_campaign_id_fkey FOREIGN KEY (account_id, campaign_id) REFERENCES public.campaigns(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.utm_settings
    ADD CONSTRAINT utm_settings_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.warm_up_days
    ADD CONSTRAINT warm_up_days_account_id_domain_fkey FOREIGN KEY (account_id, domain) REFERENCES public.warm_ups(account_id, domain) ON DELETE CASCADE;

ALTER TABLE ONLY public.warm_ups
    ADD CONSTRAINT warm_ups_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.webhook_attempts
    ADD CONSTRAINT webhook_attempts_account_id_endpoint_id_fkey FOREIGN KEY (account_id, endpoint_id) REFERENCES public.webhook_endpoints(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.webhook_attempts
    ADD CONSTRAINT webhook_attempts_account_id_event_id_fkey FOREIGN KEY (account_id, event_id) REFERENCES public.webhook_events(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.webhook_deliveries
    ADD CONSTRAINT webhook_deliveries_account_id_endpoint_id_fkey FOREIGN KEY (account_id, endpoint_id) REFERENCES public.webhook_endpoints(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.webhook_deliveries
    ADD CONSTRAINT webhook_deliveries_account_id_event_id_fkey FOREIGN KEY (account_id, event_id) REFERENCES public.webhook_events(account_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.webhook_endpoints
    ADD CONSTRAINT webhook_endpoints_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.webhook_feeds
    ADD CONSTRAINT webhook_feeds_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE public.ab_tests ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.ab_variants ENABLE ROW LEVEL SECURITY;

CREATE POLICY account ON public.ab_tests USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.ab_variants USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.account_breaches USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.account_keys USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.agreement_acceptances USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.audit USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.automation_journeys USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.automation_mails USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.automation_passages USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.automation_steps USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.automations USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.brand_kits USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.campaign_figures USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.campaign_lists USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.campaign_segments USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.campaigns USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.consent_ips USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.consents USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.contact_changes USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.contact_merges USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.contact_tags USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.contacts USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.content_keys USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.content_masters USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.counted_loads USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.data_destinations USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.day_counts USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.deliveries USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.design_thumbnails USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.designs USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.dkim_keys USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.domains USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.draft_versions USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.duplicate_searches USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.duplicates USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.editions USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.event_counts USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.event_hours USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.events USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.evidence USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.export_members USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.exports USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.feed_items USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.feedback_counts USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.feedback_hooks USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.feedback_seen USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.field_changes USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.fields USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.file_chunks USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.files USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.idempotency_keys USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.image_uses USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.images USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.import_changes USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.import_mappings USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.import_opt_outs USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.import_parts USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.import_rejects USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.import_removals USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.import_values USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.imports USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.inactive_contacts USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.inactive_walks USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.inbound_mails USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.judgements USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.kept_counts USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.last_open_days USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.legal_holds USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.links USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.mailing_lists USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.measurement_settings USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.messages USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.notices USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.open_counts USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.privacy_facts USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.provider_stops USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.recurrences USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.report_mailboxes USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.restrictions USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.retention_chains USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.retention_passes USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.retention_proofs USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.retention_settings USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.revisions USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.rights_asks USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.rights_requests USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.rights_settings USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.seeds USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.segment_members USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.segments USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.selection_contacts USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.selections USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.senders USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.signup_form_versions USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.signup_forms USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.signup_requests USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.smtp_servers USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.soft_bounces USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.subscriptions USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.sunset_contacts USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.suppressions USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.tags USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.test_sends USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.utm_settings USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.warm_up_days USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.warm_ups USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.webhook_attempts USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.webhook_deliveries USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.webhook_endpoints USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.webhook_events USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.webhook_feeds USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

CREATE POLICY account ON public.wordings USING ((account_id = public.current_account())) WITH CHECK ((account_id = public.current_account()));

ALTER TABLE public.account_breaches ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.account_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.agreement_acceptances ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.audit ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.automation_journeys ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.automation_mails ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.automation_passages ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.automation_steps ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.automations ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.brand_kits ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.campaign_figures ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.campaign_lists ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.campaign_segments ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.campaigns ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.consent_ips ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.consents ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.contact_changes ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.contact_merges ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.contact_tags ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.contacts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.content_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.content_masters ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.counted_loads ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.data_destinations ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.day_counts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.deliveries ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.design_thumbnails ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.designs ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.dkim_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.domains ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.draft_versions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.duplicate_searches ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.duplicates ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.editions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.event_counts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.event_hours ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.events ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.evidence ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.export_members ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.exports ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.feed_items ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.feedback_counts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.feedback_hooks ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.feedback_seen ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.field_changes ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.fields ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.file_chunks ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.files ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.idempotency_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.image_uses ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.images ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.import_changes ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.import_mappings ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.import_opt_outs ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.import_parts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.import_rejects ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.import_removals ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.import_values ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.imports ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.inactive_contacts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.inactive_walks ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.inbound_mails ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.judgements ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.kept_counts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.last_open_days ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.legal_holds ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.links ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.mailing_lists ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.measurement_settings ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.messages ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.notices ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.open_counts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.privacy_facts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.provider_stops ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.recurrences ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.report_mailboxes ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.restrictions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.retention_chains ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.retention_passes ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.retention_proofs ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.retention_settings ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.revisions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.rights_asks ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.rights_requests ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.rights_settings ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.seeds ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.segment_members ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.segments ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.selection_contacts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.selections ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.senders ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.signup_form_versions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.signup_forms ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.signup_requests ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.smtp_servers ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.soft_bounces ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.subscriptions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.sunset_contacts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.suppressions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.tags ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.test_sends ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.utm_settings ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.warm_up_days ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.warm_ups ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.webhook_attempts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.webhook_deliveries ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.webhook_endpoints ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.webhook_events ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.webhook_feeds ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.wordings ENABLE ROW LEVEL SECURITY;

GRANT USAGE ON SCHEMA public TO mailer_eraser;

GRANT ALL ON FUNCTION public.current_account() TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.contacts TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.suppressions TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.ab_tests TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.ab_variants TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.account_breaches TO mailer_eraser;

GRANT SELECT ON TABLE public.account_certificates TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.account_keys TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.accounts TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.agreement_acceptances TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.api_keys TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.campaign_lists TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.campaign_segments TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.campaigns TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.deliveries TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.mailing_lists TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.segment_members TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.subscriptions TO mailer_eraser;

REVOKE ALL ON TABLE public.audit FROM mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.audit TO mailer_eraser;

GRANT SELECT,INSERT ON TABLE public.audit TO mailer;

GRANT SELECT,DELETE ON TABLE public.automation_journeys TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.automation_mails TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.automation_passages TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.automation_rings TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.automation_steps TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.automations TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.brand_kits TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.campaign_figures TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.consent_ips TO mailer_eraser;

REVOKE ALL ON TABLE public.consents FROM mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.consents TO mailer_eraser;

GRANT SELECT,INSERT ON TABLE public.consents TO mailer;

GRANT SELECT,DELETE ON TABLE public.contact_changes TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.contact_merges TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.contact_tags TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.content_keys TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.counted_loads TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.data_destinations TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.day_counts TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.design_thumbnails TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.designs TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.dkim_keys TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.domains TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.draft_versions TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.duplicate_searches TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.duplicates TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.editions TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.erased_accounts TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.event_counts TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.event_hours TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.events TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.evidence TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.export_members TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.exports TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.feed_items TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.feedback_counts TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.feedback_hooks TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.feedback_seen TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.field_changes TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.fields TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.file_chunks TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.files TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.idempotency_keys TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.image_uses TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.images TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.import_changes TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.import_mappings TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.import_opt_outs TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.import_parts TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.import_rejects TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.import_removals TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.import_values TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.imports TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.inactive_contacts TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.inactive_walks TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.inbound_mails TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.inbox_mails TO mailer_eraser;

GRANT SELECT ON TABLE public.installation TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.judgements TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.kept_counts TO mailer_eraser;

REVOKE ALL ON TABLE public.last_open_days FROM mailer;

GRANT INSERT,REFERENCES,DELETE,TRIGGER,TRUNCATE,MAINTAIN,UPDATE ON TABLE public.last_open_days TO mailer;

GRANT SELECT,DELETE ON TABLE public.last_open_days TO mailer_eraser;

GRANT SELECT(account_id) ON TABLE public.last_open_days TO mailer;

GRANT SELECT(contact_id) ON TABLE public.last_open_days TO mailer;

GRANT SELECT,DELETE ON TABLE public.legal_holds TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.links TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.measurement_settings TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.memberships TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.messages TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.notices TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.one_time_links TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.open_counts TO mailer_eraser;

GRANT SELECT ON TABLE public.operator_mailbox TO mailer_eraser;

GRANT SELECT ON TABLE public.original TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.outbox TO mailer_eraser;

GRANT SELECT ON TABLE public.platform_chain TO mailer_eraser;

REVOKE ALL ON TABLE public.platform_proofs FROM mailer;

GRANT SELECT,INSERT,REFERENCES,TRIGGER,MAINTAIN ON TABLE public.platform_proofs TO mailer;

GRANT SELECT ON TABLE public.platform_proofs TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.privacy_facts TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.provider_stops TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.recurrences TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.report_mailboxes TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.restrictions TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.retention_alarm TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.retention_chains TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.retention_passes TO mailer_eraser;

REVOKE ALL ON TABLE public.retention_proofs FROM mailer;

GRANT SELECT,INSERT,REFERENCES,TRIGGER,MAINTAIN ON TABLE public.retention_proofs TO mailer;

GRANT SELECT,DELETE ON TABLE public.retention_proofs TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.retention_runs TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.retention_settings TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.retention_watch TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.revisions TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.rights_asks TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.rights_requests TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.rights_settings TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.schema_migrations TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.seeds TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.segments TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.selection_contacts TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.selections TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.senders TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.sessions TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.sign_ins TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.signing_keys TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.signup_form_versions TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.signup_forms TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.signup_requests TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.soft_bounces TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.sunset_contacts TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.tags TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.test_sends TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.users TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.utm_settings TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.warm_up_days TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.warm_ups TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.webhook_attempts TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.webhook_deliveries TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.webhook_endpoints TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.webhook_events TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.webhook_feeds TO mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.webhook_rings TO mailer_eraser;

REVOKE ALL ON TABLE public.wordings FROM mailer_eraser;

GRANT SELECT,DELETE ON TABLE public.wordings TO mailer_eraser;

GRANT SELECT,INSERT ON TABLE public.wordings TO mailer;

GRANT SELECT,DELETE ON TABLE public.work TO mailer_eraser;
