-- before the new code: the planner gets to know an account that came after its figures

-- Where all values of account_id stand in the figures, an account that is not among them is thought to have no
-- row at all, and its contacts are joined one by one with its contacts (measured: 8,000 of them, minutes for the
-- audience of one campaign). What the planner expects is compared with what is there: the figures themselves
-- are hidden by row-level security.
CREATE PROCEDURE meet_account(account bigint)
LANGUAGE plpgsql
AS $$
DECLARE
    name text;
    plan jsonb;
    expected numeric;
    found bigint;
BEGIN
    FOREACH name IN ARRAY ARRAY['contacts', 'subscriptions', 'suppressions', 'contact_tags', 'consents'] LOOP
        EXECUTE format('EXPLAIN (FORMAT JSON) SELECT FROM %I WHERE account_id = %s', name, account) INTO plan;
        expected := (plan #>> '{0,Plan,Plan Rows}')::numeric;
        CONTINUE WHEN expected >= 500;
        EXECUTE format('SELECT count(*) FROM (SELECT FROM %I WHERE account_id = %s LIMIT 5000) f', name, account)
            INTO found;
        IF found >= 100 AND found > expected * 10 THEN
            -- who is at it already does it for us
            EXECUTE format('ANALYZE (SKIP_LOCKED) %I', name);
        END IF;
    END LOOP;
END
$$;

-- a tenth of a table of millions is more than most accounts have
ALTER TABLE contacts SET (autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE subscriptions SET (autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE suppressions SET (autovacuum_analyze_scale_factor = 0.02);
