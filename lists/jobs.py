"""What arq runs for this room."""

from lists import (
    departures_kept,
    jobs_duplicates,
    jobs_exports,
    jobs_fields,
    jobs_imports,
    jobs_rights,
    jobs_segments,
)
from mailer.core.jobs import Job

JOBS: list[Job] = [
    *jobs_imports.JOBS,
    *jobs_duplicates.JOBS,
    *jobs_exports.JOBS,
    *jobs_fields.JOBS,
    *departures_kept.JOBS,
    *jobs_segments.JOBS,
    *jobs_rights.JOBS,
]
