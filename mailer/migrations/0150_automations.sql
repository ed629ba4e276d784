-- before the new code: automatic campaigns, their steps, and who is where in them

-- `trigger_of`: the list, tag, segment or campaign it waits for; the rest of a trigger stands in `setting`. The mails of
-- all steps belong to `list_id`: that subscription authorises them (S4). `again`: a person may take part more than once.
-- Hours from `quiet_from` to `quiet_to`, in the account's time zone, are quiet: no mail begins then. `position`: up to
-- which contact a search for people to take in has come, `searched_at`: when it began last.
CREATE TABLE automations (
    account_id   bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id           bigint GENERATED ALWAYS AS IDENTITY,
    name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    list_id      bigint NOT NULL,
    status       text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'running', 'paused', 'ended')),
    pause_reason text NOT NULL DEFAULT '',
    trigger      text NOT NULL CHECK (trigger IN ('subscribed', 'tagged', 'date', 'segment', 'clicked', 'event')),
    trigger_of   bigint,
    setting      jsonb NOT NULL DEFAULT '{}',
    again        boolean NOT NULL DEFAULT false,
    quiet_from   smallint CHECK (quiet_from BETWEEN 0 AND 23),
    quiet_to     smallint CHECK (quiet_to BETWEEN 0 AND 23),
    version      integer NOT NULL DEFAULT 1,
    position     bigint NOT NULL DEFAULT 0,
    searched_at  timestamptz,
    created_by   bigint,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    started_at   timestamptz,
    ended_at     timestamptz,
    PRIMARY KEY (account_id, id),
    FOREIGN KEY (account_id, list_id) REFERENCES mailing_lists (account_id, id),
    CONSTRAINT automations_pause CHECK ((status = 'paused') = (pause_reason <> '')),
    CONSTRAINT automations_quiet CHECK ((quiet_from IS NULL) = (quiet_to IS NULL))
);
-- the triggers below: who waits for this
CREATE INDEX automations_waiting ON automations (account_id, trigger, trigger_of) WHERE status IN ('running', 'paused');
CALL wall_off('automations');
GRANT SELECT, DELETE ON automations TO mailer_eraser;

-- A step, in the list of its parent's branch, or of the whole (`parent_id` NULL), by `position`. `draft_id`: the campaign
-- in which a mail is written; `published_id`: the copy that leaves, of the draft's version `published_version`.
CREATE TABLE automation_steps (
    account_id        bigint NOT NULL,
    id                bigint GENERATED ALWAYS AS IDENTITY,
    automation_id     bigint NOT NULL,
    parent_id         bigint,
    branch            text NOT NULL DEFAULT '' CHECK (branch IN ('', 'yes', 'no')),
    position          integer NOT NULL,
    kind              text NOT NULL CHECK (kind IN ('wait', 'send', 'condition', 'tag', 'untag', 'leave')),
    setting           jsonb NOT NULL DEFAULT '{}',
    draft_id          bigint,
    published_id      bigint,
    published_version integer,
    passed            bigint NOT NULL DEFAULT 0,
    said_yes          bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, id),
    FOREIGN KEY (account_id, automation_id) REFERENCES automations (account_id, id) ON DELETE CASCADE,
    FOREIGN KEY (account_id, parent_id) REFERENCES automation_steps (account_id, id) ON DELETE CASCADE,
    CONSTRAINT automation_steps_branch CHECK ((parent_id IS NULL) = (branch = '')),
    CONSTRAINT automation_steps_mail CHECK ((kind = 'send') = (draft_id IS NOT NULL))
);
CREATE INDEX automation_steps_of ON automation_steps (account_id, automation_id);
CALL wall_off('automation_steps');
GRANT SELECT, DELETE ON automation_steps TO mailer_eraser;

-- A person in an automatic campaign. `occasion` '': the only time; else what this time is, such as a year. `step_id`: the
-- step that is done next, at `due_at`; NULL: the first. `outcome`: done, left, or what ended it.
CREATE TABLE automation_journeys (
    account_id    bigint NOT NULL,
    automation_id bigint NOT NULL,
    contact_id    bigint NOT NULL,
    occasion      text NOT NULL DEFAULT '' CHECK (length(occasion) <= 100),
    step_id       bigint,
    entered_at    timestamptz NOT NULL DEFAULT now(),
    arrived_at    timestamptz NOT NULL DEFAULT now(),
    due_at        timestamptz NOT NULL DEFAULT now(),
    ended_at      timestamptz,
    outcome       text NOT NULL DEFAULT '' CHECK (outcome IN ('', 'done', 'left', 'unsubscribed', 'suppressed',
                      'restricted', 'pending', 'service', 'segment', 'excluded', 'ended')),
    PRIMARY KEY (account_id, automation_id, contact_id, occasion),
    FOREIGN KEY (account_id, automation_id) REFERENCES automations (account_id, id) ON DELETE CASCADE,
    FOREIGN KEY (account_id, contact_id) REFERENCES contacts (account_id, id) ON DELETE CASCADE,
    FOREIGN KEY (account_id, step_id) REFERENCES automation_steps (account_id, id),
    CONSTRAINT automation_journeys_end CHECK ((ended_at IS NULL) = (outcome = ''))
);
-- what is due next
CREATE INDEX automation_journeys_due ON automation_journeys (account_id, automation_id, due_at) WHERE ended_at IS NULL;
-- nobody is in one twice at a time
CREATE UNIQUE INDEX automation_journeys_open ON automation_journeys (account_id, automation_id, contact_id)
    WHERE ended_at IS NULL;
-- people at a step, and whether a step can go
CREATE INDEX automation_journeys_at ON automation_journeys (account_id, step_id) WHERE step_id IS NOT NULL;
-- a person's own
CREATE INDEX automation_journeys_of ON automation_journeys (account_id, contact_id);
CALL wall_off('automation_journeys');
GRANT SELECT, DELETE ON automation_journeys TO mailer_eraser;

-- Who got the mail of a step, and in which campaign: nobody gets it twice on one occasion, wherever steps are moved.
CREATE TABLE automation_mails (
    account_id    bigint NOT NULL,
    step_id       bigint NOT NULL,
    contact_id    bigint NOT NULL,
    occasion      text NOT NULL,
    automation_id bigint NOT NULL,
    campaign_id   bigint NOT NULL,
    at            timestamptz NOT NULL,
    PRIMARY KEY (account_id, step_id, contact_id, occasion),
    FOREIGN KEY (account_id, automation_id) REFERENCES automations (account_id, id) ON DELETE CASCADE,
    FOREIGN KEY (account_id, contact_id) REFERENCES contacts (account_id, id) ON DELETE CASCADE
);
-- retention: rows are over by their time
CREATE INDEX automation_mails_at ON automation_mails (account_id, at);
CREATE INDEX automation_mails_of ON automation_mails (account_id, contact_id);
CALL wall_off('automation_mails');
GRANT SELECT, DELETE ON automation_mails TO mailer_eraser;

-- Accounts whose automatic campaigns have something to do at once. A row each time: an update of one row would make
-- transactions that change contacts wait for each other.
CREATE TABLE automation_rings (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id    bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    automation_id bigint NOT NULL
);
GRANT SELECT, DELETE ON automation_rings TO mailer_eraser;

-- `automation_id`: a mail of an automatic campaign. Without `mailing_of` it is what is written or was published for a step;
-- with it, it goes to those who came to the step on `mailing_day`, and `mailing_of` is the published copy.
ALTER TABLE campaigns
    ADD COLUMN automation_id bigint,
    ADD COLUMN step_id bigint,
    ADD COLUMN mailing_of bigint,
    ADD COLUMN mailing_day date;
CREATE UNIQUE INDEX campaigns_mailing ON campaigns (account_id, mailing_of, mailing_day)
    WHERE mailing_of IS NOT NULL AND status <> 'cancelled';
CREATE INDEX campaigns_automation ON campaigns (account_id, automation_id, id) WHERE automation_id IS NOT NULL;

-- Taking people in, in the transaction that makes them part of it: nobody is missed, whatever is killed.
CREATE FUNCTION enter_subscribed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before text := '';
BEGIN
    IF NOT EXISTS (SELECT FROM automations WHERE account_id = current_account() AND trigger = 'subscribed'
                     AND status IN ('running', 'paused')) THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        before := 'JOIN old_rows o ON o.account_id = n.account_id AND o.list_id = n.list_id'
                  ' AND o.contact_id = n.contact_id AND o.status <> ''active''';
    END IF;
    EXECUTE 'WITH entered AS (
            INSERT INTO automation_journeys (account_id, automation_id, contact_id, occasion)
            SELECT n.account_id, a.id, n.contact_id, CASE WHEN a.again THEN pg_current_xact_id()::text ELSE '''' END
            FROM new_rows n ' || before || '
            JOIN automations a ON a.account_id = n.account_id AND a.trigger = ''subscribed''
                AND a.trigger_of = n.list_id AND a.status IN (''running'', ''paused'')
                AND (n.import_id IS NULL OR coalesce((a.setting ->> ''imports'')::boolean, false))
            WHERE n.status = ''active''
            ON CONFLICT DO NOTHING
            RETURNING account_id, automation_id)
        INSERT INTO automation_rings (account_id, automation_id)
        SELECT DISTINCT account_id, automation_id FROM entered';
    RETURN NULL;
END
$$;
CREATE TRIGGER subscriptions_entered AFTER INSERT ON subscriptions REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION enter_subscribed();
CREATE TRIGGER subscriptions_confirmed AFTER UPDATE ON subscriptions
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION enter_subscribed();

CREATE FUNCTION enter_tagged() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM automations WHERE account_id = current_account() AND trigger = 'tagged'
                     AND status IN ('running', 'paused')) THEN
        RETURN NULL;
    END IF;
    EXECUTE 'WITH entered AS (
            INSERT INTO automation_journeys (account_id, automation_id, contact_id, occasion)
            SELECT n.account_id, a.id, n.contact_id, CASE WHEN a.again THEN pg_current_xact_id()::text ELSE '''' END
            FROM new_rows n
            JOIN automations a ON a.account_id = n.account_id AND a.trigger = ''tagged''
                AND a.trigger_of = n.tag_id AND a.status IN (''running'', ''paused'')
            JOIN subscriptions s ON s.account_id = n.account_id AND s.list_id = a.list_id
                AND s.contact_id = n.contact_id AND s.status = ''active''
            ON CONFLICT DO NOTHING
            RETURNING account_id, automation_id)
        INSERT INTO automation_rings (account_id, automation_id)
        SELECT DISTINCT account_id, automation_id FROM entered';
    RETURN NULL;
END
$$;
CREATE TRIGGER contact_tags_entered AFTER INSERT ON contact_tags REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION enter_tagged();

-- Leaving: at once, in the transaction of the refusal (D-45). Erasure takes the rows with the contact.
CREATE FUNCTION end_unsubscribed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    gone text := CASE TG_OP WHEN 'DELETE' THEN 'old_rows g WHERE true' ELSE 'new_rows g WHERE g.status = ''unsubscribed''' END;
BEGIN
    IF EXISTS (SELECT FROM automations WHERE account_id = current_account() AND status <> 'draft') THEN
        EXECUTE 'UPDATE automation_journeys j SET ended_at = now(), outcome = ''unsubscribed'', step_id = NULL
            FROM automations a, (SELECT account_id, list_id, contact_id FROM ' || gone || ') u
            WHERE a.account_id = u.account_id AND a.list_id = u.list_id
              AND j.account_id = u.account_id AND j.automation_id = a.id AND j.contact_id = u.contact_id
              AND j.ended_at IS NULL';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER subscriptions_left AFTER UPDATE ON subscriptions REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION end_unsubscribed();
CREATE TRIGGER subscriptions_gone AFTER DELETE ON subscriptions REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION end_unsubscribed();

CREATE FUNCTION end_suppressed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM automations WHERE account_id = current_account() AND status <> 'draft') THEN
        EXECUTE 'UPDATE automation_journeys j SET ended_at = now(), outcome = ''suppressed'', step_id = NULL
            FROM new_rows x
            JOIN contacts c ON c.account_id = x.account_id AND c.address_hash = x.address_hash
            JOIN automations a ON a.account_id = x.account_id
                AND (x.list_id = a.list_id OR x.list_id IS NULL AND a.list_id <> ALL (x.returned_to))
            WHERE j.account_id = x.account_id AND j.automation_id = a.id AND j.contact_id = c.id
              AND j.ended_at IS NULL AND (x.expires_at IS NULL OR x.expires_at > now())';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER suppressions_left AFTER INSERT ON suppressions REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION end_suppressed();
CREATE TRIGGER suppressions_left_again AFTER UPDATE ON suppressions REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION end_suppressed();

CREATE FUNCTION end_restricted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE automation_journeys SET ended_at = now(), outcome = 'restricted', step_id = NULL
    WHERE account_id = NEW.account_id AND contact_id = NEW.id AND ended_at IS NULL;
    RETURN NULL;
END
$$;
CREATE TRIGGER contacts_restricted AFTER UPDATE OF restricted_at ON contacts FOR EACH ROW
    WHEN (NEW.restricted_at IS NOT NULL AND OLD.restricted_at IS NULL) EXECUTE FUNCTION end_restricted();

-- Programs are told of an automatic campaign's mails one by one, not of each day on which some leave.
DROP TRIGGER campaigns_told ON campaigns;
CREATE TRIGGER campaigns_told
    AFTER UPDATE OF status ON campaigns
    FOR EACH ROW
    WHEN (NEW.status <> OLD.status AND NEW.mailing_of IS NULL
          AND NEW.status IN ('scheduled', 'sending', 'paused', 'sent', 'cancelled'))
    EXECUTE FUNCTION tell_of_campaign();
