"""What the workers run of this room."""

from datetime import timedelta

from mailer.core.jobs import Job
from mailer.webhooks import collect, turns

JOBS: list[Job] = [
    Job(collect.PULSE, collect.pulse, every=timedelta(seconds=collect.PULSE_SECONDS)),
    Job(collect.COLLECT, collect.collect),
    Job(turns.SEND, turns.send, waits=True),
]
