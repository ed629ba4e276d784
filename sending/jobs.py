"""What arq runs for this room."""

from lists import exports
from mailer.core import restores
from mailer.core.jobs import Job
from sending import (
    ab_runs,
    account_stops,
    campaign_segments,
    delivery_exports,
    domain_checks,
    doubts,
    holds,
    preparation,
    system_mail,
    test_mail,
    transactional,
    transactional_turns,
    turns,
)

JOBS: list[Job] = [
    Job("sending.prepare", preparation.prepare),
    Job("sending.send", turns.send),
    Job(ab_runs.JOB, ab_runs.look),
    Job(campaign_segments.JOB, campaign_segments.mark_segments),
    Job(transactional.JOB, transactional_turns.send, urgent=True),
    Job("sending.send_test", test_mail.send_test, urgent=True),
    Job("sending.send_system_mail", system_mail.send_system_mail, urgent=True),
    Job("sending.resolve_doubt", doubts.resolve),
    Job(exports.JOBS["deliveries"], delivery_exports.export),
    Job("sending.check_domain", domain_checks.check_domain),
    Job("sending.stop_account", account_stops.stop_account),
    Job(restores.FOLLOW, holds.follow),
]
