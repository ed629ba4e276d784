"""Who acts in a transaction, for the journal (B-60)."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Actor:
    """`kind` "job" is the platform itself, on work that somebody asked for earlier."""

    kind: Literal["user", "api_key", "recipient", "job", "operator"]
    id: int | None = None
    ip: str | None = None
    request_id: str = ""
    name: str = ""


JOB = Actor("job")
RECIPIENT = Actor("recipient")
