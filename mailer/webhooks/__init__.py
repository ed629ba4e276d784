"""Programs are told what happens, by Standard Webhooks (E-54, E-63, E-64).

    what happened → trigger, in the same transaction → webhook_events        (migration 0106)
    a change of contacts → contact_changes → collect                         (its feed, coalesced)
    webhook_rings → pulse → collect → a delivery for each endpoint → turns → mailer/web/outgoing → attempts

At least once: a delivery is settled when its answer is written down, and `webhook-id` is the same each time.
One turn an endpoint at a time, four requests in flight; a slow endpoint waits for itself alone.
Owns: webhook_*.
"""
