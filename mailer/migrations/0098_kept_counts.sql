-- before the new code: counts of many rows, kept between two views of a page

-- `size`: rows that were looked at. Figures alone, of nobody in particular; anything in here can be counted again.
CREATE TABLE kept_counts (
    account_id bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    name       text NOT NULL,
    ref_id     bigint NOT NULL,
    size       bigint NOT NULL,
    value      jsonb NOT NULL,
    counted_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, name, ref_id)
);
CALL wall_off('kept_counts');
GRANT SELECT, DELETE ON kept_counts TO mailer_eraser;
