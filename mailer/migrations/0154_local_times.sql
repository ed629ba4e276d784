-- before the new code: campaigns that leave at an hour of each recipient's time zone

-- `local_at`: on the wall clock of whoever gets it; `zone_field`: the field that tells their zone or country, "" for
-- none. Each delivery's own instant stands in deliveries.next_at.
ALTER TABLE campaigns NO FORCE ROW LEVEL SECURITY;
ALTER TABLE campaigns
    ADD COLUMN local_at timestamp,
    ADD COLUMN zone_field text NOT NULL DEFAULT '' CHECK (length(zone_field) <= 40);
ALTER TABLE campaigns FORCE ROW LEVEL SECURITY;
