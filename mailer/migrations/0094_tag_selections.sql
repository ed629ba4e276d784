-- before the new code: putting a tag on chosen contacts, and taking it off them

ALTER TABLE selections
    ADD COLUMN tag_id bigint,
    DROP CONSTRAINT selections_action_check,
    ADD CONSTRAINT selections_action_check
        CHECK (action IN ('delete', 'unsubscribe', 'add', 'remove', 'tag', 'untag', 'export'));
