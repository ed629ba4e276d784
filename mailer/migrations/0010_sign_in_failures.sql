-- before the new code: failed sign-ins count for unknown addresses too, and per address, place and device

-- B-02, B-10: who knows no account must be slowed down like who knows one, or the delay tells which exist.
ALTER TABLE sign_ins ALTER COLUMN user_id DROP NOT NULL;
-- HMAC-SHA256(operator's key, address key): what was typed is not kept
ALTER TABLE sign_ins ADD COLUMN address_hash bytea;
-- E-34: SHA-256 of the device's own random number, when this person had signed in there before
ALTER TABLE sign_ins ADD COLUMN device bytea;
-- IPv4 whole, IPv6 by /64: one connection has 2^64 addresses
ALTER TABLE sign_ins ADD COLUMN place inet;
CREATE INDEX sign_ins_address ON sign_ins (address_hash, at);  -- throttle
CREATE INDEX sign_ins_place ON sign_ins (place, at);  -- throttle
CREATE INDEX sign_ins_unknown ON sign_ins (at) WHERE user_id IS NULL;  -- gone after a day
