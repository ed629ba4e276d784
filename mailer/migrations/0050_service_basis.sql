-- before the new code: a subscription for service mails only is no newsletter's audience (B-20 … B-23, S4)

-- As in 0030, and: what authorises is an active subscription whose legal basis fits the campaign's kind. A service
-- message goes to all of them, anything else needs a basis that permits marketing. Reasons for which a delivery is
-- skipped now are: unsubscribed suppressed service deleted restricted pending.
CREATE OR REPLACE VIEW audience WITH (security_invoker = true) AS
SELECT account_id, campaign_id, contact_id, measured,
       CASE WHEN reason = '' THEN list_id END AS list_id, reason
FROM (
    SELECT account_id, campaign_id, contact_id, measured, list_id,
           CASE WHEN excluded THEN 'excluded'
                WHEN stopped THEN 'suppressed'
                WHEN list_id IS NOT NULL THEN ''
                WHEN refused THEN 'unsubscribed'
                WHEN service THEN 'service'
                ELSE 'pending'
           END AS reason
    FROM (
        SELECT i.account_id, i.campaign_id, s.contact_id,
               (array_agg(s.list_id ORDER BY i.position, s.list_id)
                   FILTER (WHERE s.status = 'active' AND o.id IS NULL
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
        LEFT JOIN suppressions a ON a.account_id = c.account_id AND a.address_hash = c.address_hash
            AND a.list_id IS NULL AND (a.expires_at IS NULL OR a.expires_at > now())
        LEFT JOIN suppressions o ON o.account_id = c.account_id AND o.address_hash = c.address_hash
            AND o.list_id = s.list_id AND (o.expires_at IS NULL OR o.expires_at > now())
        WHERE i.use = 'include'
        GROUP BY i.account_id, i.campaign_id, s.contact_id
    ) AS people
) AS judged;
