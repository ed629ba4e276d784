"""What is kept, and for how long: the only room that deletes by age (S6, S11, S12).

    policies ─▶ purge (totals first, then rows) ─▶ partitions: the emptied month is dropped
                closed_accounts, platform
    inactive: found ─▶ the account told ─▶ asked ─▶ deleted (B-27)

Contents 6 days, statistics 13 months to the day, a closed account 3 months. Deletes as `mailer_eraser`.
"""
