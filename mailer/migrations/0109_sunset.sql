-- before the new code: people who open nothing any more, where only the day of the last open is kept (B-33)

ALTER TABLE measurement_settings
    ADD COLUMN sunset_cursor bigint NOT NULL DEFAULT 0,
    ADD COLUMN sunset_next_at timestamptz NOT NULL DEFAULT now();

-- Found by the daily walk; asked once, and taken off the lists 30 days later without a sign.
CREATE TABLE sunset_contacts (
    account_id   bigint NOT NULL,
    contact_id   bigint NOT NULL,
    silent_since timestamptz NOT NULL,
    asked_at     timestamptz,
    PRIMARY KEY (account_id, contact_id),
    FOREIGN KEY (account_id, contact_id) REFERENCES contacts (account_id, id) ON DELETE CASCADE
);
CALL wall_off('sunset_contacts');
GRANT SELECT, DELETE ON sunset_contacts TO mailer_eraser;
CREATE INDEX sunset_contacts_asked ON sunset_contacts (account_id, asked_at, contact_id);
