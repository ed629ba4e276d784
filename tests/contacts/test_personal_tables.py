"""Every table that knows a person is emptied by erasure, and stands in the copy of their data, or says why not."""

import re

import pytest

from lists import contact_history
from mailer.core.services import Services
from tests.forms.conftest import _own_counters, scene
from tests.forms.scene import Scene
from tests.make import Make

__all__ = ["_own_counters", "scene"]

NAMES = ("contact_id", "contact_ids", "other_id", "kept_id", "merged_id", "address_hash", "address_hashes")

# what stays when a contact goes, and why; the rest has a foreign key to contacts that deletes
STAYS = {
    "suppressions": "the refusal, by fingerprint of the address (B-28)",
    "held_people": "copies of people under a legal hold whose account is erased, until the hold ends (A-005)",
    "consents": "proof that there was a consent, by fingerprint (C-01)",
    "deliveries": "numbers of a campaign; no person behind the id any more, 13 months (S6)",
    "events": "numbers of a campaign; no person behind the id any more, 13 months (S6)",
    "messages": "content 6 days, the row 13 months (S6)",
    "test_sends": "an id that means nobody any more; the mail goes to the team",
    "segment_members": "ids of a campaign's audience; joined with contacts, so nobody is found",
    "selection_contacts": "ids of a selection of an hour; joined with contacts",
    "contact_changes": "that an id changed or went, for programs that keep a copy; 30 days",
    "import_changes": "ids for seven days; joined with contacts",
    "import_opt_outs": "fingerprints of a file, until its import has ended",
    "import_parts": "the file as it was staged, until its import has ended",
    "sign_ins": "people of the team who sign in, no contacts",
    "rights_asks": "what was typed on a form, sealed, 24 hours; emptied when it is confirmed",
    "rights_requests": "proof that somebody was answered in time, by fingerprint, three years",
}

# what a copy of a person's data (C-10) shows nowhere, and why
NOT_COPIED = {
    "contact_changes": "a feed for programs: which id changed when",
    "duplicates": "a guess of the machine about two contacts, not a fact about one",
    "held_people": "a copy itself, of an account that is no more",
    "legal_holds": "why the law asks to keep them: told to the team; the person may not have to know",
    "segment_members": "follows from the fields, tags and acts that are copied",
    "selection_contacts": "rows that somebody of the team ticked, for an hour",
    "sunset_contacts": "follows from those days; that they were asked stands in the journal",
    "last_open_days": "a day that the search for inactive contacts alone may read (B-33)",
    "inactive_contacts": "follows from the last act; that they were asked stands in the journal",
    "import_changes": "what an undo would need, 7 days; the values as they are now are copied",
    "import_values": "what an undo would need, 7 days; the values as they are now are copied",
    "import_removals": "what an undo would need, 7 days",
    "import_opt_outs": "taken over into suppressions, which are copied",
    "import_parts": "taken over into contacts, which are copied",
    "rights_asks": "confirmed, it is copied from the register; before that it is no request",
    "test_sends": "mails to the team that show how one for this contact would look",
    "sign_ins": "people of the team who sign in, no contacts",
}


async def tables(services: Services) -> tuple[set[str], set[str]]:
    """Those with such a column, and those that go with a contact."""
    async with services.db.connection() as connection:
        personal = await connection.fetch(
            """
            SELECT DISTINCT c.relname AS name
            FROM pg_class c
            JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND NOT a.attisdropped
              AND c.relnamespace = 'public'::regnamespace AND a.attname = ANY ($1) AND c.relname <> 'contacts'
            """,
            list(NAMES),
        )
        going = await connection.fetch(
            """
            SELECT DISTINCT conrelid::regclass::text AS name FROM pg_constraint
            WHERE contype = 'f' AND confrelid = 'contacts'::regclass AND confdeltype = 'c'
            """
        )
    return {row["name"] for row in personal}, {row["name"] for row in going}


@pytest.mark.req("C-12", "B-28")
async def test_every_table_about_a_person_goes_with_them_or_says_why(services: Services) -> None:
    personal, going = await tables(services)
    assert personal - going - set(STAYS) == set()
    assert set(STAYS) & going == set()
    assert set(STAYS) - personal == set()


@pytest.mark.req("C-10")
async def test_a_copy_holds_a_row_of_every_table_or_it_is_said_why_not(
    services: Services, make: Make
) -> None:
    """Statements of a copy are listened to: a table that no statement names is in no copy."""
    account = await make.account()
    async with services.db.account(account.id) as tx:
        contact = await make.contact(tx, "ana@copy.test", list_id=await make.mailing_list(tx))
        heard: list[str] = []
        tx._connection.add_query_logger(lambda query: heard.append(query.query))
        await contact_history.archive(tx, contact)
    told = " ".join(heard)
    personal, going = await tables(services)
    held = {name for name in personal | going if re.search(rf"(FROM|JOIN)\s+{name}\b", told)}
    assert personal | going == held | set(NOT_COPIED)
    assert set(NOT_COPIED) - (personal | going) == set() == held & set(NOT_COPIED)


@pytest.mark.req("C-10", "B-26")
async def test_a_copy_holds_what_waits_for_a_confirmation(scene: Scene) -> None:
    await scene.send(first_name="Ada")
    contact = (await scene.contact())["id"]
    async with scene.tx() as tx:
        [asked] = (await contact_history.archive(tx, contact))["sign_ups"]
    assert (asked.given["first_name"], asked.confirmed_at) == ("Ada", None)
