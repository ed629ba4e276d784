-- before the new code: the register of sub-processors, announced 30 days ahead, and what accounts object

-- A-047, C-51. The operator's file is the register until it is taken over; from then on changes are announced.
CREATE TABLE sub_processors (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name          text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    service       text NOT NULL CHECK (length(service) BETWEEN 1 AND 500),
    country       text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    region        text NOT NULL DEFAULT '' CHECK (length(region) <= 200),
    safeguards    text NOT NULL DEFAULT '' CHECK (length(safeguards) <= 1000),
    data          text NOT NULL CHECK (length(data) BETWEEN 1 AND 1000),
    retention     text NOT NULL CHECK (length(retention) BETWEEN 1 AND 500),
    contract_date text NOT NULL CHECK (length(contract_date) BETWEEN 1 AND 40),
    replaces      text NOT NULL DEFAULT '' CHECK (length(replaces) <= 200),
    from_file     boolean NOT NULL DEFAULT false,
    announced_at  timestamptz NOT NULL,
    announced_by  bigint REFERENCES users (id) ON DELETE SET NULL,
    effective_on  date NOT NULL,
    -- the first day without it
    ends_on       date,
    -- announced, and given up before its day
    withdrawn_at  timestamptz,
    CONSTRAINT sub_processors_notice CHECK (
        from_file OR effective_on >= (announced_at AT TIME ZONE 'UTC')::date + 30)
);

-- That the file was taken over, and when.
CREATE TABLE sub_processor_registers (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    taken_at timestamptz NOT NULL
);

-- Addressed to the operator, who reads those of all accounts: no table of a tenant.
CREATE TABLE sub_processor_objections (
    sub_processor_id bigint NOT NULL REFERENCES sub_processors (id),
    account_id       bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    reason           text NOT NULL CHECK (length(reason) BETWEEN 1 AND 2000),
    user_id          bigint,
    person           text NOT NULL,
    objected_at      timestamptz NOT NULL,
    answer           text NOT NULL DEFAULT '' CHECK (length(answer) <= 2000),
    answered_at      timestamptz,
    PRIMARY KEY (sub_processor_id, account_id)
);
CREATE INDEX sub_processor_objections_account ON sub_processor_objections (account_id);
