"""What belongs to no account, or to people across them: system mail, sign-ins, the local inbox (A-007)."""

from collections.abc import Mapping
from datetime import datetime

from mailer.core.db import SharedTx
from retention_jobs.classes import OF_PLATFORM

_OUTBOX = "DELETE FROM outbox WHERE created_at <= $1"
_INBOX = "DELETE FROM inbox_mails WHERE received_at <= $1"
_STRAYS = "DELETE FROM stray_mails WHERE received_at <= $1"
_SIGN_INS = "DELETE FROM sign_ins WHERE at < $1"
_SESSIONS = "DELETE FROM sessions WHERE seen_at < $1"
_LINKS = "DELETE FROM one_time_links WHERE expires_at < $1"
_SIGN_IN_STEPS = "DELETE FROM sign_in_steps WHERE expires_at < $1"
_INVITATIONS = "DELETE FROM invitations WHERE expires_at < $1"
_KEPT_FORMS = "DELETE FROM kept_forms WHERE expires_at < $1"
_MX = "DELETE FROM mx_domains WHERE looked_up_at < $1"
_PAUSES = "DELETE FROM provider_pauses WHERE until < $1"
_ERASURES = "DELETE FROM erasure_journal WHERE at < $1"
# one month longer than the lines of the journal that name them
_ACCESSES = "DELETE FROM staff_accesses WHERE asked_at < $1"
_BREACHES = "DELETE FROM breaches WHERE closed_at < $1"
# a ban may outlast it: whom it keeps in the dark is told first
_REQUESTS = """
    DELETE FROM authority_requests r
    WHERE r.answered_at < $1
      AND (r.told_at IS NOT NULL OR r.silent_until IS NULL
           OR NOT EXISTS (SELECT FROM accounts a WHERE a.id = r.account_id))
    """
_FORMER = "DELETE FROM former_people WHERE erased_at < $1"
_CERTIFICATES = "DELETE FROM account_certificates WHERE expires_at < $1"
_HELD = "DELETE FROM held_people WHERE expires_at < $1"
_UNCONFIRMED = """
    DELETE FROM users u
    WHERE u.email_confirmed_at IS NULL AND u.created_at < $1
      AND NOT EXISTS (SELECT 1 FROM memberships m WHERE m.user_id = u.id)
    """
# removed from their last team: neither an erased account nor a sign-up takes them along
_WITHOUT_ACCOUNT = """
    DELETE FROM users u
    WHERE u.email_confirmed_at IS NOT NULL AND u.created_at < $1 AND NOT u.is_operator
      AND NOT EXISTS (SELECT FROM memberships m WHERE m.user_id = u.id)
      AND NOT EXISTS (SELECT FROM sign_ins s WHERE s.user_id = u.id AND s.succeeded AND s.at >= $1)
    """
RULES: Mapping[str, str] = {
    "system mail": _OUTBOX,
    "local inbox": _INBOX,
    "mails to the operator": _STRAYS,
    "sign-ins": _SIGN_INS,
    "sessions": _SESSIONS,
    "one-time links": _LINKS,
    "codes awaited": _SIGN_IN_STEPS,
    "invitations": _INVITATIONS,
    "kept forms": _KEPT_FORMS,
    "people of erased accounts": _FORMER,
    "certificates of erasure": _CERTIFICATES,
    "people held by law": _HELD,
    "mail servers of domains": _MX,
    "pauses of providers": _PAUSES,
    "journal of erasures": _ERASURES,
    "accesses of the operator": _ACCESSES,
    "register of breaches": _BREACHES,
    "register of authorities' requests": _REQUESTS,
    "unconfirmed people": _UNCONFIRMED,
    "people without an account": _WITHOUT_ACCOUNT,
}


async def purge(tx: SharedTx, now: datetime) -> Mapping[str, int]:
    """Deletes and notes; returns rows by rule."""
    found = {}
    for name, sql in RULES.items():
        found[name] = await tx.run(sql, OF_PLATFORM[name].before(now))
        await tx.run(
            """
            INSERT INTO retention_runs (rule, last_run_at, deleted, unproven)
            VALUES ($1, $2, $3, $3)
            ON CONFLICT (rule) DO UPDATE
            SET last_run_at = excluded.last_run_at, deleted = retention_runs.deleted + excluded.deleted,
                unproven = retention_runs.unproven + excluded.unproven
            """,
            name,
            now,
            found[name],
        )
    return found
