"""The phrases by which reports and answers are read: data/report_words.toml and data/answers.toml."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any


def report(name: str) -> re.Pattern[str]:
    """A table of data/report_words.toml as one expression."""
    return _reports()[name]


def answers(name: str) -> re.Pattern[str]:
    """A list of data/answers.toml, such as "away.subjects"."""
    return _answers()[name]


@cache
def _reports() -> Mapping[str, re.Pattern[str]]:
    return {
        name: _pattern(table["phrases"], table.get("start", ""), table.get("end", ""))
        for name, table in _read("report_words.toml").items()
    }


@cache
def _answers() -> Mapping[str, re.Pattern[str]]:
    return {
        f"{table}.{name}": _pattern(phrases)
        for table, lists in _read("answers.toml").items()
        for name, phrases in lists.items()
    }


def _pattern(phrases: list[str], start: str = "", end: str = "") -> re.Pattern[str]:
    return re.compile(f"{start}(?:{'|'.join(phrases)}){end}", re.IGNORECASE)


def _read(name: str) -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads(resources.files("sending").joinpath("data", name).read_text("utf-8"))
