-- before the new code: versions of policies with their texts, what owners are told of, acceptances with their text

-- A text by its hash: whatever was accepted or in force can be read again, word for word.
CREATE TABLE legal_texts (
    sha256 bytea PRIMARY KEY CHECK (octet_length(sha256) = 32),
    text   text NOT NULL CHECK (length(text) BETWEEN 1 AND 200000)
);

-- A-039, A-040. The text that Mailer ships is in force until a version is published; it becomes a row then.
CREATE TABLE policy_versions (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind          text NOT NULL CHECK (kind IN ('privacy', 'terms', 'agreement')),
    version       text NOT NULL CHECK (length(version) BETWEEN 1 AND 20),
    french        bytea NOT NULL REFERENCES legal_texts (sha256),
    english       bytea NOT NULL REFERENCES legal_texts (sha256),
    built_in      boolean NOT NULL DEFAULT false,
    published_at  timestamptz NOT NULL,
    -- NULL: on the command line
    published_by  bigint REFERENCES users (id) ON DELETE SET NULL,
    effective_on  date NOT NULL,
    urgent_reason text NOT NULL DEFAULT '' CHECK (length(urgent_reason) <= 500),
    CONSTRAINT policy_versions_version UNIQUE (kind, version),
    CONSTRAINT policy_versions_day UNIQUE (kind, effective_on),
    CONSTRAINT policy_versions_notice CHECK (
        built_in OR urgent_reason <> '' OR effective_on >= (published_at AT TIME ZONE 'UTC')::date + 30)
);

-- What all owners are told by mail, and how far that got: `told_up_to` is the last person's id.
CREATE TABLE announcements (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind         text NOT NULL CHECK (kind IN ('policy', 'sub_processor')),
    ref_id       bigint NOT NULL,
    announced_at timestamptz NOT NULL,
    effective_on date NOT NULL,
    -- the banner's last day is the one before
    shown_until  date NOT NULL,
    told_up_to   bigint NOT NULL DEFAULT 0,
    told         integer NOT NULL DEFAULT 0,
    finished_at  timestamptz,
    CONSTRAINT announcements_ref UNIQUE (kind, ref_id)
);

-- A-039: who has said to have seen what
CREATE TABLE announcement_readings (
    user_id         bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    announcement_id bigint NOT NULL REFERENCES announcements (id) ON DELETE CASCADE,
    at              timestamptz NOT NULL,
    PRIMARY KEY (user_id, announcement_id)
);

-- A-016 and, apart from it, A-019. Rows from before have no text: which one it was says their version.
ALTER TABLE agreement_acceptances
    ADD COLUMN kind text NOT NULL DEFAULT 'agreement' CHECK (kind IN ('agreement', 'responsibilities')),
    ADD COLUMN language text NOT NULL DEFAULT 'fr' CHECK (language IN ('fr', 'en')),
    ADD COLUMN text_sha256 bytea CHECK (octet_length(text_sha256) = 32);

-- the sentence that was ticked so far said both
ALTER TABLE agreement_acceptances NO FORCE ROW LEVEL SECURITY;
INSERT INTO agreement_acceptances (account_id, version, accepted_at, user_id, person, kind)
SELECT account_id, version, accepted_at, user_id, person, 'responsibilities'
FROM agreement_acceptances
ORDER BY id;
ALTER TABLE agreement_acceptances FORCE ROW LEVEL SECURITY;
