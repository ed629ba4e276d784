-- before the new code: what the provider behind an account's SMTP server tells by webhook

-- One a server. `topic`: of Amazon SNS, nothing of another is taken. `sealed_secret` (A-082): SendGrid's public key,
-- Postmark's password; Amazon signs by certificate. `last_error`: a word of sending/feedback_hooks.py.
CREATE TABLE feedback_hooks (
    account_id    bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id            bigint GENERATED ALWAYS AS IDENTITY,
    server_id     bigint NOT NULL,
    provider      text NOT NULL CHECK (provider IN ('ses', 'sendgrid', 'postmark')),
    topic         text NOT NULL DEFAULT '' CHECK (length(topic) <= 400),
    sealed_secret bytea,
    confirmed_at  timestamptz,
    last_event_at timestamptz,
    last_error    text NOT NULL DEFAULT '' CHECK (length(last_error) <= 40),
    failed_at     timestamptz,
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, id),
    CONSTRAINT feedback_hooks_server UNIQUE (account_id, server_id),
    FOREIGN KEY (account_id, server_id) REFERENCES smtp_servers (account_id, id) ON DELETE CASCADE,
    CONSTRAINT feedback_hooks_proof CHECK (
        CASE provider WHEN 'ses' THEN topic <> '' AND sealed_secret IS NULL
                      ELSE topic = '' AND sealed_secret IS NOT NULL END)
);
CALL wall_off('feedback_hooks');

-- Reports that were acted on, by a fingerprint of their id: what a provider or a mailbox tells twice acts once.
CREATE TABLE feedback_seen (
    account_id bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    key        bytea NOT NULL CHECK (length(key) = 16),
    at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, key)
);
CALL wall_off('feedback_seen');
-- for retention
CREATE INDEX feedback_seen_at ON feedback_seen (account_id, at);

GRANT SELECT, DELETE ON feedback_hooks, feedback_seen TO mailer_eraser;
