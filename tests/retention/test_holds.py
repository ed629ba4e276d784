"""Legal holds: what a law keeps is not erased by retention, rights or closing, and goes by itself on its day."""

import argparse
import asyncio
import json
from datetime import UTC, date, datetime, timedelta

import pytest

from lists import contacts, erasing, erasures, legal_holds
from lists.erasures import By, Erasure
from lists.legal_holds import NewHold
from mailer import hold_commands
from mailer.accounts import account_life, accounts, audit
from mailer.core import clock
from mailer.core.errors import Conflict, Forbidden, Invalid, NotFound
from mailer.core.services import Services
from mailer.core.work import Task
from retention_jobs import (
    account_certificate,
    closed_accounts,
    event_rows,
    held_people,
    jobs,
    platform,
    purge,
)
from tests.clicks.conftest import sent_campaign
from tests.make import Account, Make

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
ARTICLE = "RGPD, art. 17(3)(e)"


def hold(contact_id: int | None = None, *, until: date = date(2028, 6, 30)) -> NewHold:
    return NewHold(contact_id=contact_id, article=ARTICLE, reason="Litige n° 12", ends_on=until)


async def place(services: Services, account: Account, new: NewHold) -> int:
    async with services.db.account(account.id) as tx:
        return await legal_holds.place(tx, new, by="tests", now=NOW)


@pytest.mark.req("A-005")
@pytest.mark.parametrize(
    ("new", "fields"),
    [
        (NewHold(), ["article", "reason", "ends_on"]),
        (NewHold(article="  ", reason="Litige", ends_on=date(2028, 1, 1)), ["article"]),
        (NewHold(article=ARTICLE, reason="Litige"), ["ends_on"]),
        (NewHold(article=ARTICLE, reason="Litige", ends_on=date(2026, 11, 25)), ["ends_on"]),
        (NewHold(article=ARTICLE, reason="Litige", ends_on=date(2037, 1, 1)), ["ends_on"]),
        (NewHold(contact_id=99, article=ARTICLE, reason="Litige", ends_on=date(2028, 1, 1)), ["contact_id"]),
    ],
)
async def test_a_hold_without_article_reason_or_end_is_refused(
    services: Services, make: Make, new: NewHold, fields: list[str]
) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        with pytest.raises(Invalid) as caught:
            await legal_holds.place(tx, new, by="tests", now=NOW)
        assert [fault.field for fault in caught.value.faults] == fields
        assert await legal_holds.many(tx) == []


@pytest.mark.req("A-005", "C-12", "B-66")
async def test_neither_a_right_nor_the_team_nor_retention_erases_whom_a_law_holds_until_its_day(
    services: Services, make: Make
) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        held, free = await make.contact(tx), await make.contact(tx)
    hold_id = await place(services, account, hold(held, until=clock.now().date() + timedelta(days=400)))
    async with services.db.account(account.id) as tx:
        for act in (
            erasures.erase(tx, held, Erasure(asked_by=By.PERSON)),
            erasures.erase(tx, held, Erasure()),
            contacts.delete(tx, [held]),
        ):
            with pytest.raises(Conflict) as caught:
                await act
            assert caught.value.faults[0].params["article"] == ARTICLE
        # nothing was refused for them either: the wish is told back, not half done
        assert await tx.value("SELECT count(*) FROM suppressions WHERE account_id = $1") == 0
        assert await contacts.delete(tx, [held, free], erasing.Why.RETENTION) == 1
        assert await tx.value("SELECT id FROM contacts WHERE account_id = $1") == held
        await legal_holds.lift(tx, hold_id, now=NOW)
        with pytest.raises(NotFound):
            await legal_holds.lift(tx, hold_id, now=NOW)
        assert await contacts.delete(tx, [held], erasing.Why.RETENTION) == 1
        entries = [(one.action, one.object) for one in await audit.latest(tx)]
        assert {("held", "legal_hold"), ("unheld", "legal_hold")} <= set(entries)


@pytest.mark.req("A-005")
async def test_events_of_a_held_person_stay_and_keep_no_others(
    services: Services, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are the oldest, more than a batch of them, and the others go all the same."""
    monkeypatch.setattr(purge, "BATCH", 2)
    monkeypatch.setattr(event_rows, "LIMIT", 2)
    monkeypatch.setattr(event_rows, "STEP", timedelta(minutes=2))
    account = await make.account()
    async with services.db.account(account.id) as tx:
        held, free = await make.contact(tx), await make.contact(tx)
        campaign_id, _ = await sent_campaign(tx)
        for minute, contact_id in enumerate([held] * 5 + [free] * 5):
            await tx.run(
                """
                INSERT INTO events (account_id, id, at, campaign_id, contact_id, kind, verdict)
                VALUES ($1, $2, $3, $4, $5, 'open', 'person')
                """,
                f"{minute}-0",
                NOW + timedelta(minutes=minute),
                campaign_id,
                contact_id,
            )
    hold_id = await place(services, account, hold(held))
    late = datetime(2028, 2, 1, tzinfo=UTC)
    async with services.db.account(account.id) as tx:
        assert [await event_rows.purge(tx, late) for _ in range(4)] == [2, 2, 1, 0]
        left = await tx.rows("SELECT DISTINCT contact_id FROM events WHERE account_id = $1")
        assert left == [(held,)]
        await legal_holds.lift(tx, hold_id, now=NOW)
        assert [await event_rows.purge(tx, late) for _ in range(4)] == [2, 2, 1, 0]


@pytest.mark.req("A-005")
async def test_a_hold_waits_for_a_deletion_that_did_not_know_it(services: Services, make: Make) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        contact_id = await make.contact(tx)
        campaign_id, _ = await sent_campaign(tx)
    late = datetime(2028, 2, 1, tzinfo=UTC)
    async with services.db.account(account.id) as tx:
        assert await event_rows.purge(tx, late) == 0
        placing = asyncio.ensure_future(place(services, account, hold(contact_id)))
        done, _ = await asyncio.wait({placing}, timeout=0.5)
        assert not done
        # what was not deleted by the end is held
        await tx.run(
            """
            INSERT INTO events (account_id, id, at, campaign_id, contact_id, kind, verdict)
            VALUES ($1, 'held-0', $2, $3, $4, 'open', 'person')
            """,
            NOW,
            campaign_id,
            contact_id,
        )
    await placing
    async with services.db.account(account.id) as tx:
        assert await event_rows.purge(tx, late) == 0
        assert await tx.value("SELECT count(*) FROM events WHERE account_id = $1") == 1


@pytest.mark.req("A-005", "A-004")
async def test_rows_of_a_held_person_outlive_their_period_and_go_when_the_hold_ends(
    services: Services, make: Make
) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        held, free = await make.contact(tx), await make.contact(tx)
        list_id = await make.mailing_list(tx)
        campaign_id, _ = await sent_campaign(tx)
        month = await tx.value("SELECT month FROM campaigns WHERE account_id = $1")
        for contact_id in (held, free):
            await tx.run(
                """
                INSERT INTO deliveries (account_id, campaign_id, contact_id, month, list_id, status, first_at,
                                        final_at)
                VALUES ($1, $2, $3, $4, $5, 'delivered', $6, $6)
                """,
                campaign_id,
                contact_id,
                month,
                list_id,
                NOW,
            )
    await place(services, account, hold(held))
    late = datetime(2028, 2, 1, tzinfo=UTC)
    async with services.db.account(account.id) as tx:
        assert await purge.deliveries(tx, late) == 1
        assert await tx.value("SELECT contact_id FROM deliveries WHERE account_id = $1") == held
        assert await purge.deliveries(tx, datetime(2028, 6, 30, 12, tzinfo=UTC)) == 0
        assert await purge.deliveries(tx, datetime(2028, 7, 1, tzinfo=UTC)) == 1


@pytest.mark.req("A-005")
async def test_while_a_law_holds_the_whole_account_no_rule_runs_and_it_is_not_erased(
    services: Services, make: Make
) -> None:
    account = await make.account()
    until = (clock.now() + timedelta(days=300)).date()
    async with services.db.account(account.id) as tx:
        await tx.run(
            "INSERT INTO audit (account_id, actor, action, object, at) VALUES ($1, 'job', 'x', 'y', $2)",
            NOW - timedelta(days=800),
        )
    hold_id = await place(services, account, hold(until=until))
    task = Task(account.id, "retention_jobs.account_pass", 0, 0, 1)
    await jobs.account_pass(services, task)
    async with services.db.account(account.id) as tx:
        assert await tx.value("SELECT count(*) FROM audit WHERE account_id = $1 AND action = 'x'") == 1
        # that it was looked at is noted all the same: it is held, not late
        assert await tx.value("SELECT count(*) FROM retention_passes WHERE account_id = $1") == len(
            purge.RULES
        )
        name = (await accounts.show(tx)).name
        closed_at = NOW - timedelta(days=100)
        await account_life.close(tx, name, now=closed_at, public_url="")
    assert account.id not in await closed_accounts.due(services.db, NOW)
    assert await closed_accounts.erase(services.db, account.id, NOW) == {}
    async with services.db.account(account.id) as tx:
        await legal_holds.lift(tx, hold_id, now=NOW)
    await jobs.account_pass(services, task)
    async with services.db.account(account.id) as tx:
        assert await tx.value("SELECT count(*) FROM audit WHERE account_id = $1 AND action = 'x'") == 0
    assert (await closed_accounts.erase(services.db, account.id, NOW))["users"] == 1


@pytest.mark.req("A-005", "A-093")
async def test_of_a_held_person_a_copy_outlives_the_account_and_nothing_else(
    services: Services, make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        list_id = await make.mailing_list(tx)
        held = await make.contact(tx, "ana@held.test", list_id=list_id)
        await make.contact(tx, "bob@free.test", list_id=list_id)
        name = (await accounts.show(tx)).name
        await legal_holds.place(tx, hold(held), by="tests", now=NOW)
        await account_life.close(tx, name, now=NOW, public_url="")
    end = account_life.erased_when_closed(NOW)
    issuer = account_certificate.issuer(services)
    assert (await closed_accounts.erase(services.db, account.id, end, at_end=issuer))["contacts"] == 2
    async with services.db.shared() as tx:
        [kept] = [one for one in await held_people.many(tx) if one.account_id == account.id]
        assert (kept.legal_basis, kept.expires_at) == (ARTICLE, datetime(2028, 6, 30, 23, 59, 59, tzinfo=UTC))
        record = json.loads(
            await tx.value("SELECT record FROM account_certificates WHERE account_id = $1", account.id)
        )
    assert {
        "what": "held_people", "rows": 1, "legal_basis": ARTICLE, "until": "2028-06-30T23:59:59Z",
    } in record["kept"]  # fmt: skip
    args = argparse.Namespace(act="open", held=kept.id, account=None)
    assert await hold_commands.run(services.settings, args) == 0
    shown = capsys.readouterr().out
    assert "ana@held.test" in shown
    assert "bob@free.test" not in shown
    async with services.db.shared() as tx:
        await platform.purge(tx, datetime(2028, 7, 1, tzinfo=UTC))
        assert await held_people.many(tx) == []


@pytest.mark.req("A-005", "E-30")
async def test_an_owner_places_and_lifts_a_hold_and_the_retention_page_shows_it(
    services: Services, make: Make
) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        contact_id = await make.contact(tx)
    owner = await make.signed_in(account.owner_id)
    manager = await make.signed_in((await make.user(account.id, "manager"))[0])
    page = f"{account.app}/privacy/holds"
    assert "No legal hold" in (await owner.get(page)).text
    ends_on = (clock.now() + timedelta(days=60)).date().isoformat()
    form = {"contact_id": contact_id, "article": ARTICLE, "reason": "Litige", "ends_on": ends_on}
    assert (await manager.post(page, form)).status == 403
    for field in ("contact_id", "article", "reason", "ends_on"):
        refused = await owner.post(page, form | {field: ""})
        assert refused.status == 422, field
        assert f'href="#{field}"' in refused.text
    assert (await owner.post(page, form)).status == 303
    assert f"Contact {contact_id}" in (await manager.get(f"{account.app}/privacy/retention")).text
    refused = await owner.post(f"{account.app}/contacts/{contact_id}/deletion", {"asked_by": "team"})
    assert refused.status == 409
    assert "The law asks to keep this until" in refused.text
    assert ARTICLE in refused.text
    async with services.db.account(account.id) as tx:
        [placed] = await legal_holds.many(tx)
    stranger = await make.account()
    other = await make.signed_in(stranger.owner_id)
    assert (await other.post(f"{stranger.app}/privacy/holds/{placed.id}/lift")).status == 404
    assert (await manager.post(f"{page}/{placed.id}/lift")).status == 403
    async with services.db.shared() as tx:
        await tx.run(
            "UPDATE sessions SET confirmed_at = now() - interval '1 hour' WHERE user_id = $1",
            account.owner_id,
        )
    assert (await owner.post(f"{page}/{placed.id}/lift")).status == 403
    async with services.db.shared() as tx:
        await tx.run("UPDATE sessions SET confirmed_at = now() WHERE user_id = $1", account.owner_id)
    assert (await owner.post(f"{page}/{placed.id}/lift")).status == 303
    assert "Lifted" in (await owner.get(page)).text


async def test_the_operator_holds_a_whole_account_and_its_owner_cannot_lift_that(
    services: Services, make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    account = await make.account()
    args = {
        "act": "place", "account": account.id, "contact": None, "article": "CPP, art. 60-2",
        "reason": "Réquisition", "until": (clock.now() + timedelta(days=90)).date(),
    }  # fmt: skip
    assert await hold_commands.run(services.settings, argparse.Namespace(**args)) == 0
    hold_id = json.loads(capsys.readouterr().out)["id"]
    owner = await make.signed_in(account.owner_id)
    page = f"{account.app}/privacy/holds"
    assert "The whole account" in (await owner.get(page)).text
    assert (await owner.post(f"{page}/{hold_id}/lift")).status == 404
    bad = argparse.Namespace(**(args | {"until": date(2020, 1, 1)}))
    with pytest.raises(Forbidden, match="ends_on"):
        await hold_commands.run(services.settings, bad)
    lift = argparse.Namespace(act="lift", account=account.id, hold=hold_id)
    assert await hold_commands.run(services.settings, lift) == 0
    with pytest.raises(Forbidden):
        await hold_commands.run(services.settings, lift)
