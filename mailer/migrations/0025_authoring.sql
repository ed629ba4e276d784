-- before the new code: test sends, thumbnails of images

-- A test of a draft, asked for by a person of the team; the engine renders and sends it.
CREATE TABLE test_sends (
    account_id  bigint NOT NULL,
    id          bigint GENERATED ALWAYS AS IDENTITY,
    campaign_id bigint NOT NULL,
    contact_id  bigint,  -- rendered as this contact; NULL: as the sample person
    recipient   text NOT NULL,
    asked_by    bigint,
    state       text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent', 'failed')),
    reply       text NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    PRIMARY KEY (account_id, id),
    FOREIGN KEY (account_id, campaign_id) REFERENCES campaigns (account_id, id) ON DELETE CASCADE
);
CREATE INDEX test_sends_campaign ON test_sends (account_id, campaign_id, id);  -- the last test of a campaign
CALL wall_off('test_sends');
GRANT SELECT, DELETE ON test_sends TO mailer_eraser;

-- A-081: a thumbnail has a random name of its own. A new key is validated by a query of the owner, which the
-- forced policy would refuse: it is lifted inside this transaction.
ALTER TABLE images NO FORCE ROW LEVEL SECURITY;
ALTER TABLE files NO FORCE ROW LEVEL SECURITY;
ALTER TABLE images ADD COLUMN thumbnail_name text, ADD COLUMN thumbnail_file_id bigint,
    ADD FOREIGN KEY (account_id, thumbnail_file_id) REFERENCES files (account_id, id);
CREATE UNIQUE INDEX images_thumbnail ON images (account_id, thumbnail_name);
ALTER TABLE images FORCE ROW LEVEL SECURITY;
ALTER TABLE files FORCE ROW LEVEL SECURITY;
