"""Who is measured: the one decision of all sending paths."""

import itertools

import pytest

from tests.statements import ROOT, files
from tracking.decision import UNTRACKED, tracked

STATES = ("unknown", "granted", "denied", "", "GRANTED", "true")


@pytest.mark.req("B-30", "B-35", "B-36")
@pytest.mark.parametrize(("opens", "clicks"), list(itertools.product(STATES, STATES)))
def test_only_a_given_consent_measures(opens: str, clicks: str) -> None:
    for kind in ("newsletter", "promotion"):
        found = tracked(opens, clicks, kind)
        assert (found.opens, found.clicks) == (opens == "granted", clicks == "granted")


@pytest.mark.req("B-32", "B-42")
def test_a_service_message_never_measures() -> None:
    assert tracked("granted", "granted", "service") == UNTRACKED


@pytest.mark.req("B-42")
def test_nobody_else_decides() -> None:
    """The word that decides is compared with a consent state in one function of the sending paths."""
    elsewhere = [
        str(path.relative_to(ROOT))
        for path in files()
        if path.parts[-2] == "sending" and '== "granted"' in path.read_text()
    ]
    assert elsewhere == []
