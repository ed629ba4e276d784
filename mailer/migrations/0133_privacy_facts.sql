-- before the new code: what a controller says of itself for its privacy policy and records; where its data go

-- Article 13(1)(b), article 30: shown in the account's policy and in both records.
ALTER TABLE accounts
    ADD COLUMN dpo text NOT NULL DEFAULT '' CHECK (length(dpo) <= 300),
    ADD COLUMN without_dpo boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT accounts_dpo CHECK (NOT without_dpo OR dpo = '');

-- '' shows as a gap in the policy (A-095).
CREATE TABLE privacy_facts (
    account_id       bigint PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    authority        text NOT NULL DEFAULT '' CHECK (length(authority) <= 300),
    origin           text NOT NULL DEFAULT '' CHECK (length(origin) <= 1000),
    provision        text NOT NULL DEFAULT '' CHECK (length(provision) <= 1000),
    other_recipients text NOT NULL DEFAULT '' CHECK (length(other_recipients) <= 1000),
    transfers        text NOT NULL DEFAULT '' CHECK (length(transfers) <= 1000),
    interests        text NOT NULL DEFAULT '' CHECK (length(interests) <= 1000),
    changed_at       timestamptz NOT NULL
);
CALL wall_off('privacy_facts');
GRANT SELECT, DELETE ON privacy_facts TO mailer_eraser;

-- A-028, A-068: the country that the account declares for each place its data go to.
CREATE TABLE data_destinations (
    account_id  bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    kind        text NOT NULL CHECK (kind IN ('smtp_server', 'webhook', 'mailbox', 'api_key')),
    ref_id      bigint NOT NULL,
    country     text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    -- outside the EU and the EEA: who took it on, and on what ground
    safeguards  text NOT NULL DEFAULT '' CHECK (length(safeguards) <= 1000),
    person      text NOT NULL,
    declared_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, kind, ref_id)
);
CALL wall_off('data_destinations');
GRANT SELECT, DELETE ON data_destinations TO mailer_eraser;
