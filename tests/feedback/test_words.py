"""Every reason has its words, on the contact's page as in the report."""

import pytest

from lists import bounce_words
from lists.consents import Method
from lists.contact_words import METHODS
from sending import bounce_rules
from sending.feedback import Kind, Reason


@pytest.mark.req("F-06", "D-32")
def test_every_reason_has_its_words_and_no_other() -> None:
    assert set(bounce_words.REASONS) == {reason.value for reason in Reason}
    assert bounce_words.phrase("") == bounce_words.phrase("nothing known") == ""


def test_every_way_of_saying_no_has_its_words() -> None:
    assert set(METHODS) == set(Method)


@pytest.mark.req("D-32")
@pytest.mark.parametrize(
    ("code", "enhanced", "text", "kind"),
    [
        (550, "5.1.1", "User unknown", Kind.HARD),
        (550, "5.7.1", "rejected by policy", Kind.BLOCK),
        (0, "4.4.1", "", Kind.SOFT),
        (552, "5.2.2", "Mailbox full", Kind.SOFT),
    ],
)
def test_a_kind_is_only_hard_where_the_address_is_named(
    code: int, enhanced: str, text: str, kind: Kind
) -> None:
    assert bounce_rules.classify(code, enhanced, text)[0] is kind
