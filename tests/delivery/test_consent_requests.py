"""Mails that ask for measurement: to whom, how often, what they hold, and what an answer does (B-36 to B-40)."""

import re

import pytest

from mailer.core.errors import Invalid
from mailer.core.tokens import RecipientToken
from sending import campaign_checks, campaign_segments, campaigns, consent_requests
from sending.consent_requests import NewRequest
from tests.client import Client
from tests.delivery.conftest import People, Post
from tests.delivery.test_measurement import parts, path, pixels, rows, three

ASKED = "SELECT purpose, act, count(*)::int FROM consents WHERE account_id = $1 GROUP BY 1, 2 ORDER BY 1, 2"


async def request(post: Post, listed: int, language: str = "fr") -> int:
    """A draft that asks, with a confirmed sender."""
    async with post.tx() as tx:
        await tx.run(
            """
            INSERT INTO senders (account_id, email, address_key, name, status)
            VALUES ($1, $2, $2, 'Atelier du Pain', 'confirmed')
            ON CONFLICT (account_id, address_key) DO NOTHING
            """,
            f"bonjour@pain-{post.account.id}.test",
        )
        new = NewRequest(list_ids=[listed], language=language)  # type: ignore[arg-type]
        made = await consent_requests.begin(tx, new, processor="Courrier & Fils")
        return made.id


async def leave(post: Post, campaign_id: int) -> None:
    """As `sends.schedule` does it, without its minute."""
    from mailer.core import work

    async with post.tx() as tx:
        await tx.run(
            "UPDATE campaigns SET status = 'scheduled' WHERE account_id = $1 AND id = $2", campaign_id
        )
        await work.add(tx, "sending.prepare", campaign_id)
    await post.run()


async def notes(post: Post, campaign_id: int) -> None:
    """The ledger is written on when the campaign has ended."""
    from mailer.core.work import Task

    await consent_requests.note(post.services, Task(post.account.id, consent_requests.JOB, campaign_id, 0, 1))


async def say(post: Post, email: str, act: str, purpose: str, *, ago: str) -> None:
    """A line of the ledger of that age."""
    async with post.tx() as tx:
        await tx.run(
            """
            INSERT INTO consents (account_id, contact_id, address_hash, purpose, act, at, method)
            SELECT account_id, id, address_hash, $3, $4, now() - $5::text::interval, 'link'
            FROM contacts WHERE account_id = $1 AND email = $2
            """,
            email,
            purpose,
            act,
            ago,
        )


@pytest.mark.req("B-38")
@pytest.mark.parametrize("language", ["fr", "en"])
async def test_the_ready_mail_asks_and_measures_nothing(post: Post, people: People, language: str) -> None:
    listed = await three(post, people)
    campaign = await request(post, listed, language)
    await leave(post, campaign)
    assert sorted(post.sink.recipients) == ["denied@modes.test", "unknown@modes.test"]
    html = parts(post, "unknown")
    assert pixels(html) == []
    assert re.findall(r"<img", html) == []
    assert not re.search(r"/t/[cod]/", post.sink.to("unknown@modes.test")[0].raw.decode())
    addresses = set(re.findall(r'href="[^"]*(/t/\w+)/', html))
    assert addresses == {"/t/tracking", "/t/unsubscribe", "/t/preferences", "/t/rights"}
    assert "Courrier &amp; Fils" in html
    subject = str(post.sink.to("unknown@modes.test")[0].message["Subject"])
    assert subject.startswith("Atelier du Pain")
    assert "@@" not in html + subject
    assert "{{" not in html + subject
    [(opens, clicks)] = await rows(
        post, "SELECT opens_mode, clicks_mode FROM campaigns WHERE account_id = $1"
    )
    assert (opens, clicks) == ("off", "off")


@pytest.mark.req("B-39")
async def test_silence_is_a_no_that_holds_for_six_months(post: Post, people: People) -> None:
    listed = await people("ana@modes.test")
    first = await request(post, listed)
    await leave(post, first)
    assert post.sink.recipients == ["ana@modes.test"]
    # while the ledger does not know it yet, and afterwards
    for _ in range(2):
        again = await request(post, listed)
        await leave(post, again)
        assert post.sink.recipients == ["ana@modes.test"]
        assert (await post.status(again)) == "paused"
        await notes(post, first)
    await notes(post, first)
    assert await rows(post, ASKED) == [("clicks", "asked", 1), ("opens", "asked", 1)]
    [(state,)] = await rows(post, "SELECT opens FROM contacts WHERE account_id = $1")
    assert state == "unknown"


@pytest.mark.req("B-39")
@pytest.mark.parametrize(
    ("act", "purpose", "ago", "asked"),
    [
        ("denied", "opens", "6 months -1 day", False),
        ("denied", "opens", "6 months 1 day", True),
        ("denied", "clicks", "1 hour", False),
        ("asked", "clicks", "6 months -1 hour", False),
        ("asked", "opens", "6 months 1 hour", True),
        # an answer about mail, or a yes, is no refusal of measurement
        ("asked", "mail", "1 hour", True),
        ("withdrawn", "mail", "1 hour", True),
        ("granted", "clicks", "1 hour", True),
    ],
)
async def test_the_clock_of_asking_again(
    post: Post, people: People, act: str, purpose: str, ago: str, asked: bool
) -> None:
    listed = await people("ana@modes.test")
    await say(post, "ana@modes.test", act, purpose, ago=ago)
    await leave(post, await request(post, listed))
    assert post.sink.recipients == (["ana@modes.test"] if asked else [])


@pytest.mark.req("B-39", "B-28")
async def test_a_no_outlives_the_contact_that_said_it(post: Post, people: People) -> None:
    listed = await people("ana@modes.test")
    await say(post, "ana@modes.test", "denied", "opens", ago="1 month")
    async with post.tx() as tx:
        await tx.run("DELETE FROM contacts WHERE account_id = $1")
        await post.make.contact(tx, "ana@modes.test", list_id=listed)
    await leave(post, await request(post, listed))
    assert post.sink.recipients == []


@pytest.mark.req("B-39")
async def test_freezing_holds_the_six_months_whatever_the_segments_say(post: Post, people: People) -> None:
    listed = await people("ana@modes.test", "zoe@modes.test")
    await say(post, "ana@modes.test", "denied", "opens", ago="1 month")
    campaign = await request(post, listed)
    async with post.tx() as tx:
        report = await campaign_checks.run(tx, post.services, campaign)
        assert report.counts.result == 1
        assert "segment" not in {check.code for check in report.group("blocking")}
        await campaign_segments.choose(tx, campaign, include=[], exclude=[])
        report = await campaign_checks.run(tx, post.services, campaign)
        assert "segment" in {check.code for check in report.group("blocking")}
    await leave(post, campaign)
    assert post.sink.recipients == ["zoe@modes.test"]


@pytest.mark.req("B-38")
async def test_a_request_without_its_link_or_with_a_foreign_image_is_refused(
    post: Post, people: People
) -> None:
    campaign = await request(post, await people("ana@modes.test"))
    origin = post.services.settings.track_url
    async with post.tx() as tx:
        report = await campaign_checks.run(tx, post.services, campaign)
        assert [check for check in report.checks if check.code == "measurement"] == []
        source = (await campaigns.show(tx, campaign)).source
    for wrong in (
        source.replace("{{ tracking_url }}", "https://pain.test/"),
        source.replace("</mj-column>", '<mj-image src="https://pixel.test/a.gif" alt="" /></mj-column>', 1),
        source.replace(
            "</mj-column>", f'<mj-image src="{origin}/t/img/{{{{ contact.email }}}}" alt="" /></mj-column>', 1
        ),
    ):
        async with post.tx() as tx:
            await campaigns.write_content(tx, campaign, "mjml", wrong)
            report = await campaign_checks.run(tx, post.services, campaign)
        assert "measurement" in {check.code for check in report.group("blocking")}, wrong[-400:]


@pytest.mark.req("B-38", "B-36", "B-25")
async def test_only_a_press_is_an_answer_and_its_words_are_kept(
    post: Post, people: People, client: Client
) -> None:
    listed = await people("ana@modes.test")
    await leave(post, await request(post, listed, "en"))
    link = re.findall(r'href="([^"]*/t/tracking/[\w-]+)"', parts(post, "ana"))[0]
    page = await client.get(path(link))
    assert page.status == 200
    assert " checked" not in page.text
    for method in ("GET", "HEAD"):
        await client.ask(method, path(link))
    assert (await client.post(path(link), data={"do": "save"})).status == 303
    state = "SELECT opens, clicks FROM contacts WHERE account_id = $1"
    assert await rows(post, state) == [("unknown", "unknown")]
    assert (await client.post(path(link), data={"do": "save", "clicks": "yes"})).status == 303
    assert await rows(post, state) == [("unknown", "granted")]
    proof = """
        SELECT p.purpose, p.act, p.method, w.version, w.text FROM consents p
        JOIN wordings w ON w.account_id = $1 AND w.id = p.wording_id
        WHERE p.account_id = $1
    """
    [(purpose, act, method, version, text)] = await rows(post, proof)
    assert (purpose, act, method, version) == ("clicks", "granted", "link", 1)
    assert "Clicks: which links you follow." in str(text)


@pytest.mark.req("B-40", "B-28")
async def test_a_refusal_is_one_press_from_the_choice_and_from_the_preferences(
    post: Post, people: People, client: Client
) -> None:
    listed = await people("ana@modes.test", tracked=True)
    async with post.tx() as tx:
        [(contact, hashed)] = await tx.rows("SELECT id, address_hash FROM contacts WHERE account_id = $1")
    links = post.services.tokens
    from mailer.core.links import Links

    made = Links(links, post.services.settings.track_url)
    who = RecipientToken(post.account.id, listed, contact, hashed)
    for link, press in ((made.tracking(who), "refuse"), (made.preferences(who), "unmeasured")):
        async with post.tx() as tx:
            await tx.run("UPDATE contacts SET opens = 'granted', clicks = 'granted' WHERE account_id = $1")
        page = await client.get(path(link))
        assert f'value="{press}"' in page.text
        assert (await client.post(path(link), data={"do": press})).status == 303
        assert await rows(post, "SELECT opens, clicks FROM contacts WHERE account_id = $1") == [
            ("denied", "denied")
        ]
        assert await rows(post, "SELECT status FROM subscriptions WHERE account_id = $1") == [("active",)]


@pytest.mark.req("B-40", "B-39")
async def test_a_no_is_heard_after_the_contact_is_gone(post: Post, people: People, client: Client) -> None:
    listed = await people("ana@modes.test")
    async with post.tx() as tx:
        [(contact, hashed)] = await tx.rows("SELECT id, address_hash FROM contacts WHERE account_id = $1")
        await tx.run("DELETE FROM contacts WHERE account_id = $1")
    from mailer.core.links import Links

    who = RecipientToken(post.account.id, listed, contact, hashed)
    link = path(Links(post.services.tokens, post.services.settings.track_url).tracking(who))
    before = await client.get(link + "?lang=en")
    assert "nothing is measured" in before.text
    assert (await client.post(link + "?lang=en", data={"do": "refuse"})).status == 303
    after = await client.get(link + "?lang=en")
    assert "Noted: opens no, clicks no." in after.text
    async with post.tx() as tx:
        await post.make.contact(tx, "ana@modes.test", list_id=listed)
    await leave(post, await request(post, listed))
    assert post.sink.recipients == []


@pytest.mark.req("E-02")
async def test_a_list_of_nobodys_is_refused(post: Post) -> None:
    with pytest.raises(Invalid):
        await request(post, 2**40)
