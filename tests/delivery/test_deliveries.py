"""Who got a campaign, who did not, and why: the balance, its people, and the same as file and by API (A-011)."""

import csv
import io
import re

import pytest

from mailer import worker
from mailer.core import files, jobs, work
from sending import deliveries, outcomes, sends
from sending.deliveries import Filter
from tests.delivery.conftest import People, Post
from tests.smtp_server import DIE, OK, Received

REPLIES = {
    "gone@why.test": "550 5.1.1 no such user",
    "full@why.test": "552 5.2.2 mailbox full",
    "later@why.test": "450 4.2.0 greylisted",
}


@pytest.fixture
async def campaign(post: Post, people: People) -> int:
    """One person in each kind of end, one deferred; a second one delivered by another provider."""

    def end(mail: Received) -> str:
        return DIE if mail.recipient == "lost@why.test" else OK

    post.sink.rcpt, post.sink.end = REPLIES, end
    listed = await people("ana@why.test", "bob@gmail.com", "lost@why.test", "left@why.test", *REPLIES)
    made = await post.campaign([listed])
    await post.prepared(made)
    async with post.tx() as tx:
        await tx.run(
            """
            UPDATE subscriptions s SET status = 'unsubscribed' FROM contacts c
            WHERE s.account_id = $1 AND c.account_id = $1 AND c.id = s.contact_id AND c.email = 'left@why.test'
            """
        )
    await post.run()
    async with post.services.db.shared() as tx:
        await tx.run("UPDATE work SET run_at = now() WHERE account_id = $1", post.account.id)
    await post.run()
    return made


@pytest.mark.req("A-011", "S1")
async def test_each_line_of_the_balance_opens_exactly_its_people(post: Post, campaign: int) -> None:
    async with post.tx() as tx:
        balance = await outcomes.balance(tx, campaign)
    assert balance.audience == balance.ended + balance.queued + balance.in_flight == 7
    owner = await post.make.signed_in(post.account.owner_id)
    place = f"{post.account.app}/campaigns/{campaign}"
    for page in (place, f"{place}/report"):
        shown = await owner.get(page)
        found = re.findall(rf'href="({place}/deliveries[^"]*)"', shown.text)
        # the table by provider has links of its own
        lines = {link.replace("&amp;", "&") for link in found if "?" in link and "provider=" not in link}
        # delivered, three reasons of those who got nothing, in doubt, waiting
        assert len(lines) == 6
        people: list[str] = []
        for link in lines:
            people += _emails((await owner.get(link)).text)
        assert sorted(people) == sorted(await post.states(campaign))


def _emails(text: str) -> list[str]:
    return re.findall(r'/contacts/\d+">([^<]+@[^<]+)</a>', text)


async def test_each_recipient_has_its_reason_in_words(post: Post, campaign: int) -> None:
    owner = await post.make.signed_in(post.account.owner_id)
    text = (await owner.get(f"{post.account.app}/campaigns/{campaign}/deliveries")).text
    for words in (
        "subscribed to “Clients",
        "Rejected for good",
        "mailbox full. The address is kept.",
        "In doubt: the connection broke during hand-over. It may have arrived.",
        "Not sent: unsubscribed before its turn.",
        "Not accepted yet: the server asked to wait. Next try",
    ):
        assert words in text
    async with post.tx() as tx:
        lost = await tx.value("SELECT id FROM contacts WHERE account_id = $1 AND email = 'lost@why.test'")
    of_lost = await owner.get(f"{post.account.app}/contacts/{lost}")
    assert f"/campaigns/{campaign}/deliveries?status=in_doubt" in of_lost.text


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"status": "bounced"}, {"gone@why.test", "full@why.test"}),
        ({"reason": "hard"}, {"gone@why.test"}),
        ({"status": "waiting"}, {"later@why.test"}),
        ({"status": "deferred"}, {"later@why.test"}),
        ({"provider": "gmail"}, {"bob@gmail.com"}),
        ({"status": "bounced", "provider": "gmail"}, set()),
    ],
)
async def test_page_api_and_file_filter_alike(
    post: Post, campaign: int, asked: dict[str, str], expected: set[str]
) -> None:
    owner = await post.make.signed_in(post.account.owner_id)
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    page = await owner.get(f"{post.account.app}/campaigns/{campaign}/deliveries?{query}")
    assert set(_emails(page.text)) == expected
    program = await post.make.program(post.account.id)
    found = await program.get(f"/api/v1/campaigns/{campaign}/deliveries?{query}")
    assert {one["email"] for one in found.json()["items"]} == expected
    body = {"what": "deliveries", "campaign_id": campaign} | {
        name if name == "provider" else f"delivery_{name}": value for name, value in asked.items()
    }
    rows = await _exported(post, body)
    assert {row["email"] for row in rows} == expected
    assert all(
        row["status"] == asked.get("status", row["status"]) or asked["status"] == "waiting" for row in rows
    )


async def _exported(post: Post, body: dict[str, object]) -> list[dict[str, str]]:
    program = await post.make.program(post.account.id)
    made = await program.post("/api/v1/exports", json=body)
    assert made.status == 202, made.text
    [task] = [
        one
        for one in await work.due(post.services.db, 5000)
        if (one.account_id, one.job) == (post.account.id, "sending.export_deliveries")
    ]
    await jobs.run_turn(post.services, worker.JOBS, task)
    async with post.tx() as tx:
        file_id = await tx.value(
            "SELECT file_id FROM exports WHERE account_id = $1 AND id = $2 AND state = 'done'",
            made.json()["id"],
        )
    data = b"".join([piece async for piece in files.read(post.services.db, post.account.id, file_id)])
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


async def test_a_file_of_deliveries_is_written_in_chunks_and_holds_everybody_once(
    post: Post, campaign: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lists import export_files

    monkeypatch.setattr(export_files, "LARGEST", 2)
    rows = await _exported(post, {"what": "deliveries", "campaign_id": campaign})
    assert sorted(row["email"] for row in rows) == sorted(await post.states(campaign))
    [gone] = [row for row in rows if row["email"] == "gone@why.test"]
    assert (gone["reason"], gone["smtp_code"], gone["attempts"]) == ("hard", "550", "1")


async def test_nobody_exports_deliveries_of_another_account(post: Post, campaign: int) -> None:
    other = await post.make.account()
    program = await post.make.program(other.id)
    refused = await program.post("/api/v1/exports", json={"what": "deliveries", "campaign_id": campaign})
    assert refused.status == 422
    assert refused.json()["errors"][0]["field"] == "campaign_id"


async def test_the_page_asks_for_the_file_of_what_it_shows(post: Post, campaign: int) -> None:
    owner = await post.make.signed_in(post.account.owner_id)
    page = await owner.get(f"{post.account.app}/campaigns/{campaign}/deliveries?status=bounced&reason=hard")
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))
    names = ("what", "format", "campaign_id", "delivery_status", "delivery_reason", "provider")
    asked = {name: fields[name] for name in names}
    assert asked["delivery_reason"] == "hard"
    answer = await owner.post(f"{post.account.app}/exports", asked)
    assert "/exports/" in answer.location
    assert "Deliveries" in (await owner.get(answer.location)).text


async def test_pages_of_deliveries_follow_each_other_without_gap(post: Post, campaign: int) -> None:
    seen: list[int] = []
    after = None
    async with post.tx() as tx:
        while rows := await deliveries.many(tx, campaign, Filter(limit=2, after=after)):
            seen += [row.contact_id for row in rows[:2]]
            after = seen[-1]
        await sends.pause(tx, campaign)
    assert len(seen) == len(set(seen)) == 7
