"""Speed, warm-up, refusals and allowances as people and programs see them."""

import re

import pytest

from mailer.accounts import commands
from mailer.core.services import Services
from sending import evidence, pace
from sending.warm_ups import FIRST_CAP
from tests.campaigns.conftest import Ready, confirmed_sender
from tests.client import Client
from tests.make import Make


async def _sending(services: Services, ready: Ready, **columns: str) -> None:
    """As if lanes were at work."""
    async with services.db.account(ready.account.id) as tx:
        for step in ("scheduled", "preparing", "sending"):
            await tx.run(
                "UPDATE campaigns SET status = $3 WHERE account_id = $1 AND id = $2", ready.campaign.id, step
            )
        await tx.run(
            """
            UPDATE campaigns
            SET status = $3, month = date_trunc('month', now())::date, started_at = now(), prepared_at = now(),
                pause_reason = $4, pause_figures = $5::jsonb
            WHERE account_id = $1 AND id = $2
            """,
            ready.campaign.id,
            columns.get("status", "sending"),
            columns.get("reason", ""),
            {"hard": 31, "sent": 500, "complaints": 4, "delivered": 1000},
        )


async def _note(services: Services, ready: Ready, text: str) -> None:
    await services.redis.hset(pace.board_key(ready.account.id, ready.campaign.id), "0", text)


async def _owner(make: Make, ready: Ready, language: str = "en") -> Client:
    return await make.signed_in(ready.account.owner_id, language=language)


@pytest.mark.req("S16")
async def test_the_speed_of_a_sender_is_one_number_and_french_commas_are_read(
    make: Make, services: Services
) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        sender = await confirmed_sender(tx)
    owner = await make.signed_in(account.owner_id, language="fr")
    page = f"{account.app}/senders/{sender}"
    form = {"name": "Le Pain", "reply_to": "", "per_second": "2,5"}
    assert (await owner.post(page, form)).status == 303
    shown = (await owner.get(page)).text
    assert 'value="2,5"' in shown
    assert "Messages par seconde" in shown
    refused = await owner.post(page, form | {"per_second": "0"})
    assert refused.status == 422
    assert 'value="0"' in refused.text
    assert (await owner.post(page, form | {"per_second": "beaucoup"})).status == 422
    program = await make.program(account.id)
    place = f"/api/v1/senders/{sender}"
    assert (await program.get(place)).json()["per_second"] == 2.5
    assert (await program.ask("PATCH", place, json={"name": "Autre"})).json()["per_second"] == 2.5
    assert (await program.ask("PATCH", place, json={"per_second": None})).json()["per_second"] is None
    assert (await program.ask("PATCH", place, json={"per_second": 5000})).status == 422
    assert (await owner.post(page, form | {"per_second": ""})).status == 303


@pytest.mark.req("S16")
@pytest.mark.parametrize(
    ("note", "code", "words"),
    [
        ({"why": "sender"}, "sender", "The sender’s own limit: 3 messages per second."),
        ({"why": "provider", "profile": "orange"}, "provider", "Orange, Wanadoo takes at most 2 messages at a time."),
        ({"why": "server"}, "server", "The SMTP server takes long to answer each message."),
        ({"why": "allowance"}, "warm_up", "The warm-up plan allows no more today."),
        ({"why": "unknown"}, "unknown", "The queue does not answer"),
        ({"why": ""}, "none", "Nothing: it leaves as fast as it can."),
        ({"why": "something of another version"}, "none", "Nothing: it leaves as fast as it can."),
    ],
)  # fmt: skip
async def test_the_page_says_what_limits_the_speed_now(
    make: Make, services: Services, ready, note: dict[str, str], code: str, words: str
) -> None:
    import orjson

    from mailer.core import clock

    draft = await ready()
    await _sending(services, draft)
    async with services.db.account(draft.account.id) as tx:
        await tx.run("UPDATE senders SET per_second = 3 WHERE account_id = $1")
    text = orjson.dumps(note | {"per_second": 7.5, "at": clock.now().timestamp()}).decode()
    await _note(services, draft, text)
    owner = await _owner(make, draft)
    for page in (draft.page, f"{draft.account.app}/senders/{draft.sender_id}"):
        shown = (await owner.get(page)).text
        assert words in shown, page
        assert "At the moment 7.5 messages per second." in shown
    program = await make.program(draft.account.id)
    answer = (await program.get(f"/api/v1/campaigns/{draft.campaign.id}/pace")).json()
    assert (answer["limited_by"], answer["per_second"]) == (code, 7.5)
    assert answer["words"].startswith(words)


@pytest.mark.req("D-80", "A-045")
@pytest.mark.parametrize(
    ("reason", "language", "words"),
    [
        ("bounces", "en", "31 of the 500 messages sent came back because the address does not exist (6.2%)."),
        ("bounces", "fr", "31 des 500 messages envoyés sont revenus car l’adresse n’existe pas (6,2"),
        ("complaints", "en", "4 people of 1,000 reported it as spam (0.4%)."),
    ],
)
async def test_an_automatic_pause_shows_its_figures(
    make: Make, services: Services, ready, reason: str, language: str, words: str
) -> None:
    draft = await ready()
    await _sending(services, draft, status="paused", reason=reason)
    shown = (await (await _owner(make, draft, language)).get(draft.page)).text
    assert words in shown.replace("\N{NO-BREAK SPACE}", " ")
    program = await make.program(draft.account.id)
    answer = (await program.get(f"/api/v1/campaigns/{draft.campaign.id}")).json()
    assert (answer["pause_reason"], answer["pause_figures"]["hard"]) == (reason, 31)


@pytest.mark.req("D-80")
async def test_complaints_and_unsubscribes_warn_before_anything_pauses(
    make: Make, services: Services, ready
) -> None:
    draft = await ready(people=6)
    await _sending(services, draft)
    async with services.db.account(draft.account.id) as tx:
        await tx.run(
            "INSERT INTO evidence (account_id, campaign_id, lane, profile, delivered) VALUES ($1, $2, 0, 'default', 200)",
            draft.campaign.id,
        )
        await tx.run(
            """
            INSERT INTO events (account_id, id, at, campaign_id, contact_id, kind)
            SELECT $1, k || n, now(), $2, n, k
            FROM generate_series(1, 6) AS n, unnest(ARRAY['unsubscribe', 'complaint']) AS k
            WHERE k = 'unsubscribe' OR n = 1
            """,
            draft.campaign.id,
        )
    shown = (await (await _owner(make, draft)).get(draft.page)).text
    assert "1 person reported this campaign as spam." in shown
    assert "6 people have unsubscribed (3.0%)" in shown


@pytest.mark.req("D-61", "D-80")
async def test_a_provider_that_refuses_is_named_with_its_reason_and_tried_again(
    make: Make, services: Services, ready
) -> None:
    draft = await ready()
    await _sending(services, draft)
    async with services.db.account(draft.account.id) as tx:
        await tx.run(
            """
            INSERT INTO deliveries (account_id, campaign_id, contact_id, month, list_id, profile)
            SELECT $1, $2, id, date_trunc('month', now())::date, $3, 'gmail' FROM contacts WHERE account_id = $1
            """,
            draft.campaign.id,
            draft.list_id,
        )
        for profile in ("gmail", "orange"):
            await evidence.stop(
                tx, draft.campaign.id, profile, cause="auth", refused=20, reply="5.7.26 <b>no</b>"
            )
    owner = await _owner(make, draft)
    shown = (await owner.get(draft.page)).text
    assert "Gmail refuses these messages" in shown
    assert "Reason given: authentication." in shown
    assert "3 messages wait; the other providers go on." in shown
    assert "<b>no</b>" not in shown
    done = await owner.post(f"{draft.page}/providers/gmail/retries", {})
    assert done.status == 303
    shown = (await owner.get(draft.page)).text
    assert "Gmail refuses these messages" not in shown
    assert (await owner.post(f"{draft.page}/providers/gmail/retries", {})).status == 404
    program = await make.program(draft.account.id)
    place = f"/api/v1/campaigns/{draft.campaign.id}"
    assert [one["profile"] for one in (await program.get(f"{place}/pace")).json()["stops"]] == ["orange"]
    assert (await program.post(f"{place}/providers/orange/retries", json={})).status == 204
    assert (await program.get(f"{place}/pace")).json()["stops"] == []


@pytest.mark.req("D-81")
async def test_a_warm_up_plan_is_seen_started_and_ended(make: Make, services: Services, ready) -> None:
    draft = await ready()
    owner = await _owner(make, draft)
    page = f"{draft.account.app}/senders/{draft.sender_id}"
    assert f"{FIRST_CAP} messages to each provider on the first day" in (await owner.get(page)).text
    assert (await owner.post(f"{page}/warm-ups", {})).status == 303
    shown = (await owner.get(page)).text
    assert len(re.findall(r"<td[^>]*>50\s*</td>", shown)) >= 10
    assert "51,200" in shown
    assert "Other providers" in shown
    program = await make.program(draft.account.id)
    place = f"/api/v1/senders/{draft.sender_id}/warm-up"
    plan = (await program.get(place)).json()
    assert (plan["domain"], plan["first_cap"], len(plan["days"])) == ("pain.test", 50, 11)
    again = await program.ask("PUT", place, json={"first_cap": 200, "steps": 3})
    assert [cap for _, cap in again.json()["days"]] == [200, 400, 800]
    assert (await owner.post(f"{page}/warm-ups/ends", {})).status == 303
    assert (await program.get(place)).status == 404
    assert (await program.ask("DELETE", place)).status == 404


async def test_the_allowance_is_on_the_home_page_and_a_command_sets_it(
    make: Make, services: Services, ready
) -> None:
    draft = await ready()
    account = draft.account
    owner = await _owner(make, draft)
    assert "allowance" not in (await owner.get(account.app)).text
    found = await commands.limit_account(services, account.id, per_day=100, per_month=2000)
    assert found == {"id": account.id, "per_day": 100, "per_month": 2000}
    async with services.db.account(account.id) as tx:
        await tx.run(
            """
            INSERT INTO day_counts (account_id, day, begun)
            SELECT id, (now() AT TIME ZONE time_zone)::date, 40 FROM accounts WHERE id = $1
            """
        )
    shown = (await owner.get(account.app)).text
    assert "60 more messages may leave today." in shown
    assert "Today: 40 of 100. This month: 40 of 2,000." in shown
    await commands.limit_account(services, account.id, per_day=40, per_month=None)
    assert "Nothing more leaves today." in (await owner.get(account.app)).text
    await _sending(services, draft)
    assert (
        "Today’s allowance of 40 messages is used. The send goes on by itself on"
        in (await owner.get(draft.page)).text
    )
    program = await make.program(account.id)
    seen = (await program.get("/api/v1/account")).json()
    assert (seen["per_day"], seen["per_month"]) == (40, None)
