-- before the new code: campaign parameters on links (S22)

-- One row without a campaign: what the account adds to the links of its campaigns. One with: what this campaign adds
-- instead. Values may hold {id}, {name} and {variant}; `domains` are A-labels.
CREATE TABLE utm_settings (
    account_id  bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    campaign_id bigint,
    active      boolean NOT NULL,
    source      text NOT NULL DEFAULT '' CHECK (length(source) <= 100),
    medium      text NOT NULL DEFAULT '' CHECK (length(medium) <= 100),
    campaign    text NOT NULL DEFAULT '' CHECK (length(campaign) <= 100),
    content     text NOT NULL DEFAULT '' CHECK (length(content) <= 100),
    rule        text NOT NULL DEFAULT 'all' CHECK (rule IN ('all', 'only', 'except')),
    domains     text[] NOT NULL DEFAULT '{}',
    CONSTRAINT utm_settings_of UNIQUE NULLS NOT DISTINCT (account_id, campaign_id),
    FOREIGN KEY (account_id, campaign_id) REFERENCES campaigns (account_id, id) ON DELETE CASCADE
);
CALL wall_off('utm_settings');
GRANT SELECT, DELETE ON utm_settings TO mailer_eraser;
