"""From campaign to SMTP.

    campaigns ─▶ sends ─▶ preparation ─▶ turns ──────────────────────────────▶ outcomes ◀─ doubts
                             │            claims ─▶ personal ─▶ signing ─▶ route        └▶ evidence: pause
                  revisions, audience     (lane_pace)  │        (dkim)     smtp, handover, wire
                                                 render, shapes, bodies, message

    inbound_server ─▶ inbound ─▶ inbound_reading ─▶ feedback_mail ─▶ feedback_effects     what comes back

    states of a delivery (S1, kept by the database):
    queued ─▶ claimed ─▶ handing ─▶ delivered | bounced | failed | in_doubt
       ▲         │          │ 4xx          skipped and cancelled: from queued or claimed
       └─────────┴──────────┘              delivered to bounced: by a report that comes later

What a campaign is made of: campaigns, campaign_lists, campaign_segments, letter, content (mjml_*, inert,
merge*, links_in_mail, utm, plain_text), designs, images. What is looked at before it leaves: campaign_checks,
the *_checks, preview, test_sends, seeds. Who it comes from: senders, domains (dkim_keys, domain_*, dmarc,
spf, relay_proof), servers, fence. How fast: pace, profiles, mx, warm_ups, quotas, limiter. What is compared
before the rest leaves: ab_*. A program's mails: transactional*.

At most 64 rows of a worker are in hand-over (slots): the bound of doubt per kill. A turn lasts 30 s, gives
way to others after 3 s, and is fenced by the work table. No transaction is open while a mail is on its way.
"""
