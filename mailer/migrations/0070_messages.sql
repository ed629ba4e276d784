-- before the new code: one mail to one person, asked for by a program (A-101, D-82)

CREATE TABLE messages (
    account_id   bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id           bigint GENERATED ALWAYS AS IDENTITY,
    -- S1, as of deliveries
    status       text NOT NULL DEFAULT 'queued'
        CHECK (status IN ('queued', 'claimed', 'handing', 'delivered', 'bounced', 'failed', 'skipped', 'cancelled', 'in_doubt')),
    -- bounced: hard soft block · failed: size address expired · skipped: suppressed deleted sender
    reason       text NOT NULL DEFAULT '',
    sender_id    bigint NOT NULL,
    -- no key: a design may be deleted; `template` is its name as it was
    design_id    bigint,
    template     text NOT NULL DEFAULT '',
    -- whose it is, once the address is erased. No key to contacts: the row stays, de-identified, when the contact goes
    contact_id   bigint,
    address_hash bytea CHECK (length(address_hash) = 16),
    -- E-61: keyed hashes of the caller's key and body, 24 hours
    key_hash     bytea,
    body_hash    bytea,
    -- S12, S13: `envelope` is address, name and subject, `content` the parts and files; both die after six days
    key_day      date,
    envelope     bytea,
    content      bytea,
    turn         integer,
    attempts     smallint NOT NULL DEFAULT 0,
    next_at      timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    first_at     timestamptz,
    final_at     timestamptz,
    smtp_code    smallint,
    smtp_reply   text NOT NULL DEFAULT '',
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, id),
    FOREIGN KEY (account_id, sender_id) REFERENCES senders (account_id, id),
    CONSTRAINT messages_final CHECK ((final_at IS NULL) = (status IN ('queued', 'claimed', 'handing'))),
    CONSTRAINT messages_content CHECK (final_at IS NOT NULL OR content IS NOT NULL),
    CONSTRAINT messages_sealed CHECK ((key_day IS NULL) = (envelope IS NULL) AND (key_day IS NULL) = (content IS NULL)),
    CONSTRAINT messages_key CHECK ((key_hash IS NULL) = (body_hash IS NULL))
);
CREATE UNIQUE INDEX messages_key_hash ON messages (account_id, key_hash) WHERE key_hash IS NOT NULL;
CREATE INDEX messages_queued ON messages (account_id, next_at) WHERE status = 'queued';
CREATE INDEX messages_open ON messages (account_id, id) WHERE status IN ('claimed', 'handing');
CREATE INDEX messages_status ON messages (account_id, status, id);
CREATE INDEX messages_address ON messages (account_id, address_hash, id);
CREATE INDEX messages_final_at ON messages (account_id, final_at);
CREATE INDEX messages_key_day ON messages (account_id, key_day) WHERE key_day IS NOT NULL;
CALL wall_off('messages');
GRANT SELECT, DELETE ON messages TO mailer_eraser;

-- what an account may ask for in an hour: service mail is no way around the unsubscribe
ALTER TABLE accounts ADD COLUMN messages_per_hour integer NOT NULL DEFAULT 1000 CHECK (messages_per_hour > 0);
