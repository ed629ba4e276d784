-- before the new code: sign-up forms, the wording of each publication, and what waits for a confirmation (A-111, B-25, B-26)

-- `draft` is what the builder holds (lists/signup_forms.py), `revision` counts its saves. Counters are kept as people
-- sign up, so that no page has to count.
CREATE TABLE signup_forms (
    account_id   bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id           bigint GENERATED ALWAYS AS IDENTITY,
    name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    -- the part of the public address that nobody guesses
    public_key   text NOT NULL CHECK (public_key ~ '^[a-z2-7]{16}$'),
    draft        jsonb NOT NULL,
    revision     integer NOT NULL DEFAULT 1,
    -- the version that is shown; NULL: not published
    version      integer,
    published_at timestamptz,
    asked        bigint NOT NULL DEFAULT 0,
    confirmed    bigint NOT NULL DEFAULT 0,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    deleted_at   timestamptz,
    PRIMARY KEY (account_id, id),
    CONSTRAINT signup_forms_public_key UNIQUE (account_id, public_key)
);
CREATE UNIQUE INDEX signup_forms_name ON signup_forms (account_id, name) WHERE deleted_at IS NULL;
CALL wall_off('signup_forms');
GRANT SELECT, DELETE ON signup_forms TO mailer_eraser;

-- Each publication froze every word that people read. Rows are never changed: a proof points at them for as long as
-- it is kept, also when the form is deleted.
CREATE TABLE signup_form_versions (
    account_id   bigint NOT NULL,
    form_id      bigint NOT NULL,
    version      integer NOT NULL,
    frozen       jsonb NOT NULL,
    published_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, form_id, version),
    FOREIGN KEY (account_id, form_id) REFERENCES signup_forms (account_id, id)
);
CALL wall_off('signup_form_versions');
GRANT SELECT, DELETE ON signup_form_versions TO mailer_eraser;

-- What somebody typed, until the owner of the address confirms it: nothing of it stands in `contacts` before that.
-- Goes with the contact; `given` is emptied when it is used.
CREATE TABLE signup_requests (
    account_id   bigint NOT NULL,
    id           bigint GENERATED ALWAYS AS IDENTITY,
    form_id      bigint NOT NULL,
    version      integer NOT NULL,
    contact_id   bigint NOT NULL,
    address_hash bytea NOT NULL CHECK (length(address_hash) = 16),
    list_ids     bigint[] NOT NULL,
    given        jsonb NOT NULL DEFAULT '{}',
    asked_at     timestamptz NOT NULL DEFAULT now(),
    confirmed_at timestamptz,
    PRIMARY KEY (account_id, id),
    FOREIGN KEY (account_id, form_id, version) REFERENCES signup_form_versions (account_id, form_id, version),
    FOREIGN KEY (account_id, contact_id) REFERENCES contacts (account_id, id) ON DELETE CASCADE
);
CREATE INDEX signup_requests_contact ON signup_requests (account_id, contact_id);
-- what is past its 30 days
CREATE INDEX signup_requests_asked ON signup_requests (account_id, asked_at);
CALL wall_off('signup_requests');
GRANT SELECT, DELETE ON signup_requests TO mailer_eraser;

-- B-25: which version of the form the person read; the wording itself stands in the same line
ALTER TABLE consents ADD COLUMN source_version integer;
