-- before the new code: contacts whose data may only be kept, at their request (GDPR art. 18, C-13)

-- In force or not, beside the contact, where each hand-over reads it. No rewrite: the column begins empty.
ALTER TABLE contacts ADD COLUMN restricted_at timestamptz;

-- The history, for as long as the contact is there. Ground: the four of art. 18(1).
CREATE TABLE restrictions (
    account_id  bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id          bigint GENERATED ALWAYS AS IDENTITY,
    contact_id  bigint NOT NULL,
    ground      text NOT NULL CHECK (ground IN ('accuracy', 'unlawful', 'claims', 'objection')),
    since       timestamptz NOT NULL DEFAULT now(),
    lifted_at   timestamptz,
    lift_reason text NOT NULL DEFAULT '' CHECK (length(lift_reason) <= 500),
    PRIMARY KEY (account_id, id),
    FOREIGN KEY (account_id, contact_id) REFERENCES contacts (account_id, id) ON DELETE CASCADE,
    CONSTRAINT restrictions_lifted CHECK ((lifted_at IS NULL) = (lift_reason = ''))
);
CALL wall_off('restrictions');
GRANT SELECT, DELETE ON restrictions TO mailer_eraser;
-- one in force a contact; also serves the contact's page and the cascade
CREATE UNIQUE INDEX restrictions_open ON restrictions (account_id, contact_id) WHERE lifted_at IS NULL;
CREATE INDEX restrictions_contact ON restrictions (account_id, contact_id, id);
-- serves the list of contacts whose use is limited
CREATE INDEX contacts_restricted ON contacts (account_id, id) WHERE restricted_at IS NOT NULL;
