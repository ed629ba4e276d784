-- before the new code: how far an account's events were judged by which rules

-- D-91: when the rules change, a walk in the order of the events' key judges the old ones anew. `after_id`, `after_at`:
-- the last one looked at; `done_at`: all were.
CREATE TABLE judgements (
    account_id bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    rules      integer NOT NULL,
    after_id   text NOT NULL DEFAULT '',
    after_at   timestamptz NOT NULL DEFAULT 'epoch',
    changed    bigint NOT NULL DEFAULT 0,
    done_at    timestamptz,
    PRIMARY KEY (account_id)
);
CALL wall_off('judgements');
GRANT SELECT, DELETE ON judgements TO mailer_eraser;
