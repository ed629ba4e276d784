"""What recipients did, for those who said yes to being measured.

    /t/c, /t/o ─▶ links ─▶ 302 or pixel          always, whatever fails behind it
         │
         └─▶ buffer ─▶ stream ─▶ flush (each second) ─▶ ingest ─▶ events, counts ─▶ reports
                 └─ Redis away: spill, a file that is replayed    └─ window, verdicts: person or machine

Owns: events, event_counts, event_hours. Hot path: one token, one cached target, one XADD for all hits of a
moment. Nothing is acknowledged before its commit, and an event's id and time are in its entry, so that a
replay meets the key (S6, S21).
"""
