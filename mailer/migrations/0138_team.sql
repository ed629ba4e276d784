-- before the new code: invitations to an account, the yearly look at who is in it

-- Global, as keys are: whoever holds the link is in no account yet. A row lives until it is accepted, revoked, or a
-- month over.
CREATE TABLE invitations (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id  bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    email       text NOT NULL,
    address_key text NOT NULL,
    role        text NOT NULL CHECK (role IN ('owner', 'manager', 'editor', 'analyst')),
    can_send    boolean NOT NULL DEFAULT false,
    token_hash  bytea NOT NULL CONSTRAINT invitations_token_hash UNIQUE,
    invited_by  bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    sent_at     timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    CONSTRAINT invitations_address UNIQUE (account_id, address_key)
);
CREATE INDEX invitations_invited_by ON invitations (invited_by);  -- who goes takes theirs along
CREATE INDEX invitations_expires ON invitations (expires_at);  -- retention

ALTER TABLE accounts ADD COLUMN team_reviewed_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE accounts ADD COLUMN team_reminded_at timestamptz;
CREATE INDEX accounts_team_reviewed ON accounts (team_reviewed_at);  -- the reminder

