-- before the new code: signed and chained records of what retention deleted (decision 22)

-- What was deleted since the last record: in the transaction of the deletion, so that no kill loses it.
ALTER TABLE retention_passes ADD COLUMN unproven bigint NOT NULL DEFAULT 0;
ALTER TABLE retention_runs ADD COLUMN unproven bigint NOT NULL DEFAULT 0;

-- The end of an account's chain; its row is locked while a record is added, so that the chain never forks.
CREATE TABLE retention_chains (
    account_id bigint PRIMARY KEY,
    n          bigint NOT NULL DEFAULT 0,
    hash       bytea NOT NULL CHECK (octet_length(hash) = 32)
);
CALL wall_off('retention_chains');
GRANT SELECT, DELETE ON retention_chains TO mailer_eraser;

-- `record`: canonical JSON, whose SHA-256 is `hash` and over whose octets `signature` stands.
CREATE TABLE retention_proofs (
    account_id bigint NOT NULL,
    n          bigint NOT NULL CHECK (n > 0),
    at         timestamptz NOT NULL,
    record     text NOT NULL,
    hash       bytea NOT NULL CHECK (octet_length(hash) = 32),
    key_id     smallint NOT NULL,
    signature  bytea NOT NULL CHECK (octet_length(signature) = 64),
    PRIMARY KEY (account_id, n)
);
CALL wall_off('retention_proofs');
-- S11: added to and read; the eraser alone deletes, with the account
REVOKE UPDATE, DELETE, TRUNCATE ON retention_proofs FROM CURRENT_USER;
GRANT SELECT, DELETE ON retention_proofs TO mailer_eraser;

-- The same for what belongs to no account. Nobody deletes here: the ends of erased accounts' chains stay (A-093).
CREATE TABLE platform_chain (
    one  boolean PRIMARY KEY DEFAULT true CHECK (one),
    n    bigint NOT NULL DEFAULT 0,
    hash bytea NOT NULL CHECK (octet_length(hash) = 32)
);
CREATE TABLE platform_proofs (
    n         bigint PRIMARY KEY CHECK (n > 0),
    at        timestamptz NOT NULL,
    record    text NOT NULL,
    hash      bytea NOT NULL CHECK (octet_length(hash) = 32),
    key_id    smallint NOT NULL,
    signature bytea NOT NULL CHECK (octet_length(signature) = 64)
);
REVOKE UPDATE, DELETE, TRUNCATE ON platform_proofs FROM CURRENT_USER;
GRANT SELECT ON platform_chain, platform_proofs TO mailer_eraser;

-- Written in the transaction that erases an account, taken into the platform's chain at the next sweep.
CREATE TABLE erased_accounts (
    account_id bigint PRIMARY KEY,
    erased_at  timestamptz NOT NULL,
    n          bigint NOT NULL,
    hash       bytea NOT NULL,
    counts     jsonb NOT NULL
);
GRANT SELECT, DELETE ON erased_accounts TO mailer_eraser;

-- What the watch saw last; account 0 is the platform. `late_since`: since when something is older than it may be.
CREATE TABLE retention_watch (
    account_id bigint PRIMARY KEY,
    checked_at timestamptz NOT NULL,
    late_since timestamptz,
    late       text[] NOT NULL DEFAULT '{}'
);
-- Of which lateness the operator was told.
CREATE TABLE retention_alarm (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    told_at timestamptz NOT NULL
);
GRANT SELECT, DELETE ON retention_watch, retention_alarm TO mailer_eraser;
