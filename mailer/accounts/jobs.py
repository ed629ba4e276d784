"""What the workers run for this room."""

from mailer.accounts import account_breaches, authority_requests, breach_jobs, breaches
from mailer.core.jobs import Job

JOBS: list[Job] = [
    Job(breaches.COUNT, breach_jobs.count),
    Job(breaches.TELL, breach_jobs.tell, urgent=True),
    Job(breaches.REMIND, breach_jobs.remind),
    Job(account_breaches.REMIND, breach_jobs.remind_own),
    Job(authority_requests.TELL, authority_requests.tell_late),
]
