"""Who is measured, and how: the one decision of all sending paths."""

import ast
import itertools
import re
from collections.abc import Iterator

import pytest

from tests.statements import ROOT, files
from tracking import decision
from tracking.decision import INDIVIDUAL, UNTRACKED, Modes, Path, Sending, Tracking, decide

STATES = ("unknown", "granted", "denied")
ODD = ("", "GRANTED", "true")
OPENS = ("off", "last_day", "aggregate", "individual")
CLICKS = ("off", "individual")
KINDS = ("newsletter", "promotion", "service")


def sending(
    opens: str = "individual",
    clicks: str = "individual",
    *,
    kind: str = "newsletter",
    path: Path = Path.CAMPAIGN,
    way_out: bool = True,
) -> Sending:
    return Sending(path=path, kind=kind, modes=Modes(opens, clicks), way_out=way_out)


@pytest.mark.req("B-30", "B-35", "B-36", "A-012")
@pytest.mark.parametrize(("opens", "clicks"), list(itertools.product(STATES + ODD, STATES + ODD)))
def test_only_a_given_consent_measures_a_person(opens: str, clicks: str) -> None:
    for kind in ("newsletter", "promotion"):
        found = decide(sending(kind=kind), opens, clicks, requested=True)
        assert (found.opens, found.clicks) == (opens == "granted", clicks == "granted")
        assert found.pixel == ("individual" if opens == "granted" else "")


@pytest.mark.req("B-42", "B-33", "B-34")
@pytest.mark.parametrize("mode", OPENS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("requested", [False, True])
def test_the_image_of_each_mode_kind_and_person(mode: str, kind: str, state: str, requested: bool) -> None:
    """The whole matrix, written down a second time and the other way round."""
    found = decide(sending(mode, "off", kind=kind), state, "unknown", requested=requested)
    holds = {
        "last_day": {(k, s, r) for k in KINDS for s in ("unknown", "granted") for r in (False, True)}
        - {(k, s, False) for k in ("newsletter", "promotion") for s in STATES},
        "aggregate": {(k, s, r) for k in KINDS[:2] for s in ("unknown", "granted") for r in (False, True)},
        "individual": {(k, "granted", r) for k in KINDS[:2] for r in (False, True)},
        "off": set(),
    }
    assert found.pixel == (mode if (kind, state, requested) in holds[mode] else "")
    assert found.opens == (found.pixel == "individual")
    assert not found.clicks


@pytest.mark.req("B-42")
@pytest.mark.parametrize("mode", OPENS)
def test_opens_and_clicks_are_decided_apart(mode: str) -> None:
    for clicks in CLICKS:
        found = decide(sending(mode, clicks), "unknown", "granted", requested=True)
        assert found.clicks == (clicks == "individual")
        assert not found.opens


@pytest.mark.req("B-42", "A-069", "A-101")
@pytest.mark.parametrize("path", [path for path in Path if path is not Path.CAMPAIGN])
def test_nothing_but_a_campaign_measures(path: Path) -> None:
    for mode, kind in itertools.product(OPENS, KINDS):
        assert decide(sending(mode, path=path, kind=kind), "granted", "granted", requested=True) == UNTRACKED


@pytest.mark.req("B-32", "B-42")
def test_a_service_message_measures_nobody_individually() -> None:
    assert decide(sending(kind="service"), "granted", "granted", requested=True) == UNTRACKED


@pytest.mark.req("B-40")
def test_a_mail_without_a_way_out_measures_nobody_individually() -> None:
    assert decide(sending(way_out=False), "granted", "granted", requested=True) == UNTRACKED
    shared = decide(sending("aggregate", way_out=False), "granted", "granted", requested=True)
    assert shared == Tracking(opens=False, clicks=False, pixel="aggregate")


@pytest.mark.req("B-42")
def test_the_table_of_a_turn_says_what_the_decision_says() -> None:
    for mode, clicks, kind in itertools.product(OPENS, CLICKS, KINDS):
        case = sending(mode, clicks, kind=kind)
        table = decision.policy(case)
        assert set(table) == set(itertools.product(STATES, STATES, (False, True)))
        for (opens_state, clicks_state, requested), found in table.items():
            assert found == decide(case, opens_state, clicks_state, requested=requested)


@pytest.mark.req("B-42")
def test_a_campaign_keeps_the_modes_that_can_measure_anybody() -> None:
    assert decision.effective(sending()) == INDIVIDUAL
    assert decision.effective(sending(kind="service")) == Modes("off", "off")
    assert decision.effective(sending("last_day", kind="service")) == Modes("last_day", "off")
    assert decision.effective(sending("aggregate", way_out=False)) == Modes("aggregate", "off")


def _nodes(*names: str) -> Iterator[tuple[str, ast.AST]]:
    """What the files say that hold one of these names at all."""
    for path in files():
        text = path.read_text()
        if any(name in text for name in names):
            for node in ast.walk(ast.parse(text)):
                yield str(path.relative_to(ROOT)), node


def _callers(*names: str) -> set[str]:
    """Files of the product that call `….links.name`, or of a variable `links`."""
    return {
        place
        for place, node in _nodes(*(f"links.{name}(" for name in names))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in names
        if ast.unparse(node.func.value).endswith("links")
    }


def _givers(*names: str) -> set[str]:
    return {place for place, node in _nodes(*names) if isinstance(node, ast.keyword) and node.arg in names}


@pytest.mark.req("B-42")
def test_one_place_makes_addresses_that_measure() -> None:
    """Every path gets them from `Maker`, and `Maker` asks the decision; a second door is a mistake."""
    assert _callers("open", "open_day", "of_mail", "click") == {"sending/personal.py"}
    assert _givers("tracked_links", "open_pixel_url") == {"sending/personal.py"}
    deciding = {
        str(path.relative_to(ROOT))
        for path in files()
        if path.parts[-2] in ("sending", "tracking")
        and re.search(r"\bdecision\.(policy|decide)\(|^def decide\(", path.read_text(), re.MULTILINE)
    }
    assert deciding == {"sending/personal.py", "tracking/decision.py"}


@pytest.mark.req("B-42")
def test_nobody_else_decides() -> None:
    """The word that decides is compared with a consent state in one function of the sending paths."""
    elsewhere = [
        str(path.relative_to(ROOT))
        for path in files()
        if path.parts[-2] == "sending" and '== "granted"' in path.read_text()
    ]
    assert elsewhere == []
