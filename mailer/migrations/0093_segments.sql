-- before the new code: tags, segments, and campaigns narrowed by segments

CREATE TABLE tags (
    account_id bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id         bigint GENERATED ALWAYS AS IDENTITY,
    name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
    name_key   text NOT NULL COLLATE "C",  -- lower case: one tag whatever its writing
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, id),
    CONSTRAINT tags_name UNIQUE (account_id, name_key)
);
CALL wall_off('tags');

CREATE TABLE contact_tags (
    account_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    tag_id     bigint NOT NULL,
    added_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, contact_id, tag_id),
    FOREIGN KEY (account_id, contact_id) REFERENCES contacts (account_id, id) ON DELETE CASCADE,
    FOREIGN KEY (account_id, tag_id) REFERENCES tags (account_id, id) ON DELETE CASCADE
);
CALL wall_off('contact_tags');
-- the contacts of a tag: table of contacts, deletion with its count, segments
CREATE INDEX contact_tags_tag ON contact_tags (account_id, tag_id, contact_id);

-- `tree`: lists/segment_tree.py. Figures are of the tree of `counted_version`; a count goes on from
-- `count_position`, with `count_found` so far, while `count_version` is the tree's.
CREATE TABLE segments (
    account_id      bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id              bigint GENERATED ALWAYS AS IDENTITY,
    name            text NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    tree            jsonb NOT NULL,
    version         integer NOT NULL DEFAULT 1,
    contacts        bigint,
    counted_at      timestamptz,
    counted_version integer,
    count_version   integer,
    count_position  bigint NOT NULL DEFAULT 0,
    count_found     bigint NOT NULL DEFAULT 0,
    created_by      bigint,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    deleted_at      timestamptz,
    PRIMARY KEY (account_id, id)
);
CALL wall_off('segments');
CREATE UNIQUE INDEX segments_name ON segments (account_id, name) WHERE deleted_at IS NULL;

CREATE TABLE campaign_segments (
    account_id  bigint NOT NULL,
    campaign_id bigint NOT NULL,
    segment_id  bigint NOT NULL,
    use         text NOT NULL CHECK (use IN ('include', 'exclude')),
    position    smallint NOT NULL,
    PRIMARY KEY (account_id, campaign_id, segment_id),
    FOREIGN KEY (account_id, campaign_id) REFERENCES campaigns (account_id, id) ON DELETE CASCADE,
    FOREIGN KEY (account_id, segment_id) REFERENCES segments (account_id, id)
);
CALL wall_off('campaign_segments');
-- where a segment is used
CREATE INDEX campaign_segments_segment ON campaign_segments (account_id, segment_id, campaign_id);

-- Who is in a campaign's segments: for a draft as of `campaigns.segments_at`, then as it was when the audience
-- was frozen. No key to contacts: a million rows a campaign, read by the view below and removed with its content.
CREATE TABLE segment_members (
    account_id  bigint NOT NULL,
    campaign_id bigint NOT NULL,
    contact_id  bigint NOT NULL,
    segment_id  bigint NOT NULL,
    PRIMARY KEY (account_id, campaign_id, contact_id, segment_id),
    FOREIGN KEY (account_id, campaign_id) REFERENCES campaigns (account_id, id) ON DELETE CASCADE
);
CALL wall_off('segment_members');

GRANT SELECT, DELETE ON tags, contact_tags, segments, campaign_segments, segment_members TO mailer_eraser;

-- A draft's members are written by ranges: how far, and since when they are whole. NULL: not whole yet.
ALTER TABLE campaigns ADD COLUMN segments_position bigint NOT NULL DEFAULT 0, ADD COLUMN segments_at timestamptz;

-- one contact in 100, for estimates
CREATE INDEX contacts_sample ON contacts (account_id, id) WHERE (hashint8(id) & 2147483647) % 100 = 0;

-- As in 0054; and a person who is not in every included segment, or in one that is excluded, gets nothing. A
-- segment alone authorises nobody (S4): people come from the included lists. The first reason that holds is told.
CREATE OR REPLACE VIEW audience WITH (security_invoker = true) AS
SELECT account_id, campaign_id, contact_id, measured,
       CASE WHEN reason = '' THEN list_id END AS list_id, reason
FROM (
    SELECT account_id, campaign_id, contact_id, measured, list_id,
           CASE
                WHEN excluded THEN 'excluded'
                WHEN outside THEN 'segment'
                WHEN list_id IS NOT NULL THEN ''
                WHEN stopped THEN 'suppressed'
                WHEN refused THEN 'unsubscribed'
                WHEN service THEN 'service'
                ELSE 'pending'
           END AS reason
    FROM (
        SELECT i.account_id, i.campaign_id, s.contact_id,
               (array_agg(s.list_id ORDER BY i.position, s.list_id)
                   FILTER (WHERE s.status = 'active' AND a.id IS NULL AND o.id IS NULL
                             AND (g.kind = 'service'
                                  OR s.legal_basis IN ('consent', 'existing_customer', 'b2b_interest'))))[1] AS list_id,
               bool_or(s.status = 'unsubscribed' OR o.id IS NOT NULL) AS refused,
               bool_or(s.status = 'active') AS service,
               bool_or(a.id IS NOT NULL) AS stopped,
               bool_or(c.opens = 'granted' OR c.clicks = 'granted') AS measured,
               bool_or(EXISTS (
                   SELECT FROM campaign_lists x
                   JOIN subscriptions m ON m.account_id = x.account_id AND m.list_id = x.list_id
                   WHERE x.account_id = i.account_id AND x.campaign_id = i.campaign_id AND x.use = 'exclude'
                     AND m.contact_id = s.contact_id
               ) OR n.excluded IS NOT NULL AND EXISTS (
                   SELECT FROM segment_members m
                   WHERE m.account_id = i.account_id AND m.campaign_id = i.campaign_id
                     AND m.contact_id = s.contact_id AND m.segment_id = ANY (n.excluded)
               )) AS excluded,
               bool_or(n.included IS NOT NULL AND cardinality(n.included) > (
                   SELECT count(*) FROM segment_members m
                   WHERE m.account_id = i.account_id AND m.campaign_id = i.campaign_id
                     AND m.contact_id = s.contact_id AND m.segment_id = ANY (n.included)
               )) AS outside
        FROM campaign_lists i
        JOIN campaigns g ON g.account_id = i.account_id AND g.id = i.campaign_id
        JOIN mailing_lists l ON l.account_id = i.account_id AND l.id = i.list_id AND l.deleted_at IS NULL
        JOIN subscriptions s ON s.account_id = i.account_id AND s.list_id = i.list_id
        JOIN contacts c ON c.account_id = s.account_id AND c.id = s.contact_id
        -- NULL without segments, so that nothing is looked for person by person
        LEFT JOIN LATERAL (
            SELECT array_agg(x.segment_id) FILTER (WHERE x.use = 'include') AS included,
                   array_agg(x.segment_id) FILTER (WHERE x.use = 'exclude') AS excluded
            FROM campaign_segments x
            WHERE x.account_id = g.account_id AND x.campaign_id = g.id
        ) n ON true
        LEFT JOIN campaigns b ON b.account_id = g.account_id AND b.id = g.rest_of
        LEFT JOIN suppressions a ON a.account_id = c.account_id AND a.address_hash = c.address_hash
            AND a.list_id IS NULL AND stops(a, s.list_id)
        LEFT JOIN suppressions o ON o.account_id = c.account_id AND o.address_hash = c.address_hash
            AND o.list_id = s.list_id AND stops(o, s.list_id)
        WHERE i.use = 'include'
          -- a scalar subquery is asked by key for each person; an EXISTS may be hashed from the whole table
          AND (g.rest_of IS NULL OR (
              SELECT true FROM deliveries d
              WHERE d.account_id = b.account_id AND d.campaign_id = b.id AND d.month = b.month
                AND d.contact_id = s.contact_id
                AND (d.status = 'cancelled' OR d.status = 'failed' AND d.reason IN ('render', 'size'))
              LIMIT 1))
        GROUP BY i.account_id, i.campaign_id, s.contact_id
    ) AS people
) AS judged;
