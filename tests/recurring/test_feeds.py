"""A recurring campaign of what is new in a feed, read from a server of our own."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from aiohttp import web

from mailer.core import clock
from mailer.core.errors import Invalid
from mailer.web.outgoing import Outcome, Wall, calling
from sending import campaigns, feeds, footer, recurrences, revisions, sends
from sending.recurrences import Plan
from tests.make import Make
from tests.recurring.conftest import Begin, Trial
from tests.recurring.test_recurrence_pages import FORM

SOURCE = str(
    footer.add_footer(
        """<mjml><mj-body><mj-section><mj-column>
<mj-text>Bonjour {{ contact.first_name | default("vous") }}</mj-text>
{% for item in items %}<mj-text><h2>{{ item.title }}</h2>
<p>{{ item.summary }}</p><p><a href="{{ item.link }}">Lire {{ item.title }}</a></p></mj-text>{% endfor %}
</mj-column></mj-section></mj-body></mjml>""",
        language="fr",
    )
)


@dataclass
class Server:
    """Serves a feed of these titles; `status` other than 200 fails. `seen`: the headers of each request."""

    url: str = ""
    titles: list[str] = field(default_factory=list)
    status: int = 200
    body: bytes | None = None
    seen: list[dict[str, str]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(dict(request.headers))
        if request.path == "/away":
            raise web.HTTPFound("/feed.xml")
        if request.path == "/inside":
            raise web.HTTPFound("http://169.254.169.254/latest/")
        if request.path == "/loop":
            raise web.HTTPFound("/loop")
        etag = f'"{len(self.titles)}"'
        if self.status != 200:
            return web.Response(status=self.status)
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304)
        items = "".join(
            f"<item><title>{title}</title><link>https://journal.example/{n}</link><guid>{n}</guid></item>"
            for n, title in enumerate(self.titles)
        )
        text = f"<rss version='2.0'><channel>{items}</channel></rss>".encode()
        return web.Response(
            body=self.body or text, headers={"ETag": etag}, content_type="application/rss+xml"
        )


@pytest.fixture
async def journal(unused_tcp_port: int) -> AsyncIterator[Server]:
    found = Server(url=f"http://127.0.0.1:{unused_tcp_port}/feed.xml", titles=["Ancien"])
    app = web.Application()
    app.router.add_get("/{tail:.*}", found.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()
    yield found
    await runner.cleanup()


async def planned(trial: Trial, journal: Server, **given: object) -> None:
    plan = Plan.model_validate({"every": "day", "at": "09:00", "feed_url": journal.url} | given)
    found = await feeds.first_look(trial.post.services, plan.feed_url)
    async with trial.post.tx() as tx:
        await recurrences.put(tx, trial.post.services, trial.campaign_id, plan, found)


async def due(trial: Trial) -> None:
    await trial.at((await trial.show()).next_at or clock.now())


async def mail(trial: Trial, campaign_id: int | None) -> str:
    async with trial.post.tx() as tx:
        content = await revisions.draft(tx, trial.post.services.settings, campaign_id or 0)
    return content.html


async def test_only_what_is_new_makes_an_edition_and_nothing_new_makes_none(
    begin: Begin, journal: Server
) -> None:
    trial = await begin(source=SOURCE)
    await planned(trial, journal)
    await due(trial)
    assert [one.result for one in await trial.editions()] == ["nothing_new"]
    # not modified: the server was not asked for the whole
    assert journal.seen[-1]["If-None-Match"] == '"1"'
    journal.titles = ["Ancien", "Seigle &amp;lt;b&amp;gt; {{ contact.email }}", "Épeautre"]
    await due(trial)
    edition = (await trial.editions())[0]
    assert (edition.result, edition.number, edition.faults) == ("scheduled", 1, [])
    html = await mail(trial, edition.campaign_id)
    assert "Ancien" not in html
    assert ("Épeautre" in html, "https://journal.example/2" in html) == (True, True)
    assert "{\u200b{\u200b contact.email }}" in html
    await due(trial)
    assert [one.result for one in await trial.editions()] == ["nothing_new", "scheduled", "nothing_new"]
    clock.shift(timedelta(0))
    async with trial.post.tx() as tx:
        await sends.leave_now(tx, edition.campaign_id or 0)
    await trial.post.run()
    assert await trial.post.status(edition.campaign_id or 0) == "sent"
    assert len(trial.post.sink.accepted) == 3


async def test_the_archive_is_mailed_only_when_asked(begin: Begin, journal: Server) -> None:
    trial = await begin(source=SOURCE)
    await planned(trial, journal, feed_all=True)
    await due(trial)
    [edition] = await trial.editions()
    assert "Ancien" in await mail(trial, edition.campaign_id)
    # the plan is saved again: what was sent stays sent
    await planned(trial, journal, at="10:00", feed_all=True)
    await due(trial)
    assert [one.result for one in await trial.editions()] == ["nothing_new", "scheduled"]


async def test_a_feed_that_fails_is_tried_again_and_says_why(begin: Begin, journal: Server) -> None:
    trial = await begin(source=SOURCE)
    await planned(trial, journal)
    first = (await trial.show()).next_at
    assert first
    journal.status = 503
    await trial.at(first)
    assert await trial.editions() == []
    assert ((await trial.show()).feed_error, (await trial.show()).next_at) == ("refused", first)
    journal.status, journal.titles = 200, ["Ancien", "Nouveau"]
    await trial.at(first + timedelta(hours=1))
    [edition] = await trial.editions()
    assert (edition.due_at, edition.result, (await trial.show()).feed_error) == (first, "scheduled", "")
    journal.status = 410
    second = (await trial.show()).next_at
    assert second
    await trial.at(second)
    await trial.at(second + timedelta(hours=13))
    assert (await trial.editions())[0].result == "missed"
    assert (await trial.show()).feed_error == "gone"


async def test_an_edition_that_the_checks_stop_leaves_its_items_new(begin: Begin, journal: Server) -> None:
    trial = await begin(source=SOURCE)
    await planned(trial, journal)
    journal.titles = ["Ancien", "Nouveau"]
    async with trial.post.tx() as tx:
        await tx.run("UPDATE senders SET status = 'revoked' WHERE account_id = $1")
    await due(trial)
    assert [one.result for one in await trial.editions()] == ["blocked"]
    async with trial.post.tx() as tx:
        await tx.run("UPDATE senders SET status = 'confirmed' WHERE account_id = $1")
        await recurrences.resume(tx, trial.post.services, trial.campaign_id)
    await due(trial)
    edition = (await trial.editions())[0]
    assert edition.result == "scheduled"
    assert "Nouveau" in await mail(trial, edition.campaign_id)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html><body>Bonjour</body></html>", "This is no RSS or Atom feed."),
        (b'<!DOCTYPE rss [<!ENTITY a "b">]><rss/>', "The feed declares entities of its own"),
        (b"<rss>" + b" " * 2_000_001 + b"</rss>", "The feed is larger than 2 MB."),
    ],
    ids=["page", "entities", "large"],
)
@pytest.mark.req("E-55")
async def test_a_feed_that_cannot_be_read_is_refused_at_its_field(
    begin: Begin, make: Make, journal: Server, body: bytes, words: str
) -> None:
    trial = await begin(source=SOURCE)
    owner = await make.signed_in(trial.ready.account.owner_id)
    journal.body = body
    answer = await owner.post(f"{trial.ready.page}/recurrence", FORM | {"feed_url": journal.url})
    assert (answer.status, words in answer.text, 'id="feed_url-error"' in answer.text) == (422, True, True)


async def test_the_page_takes_a_feed_and_the_preview_shows_its_items(
    begin: Begin, make: Make, journal: Server
) -> None:
    trial = await begin(source=SOURCE)
    owner = await make.signed_in(trial.ready.account.owner_id)
    checks = await owner.get(f"{trial.ready.page}/checks")
    assert "this campaign has none" in checks.text
    place = f"{trial.ready.page}/recurrence"
    assert (await owner.post(place, FORM | {"feed_url": "https://10.0.0.1/x"})).status == 422
    assert (await owner.post(place, FORM | {"feed_url": journal.url})).location == place
    shown = (await owner.get(place)).text
    assert "<li>Ancien</li>" in shown
    assert f'value="{journal.url}"' in shown
    assert "Ancien" in await mail(trial, trial.campaign_id)
    assert "this campaign has none" not in (await owner.get(f"{trial.ready.page}/checks")).text
    async with trial.post.tx() as tx:
        assert "{% for item in items %}" in (await campaigns.show(tx, trial.campaign_id)).source


@pytest.mark.req("E-54")
async def test_redirects_are_few_and_each_meets_the_wall(journal: Server) -> None:
    base = journal.url.removesuffix("/feed.xml")
    async with calling(Wall(local=True), connections=1) as caller:
        found = [
            (await caller.get(base + path, {}, most_bytes=1000)).outcome
            for path in ("/feed.xml", "/away", "/inside", "/loop")
        ]
    assert found == [Outcome.ACCEPTED, Outcome.ACCEPTED, Outcome.NOT_ALLOWED, Outcome.REDIRECTED]
    async with calling(Wall(), connections=1) as caller:
        assert (await caller.get(journal.url, {}, most_bytes=1000)).outcome == Outcome.NOT_ALLOWED


async def test_a_block_without_a_feed_cannot_be_sent(begin: Begin) -> None:
    trial = await begin(source=SOURCE)
    async with trial.post.tx() as tx:
        with pytest.raises(Invalid) as refused:
            await sends.schedule(tx, trial.post.services, trial.campaign_id, sends.Order())
    assert [one.code for one in refused.value.faults] == ["feed"]
