-- before the new code: contacts, lists, consents, suppressions, imports, exports

CREATE TABLE fields (
    account_id bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id         bigint GENERATED ALWAYS AS IDENTITY,
    key        text NOT NULL CHECK (key ~ '^[a-z][a-z0-9_]{0,39}$'),
    label      text NOT NULL CHECK (length(label) BETWEEN 1 AND 80),
    type       text NOT NULL CHECK (type IN ('text', 'number', 'date', 'boolean', 'list')),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, id),
    CONSTRAINT fields_key UNIQUE (account_id, key)
);
CALL wall_off('fields');

CREATE TABLE contacts (
    account_id   bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id           bigint GENERATED ALWAYS AS IDENTITY,
    email        text NOT NULL CHECK (length(email) <= 320),
    -- S8: lower(NFC(local)) @ lower A-label domain, a plain column that indexes reach under RLS
    address_key  text NOT NULL,
    -- HMAC-SHA256(account's key, address_key), 16 bytes: joins suppressions
    address_hash bytea NOT NULL CHECK (length(address_hash) = 16),
    first_name   text NOT NULL DEFAULT '' CHECK (length(first_name) <= 200),
    last_name    text NOT NULL DEFAULT '' CHECK (length(last_name) <= 200),
    -- lower-case copies for prefix search by name (S8: a range on a plain column)
    first_name_key text NOT NULL DEFAULT '',
    last_name_key  text NOT NULL DEFAULT '',
    language     text NOT NULL DEFAULT '' CHECK (language IN ('', 'fr', 'en')),
    fields       jsonb NOT NULL DEFAULT '{}',
    -- B-36: the state in force; its proof is in consents
    opens        text NOT NULL DEFAULT 'unknown' CHECK (opens IN ('unknown', 'granted', 'denied')),
    clicks       text NOT NULL DEFAULT 'unknown' CHECK (clicks IN ('unknown', 'granted', 'denied')),
    source       text NOT NULL DEFAULT 'page' CHECK (source IN ('page', 'api', 'import', 'form')),
    import_id    bigint,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    last_act_at  timestamptz,  -- last contact from the person: never an open (B-27)
    PRIMARY KEY (account_id, id),
    CONSTRAINT contacts_address_key UNIQUE (account_id, address_key)
);
CREATE INDEX contacts_hash ON contacts (account_id, address_hash);  -- suppression → contact
CREATE INDEX contacts_first_name ON contacts (account_id, first_name_key);  -- prefix search
CREATE INDEX contacts_last_name ON contacts (account_id, last_name_key);  -- prefix search
CALL wall_off('contacts');

CREATE TABLE mailing_lists (
    account_id    bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id            bigint GENERATED ALWAYS AS IDENTITY,
    name          text NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    -- what recipients read: name, what for, how often
    public_name   text NOT NULL CHECK (length(public_name) BETWEEN 1 AND 120),
    purpose       text NOT NULL DEFAULT '' CHECK (length(purpose) <= 500),
    frequency     text NOT NULL DEFAULT '' CHECK (length(frequency) <= 120),
    kind          text NOT NULL DEFAULT 'newsletter' CHECK (kind IN ('newsletter', 'promotion', 'service')),
    double_opt_in boolean NOT NULL DEFAULT true,
    shown_in_preferences boolean NOT NULL DEFAULT true,
    created_at    timestamptz NOT NULL DEFAULT now(),
    deleted_at    timestamptz,
    PRIMARY KEY (account_id, id)
);
CREATE UNIQUE INDEX mailing_lists_name ON mailing_lists (account_id, name) WHERE deleted_at IS NULL;
CALL wall_off('mailing_lists');

CREATE TABLE subscriptions (
    account_id  bigint NOT NULL,
    list_id     bigint NOT NULL,
    contact_id  bigint NOT NULL,
    status      text NOT NULL CHECK (status IN ('pending', 'active', 'unsubscribed')),
    legal_basis text NOT NULL DEFAULT '' CHECK (legal_basis IN ('', 'consent', 'existing_customer', 'b2b_interest', 'service')),
    created_at  timestamptz NOT NULL DEFAULT now(),
    status_at   timestamptz NOT NULL DEFAULT now(),
    import_id   bigint,
    PRIMARY KEY (account_id, list_id, contact_id),
    FOREIGN KEY (account_id, list_id) REFERENCES mailing_lists (account_id, id) ON DELETE CASCADE,
    FOREIGN KEY (account_id, contact_id) REFERENCES contacts (account_id, id) ON DELETE CASCADE
);
CREATE INDEX subscriptions_contact ON subscriptions (account_id, contact_id);
CREATE INDEX subscriptions_status ON subscriptions (account_id, list_id, status, contact_id);  -- audience, counts
CALL wall_off('subscriptions');

-- S5. list_id NULL = everything. No key to contacts or lists: it outlives both (B-28).
CREATE TABLE suppressions (
    account_id   bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id           bigint GENERATED ALWAYS AS IDENTITY,
    address_hash bytea NOT NULL CHECK (length(address_hash) = 16),
    list_id      bigint,
    reason       text NOT NULL CHECK (reason IN ('unsubscribed', 'bounced', 'complained', 'objected', 'added')),
    since        timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz,
    -- where it came from, for the pages: campaign of the link that was used
    campaign_id  bigint,
    PRIMARY KEY (account_id, id),
    CONSTRAINT suppressions_scope UNIQUE NULLS NOT DISTINCT (account_id, address_hash, list_id)
);
CALL wall_off('suppressions');

-- C-01: append-only ledger. Addresses as keyed hash, so that it outlives the contact.
CREATE TABLE consents (
    account_id   bigint NOT NULL,
    id           bigint GENERATED ALWAYS AS IDENTITY,
    contact_id   bigint NOT NULL,
    address_hash bytea NOT NULL,
    purpose      text NOT NULL CHECK (purpose IN ('mail', 'opens', 'clicks')),
    list_id      bigint,
    act          text NOT NULL CHECK (act IN ('granted', 'withdrawn', 'denied', 'asked', 'confirmed')),
    at           timestamptz NOT NULL DEFAULT now(),
    method       text NOT NULL CHECK (method IN ('import', 'api', 'page', 'form', 'link', 'one_click', 'preferences', 'confirmation')),
    legal_basis  text NOT NULL DEFAULT '',
    wording      text NOT NULL DEFAULT '',
    source       text NOT NULL DEFAULT '',
    source_id    bigint,
    PRIMARY KEY (account_id, id)
);
CREATE INDEX consents_contact ON consents (account_id, contact_id, id);  -- contact page
CALL wall_off('consents');

CREATE TABLE imports (
    account_id      bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id              bigint GENERATED ALWAYS AS IDENTITY,
    file_id         bigint,
    file_name       text NOT NULL,
    file_sha256     bytea,
    state           text NOT NULL DEFAULT 'uploaded'
        CHECK (state IN ('uploaded', 'mapped', 'checking', 'checked', 'running', 'done', 'failed', 'cancelled')),
    failure         text NOT NULL DEFAULT '',
    encoding        text NOT NULL DEFAULT '',
    delimiter       text NOT NULL DEFAULT '',
    has_header      boolean NOT NULL DEFAULT true,
    header          jsonb NOT NULL DEFAULT '[]',
    sample          jsonb NOT NULL DEFAULT '[]',
    mapping         jsonb NOT NULL DEFAULT '[]',
    options         jsonb NOT NULL DEFAULT '{}',
    -- A-020, A-021: the attestation
    legal_basis     text NOT NULL DEFAULT '',
    origin          text NOT NULL DEFAULT '',
    collected_from  date,
    collected_to    date,
    attested_by     text NOT NULL DEFAULT '',
    attested_at     timestamptz,
    -- how far: reading the file, then merging the staged rows
    bytes_read      bigint NOT NULL DEFAULT 0,
    lines_read      bigint NOT NULL DEFAULT 0,
    rows_read       bigint NOT NULL DEFAULT 0,
    merged_to_line  bigint NOT NULL DEFAULT 0,
    counts          jsonb NOT NULL DEFAULT '{}',
    rejects_file_id bigint,
    created_by      bigint,
    created_at      timestamptz NOT NULL DEFAULT now(),
    started_at      timestamptz,
    finished_at     timestamptz,
    PRIMARY KEY (account_id, id)
);
CALL wall_off('imports');

-- Checked rows of a file between reading and merging; gone when the import ends.
CREATE TABLE import_rows (
    account_id   bigint NOT NULL,
    import_id    bigint NOT NULL,
    line         bigint NOT NULL,
    email        text NOT NULL,
    address_key  text NOT NULL,
    address_hash bytea NOT NULL,
    first_name   text,
    last_name    text,
    language     text,
    fields       jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (account_id, import_id, line),
    FOREIGN KEY (account_id, import_id) REFERENCES imports (account_id, id) ON DELETE CASCADE
);
CREATE INDEX import_rows_address ON import_rows (account_id, import_id, address_key, line);  -- doubles in the file
CALL wall_off('import_rows');

CREATE TABLE import_rejects (
    account_id bigint NOT NULL,
    import_id  bigint NOT NULL,
    line       bigint NOT NULL,
    n          smallint NOT NULL,
    column_name text NOT NULL DEFAULT '',
    value      text NOT NULL DEFAULT '',  -- masked
    code       text NOT NULL,
    message    text NOT NULL,
    params     jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (account_id, import_id, line, n),
    FOREIGN KEY (account_id, import_id) REFERENCES imports (account_id, id) ON DELETE CASCADE
);
CALL wall_off('import_rejects');

CREATE TABLE exports (
    account_id  bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id          bigint GENERATED ALWAYS AS IDENTITY,
    what        text NOT NULL CHECK (what IN ('contacts', 'suppressions', 'deliveries')),
    list_id     bigint,
    campaign_id bigint,
    format      text NOT NULL CHECK (format IN ('csv', 'ndjson')),
    state       text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'done', 'failed')),
    failure     text NOT NULL DEFAULT '',
    rows        bigint NOT NULL DEFAULT 0,
    position    bigint NOT NULL DEFAULT 0,
    file_id     bigint,
    created_by  bigint,
    created_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    expires_at  timestamptz,
    PRIMARY KEY (account_id, id)
);
CALL wall_off('exports');
