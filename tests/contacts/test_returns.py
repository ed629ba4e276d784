"""Stopping everything and coming back to one list: who may be mailed, whatever is done by whom afterwards."""

import random
from dataclasses import dataclass, field

import pytest

from lists import confirmations, consents, contacts, recipients, subscriptions, suppressions
from lists.confirmations import Asked
from lists.consents import Evidence, Method
from lists.contacts import ContactChange, NewContact, NewSubscriptions
from lists.suppressions import Reason
from mailer.core.db import AccountTx
from mailer.core.links import Links
from mailer.core.migrate import FOLDER
from mailer.core.services import Services
from mailer.core.tokens import RecipientToken
from sending import outcomes
from tests.importing import files
from tests.importing.importer import Importer
from tests.make import Account, Make

ANA = "ana@return.test"
BY_TEAM = Evidence(method=Method.PAGE, legal_basis="consent", source="Salon 2026")


@pytest.fixture(autouse=True)
def _no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirmations, "ASK_AGAIN_MINUTES", 0)


@dataclass
class Story:
    """One person, some lists, and everything that anybody can do about the two."""

    services: Services
    make: Make
    account: Account
    lists: dict[str, int] = field(default_factory=dict)
    email: str = ANA

    def tx(self):
        return self.services.db.account(self.account.id)

    async def make_list(self, name: str) -> None:
        async with self.tx() as tx:
            self.lists[name] = await self.make.mailing_list(tx)

    async def contact_id(self, tx: AccountTx, email: str = "") -> int:
        found = await tx.value(
            "SELECT id FROM contacts WHERE account_id = $1 AND email = $2", email or self.email
        )
        return int(found or 0)

    async def who(self, tx: AccountTx, name: str = "", email: str = "") -> RecipientToken:
        hashed = await suppressions.hash_of(tx, self.services.sealer, email or self.email)
        return RecipientToken(
            self.account.id, self.lists.get(name, 0), await self.contact_id(tx, email), hashed
        )

    # the person

    async def stop(self, _: str = "") -> None:
        async with self.tx() as tx:
            await subscriptions.stop_everything(tx, await self.who(tx), method=Method.PREFERENCES)

    async def leave(self, name: str) -> None:
        async with self.tx() as tx:
            await subscriptions.unsubscribe(tx, await self.who(tx, name), method=Method.ONE_CLICK)

    async def come_back(self, name: str) -> Asked:
        """Asks and, when a mail left, confirms."""
        async with self.tx() as tx:
            who = await self.who(tx, name)
            asked = await confirmations.ask(tx, who, Links(self.services.tokens, "http://t.test"))
        async with self.tx() as tx:
            if asked is Asked.SENT:
                await confirmations.confirm(tx, who)
        return asked

    # the team

    async def import_into(self, name: str) -> None:
        importer = Importer(self.services, self.account)
        done = await importer.whole(
            files.people(self.email), list_ids=[self.lists[name]], mode="add_and_update"
        )
        assert done.state == "done"

    async def by_api(self, name: str) -> None:
        program = await self.make.program(self.account.id)
        wish = {"lists": [self.lists[name]], "legal_basis": "consent", "source": "API"}
        async with self.tx() as tx:
            contact_id = await self.contact_id(tx)
        if contact_id:
            answer = await program.ask("PATCH", f"/api/v1/contacts/{contact_id}", json=wish)
        else:
            answer = await program.post("/api/v1/contacts", json=wish | {"email": self.email})
        assert answer.status in (200, 201), answer.text

    async def by_page(self, name: str) -> None:
        wish = {"lists": [self.lists[name]], "legal_basis": "consent", "source": "Salon"}
        async with self.tx() as tx:
            contact_id = await self.contact_id(tx)
            if contact_id:
                await contacts.add_to_lists(tx, contact_id, NewSubscriptions.model_validate(wish))
            else:
                new = NewContact.model_validate(wish | {"email": self.email})
                await contacts.add(tx, self.services.sealer, new)

    async def in_bulk(self, name: str) -> None:
        async with self.tx() as tx:
            await subscriptions.add(tx, [await self.contact_id(tx)], self.lists[name], evidence=BY_TEAM)

    async def take_off(self, name: str) -> None:
        async with self.tx() as tx:
            await subscriptions.remove(tx, [await self.contact_id(tx)], self.lists[name])

    async def erase(self, _: str = "") -> None:
        async with self.tx() as tx:
            await contacts.delete(tx, [await self.contact_id(tx)])

    async def rename(self, _: str = "", email: str = ANA) -> None:
        async with self.tx() as tx:
            contact_id = await self.contact_id(tx)
            for to in (email.replace("ana", "anna"), email):
                await contacts.change(tx, self.services.sealer, contact_id, ContactChange(email=to))

    # what is seen

    async def mailable(self, email: str = "") -> set[str]:
        """By the audience of a newsletter to each list; every other reader must say the same."""
        async with self.tx() as tx:
            who = await self.who(tx, email=email)
            found = {
                name for name in self.lists if await self._in_audience(tx, self.lists[name], who.contact_id)
            }
            person = await subscriptions.person(tx, who)
            offers = await recipients.offers(tx, person) if person else []
            received = await recipients.still_received(tx, person)
            for name, list_id in self.lists.items():
                wanted = name in found
                assert (list_id in {one.list_id for one in offers if one.wanted}) == wanted, name
                assert (list_id in {one.list_id for one in received}) == wanted, name
                one = replace_list(who, list_id)
                assert await recipients.is_active(tx, one) == wanted, name
                if wanted:
                    assert await suppressions.check(tx, who.address_hash, list_id=list_id) is None
                    assert await subscriptions.left_since(tx, one) is None
        return found

    async def _in_audience(self, tx: AccountTx, list_id: int, contact_id: int) -> bool:
        campaign_id = await tx.value(
            "INSERT INTO campaigns (account_id, name) VALUES ($1, 'Lettre') RETURNING id"
        )
        await tx.run(
            """
            INSERT INTO campaign_lists (account_id, campaign_id, list_id, use, position)
            VALUES ($1, $2, $3, 'include', 0)
            """,
            campaign_id,
            list_id,
        )
        found = await tx.rows(
            """
            SELECT list_id FROM audience
            WHERE account_id = $1 AND campaign_id = $2 AND contact_id = $3 AND reason = ''
            """,
            campaign_id,
            contact_id,
        )
        return found == [(list_id,)]

    async def active(self) -> set[str]:
        """By the subscriptions as they are stored: a refused list is not even counted as one to send to."""
        async with self.tx() as tx:
            rows = await tx.rows(
                "SELECT list_id FROM subscriptions WHERE account_id = $1 AND status = 'active'"
            )
        return {name for name, list_id in self.lists.items() if (list_id,) in rows}

    async def refused(self, email: str = "") -> set[str]:
        """By the look-up of suppressions."""
        async with self.tx() as tx:
            hashed = (await self.who(tx, email=email)).address_hash
            return {
                name
                for name, list_id in self.lists.items()
                if await suppressions.suppressed_hashes(tx, [hashed], list_id) == {hashed}
            }


def replace_list(who: RecipientToken, list_id: int) -> RecipientToken:
    return RecipientToken(who.account_id, list_id, who.contact_id, who.address_hash)


@pytest.fixture
async def story(services: Services, make: Make) -> Story:
    """Ana, active on A and B."""
    found = Story(services, make, await make.account())
    for name in ("A", "B"):
        await found.make_list(name)
    async with found.tx() as tx:
        contact = await make.contact(tx, ANA, list_id=found.lists["A"])
        await subscriptions.add(tx, [contact], found.lists["B"], evidence=BY_TEAM)
    return found


@dataclass
class Model:
    """The rule itself, in a few lines: what the product is held against."""

    there: bool = True
    stopped: bool = False
    back: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)
    on: dict[str, bool] = field(default_factory=dict)

    def may(self, name: str) -> bool:
        return name not in self.left and (not self.stopped or name in self.back)

    def mailable(self) -> set[str]:
        return (
            {name for name, active in self.on.items() if active and self.may(name)} if self.there else set()
        )

    def do(self, act: str, name: str) -> None:
        match act:
            case "stop":
                self.stopped, self.back = True, set()
                self.on = dict.fromkeys(self.on, False)
            case "leave":
                self.left.add(name)
                self.back.discard(name)
                self.on |= {name: False} if name in self.on else {}
            case "come_back" if self.there:
                self.left.discard(name)
                self.back |= {name} if self.stopped else set()
                self.on[name] = True
            case "import_into" | "by_api" | "by_page":
                self.there = True
                self.on.setdefault(name, self.may(name))
            case "in_bulk" if self.there:
                self.on.setdefault(name, self.may(name))
            case "take_off" if self.on.get(name):
                del self.on[name]
            case "erase":
                self.there, self.back, self.on = False, set(), {}


@pytest.mark.req("B-28", "S5", "C-16")
@pytest.mark.parametrize(
    ("acts", "mailable"),
    [
        ("stop", ""),
        ("stop come_back:A", "A"),
        ("stop come_back:A make_list:C import_into:C by_api:C by_page:C in_bulk:C", "A"),
        ("stop come_back:A make_list:C by_api:C import_into:B by_api:B", "A"),
        ("stop come_back:A make_list:C import_into:C come_back:C", "AC"),
        ("stop come_back:A leave:A", ""),
        ("stop come_back:A leave:A import_into:A by_api:A", ""),
        ("stop come_back:A leave:A come_back:A", "A"),
        ("stop come_back:A leave:A make_list:C by_api:C come_back:B", "B"),
        ("stop come_back:A stop", ""),
        ("stop come_back:A stop make_list:C import_into:C by_api:A come_back:C", "C"),
        ("stop come_back:A come_back:A take_off:A", ""),
        ("stop come_back:A take_off:A by_page:A", "A"),
        ("stop come_back:A erase", ""),
        ("stop come_back:A erase by_api:A import_into:B make_list:C by_api:C", ""),
        ("stop erase import_into:A come_back:A make_list:C by_page:C", "A"),
        ("leave:A stop come_back:B by_api:A", "B"),
        ("leave:A stop come_back:A make_list:C in_bulk:C", "A"),
        ("stop make_list:C come_back:C by_api:A by_api:B", "C"),
    ],
)
async def test_who_may_be_mailed_after(story: Story, acts: str, mailable: str) -> None:
    model = Model(on={"A": True, "B": True})
    for step in acts.split():
        act, _, name = step.partition(":")
        await getattr(story, act)(name)
        model.do(act, name)
        assert await story.mailable() == await story.active() == model.mailable(), step
    assert await story.mailable() == set(mailable)
    assert await story.refused() == {name for name in story.lists if not model.may(name)}


ACTS = (
    "stop",
    "leave",
    "come_back",
    "come_back",
    "by_api",
    "by_page",
    "in_bulk",
    "take_off",
    "erase",
    "make_list",
)


@pytest.mark.req("B-28", "S5")
@pytest.mark.parametrize("seed", range(8))
async def test_no_sequence_of_acts_reaches_a_list_that_is_refused(story: Story, seed: int) -> None:
    dice = random.Random(seed)
    model = Model(on={"A": True, "B": True})
    told = []
    for n in range(25):
        act = "import_into" if n % 8 == 7 else dice.choice(ACTS)
        name = f"L{n}" if act == "make_list" else dice.choice(sorted(story.lists))
        told.append(f"{act}:{name}")
        await getattr(story, act)(name)
        model.do(act, name)
        assert await story.mailable() == await story.active() == model.mailable(), " ".join(told)
        assert await story.refused() == {one for one in story.lists if not model.may(one)}, " ".join(told)


@pytest.mark.req("B-28", "S5")
async def test_the_stop_of_everything_stays_and_says_where_the_person_came_back(story: Story) -> None:
    await story.stop()
    await story.come_back("B")
    async with story.tx() as tx:
        who = await story.who(tx)
        [row] = await suppressions.of_address(tx, who.address_hash)
        assert (row.list_id, row.reason, row.returned_to) == (None, "unsubscribed", [story.lists["B"]])
        assert await suppressions.check(tx, who.address_hash) == "unsubscribed"
        line = (await consents.of_contact(tx, who.contact_id))[0]
        assert (line.act, line.list_id, line.method) == ("confirmed", story.lists["B"], "confirmation")
        # leaving everything again is a new refusal, not one that was there already
        left = await subscriptions.stop_everything(tx, who, method=Method.LINK)
        assert not left.already
        assert (await suppressions.of_address(tx, who.address_hash))[0].returned_to == []


@pytest.mark.req("B-28")
@pytest.mark.parametrize("reason", [Reason.COMPLAINED, Reason.OBJECTED, Reason.ADDED, Reason.BOUNCED])
async def test_what_comes_after_the_return_stops_that_list_too(story: Story, reason: Reason) -> None:
    await story.stop()
    await story.come_back("A")
    async with story.tx() as tx:
        who = await story.who(tx)
        if reason is Reason.BOUNCED:
            await outcomes.suppress_bounced(tx, 7, [who.contact_id])
        else:
            assert await suppressions.add(tx, who.address_hash, reason=reason)
            assert not await suppressions.add(tx, who.address_hash, reason=reason)
        [row] = await suppressions.of_address(tx, who.address_hash)
    person_said = reason in (Reason.COMPLAINED, Reason.OBJECTED)
    assert row.reason == (reason if person_said else Reason.UNSUBSCRIBED)
    assert await story.mailable() == set()
    assert await story.refused() == {"A", "B"}
    await story.make_list("C")
    await story.by_api("C")
    assert await story.come_back("C") is Asked.SENT
    assert await story.mailable() == {"C"}


@pytest.mark.req("B-28", "D-33")
@pytest.mark.parametrize(
    ("reason", "asked", "mailable", "refused"),
    [
        # by the person: theirs to lift, for one list
        (Reason.COMPLAINED, Asked.SENT, "A", "BC"),
        (Reason.OBJECTED, Asked.SENT, "A", "BC"),
        # no refusal, and the mail with the link arrived
        (Reason.BOUNCED, Asked.SENT, "AC", ""),
        (Reason.ADDED, Asked.BLOCKED, "", "ABC"),
    ],
)
async def test_stops_of_everything_for_other_reasons(
    story: Story, reason: Reason, asked: Asked, mailable: str, refused: str
) -> None:
    async with story.tx() as tx:
        who = await story.who(tx)
        await subscriptions.remove(tx, [who.contact_id], story.lists["B"])
        await suppressions.add(tx, who.address_hash, reason=reason)
    assert await story.mailable() == set()
    assert await story.come_back("A") is asked
    await story.make_list("C")
    await story.import_into("C")
    assert await story.mailable() == set(mailable)
    assert await story.refused() == set(refused)


@pytest.mark.req("B-28")
async def test_a_corrected_address_keeps_stop_and_return_and_never_gains_one(story: Story) -> None:
    await story.stop()
    await story.come_back("A")
    await story.rename()
    assert await story.mailable() == {"A"}
    await story.make_list("C")
    await story.by_api("C")
    assert await story.mailable() == {"A"}
    other = "eve@return.test"
    async with story.tx() as tx:
        stranger = await suppressions.hash_of(tx, story.services.sealer, other)
        await suppressions.add(tx, stranger, reason=Reason.UNSUBSCRIBED)
        await contacts.change(
            tx, story.services.sealer, await story.contact_id(tx), ContactChange(email=other)
        )
    assert await story.mailable(other) == set()
    assert await story.refused(other) == {"A", "B", "C"}


@pytest.mark.req("B-28")
async def test_a_return_does_not_lift_the_bounce_of_a_corrected_address(story: Story) -> None:
    await story.stop()
    await story.come_back("A")
    dead = "dead@return.test"
    async with story.tx() as tx:
        hashed = await suppressions.hash_of(tx, story.services.sealer, dead)
        await suppressions.add(tx, hashed, reason=Reason.BOUNCED)
        await contacts.change(
            tx, story.services.sealer, await story.contact_id(tx), ContactChange(email=dead)
        )
    assert await story.refused(dead) == {"A", "B"}


@pytest.mark.req("B-28")
@pytest.mark.parametrize("new_list", [False, True])
async def test_an_import_counts_a_refusal_where_one_list_is_still_stopped(
    story: Story, new_list: bool
) -> None:
    await story.stop()
    await story.come_back("A")
    importer = Importer(story.services, story.account)
    names = {"new_list": "Later"} if new_list else {"list_ids": [story.lists["A"], story.lists["B"]]}
    both = await importer.whole(files.people(ANA), **names)
    assert both.counts["refused"] == 1
    alone = await importer.whole(files.people(ANA), list_ids=[story.lists["A"]], mode="add")
    assert alone.counts.get("refused", 0) == 0


@pytest.mark.req("A-013", "B-28")
async def test_api_and_pages_show_what_is_let_through(story: Story) -> None:
    await story.stop()
    await story.come_back("B")
    program = await story.make.program(story.account.id)
    async with story.tx() as tx:
        contact_id = await story.contact_id(tx)
        name = await tx.value(
            "SELECT name FROM mailing_lists WHERE account_id = $1 AND id = $2", story.lists["B"]
        )
    shown = (await program.get(f"/api/v1/contacts/{contact_id}")).json()
    assert (shown["suppressed"], shown["returned_to"]) == ("unsubscribed", [story.lists["B"]])
    [row] = (await program.get("/api/v1/suppressions")).json()["items"]
    assert row["returned_to"] == [story.lists["B"]]
    person = await story.make.signed_in(story.account.owner_id)
    page = (await person.get(f"{story.account.app}/contacts/{contact_id}")).text
    assert f"then came back to {name} by their own act. Every other list stays stopped." in page
    assert "Receives nothing" not in page
    assert "Unsubscribe from everything" in page
    assert f"Everything but {name}" in (await person.get(f"{story.account.app}/suppressions")).text
    checked = (await person.get(f"{story.account.app}/suppressions?email={ANA}")).text
    assert f"Came back by their own act to: {name}." in checked
    assert "Receives 1 list" in (await person.get(f"{story.account.app}/contacts")).text
    await story.stop()
    page = (await person.get(f"{story.account.app}/contacts/{contact_id}")).text
    assert "Receives nothing: Unsubscribed from everything" in page
    assert "Unsubscribed from everything" in (await person.get(f"{story.account.app}/contacts")).text


@pytest.mark.req("B-28")
async def test_a_stop_that_an_earlier_version_took_away_is_put_back(story: Story) -> None:
    """As 0030 … 0040 left it: the ledger's lines, and stops of the lists of that day."""
    await story.stop()
    await story.come_back("A")
    async with story.tx() as tx:
        hashed = (await story.who(tx)).address_hash
        await tx.run("DELETE FROM suppressions WHERE account_id = $1 AND address_hash = $2", hashed)
        await suppressions.add(tx, hashed, reason=Reason.UNSUBSCRIBED, list_id=story.lists["B"])
    await story.make_list("C")
    assert await story.refused() == {"B"}
    sql = (FOLDER / "0051_returns.sql").read_text()
    async with story.services.db.connection() as connection, connection.transaction():
        await connection.execute(sql[sql.index("DO $$") :])
    assert await story.refused() == {"B", "C"}
    assert await story.mailable() == {"A"}
    await story.come_back("B")
    assert await story.mailable() == {"A", "B"}
