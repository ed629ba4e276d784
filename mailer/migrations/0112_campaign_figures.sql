-- before the new code: what each campaign came to, so that pages that compare campaigns read one row for each

-- Figures of nobody in particular, counted from deliveries and events; they go when those do (A-064).
CREATE TABLE campaign_figures (
    account_id      bigint NOT NULL,
    campaign_id     bigint NOT NULL,
    counted_at      timestamptz NOT NULL DEFAULT now(),
    audience        integer NOT NULL,
    sent            integer NOT NULL,
    delivered       integer NOT NULL,
    bounced_hard    integer NOT NULL,
    bounced_other   integer NOT NULL,
    opens_base      integer NOT NULL,
    opened          integer NOT NULL,
    clicks_base     integer NOT NULL,
    clicked         integer NOT NULL,
    unsubscribed    integer NOT NULL,
    complained      integer NOT NULL,
    PRIMARY KEY (account_id, campaign_id),
    FOREIGN KEY (account_id, campaign_id) REFERENCES campaigns (account_id, id) ON DELETE CASCADE
);
CALL wall_off('campaign_figures');
GRANT SELECT, DELETE ON campaign_figures TO mailer_eraser;
