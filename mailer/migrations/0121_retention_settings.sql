-- before the new code: whether totals that identify nobody outlive the rows of people (G-2)

CREATE TABLE retention_settings (
    account_id  bigint PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    keep_totals boolean NOT NULL
);
CALL wall_off('retention_settings');
GRANT SELECT, DELETE ON retention_settings TO mailer_eraser;

-- accounts that are there were told that totals stay: so they do, until somebody chooses otherwise
ALTER TABLE retention_settings NO FORCE ROW LEVEL SECURITY;
INSERT INTO retention_settings (account_id, keep_totals) SELECT id, true FROM accounts;
ALTER TABLE retention_settings FORCE ROW LEVEL SECURITY;
