"""What the doctor says: one finding, its mark, and what to do."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Mark(StrEnum):
    OK = "OK"
    LOOK = "TO LOOK AT"
    WRONG = "WRONG"


@dataclass(frozen=True, slots=True)
class Finding:
    """`remedy` is "" where nothing has to be done."""

    mark: Mark
    subject: str
    text: str
    remedy: str = ""


def ok(subject: str, text: str) -> Finding:
    return Finding(Mark.OK, subject, text)


def look(subject: str, text: str, remedy: str) -> Finding:
    return Finding(Mark.LOOK, subject, text, remedy)


def wrong(subject: str, text: str, remedy: str) -> Finding:
    return Finding(Mark.WRONG, subject, text, remedy)


def report(findings: Iterable[Finding]) -> str:
    """One line each, the remedy under it, a sentence at the end."""
    shown = list(findings)
    lines = []
    for finding in shown:
        lines.append(f"{finding.mark:<11} {finding.subject}: {finding.text}")
        if finding.remedy:
            lines.append(f"{'':<11} → {finding.remedy}")
    bad = sum(finding.mark is Mark.WRONG for finding in shown)
    doubtful = sum(finding.mark is Mark.LOOK for finding in shown)
    if not bad and not doubtful:
        lines.append("\nEverything is in order.")
    else:
        lines.append(f"\n{bad} wrong, {doubtful} to look at.")
    return "\n".join(lines)
