-- before the new code: how often a limit of bounces or complaints stopped a campaign (D-80); the second time the operator decides

ALTER TABLE campaigns NO FORCE ROW LEVEL SECURITY;
ALTER TABLE campaigns ADD COLUMN limit_pauses smallint NOT NULL DEFAULT 0 CHECK (limit_pauses >= 0);
UPDATE campaigns SET limit_pauses = 1 WHERE status = 'paused' AND pause_reason IN ('bounces', 'complaints');
ALTER TABLE campaigns FORCE ROW LEVEL SECURITY;
