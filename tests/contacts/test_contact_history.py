"""What happened with one contact: the timeline by pages and kinds, why a campaign came, a copy of everything."""

from datetime import UTC, datetime

import pytest

from lists import consents, contact_decisions, contact_timeline, restrictions
from lists.consents import Evidence, Method
from lists.contact_timeline import Moment
from lists.restrictions import NewRestriction
from mailer.accounts import audit
from mailer.core.db import AccountTx
from mailer.core.services import Services
from mailer.core.tokens import RecipientToken
from tests.client import Client
from tests.lists_pages.test_contact_pages import sound, start
from tests.make import Account, Make

MAY = datetime(2026, 5, 31, 9, 30, tzinfo=UTC)


async def busy(tx: AccountTx, make: Make) -> tuple[int, int, int]:
    """A contact with 30 lines of each kind, all within one moment. Returns contact, list, campaign."""
    listed = await make.mailing_list(tx, "Clients")
    contact = await make.contact(tx, list_id=listed)
    hashed = await tx.value("SELECT address_hash FROM contacts WHERE account_id = $1 AND id = $2", contact)
    who = RecipientToken(tx.account_id, listed, contact, hashed)
    proof = Evidence(
        method=Method.PAGE, legal_basis="consent", source="Salon 2026", wording="Oui, une lettre"
    )
    campaign = 0
    for n in range(30):
        await consents.write(tx, who, "granted", evidence=proof)
        await audit.write(tx, "changed", "contact", contact)
        campaign = await tx.value(
            """
            INSERT INTO campaigns (account_id, name, status, month)
            VALUES ($1, $2, 'sent', date_trunc('month', now())::date)
            RETURNING id
            """,
            f"Lettre {n}",
        )
        await tx.run(
            """
            INSERT INTO deliveries (account_id, campaign_id, contact_id, month, list_id, status, first_at, final_at)
            VALUES ($1, $2, $3, date_trunc('month', now())::date, $4, 'delivered', now(), now())
            """,
            campaign,
            contact,
            listed,
        )
        await tx.run(
            """
            INSERT INTO events (account_id, id, at, campaign_id, contact_id, kind, verdict)
            VALUES ($1, $2, now(), $3, $4, 'click', 'person')
            """,
            f"e-{campaign}",
            campaign,
            contact,
        )
    return contact, listed, campaign


@pytest.mark.req("C-10")
@pytest.mark.parametrize("kind", ["", "consent", "delivery", "event", "change"])
async def test_pages_of_the_timeline_hold_each_line_once(services: Services, make: Make, kind: str) -> None:
    acc = await make.account()
    seen: list[str] = []
    async with services.db.account(acc.id) as tx:
        contact, _, _ = await busy(tx, make)
        cursor: str | None = None
        while True:
            found = await contact_timeline.many(tx, contact, kind=kind, cursor=cursor, limit=7)
            assert len(found.items) <= 7
            seen += [one.ref for one in found.items]
            assert not kind or {one.kind for one in found.items} == {kind}
            cursor = found.next_cursor
            if cursor is None:
                break
    assert len(seen) == len(set(seen)) == (120 if not kind else 30)


@pytest.mark.req("A-004", "A-007", "C-10")
@pytest.mark.parametrize(
    ("kind", "until"),
    [
        ("delivery", datetime(2027, 6, 30, 9, 30, tzinfo=UTC)),
        ("event", datetime(2027, 6, 30, 9, 30, tzinfo=UTC)),
        ("change", datetime(2027, 5, 31, 9, 30, tzinfo=UTC)),
        ("consent", None),
    ],
)
def test_each_line_tells_when_retention_takes_it(kind: str, until: datetime | None) -> None:
    line = Moment(at=MAY, kind=kind, word="", purpose="", name=None, who="", source="", ref="")
    assert line.kept_until == until


async def _prepared(make: Make, services: Services) -> tuple[Account, Client, int, int, int]:
    acc, person = await start(make)
    async with services.db.account(acc.id) as tx:
        contact, listed, campaign = await busy(tx, make)
    return acc, person, contact, listed, campaign


@pytest.mark.req("C-10")
async def test_the_timeline_is_filtered_and_paged_on_its_page(make: Make, services: Services) -> None:
    acc, person, contact, _, _ = await _prepared(make, services)
    place = f"{acc.app}/contacts/{contact}"
    page = sound(await person.get(place))
    assert "The whole timeline" in page
    page = sound(await person.get(f"{place}/timeline?kind=delivery"))
    assert page.count("delivered") >= 30
    assert "Agreement recorded" not in page
    assert "Shown: Sends." in page
    whole = sound(await person.get(f"{place}/timeline"))
    assert "Deleted on" in whole
    assert "cursor=" in whole
    for bad in ("x", "WzEsMl0", "WyJub3ciLCJhIl0"):
        assert (await person.get(f"{place}/timeline?cursor={bad}")).status == 422


@pytest.mark.req("C-10", "B-28")
async def test_a_campaign_is_explained_with_the_proof_of_its_day(make: Make, services: Services) -> None:
    acc, person, contact, _, campaign = await _prepared(make, services)
    async with services.db.account(acc.id) as tx:
        other = await tx.value(
            """
            INSERT INTO campaigns (account_id, name, status, month) VALUES ($1, 'Autre', 'sent', '2026-11-01')
            RETURNING id
            """
        )
        found = await contact_decisions.show(tx, contact, campaign)
        assert found is not None
        assert found.proof is not None
        assert (found.proof.act, found.proof.source) == ("granted", "Salon 2026")
        assert await contact_decisions.show(tx, contact, other) is None
    place = f"{acc.app}/contacts/{contact}/why"
    page = sound(await person.get(f"{place}?campaign_id={campaign}"))
    for words in (
        "subscribed to “Clients” since",
        "Salon 2026 · Oui, une lettre",
        "Agreement recorded",
        "Opens measured in it",
    ):
        assert words in page
    assert "Nothing was prepared for this contact" in sound(await person.get(f"{place}?campaign_id={other}"))
    assert "Nothing was prepared" not in sound(await person.get(place))


@pytest.mark.req("C-10", "C-15")
async def test_a_copy_holds_every_kind_of_row(make: Make, services: Services) -> None:
    acc, _, contact, _, _ = await _prepared(make, services)
    async with services.db.account(acc.id) as tx:
        await restrictions.limit(tx, contact, NewRestriction(ground="claims"))
    program = await make.program(acc.id)
    copy = (await program.get(f"/api/v1/contacts/{contact}/data")).json()
    assert len(copy["history"]) == 121
    assert len(copy["deliveries"]) == len(copy["consents"]) == 30
    assert copy["restrictions"][0]["ground"] == "claims"
    assert copy["kept"]
    assert {"messages", "suppressions", "lists", "fields"} <= set(copy)


@pytest.mark.req("C-10")
async def test_one_contacts_journal_is_found_by_index(services: Services, make: Make) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        await tx.run_plain("SET LOCAL enable_seqscan = off")
        plan = await tx.rows(
            """
            EXPLAIN SELECT at FROM audit WHERE account_id = $1 AND object = 'contact' AND object_id = 7
            """
        )
    assert any("audit_object" in row[0] for row in plan)
