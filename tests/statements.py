"""Every SQL statement of the product, read from its source: where it stands, what runs it, its text."""

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("mailer", "lists", "sending", "tracking", "retention_jobs")
# method → position of the SQL among its arguments
METHODS = {"one": 1, "first": 1, "many": 1, "rows": 0, "value": 0, "run": 0, "run_plain": 0}
# rooms' own functions may be called `run`, `first`…: only calls on a transaction count
RECEIVERS = re.compile(r"^(tx|shared|\w+_tx|tx\.shared\(\)|self\._?tx)$")
# the only SQL that is built at run time, with parameters, is tested by properties
BUILT = frozenset({"lists/segment_sql.py", "retention_jobs/ages.py"})
# run statements one after the other from a table of literals, under these names
LOOPED = re.compile(r"^(retention_jobs/(closed_accounts|platform|purge|odd_ages)|lists/archive_tables)\.py$")
LOOP_NAMES = ("sql", "statement")
VERBS = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b")


@dataclass(frozen=True, slots=True)
class Statement:
    path: str
    line: int
    method: str
    struct: str
    sql: str | None  # None: not a literal

    @property
    def place(self) -> str:
        return f"{self.path}:{self.line}"


def files() -> list[Path]:
    return sorted(
        path
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if "node_modules" not in path.parts
    )


def _constants(tree: ast.Module) -> dict[str, str]:
    """Literals with a name in upper case at the top of the module."""
    return {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _table(tree: ast.Module) -> list[tuple[int, str]]:
    """Every SQL literal that stands outside functions."""
    return [
        (node.lineno, node.value)
        for statement in tree.body
        if isinstance(statement, ast.Assign)
        for node in ast.walk(statement)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and VERBS.match(node.value)
    ]


def _literal(node: ast.expr, constants: dict[str, str]) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Name):
        return constants.get(node.id)
    return None


@cache
def statements() -> tuple[Statement, ...]:
    found = []
    for path in files():
        name = str(path.relative_to(ROOT))
        if name in BUILT or name == "mailer/core/db.py":
            continue
        tree = ast.parse(path.read_text())
        constants = _constants(tree)
        if LOOPED.match(name):
            found += [Statement(name, line, "run", "", sql) for line, sql in _table(tree)]
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            position = METHODS.get(node.func.attr)
            if position is None or not RECEIVERS.match(ast.unparse(node.func.value)):
                continue
            if len(node.args) <= position:
                continue
            argument = node.args[position]
            if LOOPED.match(name) and isinstance(argument, ast.Name) and argument.id in LOOP_NAMES:
                continue
            struct = ast.unparse(node.args[0]) if position else ""
            sql = _literal(argument, constants)
            found.append(Statement(name, node.lineno, node.func.attr, struct, sql))
    return tuple(found)


def without_comments(sql: str) -> str:
    return re.sub(r"--[^\n]*", "", sql)


def tables(sql: str) -> set[str]:
    """Names behind FROM, JOIN, INTO, UPDATE, USING, less the CTEs of the statement itself."""
    text = without_comments(sql)
    named = set(re.findall(r"\b(?:FROM|JOIN|INTO|UPDATE|USING)\s+(?:ONLY\s+)?([a-z_]+)\b(?!\s*\()", text))
    ctes = set(
        re.findall(
            r"(?:\bWITH\b|,)\s*(?:RECURSIVE\s+)?([a-z_]+)(?:\s*\([^)]*\))?\s+AS\s+(?:NOT\s+)?(?:MATERIALIZED\s+)?\(",
            text,
        )
    )
    return named - ctes


def written(sql: str) -> set[str]:
    """Tables that the statement changes."""
    text = without_comments(sql)
    inserted = re.findall(r"\bINSERT\s+INTO\s+([a-z_]+)", text)
    updated = re.findall(
        r"(?<!DO\s)(?<!FOR\s)(?<!NO KEY\s)\bUPDATE\s+([a-z_]+)\s+(?:AS\s+)?(?:[a-z_]+\s+)?SET\b", text
    )
    deleted = re.findall(r"\bDELETE\s+FROM\s+([a-z_]+)", text)
    return {*inserted, *updated, *deleted}
