-- before the new code: when each rule of retention last ran in an account; totals that outlive the rows

CREATE TABLE retention_passes (
    account_id  bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    rule        text NOT NULL,
    last_run_at timestamptz NOT NULL,
    deleted     bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, rule)
);
CALL wall_off('retention_passes');
GRANT SELECT, DELETE ON retention_passes TO mailer_eraser;

-- G-2: counts of a campaign by state and reason, kept when its rows go; cells under 10 are left out (A-064)
ALTER TABLE campaigns ADD COLUMN totals jsonb;
