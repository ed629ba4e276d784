-- before the new code: ledgers that are only added to, whoever owns them (S11, B-60, B-61, C-01)

-- Grants alone would not do: an owner can grant himself what he likes, and whoever restores a dump without its owners
-- becomes the owner of everything. So the tables belong to the eraser, and a trigger stands beside the grants.
-- From here on a migration that alters one of the three does it between SET LOCAL ROLE mailer_eraser and RESET ROLE.
CREATE FUNCTION only_added_to() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_user = 'mailer_eraser' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'permission denied for table %: it is only added to, % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION only_added_to();
CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON consents
    FOR EACH STATEMENT EXECUTE FUNCTION only_added_to();
CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON wordings
    FOR EACH STATEMENT EXECUTE FUNCTION only_added_to();

-- Asked for again at each start of the product: after a restore without owners they are ours once more.
CREATE PROCEDURE seal_ledgers()
    LANGUAGE plpgsql
    AS $$
DECLARE
    login name := current_user;
    ledger regclass;
BEGIN
    GRANT CREATE ON SCHEMA public TO mailer_eraser;
    FOREACH ledger IN ARRAY ARRAY['audit', 'consents', 'wordings']::regclass[] LOOP
        IF (SELECT relowner FROM pg_class WHERE oid = ledger) = login::regrole THEN
            EXECUTE format('ALTER TABLE %s OWNER TO mailer_eraser', ledger);
        END IF;
    END LOOP;
    IF (SELECT proowner FROM pg_proc WHERE oid = 'only_added_to'::regproc) = login::regrole THEN
        ALTER FUNCTION only_added_to() OWNER TO mailer_eraser;
    END IF;
    REVOKE CREATE ON SCHEMA public FROM mailer_eraser;
    SET LOCAL ROLE mailer_eraser;
    REVOKE ALL ON audit, consents, wordings FROM mailer_eraser;
    GRANT SELECT, DELETE ON audit, consents, wordings TO mailer_eraser;
    EXECUTE format('REVOKE ALL ON audit, consents, wordings FROM %I', login);
    EXECUTE format('GRANT SELECT, INSERT ON audit, consents, wordings TO %I', login);
    RESET ROLE;
END
$$;
CALL seal_ledgers();
