-- before the new code: webhooks, what programs are told without asking (E-54, E-63, E-64, C-14)

CREATE TABLE webhook_endpoints (
    account_id        bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id                bigint GENERATED ALWAYS AS IDENTITY,
    url               text NOT NULL CHECK (length(url) BETWEEN 1 AND 2000),
    name              text NOT NULL DEFAULT '' CHECK (length(name) <= 120),
    events            text[] NOT NULL CHECK (cardinality(events) BETWEEN 1 AND 100),
    -- off: by a person; disabled: by Mailer, because of `disabled_reason`
    status            text NOT NULL DEFAULT 'on' CHECK (status IN ('on', 'off', 'disabled')),
    disabled_reason   text NOT NULL DEFAULT '' CHECK (disabled_reason IN ('', 'gone', 'failing')),
    disabled_at       timestamptz,
    -- what transactions that began before then did is not told
    since             timestamptz NOT NULL DEFAULT now(),
    sealed_secret     bytea NOT NULL,
    sealed_old_secret bytea,
    old_secret_until  timestamptz,
    failures          integer NOT NULL DEFAULT 0,
    failing_since     timestamptz,
    held_until        timestamptz,
    last_attempt_at   timestamptz,
    last_success_at   timestamptz,
    created_at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, id),
    CONSTRAINT webhook_endpoints_disabled
        CHECK ((status = 'disabled') = (disabled_at IS NOT NULL) AND (status = 'disabled') = (disabled_reason <> '')),
    CONSTRAINT webhook_endpoints_old_secret CHECK ((sealed_old_secret IS NULL) = (old_secret_until IS NULL))
);
CALL wall_off('webhook_endpoints');
GRANT SELECT, DELETE ON webhook_endpoints TO mailer_eraser;

-- how far contact_changes was read for webhooks; `lineage`: of which database
CREATE TABLE webhook_feeds (
    account_id bigint NOT NULL PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    lineage    text NOT NULL,
    xid        bigint NOT NULL,
    id         bigint NOT NULL
);
CALL wall_off('webhook_feeds');
GRANT SELECT, DELETE ON webhook_feeds TO mailer_eraser;

-- What happened, in the transaction in which it did: ids and words of closed sets only, six days.
CREATE TABLE webhook_events (
    account_id bigint NOT NULL,
    id         bigint GENERATED ALWAYS AS IDENTITY,
    -- `webhook-id`: the same for every endpoint and every attempt
    uid        text NOT NULL DEFAULT 'msg_' || replace(gen_random_uuid()::text, '-', ''),
    type       text NOT NULL,
    at         timestamptz NOT NULL DEFAULT now(),
    data       jsonb NOT NULL,
    -- the endpoints that want it have their row of webhook_deliveries
    spread     boolean NOT NULL DEFAULT false,
    PRIMARY KEY (account_id, id)
);
CREATE UNIQUE INDEX webhook_events_uid ON webhook_events (account_id, uid);
CREATE INDEX webhook_events_waiting ON webhook_events (account_id, id) WHERE NOT spread;
CREATE INDEX webhook_events_at ON webhook_events (account_id, at);
CALL wall_off('webhook_events');
GRANT SELECT, DELETE ON webhook_events TO mailer_eraser;

-- One event for one endpoint. missed: it came while the endpoint was disabled; a replay sends it.
CREATE TABLE webhook_deliveries (
    account_id  bigint NOT NULL,
    endpoint_id bigint NOT NULL,
    event_id    bigint NOT NULL,
    status      text NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'delivered', 'failed', 'missed')),
    -- of the plan that runs; a replay begins it anew
    attempts    smallint NOT NULL DEFAULT 0,
    begun_at    timestamptz,
    next_at     timestamptz,
    PRIMARY KEY (account_id, endpoint_id, event_id),
    FOREIGN KEY (account_id, endpoint_id) REFERENCES webhook_endpoints (account_id, id) ON DELETE CASCADE,
    FOREIGN KEY (account_id, event_id) REFERENCES webhook_events (account_id, id) ON DELETE CASCADE,
    CONSTRAINT webhook_deliveries_next CHECK ((status = 'waiting') = (next_at IS NOT NULL))
);
-- the oldest event first, tests before all (webhooks/turns.py), and when the next is due
CREATE INDEX webhook_deliveries_next_at ON webhook_deliveries (account_id, endpoint_id, next_at)
    WHERE status = 'waiting';
CREATE INDEX webhook_deliveries_order ON webhook_deliveries (account_id, endpoint_id, event_id)
    WHERE status = 'waiting';
CREATE INDEX webhook_deliveries_event ON webhook_deliveries (account_id, event_id);
CALL wall_off('webhook_deliveries');
GRANT SELECT, DELETE ON webhook_deliveries TO mailer_eraser;

-- Every try, with the first of what was answered; six days, with its event.
CREATE TABLE webhook_attempts (
    account_id   bigint NOT NULL,
    id           bigint GENERATED ALWAYS AS IDENTITY,
    endpoint_id  bigint NOT NULL,
    event_id     bigint NOT NULL,
    at           timestamptz NOT NULL DEFAULT now(),
    number       smallint NOT NULL,
    outcome      text NOT NULL CHECK (outcome IN ('accepted', 'refused', 'redirected', 'gone', 'timeout',
                                                  'unreachable', 'tls', 'not_allowed', 'malformed')),
    http_status  smallint,
    milliseconds integer NOT NULL,
    answer       text NOT NULL DEFAULT '' CHECK (length(answer) <= 500),
    PRIMARY KEY (account_id, id),
    FOREIGN KEY (account_id, endpoint_id) REFERENCES webhook_endpoints (account_id, id) ON DELETE CASCADE,
    FOREIGN KEY (account_id, event_id) REFERENCES webhook_events (account_id, id) ON DELETE CASCADE
);
CREATE INDEX webhook_attempts_endpoint ON webhook_attempts (account_id, endpoint_id, id);
CREATE INDEX webhook_attempts_event ON webhook_attempts (account_id, event_id);
CALL wall_off('webhook_attempts');
GRANT SELECT, DELETE ON webhook_attempts TO mailer_eraser;

-- "Look at this account": without a unique key, so that no two transactions ever wait for each other here, as
-- they would for a row of `work`. A platform job takes what is committed (webhooks/collect.py). No wall: the
-- platform reads it for all accounts, and it says nothing but a number.
CREATE TABLE webhook_rings (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id bigint NOT NULL
);
GRANT SELECT, DELETE ON webhook_rings TO mailer_eraser;

CREATE FUNCTION webhook_wanted(wanted text) RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT EXISTS (SELECT FROM webhook_endpoints
                   WHERE account_id = current_account() AND status <> 'off' AND wanted = ANY (events))
$$;

CREATE PROCEDURE tell_webhooks(told text, about jsonb)
LANGUAGE plpgsql
AS $$
BEGIN
    IF webhook_wanted(told) THEN
        INSERT INTO webhook_events (account_id, type, data) VALUES (current_account(), told, about);
        INSERT INTO webhook_rings (account_id) VALUES (current_account());
    END IF;
END
$$;

-- Contacts have their feed already (0097): a statement that wrote into it rings, without a look at its rows.
CREATE FUNCTION ring_webhooks() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF EXISTS (SELECT FROM webhook_endpoints WHERE account_id = current_account() AND status <> 'off') THEN
        INSERT INTO webhook_rings (account_id) VALUES (current_account());
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER contact_changes_ring AFTER INSERT ON contact_changes
FOR EACH STATEMENT EXECUTE FUNCTION ring_webhooks();

-- The rest are single rows, whose WHEN is looked at without a call: a mail that is delivered costs no more.
CREATE FUNCTION tell_of_campaign() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    CALL tell_webhooks('campaign.' || NEW.status,
                       jsonb_build_object('campaign_id', NEW.id, 'reason', NEW.pause_reason));
    RETURN NULL;
END
$$;
CREATE TRIGGER campaigns_told AFTER UPDATE OF status ON campaigns FOR EACH ROW
WHEN (NEW.status <> OLD.status AND NEW.status IN ('scheduled', 'sending', 'paused', 'sent', 'cancelled'))
EXECUTE FUNCTION tell_of_campaign();

CREATE FUNCTION tell_of_delivery() RETURNS trigger
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
CREATE TRIGGER deliveries_told AFTER UPDATE OF status ON deliveries FOR EACH ROW
WHEN (NEW.status <> OLD.status AND NEW.status IN ('bounced', 'failed'))
EXECUTE FUNCTION tell_of_delivery();

CREATE FUNCTION tell_of_message() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    CALL tell_webhooks('message.' || NEW.status,
                       jsonb_build_object('message_id', NEW.id, 'contact_id', NEW.contact_id,
                                          'reason', NEW.reason, 'smtp_code', NEW.smtp_code));
    RETURN NULL;
END
$$;
CREATE TRIGGER messages_told AFTER UPDATE OF status ON messages FOR EACH ROW
WHEN (NEW.status <> OLD.status AND NEW.status IN ('delivered', 'bounced', 'failed'))
EXECUTE FUNCTION tell_of_message();

CREATE FUNCTION tell_of_complaint() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    CALL tell_webhooks('complaint.received',
                       jsonb_build_object('campaign_id', NEW.campaign_id, 'contact_id', NEW.contact_id));
    RETURN NULL;
END
$$;
CREATE TRIGGER events_told AFTER INSERT ON events FOR EACH ROW
WHEN (NEW.kind = 'complaint')
EXECUTE FUNCTION tell_of_complaint();

CREATE FUNCTION tell_of_import() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    CALL tell_webhooks('import.finished', jsonb_build_object('import_id', NEW.id, 'state', NEW.state));
    RETURN NULL;
END
$$;
CREATE TRIGGER imports_told AFTER UPDATE OF state ON imports FOR EACH ROW
WHEN (NEW.state <> OLD.state AND NEW.state IN ('done', 'undone', 'failed', 'cancelled'))
EXECUTE FUNCTION tell_of_import();

CREATE FUNCTION tell_of_export() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    CALL tell_webhooks('export.finished',
                       jsonb_build_object('export_id', NEW.id, 'state', NEW.state, 'what', NEW.what));
    RETURN NULL;
END
$$;
CREATE TRIGGER exports_told AFTER UPDATE OF state ON exports FOR EACH ROW
WHEN (NEW.state <> OLD.state AND NEW.state IN ('done', 'failed'))
EXECUTE FUNCTION tell_of_export();

-- A file of refusals adds a million at once: by the statement, 400 to an event.
CREATE FUNCTION tell_of_suppressions() RETURNS trigger
LANGUAGE plpgsql
AS $$
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
$$;
CREATE TRIGGER suppressions_told AFTER INSERT ON suppressions
REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tell_of_suppressions();
