-- before the new code: a server took the mail, and it came back all the same

-- The reason in one of the field's usual words (sending/feedback.py), "" where none is known.
ALTER TABLE deliveries ADD COLUMN bounce_reason text NOT NULL DEFAULT '' CHECK (length(bounce_reason) <= 40);
ALTER TABLE messages ADD COLUMN bounce_reason text NOT NULL DEFAULT '' CHECK (length(bounce_reason) <= 40);

-- S1, and delivered → bounced: a report that comes later. Nothing leads out of "bounced".
DROP TRIGGER deliveries_steps ON deliveries;
CREATE TRIGGER deliveries_steps
BEFORE UPDATE OF status, lane, turn ON deliveries
FOR EACH ROW
WHEN (NOT CASE OLD.status
    WHEN NEW.status THEN OLD.status NOT IN ('claimed', 'handing')
        OR (OLD.lane = NEW.lane AND OLD.turn = NEW.turn)
    WHEN 'queued' THEN NEW.status IN ('claimed', 'skipped', 'cancelled')
    WHEN 'claimed' THEN NEW.status IN ('handing', 'queued', 'skipped', 'cancelled', 'failed')
    WHEN 'handing' THEN NEW.status IN ('delivered', 'bounced', 'failed', 'in_doubt', 'queued', 'cancelled')
    WHEN 'in_doubt' THEN NEW.status IN ('delivered', 'bounced', 'failed', 'queued', 'cancelled')
    WHEN 'delivered' THEN NEW.status = 'bounced'
    ELSE false
END)
EXECUTE FUNCTION refuse_step();
