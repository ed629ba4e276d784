-- before the new code: what a draft said before, and what somebody typed on another's save

-- Contents of campaigns that were not sent yet, of the variants of their A/B tests, and of designs: each save
-- (sending/draft_versions.py), thinned by age. In the open as the drafts themselves are: with the draft they go, and
-- with what was sent six days after the last attempt.
CREATE TABLE draft_versions (
    account_id  bigint NOT NULL,
    id          bigint GENERATED ALWAYS AS IDENTITY,
    campaign_id bigint,
    design_id   bigint,
    variant     smallint NOT NULL DEFAULT 1 CHECK (variant BETWEEN 1 AND 4),
    -- the draft's own counter at that save; of what was refused: the one that it was written on
    number      integer NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('letter', 'mjml')),
    source      text NOT NULL,
    saved_by    bigint,  -- a person; NULL: a program, or before versions were kept
    -- typed on a version that somebody else had replaced: kept, and in no list but its author's
    refused     boolean NOT NULL DEFAULT false,
    restored    integer,  -- number of the version that this one brought back
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, id),
    FOREIGN KEY (account_id, campaign_id) REFERENCES campaigns (account_id, id) ON DELETE CASCADE,
    FOREIGN KEY (account_id, design_id) REFERENCES designs (account_id, id) ON DELETE CASCADE,
    CHECK (num_nonnulls(campaign_id, design_id) = 1)
);
-- the list of a draft, and its thinning
CREATE INDEX draft_versions_campaign ON draft_versions (account_id, campaign_id, variant, id)
    WHERE campaign_id IS NOT NULL;
CREATE INDEX draft_versions_design ON draft_versions (account_id, design_id, id) WHERE design_id IS NOT NULL;
CALL wall_off('draft_versions');
GRANT SELECT, DELETE ON draft_versions TO mailer_eraser;
