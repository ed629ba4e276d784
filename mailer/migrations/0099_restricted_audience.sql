-- before the new code: whoever asked that the use of their data be limited is in no audience (C-13)

-- As in 0093, with that reason first.
CREATE OR REPLACE VIEW audience WITH (security_invoker = true) AS
SELECT account_id, campaign_id, contact_id, measured,
       CASE WHEN reason = '' THEN list_id END AS list_id, reason
FROM (
    SELECT account_id, campaign_id, contact_id, measured, list_id,
           CASE
                WHEN limited THEN 'restricted'
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
               bool_or(c.restricted_at IS NOT NULL) AS limited,
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
