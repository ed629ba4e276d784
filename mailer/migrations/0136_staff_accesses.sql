-- before the new code: when, why and for how long the operator's people read an account (A-018, A-120)

-- `starts_at` NULL: an owner has to approve first. Whoever reads does so until `ends_at`, or `ended_at` if it is earlier.
CREATE TABLE staff_accesses (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id  bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    operator_id bigint NOT NULL,
    purpose     text NOT NULL CHECK (purpose IN ('support', 'billing', 'statistics', 'legal')),
    ticket      text NOT NULL CHECK (length(ticket) BETWEEN 1 AND 80),
    minutes     smallint NOT NULL CHECK (minutes BETWEEN 1 AND 60),
    asked_at    timestamptz NOT NULL,
    starts_at   timestamptz,
    ends_at     timestamptz,
    approved_by bigint,
    ended_at    timestamptz,
    ended_by    text NOT NULL DEFAULT '' CHECK (ended_by IN ('', 'operator', 'account', 'refused')),
    CONSTRAINT staff_accesses_times CHECK ((starts_at IS NULL) = (ends_at IS NULL)
                                           AND ends_at <= starts_at + interval '60 minutes'),
    CONSTRAINT staff_accesses_ended CHECK ((ended_at IS NULL) = (ended_by = ''))
);
CREATE INDEX staff_accesses_account ON staff_accesses (account_id, id);
CREATE INDEX staff_accesses_open ON staff_accesses (account_id, operator_id) WHERE ended_at IS NULL;

-- does the account want to be asked first?
ALTER TABLE accounts ADD COLUMN staff_approval boolean NOT NULL DEFAULT false;
