"""Tenants and people: accounts, sign-in, who may do what, the agreement, keys, the journal.

pages_entry ─▶ sign_ins, passwords ─▶ sessions      programs: api_keys
every other room asks `access`: account_tx(request, role) is the way into an account
"""
