-- before the new code: figures of an A/B test read those who were drawn, whatever the size of the audience

-- no row of a campaign that compares nothing is in it; those who wait for the result are not either
CREATE INDEX deliveries_drawn ON deliveries (account_id, campaign_id, status, variant, contact_id)
    INCLUDE (month, opens, clicks) WHERE variant > 0;
