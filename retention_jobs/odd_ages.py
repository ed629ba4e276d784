"""Ages that no single column tells: by class, statements that look the oldest up and count what is over.

`overdue`: $2 (on the platform $1) is the boundary, the next how far to count. Each says the same as the rule
that deletes, so that nothing is called late which the rule rightly leaves. With `held`, the one behind it is
the moment from which no law may have held the row.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Odd:
    oldest: str
    overdue: str
    held: bool = False


_CAMPAIGNS = Odd(
    """
    SELECT min(coalesce(finished_at, updated_at))
    FROM campaigns
    WHERE account_id = $1 AND content_erased_at IS NULL AND status IN ('sent', 'cancelled')
    """,
    """
    SELECT count(*)::int
    FROM (
        SELECT
        FROM campaigns c
        WHERE c.account_id = $1 AND c.content_erased_at IS NULL
          AND c.status IN ('sent', 'cancelled') AND coalesce(c.finished_at, c.updated_at) < $2
          AND NOT EXISTS (
              SELECT FROM deliveries d
              WHERE d.account_id = $1 AND d.campaign_id = c.id
                AND (d.final_at >= $2 OR d.status IN ('queued', 'claimed', 'handing')))
        LIMIT $3
    ) found
    """,
)
_REVISIONS = Odd(
    """
    SELECT min(r.created_at)
    FROM revisions r
    JOIN campaigns c ON c.account_id = $1 AND c.id = r.campaign_id
    WHERE r.account_id = $1 AND c.content_erased_at IS NOT NULL
    """,
    """
    SELECT count(*)::int
    FROM (
        SELECT
        FROM revisions r
        JOIN campaigns c ON c.account_id = $1 AND c.id = r.campaign_id
        WHERE r.account_id = $1 AND c.content_erased_at IS NOT NULL AND r.created_at < $2
        LIMIT $3
    ) found
    """,
)
_CONTENT_LEFT = Odd(
    """
    SELECT min(content_erased_at - interval '6 days')
    FROM campaigns
    WHERE account_id = $1 AND content_erased_at IS NOT NULL
      AND (subject <> '' OR preheader <> '' OR source <> '' OR content_kind <> 'none')
    """,
    """
    SELECT count(*)::int
    FROM (
        SELECT
        FROM campaigns
        WHERE account_id = $1 AND content_erased_at - interval '6 days' < $2
          AND (subject <> '' OR preheader <> '' OR source <> '' OR content_kind <> 'none')
        LIMIT $3
    ) found
    """,
)
_VARIANTS_LEFT = Odd(
    """
    SELECT min(c.content_erased_at - interval '6 days')
    FROM ab_variants v
    JOIN campaigns c ON c.account_id = $1 AND c.id = v.campaign_id
    WHERE v.account_id = $1 AND c.content_erased_at IS NOT NULL
      AND (v.subject <> '' OR v.preheader <> '' OR v.source <> '' OR v.content_kind <> 'none')
    """,
    """
    SELECT count(*)::int
    FROM (
        SELECT
        FROM ab_variants v
        JOIN campaigns c ON c.account_id = $1 AND c.id = v.campaign_id
        WHERE v.account_id = $1 AND c.content_erased_at - interval '6 days' < $2
          AND (v.subject <> '' OR v.preheader <> '' OR v.source <> '' OR v.content_kind <> 'none')
        LIMIT $3
    ) found
    """,
)


def left(table: str, said: str, period: str) -> Odd:
    """Rows of campaigns that say they have none any more, in `said`: over since then, whenever they began.

    Steps from campaign to campaign through the index, however many rows each has; those that have some are
    the ones that are not over.
    """
    walk = f"""
        WITH RECURSIVE walk AS (
            (SELECT campaign_id FROM {table}
             WHERE account_id = $1 AND campaign_id > 0 ORDER BY campaign_id LIMIT 1)
            UNION ALL
            SELECT (SELECT t.campaign_id FROM {table} t
                    WHERE t.account_id = $1 AND t.campaign_id > w.campaign_id
                    ORDER BY t.campaign_id LIMIT 1)
            FROM walk w
            WHERE w.campaign_id IS NOT NULL
        ), over AS (
            SELECT (SELECT c.{said} FROM campaigns c WHERE c.account_id = $1 AND c.id = w.campaign_id)
                   - interval '{period}' AS at
            FROM walk w
        )
    """
    return Odd(
        f"{walk} SELECT min(at) FROM over",
        f"{walk} SELECT count(*)::int FROM (SELECT FROM over WHERE at < $2 LIMIT $3) found",
    )


_OF_CONTENT = tuple(
    left(table, "content_erased_at", "6 days") for table in ("draft_versions", "segment_members")
)
_OF_EVENTS = tuple(
    left(table, "details_erased_at", "13 months") for table in ("event_counts", "event_hours", "open_counts")
)
_OF_DELIVERIES = tuple(
    left(table, "details_erased_at", "13 months") for table in ("campaign_figures", "evidence")
)
# a key's day is that of the sealing, never after the last attempt: few rows hold one
_MESSAGES = Odd(
    """
    SELECT final_at
    FROM messages
    WHERE account_id = $1 AND key_day IS NOT NULL AND final_at IS NOT NULL
    ORDER BY key_day
    LIMIT 1
    """,
    """
    SELECT count(*)::int
    FROM (
        SELECT
        FROM messages
        WHERE account_id = $1 AND key_day <= ($2::timestamptz AT TIME ZONE 'UTC')::date AND final_at < $2
          AND NOT held(contact_id, $4)
        LIMIT $3
    ) found
    """,
    held=True,
)
# a key that seals nothing any more opens what a backup holds
_KEYS = Odd(
    "SELECT day FROM content_keys WHERE account_id = $1 ORDER BY day LIMIT 1",
    """
    SELECT count(*)::int
    FROM (
        SELECT
        FROM content_keys k
        WHERE k.account_id = $1 AND k.day < ($2::timestamptz AT TIME ZONE 'UTC')::date
          AND NOT EXISTS (SELECT FROM revisions r WHERE r.account_id = $1 AND r.key_day = k.day)
          AND NOT EXISTS (SELECT FROM messages m WHERE m.account_id = $1 AND m.key_day = k.day)
          AND NOT EXISTS (SELECT FROM inbound_mails i WHERE i.account_id = $1 AND i.key_day = k.day)
        LIMIT $3
    ) found
    """,
)
_STAGED = Odd(
    """
    SELECT min(i.created_at)
    FROM imports i
    WHERE i.account_id = $1
      AND (EXISTS (SELECT FROM import_parts p WHERE p.account_id = $1 AND p.import_id = i.id)
           OR EXISTS (SELECT FROM import_rejects p WHERE p.account_id = $1 AND p.import_id = i.id)
           OR EXISTS (SELECT FROM import_opt_outs p WHERE p.account_id = $1 AND p.import_id = i.id))
    """,
    """
    SELECT count(*)::int
    FROM (
        SELECT
        FROM imports i
        WHERE i.account_id = $1 AND i.created_at < $2
          AND (EXISTS (SELECT FROM import_parts p WHERE p.account_id = $1 AND p.import_id = i.id)
               OR EXISTS (SELECT FROM import_rejects p WHERE p.account_id = $1 AND p.import_id = i.id)
               OR EXISTS (SELECT FROM import_opt_outs p WHERE p.account_id = $1 AND p.import_id = i.id))
        LIMIT $3
    ) found
    """,
)
_UNDO = Odd(
    """
    SELECT min(i.finished_at)
    FROM imports i
    WHERE i.account_id = $1 AND i.state <> 'undoing'
      AND (EXISTS (SELECT FROM import_changes p WHERE p.account_id = $1 AND p.import_id = i.id)
           OR EXISTS (SELECT FROM import_removals p WHERE p.account_id = $1 AND p.import_id = i.id)
           OR EXISTS (SELECT FROM import_values p WHERE p.account_id = $1 AND p.import_id = i.id))
    """,
    """
    SELECT count(*)::int
    FROM (
        SELECT
        FROM imports i
        WHERE i.account_id = $1 AND i.finished_at < $2 AND i.state <> 'undoing'
          AND (EXISTS (SELECT FROM import_changes p WHERE p.account_id = $1 AND p.import_id = i.id)
               OR EXISTS (SELECT FROM import_removals p WHERE p.account_id = $1 AND p.import_id = i.id)
               OR EXISTS (SELECT FROM import_values p WHERE p.account_id = $1 AND p.import_id = i.id))
        LIMIT $3
    ) found
    """,
)
# written in the order of transactions, and deleted in it
_CHANGES = Odd(
    "SELECT at FROM contact_changes WHERE account_id = $1 ORDER BY xid, id LIMIT 1",
    """
    SELECT count(*)::int
    FROM (SELECT at FROM contact_changes WHERE account_id = $1 ORDER BY xid, id LIMIT $3) found
    WHERE at < $2
    """,
)
_PEOPLE = Odd(
    """
    SELECT min(u.created_at)
    FROM users u
    WHERE u.email_confirmed_at IS NULL
      AND NOT EXISTS (SELECT FROM memberships m WHERE m.user_id = u.id)
    """,
    """
    SELECT count(*)::int
    FROM (
        SELECT
        FROM users u
        WHERE u.email_confirmed_at IS NULL AND u.created_at < $1
          AND NOT EXISTS (SELECT FROM memberships m WHERE m.user_id = u.id)
        LIMIT $2
    ) found
    """,
)
# operators belong to no account, and stay
_WITHOUT_ACCOUNT = Odd(
    """
    SELECT min(greatest(u.created_at, s.at))
    FROM users u
    LEFT JOIN LATERAL (SELECT max(at) AS at FROM sign_ins WHERE user_id = u.id AND succeeded) s ON true
    WHERE u.email_confirmed_at IS NOT NULL AND NOT u.is_operator
      AND NOT EXISTS (SELECT FROM memberships m WHERE m.user_id = u.id)
    """,
    """
    SELECT count(*)::int
    FROM (
        SELECT
        FROM users u
        WHERE u.email_confirmed_at IS NOT NULL AND u.created_at < $1 AND NOT u.is_operator
          AND NOT EXISTS (SELECT FROM memberships m WHERE m.user_id = u.id)
          AND NOT EXISTS (SELECT FROM sign_ins s WHERE s.user_id = u.id AND s.succeeded AND s.at >= $1)
        LIMIT $2
    ) found
    """,
)
# the day that the owner was told may be some days later: months are of unlike length
_CLOSED = Odd(
    "SELECT min(closed_at) FROM accounts WHERE status = 'closed' AND erase_at IS NOT NULL",
    """
    SELECT count(*)::int
    FROM (
        SELECT
        FROM accounts
        WHERE status = 'closed' AND closed_at < $1 AND erase_at < $3
          AND (held_until IS NULL OR held_until < $3)
        LIMIT $2
    ) found
    """,
    held=True,
)

BY_TIME: Mapping[str, tuple[Odd, ...]] = {
    "content": (_CAMPAIGNS, _REVISIONS, _MESSAGES, _KEYS),
    "files": (_STAGED,),
    "undo": (_UNDO,),
    "changes": (_CHANGES,),
}
# a step for each campaign there ever was: whoever verifies takes them, a run does not look behind itself
BEHIND: Mapping[str, tuple[Odd, ...]] = {
    "content": (_CONTENT_LEFT, _VARIANTS_LEFT, *_OF_CONTENT),
    "events": _OF_EVENTS,
    "deliveries": _OF_DELIVERIES,
}
ACCOUNTS = {name: BY_TIME.get(name, ()) + BEHIND.get(name, ()) for name in (*BY_TIME, *BEHIND)}
PLATFORM: Mapping[str, tuple[Odd, ...]] = {
    "unconfirmed people": (_PEOPLE,),
    "people without an account": (_WITHOUT_ACCOUNT,),
    "closed": (_CLOSED,),
}
