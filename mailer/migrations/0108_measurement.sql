-- before the new code: how an account measures opens and clicks, and campaigns that ask people for it

-- No row: as before, individually those who said yes. `opens_since`: when opens came to be as they are.
CREATE TABLE measurement_settings (
    account_id    bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    opens         text NOT NULL DEFAULT 'individual' CHECK (opens IN ('off', 'last_day', 'aggregate', 'individual')),
    clicks        text NOT NULL DEFAULT 'individual' CHECK (clicks IN ('off', 'individual')),
    -- B-33: after how many months without an open an address counts as inactive
    sunset_months smallint NOT NULL DEFAULT 12 CHECK (sunset_months BETWEEN 6 AND 12),
    opens_since   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id)
);
CALL wall_off('measurement_settings');
GRANT SELECT, DELETE ON measurement_settings TO mailer_eraser;

-- `unmeasured`: the author wants nothing measured in it. The modes are those it was frozen with; NULL: older
-- campaigns, measured individually.
ALTER TABLE campaigns
    ADD COLUMN unmeasured boolean NOT NULL DEFAULT false,
    ADD COLUMN asks_measurement boolean NOT NULL DEFAULT false,
    -- up to which contact the ledger knows that it asked; the largest number when it knows of all
    ADD COLUMN asked_cursor bigint NOT NULL DEFAULT 0,
    ADD COLUMN opens_mode text CHECK (opens_mode IN ('off', 'last_day', 'aggregate', 'individual')),
    ADD COLUMN clicks_mode text CHECK (clicks_mode IN ('off', 'individual'));
CREATE INDEX campaigns_asking ON campaigns (account_id, month)
    WHERE asks_measurement AND asked_cursor < 9223372036854775807;

-- B-34: how often the one image of a campaign was loaded, and nothing else
CREATE TABLE open_counts (
    account_id    bigint NOT NULL,
    campaign_id   bigint NOT NULL,
    loads         bigint NOT NULL DEFAULT 0,
    machine_loads bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, campaign_id),
    FOREIGN KEY (account_id, campaign_id) REFERENCES campaigns (account_id, id) ON DELETE CASCADE
);
CALL wall_off('open_counts');
GRANT SELECT, DELETE ON open_counts TO mailer_eraser;

-- Random numbers of loads that were counted, for two days: a batch that comes again counts nothing again.
CREATE TABLE counted_loads (
    account_id bigint NOT NULL,
    day        date NOT NULL,
    id         text NOT NULL,
    PRIMARY KEY (account_id, day, id)
);
CALL wall_off('counted_loads');
GRANT SELECT, DELETE ON counted_loads TO mailer_eraser;

-- B-33: the day of the last known open, overwritten by a later one; no time, no history. Only the eraser's role
-- reads the day: pages, reports, segments and exports run as the login role, and cannot.
CREATE TABLE last_open_days (
    account_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    day        date NOT NULL,
    PRIMARY KEY (account_id, contact_id),
    FOREIGN KEY (account_id, contact_id) REFERENCES contacts (account_id, id) ON DELETE CASCADE
);
CALL wall_off('last_open_days');
REVOKE SELECT ON last_open_days FROM CURRENT_USER;
GRANT SELECT (account_id, contact_id) ON last_open_days TO CURRENT_USER;
GRANT SELECT, DELETE ON last_open_days TO mailer_eraser;

-- The login role cannot compare what it may not read.
CREATE FUNCTION keep_later_day() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    NEW.day := greatest(NEW.day, OLD.day);
    RETURN NEW;
END
$$;
CREATE TRIGGER last_open_days_later BEFORE UPDATE ON last_open_days
    FOR EACH ROW EXECUTE FUNCTION keep_later_day();

-- B-39: may this person be asked for measurement today? Silence is a no, and a no holds for six months, also for
-- who was deleted and comes back, and for who was merged.
CREATE INDEX consents_measurement ON consents (account_id, address_hash, at) WHERE purpose <> 'mail';
-- plpgsql, because an SQL function with subqueries is never made part of the statement either, and is slower.
CREATE FUNCTION may_ask_measurement(c contacts) RETURNS boolean
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    IF c.opens = 'granted' AND c.clicks = 'granted' THEN
        RETURN false;
    END IF;
    PERFORM FROM consents p
    WHERE p.account_id = c.account_id AND p.address_hash = c.address_hash AND p.purpose <> 'mail'
      AND p.act IN ('asked', 'denied') AND p.at > now() - interval '6 months';
    IF FOUND THEN
        RETURN false;
    END IF;
    PERFORM FROM consents p
    WHERE p.account_id = c.account_id AND p.contact_id = c.id AND p.purpose <> 'mail'
      AND p.act IN ('asked', 'denied') AND p.at > now() - interval '6 months';
    IF FOUND THEN
        RETURN false;
    END IF;
    PERFORM FROM contact_merges m
    JOIN consents p ON p.account_id = m.account_id AND p.contact_id = m.merged_id
    WHERE m.account_id = c.account_id AND m.kept_id = c.id AND p.purpose <> 'mail'
      AND p.act IN ('asked', 'denied') AND p.at > now() - interval '6 months';
    IF FOUND THEN
        RETURN false;
    END IF;
    -- requests on their way, or whose lines of the ledger are still to be written: rarely any, and looking into
    -- the partitions of deliveries costs more than all of the above
    PERFORM FROM campaigns q
    WHERE q.account_id = c.account_id AND q.asks_measurement AND q.asked_cursor < 9223372036854775807
      AND q.month > now() - interval '8 months';
    IF NOT FOUND THEN
        RETURN true;
    END IF;
    PERFORM FROM campaigns q
    JOIN deliveries d ON d.account_id = q.account_id AND d.campaign_id = q.id AND d.month = q.month
    WHERE q.account_id = c.account_id AND q.asks_measurement AND q.asked_cursor < 9223372036854775807
      AND q.month > now() - interval '8 months' AND d.contact_id = c.id AND d.status NOT IN ('skipped', 'cancelled', 'failed')
      AND coalesce(d.final_at, now()) > now() - interval '6 months';
    RETURN NOT FOUND;
END
$$;
