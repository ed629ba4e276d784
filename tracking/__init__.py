"""What recipients did, for those who said yes to being measured.

    /t/c, /t/o ─▶ links ─▶ 302 or pixel          always, whatever fails behind it
         │
         └─▶ buffer ─▶ stream ─▶ flush (each second) ─▶ ingest ─▶ events ─▶ reports
                 └─ Redis away: spill, a file that is replayed

Owns: events. Hot path: one token, one cached target, one XADD. Nothing is acknowledged before its commit, and
an event's id and time are in its entry, so that a replay meets the key (S6, S21).
"""
