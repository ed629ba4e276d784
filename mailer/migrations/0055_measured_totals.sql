-- before the new code: what opens and clicks add up to outlives their rows

-- G-2: like `totals`, cells of ten people and more (A-064), by a flat key; frozen with them by retention, in the
-- transaction that deletes the campaign's first row. `details_erased_at`: when that was.
ALTER TABLE campaigns ADD COLUMN measured jsonb, ADD COLUMN details_erased_at timestamptz;
