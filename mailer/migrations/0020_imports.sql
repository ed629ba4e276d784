-- before the new code: where a file's data begins, which start of a check is in force, where it went on

ALTER TABLE imports
    ADD COLUMN language text NOT NULL DEFAULT 'fr' CHECK (language IN ('fr', 'en')),
    -- first byte and physical line behind the heading
    ADD COLUMN first_offset bigint NOT NULL DEFAULT 0,
    ADD COLUMN first_line bigint NOT NULL DEFAULT 1,
    -- raised at each start: a turn that belongs to an earlier start writes nothing
    ADD COLUMN attempt integer NOT NULL DEFAULT 0,
    ADD COLUMN resumed_at_line bigint,
    -- of each fate, the lines of its first rows
    ADD COLUMN examples jsonb NOT NULL DEFAULT '{}';

ALTER TABLE import_rows
    ADD COLUMN first_name_key text,
    ADD COLUMN last_name_key text;

-- the first row of an address is staged, its doubles are set aside: the constraint is the check
DROP INDEX import_rows_address;
CREATE UNIQUE INDEX import_rows_address ON import_rows (account_id, import_id, address_key);
