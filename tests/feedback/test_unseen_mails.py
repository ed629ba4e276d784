"""Mails of many dialects, languages and encodings: whom they speak of and what they say (D-31 to D-36)."""

import pytest

from sending import feedback_mail
from tests.feedback import unseen_mails


@pytest.mark.req("D-31", "D-34", "D-35", "D-36")
@pytest.mark.parametrize("given", unseen_mails.S, ids=lambda given: given.name)
def test_each_mail_is_understood(given: unseen_mails.Unseen) -> None:
    found = feedback_mail.read(given.raw)
    assert tuple((one.recipient, one.kind.value, one.reason.value) for one in found) == given.says, found
    assert {one.final for one in found} == {given.name not in ("delayed no code", "exim warn")}
