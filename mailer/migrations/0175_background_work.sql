-- before the new code: sweeps over all accounts stand behind what somebody waits for

ALTER TABLE work ADD COLUMN background boolean NOT NULL DEFAULT false;
CREATE INDEX work_next ON work (background, run_at);  -- the tick
DROP INDEX work_due;
