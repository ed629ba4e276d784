"""The ground floor: knows no page, no contact, no campaign.

settings ─▶ services (db, redis, sealer, tokens) ─▶ db: AccountTx inside one account, SharedTx beside them
work: what is to be done, in PostgreSQL ─▶ jobs: one turn under a lease
"""
