-- before the new code: workbooks and JSON lines beside CSV, and rows that say no

ALTER TABLE imports
    ADD COLUMN format text NOT NULL DEFAULT 'csv' CHECK (format IN ('csv', 'xlsx', 'ndjson')),
    -- the sheet that is read, and all that can be chosen
    ADD COLUMN sheet text NOT NULL DEFAULT '',
    ADD COLUMN sheets jsonb NOT NULL DEFAULT '[]',
    -- what was uploaded, once `file_id` is the table made of it
    ADD COLUMN original_file_id bigint,
    -- rows of the sheet or lines turned so far
    ADD COLUMN lines_turned bigint NOT NULL DEFAULT 0;

-- why the row's person may not be written to; empty: nothing said
ALTER TABLE import_rows
    ADD COLUMN opt_out text NOT NULL DEFAULT ''
        CHECK (opt_out IN ('', 'unsubscribed', 'blocked', 'bounced', 'complained'));
