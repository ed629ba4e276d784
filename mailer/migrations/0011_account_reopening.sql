-- before the new code: what a closed account goes back to, and the wording a person ticked

-- A suspended account that is closed and reopened is suspended still.
ALTER TABLE accounts ADD COLUMN reopen_as text NOT NULL DEFAULT 'active'
    CHECK (reopen_as IN ('pending', 'active', 'suspended'));
-- A-010, A-044: the version of the sentence beside the box
ALTER TABLE users ADD COLUMN news_wording text NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN partners_wording text NOT NULL DEFAULT '';
