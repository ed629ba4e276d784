-- before the new code: a complaint about a transactional message is an event of its contact, too, and is told

-- such an event is of no campaign (0), and its signals name the message; contact 0: of a person who is no contact
CREATE OR REPLACE FUNCTION tell_of_complaint() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    CALL tell_webhooks('complaint.received',
                       jsonb_build_object('campaign_id', nullif(NEW.campaign_id, 0),
                                          'message_id', NEW.signals -> 'message_id',
                                          'contact_id', nullif(NEW.contact_id, 0)));
    RETURN NULL;
END
$$;
