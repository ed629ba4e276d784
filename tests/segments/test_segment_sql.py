"""The SQL of a tree finds exactly those whom a plain reading of the tree finds, for any tree."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lists import segment_known, segment_sql
from lists.segment_tree import CHOICES, KINDS, KINDS_OF_FIELDS, OPERATORS, Subject, Takes, Tree
from mailer.core import clock
from mailer.core.services import Services
from mailer.web.request import check
from tests.make import Make
from tests.segments import crowd as crowds
from tests.segments.crowd import Crowd

FIELDS = {"city": "text", "points": "number", "born": "date", "vip": "boolean", "likes": "list"}
DATES = st.sampled_from(["2024-02-29", "2026-01-01", "1990-12-31"]) | st.integers(-40, 40).map(
    lambda days: (clock.now().date() + crowds.timedelta(days)).isoformat()
)
TEXT = st.sampled_from(
    [
        "Paris",
        "pâris",
        "%",
        "_",
        "\\",
        "'",
        "été",
        "e\u0301",
        "ß",
        "a",
        "pain",
        "σας",
        "tour ",
        "exemple.test",
        "PAIN.test",
    ]
)
VALUES: dict[Takes, st.SearchStrategy[Any]] = {
    Takes.NOTHING: st.none(),
    Takes.TEXT: TEXT | st.text(st.characters(exclude_categories=("Cs", "Cn", "Cc")), min_size=1, max_size=4),
    Takes.NUMBER: st.sampled_from([0, 7, 7.5, 0.1, 2**53, -1]) | st.integers(-9, 9),
    Takes.NUMBERS: st.lists(st.integers(-2, 8), min_size=2, max_size=2),
    Takes.DATE: DATES,
    Takes.DATES: st.lists(DATES, min_size=2, max_size=2),
    Takes.DAYS: st.sampled_from([0, 1, 29, 30, 31, 365, 36_500]),
    Takes.MONTH: st.integers(1, 12),
}
# filled when the crowd is there: the strategies are made before
IDS: dict[Subject, list[int]] = {}
SCENE: list[tuple[Services, Crowd]] = []


@st.composite
def condition(draw: st.DrawFn) -> dict[str, Any]:
    subject = draw(st.sampled_from(list(Subject)))
    found: dict[str, Any] = {"subject": subject.value}
    if subject is Subject.FIELD:
        found["of"] = draw(st.sampled_from(list(FIELDS)))
        kind = KINDS_OF_FIELDS[FIELDS[found["of"]]]
    else:
        kind = KINDS[subject]
    if subject in IDS:
        found["of"] = draw(st.sampled_from(IDS[subject]))
    if subject is Subject.LIST and draw(st.booleans()):
        found["of"] = None
    if subject is Subject.CAMPAIGN and draw(st.booleans()):
        found |= {"of": None, "last": draw(st.integers(1, 4))}
    found["operator"] = draw(st.sampled_from(sorted(OPERATORS[kind])))
    takes = OPERATORS[kind][found["operator"]].takes
    if takes is Takes.CHOICE:
        found["value"] = draw(st.sampled_from(list(CHOICES[subject])))
    else:
        found["value"] = draw(VALUES[takes].filter(lambda value: not isinstance(value, str) or value.strip()))
    return found


def group(rules: st.SearchStrategy[Any], most: int) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "match": st.sampled_from(["all", "any", "none"]),
            "rules": st.lists(rules, min_size=1, max_size=most),
        }
    )


TREES = group(condition() | group(condition() | group(condition(), 3), 3), 4)


@pytest.fixture(scope="module", autouse=True)
async def crowd(services: Services, server: str, http: Any) -> None:
    found = await crowds.gather(Make(services, http, server))
    SCENE[:] = [(services, found)]
    IDS.update(
        {
            Subject.TAG: found.tags,
            Subject.LIST: found.lists,
            Subject.IMPORT: found.imports,
            Subject.CAMPAIGN: found.campaigns,
        }
    )


async def found_by_sql(tree: Tree) -> set[int]:
    services, crowd = SCENE[0]
    async with services.db.account(crowd.account_id) as tx:
        known = await segment_known.load(tx, tree)
        assert segment_known.faults(tree, known) == []
        ids = await segment_sql.ids(tx, tree, known, after=0, last=segment_sql.EVERYBODY)
        assert await segment_sql.count(tx, tree, known) == len(ids)
    return set(ids)


def found_by_reading(tree: Tree) -> set[int]:
    _, crowd = SCENE[0]
    return {one.id for one in crowd.people if not one.objected and crowds.holds(tree, one, crowd)}


@pytest.mark.req("E-02", "B-31", "B-36", "C-16")
@settings(max_examples=300, deadline=None)
@given(given_tree=TREES)
async def test_sql_and_a_plain_reading_find_the_same_people(given_tree: dict[str, Any]) -> None:
    tree = check(Tree, given_tree)
    assert await found_by_sql(tree) == found_by_reading(tree)


@settings(max_examples=300, deadline=None)
@given(rule=condition())
async def test_each_condition_alone_and_its_complement(rule: dict[str, Any]) -> None:
    tree = check(Tree, {"rules": [rule]})
    those = await found_by_sql(tree)
    assert those == found_by_reading(tree)
    everybody = {one.id for one in SCENE[0][1].people if not one.objected}
    assert await found_by_sql(check(Tree, {"match": "none", "rules": [rule]})) == everybody - those
