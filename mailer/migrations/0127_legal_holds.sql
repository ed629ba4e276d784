-- before the new code: what a law says must be kept for longer, by article and until a day

CREATE TABLE legal_holds (
    account_id bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id         bigint GENERATED ALWAYS AS IDENTITY,
    -- NULL: everything of the account
    contact_id bigint,
    article    text NOT NULL CHECK (length(article) BETWEEN 3 AND 200),
    reason     text NOT NULL CHECK (length(reason) BETWEEN 3 AND 500),
    placed_at  timestamptz NOT NULL,
    placed_by  text NOT NULL,
    ends_at    timestamptz NOT NULL,
    lifted_at  timestamptz,
    PRIMARY KEY (account_id, id),
    FOREIGN KEY (account_id, contact_id) REFERENCES contacts (account_id, id) ON DELETE CASCADE,
    CONSTRAINT legal_holds_end CHECK (ends_at > placed_at)
);
CALL wall_off('legal_holds');
GRANT SELECT, DELETE ON legal_holds TO mailer_eraser;
CREATE INDEX legal_holds_contact ON legal_holds (account_id, contact_id) WHERE lifted_at IS NULL;

-- The one predicate of all that erases: must this person's data be kept at that time? NULL: only what holds everything.
CREATE FUNCTION held(contact bigint, at timestamptz) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    SELECT EXISTS (SELECT FROM legal_holds h
                   WHERE h.account_id = current_account() AND (h.contact_id IS NULL OR h.contact_id = contact)
                     AND h.lifted_at IS NULL AND h.ends_at > at)
$$;

-- The last end of what holds the whole account, for whoever looks across accounts.
ALTER TABLE accounts ADD COLUMN held_until timestamptz;

-- What stays of people under a hold when their account is erased: a copy of their data apart, with its law and its end.
CREATE TABLE held_people (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id  bigint NOT NULL,
    contact_id  bigint NOT NULL,
    data        jsonb NOT NULL,
    legal_basis text NOT NULL,
    expires_at  timestamptz NOT NULL
);
CREATE INDEX held_people_expires_at ON held_people (expires_at);
CREATE INDEX held_people_account ON held_people (account_id);
