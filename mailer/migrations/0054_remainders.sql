-- before the new code: a campaign that goes to those whom an earlier one did not reach

-- Its audience is narrowed to the earlier campaign's deliveries that ended without a mail: cancelled before their
-- turn, or failed because of the content (render, size). Both are end states: such a row never leaves again.
ALTER TABLE campaigns NO FORCE ROW LEVEL SECURITY;
ALTER TABLE campaigns ADD COLUMN rest_of bigint,
    ADD CONSTRAINT campaigns_rest_of_fkey FOREIGN KEY (account_id, rest_of) REFERENCES campaigns (account_id, id);
ALTER TABLE campaigns FORCE ROW LEVEL SECURITY;
-- one at most, so that nobody is in two
CREATE UNIQUE INDEX campaigns_rest_of ON campaigns (account_id, rest_of) WHERE rest_of IS NOT NULL;

-- as in 0051, and narrowed
CREATE OR REPLACE VIEW audience WITH (security_invoker = true) AS
SELECT account_id, campaign_id, contact_id, measured,
       CASE WHEN reason = '' THEN list_id END AS list_id, reason
FROM (
    SELECT account_id, campaign_id, contact_id, measured, list_id,
           CASE WHEN excluded THEN 'excluded'
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
               )) AS excluded
        FROM campaign_lists i
        JOIN campaigns g ON g.account_id = i.account_id AND g.id = i.campaign_id
        JOIN mailing_lists l ON l.account_id = i.account_id AND l.id = i.list_id AND l.deleted_at IS NULL
        JOIN subscriptions s ON s.account_id = i.account_id AND s.list_id = i.list_id
        JOIN contacts c ON c.account_id = s.account_id AND c.id = s.contact_id
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
