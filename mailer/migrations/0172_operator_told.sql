-- before the new code: since when operators know that a request waits for them (A-091)

ALTER TABLE rights_requests ADD COLUMN operator_told_at timestamptz;
