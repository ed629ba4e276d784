-- before the new code: mails that come back, stored before they are acknowledged

-- Of the account that the address named. `content` (envelope and mail, sealed under the day's key as all content,
-- S12) goes as soon as the mail was understood; what nobody understood waits for a person, six days at most.
-- `digest`: a mail that is handed over twice because its 250 was lost is one mail.
CREATE TABLE inbound_mails (
    account_id  bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id          bigint GENERATED ALWAYS AS IDENTITY,
    received_at timestamptz NOT NULL DEFAULT now(),
    digest      bytea NOT NULL CHECK (length(digest) = 16),
    size        integer NOT NULL CHECK (size >= 0),
    state       text NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'done', 'open', 'handled')),
    kind        text NOT NULL DEFAULT '',
    rule        text NOT NULL DEFAULT '',
    due_at      timestamptz NOT NULL DEFAULT now(),
    attempts    smallint NOT NULL DEFAULT 0,
    key_day     date,
    content     bytea,
    handled_at  timestamptz,
    handled_by  bigint,
    PRIMARY KEY (account_id, id),
    CONSTRAINT inbound_mails_digest UNIQUE (account_id, digest),
    CONSTRAINT inbound_mails_sealed CHECK ((key_day IS NULL) = (content IS NULL)),
    CONSTRAINT inbound_mails_content CHECK (state <> 'new' OR content IS NOT NULL),
    CONSTRAINT inbound_mails_handled CHECK ((state = 'handled') = (handled_at IS NOT NULL))
);
CREATE INDEX inbound_mails_new ON inbound_mails (account_id, due_at) WHERE state = 'new';  -- what is to be read
CREATE INDEX inbound_mails_shown ON inbound_mails (account_id, state, id) WHERE state IN ('open', 'handled');  -- the tray
CREATE INDEX inbound_mails_received_at ON inbound_mails (account_id, received_at);  -- retention
CALL wall_off('inbound_mails');
GRANT SELECT, DELETE ON inbound_mails TO mailer_eraser;

-- To postmaster, abuse and the like: of no account until something in them names one. Sealed under the operator's
-- key, six days at most.
CREATE TABLE stray_mails (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_at timestamptz NOT NULL DEFAULT now(),
    digest      bytea NOT NULL CHECK (length(digest) = 16),
    size        integer NOT NULL CHECK (size >= 0),
    state       text NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'open')),
    content     bytea NOT NULL,
    CONSTRAINT stray_mails_digest UNIQUE (digest)
);
CREATE INDEX stray_mails_state ON stray_mails (state, id);
CREATE INDEX stray_mails_received_at ON stray_mails (received_at);  -- retention
