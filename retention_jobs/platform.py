"""What belongs to no account, or to people across them: system mail, sign-ins, the local inbox (A-007)."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from mailer.core.clock import months_before
from mailer.core.db import SharedTx
from retention_jobs.policies import CONTENT, LOG_MONTHS

_OUTBOX = "DELETE FROM outbox WHERE created_at <= $1"
_INBOX = "DELETE FROM inbox_mails WHERE received_at <= $1"
_STRAYS = "DELETE FROM stray_mails WHERE received_at <= $1"
_SIGN_INS = "DELETE FROM sign_ins WHERE at < $1"
_SESSIONS = "DELETE FROM sessions WHERE seen_at < $1"
_LINKS = "DELETE FROM one_time_links WHERE expires_at < $1"
_KEPT_FORMS = "DELETE FROM kept_forms WHERE expires_at < $1"
_MX = "DELETE FROM mx_domains WHERE looked_up_at < $1"
_PAUSES = "DELETE FROM provider_pauses WHERE until < $1"
_FORMER = "DELETE FROM former_people WHERE erased_at < $1"
_CERTIFICATES = "DELETE FROM account_certificates WHERE expires_at < $1"
_HELD = "DELETE FROM held_people WHERE expires_at < $1"
_UNCONFIRMED = """
    DELETE FROM users u
    WHERE u.email_confirmed_at IS NULL AND u.created_at < $1
      AND NOT EXISTS (SELECT 1 FROM memberships m WHERE m.user_id = u.id)
    """


async def purge(tx: SharedTx, now: datetime) -> Mapping[str, int]:
    """Deletes and notes; returns rows by rule."""
    rules: tuple[tuple[str, str, datetime], ...] = (
        ("system mail", _OUTBOX, now - CONTENT),
        ("local inbox", _INBOX, now - CONTENT),
        ("mails to the operator", _STRAYS, now - CONTENT),
        ("sign-ins", _SIGN_INS, months_before(now, LOG_MONTHS)),
        ("sessions", _SESSIONS, now - timedelta(days=1)),
        ("one-time links", _LINKS, now - timedelta(days=7)),
        ("kept forms", _KEPT_FORMS, now),
        ("mail servers of domains", _MX, now - timedelta(days=30)),
        ("pauses of providers", _PAUSES, now - timedelta(days=1)),
        ("people of erased accounts", _FORMER, months_before(now, LOG_MONTHS)),
        ("certificates of erasure", _CERTIFICATES, now),
        ("people held by law", _HELD, now),
        ("unconfirmed people", _UNCONFIRMED, now - timedelta(days=30)),
    )
    found = {}
    for name, sql, before in rules:
        found[name] = await tx.run(sql, before)
        await tx.run(
            """
            INSERT INTO retention_runs (rule, last_run_at, deleted)
            VALUES ($1, $2, $3)
            ON CONFLICT (rule) DO UPDATE
            SET last_run_at = excluded.last_run_at, deleted = retention_runs.deleted + excluded.deleted
            """,
            name,
            now,
            found[name],
        )
    return found


async def late_seconds(tx: SharedTx, now: datetime, *, allowed: timedelta) -> float:
    """How far the rule that ran longest ago is past what is allowed; 0 when all are on time."""
    oldest: datetime | None = await tx.value("SELECT min(last_run_at) FROM retention_runs")
    if oldest is None:
        return 0.0
    return max(0.0, (now - oldest - allowed).total_seconds())
