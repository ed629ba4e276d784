-- before the new code: what an import changed is remembered for seven days, so that it can be undone

ALTER TABLE imports DROP CONSTRAINT imports_state_check;
ALTER TABLE imports
    ADD CONSTRAINT imports_state_check CHECK (state IN (
        'uploaded', 'mapped', 'checking', 'checked', 'running', 'done', 'undoing', 'undone', 'failed', 'cancelled')),
    -- the end of the parts that are undone
    ADD COLUMN undone_to_line bigint NOT NULL DEFAULT 0,
    ADD COLUMN undo_counts jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN undone_at timestamptz;

-- Whom a part of an import made, changed, or put on a list. No value of theirs stands here.
CREATE TABLE import_changes (
    account_id  bigint NOT NULL,
    import_id   bigint NOT NULL,
    part        bigint NOT NULL,
    contact_ids bigint[] NOT NULL,
    PRIMARY KEY (account_id, import_id, part),  -- the next part to undo
    FOREIGN KEY (account_id, import_id) REFERENCES imports (account_id, id) ON DELETE CASCADE
);
CALL wall_off('import_changes');
GRANT SELECT, DELETE ON import_changes TO mailer_eraser;

-- What stood there before. Goes with its contact.
CREATE TABLE import_values (
    account_id bigint NOT NULL,
    import_id  bigint NOT NULL,
    contact_id bigint NOT NULL,
    first_name text NOT NULL,
    last_name  text NOT NULL,
    first_name_key text NOT NULL,
    last_name_key  text NOT NULL,
    language   text NOT NULL,
    fields     jsonb NOT NULL,
    updated_at timestamptz NOT NULL,
    -- the contact's `updated_at` while nobody has changed it since
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, contact_id, import_id),  -- a contact's, when undone, forgotten or erased
    FOREIGN KEY (account_id, contact_id) REFERENCES contacts (account_id, id) ON DELETE CASCADE
        DEFERRABLE INITIALLY DEFERRED  -- checked at the end, when its query is planned once for all rows
);
CALL wall_off('import_values');
GRANT SELECT, DELETE ON import_values TO mailer_eraser;

-- Subscriptions that an import took away.
CREATE TABLE import_removals (
    account_id  bigint NOT NULL,
    import_id   bigint NOT NULL,
    contact_id  bigint NOT NULL,
    list_id     bigint NOT NULL,
    status      text NOT NULL,
    legal_basis text NOT NULL,
    created_at  timestamptz NOT NULL,
    status_at   timestamptz NOT NULL,
    given_by    bigint,
    PRIMARY KEY (account_id, contact_id, import_id, list_id),  -- a contact's, when undone, forgotten or erased
    FOREIGN KEY (account_id, contact_id) REFERENCES contacts (account_id, id) ON DELETE CASCADE
        DEFERRABLE INITIALLY DEFERRED  -- checked at the end, when its query is planned once for all rows
);
CALL wall_off('import_removals');
GRANT SELECT, DELETE ON import_removals TO mailer_eraser;
