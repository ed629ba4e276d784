"""The account's measurement, a campaign without it, and the request for consent: pages and API."""

from collections.abc import Awaitable, Callable

import pytest

from mailer.core.services import Services
from sending import footer
from tests.campaigns.conftest import MJML, Ready
from tests.make import Make
from tracking import modes
from tracking.modes import Choice

Build = Callable[..., Awaitable[Ready]]


async def measure(services: Services, account_id: int, **choice: object) -> None:
    async with services.db.account(account_id) as tx:
        await modes.change(tx, Choice.model_validate(choice))


@pytest.mark.req("B-42", "B-33", "B-34", "B-60")
async def test_a_switch_is_saved_shown_and_in_the_journal(make: Make, services: Services) -> None:
    account = await make.account()
    person = await make.signed_in(account.owner_id)
    place = f"{account.app}/settings/measurement"
    first = await person.get(place)
    assert first.text.count(" checked") == 2
    assert 'value="individual" checked' in first.text
    assert "2026-042" in first.text
    sent = await person.post(place, {"opens": "last_day", "clicks": "off", "sunset_months": "6"})
    assert (sent.status, sent.location) == (303, place)
    shown = await person.get(place)
    assert 'value="last_day" checked' in shown.text
    assert "Measurement saved." in shown.text
    await person.post(place, {"opens": "last_day", "clicks": "off", "sunset_months": "6"})
    async with services.db.account(account.id) as tx:
        lines = await tx.rows("SELECT action, object FROM audit WHERE account_id = $1 ORDER BY id")
        assert await modes.of(tx) == modes.Settings(
            opens="last_day", clicks="off", sunset_months=6, since=(await modes.of(tx)).since
        )
    assert lines == [("switched", "opens_last_day"), ("switched", "clicks_off"), ("changed", "measurement")]
    journal = await person.get(f"{account.app}/settings/log")
    assert "has set the measurement of" in journal.text
    assert "opens: last day only" in journal.text
    for wrong in (
        {"opens": "everybody", "clicks": "off"},
        {"opens": "off"},
        {"opens": "off", "clicks": "aggregate"},
    ):
        assert (await person.post(place, wrong)).status == 422


@pytest.mark.req("E-50")
async def test_only_who_manages_changes_it(make: Make) -> None:
    account = await make.account()
    for role, status in (("analyst", 403), ("editor", 403), ("manager", 303)):
        user_id, _ = await make.user(account.id, role)
        person = await make.signed_in(user_id)
        page = await person.get(f"{account.app}/settings/measurement")
        assert page.status == 200
        assert ("Save the measurement" in page.text) == (status == 303)
        answer = await person.post(f"{account.app}/settings/measurement", {"opens": "off", "clicks": "off"})
        assert answer.status == status


@pytest.mark.req("E-10", "S19")
async def test_programs_read_and_change_it(make: Make) -> None:
    account = await make.account()
    api = await make.program(account.id)
    before = (await api.get("/api/v1/measurement")).json()
    assert before == {"opens": "individual", "clicks": "individual", "sunset_months": 12, "opens_since": None}
    after = (await api.ask("PATCH", "/api/v1/measurement", json={"opens": "aggregate"})).json()
    assert (after["opens"], after["clicks"], after["sunset_months"]) == ("aggregate", "individual", 12)
    assert after["opens_since"].endswith("Z")
    for member, value in (("opens", "all"), ("clicks", "aggregate"), ("sunset_months", 36), ("more", 1)):
        wrong = await api.ask("PATCH", "/api/v1/measurement", json={member: value})
        assert (wrong.status, wrong.json()["errors"][0]["field"]) == (422, member)


@pytest.mark.req("B-42")
@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({}, "Contacts who accept it: 2. With the original links: 2."),
        (
            {"clicks": "off"},
            "Opens: of 1 contact who accepts it. Clicks: not measured, everybody gets the original links.",
        ),
        (
            {"opens": "aggregate"},
            "Opens: a total, nobody told apart. Clicks: of 2 contacts who accept it; all others get the original links.",
        ),
        (
            {"opens": "last_day", "clicks": "off"},
            "Opens: only the day of the last one, of people who asked for this message. Clicks: not measured",
        ),
        ({"opens": "off", "clicks": "off"}, "Opens: not measured. Clicks: not measured"),
    ],
)
async def test_the_review_says_what_is_measured(
    ready: Build, make: Make, services: Services, choice: dict[str, str], said: str
) -> None:
    found = await ready(people=4)
    async with services.db.account(found.account.id) as tx:
        one, two = found.people[:2]
        await tx.run(
            "UPDATE contacts SET opens = 'granted', clicks = 'granted' WHERE account_id = $1 AND id = $2", one
        )
        await tx.run("UPDATE contacts SET clicks = 'granted' WHERE account_id = $1 AND id = $2", two)
    await measure(services, found.account.id, **choice)
    person = await make.signed_in(found.account.owner_id)
    assert said in " ".join((await person.get(f"{found.page}/review")).text.split())


@pytest.mark.req("B-42")
async def test_one_campaign_measures_nothing_and_its_copy_neither(
    ready: Build, make: Make, services: Services
) -> None:
    found = await ready()
    person = await make.signed_in(found.account.owner_id)
    review = await person.get(f"{found.page}/review")
    assert "Measure nothing in this campaign" in review.text
    assert (await person.post(f"{found.page}/measurement", {"measured": "false"})).status == 303
    review = await person.get(f"{found.page}/review")
    assert "None, as you chose for this campaign." in review.text
    assert "Measure as the account does" in review.text
    copied = await person.post(f"{found.page}/copies")
    async with services.db.account(found.account.id) as tx:
        flags = await tx.rows("SELECT unmeasured FROM campaigns WHERE account_id = $1")
    assert copied.status == 303
    assert flags == [(True,), (True,)]
    api = await make.program(found.account.id)
    back = await api.ask(
        "PATCH", f"/api/v1/campaigns/{found.campaign.id}/measurement", json={"measured": True}
    )
    assert back.status == 200
    shown = (await api.get(f"/api/v1/campaigns/{found.campaign.id}/measurement")).json()
    assert (shown["unmeasured"], shown["opens"], shown["loads"]) == (False, None, 0)
    async with services.db.account(found.account.id) as tx:
        await tx.run("UPDATE campaigns SET status = 'scheduled' WHERE account_id = $1")
    late = await api.ask(
        "PATCH", f"/api/v1/campaigns/{found.campaign.id}/measurement", json={"measured": False}
    )
    assert late.status == 409


@pytest.mark.req("B-40")
async def test_a_message_without_a_way_out_is_told_before_it_leaves(
    ready: Build, make: Make, services: Services
) -> None:
    whole = str(footer.add_footer(MJML, language="fr"))
    bare = whole.replace("{{ tracking_url }}", "https://pain.example/").replace(
        "{{ preferences_url }}", "https://pain.example/"
    )
    for source, told in ((whole, False), (bare, True)):
        found = await ready(source=source)
        person = await make.signed_in(found.account.owner_id)
        checks = await person.get(f"{found.page}/checks")
        assert ("has no link to stop measurement" in checks.text) == told
        review = await person.get(f"{found.page}/review")
        assert ("The message has no link to stop measurement." in review.text) == told
        assert "Send to 3 contacts" in review.text
        # where nothing is measured of people, nothing needs a way out
        await measure(services, found.account.id, opens="aggregate", clicks="off")
        checks = await person.get(f"{found.page}/checks")
        assert "has no link to stop measurement" not in checks.text


@pytest.mark.req("B-38", "B-39")
async def test_a_request_is_a_draft_like_any_other(ready: Build, make: Make, services: Services) -> None:
    found = await ready()
    person = await make.signed_in(found.account.owner_id, language="fr")
    place = f"{found.account.app}/campaigns/consent-request"
    report = await person.get(f"{found.account.app}/settings/measurement")
    assert place in report.text
    form = await person.get(place)
    assert form.status == 200
    empty = await person.post(place, {"language": "fr"})
    assert empty.status == 422
    async with services.db.account(found.account.id) as tx:
        before = await tx.value("SELECT count(*) FROM campaigns WHERE account_id = $1")
    assert before == 1
    made = await person.post(place, {"lists": [str(found.list_id)], "language": "fr"})
    assert made.status == 303
    audience = await person.get(made.location)
    assert "3 personnes recevront ce message." in audience.text
    review = await person.get(made.location.replace("/audience", "/review"))
    assert "ce message demande un accord" in review.text
    assert "Envoyer à 3 contacts" in review.text
    # a second one uses the same segment; by program it is the same
    api = await make.program(found.account.id)
    answer = await api.post("/api/v1/consent-requests", json={"list_ids": [found.list_id], "language": "en"})
    assert (answer.status, answer.json()["status"]) == (201, "draft")
    async with services.db.account(found.account.id) as tx:
        assert await tx.value("SELECT count(*) FROM segments WHERE account_id = $1") == 1
    for body, field in (({"list_ids": []}, "list_ids"), ({"list_ids": [2**50]}, "include"), ({}, "list_ids")):
        wrong = await api.post("/api/v1/consent-requests", json=body)
        assert (wrong.status, wrong.json()["errors"][0]["field"]) == (422, field)
