-- before the new code: which steps of automatic campaigns a person has passed, for their timeline

-- Mails are not among them: those are deliveries. `said`: which way a condition went; `tag_id`: put on or taken off.
CREATE TABLE automation_passages (
    account_id    bigint NOT NULL,
    contact_id    bigint NOT NULL,
    at            timestamptz NOT NULL,
    id            bigint GENERATED ALWAYS AS IDENTITY,
    automation_id bigint NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('wait', 'condition', 'tag', 'untag')),
    said          text NOT NULL DEFAULT '' CHECK (said IN ('', 'yes', 'no')),
    tag_id        bigint,
    -- a person's own, by pages
    PRIMARY KEY (account_id, contact_id, at, id),
    FOREIGN KEY (account_id, contact_id) REFERENCES contacts (account_id, id) ON DELETE CASCADE,
    CONSTRAINT automation_passages_said CHECK ((kind = 'condition') = (said <> '')),
    CONSTRAINT automation_passages_tag CHECK ((kind IN ('tag', 'untag')) = (tag_id IS NOT NULL))
);
-- retention: rows are over by their time
CREATE INDEX automation_passages_at ON automation_passages (account_id, at);
CALL wall_off('automation_passages');
GRANT SELECT, DELETE ON automation_passages TO mailer_eraser;
