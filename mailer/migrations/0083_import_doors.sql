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

-- rows of a file that say no, until they are taken over: no address is kept, only its keyed hash
CREATE TABLE import_opt_outs (
    account_id   bigint NOT NULL,
    import_id    bigint NOT NULL,
    line         bigint NOT NULL,
    address_hash bytea NOT NULL CHECK (length(address_hash) = 16),
    opt_out      text NOT NULL CHECK (opt_out IN ('unsubscribed', 'blocked', 'bounced', 'complained')),
    PRIMARY KEY (account_id, import_id, line),
    FOREIGN KEY (account_id, import_id) REFERENCES imports (account_id, id) ON DELETE CASCADE
);
-- does the file say no of this address?
CREATE INDEX import_opt_outs_address ON import_opt_outs (account_id, import_id, address_hash);
CALL wall_off('import_opt_outs');
GRANT SELECT, DELETE ON import_opt_outs TO mailer_eraser;
