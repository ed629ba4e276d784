"""From campaign to SMTP.

    campaigns → revisions, audience → claims → render → message → smtp → outcomes

A delivery's states (S1); migration 0075 lets the database refuse every other step:

    queued ──claim──▶ claimed ──▶ handing ──▶ delivered | bounced(hard|soft|block) | failed | in_doubt
       ▲  ▲              │           │ 4xx                                                      │
       │  └─lease ended──┘           └──▶ queued with next_at (shown as "deferred")             │
       │                                                  a late reply, an open or a person: ───┘
       └ skipped(reason) and cancelled are reached from queued or claimed, failed(render|address) from claimed

At most once: a delivery whose reply was lost is in doubt and not sent again by itself.
"""
