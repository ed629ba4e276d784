-- before the new code: prefix search whatever the server's locale, frozen selections, progress of exports

-- S8: a prefix is a range only in the order of code points
ALTER TABLE contacts
    ALTER COLUMN address_key TYPE text COLLATE "C",
    ALTER COLUMN first_name_key TYPE text COLLATE "C",
    ALTER COLUMN last_name_key TYPE text COLLATE "C";

-- A bulk action: the contacts are those frozen here, never a filter read again.
CREATE TABLE selections (
    account_id   bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id           bigint GENERATED ALWAYS AS IDENTITY,
    action       text NOT NULL CHECK (action IN ('delete', 'unsubscribe', 'add', 'remove')),
    state        text NOT NULL DEFAULT 'frozen' CHECK (state IN ('frozen', 'running', 'done')),
    -- the filter as it was, for the sentence: prefix, list, status
    filter       jsonb NOT NULL DEFAULT '{}',
    list_id      bigint,  -- add to, remove or unsubscribe from; NULL = everything
    legal_basis  text NOT NULL DEFAULT '',
    source       text NOT NULL DEFAULT '',
    size         integer NOT NULL DEFAULT 0,
    changed      integer NOT NULL DEFAULT 0,
    refused      integer NOT NULL DEFAULT 0,
    position     bigint NOT NULL DEFAULT 0,
    created_by   bigint,
    created_at   timestamptz NOT NULL DEFAULT now(),
    finished_at  timestamptz,
    PRIMARY KEY (account_id, id)
);
CALL wall_off('selections');

CREATE TABLE selection_contacts (
    account_id   bigint NOT NULL,
    selection_id bigint NOT NULL,
    contact_id   bigint NOT NULL,
    PRIMARY KEY (account_id, selection_id, contact_id),
    FOREIGN KEY (account_id, selection_id) REFERENCES selections (account_id, id) ON DELETE CASCADE
);
CALL wall_off('selection_contacts');

GRANT SELECT, DELETE ON selections, selection_contacts TO mailer_eraser;

ALTER TABLE exports
    ADD COLUMN total bigint NOT NULL DEFAULT 0,
    ADD COLUMN columns jsonb NOT NULL DEFAULT '[]',  -- keys of the custom fields when it began
    ADD COLUMN delimiter text NOT NULL DEFAULT ',' CHECK (delimiter IN (',', ';'));
