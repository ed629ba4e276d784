-- before the new code: where the columns of a table went last time, for the next one with the same headings

CREATE TABLE import_mappings (
    account_id bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    -- SHA-256 of the headings as they are compared
    headings   bytea NOT NULL CHECK (length(headings) = 32),
    name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    -- as in `imports.mapping`; headings are no personal data
    mapping    jsonb NOT NULL,
    used_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, headings)
);
CALL wall_off('import_mappings');
GRANT SELECT, DELETE ON import_mappings TO mailer_eraser;
