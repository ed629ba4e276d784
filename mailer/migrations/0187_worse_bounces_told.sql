-- before or after the new code: a bounce that turns out to be another one is told again

-- a mail that came back for the time being may come back for good: the status stays, the reason changes
DROP TRIGGER deliveries_told ON deliveries;
CREATE TRIGGER deliveries_told AFTER UPDATE OF status, reason ON deliveries FOR EACH ROW
WHEN (NEW.status IN ('bounced', 'failed') AND (NEW.status <> OLD.status OR NEW.reason <> OLD.reason))
EXECUTE FUNCTION tell_of_delivery();

DROP TRIGGER messages_told ON messages;
CREATE TRIGGER messages_told AFTER UPDATE OF status, reason ON messages FOR EACH ROW
WHEN (NEW.status IN ('delivered', 'bounced', 'failed')
      AND (NEW.status <> OLD.status OR NEW.reason <> OLD.reason))
EXECUTE FUNCTION tell_of_message();
