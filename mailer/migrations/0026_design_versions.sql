-- before the new code: two people never overwrite each other's design

ALTER TABLE designs ADD COLUMN version integer NOT NULL DEFAULT 1;
