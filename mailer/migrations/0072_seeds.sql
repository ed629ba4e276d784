-- before the new code: addresses that tests go to, each confirmed by its owner

-- `team`: a colleague's address, confirmed by that person's account and used while it is in the team. A removed row
-- stays, so that taking an address off and adding it again mails nobody more often; `refused` is its owner's no.
CREATE TABLE seeds (
    account_id   bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id           bigint GENERATED ALWAYS AS IDENTITY,
    email        text NOT NULL,
    address_key  text NOT NULL,
    label        text NOT NULL DEFAULT '' CHECK (length(label) <= 120),
    team         boolean NOT NULL DEFAULT false,
    status       text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'confirmed', 'refused', 'removed')),
    asked_at     timestamptz NOT NULL DEFAULT now(),
    confirmed_at timestamptz,
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, id),
    CONSTRAINT seeds_address_key UNIQUE (account_id, address_key)
);
CALL wall_off('seeds');
GRANT SELECT, DELETE ON seeds TO mailer_eraser;

-- how many tests an account sent in the last hour
CREATE INDEX test_sends_created ON test_sends (account_id, created_at);
