-- before the new code: the planner gets to know what an account has in a month that has just begun

-- As meet_account, for the opens and clicks of a month: its table is empty on the first day, and an account whose
-- first campaign comes later is not in its figures. Either way no row is awaited, the index over times looks as good
-- as the one over people, and the whole month is read for each of them (measured: 2.5 ms a hit instead of 0.03).
CREATE PROCEDURE meet_month(account bigint, first_day date)
LANGUAGE plpgsql
AS $$
DECLARE
    name text := 'events_' || to_char(first_day, 'YYYY_MM');
    plan jsonb;
    expected numeric;
    found bigint;
BEGIN
    EXECUTE format('EXPLAIN (FORMAT JSON) SELECT FROM %I WHERE account_id = %s', name, account) INTO plan;
    expected := (plan #>> '{0,Plan,Plan Rows}')::numeric;
    IF expected >= 500 THEN
        RETURN;
    END IF;
    EXECUTE format('SELECT count(*) FROM (SELECT FROM %I WHERE account_id = %s LIMIT 5000) f', name, account)
        INTO found;
    IF found >= 100 AND found > expected * 10 THEN
        -- who is at it already does it for us
        EXECUTE format('ANALYZE (SKIP_LOCKED) %I', name);
    END IF;
END
$$;
