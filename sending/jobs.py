"""What arq runs for this room."""

from datetime import timedelta

from lists import exports
from mailer.core import restores
from mailer.core.jobs import Job
from sending import (
    ab_runs,
    account_stops,
    automation_turns,
    automations,
    campaign_segments,
    consent_requests,
    delivery_exports,
    domain_checks,
    doubts,
    editions,
    holds,
    inbound,
    inbound_reading,
    inbound_strays,
    mailbox_polls,
    operator_mailbox,
    preparation,
    recurrences,
    report_mailboxes,
    system_mail,
    test_mail,
    thumbnail_queue,
    thumbnails,
    transactional,
    transactional_turns,
    turns,
)

JOBS: list[Job] = [
    Job("sending.prepare", preparation.prepare),
    Job("sending.send", turns.send),
    Job(recurrences.JOB, editions.make),
    Job(automations.JOB, automation_turns.advance),
    Job("sending.ring_automations", automation_turns.pulse, every=timedelta(seconds=2)),
    Job(ab_runs.JOB, ab_runs.look),
    Job(campaign_segments.JOB, campaign_segments.mark_segments),
    Job(transactional.JOB, transactional_turns.send, urgent=True),
    Job("sending.send_test", test_mail.send_test, urgent=True),
    Job("sending.send_system_mail", system_mail.send_system_mail, urgent=True),
    Job("sending.resolve_doubt", doubts.resolve),
    Job(exports.JOBS["deliveries"], delivery_exports.export),
    Job(consent_requests.JOB, consent_requests.note),
    Job(thumbnail_queue.JOB, thumbnails.draw_designs),
    Job("sending.check_domain", domain_checks.check_domain),
    Job("sending.stop_account", account_stops.stop_account),
    Job(inbound.READ, inbound_reading.read),
    Job(inbound.READ_STRAYS, inbound_strays.read),
    Job(report_mailboxes.JOB, mailbox_polls.poll),
    Job(operator_mailbox.JOB, mailbox_polls.poll_operators),
    Job(restores.FOLLOW, holds.follow),
]
