-- before the new code: what changed about contacts, for programs that keep a copy (GET /api/v1/contacts/changes)

-- Ids only: what a deleted contact was is not here. 30 days. No foreign key: it outlives the contact, and the
-- cascade from an account would write into it.
-- `xid` is the writing transaction: numbers of a sequence become visible out of order, but whatever is below the
-- oldest open transaction is complete. bigint, since the operators of xid8 are not leakproof (S8).
CREATE TABLE contact_changes (
    account_id bigint NOT NULL,
    xid        bigint NOT NULL,
    id         bigint GENERATED ALWAYS AS IDENTITY,
    contact_id bigint NOT NULL,
    list_id    bigint,
    at         timestamptz NOT NULL DEFAULT now(),
    kind       text NOT NULL CHECK (kind IN ('created', 'updated', 'deleted', 'subscription', 'consent')),
    -- of a subscription: as in `subscriptions`, or removed
    status     text NOT NULL DEFAULT '',
    PRIMARY KEY (account_id, xid, id)
);
CALL wall_off('contact_changes');
GRANT SELECT, DELETE ON contact_changes TO mailer_eraser;

-- contacts by the time of their last change, oldest first (GET /api/v1/contacts?updated_since=)
CREATE INDEX contacts_updated_at ON contacts (account_id, updated_at, id);

-- Triggers a statement, not a row: an import of a million rows runs them once a part. A statement that forgets to
-- tell would be a contact that a copy never learns of. Updates are planned anew each time (EXECUTE): a plan kept
-- from an update of one row would join a part of an import row by row.
CREATE FUNCTION note_contacts() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO contact_changes (account_id, xid, contact_id, kind)
        SELECT account_id, (SELECT pg_current_xact_id()::text::bigint), id, 'created' FROM new_rows;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO contact_changes (account_id, xid, contact_id, kind)
        SELECT account_id, (SELECT pg_current_xact_id()::text::bigint), id, 'deleted' FROM old_rows;
    ELSE
        EXECUTE $sql$
            INSERT INTO contact_changes (account_id, xid, contact_id, kind)
            SELECT n.account_id, (SELECT pg_current_xact_id()::text::bigint), n.id, k.kind
            FROM new_rows n
            JOIN old_rows o ON o.account_id = n.account_id AND o.id = n.id
            CROSS JOIN LATERAL (
                SELECT 'updated' AS kind
                WHERE (n.email, n.first_name, n.last_name, n.language, n.fields, n.restricted_at)
                      IS DISTINCT FROM (o.email, o.first_name, o.last_name, o.language, o.fields, o.restricted_at)
                UNION ALL
                SELECT 'consent' WHERE (n.opens, n.clicks) IS DISTINCT FROM (o.opens, o.clicks)
            ) AS k
            $sql$;
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION note_subscriptions() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO contact_changes (account_id, xid, contact_id, list_id, kind, status)
        SELECT account_id, (SELECT pg_current_xact_id()::text::bigint), contact_id, list_id, 'subscription', status
        FROM new_rows;
    ELSIF TG_OP = 'DELETE' THEN
        -- what goes with its contact is told by the contact
        INSERT INTO contact_changes (account_id, xid, contact_id, list_id, kind, status)
        SELECT o.account_id, (SELECT pg_current_xact_id()::text::bigint), o.contact_id, o.list_id, 'subscription',
               'removed'
        FROM old_rows o
        WHERE EXISTS (SELECT FROM contacts c WHERE c.account_id = o.account_id AND c.id = o.contact_id);
    ELSE
        EXECUTE $sql$
            INSERT INTO contact_changes (account_id, xid, contact_id, list_id, kind, status)
            SELECT n.account_id, (SELECT pg_current_xact_id()::text::bigint), n.contact_id, n.list_id,
                   'subscription', n.status
            FROM new_rows n
            JOIN old_rows o USING (account_id, list_id, contact_id)
            WHERE n.status <> o.status
            $sql$;
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER contacts_created AFTER INSERT ON contacts
REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_contacts();
CREATE TRIGGER contacts_updated AFTER UPDATE ON contacts
REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_contacts();
CREATE TRIGGER contacts_deleted AFTER DELETE ON contacts
REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION note_contacts();
CREATE TRIGGER subscriptions_created AFTER INSERT ON subscriptions
REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_subscriptions();
CREATE TRIGGER subscriptions_updated AFTER UPDATE ON subscriptions
REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_subscriptions();
CREATE TRIGGER subscriptions_deleted AFTER DELETE ON subscriptions
REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION note_subscriptions();
