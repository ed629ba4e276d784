-- before the new code: contacts that seem to be one person, and those that were merged

-- One row an account: when duplicates were last looked for.
CREATE TABLE duplicate_searches (
    account_id  bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    asked_at    timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    PRIMARY KEY (account_id)
);
CALL wall_off('duplicate_searches');

-- A pair, the older contact first. `apart`: a person said these are two people; that outlives a new search.
CREATE TABLE duplicates (
    account_id bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    contact_id bigint NOT NULL,
    other_id   bigint NOT NULL,
    reason     text NOT NULL CHECK (reason IN ('address', 'typo', 'field')),
    apart      boolean NOT NULL DEFAULT false,
    found_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, contact_id, other_id),
    CHECK (contact_id < other_id),
    FOREIGN KEY (account_id, contact_id) REFERENCES contacts (account_id, id) ON DELETE CASCADE,
    FOREIGN KEY (account_id, other_id) REFERENCES contacts (account_id, id) ON DELETE CASCADE
);
CALL wall_off('duplicates');
-- for the deletion of a contact
CREATE INDEX duplicates_other ON duplicates (account_id, other_id);

-- Where the history of a merged contact is read now, and whom its old links reach. The hash is the one of the address
-- in those links.
CREATE TABLE contact_merges (
    account_id  bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    merged_id   bigint NOT NULL,
    merged_hash bytea NOT NULL CHECK (length(merged_hash) = 16),
    kept_id     bigint NOT NULL,
    at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, merged_id),
    FOREIGN KEY (account_id, kept_id) REFERENCES contacts (account_id, id) ON DELETE CASCADE
);
CALL wall_off('contact_merges');
CREATE INDEX contact_merges_kept ON contact_merges (account_id, kept_id);
CREATE INDEX contact_merges_hash ON contact_merges (account_id, merged_hash);

GRANT SELECT, DELETE ON duplicate_searches, duplicates, contact_merges TO mailer_eraser;
