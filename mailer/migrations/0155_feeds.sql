-- before the new code: editions made of what is new in a feed (RSS, Atom)

-- `feed_url` "": the plan reads none. `feed_shown`: the items as they were read last, for the preview and for a server
-- that says "not modified". `feed_error`: a word of sending/feed_words.py, empty when the last reading went well.
ALTER TABLE recurrences NO FORCE ROW LEVEL SECURITY;
ALTER TABLE recurrences
    ADD COLUMN feed_url      text NOT NULL DEFAULT '' CHECK (length(feed_url) <= 1000),
    ADD COLUMN feed_etag     text NOT NULL DEFAULT '' CHECK (length(feed_etag) <= 300),
    ADD COLUMN feed_modified text NOT NULL DEFAULT '' CHECK (length(feed_modified) <= 100),
    ADD COLUMN feed_shown    jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN feed_read_at  timestamptz,
    ADD COLUMN feed_error    text NOT NULL DEFAULT '' CHECK (length(feed_error) <= 40),
    ADD COLUMN feed_failures integer NOT NULL DEFAULT 0;
ALTER TABLE recurrences FORCE ROW LEVEL SECURITY;

-- Items that no edition takes again, by a fingerprint of their guid or address. `due_at`: the edition that had it, NULL
-- for what stood in the feed before the plan began.
CREATE TABLE feed_items (
    account_id    bigint NOT NULL,
    recurrence_id bigint NOT NULL,
    key           bytea NOT NULL CHECK (length(key) = 16),
    due_at        timestamptz,
    seen_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, recurrence_id, key),
    FOREIGN KEY (account_id, recurrence_id) REFERENCES recurrences (account_id, id) ON DELETE CASCADE
);
CALL wall_off('feed_items');

GRANT SELECT, DELETE ON feed_items TO mailer_eraser;
