-- before the new code: campaigns that are made again by themselves

-- The plan of a draft, which is the model of its editions: one a campaign. `month_day` 29 … 31 means the last day where
-- a month is shorter; `last_weekday`: 1 is Monday. `at`: the wall clock of `time_zone`. `last_content`: a fingerprint of
-- what the last edition said, for `skip_unchanged`. `pause_faults`: why the checks stopped it, as messages to translate.
CREATE TABLE recurrences (
    account_id     bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id             bigint GENERATED ALWAYS AS IDENTITY,
    campaign_id    bigint NOT NULL,
    every          text NOT NULL CHECK (every IN ('day', 'week', 'month')),
    weekdays       smallint[] NOT NULL DEFAULT '{}' CHECK (weekdays <@ '{1,2,3,4,5,6,7}'::smallint[]),
    month_day      smallint CHECK (month_day BETWEEN 1 AND 31),
    last_weekday   smallint CHECK (last_weekday BETWEEN 1 AND 7),
    at             time NOT NULL,
    time_zone      text NOT NULL,
    ends_on        date,
    skip_unchanged boolean NOT NULL DEFAULT false,
    status         text NOT NULL CHECK (status IN ('active', 'paused', 'ended')),
    pause_faults   jsonb NOT NULL DEFAULT '[]',
    next_at        timestamptz,
    number         integer NOT NULL DEFAULT 0,
    last_content   bytea,
    version        integer NOT NULL DEFAULT 1,
    created_by     bigint,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, id),
    CONSTRAINT recurrences_campaign UNIQUE (account_id, campaign_id),
    FOREIGN KEY (account_id, campaign_id) REFERENCES campaigns (account_id, id) ON DELETE CASCADE,
    CONSTRAINT recurrences_days CHECK (
        CASE every WHEN 'day' THEN weekdays = '{}' AND month_day IS NULL AND last_weekday IS NULL
                   WHEN 'week' THEN weekdays <> '{}' AND month_day IS NULL AND last_weekday IS NULL
                   ELSE weekdays = '{}' AND (month_day IS NULL) <> (last_weekday IS NULL) END),
    CONSTRAINT recurrences_next CHECK ((next_at IS NOT NULL) = (status = 'active'))
);
CALL wall_off('recurrences');

-- One row for each time of a plan that came: the key is what makes an edition once. `made` until it is scheduled or
-- left out; `number` and `campaign_id` only of those that became a campaign.
CREATE TABLE editions (
    account_id    bigint NOT NULL,
    recurrence_id bigint NOT NULL,
    due_at        timestamptz NOT NULL,
    result        text NOT NULL CHECK (result IN ('made', 'scheduled', 'unchanged', 'nothing_new', 'blocked', 'missed')),
    number        integer,
    campaign_id   bigint,
    faults        jsonb NOT NULL DEFAULT '[]',
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, recurrence_id, due_at),
    FOREIGN KEY (account_id, recurrence_id) REFERENCES recurrences (account_id, id) ON DELETE CASCADE,
    FOREIGN KEY (account_id, campaign_id) REFERENCES campaigns (account_id, id) ON DELETE SET NULL (campaign_id)
);
CALL wall_off('editions');
-- the page of a campaign asks which plan made it; also for the foreign key
CREATE INDEX editions_campaign ON editions (account_id, campaign_id) WHERE campaign_id IS NOT NULL;

GRANT SELECT, DELETE ON recurrences, editions TO mailer_eraser;
