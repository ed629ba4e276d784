-- before the new code: what stays of an erased account: the certificate, and whom to tell that it was erased

-- Global, since the account is no more. No personal data: numbers, days, counts. `legal_basis` says why the row stays,
-- `expires_at` how long.
CREATE TABLE account_certificates (
    account_id  bigint PRIMARY KEY,
    begun_at    timestamptz NOT NULL,
    -- rows deleted so far, by table: whoever goes on after a kill adds to them
    counts      jsonb NOT NULL DEFAULT '{}',
    erased_at   timestamptz,
    -- canonical JSON, over whose octets `signature` stands
    record      text,
    key_id      smallint REFERENCES proof_keys (id),
    signature   bytea CHECK (octet_length(signature) = 64),
    -- SHA-256 of the secret in the address of its page
    link_hash   bytea CHECK (octet_length(link_hash) = 32),
    legal_basis text NOT NULL,
    expires_at  timestamptz,
    CONSTRAINT account_certificates_whole CHECK (
        num_nulls(erased_at, record, key_id, signature, link_hash, expires_at) IN (0, 6))
);
CREATE INDEX account_certificates_link ON account_certificates (link_hash);
CREATE INDEX account_certificates_expires_at ON account_certificates (expires_at);
GRANT SELECT ON account_certificates TO mailer_eraser;

-- People who went with their account, so that their sign-in can say what became of it. No address and nothing that
-- leads to one: `bucket` is 8 bits, shared by each 256th of all addresses, `proof` opens by address and password together.
CREATE TABLE former_people (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    bucket    smallint NOT NULL CHECK (bucket BETWEEN 0 AND 255),
    -- parameters and salt of Argon2id
    salted    text NOT NULL,
    -- SHA-256 over the address and the password's hash
    proof     bytea NOT NULL CHECK (octet_length(proof) = 32),
    erased_at timestamptz NOT NULL
);
CREATE INDEX former_people_bucket ON former_people (bucket);
CREATE INDEX former_people_erased_at ON former_people (erased_at);
