-- before the new code: what opens and clicks add up to, kept by whoever stores and judges them

-- One row for each campaign, kind, link and verdict, written with the events in one transaction, so that no report
-- has to look at millions of them. `link_id` 0: the campaign as a whole; a click stands in the row of its link and in
-- that one. `hits`: requests with this verdict. `people`: recipients whose best verdict it is (person, then unknown,
-- then machine), so that the three of them add up to all who opened or clicked. `month` is the campaign's.
CREATE TABLE event_counts (
    account_id  bigint NOT NULL,
    campaign_id bigint NOT NULL,
    month       date NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('open', 'click')),
    link_id     bigint NOT NULL DEFAULT 0,
    verdict     text NOT NULL CHECK (verdict IN ('person', 'machine', 'unknown')),
    hits        bigint NOT NULL,
    people      bigint NOT NULL,
    CONSTRAINT event_counts_pkey PRIMARY KEY (account_id, campaign_id, kind, link_id, verdict),
    FOREIGN KEY (account_id, campaign_id) REFERENCES campaigns (account_id, id) ON DELETE CASCADE
) WITH (fillfactor = 50);
CREATE INDEX event_counts_month ON event_counts (account_id, month);  -- the campaigns of a period
CALL wall_off('event_counts');
GRANT SELECT, DELETE ON event_counts TO mailer_eraser;

-- The same by the hour, UTC; of the campaign as a whole.
CREATE TABLE event_hours (
    account_id  bigint NOT NULL,
    campaign_id bigint NOT NULL,
    hour        timestamptz NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('open', 'click')),
    verdict     text NOT NULL CHECK (verdict IN ('person', 'machine', 'unknown')),
    hits        bigint NOT NULL,
    CONSTRAINT event_hours_pkey PRIMARY KEY (account_id, campaign_id, kind, hour, verdict),
    FOREIGN KEY (account_id, campaign_id) REFERENCES campaigns (account_id, id) ON DELETE CASCADE
) WITH (fillfactor = 50);
CREATE INDEX event_hours_hour ON event_hours (account_id, hour);  -- an account's weeks
CALL wall_off('event_hours');
GRANT SELECT, DELETE ON event_hours TO mailer_eraser;

-- events that are there; of campaigns whose details went, the figures stand in `measured`
ALTER TABLE events NO FORCE ROW LEVEL SECURITY;
ALTER TABLE campaigns NO FORCE ROW LEVEL SECURITY;
ALTER TABLE event_counts NO FORCE ROW LEVEL SECURITY;
ALTER TABLE event_hours NO FORCE ROW LEVEL SECURITY;
INSERT INTO event_counts (account_id, campaign_id, month, kind, link_id, verdict, hits, people)
SELECT r.account_id, r.campaign_id, c.month, r.kind, r.link_id, v.verdict, sum(v.hits),
       count(*) FILTER (WHERE v.verdict = r.best)
FROM (
    SELECT e.account_id, e.campaign_id, e.kind, k.link_id, e.contact_id,
           count(*) FILTER (WHERE e.verdict = 'person') AS person,
           count(*) FILTER (WHERE e.verdict = 'machine') AS machine,
           count(*) FILTER (WHERE e.verdict = 'unknown') AS unknown,
           CASE min(CASE e.verdict WHEN 'person' THEN 1 WHEN 'unknown' THEN 2 ELSE 3 END)
                WHEN 1 THEN 'person' WHEN 2 THEN 'unknown' ELSE 'machine' END AS best
    FROM events e
    CROSS JOIN LATERAL (SELECT 0 AS link_id UNION ALL SELECT e.link_id WHERE e.kind = 'click' AND e.link_id > 0) k
    WHERE e.kind IN ('open', 'click')
    GROUP BY e.account_id, e.campaign_id, e.kind, k.link_id, e.contact_id
) r
JOIN campaigns c ON c.account_id = r.account_id AND c.id = r.campaign_id AND c.details_erased_at IS NULL
                AND c.month IS NOT NULL
CROSS JOIN LATERAL (VALUES ('person', r.person), ('machine', r.machine), ('unknown', r.unknown)) v (verdict, hits)
GROUP BY r.account_id, r.campaign_id, c.month, r.kind, r.link_id, v.verdict
HAVING sum(v.hits) > 0;
INSERT INTO event_hours (account_id, campaign_id, hour, kind, verdict, hits)
SELECT e.account_id, e.campaign_id, date_trunc('hour', e.at, 'UTC'), e.kind, e.verdict, count(*)
FROM events e
JOIN campaigns c ON c.account_id = e.account_id AND c.id = e.campaign_id AND c.details_erased_at IS NULL
WHERE e.kind IN ('open', 'click')
GROUP BY e.account_id, e.campaign_id, date_trunc('hour', e.at, 'UTC'), e.kind, e.verdict;
ALTER TABLE event_hours FORCE ROW LEVEL SECURITY;
ALTER TABLE event_counts FORCE ROW LEVEL SECURITY;
ALTER TABLE campaigns FORCE ROW LEVEL SECURITY;
ALTER TABLE events FORCE ROW LEVEL SECURITY;
