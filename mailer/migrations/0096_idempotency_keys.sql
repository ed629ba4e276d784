-- before the new code: answers of the API that are given again for the same Idempotency-Key (E-61)

-- Written in the transaction of the effect itself, so that one is never there without the other. 24 hours.
-- `key_hash` is keyed and names method, path and the caller's key; `answer` is sealed: it may hold a contact.
CREATE TABLE idempotency_keys (
    account_id bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    key_hash   bytea NOT NULL CHECK (length(key_hash) = 32),
    body_hash  bytea NOT NULL CHECK (length(body_hash) = 32),
    status     smallint NOT NULL,
    location   text NOT NULL DEFAULT '',
    answer     bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, key_hash)
);
CREATE INDEX idempotency_keys_created_at ON idempotency_keys (account_id, created_at);  -- retention
CALL wall_off('idempotency_keys');
GRANT SELECT, DELETE ON idempotency_keys TO mailer_eraser;
