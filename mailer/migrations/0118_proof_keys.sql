-- before the new code: keys that sign evidence of what was deleted (Ed25519, RFC 8032)

-- The newest signs; the public halves of all of them are kept for as long as evidence is, and shown to everybody.
CREATE TABLE proof_keys (
    id smallint PRIMARY KEY CHECK (id > 0),
    public_key bytea NOT NULL CHECK (octet_length(public_key) = 32),
    -- the private half, under the operator's secret
    sealed bytea NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now()
);
