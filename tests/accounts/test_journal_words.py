"""The journal speaks to people: nothing in it is shown as it is stored."""

import ast
from collections.abc import Iterator

from mailer.accounts import audit_words
from mailer.web import i18n
from tests.statements import PACKAGES, ROOT


def _entries() -> Iterator[tuple[str, list[ast.expr]]]:
    """Every `audit.write(tx, act, object, …)` of the source."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "audit.write":
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node.args


def _literals(expression: ast.expr) -> list[str]:
    """The texts that it may be: one, or both of `"a" if … else "b"`; none when it is computed."""
    if isinstance(expression, ast.IfExp):
        return _literals(expression.body) + _literals(expression.orelse)
    if isinstance(expression, ast.Constant):
        return [str(expression.value)]
    return []


def test_every_act_and_object_has_its_words() -> None:
    entries = list(_entries())
    assert len(entries) > 40
    nameless = [
        (place, text)
        for place, (_, act, thing, *_) in entries
        for known, expression in ((audit_words.ACTS, act), (audit_words.OBJECTS, thing))
        for text in _literals(expression)
        if text not in known
    ]
    assert nameless == []


def test_computed_acts_and_objects_have_their_words() -> None:
    """What the test above cannot read: the acts on a send, on a selection, and what is exported."""
    acts = {"recalled", "released", "paused", "resumed", "cancelled", "deleted", "unsubscribed", "subscribed"}
    assert acts | {"removed"} <= set(audit_words.ACTS)
    assert {"contacts", "suppressions"} <= set(audit_words.OBJECTS)


def test_no_two_acts_read_the_same() -> None:
    """The journal is filtered by them: two lines of one list that say the same lead to different things."""
    for language in ("en", "fr"):
        with i18n.speaking(language):
            said = [i18n.translate(words) for words in audit_words.ACTS.values()]
        assert sorted({words for words in said if said.count(words) > 1}) == [], language
