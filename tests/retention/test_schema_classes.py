"""The table of retention against the schema: nothing is stored of which nobody says how long (A-005, B-66)."""

import ast
import re
from datetime import UTC, datetime, timedelta

import pytest

from mailer.accounts import account_life
from mailer.core import backup_files, clock
from retention_jobs import classes, inactive, platform, purge
from retention_jobs.classes import CLASSES, OF_ACCOUNTS, OF_PLATFORM, class_of
from retention_jobs.classes_columns import COLUMNS
from retention_jobs.odd_ages import ACCOUNTS, PLATFORM
from tests.statements import ROOT

SCHEMA = ROOT / "mailer/schema.sql"
# a line a column, with its class: written by whoever adds the column
PINNED = ROOT / "tests/retention/classes_of_columns.txt"
# spans that are no retention: between two runs, before a deletion, of a transport
NO_PERIODS = {
    "retention_jobs/periods.py",
    "retention_jobs/event_rows.py",  # how much in a step
    "retention_jobs/policies.py",
    "retention_jobs/ages.py",
    "retention_jobs/verify.py",
    "retention_jobs/jobs.py",
    "retention_jobs/jobs_watch.py",
    "retention_jobs/jobs_backups.py",
    "retention_jobs/erased_again.py",
    "retention_jobs/closing_reminders.py",
    "retention_jobs/inactive.py",
    "retention_jobs/sunset.py",
    "retention_jobs/queue_keys.py",
}


def columns(schema: str) -> dict[str, list[str]]:
    """Of each table, read from the text of a schema."""
    return {
        table: re.findall(r"^    \"?([a-z_0-9]+)\"? (?:[a-z]+|\"char\")", body, re.M)
        for table, body in re.findall(r"^CREATE TABLE public\.(\w+) \((.*?)^\)", schema, re.M | re.S)
    }


def unclassed(schema: str) -> list[str]:
    """Tables without a class, and columns that a table of several classes does not name."""
    return [
        table if table not in COLUMNS else f"{table}.{column}"
        for table, names in columns(schema).items()
        for column in names
        if class_of(table, column) is None
    ]


@pytest.mark.req("A-003", "S12", "S13")
def test_what_a_dump_holds_of_content_in_plain_is_what_the_texts_name() -> None:
    """Privacy policy, agreement and operating.md say: subject and source of the author, addresses of tests."""
    plain = {
        f"{table}.{name}"
        for table, body in re.findall(
            r"^CREATE TABLE public\.(\w+) \((.*?)^\)", SCHEMA.read_text(), re.M | re.S
        )
        for name in re.findall(r"^    (\w+) (?:text|jsonb|character varying)", body, re.M)
        if class_of(table, name) == "content"
    }
    assert plain == {
        *(f"{table}.{name}" for table in ("campaigns", "ab_variants") for name in ("subject", "preheader")),
        *(f"{table}.source" for table in ("campaigns", "ab_variants", "draft_versions")),
        # words of ours, and what a server said of a test
        *("campaigns.content_kind", "ab_variants.content_kind", "draft_versions.kind"),
        *("test_sends.recipient", "test_sends.state", "test_sends.reply"),
    }


def pinned() -> dict[str, str]:
    """Column → class, as the list says."""
    return dict(line.split(maxsplit=1) for line in PINNED.read_text().splitlines())


def unpinned(schema: str, known: dict[str, str]) -> list[str]:
    """What to write into the list, and what to take out of it."""
    there = {
        f"{table}.{column}": class_of(table, column)
        for table, names in columns(schema).items()
        for column in names
    }
    return [
        *(
            f"{name} is new. Say how long it is kept: write it with the name of a class of"
            f" retention_jobs/classes.py into {PINNED.name}; in another class than the rest of its table"
            " (classes_columns.py) where that is right"
            for name in there
            if name not in known
        ),
        *(f"{name} is no more: take its line out of {PINNED.name}" for name in known if name not in there),
        *(
            f"{name}: {PINNED.name} says {known[name]!r}, the table of retention {kind!r}"
            for name, kind in there.items()
            if name in known and known[name] != kind
        ),
    ]


@pytest.mark.req("A-005")
def test_each_column_has_the_class_that_somebody_wrote_down_for_it() -> None:
    wrong = unpinned(SCHEMA.read_text(), pinned())
    assert not wrong, "\n".join(wrong)
    assert PINNED.read_text().splitlines() == [f"{name} {kind}" for name, kind in sorted(pinned().items())], (
        f"{PINNED.name}: one line a column, sorted, each once"
    )
    assert set(pinned().values()) <= set(CLASSES)


@pytest.mark.req("A-005")
@pytest.mark.parametrize("table", ["contacts", "users", "accounts", "messages"])
def test_a_new_column_inherits_no_class(table: str) -> None:
    head = f"CREATE TABLE public.{table} ("
    [message] = unpinned(SCHEMA.read_text().replace(head, f"{head}\n    shoe_size text,"), pinned())
    assert message.startswith(f"{table}.shoe_size is new. Say how long it is kept")


@pytest.mark.req("A-005")
def test_a_column_that_went_and_one_of_another_class_are_named() -> None:
    known = pinned() | {"contacts.shoe_size": "contacts", "contacts.email": "log"}
    gone, moved = unpinned(SCHEMA.read_text(), known)
    assert gone == "contacts.shoe_size is no more: take its line out of classes_of_columns.txt"
    assert moved.startswith("contacts.email: classes_of_columns.txt says 'log'")


@pytest.mark.req("A-005")
def test_every_table_and_column_has_a_class() -> None:
    schema = SCHEMA.read_text()
    assert len(columns(schema)) > 100
    assert "updated_at" in columns(schema)["contacts"]
    assert sorted(set(unclassed(schema))) == []


@pytest.mark.req("A-005")
def test_a_table_or_column_that_nobody_classed_is_named() -> None:
    new = "CREATE TABLE public.love_letters (\n    account_id bigint,\n    body text\n);\n"
    more = SCHEMA.read_text().replace(
        "CREATE TABLE public.messages (", "CREATE TABLE public.messages (\n    secret text,"
    )
    assert set(unclassed(new)) == {"love_letters"}
    assert set(unclassed(more)) == {"messages.secret"}


def test_the_table_names_what_there_is_and_each_thing_once() -> None:
    there = columns(SCHEMA.read_text())
    tables = [table for one in CLASSES.values() for table in one.tables.split()]
    assert sorted(tables) == sorted(set(tables))
    assert set(tables) & set(COLUMNS) == set()
    assert {*tables, *COLUMNS} == set(there)
    for table, named in COLUMNS.items():
        told = [column for names in named.values() for column in names.split()]
        assert sorted(told) == sorted(there[table]), table
        assert set(named) <= set(CLASSES)


def test_every_class_with_a_period_has_a_rule_and_every_rule_a_class() -> None:
    timed = {name for name, one in CLASSES.items() if one.period}
    assert {name for name in timed if not CLASSES[name].rule} == {"closed"}
    assert {one.rule for one in OF_ACCOUNTS.values() if one.rule} == {*purge.RULES, "inactive"}
    assert {one.rule for one in OF_PLATFORM.values() if one.rule} == set(platform.RULES)
    assert all(one.source for one in CLASSES.values())
    assert classes.period("inactive").months == inactive.INACTIVE_MONTHS


def test_every_class_with_a_rule_can_be_counted_again() -> None:
    counted = {name for name, one in CLASSES.items() if one.ages} | {*ACCOUNTS, *PLATFORM, "open_days"}
    # told 30 days before, asked where the account chose so: the row says its own day
    assert {name for name, one in CLASSES.items() if one.period} - counted == {"inactive"}


@pytest.mark.req("A-005")
def test_a_closed_account_is_gone_in_three_months_backups_included() -> None:
    closed = CLASSES["closed"]
    for n in range(4 * 366):
        at = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=n)
        erased = account_life.erased_when_closed(at)
        assert erased + backup_files.KEPT < clock.months_after(at, 3)
        assert erased - at > account_life.RETRIEVAL + timedelta(days=27)
        # what verify calls too old, to some days: months are of unlike length
        assert abs(closed.before(erased) - at) <= timedelta(days=3)


def test_no_period_stands_anywhere_else() -> None:
    wrong = []
    for path in sorted((ROOT / "retention_jobs").glob("*.py")):
        name = str(path.relative_to(ROOT))
        for node in ast.walk(ast.parse(path.read_text())):
            call = isinstance(node, ast.Call) and ast.unparse(node.func).endswith("timedelta")
            if call and name not in NO_PERIODS:
                wrong.append(f"{name}:{node.lineno}")
    assert wrong == []
