"""`mailer bounce explain`: what mails that came back say of whom, without a database or settings.

Exit status: 0 when every file was read, whatever it said; 1 when one could not be.
"""

import argparse
import dataclasses
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from sending import feedback_mail
from sending.feedback import Finding, Kind, Reason
from sending.feedback_parts import LARGEST

_NEXT_MAIL = re.compile(rb"From \S+ .*\d\d:\d\d")  # of an mbox (RFC 4155)
_MEANS = {
    Kind.HARD: "bounced for good, the address does not work",
    Kind.SOFT: "bounced this time, says nothing of the next",
    Kind.BLOCK: "refused: the sender or the mail, not the address",
    Kind.COMPLAINT: "the recipient complained",
    Kind.AUTO_REPLY: "an automatic answer, no bounce",
    Kind.UNSUBSCRIBE: "the recipient wants to leave",
    Kind.UNKNOWN: "not a report that can be read",
}
_LATE = "late and still on its way, no bounce yet"


def run(args: argparse.Namespace) -> int:
    failed = 0
    for name in args.files:
        try:
            for label, raw in _mails(name):
                found = feedback_mail.explain(raw)
                print(json.dumps(_document(label, found)) if args.json else _table(label, found))
        except BrokenPipeError:
            return 0
        except OSError as error:
            failed = 1
            print(f"mailer: {name}: {error.strerror or error}", file=sys.stderr)
    return failed


def _mails(name: str) -> Iterator[tuple[str, bytes]]:
    if name == "-":
        yield from _in_stream(name, sys.stdin.buffer)
        return
    path = Path(name)
    for file in _files(path):
        with file.open("rb") as stream:
            yield from _in_stream(str(file), stream)


def _files(path: Path) -> list[Path]:
    """A folder's mails: of a Maildir those in new and cur, else every file."""
    if not path.is_dir():
        return [path]
    folders = [path / part for part in ("new", "cur") if (path / part).is_dir()] or [path]
    return sorted(file for folder in folders for file in folder.iterdir() if file.is_file())


def _in_stream(label: str, stream: BinaryIO) -> Iterator[tuple[str, bytes]]:
    """One mail, or those of an mbox; never more of one than is looked at."""
    start = stream.read(5)
    if start != b"From ":
        yield label, start + stream.read(LARGEST)
        return
    pieces, size, n, blank = [start + stream.readline()], 0, 1, False
    for line in stream:
        if blank and _NEXT_MAIL.match(line):
            yield (label if n == 1 else f"{label}#{n}"), b"".join(pieces)
            pieces, size, n = [], 0, n + 1
        blank = not line.strip()
        if size < LARGEST:
            pieces.append(line[:LARGEST])
            size += len(line)
    yield (label if n == 1 else f"{label}#{n}"), b"".join(pieces)


def _document(label: str, found: Sequence[Finding]) -> dict[str, Any]:
    findings = [
        {**dataclasses.asdict(one), "codes": {"smtp": one.code, "enhanced": one.enhanced}} for one in found
    ]
    return {"file": label, **findings[0], "findings": findings}


def _table(label: str, found: Sequence[Finding]) -> str:
    lines = [label]
    for one in found:
        codes = " ".join(part for part in (str(one.code or ""), one.enhanced) if part) or "no code"
        meaning = _meaning(one)
        lines.append(f"  {one.recipient or '(recipient not told)'}")
        rows = (
            ("kind", f"{one.kind} - {meaning}"),
            ("reason", one.reason),
            ("codes", codes),
            ("rule", one.rule),
            ("text", _printable(one.text)[:200]),
        )
        lines += [f"    {name:8} {value}" for name, value in rows if value]
    return "\n".join(lines) + "\n"


def _meaning(one: Finding) -> str:
    if not one.final:
        return _LATE
    return "delivered" if one.reason is Reason.DELIVERED else _MEANS[one.kind]


def _printable(text: str) -> str:
    """Nothing that moves a terminal's cursor: the text is a stranger's."""
    return "".join(character if character.isprintable() else " " for character in text)
