-- before the new code: what people ask about their data, from the first press to the proof of an answer (A-022, A-023, C-05)

-- A press on the public form, until the owner of the mailbox confirms it. Nothing here says whether anybody is known:
-- a job looks that up later, writes a mail or forgets the row. `sealed_address`: what was typed, under the operator's key.
-- `mailed_at`: at most one mail in ten minutes. `request_id`: confirmed.
CREATE TABLE rights_asks (
    account_id     bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id             bigint GENERATED ALWAYS AS IDENTITY,
    kind           text NOT NULL CHECK (kind IN
                       ('access', 'correct', 'erase', 'object', 'restrict', 'portability', 'tracking')),
    address_hash   bytea NOT NULL CHECK (length(address_hash) = 16),
    sealed_address bytea NOT NULL,
    language       text NOT NULL DEFAULT '' CHECK (language IN ('', 'fr', 'en')),
    asked_at       timestamptz NOT NULL DEFAULT now(),
    mailed_at      timestamptz,
    request_id     bigint,
    PRIMARY KEY (account_id, id)
);
-- what this address asked for lately
CREATE INDEX rights_asks_address ON rights_asks (account_id, address_hash, asked_at);
-- what is past its time
CREATE INDEX rights_asks_asked ON rights_asks (account_id, asked_at);
CALL wall_off('rights_asks');
GRANT SELECT, DELETE ON rights_asks TO mailer_eraser;

-- The register. Once a request is answered `sealed_address` is emptied: of somebody erased a fingerprint stays, and the
-- proof that they were answered in time. `by_instruction`: carried out at once, as the account said beforehand.
-- `due_on`: the last day, in the account's zone. `reminded`: the last step of the reminders that left.
CREATE TABLE rights_requests (
    account_id       bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id               bigint GENERATED ALWAYS AS IDENTITY,
    kind             text NOT NULL CHECK (kind IN
                         ('access', 'correct', 'erase', 'object', 'restrict', 'portability', 'tracking')),
    channel          text NOT NULL CHECK (channel IN ('page', 'mail', 'post', 'phone', 'other')),
    contact_id       bigint,
    address_hash     bytea CHECK (length(address_hash) = 16),
    sealed_address   bytea,
    language         text NOT NULL DEFAULT 'fr' CHECK (language IN ('fr', 'en')),
    details          text NOT NULL DEFAULT '' CHECK (length(details) <= 4000),
    received_at      timestamptz NOT NULL,
    due_on           date NOT NULL,
    extended_at      timestamptz,
    extension_reason text NOT NULL DEFAULT '' CHECK (length(extension_reason) <= 1000),
    state            text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'refused')),
    by_instruction   boolean NOT NULL DEFAULT false,
    handled_by       bigint,
    answer           text NOT NULL DEFAULT '' CHECK (length(answer) <= 10000),
    finished_at      timestamptz,
    reminded         text NOT NULL DEFAULT '' CHECK (reminded IN ('', 'week', 'days', 'overdue')),
    copy_sent_at     timestamptz,
    copied_at        timestamptz,
    created_by       bigint,
    PRIMARY KEY (account_id, id),
    CONSTRAINT rights_requests_finished CHECK ((state = 'open') = (finished_at IS NULL)),
    CONSTRAINT rights_requests_extended CHECK ((extended_at IS NULL) = (extension_reason = '')),
    FOREIGN KEY (account_id, contact_id) REFERENCES contacts (account_id, id) ON DELETE SET NULL (contact_id)
);
-- what is due first
CREATE INDEX rights_requests_open ON rights_requests (account_id, due_on) WHERE state = 'open';
-- of one person
CREATE INDEX rights_requests_contact ON rights_requests (account_id, contact_id) WHERE contact_id IS NOT NULL;
-- who wrote before, contact or not
CREATE INDEX rights_requests_address ON rights_requests (account_id, address_hash) WHERE address_hash IS NOT NULL;
-- what is past its three years
CREATE INDEX rights_requests_finished_at ON rights_requests (account_id, finished_at) WHERE state <> 'open';
CALL wall_off('rights_requests');
GRANT SELECT, DELETE ON rights_requests TO mailer_eraser;

-- The standing instruction of the account (G-4): what is carried out as soon as the person has confirmed. Refusing mail or
-- measurement is not in it: nobody may weigh those (C-16). No row: as the code says.
CREATE TABLE rights_settings (
    account_id bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    at_once    text[] NOT NULL CHECK (at_once <@ ARRAY['access', 'correct', 'erase', 'restrict', 'portability']),
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id)
);
CALL wall_off('rights_settings');
GRANT SELECT, DELETE ON rights_settings TO mailer_eraser;
