"""Pages of transactional messages: the first one's curl line, a list, a detail with its reason, one more try."""

import html as markup
import re
import shlex

import pytest

from mailer.core.services import Services
from tests.client import Client
from tests.smtp_server import DIE
from tests.transactional.conftest import Counter


async def _visitor(counter: Counter, language: str = "en") -> Client:
    return await counter.make.signed_in(counter.account.owner_id, language=language)


async def test_the_empty_page_says_how_and_its_line_works(counter: Counter) -> None:
    owner = await _visitor(counter)
    page = await owner.get(f"{counter.account.app}/messages")
    assert page.status == 200
    line = markup.unescape(re.search(r'<pre id="first-message"[^>]*>(.+?)</pre>', page.text, re.S)[1])  # type: ignore[index]
    words = shlex.split(line.replace("\\\n", " "))
    headers = [words[n + 1].split(": ", 1) for n, word in enumerate(words) if word == "-H"]
    given = {name: value.replace("$KEY", counter.program.key) for name, value in headers}
    body = words[words.index("-d") + 1]
    path = "/" + words[words.index("POST") + 1].split("/", 3)[3]
    answer = await counter.program.post(path, data=body, headers=given)
    assert answer.status == 202, answer.text


@pytest.mark.req("A-101")
@pytest.mark.parametrize(
    ("language", "words"), [("fr", "La boîte a refusé le message"), ("en", "The mailbox refused the message")]
)
async def test_list_and_detail_say_who_and_why(counter: Counter, language: str, words: str) -> None:
    counter.sink.rcpt = {"ana@example.test": "552 5.2.2 mailbox full"}
    message_id = (await counter.ask()).json()["id"]
    await counter.ask(to={"email": "bo@example.test"})
    await counter.run()
    owner = await _visitor(counter, language)
    listed = await owner.get(f"{counter.account.app}/messages")
    assert "ana@example.test" in listed.text
    assert "bo@example.test" in listed.text
    bounced = await owner.get(f"{counter.account.app}/messages?status=bounced&to=ana@example.test")
    assert "bo@example.test" not in bounced.text
    shown = await owner.get(f"{counter.account.app}/messages/{message_id}")
    assert words in shown.text
    assert "552" in shown.text
    assert "/resends" not in shown.text
    none = await owner.get(f"{counter.account.app}/messages?to=nobody@example.test")
    assert none.status == 200
    assert "ana@example.test" not in none.text
    assert (await owner.get(f"{counter.account.app}/messages?to=nobody")).status == 422


@pytest.mark.req("D-22", "S1")
async def test_a_doubt_is_sent_again_by_one_press(counter: Counter) -> None:
    counter.sink.end = DIE
    message_id = (await counter.ask()).json()["id"]
    await counter.run()
    owner = await _visitor(counter)
    place = f"{counter.account.app}/messages/{message_id}"
    assert f'action="{place}/resends"' in (await owner.get(place)).text
    counter.sink.end = "250 Ok"
    assert (await owner.post(f"{place}/resends")).location == place
    await counter.run()
    page = await owner.get(place)
    assert "The message leaves again." in page.text
    assert len(counter.sink.to("ana@example.test")) == 1
    assert (await owner.post(f"{place}/resends")).status == 303
    assert "Only a message in doubt" in (await owner.get(place)).text
    analyst_id, _ = await counter.make.user(counter.account.id, "analyst")
    analyst = await counter.make.signed_in(analyst_id)
    assert (await analyst.post(f"{place}/resends")).status == 403


@pytest.mark.req("A-001")
async def test_after_six_days_only_the_fact_is_shown(counter: Counter, services: Services) -> None:
    message_id = (await counter.ask()).json()["id"]
    await counter.run()
    async with services.db.account(counter.account.id) as tx:
        await tx.run(
            "UPDATE messages SET key_day = NULL, envelope = NULL, content = NULL WHERE account_id = $1"
        )
    owner = await _visitor(counter)
    for place in ("", f"/{message_id}"):
        page = await owner.get(f"{counter.account.app}/messages{place}")
        assert page.status == 200
        assert "Erased" in page.text
        assert "ana@example.test" not in page.text
    assert (await counter.show(message_id))["to"] is None
