-- before the new code: quotas of an account, warm-up plans

-- set by the operator; NULL: no limit
ALTER TABLE accounts
    ADD COLUMN per_day integer CHECK (per_day >= 0),
    ADD COLUMN per_month integer CHECK (per_month >= 0);

-- mails that began to leave, by the account's own calendar day; counted while a quota is set
CREATE TABLE day_counts (
    account_id bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    day        date NOT NULL,
    begun      integer NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, day)
);
CALL wall_off('day_counts');
GRANT SELECT, DELETE ON day_counts TO mailer_eraser;

-- D-81: reputation grows with the domain of From
CREATE TABLE warm_ups (
    account_id bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    domain     text NOT NULL CHECK (length(domain) BETWEEN 1 AND 255),
    first_cap  integer NOT NULL CHECK (first_cap BETWEEN 1 AND 100000),
    steps      smallint NOT NULL CHECK (steps BETWEEN 1 AND 30),
    started_on date NOT NULL,
    PRIMARY KEY (account_id, domain)
);
CALL wall_off('warm_ups');
GRANT SELECT, DELETE ON warm_ups TO mailer_eraser;

-- one row a provider and day on which the plan was used; step 0 is the first day's
CREATE TABLE warm_up_days (
    account_id bigint NOT NULL,
    domain     text NOT NULL,
    profile    text NOT NULL,
    day        date NOT NULL,
    step       smallint NOT NULL,
    begun      integer NOT NULL DEFAULT 0,
    deferred   integer NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, domain, profile, day),
    FOREIGN KEY (account_id, domain) REFERENCES warm_ups (account_id, domain) ON DELETE CASCADE
);
CALL wall_off('warm_up_days');
GRANT SELECT, DELETE ON warm_up_days TO mailer_eraser;
