-- before the new code: soft bounces of an address with a half-life (D-33), and what came back, counted by day

-- One row a contact and day: several mails to a full mailbox on one day are one circumstance, and a report that comes
-- twice changes nothing. `address_hash`: of the address that bounced; a corrected one begins anew.
CREATE TABLE soft_bounces (
    account_id   bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    contact_id   bigint NOT NULL,
    day          date NOT NULL,
    address_hash bytea NOT NULL CHECK (length(address_hash) = 16),
    reason       text NOT NULL CHECK (length(reason) BETWEEN 1 AND 40),
    at           timestamptz NOT NULL,
    PRIMARY KEY (account_id, contact_id, day),
    FOREIGN KEY (account_id, contact_id) REFERENCES contacts (account_id, id) ON DELETE CASCADE
);
CALL wall_off('soft_bounces');
-- for retention
CREATE INDEX soft_bounces_at ON soft_bounces (account_id, at);

-- No person in it: so many of a kind and reason on a day, by the recipients' provider and by the way it was told.
CREATE TABLE feedback_counts (
    account_id bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    day        date NOT NULL,
    kind       text NOT NULL CHECK (length(kind) BETWEEN 1 AND 20),
    reason     text NOT NULL CHECK (length(reason) BETWEEN 1 AND 40),
    profile    text NOT NULL CHECK (length(profile) BETWEEN 1 AND 60),
    source     text NOT NULL CHECK (source IN ('smtp', 'mail', 'webhook')),
    n          bigint NOT NULL CHECK (n > 0),
    PRIMARY KEY (account_id, day, kind, reason, profile, source)
);
CALL wall_off('feedback_counts');

GRANT SELECT, DELETE ON soft_bounces, feedback_counts TO mailer_eraser;
