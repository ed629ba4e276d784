-- before the new code: a password lives only after its owner proved the address

-- Whoever typed an address at sign-up had chosen a password for it, and wishes that were not the owner's: gone. The
-- open links stay good: their page asks for all of it.
UPDATE users
SET password_hash = NULL, must_change_password = false, adult_business_at = NULL,
    news_wanted_at = NULL, partners_wanted_at = NULL, news_wording = '', partners_wording = ''
WHERE email_confirmed_at IS NULL;
-- a reset of such an address leads to the page of sign-up now
DELETE FROM one_time_links l
USING users u
WHERE u.id = l.user_id AND u.email_confirmed_at IS NULL AND l.purpose <> 'confirm_email';
-- the second wall behind the code
ALTER TABLE users ADD CONSTRAINT users_password_after_proof
    CHECK (email_confirmed_at IS NOT NULL OR password_hash IS NULL);
