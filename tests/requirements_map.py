"""Which requirement which test proves: the marks of the tests beside the list in deploy/docs/requirements.md.

`make requirements` prints both; `make requirements FIX=1` brings the states in line with the marks (after a merge, say).
"""

import ast
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).parent.parent
LIST = ROOT / "deploy" / "docs" / "requirements.md"
TESTED, PLANNED, NOT_APPLICABLE = STATES = ("tested", "planned", "not applicable")
UNPROVEN = "no test cites it yet"
_ID = re.compile(r"^(?:[A-G]-\d{1,3}|S\d{1,2})$")
_ROW = re.compile(r"^\| (\S+) \| (.*?) \| (.*?) \|(?: (.*?))? ?\|$")


@dataclass(frozen=True, slots=True)
class Row:
    line: int
    id: str
    words: str
    state: str
    reason: str

    def written(self) -> str:
        return f"| {self.id} | {self.words} | {self.state} |{f' {self.reason}' if self.reason else ''} |"


def rows(text: str) -> list[Row]:
    """The lines of the tables whose first cell is an ID."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        match = _ROW.match(line)
        if match and _ID.match(match[1]):
            found.append(Row(number, match[1], match[2], match[3], match[4] or ""))
    return found


def cited(folder: Path) -> dict[str, list[str]]:
    """ID → where a test cites it, as file:line. Raises ValueError where a mark is no plain text."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("*.py")):
        if "node_modules" in path.parts:
            continue
        text = path.read_text()
        # most of the time goes into parsing
        for node in ast.walk(ast.parse(text)) if "mark.req" in text else ():
            if not (isinstance(node, ast.Call) and _is_mark(node.func)):
                continue
            place = f"{path.relative_to(folder.parent)}:{node.lineno}"
            for argument in node.args:
                if not (isinstance(argument, ast.Constant) and isinstance(argument.value, str)):
                    raise ValueError(f"{place}: IDs are written out in a mark")
                found.setdefault(argument.value, []).append(place)
    return found


def _is_mark(name: ast.expr) -> bool:
    match name:
        case ast.Attribute(value=ast.Attribute(attr="mark"), attr="req"):
            return True
    return False


def faults(
    known: list[Row], marks: Mapping[str, list[str]], name: str = "deploy/docs/requirements.md"
) -> list[str]:
    """What list and marks disagree on, each with the line to change."""
    found = []
    first: dict[str, Row] = {}
    for row in known:
        place = f"{name}:{row.line}: {row.id}"
        if row.id in first:
            found.append(f"{place} stands there twice (line {first[row.id].line}): delete one")
            continue
        first[row.id] = row
        if row.state not in STATES:
            found.append(f"{place} is “{row.state}”: write {', '.join(STATES)}")
        elif row.state == TESTED and row.id not in marks:
            found.append(f"{place} is “tested” and no test cites it: write “planned” and the reason")
        elif row.state != TESTED and row.id in marks:
            found.append(f"{place} is “{row.state}” and {marks[row.id][0]} cites it: write “tested”")
        elif row.state != TESTED and not row.reason:
            found.append(f"{place} is “{row.state}”: write the reason into its last column")
        if not row.words:
            found.append(f"{place} has no words")
    for identifier in sorted(set(marks) - set(first)):
        place = marks[identifier][0]
        found.append(f"{place} cites {identifier}, which is not in {name}: correct it, or add a line there")
    return found


def fixed(text: str, marks: Mapping[str, list[str]]) -> str:
    """The list with its states taken from the marks. Reasons stay."""
    lines = text.splitlines()
    for row in rows(text):
        new = row
        if row.id in marks and row.state != TESTED:
            new = replace(row, state=TESTED, reason="" if row.reason == UNPROVEN else row.reason)
        elif row.id not in marks and row.state not in (PLANNED, NOT_APPLICABLE):
            new = replace(row, state=PLANNED, reason=row.reason or UNPROVEN)
        lines[row.line - 1] = new.written()
    return "\n".join(lines) + "\n"


def main() -> int:
    marks = cited(ROOT / "tests")
    if os.environ.get("FIX"):
        LIST.write_text(fixed(LIST.read_text(), marks))
    known = rows(LIST.read_text())
    for row in known:
        if row.state == TESTED:
            places = marks.get(row.id, [])
            print(f"{row.id:6} {len(places):3}  {places[0] if places else '-'}")
    for state in (PLANNED, NOT_APPLICABLE):
        print(f"\n{state}")
        for row in known:
            if row.state == state:
                print(f"{row.id:6} {row.words} ({row.reason})")
    numbers = [sum(row.state == state for row in known) for state in STATES]
    print(
        f"\n{len(known)} requirements: "
        + ", ".join(f"{n} {state}" for n, state in zip(numbers, STATES, strict=True))
    )
    found = faults(known, marks)
    print("\n".join(found), file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
