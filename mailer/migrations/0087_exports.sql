-- before the new code: exports of frozen contacts, of one state, with chosen columns, as a workbook, of a whole account

-- `chosen`: names of columns, in no order; empty: all. `top_id`: who was added later is not in it. `part`: of an archive
ALTER TABLE exports
    ADD COLUMN status text NOT NULL DEFAULT '',
    ADD COLUMN selection_id bigint,
    ADD COLUMN chosen jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN started_at timestamptz,
    ADD COLUMN top_id bigint NOT NULL DEFAULT 0,
    ADD COLUMN part integer NOT NULL DEFAULT 0,
    ADD CONSTRAINT exports_status_check CHECK (status IN ('', 'active', 'pending', 'unsubscribed')),
    DROP CONSTRAINT exports_what_check,
    ADD CONSTRAINT exports_what_check CHECK (what IN ('contacts', 'suppressions', 'deliveries', 'account')),
    DROP CONSTRAINT exports_format_check,
    ADD CONSTRAINT exports_format_check CHECK (format IN ('csv', 'ndjson', 'xlsx', 'zip'));

-- `tag`, `untag`: actions of the same table of contacts
ALTER TABLE selections
    DROP CONSTRAINT selections_action_check,
    ADD CONSTRAINT selections_action_check
        CHECK (action IN ('delete', 'unsubscribe', 'add', 'remove', 'tag', 'untag', 'export'));

-- Files inside an archive, in their order. `sha256` NULL: being written. `packed` and `offset_` are bytes of the archive
CREATE TABLE export_members (
    account_id  bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    export_id   bigint NOT NULL,
    n           integer NOT NULL,
    part        integer NOT NULL,
    name        text NOT NULL,
    offset_     bigint NOT NULL,
    packed      bigint NOT NULL DEFAULT 0,
    size        bigint NOT NULL DEFAULT 0,
    rows        bigint NOT NULL DEFAULT 0,
    crc         bigint NOT NULL DEFAULT 0,
    sha256      bytea,
    PRIMARY KEY (account_id, export_id, n),
    FOREIGN KEY (account_id, export_id) REFERENCES exports (account_id, id) ON DELETE CASCADE
);
CALL wall_off('export_members');
GRANT SELECT, DELETE ON export_members TO mailer_eraser;
