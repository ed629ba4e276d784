-- before the new code: why a campaign pauses by itself (D-80)

-- Outcomes since the campaign began or a person resumed it. By lane, so that two lanes never wait for each other.
-- `refused`: replies that refuse us by policy or authentication, temporary ones too.
CREATE TABLE evidence (
    account_id  bigint NOT NULL,
    campaign_id bigint NOT NULL,
    lane        smallint NOT NULL,
    profile     text NOT NULL,
    delivered   integer NOT NULL DEFAULT 0,
    hard        integer NOT NULL DEFAULT 0,
    other       integer NOT NULL DEFAULT 0,
    refused     integer NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, campaign_id, lane, profile),
    FOREIGN KEY (account_id, campaign_id) REFERENCES campaigns (account_id, id) ON DELETE CASCADE
) WITH (fillfactor = 50);
CALL wall_off('evidence');
GRANT SELECT, DELETE ON evidence TO mailer_eraser;

-- A provider that refuses all mail of a campaign: its rows wait until a person tries again.
CREATE TABLE provider_stops (
    account_id  bigint NOT NULL,
    campaign_id bigint NOT NULL,
    profile     text NOT NULL,
    cause       text NOT NULL CHECK (cause IN ('auth', 'policy')),
    refused     integer NOT NULL,
    reply       text NOT NULL DEFAULT '',
    at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, campaign_id, profile),
    FOREIGN KEY (account_id, campaign_id) REFERENCES campaigns (account_id, id) ON DELETE CASCADE
);
CALL wall_off('provider_stops');
GRANT SELECT, DELETE ON provider_stops TO mailer_eraser;

-- the figures behind pause_reason, and since when the evidence counts
ALTER TABLE campaigns
    ADD COLUMN pause_figures jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN judged_from timestamptz NOT NULL DEFAULT '-infinity';
