-- before the new code: which of a campaign's deliveries an export holds; empty: all

ALTER TABLE exports
    ADD COLUMN delivery_status text NOT NULL DEFAULT '',
    ADD COLUMN delivery_reason text NOT NULL DEFAULT '',
    ADD COLUMN provider text NOT NULL DEFAULT '';
