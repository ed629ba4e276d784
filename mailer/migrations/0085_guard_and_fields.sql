-- before the new code: columns closed to an import; options of fields, and long changes of their values

-- `closed`: for each column of the file '' or why it may not be imported (A-025 to A-027). `guard`: how many cells
-- of each imported column were looked at and found forbidden, so that a mostly forbidden column is closed.
ALTER TABLE imports
    ADD COLUMN closed jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN guard jsonb NOT NULL DEFAULT '{}';

-- `filled`: contacts with a value, as counted at `filled_at`; a page never counts a million rows
ALTER TABLE fields
    DROP CONSTRAINT fields_type_check,
    ADD CONSTRAINT fields_type_check
        CHECK (type IN ('text', 'number', 'date', 'boolean', 'list', 'choice', 'choices')),
    ADD COLUMN options jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN filled bigint,
    ADD COLUMN filled_at timestamptz;

-- A field deleted, an option renamed or deleted: the values follow in parts, by contact id.
CREATE TABLE field_changes (
    account_id  bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id          bigint GENERATED ALWAYS AS IDENTITY,
    key         text NOT NULL,
    act         text NOT NULL CHECK (act IN ('delete_field', 'rename_option', 'delete_option')),
    before      text NOT NULL DEFAULT '',
    after       text NOT NULL DEFAULT '',
    reached     bigint NOT NULL DEFAULT 0,
    changed     bigint NOT NULL DEFAULT 0,
    total       bigint NOT NULL DEFAULT 0,
    created_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    PRIMARY KEY (account_id, id)
);
CALL wall_off('field_changes');
GRANT SELECT, DELETE ON field_changes TO mailer_eraser;
