-- before the new code: a row for the domain of each sender there is, looked at soon; its keys come with the first look

DO $$
DECLARE
    account bigint;
BEGIN
    FOR account IN SELECT id FROM accounts LOOP
        PERFORM set_config('app.account_id', account::text, true);
        INSERT INTO domains (account_id, name)
        SELECT DISTINCT account_id, substring(address_key FROM '[^@]*$')
        FROM senders
        WHERE account_id = account AND status <> 'revoked'
        ON CONFLICT DO NOTHING;
        INSERT INTO work (account_id, job, ref_id)
        SELECT account_id, 'sending.check_domain', id FROM domains WHERE account_id = account
        ON CONFLICT DO NOTHING;
    END LOOP;
END
$$;
