"""Once a year the owners are asked to look at their team."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from mailer.accounts.team import REVIEW_MONTHS
from mailer.core import clock, jobs, outbox
from mailer.core.jobs import Job
from mailer.core.services import Services
from mailer.core.work import Task

_PERIOD = timedelta(hours=6)
_STEP = 100


@dataclass(frozen=True, slots=True)
class _Owner:
    account_id: int
    account: str
    email: str
    language: str
    first_name: str
    people: int


async def remind_of_teams(services: Services, _: Task) -> datetime:
    """Each account once a year, when it has more than one person."""
    while True:
        now = clock.now()
        async with services.db.shared() as tx:
            rows = await tx.rows(
                """
                UPDATE accounts SET team_reminded_at = $2
                WHERE id IN (SELECT a.id FROM accounts a
                             WHERE a.team_reviewed_at <= $1 AND a.status IN ('active', 'suspended')
                               AND (a.team_reminded_at IS NULL OR a.team_reminded_at <= $1)
                               AND (SELECT count(*) > 1 FROM memberships m WHERE m.account_id = a.id)
                             LIMIT $3
                             FOR UPDATE OF a SKIP LOCKED)
                RETURNING id
                """,
                clock.months_before(now, REVIEW_MONTHS),
                now,
                _STEP,
            )
            owners = await tx.many(
                _Owner,
                """
                SELECT a.id AS account_id, a.name AS account, u.email, u.language, u.first_name,
                       (SELECT count(*)::int FROM memberships p WHERE p.account_id = a.id) AS people
                FROM accounts a
                JOIN memberships m ON m.account_id = a.id AND m.role = 'owner'
                JOIN users u ON u.id = m.user_id
                WHERE a.id = ANY ($1::bigint[]) AND NOT u.disabled
                """,
                [account_id for (account_id,) in rows],
            )
            for owner in owners:
                link = f"{services.settings.public_url}/app/{owner.account_id}/team"
                await outbox.write(
                    tx,
                    "team_review",
                    owner.email,
                    language=owner.language,
                    details={
                        "name": owner.first_name,
                        "account": owner.account,
                        "people": owner.people,
                        "link": link,
                    },
                )
        if len(rows) < _STEP:
            return jobs.in_(seconds=_PERIOD.total_seconds())


JOBS: list[Job] = [Job("accounts.remind_of_teams", remind_of_teams, every=_PERIOD)]
