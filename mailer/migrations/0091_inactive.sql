-- before the new code: people of whom nothing was heard for three years (B-27)

-- What the account wants: ask them once, or let them go. The default is the milder one.
ALTER TABLE accounts
    ADD COLUMN inactive_choice text NOT NULL DEFAULT 'ask' CHECK (inactive_choice IN ('ask', 'delete'));

-- Found by the nightly walk. `idle_since` is the last sign of the person, never an open; `due_at` when the choice
-- is carried out, at least 30 days after the account was told; `asked_at` when the person was asked to stay.
CREATE TABLE inactive_contacts (
    account_id bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    contact_id bigint NOT NULL,
    idle_since timestamptz NOT NULL,
    found_at   timestamptz NOT NULL DEFAULT now(),
    told_at    timestamptz,
    due_at     timestamptz,
    asked_at   timestamptz,
    PRIMARY KEY (account_id, contact_id),
    FOREIGN KEY (account_id, contact_id) REFERENCES contacts (account_id, id) ON DELETE CASCADE,
    CONSTRAINT inactive_contacts_told CHECK ((told_at IS NULL) = (due_at IS NULL)),
    CONSTRAINT inactive_contacts_asked CHECK (asked_at IS NULL OR told_at IS NOT NULL)
);
CALL wall_off('inactive_contacts');
GRANT SELECT, DELETE ON inactive_contacts TO mailer_eraser;
CREATE INDEX inactive_contacts_due ON inactive_contacts (account_id, due_at, contact_id);  -- the job, the page

-- How far the walk of an account has come, and when it may begin again.
CREATE TABLE inactive_walks (
    account_id bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    cursor     bigint NOT NULL DEFAULT 0,
    next_at    timestamptz NOT NULL DEFAULT now(),
    -- when the account was last told of new ones: once a week at most
    told_at    timestamptz,
    PRIMARY KEY (account_id)
);
CALL wall_off('inactive_walks');
GRANT SELECT, DELETE ON inactive_walks TO mailer_eraser;
