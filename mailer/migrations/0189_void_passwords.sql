-- before the new code: a password that somebody else may know is made void, and not chosen again

-- Its hash, until a new one is chosen: whoever may know it would know the new one too.
ALTER TABLE users ADD COLUMN void_password_hash text;
