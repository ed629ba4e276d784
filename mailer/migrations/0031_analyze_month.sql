-- before the new code: fresh figures for the planner after a campaign was frozen

-- A campaign adds up to millions of rows at once, and is sent at once: with the figures of before, the planner
-- takes any index that begins with account and campaign, and claims take seconds instead of milliseconds.
CREATE PROCEDURE analyze_month(first_day date)
LANGUAGE plpgsql
AS $$
BEGIN
    EXECUTE format('ANALYZE %I', 'deliveries_' || to_char(first_day, 'YYYY_MM'));
END
$$;
