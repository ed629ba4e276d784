"""What arq runs for this room."""

from mailer.core.jobs import Job

JOBS: list[Job] = []
