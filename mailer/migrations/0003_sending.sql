-- before the new code: senders, campaigns, deliveries, links, events, images

CREATE TABLE senders (
    account_id   bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id           bigint GENERATED ALWAYS AS IDENTITY,
    email        text NOT NULL,
    address_key  text NOT NULL,
    name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    reply_to     text NOT NULL DEFAULT '',
    status       text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'confirmed', 'revoked')),
    asked_at     timestamptz NOT NULL DEFAULT now(),
    confirmed_at timestamptz,
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, id),
    CONSTRAINT senders_address_key UNIQUE (account_id, address_key)
);
CALL wall_off('senders');

CREATE TABLE images (
    account_id bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id         bigint GENERATED ALWAYS AS IDENTITY,
    -- A-081: random, 160 bits; the account in front finds the row, nothing of the file's own name
    name       text NOT NULL,
    file_id    bigint NOT NULL,
    label      text NOT NULL DEFAULT '',
    alt        text NOT NULL DEFAULT '',
    media_type text NOT NULL,
    width      integer NOT NULL,
    height     integer NOT NULL,
    size       integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, id),
    FOREIGN KEY (account_id, file_id) REFERENCES files (account_id, id)
);
CREATE UNIQUE INDEX images_name ON images (account_id, name);
CALL wall_off('images');

CREATE TABLE designs (
    account_id bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id         bigint GENERATED ALWAYS AS IDENTITY,
    name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    kind       text NOT NULL CHECK (kind IN ('letter', 'mjml')),
    subject    text NOT NULL DEFAULT '',
    preheader  text NOT NULL DEFAULT '',
    source     text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    archived_at timestamptz,
    PRIMARY KEY (account_id, id)
);
CALL wall_off('designs');

CREATE TABLE campaigns (
    account_id   bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id           bigint GENERATED ALWAYS AS IDENTITY,
    name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    kind         text NOT NULL DEFAULT 'newsletter' CHECK (kind IN ('newsletter', 'promotion', 'service')),
    status       text NOT NULL DEFAULT 'draft'
        CHECK (status IN ('draft', 'scheduled', 'preparing', 'sending', 'paused', 'sent', 'cancelled')),
    pause_reason text NOT NULL DEFAULT '',
    sender_id    bigint,
    reply_to     text NOT NULL DEFAULT '',
    language     text NOT NULL DEFAULT 'fr' CHECK (language IN ('fr', 'en')),
    -- the author's source: dies with the content unless kept as a design (S12)
    subject      text NOT NULL DEFAULT '',
    preheader    text NOT NULL DEFAULT '',
    content_kind text NOT NULL DEFAULT 'none' CHECK (content_kind IN ('none', 'letter', 'mjml')),
    source       text NOT NULL DEFAULT '',
    keep_source  boolean NOT NULL DEFAULT true,
    tested_at    timestamptz,
    version      integer NOT NULL DEFAULT 1,
    -- when
    scheduled_at timestamptz,
    time_zone    text NOT NULL DEFAULT 'Europe/Paris',
    month        date,  -- S6: frozen when prepared; partition key of the deliveries
    audience_cursor bigint NOT NULL DEFAULT 0,
    audience     integer NOT NULL DEFAULT 0,
    confirmed_audience integer,
    prepared_at  timestamptz,
    started_at   timestamptz,
    finished_at  timestamptz,
    content_erased_at timestamptz,
    revision_id  bigint,
    created_by   bigint,
    sent_by      bigint,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    archived_at  timestamptz,
    PRIMARY KEY (account_id, id)
);
CREATE INDEX campaigns_status ON campaigns (account_id, status, id);
CALL wall_off('campaigns');

CREATE TABLE campaign_lists (
    account_id  bigint NOT NULL,
    campaign_id bigint NOT NULL,
    list_id     bigint NOT NULL,
    use         text NOT NULL CHECK (use IN ('include', 'exclude')),
    position    smallint NOT NULL,
    PRIMARY KEY (account_id, campaign_id, list_id),
    FOREIGN KEY (account_id, campaign_id) REFERENCES campaigns (account_id, id) ON DELETE CASCADE,
    FOREIGN KEY (account_id, list_id) REFERENCES mailing_lists (account_id, id)
);
CALL wall_off('campaign_lists');

-- S12, S13: the frozen, compiled content, sealed under the day's key.
CREATE TABLE revisions (
    account_id  bigint NOT NULL,
    id          bigint GENERATED ALWAYS AS IDENTITY,
    campaign_id bigint NOT NULL,
    key_day     date NOT NULL,
    sealed      bytea NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, id),
    FOREIGN KEY (account_id, campaign_id) REFERENCES campaigns (account_id, id) ON DELETE CASCADE
);
CREATE INDEX revisions_campaign ON revisions (account_id, campaign_id);
CALL wall_off('revisions');

-- E-09: where a click may lead, frozen with the campaign.
CREATE TABLE links (
    account_id  bigint NOT NULL,
    id          bigint GENERATED ALWAYS AS IDENTITY,
    campaign_id bigint NOT NULL,
    position    smallint NOT NULL,
    url         text NOT NULL,
    label       text NOT NULL DEFAULT '',
    PRIMARY KEY (account_id, id),
    CONSTRAINT links_position UNIQUE (account_id, campaign_id, position),
    FOREIGN KEY (account_id, campaign_id) REFERENCES campaigns (account_id, id) ON DELETE CASCADE
);
CALL wall_off('links');

-- S1: one row a recipient. No key to contacts: the row stays, de-identified, when the contact goes.
CREATE TABLE deliveries (
    account_id  bigint NOT NULL,
    campaign_id bigint NOT NULL,
    contact_id  bigint NOT NULL,
    month       date NOT NULL,
    list_id     bigint NOT NULL,
    status      text NOT NULL DEFAULT 'queued'
        CHECK (status IN ('queued', 'claimed', 'handing', 'delivered', 'bounced', 'failed', 'skipped', 'cancelled', 'in_doubt')),
    -- bounced: hard soft block · failed: render size address expired
    -- skipped: unsubscribed suppressed deleted restricted pending
    reason      text NOT NULL DEFAULT '',
    lane        smallint,
    turn        integer,
    attempts    smallint NOT NULL DEFAULT 0,
    next_at     timestamptz NOT NULL DEFAULT now(),
    first_at    timestamptz,
    final_at    timestamptz,
    smtp_code   smallint,
    smtp_reply  text NOT NULL DEFAULT '',
    opens       boolean NOT NULL DEFAULT false,   -- was this mail tracked?
    clicks      boolean NOT NULL DEFAULT false,
    PRIMARY KEY (account_id, campaign_id, contact_id, month)
) PARTITION BY RANGE (month);
CREATE INDEX deliveries_queued ON deliveries (account_id, campaign_id, next_at) WHERE status = 'queued';
CREATE INDEX deliveries_lane ON deliveries (account_id, campaign_id, lane) WHERE status IN ('claimed', 'handing');
CREATE INDEX deliveries_status ON deliveries (account_id, campaign_id, status, reason, contact_id);  -- balance, lists of people
CREATE INDEX deliveries_contact ON deliveries (account_id, contact_id, month);  -- contact page
CALL wall_off('deliveries');

-- S6, S21: id and time come from the stream entry, so that a replay meets the key.
CREATE TABLE events (
    account_id  bigint NOT NULL,
    id          text NOT NULL,
    at          timestamptz NOT NULL,
    campaign_id bigint NOT NULL,
    contact_id  bigint NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('open', 'click', 'unsubscribe', 'complaint', 'bounce')),
    link_id     bigint,
    verdict     text NOT NULL DEFAULT 'unknown' CHECK (verdict IN ('person', 'machine', 'unknown')),
    signals     jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (account_id, id, at)
) PARTITION BY RANGE (at);
CREATE INDEX events_campaign ON events (account_id, campaign_id, kind, at);
CREATE INDEX events_contact ON events (account_id, contact_id, at);
CALL wall_off('events');

-- Partitions are made ahead by retention_jobs, and when a campaign needs one.
CREATE PROCEDURE make_month(first_day date)
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

DO $$
BEGIN
    FOR n IN -1..2 LOOP
        CALL make_month((date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => n))::date);
    END LOOP;
END
$$;

-- S11: the ledger and the journal can be added to and read; only the eraser deletes.
REVOKE UPDATE, DELETE, TRUNCATE ON consents, audit FROM CURRENT_USER;
GRANT USAGE ON SCHEMA public TO mailer_eraser;
GRANT EXECUTE ON FUNCTION current_account() TO mailer_eraser;
GRANT SELECT, DELETE ON ALL TABLES IN SCHEMA public TO mailer_eraser;
