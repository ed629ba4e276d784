-- before or after the new code: only pages that are written from now on keep the room

-- a click is noted with its person (last_act_at, B-27); where the page has room for the new version of the row,
-- none of the nine indexes has to learn of it
ALTER TABLE contacts SET (fillfactor = 90);
