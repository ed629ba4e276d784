-- before the new code: what the last act was before a click that may turn out to be a machine's

-- a scanner's first click looks like a person's, and is a sign of life until the others are there (B-27); then
-- this is what the act goes back to
ALTER TABLE contacts ADD COLUMN acted_before timestamptz;
