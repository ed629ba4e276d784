"""An A/B test from the browser without script, and by API: set, looked at, decided."""

import re
from collections.abc import Awaitable, Callable

import pytest

from mailer.core.services import Services
from sending import ab_tests, ab_variants, campaigns, test_mail, test_sends
from tests.ab.conftest import SUBJECTS, acted, compared, look
from tests.campaigns.conftest import Ready, ready
from tests.delivery.conftest import People, Post
from tests.make import Make

__all__ = ["ready"]
Build = Callable[..., Awaitable[Ready]]
FORM = {
    "about": "subject",
    "contents": "2",
    "share": "50",
    "winner_by": "clicks",
    "hours": "6",
    "unclear": "ask",
}


def version_in(text: str) -> str:
    found = re.search(r'name="version" value="(\d+)"', text)
    assert found
    return found[1]


async def test_subjects_to_compare_are_set_and_shown_in_the_inbox(ready: Build, make: Make) -> None:
    found = await ready(people=8)
    owner = await make.signed_in(found.account.owner_id)
    setup = await owner.get(f"{found.page}/setup")
    assert f'href="{found.page}/ab-test"' in setup.text
    form = await owner.get(f"{found.page}/ab-test")
    sent = FORM | {"subject_2": "Le pain du jour", "preheader_2": "Chaud", "version": version_in(form.text)}
    saved = await owner.post(f"{found.page}/ab-test", sent)
    assert saved.location == f"{found.page}/ab-test"
    shown = await owner.get(saved.location)
    assert "<h2>Variant B</h2>" in shown.text
    assert 'value="Le pain du jour"' in shown.text
    assert shown.text.count('class="inbox-subject">Le pain du jour<') == 4
    assert "This campaign compares 2 variants." in (await owner.get(f"{found.page}/setup")).text
    review = await owner.get(f"{found.page}/review")
    assert "Variant B: Le pain du jour" in review.text
    assert "50 % of the recipients get them; the others wait." in review.text
    assert (await owner.post(f"{found.page}/ab-test/removals")).location == f"{found.page}/setup"
    assert "This campaign compares" not in (await owner.get(f"{found.page}/setup")).text


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"subject_2": ""}, 'id="subject_2-error"'),
        ({"subject_2": "B", "subject_4": "D"}, 'id="subject_3-error"'),
        ({"subject_2": "{{ contact.nothing }}"}, 'id="subject_2-error"'),
        ({"subject_2": "B", "share": "4"}, 'id="share-error"'),
        ({"subject_2": "B", "hours": "1000"}, 'id="hours-error"'),
        ({"subject_2": "B", "version": "1"}, "Saved by somebody else meanwhile"),
    ],
)
async def test_what_is_wrong_is_told_at_its_field(
    ready: Build, make: Make, wrong: dict[str, str], words: str
) -> None:
    found = await ready()
    owner = await make.signed_in(found.account.owner_id)
    answer = await owner.post(f"{found.page}/ab-test", FORM | wrong)
    assert answer.status in (409, 422)
    assert words in answer.text
    assert f'value="{wrong.get("hours", "6")}"' in answer.text


async def test_contents_are_written_one_by_one_and_kept(ready: Build, make: Make, services: Services) -> None:
    found = await ready()
    owner = await make.signed_in(found.account.owner_id)
    await owner.post(f"{found.page}/ab-test", FORM | {"about": "content", "contents": "3"})
    place = f"{found.page}/content?variant=2"
    editor = await owner.get(place)
    assert "Le pain de la semaine" in editor.text
    assert "<h2>Variant B</h2>" in editor.text
    source = found.campaign.source.replace("Le pain de la semaine", "La brioche du mois")
    saved = await owner.post(place, {"source": source, "version": version_in(editor.text)})
    assert saved.location == f"{found.page}/ab-test"
    checked = await owner.post(place, {"source": source, "act": "check"})
    assert checked.location == place
    await owner.post(f"{found.page}/ab-test", FORM | {"about": "content", "contents": "2", "share": "100"})
    async with services.db.account(found.account.id) as tx:
        a, b = await ab_variants.versions(tx, found.campaign.id)
    assert ("brioche" in a.source, "brioche" in b.source) == (False, True)
    stale = await owner.post(place, {"source": "x", "version": "1"})
    assert stale.status == 409
    assert (await owner.get(f"{found.page}/content?variant=4")).status == 404
    preview = await owner.get(f"{found.page}/preview?variant=2")
    assert "La brioche du mois" in preview.text
    assert "La brioche du mois" not in (await owner.get(f"{found.page}/preview")).text


@pytest.mark.req("A-008", "A-062")
async def test_a_variant_without_an_unsubscribe_link_blocks_the_send(ready: Build, make: Make) -> None:
    found = await ready()
    owner = await make.signed_in(found.account.owner_id)
    await owner.post(f"{found.page}/ab-test", FORM | {"about": "content"})
    bare = "<mjml><mj-body><mj-section><mj-column><mj-text>Du pain</mj-text></mj-column></mj-section></mj-body></mjml>"
    await owner.post(f"{found.page}/content?variant=2", {"source": bare})
    checks = await owner.get(f"{found.page}/checks")
    assert "Variant B: The unsubscribe link is hidden" in checks.text
    assert f'href="{found.page}/content?variant=2"' in checks.text
    answer = await owner.post(f"{found.page}/sends", {"when": "now", "expected": "3"})
    assert answer.status == 422


async def test_checks_say_what_a_test_can_find(ready: Build, make: Make, services: Services) -> None:
    found = await ready(people=8)
    owner = await make.signed_in(found.account.owner_id)
    await owner.post(f"{found.page}/ab-test", FORM | {"subject_2": "Le pain de la semaine"})
    assert "Variants A and B say the same" in (await owner.get(f"{found.page}/checks")).text
    await owner.post(f"{found.page}/ab-test", FORM | {"subject_2": "Le pain du jour"})
    assert "too few to tell the variants apart" in (await owner.get(f"{found.page}/checks")).text
    await owner.post(f"{found.page}/ab-test", FORM | {"subject_2": "Le pain du jour", "share": "5"})
    assert "needs a person for each variant at least" in (await owner.get(f"{found.page}/checks")).text
    async with services.db.account(found.account.id) as tx:
        for _ in range(400):
            await make.contact(tx, list_id=found.list_id, tracked=True)
    await owner.post(f"{found.page}/ab-test", FORM | {"subject_2": "Le pain du jour", "share": "100"})
    assert (
        "a difference shows when it is of about 7 points or more"
        in (await owner.get(f"{found.page}/checks")).text
    )


async def test_tests_of_a_variant_show_that_variant(ready: Build, make: Make, services: Services) -> None:
    found = await ready()
    owner = await make.signed_in(found.account.owner_id)
    await owner.post(f"{found.page}/ab-test", FORM | {"subject_2": "Le pain du jour"})
    sent = {"recipient": found.account.owner_email, "then": "ab-test", "variant": "2"}
    assert (await owner.post(f"{found.page}/test-sends", sent)).location == f"{found.page}/ab-test"
    async with services.db.account(found.account.id) as tx:
        [test] = await test_sends.recent(tx, found.campaign.id)
        mail = await test_mail.build(tx, services, test)
    assert b"Subject: [Test] Le pain du jour\r\n" in bytes(mail.message)
    assert test.variant == 2


async def test_the_campaigns_page_says_how_it_stands_and_decides(post: Post, people: People) -> None:
    campaign = await compared(post, [await people(count=400, tracked=True)], share=50)
    await post.run()
    await look(post, campaign)
    await acted(post, campaign, 1, 12)
    await acted(post, campaign, 2, 19)
    place = f"{post.account.app}/campaigns/{campaign}"
    owner = await post.make.signed_in(post.account.owner_id, language="fr")
    shown = (await owner.get(place)).text
    assert "Variante A\N{NO-BREAK SPACE}: 12 personnes sur 100 ont cliqué (12" in shown
    assert "L’écart ne veut rien dire" in shown
    assert "200 personnes attendent la décision." in shown
    # it stands still for hours: the page does not count a large campaign each two seconds
    assert "every 2s" not in shown
    other_id, _ = await post.make.user(post.account.id, "editor")
    other = await post.make.signed_in(other_id)
    assert (await other.post(f"{place}/ab-test/decisions", {"variant": "2"})).status == 403
    assert (await owner.post(f"{place}/ab-test/decisions", {"variant": "2"})).location == f"{place}/ab-test"
    await post.run()
    told = (await owner.get(f"{place}/ab-test")).text
    assert "La variante B a été choisie le" in told
    again = await owner.post(f"{place}/ab-test/decisions", {"variant": "1"})
    assert again.location == f"{place}/ab-test"
    assert "Ce test est déjà tranché." in (await owner.get(again.location)).text
    assert len(post.sink.accepted) == 400


async def test_a_copy_of_a_campaign_compares_the_same(post: Post, people: People) -> None:
    campaign = await compared(post, [await people(count=4)], variants=3)
    async with post.tx() as tx:
        made = await campaigns.duplicate(tx, campaign, "Copie")
        assert [one.subject for one in await ab_variants.versions(tx, made.id)] == list(SUBJECTS[:3])
        test = await ab_tests.of(tx, made.id)
    assert test is not None
    assert test.state == "draft"


async def test_a_program_sets_reads_and_decides_a_test(post: Post, people: People, make: Make) -> None:
    campaign = await post.campaign([await people(count=40, tracked=True)], subject=SUBJECTS[0])
    program = await make.program(post.account.id)
    place = f"/api/v1/campaigns/{campaign}/ab-test"
    assert (await program.get(place)).status == 404
    async with post.tx() as tx:
        await tx.run("UPDATE campaigns SET status = 'draft' WHERE account_id = $1 AND id = $2", campaign)
    body = {"variants": [{"subject": "B"}, {"subject": ""}], "share": 50}
    wrong = await program.ask("PUT", place, json=body)
    assert (wrong.status, wrong.json()["errors"][0]["field"]) == (422, "variants.1.subject")
    body = {"about": "content", "variants": [{"mjml": "<mjml><mj-body><mj-foo/></mj-body></mjml>"}]}
    wrong = await program.ask("PUT", place, json=body)
    assert (wrong.status, wrong.json()["errors"][0]["field"]) == (422, "variants.0.mjml")
    assert wrong.json()["errors"][0]["row"] == 1
    made = await program.ask(
        "PUT", place, json={"variants": [{"subject": "B"}], "share": 50, "unclear": "ask"}
    )
    assert (made.status, made.json()["state"], len(made.json()["variants"])) == (200, "draft", 2)
    async with post.tx() as tx:
        await tx.run("UPDATE campaigns SET status = 'scheduled' WHERE account_id = $1 AND id = $2", campaign)
    await post.run()
    assert (await program.ask("PUT", place, json={"variants": [{"subject": "C"}]})).status == 409
    shown = (await program.get(place)).json()
    assert (shown["state"], shown["held"], shown["finding"]) == ("running", 20, "few")
    assert [one["delivered"] for one in shown["variants"]] == [10, 10]
    weak = await make.program(post.account.id, ["campaigns:read", "campaigns:write"])
    assert (await weak.ask("POST", f"{place}/decisions", json={"variant": 2})).status == 403
    assert (await program.ask("POST", f"{place}/decisions", json={"variant": 3})).status == 422
    decided = await program.ask("POST", f"{place}/decisions", json={"variant": 2})
    assert (decided.status, decided.json()["winner"], decided.json()["decided_by"]) == (200, 2, "hand")
    assert (await program.ask("POST", f"{place}/decisions", json={"variant": 1})).status == 409


async def test_contents_are_compared_once_there_is_one(post: Post, people: People) -> None:
    campaign = await post.campaign([await people(count=4)])
    async with post.tx() as tx:
        await tx.run(
            """
            UPDATE campaigns SET status = 'draft', content_kind = 'none', source = ''
            WHERE account_id = $1 AND id = $2
            """,
            campaign,
        )
    owner = await post.make.signed_in(post.account.owner_id)
    place = f"{post.account.app}/campaigns/{campaign}/ab-test"
    answer = await owner.post(place, FORM | {"about": "content"})
    assert answer.status == 422
    assert 'id="about-error"' in answer.text
