-- before the new code: tenants, people, sign-in, keys, work, outbox

-- Deliberately without missing_ok: a statement outside an account's transaction fails loudly.
CREATE FUNCTION current_account() RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT current_setting('app.account_id')::bigint $$;

-- The second wall of tenancy, the same for each table and partition.
CREATE PROCEDURE wall_off(name text)
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

CREATE TABLE accounts (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name              text NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    status            text NOT NULL DEFAULT 'active' CHECK (status IN ('pending', 'active', 'suspended', 'closed')),
    status_reason     text NOT NULL DEFAULT '',
    language          text NOT NULL DEFAULT 'fr' CHECK (language IN ('fr', 'en')),
    time_zone         text NOT NULL DEFAULT 'Europe/Paris',
    -- who the recipients deal with: the controller (A-062, B-29)
    legal_name        text NOT NULL DEFAULT '',
    postal_address    text NOT NULL DEFAULT '',
    country           text NOT NULL DEFAULT 'FR' CHECK (length(country) = 2),
    contact_email     text NOT NULL DEFAULT '',
    website           text NOT NULL DEFAULT '',
    registration      text NOT NULL DEFAULT '',
    keep_sources      boolean NOT NULL DEFAULT true,
    sample            boolean NOT NULL DEFAULT false,
    largest_send      integer NOT NULL DEFAULT 0,
    created_at        timestamptz NOT NULL DEFAULT now(),
    closed_at         timestamptz,
    erase_at          timestamptz,
    CONSTRAINT accounts_closed CHECK ((status = 'closed') = (closed_at IS NOT NULL AND erase_at IS NOT NULL))
);

-- Personal fields are those of A-041 and no others.
CREATE TABLE users (
    id                 bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email              text NOT NULL,
    address_key        text NOT NULL CONSTRAINT users_address_key UNIQUE,
    password_hash      text,
    must_change_password boolean NOT NULL DEFAULT false,
    title              text NOT NULL DEFAULT '',
    first_name         text NOT NULL DEFAULT '',
    last_name          text NOT NULL DEFAULT '',
    country            text NOT NULL DEFAULT 'FR' CHECK (length(country) = 2),
    vat_number         text NOT NULL DEFAULT '',
    postal_address     text NOT NULL DEFAULT '',
    telephone          text NOT NULL DEFAULT '',
    domain_name        text NOT NULL DEFAULT '',
    language           text NOT NULL DEFAULT 'fr' CHECK (language IN ('fr', 'en')),
    theme              text NOT NULL DEFAULT 'auto' CHECK (theme IN ('auto', 'light', 'dark')),
    is_operator        boolean NOT NULL DEFAULT false,
    disabled           boolean NOT NULL DEFAULT false,
    email_confirmed_at timestamptz,
    news_wanted_at     timestamptz,
    partners_wanted_at timestamptz,
    adult_business_at  timestamptz,
    created_at         timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE memberships (
    account_id bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    user_id    bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role       text NOT NULL CHECK (role IN ('owner', 'manager', 'editor', 'analyst')),
    can_send   boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, user_id)
);
CREATE INDEX memberships_user ON memberships (user_id);  -- the switcher

CREATE TABLE sessions (
    token_hash   bytea PRIMARY KEY,
    id           bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT sessions_id_key UNIQUE,
    user_id      bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    csrf         bytea NOT NULL,
    flash        jsonb,
    ip           inet,
    user_agent   text NOT NULL DEFAULT '',
    created_at   timestamptz NOT NULL DEFAULT now(),
    seen_at      timestamptz NOT NULL DEFAULT now(),
    confirmed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX sessions_user ON sessions (user_id);  -- list and end one's sessions

-- B-13 and A-042; 12 months.
CREATE TABLE sign_ins (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id   bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    at        timestamptz NOT NULL DEFAULT now(),
    ip        inet,
    succeeded boolean NOT NULL
);
CREATE INDEX sign_ins_user ON sign_ins (user_id, at DESC);  -- last three, failures of 24 hours
CREATE INDEX sign_ins_at ON sign_ins (at);  -- retention

CREATE TABLE one_time_links (
    token_hash bytea PRIMARY KEY,
    user_id    bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    purpose    text NOT NULL CHECK (purpose IN ('confirm_email', 'reset_password', 'sign_in', 'change_email')),
    details    jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);
CREATE INDEX one_time_links_user ON one_time_links (user_id, purpose);  -- a new link kills the old

CREATE TABLE api_keys (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id   bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    prefix       text NOT NULL,
    key_hash     bytea NOT NULL CONSTRAINT api_keys_key_hash UNIQUE,
    scopes       text[] NOT NULL,
    created_by   bigint REFERENCES users (id) ON DELETE SET NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    expires_at   timestamptz,
    revoked_at   timestamptz
);
CREATE INDEX api_keys_account ON api_keys (account_id);

-- S3: what is to be done. account_id 0 = the platform itself.
CREATE TABLE work (
    account_id   bigint NOT NULL,
    job          text NOT NULL,
    ref_id       bigint NOT NULL,
    lane         smallint NOT NULL DEFAULT 0,
    turn         integer NOT NULL DEFAULT 1,
    run_at       timestamptz NOT NULL DEFAULT now(),
    leased_until timestamptz,
    attempts     integer NOT NULL DEFAULT 0,
    last_error   text NOT NULL DEFAULT '',
    asked        boolean NOT NULL DEFAULT false,  -- wanted again while a turn was running
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, job, ref_id, lane)
);
CREATE INDEX work_due ON work (run_at);  -- the tick

-- System mail, written with the row that causes it. account_id 0 = the platform itself.
CREATE TABLE outbox (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id bigint NOT NULL DEFAULT 0,
    kind       text NOT NULL,
    recipient  text NOT NULL,
    language   text NOT NULL DEFAULT 'fr',
    details    jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    sent_at    timestamptz,
    failed_at  timestamptz,
    reply      text NOT NULL DEFAULT ''
);
CREATE INDEX outbox_created ON outbox (created_at);  -- retention: six days

-- S9: keys of the tokens in mails; sealed, kept 3 years.
CREATE TABLE signing_keys (
    id         smallint PRIMARY KEY CHECK (id BETWEEN 1 AND 255),
    sealed     bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- The local inbox of a development machine (S18); six days.
CREATE TABLE inbox_mails (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_at timestamptz NOT NULL DEFAULT now(),
    mail_from   text NOT NULL,
    recipient   text NOT NULL,
    subject     text NOT NULL DEFAULT '',
    feedback_id text NOT NULL DEFAULT '',
    raw         bytea NOT NULL
);
CREATE INDEX inbox_mails_received ON inbox_mails (received_at);

-- When each retention rule last ran (step 1 keeps the time; proofs come with the privacy desk).
CREATE TABLE retention_runs (
    rule       text PRIMARY KEY,
    last_run_at timestamptz NOT NULL,
    deleted    bigint NOT NULL DEFAULT 0
);

-- ---------------------------------------------------------------- tenant tables

-- Keys of an account: sealed under the operator's secret, gone with the account.
CREATE TABLE account_keys (
    account_id bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    purpose    text NOT NULL CHECK (purpose IN ('address_hash')),
    sealed     bytea NOT NULL,
    PRIMARY KEY (account_id, purpose)
);
CALL wall_off('account_keys');

CREATE TABLE agreement_acceptances (
    account_id bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id         bigint GENERATED ALWAYS AS IDENTITY,
    version    text NOT NULL,
    accepted_at timestamptz NOT NULL DEFAULT now(),
    user_id    bigint,
    person     text NOT NULL,
    PRIMARY KEY (account_id, id)
);
CALL wall_off('agreement_acceptances');

-- B-60: who did what to which row; ids only, never values. 12 months. No foreign key: its check would lock rows,
-- which asks for the UPDATE that nobody has here (S11).
CREATE TABLE audit (
    account_id  bigint NOT NULL,
    id          bigint GENERATED ALWAYS AS IDENTITY,
    at          timestamptz NOT NULL DEFAULT now(),
    actor       text NOT NULL CHECK (actor IN ('user', 'api_key', 'recipient', 'job', 'operator')),
    actor_id    bigint,
    action      text NOT NULL,
    object      text NOT NULL,
    object_id   bigint,
    count       integer,
    ip          inet,
    request_id  text NOT NULL DEFAULT '',
    PRIMARY KEY (account_id, id)
);
CREATE INDEX audit_at ON audit (account_id, at);
CALL wall_off('audit');

-- S15: one store for uploads, exports, error files and images.
CREATE TABLE files (
    account_id bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id         bigint GENERATED ALWAYS AS IDENTITY,
    kind       text NOT NULL CHECK (kind IN ('upload', 'export', 'rejects', 'image')),
    name       text NOT NULL,
    media_type text NOT NULL,
    size       bigint NOT NULL DEFAULT 0,
    sha256     bytea,
    complete   boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    PRIMARY KEY (account_id, id)
);
CREATE INDEX files_expires ON files (account_id, expires_at) WHERE expires_at IS NOT NULL;
CALL wall_off('files');

CREATE TABLE file_chunks (
    account_id bigint NOT NULL,
    file_id    bigint NOT NULL,
    n          integer NOT NULL,
    bytes      bytea NOT NULL,
    PRIMARY KEY (account_id, file_id, n),
    FOREIGN KEY (account_id, file_id) REFERENCES files (account_id, id) ON DELETE CASCADE
);
-- already compressed or of no use compressed: no second try by TOAST
ALTER TABLE file_chunks ALTER COLUMN bytes SET STORAGE EXTERNAL;
CALL wall_off('file_chunks');

-- S13: content is sealed under the day's key; deleting the key deletes the content, in backups too.
CREATE TABLE content_keys (
    account_id bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    day        date NOT NULL,
    sealed     bytea NOT NULL,
    PRIMARY KEY (account_id, day)
);
CALL wall_off('content_keys');
