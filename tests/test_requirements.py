"""The list of requirements says what is so: it is compared with the marks of the tests."""

from pathlib import Path

import pytest

from tests.requirements_map import LIST, ROOT, UNPROVEN, Row, cited, faults, fixed, rows

HEAD = "| ID | What | State | Reason |\n|---|---|---|---|\n"


def test_list_and_marks_agree() -> None:
    found = faults(rows(LIST.read_text()), cited(ROOT / "tests"))
    assert not found, "\n".join([*found, "`make requirements FIX=1` writes the states anew"])


def test_every_family_of_requirements_is_listed() -> None:
    known = {row.id[0] for row in rows(LIST.read_text())}
    assert known == set("ABCDEFGS")
    # a line that is misspelt would be overlooked in silence
    text = LIST.read_text().splitlines()
    lines = [line for line in text if line.startswith("| ") and not line.startswith("| ID ")]
    assert len(lines) == len(rows(LIST.read_text()))


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("| A-001 | six days | tested | |\n| A-001 | again | tested | |\n", "stands there twice (line 3)"),
        ("| A-001 | six days | done | |\n", "is “done”: write tested"),
        ("| A-001 | six days | planned | later |\n", "and tests/test_a.py:1 cites it: write “tested”"),
        ("| A-001 | six days | tested | |\n| A-002 | gone | tested | |\n", "A-002 is “tested” and no test"),
        ("| A-001 | six days | tested | |\n| A-002 | gone | planned | |\n", "write the reason into its last"),
        ("| A-002 | gone | planned | later |\n", "tests/test_a.py:1 cites A-001, which is not in"),
    ],
)
def test_each_disagreement_names_the_line_to_change(table: str, said: str) -> None:
    found = faults(rows(HEAD + table), {"A-001": ["tests/test_a.py:1"]})
    assert len(found) == 1
    assert said in found[0]


def test_states_are_written_anew_from_the_marks_and_reasons_stay() -> None:
    table = (
        "# Kept\n"
        + HEAD
        + "| A-001 | six days | planned | no test cites it yet |\n"
        + "| A-002 | gone | planned | its own words |\n"
        + "| A-003 | backups | tested | |\n"
        + "| A-004 | months | not applicable | no months here |\n"
    )
    new = fixed(table, {"A-001": ["x"], "A-002": ["x"]})
    assert new.startswith("# Kept\n")
    assert rows(new) == [
        Row(4, "A-001", "six days", "tested", ""),
        Row(5, "A-002", "gone", "tested", "its own words"),
        Row(6, "A-003", "backups", "planned", UNPROVEN),
        Row(7, "A-004", "months", "not applicable", "no months here"),
    ]
    assert fixed(new, {"A-001": ["x"], "A-002": ["x"]}) == new


def test_marks_of_functions_modules_and_cases_all_count(tmp_path: Path) -> None:
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "test_a.py").write_text(
        "import pytest\n"
        'pytestmark = [pytest.mark.req("A-001"), pytest.mark.long]\n'
        '@pytest.mark.req("A-002", "S12")\n'
        "def test_a(): ...\n"
        'CASES = [pytest.param(1, marks=pytest.mark.req("A-003"))]\n'
    )
    places = {"A-001": "2", "A-002": "3", "S12": "3", "A-003": "5"}
    assert cited(folder) == {key: [f"tests/test_a.py:{line}"] for key, line in places.items()}
    (folder / "test_b.py").write_text("import pytest\nA = 'A-001'\npytestmark = pytest.mark.req(A)\n")
    with pytest.raises(ValueError, match=r"test_b\.py:3: IDs are written out"):
        cited(folder)
