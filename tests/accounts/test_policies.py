"""Policies by version: published 30 days ahead, told to owners, compared, all readable (A-039, A-040)."""

import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from mailer import command_options, policy_command, worker
from mailer.accounts import agreements, announcements, home, legal, policies, policy_changes, prose
from mailer.accounts.policies import NewVersion
from mailer.core import clock, jobs, work
from mailer.core.errors import Conflict, Forbidden, Invalid
from mailer.core.services import Services
from tests.accounts.conftest import Mails
from tests.client import Client
from tests.make import Make

FRENCH = "## 1. Objet\n\nLe même objet.\n\n- un\n- deux\n"
ENGLISH = "## 1. Subject\n\nThe same subject.\n\n- one\n- two\n"


@pytest.fixture(autouse=True)
async def _only_this_tests_versions(services: Services) -> AsyncIterator[None]:
    """Versions hold for the whole installation: other tests meet the text that Mailer ships."""
    yield
    async with services.db.shared() as tx:
        await tx.run("DELETE FROM policy_versions WHERE true")
        await tx.run("DELETE FROM announcements WHERE kind = 'policy'")


def new(days: int, version: str = "2", kind: str = "privacy", urgent: str = "", more: str = "") -> NewVersion:
    return NewVersion(
        kind=kind,  # type: ignore[arg-type]
        version=version,
        effective_on=clock.now().date() + timedelta(days=days),
        french=FRENCH + more,
        english=ENGLISH + more,
        urgent_reason=urgent,
    )


async def publish(services: Services, wanted: NewVersion) -> policies.Version:
    async with services.db.shared() as tx:
        return await policies.publish(tx, wanted, services.settings.operator, now=clock.now(), user_id=None)


async def forget(services: Services, version: policies.Version) -> None:
    async with services.db.shared() as tx:
        await tx.run("DELETE FROM announcements WHERE ref_id = $1", version.id)
        await tx.run("DELETE FROM policy_versions WHERE kind = $1", version.kind)


async def turns(services: Services, found: announcements.Announcement) -> None:
    """The job's turns until everybody is told."""
    while found.finished_at is None:
        async with services.db.shared() as tx:
            task = await tx.one(
                work.Task,
                "SELECT account_id, job, ref_id, lane, turn FROM work WHERE job = $1 AND ref_id = $2",
                announcements.JOB,
                found.id,
            )
        await jobs.run_turn(services, worker.JOBS, task)
        async with services.db.shared() as tx:
            now = await announcements.of(tx, found.kind, found.ref_id)
        assert now is not None
        found = now


async def tell(services: Services, version: policies.Version) -> None:
    async with services.db.shared() as tx:
        found = await announcements.of(tx, "policy", version.id)
    assert found is not None
    await turns(services, found)


async def operator_of(services: Services, make: Make) -> Client:
    user_id, _ = await make.user(None)
    async with services.db.shared() as tx:
        await tx.run("UPDATE users SET is_operator = true WHERE id = $1", user_id)
    return await make.signed_in(user_id)


@pytest.mark.req("A-039")
async def test_29_days_are_refused_30_are_not_and_urgency_needs_a_reason(services: Services) -> None:
    with pytest.raises(Invalid) as caught:
        await publish(services, new(29))
    [fault] = caught.value.faults
    first = clock.now().date() + timedelta(days=30)
    assert (fault.field, fault.params) == ("effective_on", {"day": first.isoformat()})
    assert (await publish(services, new(30))).effective_on == first
    with pytest.raises(Invalid):
        await publish(services, new(29, "3", urgent=" ", more="x"))
    urgent = await publish(services, new(2, "urgent", "terms", urgent="Loi du 1er décembre"))
    assert urgent.urgent_reason == "Loi du 1er décembre"


@pytest.mark.req("A-039")
async def test_the_database_itself_refuses_a_short_notice(services: Services) -> None:
    version = await publish(services, new(30))
    with pytest.raises(Exception, match="policy_versions_notice"):
        async with services.db.shared() as tx:
            await tx.run(
                "UPDATE policy_versions SET effective_on = effective_on - 1 WHERE id = $1", version.id
            )


async def test_a_version_needs_a_new_name_a_later_day_and_another_text(services: Services) -> None:
    await publish(services, new(30))
    with pytest.raises(Conflict):
        await publish(services, new(31, more="x"))
    with pytest.raises(Invalid) as caught:
        await publish(services, new(30, "3"))
    assert [fault.field for fault in caught.value.faults] == ["effective_on", "french"]


@pytest.mark.req("A-039", "A-040")
async def test_a_version_counts_from_its_day_and_the_old_one_stays_readable(
    services: Services, client: Client
) -> None:
    version = await publish(services, new(30))
    page = (await client.get("/legal/privacy?lang=en")).text
    assert "Who answers for your data" in page
    assert f"/legal/versions/{version.id}/changes" in page
    changes = (await client.get(f"/legal/versions/{version.id}/changes?lang=en")).text
    assert re.search(r"Added text:</strong> <ins>The same subject\.</ins>", changes)
    assert re.search(r"Removed text:</strong> <del>Who answers for your data</del>", changes)
    clock.shift(timedelta(days=30))
    page = (await client.get("/legal/privacy?lang=en")).text
    assert "The same subject." in page
    assert "Version 2" in page
    listed = (await client.get("/legal/versions?lang=en")).text
    old = re.search(rf'/legal/versions/(\d+)">Version {legal.PAGES["privacy"].version}', listed)
    assert old is not None
    assert "Who answers for your data" in (await client.get(f"/legal/versions/{old[1]}?lang=en")).text
    kept = await client.get(f"/legal/versions/{version.id}.txt?lang=fr")
    assert (kept.text, kept.headers["Content-Type"]) == (FRENCH, "text/plain; charset=utf-8")
    assert (
        '<h2 id="art-1">1. Objet</h2>'
        in (await client.get(f"/legal/versions/{version.id}.html?lang=fr")).text
    )
    assert (await client.get("/legal/versions/999999999")).status == 404


@pytest.mark.req("A-039", "A-065")
async def test_owners_get_one_mail_each_and_everybody_a_banner_until_seen(
    services: Services, make: Make, mails: Mails, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcements, "GROUP", 2)
    account, second = await make.account(language="fr"), await make.account()
    async with services.db.shared() as tx:
        await tx.run(
            "INSERT INTO memberships (account_id, user_id, role) VALUES ($1, $2, 'owner')",
            second.id,
            account.owner_id,
        )
    editor_id, editor_email = await make.user(account.id, "editor")
    version = await publish(services, new(30))
    await tell(services, version)
    [(kind, details)] = await mails(account.owner_email)
    assert (kind, details["version"], details["title"]) == ("policy_announced", "2", "Privacy policy")
    assert details["link"].endswith(f"/legal/versions/{version.id}/changes")
    assert await mails(editor_email) == []
    assert len(await mails(second.owner_email)) == 1
    editor = await make.signed_in(editor_id)
    assert "A change is announced for" in (await editor.get(account.app)).text
    page = (await editor.get(f"{account.app}/privacy/agreements")).text
    assert "I have seen it: 2" in page
    async with services.db.shared() as tx:
        told = await announcements.of(tx, "policy", version.id)
    assert told is not None
    assert told.told >= 2
    seen = f"{account.app}/privacy/announcements/{told.id}/readings"
    assert (await editor.post(seen)).status == 303
    assert "A change is announced for" not in (await editor.get(account.app)).text
    data = (await editor.get("/app/me/data")).json()
    assert [(row["kind"], row["name"]) for row in data["announcements_seen"]] == [("policy", "privacy 2")]
    owner = await make.signed_in(account.owner_id)
    assert "A change is announced for" in (await owner.get(account.app)).text
    assert (await owner.post(f"{account.app}/privacy/announcements/999999/readings")).status == 404


@pytest.mark.req("A-016", "A-039", "C-50")
async def test_a_new_agreement_is_accepted_again_by_an_owner_with_the_difference_before_them(
    services: Services, make: Make
) -> None:
    account = await make.account()
    version = await publish(services, new(30, "2027", "agreement"))
    owner = await make.signed_in(account.owner_id)
    page = f"{account.app}/privacy/agreements"
    shown = (await owner.get(page)).text
    assert f"What changes since version {agreements.VERSION}" in shown
    assert "<ins>The same subject.</ins>" in shown
    async with services.db.account(account.id) as tx:
        await agreements.require(tx)
    clock.shift(timedelta(days=30))
    async with services.db.account(account.id) as tx:
        with pytest.raises(Forbidden, match="has changed"):
            await agreements.require(tx)
        assert (await home.show(tx)).setup.agreement == "todo"
        # what is there goes on under what was accepted
        assert await agreements.ever(tx) is not None
    owner = await make.signed_in(account.owner_id)
    old = {"version": agreements.VERSION, "accepted": "true"}
    assert (await owner.post(page, old)).status == 422
    assert (await owner.post(page, {"version": "2027"})).status == 422
    assert (await owner.post(page, {"version": "2027", "accepted": "true"})).status == 303
    async with services.db.account(account.id) as tx:
        await agreements.require(tx)
        accepted = await agreements.latest(tx)
    assert accepted is not None
    assert (accepted.version, accepted.person) == ("2027", "Odile Owner")
    assert accepted.text_sha256 == version.english.hex()
    shown = (await owner.get(page)).text
    assert "What changes since" not in shown
    kept = await owner.get(f"{page}/{accepted.id}.txt")
    assert kept.text == ENGLISH


@pytest.mark.req("A-016", "A-040", "C-50")
async def test_a_new_wording_of_the_shipped_agreement_stops_nobody_and_is_put_before_owners(
    services: Services, make: Make
) -> None:
    account = await make.account(agreed=False)
    page = f"{account.app}/privacy/agreements"
    async with services.db.account(account.id) as tx:
        digest = await policies.keep_text(tx.shared(), ENGLISH)
        await tx.run(
            """
            INSERT INTO agreement_acceptances (account_id, version, user_id, person, language, text_sha256)
            VALUES ($1, $2, $3, 'Odile Owner', 'en', $4)
            """,
            agreements.EARLIER[0],
            account.owner_id,
            digest,
        )
        await agreements.require(tx)
    owner = await make.signed_in(account.owner_id)
    assert "its words have changed" in (await owner.get(account.app)).text
    shown = (await owner.get(page)).text
    assert "This acceptance still counts" in shown
    assert f"What changes since version {agreements.EARLIER[0]}" in shown
    assert re.search("<ins>Standing instruction.", shown)
    assert re.search("<del>The same subject.</del>", shown)
    # another version that is announced changes nothing until its day
    announced = await publish(services, new(30, "2027", "agreement"))
    async with services.db.account(account.id) as tx:
        await agreements.require(tx)
    await forget(services, announced)
    ticked = {"version": agreements.VERSION, "accepted": "true"}
    duties = {"responsibilities_version": agreements.RESPONSIBILITIES, "acknowledged": "true"}
    assert (await owner.post(page, ticked | duties)).status == 303
    async with services.db.account(account.id) as tx:
        accepted = await agreements.latest(tx)
    assert accepted is not None
    assert accepted.version == agreements.VERSION
    for place in (page, account.app):
        shown = (await owner.get(place)).text
        assert "still counts" not in shown


@pytest.mark.req("A-016")
async def test_a_published_agreement_ends_what_an_earlier_wording_allowed(
    services: Services, make: Make
) -> None:
    account = await make.account(agreed=False)
    async with services.db.account(account.id) as tx:
        await tx.run(
            "INSERT INTO agreement_acceptances (account_id, version, person) VALUES ($1, $2, 'Odile')",
            agreements.EARLIER[0],
        )
    await publish(services, new(30, "2027", "agreement"))
    clock.shift(timedelta(days=30))
    async with services.db.account(account.id) as tx:
        with pytest.raises(Forbidden, match="has changed"):
            await agreements.require(tx)
        assert not await agreements.reworded(tx)


@pytest.mark.req("A-016")
async def test_an_announced_agreement_can_be_accepted_before_its_day(services: Services, make: Make) -> None:
    account = await make.account()
    await publish(services, new(30, "2027", "agreement"))
    owner = await make.signed_in(account.owner_id)
    form = {"version": "2027", "accepted": "true"}
    assert (await owner.post(f"{account.app}/privacy/agreements", form)).status == 303
    clock.shift(timedelta(days=31))
    async with services.db.account(account.id) as tx:
        await agreements.require(tx)


@pytest.mark.req("A-039")
async def test_operators_publish_on_a_page_that_nobody_else_finds(services: Services, make: Make) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    assert (await owner.get("/app/operator/policies")).status == 404
    assert (await owner.post("/app/operator/policies", {"kind": "terms"})).status == 404
    operator = await operator_of(services, make)
    page = (await operator.get("/app/operator/policies?kind=terms")).text
    assert "[to be completed: prices and billing" in page
    soon = (clock.now().date() + timedelta(days=5)).isoformat()
    form = {"kind": "terms", "version": "2", "effective_on": soon, "french": FRENCH, "english": ENGLISH}
    refused = await operator.post("/app/operator/policies", form)
    assert refused.status == 422
    assert 'href="#effective_on"' in refused.text
    assert "Le même objet." in refused.text
    form["effective_on"] = (clock.now().date() + timedelta(days=40)).isoformat()
    assert (await operator.post("/app/operator/policies", form)).status == 303
    assert "Announced" in (await operator.get("/app/operator/policies")).text


@pytest.mark.req("A-039")
async def test_the_command_publishes_and_says_why_it_does_not(
    services: Services, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    french, english = tmp_path / "fr.md", tmp_path / "en.md"
    french.write_text(FRENCH)
    english.write_text(ENGLISH)

    async def command(*words: str) -> tuple[int, str, str]:
        code = await policy_command.run(
            services.settings, command_options.build().parse_args(["policy", *words])
        )
        told = capsys.readouterr()
        return code, told.out, told.err

    def publish_on(days: int) -> list[str]:
        day = (clock.now().date() + timedelta(days=days)).isoformat()
        files = [str(french), "--english", str(english)]
        return ["publish", *files, "--kind", "terms", "--effective", day]

    code, _, why = await command(*publish_on(29))
    assert (code, why.split(":")[0]) == (1, "effective_on")
    code, said, _ = await command(*publish_on(30))
    assert (code, "takes effect on" in said) == (0, True)
    code, said, _ = await command("show", "--kind", "terms", "--language", "en")
    assert (code, said.count("[to be completed")) == (0, 4)
    _, listed, _ = await command("list", "--json")
    rows = [row for row in json.loads(listed) if row["kind"] == "terms"]
    assert [row["shipped"] for row in rows] == [False, True]


@pytest.mark.req("A-040")
def test_differences_are_words_and_keep_the_place() -> None:
    found = policy_changes.between(
        "## 1. A\n\nun\n\n## 2. B\n\nalt\n\nfin\n", "## 1. A\n\nun\n\n## 2. B\n\nneu\n\nfin\n"
    )
    assert [(line.kind, line.text, line.count) for line in found] == [
        ("same", "2. B", 3),
        ("removed", "alt", 1),
        ("added", "neu", 1),
        ("same", "", 1),
    ]
    assert not policy_changes.differ(policy_changes.between("a\n\nb", "a\n\n\nb\n"))


def test_texts_show_nothing_that_was_not_meant() -> None:
    hostile = '<script>alert(1)</script> [x](javascript:alert(1)) [y](https://a.test/"onmouseover=1) **b**'
    shown = str(prose.html(hostile))
    assert "<script" not in shown
    assert 'href="javascript' not in shown
    assert "<strong>b</strong>" in shown
    assert 'href="https://a.test/&#34;onmouseover=1"' in shown
    assert str(prose.html(prose.plain("a*b* [c](https://d.test)\n## e"))) == (
        "<p>a*b* [c](https://d.test) ## e</p>"
    )


@pytest.mark.parametrize("kind", list(policies.KINDS))
@pytest.mark.parametrize("language", ["fr", "en"])
def test_shipped_texts_come_back_the_same_from_their_own_spelling(kind: str, language: str) -> None:
    from mailer.core.operator import Operator

    text = legal.shipped_text(kind, language, Operator())
    assert prose.markdown(prose.parse(text)) == text
    assert len(prose.parse(text)) > 10


def test_a_sign_of_french_stays_with_its_word_and_its_space_is_no_difference() -> None:
    read = prose.from_html("<p>Vous avez\n le  droit\u00a0: écrivez\u00a0!</p>")
    assert read.strip() == "Vous avez le droit\u00a0: écrivez\u00a0!"
    shown, former = "Écrivez\u00a0: vite", "Écrivez : vite"
    assert not policy_changes.differ(policy_changes.between(former, shown))
    assert policy_changes.differ(policy_changes.between(former, "Écrivez : tard"))
