-- before the new code: staged rows by the thousand, as columns of arrays; `import_rows` becomes their view

-- A row each, with its foreign key and two indexes, cost more than the contact it became.
CREATE TABLE import_parts (
    account_id       bigint NOT NULL,
    import_id        bigint NOT NULL,
    last_line        bigint NOT NULL,
    lines            bigint[] NOT NULL,
    emails           text[] NOT NULL,
    address_keys     text[] NOT NULL,
    address_hashes   bytea[] NOT NULL,
    first_names      text[] NOT NULL,
    first_name_keys  text[] NOT NULL,
    last_names       text[] NOT NULL,
    last_name_keys   text[] NOT NULL,
    languages        text[] NOT NULL,
    fields           jsonb[] NOT NULL,
    -- lines whose address stands higher up in the file
    doubles          bigint[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (account_id, import_id, last_line),  -- the next part behind a line
    FOREIGN KEY (account_id, import_id) REFERENCES imports (account_id, id) ON DELETE CASCADE
);
-- read once or twice and thrown away: compressing costs more than the room
ALTER TABLE import_parts
    ALTER COLUMN lines SET STORAGE EXTERNAL, ALTER COLUMN emails SET STORAGE EXTERNAL,
    ALTER COLUMN address_keys SET STORAGE EXTERNAL, ALTER COLUMN address_hashes SET STORAGE EXTERNAL,
    ALTER COLUMN first_names SET STORAGE EXTERNAL, ALTER COLUMN first_name_keys SET STORAGE EXTERNAL,
    ALTER COLUMN last_names SET STORAGE EXTERNAL, ALTER COLUMN last_name_keys SET STORAGE EXTERNAL,
    ALTER COLUMN languages SET STORAGE EXTERNAL, ALTER COLUMN fields SET STORAGE EXTERNAL;

ALTER TABLE import_rows NO FORCE ROW LEVEL SECURITY;
ALTER TABLE imports NO FORCE ROW LEVEL SECURITY;
INSERT INTO import_parts (account_id, import_id, last_line, lines, emails, address_keys, address_hashes, first_names,
                          first_name_keys, last_names, last_name_keys, languages, fields)
SELECT account_id, import_id, max(line), array_agg(line ORDER BY line), array_agg(email ORDER BY line),
       array_agg(address_key ORDER BY line), array_agg(address_hash ORDER BY line),
       array_agg(first_name ORDER BY line), array_agg(first_name_key ORDER BY line),
       array_agg(last_name ORDER BY line), array_agg(last_name_key ORDER BY line),
       array_agg(language ORDER BY line), array_agg(fields ORDER BY line)
FROM (
    -- a part never spans the line up to which its import is merged
    SELECT r.*, r.line <= i.merged_to_line AS merged,
           (row_number() OVER (PARTITION BY r.account_id, r.import_id, r.line <= i.merged_to_line
                               ORDER BY r.line) - 1) / 5000 AS n
    FROM import_rows r
    JOIN imports i ON i.account_id = r.account_id AND i.id = r.import_id
) AS numbered
GROUP BY account_id, import_id, merged, n;
-- doubles are lines of their part now; a check that is under way reads its file once more
ALTER TABLE import_rejects NO FORCE ROW LEVEL SECURITY;
DELETE FROM import_rejects WHERE code = 'double';
ALTER TABLE import_rejects FORCE ROW LEVEL SECURITY;
UPDATE imports
SET bytes_read = first_offset, lines_read = first_line, rows_read = 0, merged_to_line = 0, counts = '{}',
    examples = '{}', attempt = attempt + 1
WHERE state = 'checking';
ALTER TABLE imports FORCE ROW LEVEL SECURITY;
CALL wall_off('import_parts');
GRANT SELECT, DELETE ON import_parts TO mailer_eraser;

DROP TABLE import_rows;
CREATE VIEW import_rows WITH (security_invoker = true) AS
SELECT p.account_id, p.import_id, p.last_line AS part, r.line, r.email, r.address_key, r.address_hash, r.first_name,
       r.first_name_key, r.last_name, r.last_name_key, r.language, r.fields
FROM import_parts p
CROSS JOIN unnest(p.lines, p.emails, p.address_keys, p.address_hashes, p.first_names, p.first_name_keys,
                  p.last_names, p.last_name_keys, p.languages, p.fields)
           AS r (line, email, address_key, address_hash, first_name, first_name_key, last_name, last_name_key,
                 language, fields)
WHERE r.line <> ALL (p.doubles);
