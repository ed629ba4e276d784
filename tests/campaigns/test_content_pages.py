"""Letter, code editor, versions and preview: what people write is kept, shown as one person gets it, runs nowhere."""

import html
import re
from collections.abc import Awaitable, Callable
from email import message_from_bytes
from email.policy import default

import pytest

from mailer.core import outbox
from mailer.core.services import Services
from sending import campaigns, letter_form, merge, sources, test_mail, test_sends
from tests.campaigns.conftest import MJML, Ready
from tests.make import Make

Build = Callable[..., Awaitable[Ready]]


def version(text: str) -> str:
    return re.search(r'name="version" value="(\d+)"', text)[1]


async def frame_of(person, page: str, query: str = "") -> str:
    """The path under /t that the preview frame shows."""
    answer = await person.get(f"{page}/preview/frame{query}")
    assert answer.status == 303
    return "/t/" + answer.location.partition("/t/")[2]


async def test_a_letter_is_built_by_submit_buttons(ready: Build, make: Make) -> None:
    found = await ready()
    owner = await make.signed_in(found.account.owner_id)
    await owner.post(f"{found.page}/starts", {"begin": "letter"})
    page = f"{found.page}/content"

    async def press(form: dict[str, str], act: str) -> list[dict]:
        shown = await owner.get(page)
        answer = await owner.post(page, form | {"act": act, "version": version(shown.text), "footer": "true"})
        assert answer.status == 303
        async with make.services.db.account(found.account.id) as tx:
            stored = await campaigns.show(tx, found.campaign.id)
        return sources.letter_values(stored.source)["blocks"]

    one = {"b0-kind": "paragraph", "b0-text": "Le **seigle**"}
    assert await press(one, "add-heading") == [
        {"kind": "paragraph", "text": "Le **seigle**"},
        {"kind": "heading", "text": ""},
    ]
    two = one | {"b1-kind": "heading", "b1-text": "Pain"}
    assert [block["kind"] for block in await press(two, "up-1")] == ["heading", "paragraph"]
    swapped = {"b0-kind": "heading", "b0-text": "Pain", "b1-kind": "paragraph", "b1-text": "Le **seigle**"}
    assert [block["kind"] for block in await press(swapped, "down-0")] == ["paragraph", "heading"]
    assert await press(two, "delete-0") == [{"kind": "heading", "text": "Pain"}]
    assert await press(two, "delete-7") == await press(two, "nonsense")
    shown = await owner.get(page)
    empty = await owner.post(
        page, {"b0-kind": "paragraph", "b0-text": "", "version": version(shown.text), "footer": "true"}
    )
    assert empty.status == 422
    assert "Block 1: write the text." in empty.text
    shown = await owner.get(page)
    done = await owner.post(page, one | {"version": version(shown.text), "footer": "true"})
    assert done.location == f"{found.page}/checks"
    framed = await owner.get(await frame_of(owner, found.page))
    assert "<strong>seigle</strong>" in framed.text


def test_a_letter_keeps_what_it_is_given_through_its_form() -> None:
    form = {
        "b0-kind": "image", "b0-src": "https://x.test/a.png", "b0-alt": "Un pain", "b0-href": "", "b0-width": "200",
        "b1-kind": "button", "b1-text": "Voir", "b1-href": "https://x.test/", "b2-kind": "divider", "b4-kind": "heading",
    }  # fmt: skip
    stored = sources.letter_values(letter_form.read(form))
    assert stored == {
        "blocks": [
            {"kind": "image", "src": "https://x.test/a.png", "alt": "Un pain", "width": 200},
            {"kind": "button", "text": "Voir", "href": "https://x.test/"},
            {"kind": "divider"},
        ],
        "footer": False,
    }
    made = sources.read_letter(sources.Source("letter", letter_form.read(form), "fr"))
    assert not isinstance(made, list)


async def test_code_is_kept_with_its_faults_and_tells_their_lines(ready: Build, make: Make) -> None:
    found = await ready()
    owner = await make.signed_in(found.account.owner_id)
    page = f"{found.page}/content"
    wrong = "\n\n" + MJML.replace("contact.first_name", "contact.prenom")
    shown = await owner.get(page)
    saved = await owner.post(page, {"source": wrong, "version": version(shown.text), "act": "check"})
    assert saved.location == page
    again = await owner.get(page)
    assert ">Line 9</a>" in again.text
    assert "first_name" in again.text
    checked = await owner.post(f"{page}/checks", {"source": wrong})
    problems = checked.json()
    assert "to fix" in problems["summary"]
    assert (9, "error") in [(one["line"], one["severity"]) for one in problems["problems"]]
    fine = (await owner.post(f"{page}/checks", {"source": MJML})).json()
    assert not [one for one in fine["problems"] if one["line"] == 7 and one["severity"] == "error"]
    footed = await owner.post(page, {"source": MJML, "version": version(again.text), "act": "footer"})
    assert footed.status == 303
    assert "unsubscribe_url" in (await owner.get(page)).text


async def test_two_people_never_overwrite_each_other(ready: Build, make: Make) -> None:
    found = await ready()
    owner = await make.signed_in(found.account.owner_id)
    page = f"{found.page}/content"
    old = version((await owner.get(page)).text)
    mine, theirs = MJML.replace("seigle", "froment"), MJML.replace("seigle", "épeautre")
    headers = {"X-Autosave": "1"}
    first = await owner.ask(
        "POST", page, data={"csrf": owner.csrf, "source": theirs, "version": old}, headers=headers
    )
    assert first.json() == {"version": int(old) + 1}
    second = await owner.post(page, {"source": mine, "version": old})
    assert second.status == 409
    assert "froment" in second.text
    assert "épeautre" in second.text
    async with make.services.db.account(found.account.id) as tx:
        assert (await campaigns.show(tx, found.campaign.id)).source == theirs
    wanted = await owner.post(page, {"source": mine, "version": version(second.text)})
    assert wanted.status == 303
    setup = await owner.get(f"{found.page}/setup")
    form = {
        "name": "Pain",
        "kind": "newsletter",
        "sender_id": found.sender_id,
        "reply_to": "",
        "language": "fr",
    }
    late = await owner.post(
        f"{found.page}/setup",
        form | {"subject": "Mien", "preheader": "", "version": int(version(setup.text)) - 1},
    )
    assert late.status == 409
    assert 'value="Mien"' in late.text
    assert "Le pain de la semaine" in late.text


@pytest.mark.req("E-04", "E-03")
async def test_the_preview_is_sandboxed_short_lived_and_fires_nothing(
    ready: Build, make: Make, client, services: Services
) -> None:
    found = await ready()
    owner = await make.signed_in(found.account.owner_id)
    contact = found.people[0]
    async with services.db.account(found.account.id) as tx:
        await tx.run("UPDATE contacts SET opens = 'granted', clicks = 'granted' WHERE account_id = $1")
    page = await owner.get(f"{found.page}/preview?who={contact}&theme=dark&width=360")
    assert page.status == 200
    frames = re.findall(r"<iframe[^>]*>", page.text)
    assert len(frames) == 1
    assert " sandbox " in frames[0]
    assert "allow-" not in frames[0]
    path = await frame_of(owner, found.page, f"?who={contact}")
    shown = await client.get(path)
    policy = shown.headers["Content-Security-Policy"]
    assert policy.endswith("; sandbox")
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "Set-Cookie" not in shown.headers
    assert "Bonjour Ana" in shown.text
    assert "https://pain.example/seigle?a=1" in shown.text
    assert "/t/c/" not in shown.text
    assert "/t/o/" not in shown.text
    assert "/t/unsubscribe/" not in shown.text
    test = "/t/test/" + re.search(r"/t/test/([\w-]+)", shown.text)[1]
    for method in ("GET", "POST"):
        answer = await client.ask(method, test)
        assert answer.status == 200
        assert "This is a test: nothing has changed." in answer.text
    async with services.db.account(found.account.id) as tx:
        assert await tx.value("SELECT count(*) FROM events WHERE account_id = $1") == 0
        assert await tx.value("SELECT count(*) FROM suppressions WHERE account_id = $1") == 0
    assert (await client.get(path[:20] + "AAAA" + path[24:])).status == 404
    from datetime import timedelta

    from mailer.core import clock

    clock.shift(timedelta(minutes=11))
    assert (await client.get(path)).status == 404


@pytest.mark.req("E-03", "E-04")
@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        '<img src="x" onerror="fetch(\'/app/me\')">',
        '<iframe src="https://evil.example"></iframe>',
        '<form action="https://evil.example"><input name="q"></form>',
        '<meta http-equiv="refresh" content="0;url=https://evil.example">',
    ],
)
async def test_active_content_blocks_the_send_and_cannot_run_in_the_preview(
    ready: Build, make: Make, client, attack: str
) -> None:
    found = await ready(source=MJML.replace("</mj-text>", f"{attack}</mj-text>"))
    owner = await make.signed_in(found.account.owner_id)
    shown = await client.get(await frame_of(owner, found.page))
    policy = shown.headers["Content-Security-Policy"]
    assert "form-action 'none'" in policy
    assert policy.endswith("; sandbox")
    review = await owner.get(f"{found.page}/review")
    assert "This campaign cannot be sent yet." in review.text


async def test_the_preview_shows_one_theme_whatever_the_reader_has(ready: Build, make: Make, client) -> None:
    style = (
        "<mj-head><mj-style>@media (prefers-color-scheme: dark) { .x { color: #eee } }</mj-style></mj-head>"
    )
    found = await ready(source=MJML.replace("<mj-body>", f"{style}<mj-body>"))
    owner = await make.signed_in(found.account.owner_id)
    dark = await client.get(await frame_of(owner, found.page, "?theme=dark"))
    light = await client.get(await frame_of(owner, found.page, "?theme=light"))
    assert "@media (min-width: 0)" in dark.text
    assert "@media (max-width: 0)" in light.text


async def test_a_contact_without_a_name_sees_the_fallback(ready: Build, make: Make, client) -> None:
    found = await ready(source=MJML.replace('default("")', 'default("amis du pain")'))
    owner = await make.signed_in(found.account.owner_id)
    shown = await client.get(await frame_of(owner, found.page, "?who=bare"))
    assert "Bonjour amis du pain" in shown.text
    page = await owner.get(f"{found.page}/preview?who=bare")
    assert "Empty for this person: contact.first_name." in page.text


async def test_somebody_elses_contact_is_not_previewed(ready: Build, make: Make, client) -> None:
    found, other = await ready(), await ready()
    owner = await make.signed_in(found.account.owner_id)
    path = await frame_of(owner, found.page, f"?who={other.people[0]}")
    assert (await client.get(path)).status == 404


async def test_a_test_goes_to_the_team_only_and_is_remembered(
    ready: Build, make: Make, services: Services
) -> None:
    found = await ready()
    owner = await make.signed_in(found.account.owner_id)
    outsider = await owner.post(
        f"{found.page}/test-sends", {"recipient": "ana@example.test", "then": "checks"}
    )
    assert outsider.location == f"{found.page}/checks"
    assert "ana@example.test is not one of them." in (await owner.get(outsider.location)).text
    form = {"recipient": found.account.owner_email, "then": "review"}
    asked = await owner.post(f"{found.page}/test-sends", form)
    assert asked.location == f"{found.page}/review"
    async with services.db.account(found.account.id) as tx:
        rows = await tx.rows("SELECT id, recipient, state FROM test_sends WHERE account_id = $1")
        assert [row[1:] for row in rows] == [(found.account.owner_email, "waiting")]
        assert (
            await tx.shared().value(
                "SELECT count(*) FROM work WHERE account_id = $1 AND job = 'sending.send_test' AND ref_id = $2",
                tx.account_id,
                rows[0][0],
            )
            == 1
        )
    assert outbox.JOB != "sending.send_test"
    assert found.account.owner_email in (await owner.get(f"{found.page}/review")).text


async def test_web_version_of_nothing_is_gone(ready: Build, services: Services, client) -> None:
    """A mail that never left, or an address somebody made up, is a page that says so (S12)."""
    from mailer.core.links import Links
    from mailer.core.tokens import CampaignToken

    found = await ready()
    links = Links(services.tokens, "")
    path = links.view(CampaignToken(found.account.id, found.campaign.id, found.people[0]))
    gone = await client.get(path)
    assert gone.status == 410
    assert "This online version is no longer available." in gone.text
    assert (await client.get("/t/view/AAAA")).status == 404


async def test_the_mail_of_a_test_says_so_and_links_to_nothing_real(ready: Build, services: Services) -> None:
    found = await ready()
    async with services.db.account(found.account.id) as tx:
        await tx.run("UPDATE contacts SET opens = 'granted', clicks = 'granted' WHERE account_id = $1")
        test_id = await test_sends.ask(
            tx,
            found.campaign.id,
            recipient=found.account.owner_email,
            team=frozenset({found.account.owner_email}),
            contact_id=found.people[0],
        )
        mail = await test_mail.build(tx, services, await test_sends.show(tx, test_id))
    assert mail.recipient == found.account.owner_email
    read = message_from_bytes(mail.message, policy=default)
    assert read["Subject"] == "[Test] Le pain de la semaine"
    assert "/t/test/" in read["List-Unsubscribe"]
    for part in ("plain", "html"):
        text = read.get_body((part,)).get_content()
        assert "/t/test/" in text
        for real in ("/t/unsubscribe/", "/t/preferences/", "/t/c/", "/t/o/"):
            assert real not in text


@pytest.mark.req("E-30")
async def test_the_largest_source_outlives_the_session(ready: Build, make: Make, services: Services) -> None:
    found = await ready()
    page, owner_id = f"{found.page}/content", found.account.owner_id
    owner = await make.signed_in(owner_id)
    owner.csrf = re.findall(r'name="csrf" value="(\w+)"', (await owner.get(page)).text)[0]
    source = MJML.replace("seigle", "<&>" + "pain d'é" * ((merge.MAX_SOURCE - len(MJML)) // 8), 1)
    async with services.db.shared() as tx:
        await tx.run("DELETE FROM sessions WHERE user_id = $1", owner_id)
    sent = await owner.post(page, {"source": source, "version": "1"})
    assert sent.status == 303
    token = sent.location.partition("kept=")[2]
    owner = await make.signed_in(owner_id)
    shown = await owner.get(f"{page}?kept={token}")
    area = re.search(r'<textarea id="source".*?>\n(.*?)</textarea>', shown.text, re.S)
    assert area is not None
    assert html.unescape(area[1]) == source


async def test_the_setup_shows_the_subject_as_a_person_reads_it(ready: Build, make: Make) -> None:
    found = await ready()
    owner = await make.signed_in(found.account.owner_id)
    changes = {
        '{{ contact.first_name | default("") }}, le pain est prêt': "Ana, le pain est prêt",
        "Le pain {{ contact.nothing": "Le pain {{ contact.nothing",  # not readable yet: shown as written
    }
    for subject, shown in changes.items():
        async with make.services.db.account(found.account.id) as tx:
            await tx.run("UPDATE campaigns SET subject = $2 WHERE account_id = $1", subject)
        setup = (await owner.get(f"{found.page}/setup")).text
        assert f'<p class="inbox-subject">{shown}</p>' in setup
