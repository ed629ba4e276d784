-- before the new code: indexes by which the oldest row of each class of data is found without reading its table
-- (a minute for every 20 million events; deliveries and events cannot be written meanwhile)

-- The account's events in the order of time: what a daily boundary deletes lies side by side. It was (…, id, at).
ALTER TABLE events DROP CONSTRAINT events_pkey;
ALTER TABLE events ADD CONSTRAINT events_pkey PRIMARY KEY (account_id, at, id);

CREATE INDEX deliveries_final_at ON deliveries (account_id, final_at) WHERE final_at IS NOT NULL;
CREATE INDEX files_created_at ON files (account_id, created_at) WHERE kind <> 'image';
CREATE INDEX subscriptions_pending ON subscriptions (account_id, status_at) WHERE status = 'pending';
CREATE INDEX import_values_import ON import_values (account_id, import_id);
CREATE INDEX import_removals_import ON import_removals (account_id, import_id);
CREATE INDEX last_open_days_day ON last_open_days (account_id, day);

-- judging again walks events by (at, id) from now on: a walk that had begun by (id, at) begins anew
ALTER TABLE judgements NO FORCE ROW LEVEL SECURITY;
UPDATE judgements SET after_id = '', after_at = 'epoch', changed = 0 WHERE done_at IS NULL;
ALTER TABLE judgements FORCE ROW LEVEL SECURITY;
