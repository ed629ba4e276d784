-- before the new code: sending domains, their DKIM keys, and what the DNS said of them

CREATE TABLE domains (
    account_id  bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id          bigint GENERATED ALWAYS AS IDENTITY,
    -- in A-labels. Two accounts may have the same name: each proves it by its own keys in the DNS
    name        text NOT NULL CHECK (name = lower(name) AND length(name) BETWEEN 3 AND 253),
    zone        text NOT NULL DEFAULT '',
    -- the policy that applies; '' : no DMARC record
    dmarc       text NOT NULL DEFAULT '' CHECK (dmarc IN ('', 'none', 'quarantine', 'reject')),
    dmarc_missed_at timestamptz,
    findings    jsonb NOT NULL DEFAULT '[]',
    asked_at    timestamptz NOT NULL DEFAULT now(),
    checked_at  timestamptz,
    answered_at timestamptz,
    -- D-54: since when mail may leave from it; since when something that was right is missing
    verified_at timestamptz,
    broken_at   timestamptz,
    -- S17: a test mail came back signed by the SMTP server (host:port) for this domain or its organisation
    relay        text NOT NULL DEFAULT '',
    relay_signer text NOT NULL DEFAULT '',
    relay_at     timestamptz,
    created_by  bigint,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, id),
    CONSTRAINT domains_name UNIQUE (account_id, name)
);
CALL wall_off('domains');
GRANT SELECT, DELETE ON domains TO mailer_eraser;

-- D-50 to D-52: pending (not in the DNS yet) → active (signs) → retiring (its record stays for mail on its way) → retired
CREATE TABLE dkim_keys (
    account_id bigint NOT NULL,
    id         bigint GENERATED ALWAYS AS IDENTITY,
    domain_id  bigint NOT NULL,
    selector   text NOT NULL CHECK (selector ~ '^[a-z0-9]{1,63}$'),
    algorithm  text NOT NULL CHECK (algorithm IN ('rsa-sha256', 'ed25519-sha256')),
    state      text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'active', 'retiring', 'retired')),
    record     text NOT NULL,
    sealed     bytea,  -- A-082: gone when retired
    missed_at  timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    active_at  timestamptz,
    retire_at  timestamptz,
    retired_at timestamptz,
    PRIMARY KEY (account_id, id),
    CONSTRAINT dkim_keys_selector UNIQUE (account_id, selector),
    FOREIGN KEY (account_id, domain_id) REFERENCES domains (account_id, id) ON DELETE CASCADE,
    CHECK ((state = 'retired') = (sealed IS NULL)),
    CHECK ((state IN ('retiring', 'retired')) = (retire_at IS NOT NULL))
);
CREATE UNIQUE INDEX dkim_keys_pending ON dkim_keys (account_id, domain_id, algorithm) WHERE state = 'pending';
CREATE UNIQUE INDEX dkim_keys_active ON dkim_keys (account_id, domain_id, algorithm) WHERE state = 'active';
CREATE INDEX dkim_keys_domain ON dkim_keys (account_id, domain_id);
CALL wall_off('dkim_keys');
GRANT SELECT, DELETE ON dkim_keys TO mailer_eraser;
