-- before the new code: webhooks are told of a new request about data (E-54, C-10): its number and kind, nobody's address

CREATE FUNCTION tell_of_rights_request() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    CALL tell_webhooks('rights_request.created',
                       jsonb_build_object('request_id', NEW.id, 'contact_id', NEW.contact_id, 'what', NEW.kind));
    RETURN NULL;
END
$$;
CREATE TRIGGER rights_requests_told AFTER INSERT ON rights_requests FOR EACH ROW
EXECUTE FUNCTION tell_of_rights_request();
