"""What arq runs for this room."""

from mailer.core import restores
from mailer.core.jobs import Job
from sending import account_stops, doubts, holds, preparation, system_mail, test_mail, turns

JOBS: list[Job] = [
    Job("sending.prepare", preparation.prepare),
    Job("sending.send", turns.send),
    Job("sending.send_test", test_mail.send_test),
    Job("sending.send_system_mail", system_mail.send_system_mail),
    Job("sending.resolve_doubt", doubts.resolve),
    Job("sending.stop_account", account_stops.stop_account),
    Job(restores.FOLLOW, holds.follow),
]
