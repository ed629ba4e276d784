"""The list of events: documented as it is, thin, and the same in the database's triggers."""

import re

import pytest

from mailer.core.services import Services
from mailer.webhooks.catalogue import KINDS, TEST
from tests.statements import ROOT

PAGE = (ROOT / "deploy/docs/webhooks.md").read_text()


def test_the_page_lists_every_event_with_what_it_carries() -> None:
    rows = re.findall(r"^\| `([a-z._]+)` \| (.+?) \| (.+?) \|$", PAGE, re.M)
    told = {name: (words, dict(re.findall(r"`(\w+)`: ([^,|]+)", carries))) for name, words, carries in rows}
    assert told.pop(TEST)[1] == {"webhook_id": "integer"}
    assert told == {name: (kind.words, dict(kind.carries)) for name, kind in KINDS.items()}


@pytest.mark.req("E-64", "A-001")
def test_no_event_carries_an_address_a_name_or_content() -> None:
    thin = re.compile(r"\w+_ids?|reason|state|what|purpose|smtp_code")
    assert [member for kind in KINDS.values() for member in kind.carries if not thin.fullmatch(member)] == []


async def test_the_triggers_tell_of_events_that_the_catalogue_knows(services: Services) -> None:
    """Each `tell_webhooks(name …)` of the schema, with the states that its trigger lets through."""
    async with services.db.connection() as connection:
        told = await connection.fetch(
            """
            SELECT p.prosrc AS source, pg_get_triggerdef(t.oid) AS trigger
            FROM pg_trigger t
            JOIN pg_proc p ON p.oid = t.tgfoid
            JOIN pg_class c ON c.oid = t.tgrelid
            WHERE p.proname LIKE 'tell_of_%' AND t.tgparentid = 0
            """
        )
    names: set[str] = set()
    for row in told:
        named = re.search(r"'([a-z_]+\.[a-z]*)'", row["source"])
        assert named is not None
        if named[1].endswith("."):
            [states] = re.findall(r"ANY \(ARRAY\[(.+?)\]\)", row["trigger"])
            names |= {named[1] + state for state in re.findall(r"'(\w+)'::text", states)}
        else:
            names.add(named[1])
    of_the_feed = {name for name in KINDS if name.startswith(("contact.", "subscription.", "consent."))}
    assert names == set(KINDS) - of_the_feed
