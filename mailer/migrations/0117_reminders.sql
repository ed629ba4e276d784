-- before the new code: a campaign that goes again to those who did not click an earlier one

-- Whom it goes to stands in a segment of its own (campaign_segments); this column says of what it is a reminder.
ALTER TABLE campaigns NO FORCE ROW LEVEL SECURITY;
ALTER TABLE campaigns ADD COLUMN reminder_of bigint,
    ADD CONSTRAINT campaigns_reminder_of_fkey FOREIGN KEY (account_id, reminder_of) REFERENCES campaigns (account_id, id);
ALTER TABLE campaigns FORCE ROW LEVEL SECURITY;
-- one at most, so that nobody is reminded twice
CREATE UNIQUE INDEX campaigns_reminder_of ON campaigns (account_id, reminder_of) WHERE reminder_of IS NOT NULL;
