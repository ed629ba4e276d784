-- before the new code: a key above the keys of days (S13), and what has to be erased again from a restored backup

-- One key an account, under the operator's secret; it seals the account's keys of days. Backups leave it out of the
-- dump, so that the end of this row is the end of every content of the account, in backups too (A-003, A-063).
CREATE TABLE content_masters (
    account_id bigint PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    sealed     bytea NOT NULL
);
CALL wall_off('content_masters');

-- What a backup of before does not know yet: workers copy it into files outside of the database, `mailer restore`
-- does it again. 35 days, longer than backups are kept. Ids and keyed fingerprints, nothing that names somebody.
-- Global: whoever copies it reads it across accounts; it outlives the account whose end it tells.
-- `xid` as in contact_changes: below the oldest open transaction nothing is missing any more.
CREATE TABLE erasure_journal (
    xid        bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    id         bigint GENERATED ALWAYS AS IDENTITY,
    account_id bigint NOT NULL,
    at         timestamptz NOT NULL DEFAULT now(),
    kind       text NOT NULL CHECK (kind IN ('contact', 'suppression', 'account')),
    -- contact: its id
    ref_id     bigint,
    -- suppression: the row; account: its status, or gone
    detail     jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (xid, id)
);
CREATE INDEX erasure_journal_at ON erasure_journal (at);
CREATE INDEX erasure_journal_account ON erasure_journal (account_id);

-- Triggers: a way of erasing that forgets to tell would bring people back with the next restore.
CREATE FUNCTION journal_contacts() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO erasure_journal (account_id, kind, ref_id) SELECT account_id, 'contact', id FROM old_rows;
    RETURN NULL;
END
$$;

CREATE FUNCTION journal_suppressions() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO erasure_journal (account_id, kind, detail)
    SELECT account_id, 'suppression',
           jsonb_build_object('hash', encode(address_hash, 'hex'), 'list_id', list_id, 'reason', reason,
                              'campaign_id', campaign_id, 'expires_at', expires_at)
    FROM new_rows
    WHERE returned_to = '{}';
    RETURN NULL;
END
$$;

CREATE FUNCTION journal_accounts() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        -- its own entries name people of an account that is no more
        DELETE FROM erasure_journal WHERE account_id = OLD.id;
        INSERT INTO erasure_journal (account_id, kind, detail) VALUES (OLD.id, 'account', '{"status": "erased"}');
    ELSE
        INSERT INTO erasure_journal (account_id, kind, detail)
        VALUES (NEW.id, 'account',
                jsonb_build_object('status', NEW.status, 'closed_at', NEW.closed_at, 'erase_at', NEW.erase_at,
                                   'reopen_as', NEW.reopen_as));
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER contacts_journalled AFTER DELETE ON contacts
REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION journal_contacts();
CREATE TRIGGER suppressions_journalled AFTER INSERT ON suppressions
REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION journal_suppressions();
-- not a list of columns: PostgreSQL allows none beside transition tables
CREATE TRIGGER suppressions_renewed AFTER UPDATE ON suppressions
REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION journal_suppressions();
CREATE TRIGGER accounts_journalled AFTER UPDATE OF status, erase_at ON accounts
FOR EACH ROW WHEN ((NEW.status, NEW.erase_at) IS DISTINCT FROM (OLD.status, OLD.erase_at))
EXECUTE FUNCTION journal_accounts();
CREATE TRIGGER accounts_erased AFTER DELETE ON accounts FOR EACH ROW EXECUTE FUNCTION journal_accounts();

-- how many erasures and refusals of after the backup were put back; NULL: not looked yet. A copy that `mailer restore`
-- made has looked; one that somebody restored by hand has not.
ALTER TABLE installation ADD COLUMN erased_again integer;
