-- before the new code: automatic campaigns look again when something that they may speak of is deleted

-- Statement by statement: which of them speak of it is for the turn to find out (sending/automation_broken.py).
CREATE FUNCTION ring_automations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- the role that erases whole accounts may only delete
    IF has_table_privilege('automation_rings', 'INSERT') THEN
        INSERT INTO automation_rings (account_id, automation_id)
        SELECT account_id, id FROM automations WHERE account_id = current_account() AND status = 'running';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER automations_look AFTER UPDATE OF deleted_at ON segments
    FOR EACH STATEMENT EXECUTE FUNCTION ring_automations();
CREATE TRIGGER automations_look AFTER UPDATE OF deleted_at ON mailing_lists
    FOR EACH STATEMENT EXECUTE FUNCTION ring_automations();
CREATE TRIGGER automations_look AFTER DELETE ON tags FOR EACH STATEMENT EXECUTE FUNCTION ring_automations();
CREATE TRIGGER automations_look AFTER DELETE ON fields FOR EACH STATEMENT EXECUTE FUNCTION ring_automations();
CREATE TRIGGER automations_look AFTER DELETE ON campaigns FOR EACH STATEMENT EXECUTE FUNCTION ring_automations();
