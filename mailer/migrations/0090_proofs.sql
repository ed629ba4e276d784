-- before the new code: texts that people agreed to, kept once; what each legal basis rests on; IP addresses with an end

-- B-25: exact text and version. A version counts the texts that one place has shown.
CREATE TABLE wordings (
    account_id    bigint NOT NULL,
    id            bigint GENERATED ALWAYS AS IDENTITY,
    place         text NOT NULL CHECK (length(place) BETWEEN 1 AND 80),
    version       integer NOT NULL CHECK (version > 0),
    hash          bytea NOT NULL CHECK (length(hash) = 16),
    text          text NOT NULL,
    first_used_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, id),
    CONSTRAINT wordings_text UNIQUE (account_id, place, hash),
    CONSTRAINT wordings_version UNIQUE (account_id, place, version)
);
CALL wall_off('wordings');
GRANT SELECT, DELETE ON wordings TO mailer_eraser;
-- C-01: what somebody agreed to is not rewritten
REVOKE UPDATE, DELETE, TRUNCATE ON wordings FROM CURRENT_USER;

-- No key to wordings: both are only added to, and a check of each line costs an import. Earlier lines keep their
-- text in `wording`, where nothing changes it; new ones name it by id.
ALTER TABLE consents
    ADD COLUMN wording_id  bigint,
    -- the page of ours or of the account where it happened
    ADD COLUMN form_url    text NOT NULL DEFAULT '' CHECK (length(form_url) <= 1000),
    -- B-22: day of the sale and family of products; B-23: day on which the person was informed
    ADD COLUMN basis_date  date,
    ADD COLUMN basis_about text NOT NULL DEFAULT '' CHECK (length(basis_about) <= 200),
    -- who of the team or which key wrote it down; `method` says which of the two
    ADD COLUMN actor_id    bigint;

ALTER TABLE selections
    ADD COLUMN basis_date  date,
    ADD COLUMN basis_about text NOT NULL DEFAULT '';

-- B-25: an IP address only where it proves a person's own act, and for less long than the rest of the proof
CREATE TABLE consent_ips (
    account_id bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    consent_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    ip         inet NOT NULL,
    at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, consent_id),
    FOREIGN KEY (account_id, contact_id) REFERENCES contacts (account_id, id) ON DELETE CASCADE
);
CALL wall_off('consent_ips');
GRANT SELECT, DELETE ON consent_ips TO mailer_eraser;
CREATE INDEX consent_ips_at ON consent_ips (account_id, at);  -- the rule of retention
CREATE INDEX consent_ips_contact ON consent_ips (account_id, contact_id);  -- erasing one person

-- The timeline of one contact: without it a page reads the account's whole journal.
CREATE INDEX audit_object ON audit (account_id, object, object_id, id) WHERE object_id IS NOT NULL;

-- The suppression list, the newest first, whole and by reason.
CREATE INDEX suppressions_since ON suppressions (account_id, since, id);
CREATE INDEX suppressions_reason ON suppressions (account_id, reason, since, id);
