-- before the new code: A/B tests of subject or content inside one campaign

-- What is compared and how it is decided; one a campaign. Variant 1 is the campaign itself, the others stand in
-- `ab_variants`. `state`: draft until the audience is frozen; running; asking (nothing was shown, a person decides);
-- decided (the rest is being let go, `released_to`: up to which contact); done. `figures`: as they were when it was
-- decided. `seed`: what the sample was drawn with.
CREATE TABLE ab_tests (
    account_id   bigint NOT NULL,
    campaign_id  bigint NOT NULL,
    about        text NOT NULL CHECK (about IN ('subject', 'content')),
    share        smallint NOT NULL CHECK (share BETWEEN 5 AND 100),
    winner_by    text NOT NULL CHECK (winner_by IN ('clicks', 'opens', 'hand')),
    hours        smallint NOT NULL CHECK (hours BETWEEN 1 AND 120),
    early        boolean NOT NULL DEFAULT false,
    unclear      text NOT NULL DEFAULT 'first' CHECK (unclear IN ('first', 'ask')),
    state        text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'running', 'asking', 'decided', 'done')),
    seed         bigint,
    counted_from timestamptz,
    ends_at      timestamptz,
    winner       smallint CHECK (winner BETWEEN 1 AND 4),
    decided_at   timestamptz,
    decided_by   text CHECK (decided_by IN ('result', 'unclear', 'hand')),
    figures      jsonb NOT NULL DEFAULT '[]',
    released_to  bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, campaign_id),
    FOREIGN KEY (account_id, campaign_id) REFERENCES campaigns (account_id, id) ON DELETE CASCADE,
    CONSTRAINT ab_tests_decided CHECK ((winner IS NOT NULL) = (state IN ('decided', 'done'))
                                       AND (winner IS NULL) = (decided_at IS NULL)
                                       AND (winner IS NULL) = (decided_by IS NULL))
);
CALL wall_off('ab_tests');

-- NULL: as in the campaign. Content like it: erased six days after the last attempt (S12).
CREATE TABLE ab_variants (
    account_id   bigint NOT NULL,
    campaign_id  bigint NOT NULL,
    number       smallint NOT NULL CHECK (number BETWEEN 2 AND 4),
    subject      text,
    preheader    text,
    content_kind text CHECK (content_kind IN ('none', 'letter', 'mjml')),
    source       text,
    PRIMARY KEY (account_id, campaign_id, number),
    FOREIGN KEY (account_id, campaign_id) REFERENCES ab_tests (account_id, campaign_id) ON DELETE CASCADE,
    CONSTRAINT ab_variants_content CHECK ((content_kind IS NULL) = (source IS NULL))
);
CALL wall_off('ab_variants');
GRANT SELECT, DELETE ON ab_tests, ab_variants TO mailer_eraser;

-- 1 … 4: drawn for the test, with this variant. 0: everybody else; gets the winner, and waits for it. No CHECK: it
-- would read every row of a year.
ALTER TABLE deliveries ADD COLUMN variant smallint NOT NULL DEFAULT 0;

-- One revision a variant. `links_of`: the variant whose links it uses, for where only subjects differ they are shared.
ALTER TABLE revisions
    ADD COLUMN variant smallint NOT NULL DEFAULT 1,
    ADD COLUMN links_of smallint NOT NULL DEFAULT 1;
ALTER TABLE links
    ADD COLUMN variant smallint NOT NULL DEFAULT 1,
    DROP CONSTRAINT links_position,
    ADD CONSTRAINT links_position UNIQUE (account_id, campaign_id, variant, position);
ALTER TABLE test_sends ADD COLUMN variant smallint NOT NULL DEFAULT 1;
