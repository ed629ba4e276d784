-- before the new code: who stopped everything and came back to one list is still stopped for all others (B-28, S5)

-- The stop of everything stays. `returned_to`: lists to which the person came back since, each by a confirmation of
-- their own; time and wording of it stand in `consents`. A list made later is never among them.
ALTER TABLE suppressions
    ADD COLUMN returned_to bigint[] NOT NULL DEFAULT '{}',
    ADD CONSTRAINT suppressions_returned_to CHECK (list_id IS NULL OR returned_to = '{}');

-- The one definition: does this row keep mail of that list from its address now? Inlined by the planner.
CREATE FUNCTION stops(row_ suppressions, list bigint) RETURNS boolean
LANGUAGE sql STABLE
RETURN (row_.list_id = list OR (row_.list_id IS NULL AND list <> ALL (row_.returned_to)))
    AND (row_.expires_at IS NULL OR row_.expires_at > now());

-- As in 0050; a stop of everything speaks for each list on its own.
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
        LEFT JOIN suppressions a ON a.account_id = c.account_id AND a.address_hash = c.address_hash
            AND a.list_id IS NULL AND stops(a, s.list_id)
        LEFT JOIN suppressions o ON o.account_id = c.account_id AND o.address_hash = c.address_hash
            AND o.list_id = s.list_id AND stops(o, s.list_id)
        WHERE i.use = 'include'
        GROUP BY i.account_id, i.campaign_id, s.contact_id
    ) AS people
) AS judged;

-- Until now a confirmation turned the stop of everything into stops of the lists of that day. The ledger knows who
-- had stopped everything: the stop is put back, less the lists they confirmed since and did not leave again.
DO $$
DECLARE
    one bigint;
BEGIN
    FOR one IN SELECT id FROM accounts LOOP
        PERFORM set_config('app.account_id', one::text, true);
        INSERT INTO suppressions (account_id, address_hash, reason, since, returned_to)
        SELECT one, s.address_hash, 'unsubscribed', s.at,
               coalesce(array_agg(DISTINCT g.list_id) FILTER (WHERE g.list_id IS NOT NULL AND u.id IS NULL), '{}')
        FROM (
            SELECT DISTINCT ON (address_hash) address_hash, id, at
            FROM consents
            WHERE account_id = one AND purpose = 'mail' AND act = 'withdrawn' AND list_id IS NULL
            ORDER BY address_hash, id DESC
        ) AS s
        LEFT JOIN consents g ON g.account_id = one AND g.address_hash = s.address_hash AND g.id > s.id
            AND g.purpose = 'mail' AND g.act = 'confirmed'
        LEFT JOIN suppressions u ON u.account_id = one AND u.address_hash = s.address_hash AND u.list_id = g.list_id
        GROUP BY s.address_hash, s.at
        ON CONFLICT DO NOTHING;
    END LOOP;
END
$$;
