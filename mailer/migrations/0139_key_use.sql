-- before the new code: from where a key was last used, for its owner to judge

ALTER TABLE api_keys ADD COLUMN last_used_ip inet;
