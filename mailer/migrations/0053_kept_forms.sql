-- before the new code: what a person had typed when their session was over, until they sign in again

-- Sealed under the operator's key, bound to the person; no password and no file; 15 minutes.
CREATE TABLE kept_forms (
    token_hash bytea PRIMARY KEY,
    user_id    bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    sealed     bytea NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX kept_forms_user ON kept_forms (user_id, created_at);  -- the newest few of a person
CREATE INDEX kept_forms_expires ON kept_forms (expires_at);  -- retention
