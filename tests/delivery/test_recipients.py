"""What stops a mail that is queued, and what a mail holds for those who are measured and for the others."""

import re

import pytest

from mailer.core.tokens import Purpose
from sending import claims, personal
from sending.claims import Turn
from tests.delivery.conftest import People, Post

BY = {
    "unsubscribed": """
        UPDATE subscriptions SET status = 'unsubscribed' WHERE account_id = $1 AND contact_id = $2
        """,
    "pending": "UPDATE subscriptions SET status = 'pending' WHERE account_id = $1 AND contact_id = $2",
    "service": """
        UPDATE subscriptions SET legal_basis = 'service' WHERE account_id = $1 AND contact_id = $2
        """,
    "suppressed": """
        INSERT INTO suppressions (account_id, address_hash, reason)
        SELECT account_id, address_hash, 'objected' FROM contacts WHERE account_id = $1 AND id = $2
        """,
    "restricted": "UPDATE contacts SET restricted_at = now() WHERE account_id = $1 AND id = $2",
    "deleted": "DELETE FROM contacts WHERE account_id = $1 AND id = $2",
}


@pytest.mark.req("D-45", "B-28", "C-13", "S1")
@pytest.mark.parametrize("reason", BY)
async def test_whoever_falls_out_while_queued_gets_nothing(post: Post, people: People, reason: str) -> None:
    listed = await people("stays@queue.test", "goes@queue.test")
    campaign = await post.campaign([listed])
    await post.prepared(campaign)
    async with post.tx() as tx:
        gone = await tx.value("SELECT id FROM contacts WHERE account_id = $1 AND email = 'goes@queue.test'")
        await tx.run(BY[reason], gone)
    await post.run()
    assert post.sink.recipients == ["stays@queue.test"]
    states = await post.states(campaign)
    assert states.get("goes@queue.test", states.get(str(gone))) == ("skipped", reason)
    assert await post.status(campaign) == "sent"


@pytest.mark.req("D-45", "S1")
@pytest.mark.parametrize("reason", BY)
async def test_whoever_falls_out_after_the_mail_was_made_gets_nothing(
    post: Post, people: People, reason: str
) -> None:
    """Claimed and rendered already: the statement that begins the hand-over looks again."""
    listed = await people("goes@claim.test")
    campaign = await post.campaign([listed])
    await post.prepared(campaign)
    async with post.tx() as tx:
        month = await tx.value("SELECT month FROM campaigns WHERE account_id = $1 AND id = $2", campaign)
        turn = Turn(campaign, month, 0)
        [row] = await claims.claim(tx, turn)
        maker = await personal.maker(tx, post.services, campaign)
    assert row.person is not None
    ready = claims.Ready(contact_id=row.contact_id, person=row.person, tracking=maker.tracking(row.person))
    async with post.tx() as tx:
        await tx.run(BY[reason], row.contact_id)
    async with post.tx() as tx:
        assert await claims.step(tx, turn, [], [ready]) == set()
    assert list((await post.states(campaign)).values()) == [("skipped", reason)]


@pytest.mark.req("B-28", "S1", "S5")
async def test_hand_over_lets_through_only_the_list_that_the_person_came_back_to(
    post: Post, people: People
) -> None:
    """Frozen before the stop: what the audience knew no longer counts."""
    back, other = await people("ana@back.test"), await people()
    async with post.tx() as tx:
        await tx.run(
            """
            INSERT INTO subscriptions (account_id, list_id, contact_id, status, legal_basis)
            SELECT account_id, $2, id, 'active', 'consent' FROM contacts WHERE account_id = $1
            """,
            other,
        )
    first, second = await post.campaign([back]), await post.campaign([other])
    await post.prepared(first)
    await post.prepared(second)
    async with post.tx() as tx:
        await tx.run(
            """
            INSERT INTO suppressions (account_id, address_hash, reason, returned_to)
            SELECT account_id, address_hash, 'unsubscribed', ARRAY[$2::bigint] FROM contacts WHERE account_id = $1
            """,
            back,
        )
    await post.run()
    assert await post.states(first) == {"ana@back.test": ("delivered", "")}
    assert await post.states(second) == {"ana@back.test": ("skipped", "suppressed")}


@pytest.mark.req("B-20", "A-101")
async def test_a_service_message_still_reaches_who_is_here_for_service(post: Post, people: People) -> None:
    listed = await people("buyer@queue.test")
    campaign = await post.campaign([listed], kind="service")
    await post.prepared(campaign)
    async with post.tx() as tx:
        await tx.run("UPDATE subscriptions SET legal_basis = 'service' WHERE account_id = $1")
    await post.run()
    assert post.sink.recipients == ["buyer@queue.test"]


@pytest.mark.req("B-36", "B-42")
@pytest.mark.parametrize("change", ["opens = 'denied'", "clicks = 'denied'", "email = 'new@claim.test'"])
async def test_a_choice_made_after_the_mail_was_made_counts(post: Post, people: People, change: str) -> None:
    listed = await people("ana@claim.test", tracked=True)
    campaign = await post.campaign([listed])
    await post.prepared(campaign)
    async with post.tx() as tx:
        month = await tx.value("SELECT month FROM campaigns WHERE account_id = $1 AND id = $2", campaign)
        turn = Turn(campaign, month, 0)
        [row] = await claims.claim(tx, turn)
        assert row.person is not None
        maker = await personal.maker(tx, post.services, campaign)
        ready = claims.Ready(
            contact_id=row.contact_id, person=row.person, tracking=maker.tracking(row.person)
        )
        await tx.run(f"UPDATE contacts SET {change} WHERE account_id = $1")
        assert await claims.step(tx, turn, [], [ready]) == set()
    assert [status for status, _ in (await post.states(campaign)).values()] == ["queued"]
    await post.run()
    [mail] = post.sink.accepted
    tracked = [pattern for pattern in ("/t/o/", "/t/c/") if pattern in _html(mail.message)]
    assert (
        tracked
        == {"opens": ["/t/c/"], "clicks": ["/t/o/"], "email": ["/t/o/", "/t/c/"]}[
            change.split(" ", maxsplit=1)[0]
        ]
    )


def _html(message: object) -> str:
    part = message.get_body(("html",))  # type: ignore[attr-defined]
    return str(part.get_content())


@pytest.mark.req("A-012", "B-30", "B-35", "B-36", "B-44")
async def test_without_consent_the_mail_is_the_same_less_the_measuring(post: Post, people: People) -> None:
    listed = await people("quiet@mime.test")
    async with post.tx() as tx:
        await post.make.contact(tx, "open@mime.test", list_id=listed, tracked=True)
    campaign = await post.campaign([listed])
    await post.run()
    quiet, measured = (post.sink.to(who)[0].message for who in ("quiet@mime.test", "open@mime.test"))
    plain = _html(quiet)
    assert 'href="https://boutique.test/pain?a=1&amp;b=2"' in plain
    assert 'href="https://boutique.test/Ana"' in plain
    assert "/t/c/" not in plain
    assert "/t/o/" not in plain
    assert "/t/c/" not in quiet.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    shown = _html(measured)
    clicks = list(re.findall(r"/t/c/([\w-]+)", shown))
    tokens = [post.services.tokens.read_campaign(Purpose.CLICK, token) for token in clicks]
    assert {token.url for token in tokens} == {"", "https://boutique.test/Ana"}
    assert {token.campaign_id for token in tokens} == {campaign}
    [pixel] = re.findall(r"<img[^>]*/t/o/[\w-]+[^>]*>", shown)
    stripped = _without_tokens(shown.replace(pixel, ""))
    stripped = stripped.replace("LINK", "https://boutique.test/pain?a=1&amp;b=2", 1)
    stripped = stripped.replace("LINK", "https://boutique.test/Ana", 1)
    assert stripped == _without_tokens(plain)
    async with post.tx() as tx:
        flags = await tx.rows(
            """
            SELECT c.email, d.opens, d.clicks FROM deliveries d
            JOIN contacts c ON c.account_id = d.account_id AND c.id = d.contact_id
            WHERE d.account_id = $1 AND d.campaign_id = $2
            """,
            campaign,
        )
    assert sorted(flags) == [("open@mime.test", True, True), ("quiet@mime.test", False, False)]


def _without_tokens(html: str) -> str:
    html = re.sub(r"http://localhost:\d+/t/c/[\w-]+", "LINK", html)
    return re.sub(r"/t/(unsubscribe|preferences|tracking|rights|view)/[\w-]+", r"/t/\1/TOKEN", html)


@pytest.mark.req("A-101", "D-47", "B-32")
async def test_service_mail_carries_no_list_headers_and_measures_nobody(post: Post, people: People) -> None:
    listed = await people("ana@service.test", tracked=True)
    await post.campaign([listed], kind="service")
    await post.run()
    message = post.sink.accepted[0].message
    assert not [name for name in message if name.lower().startswith("list-")]
    assert "/t/o/" not in _html(message)
    assert "/t/c/" not in _html(message)


async def test_a_mail_that_cannot_be_made_fails_alone(post: Post, people: People) -> None:
    listed = await people("ana@fine.test", "broken@fine.test")
    async with post.tx() as tx:
        await tx.run(
            "UPDATE contacts SET email = E'bro\\nken@fine.test' WHERE account_id = $1 AND email = 'broken@fine.test'"
        )
    campaign = await post.campaign([listed])
    await post.run()
    assert post.sink.recipients == ["ana@fine.test"]
    assert (await post.states(campaign))["bro\nken@fine.test"] == ("failed", "address")
    assert await post.status(campaign) == "sent"


@pytest.mark.req("S12", "S13")
async def test_the_frozen_content_is_what_leaves_and_is_sealed(post: Post, people: People) -> None:
    listed = await people("ana@frozen.test")
    campaign = await post.campaign([listed], subject="Kanarienvogel 7391")
    await post.prepared(campaign)
    async with post.tx() as tx:
        await tx.run(
            "UPDATE campaigns SET subject = 'Autre', source = '' WHERE account_id = $1 AND id = $2", campaign
        )
        [(sealed,)] = await tx.rows(
            "SELECT sealed FROM revisions WHERE account_id = $1 AND campaign_id = $2", campaign
        )
    assert b"Kanarienvogel" not in sealed
    await post.run()
    assert post.sink.accepted[0].message["Subject"] == "Kanarienvogel 7391"
