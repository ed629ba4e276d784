-- before the new code: a second factor of people who sign in (RFC 6238), its recovery codes, how a sign-in went

-- `sealed`: the secret that counts; `pending`: one that was shown and has not given a code yet. Both under the
-- operator's key, bound to the person.
CREATE TABLE second_factors (
    user_id    bigint PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    sealed     bytea,
    since      timestamptz,
    last_step  bigint NOT NULL DEFAULT 0,  -- RFC 6238 §5.2: a code counts once
    pending    bytea,
    pending_at timestamptz,
    CONSTRAINT second_factors_on CHECK ((sealed IS NULL) = (since IS NULL)),
    CONSTRAINT second_factors_pending CHECK ((pending IS NULL) = (pending_at IS NULL))
);

-- SHA-256 of 80 random bits each
CREATE TABLE recovery_codes (
    user_id   bigint NOT NULL REFERENCES second_factors (user_id) ON DELETE CASCADE,
    code_hash bytea NOT NULL,
    used_at   timestamptz,
    PRIMARY KEY (user_id, code_hash)
);

-- Between the password, or a mailed link, and the code: ten minutes, no session yet.
CREATE TABLE sign_in_steps (
    token_hash bytea PRIMARY KEY,
    user_id    bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    sign_in_id bigint REFERENCES sign_ins (id) ON DELETE SET NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX sign_in_steps_user ON sign_in_steps (user_id);  -- a new password ends them
CREATE INDEX sign_in_steps_sign_in ON sign_in_steps (sign_in_id);  -- retention of sign-ins
CREATE INDEX sign_in_steps_expires ON sign_in_steps (expires_at);  -- retention

-- when this session gave a code
ALTER TABLE sessions ADD COLUMN second_factor_at timestamptz;

-- step: password or link was right and a code is awaited; code, recovery: and it came; second: the try of a code
ALTER TABLE sign_ins ADD COLUMN method text NOT NULL DEFAULT 'password'
    CHECK (method IN ('password', 'link', 'step', 'code', 'recovery', 'second'));
-- "Firefox, Linux": for the person to recognise (B-13)
ALTER TABLE sign_ins ADD COLUMN program text NOT NULL DEFAULT '';

-- S18: owners are asked at their first send through a real SMTP server, once
ALTER TABLE users ADD COLUMN second_factor_asked_at timestamptz;

-- everybody of the account needs one
ALTER TABLE accounts ADD COLUMN second_factor_required boolean NOT NULL DEFAULT false;
