"""The journal, filtered by person, act, object and period, and as a table (ui 2.4)."""

import csv
import io
from datetime import timedelta

import pytest

from mailer.accounts import audit
from mailer.core import clock
from mailer.core.actor import Actor
from mailer.core.services import Services
from tests.make import Account, Make

pytestmark = [pytest.mark.req("B-60")]


async def _filled(services: Services, account: Account, other_id: int) -> None:
    owner, other, key = Actor("user", account.owner_id), Actor("user", other_id), Actor("api_key", 77)
    for actor, act, thing, n in (
        (owner, "created", "contact", 11),
        (owner, "exported", "contacts", None),
        (other, "created", "design", 12),
        (key, "created", "contact", 13),
    ):
        async with services.db.account(account.id, actor=actor) as tx:
            await audit.write(tx, act, thing, n)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}"))))


async def test_the_journal_is_filtered_by_person_act_object_and_period(
    services: Services, make: Make
) -> None:
    account = await make.account()
    other_id, _ = await make.user(account.id, "editor")
    await _filled(services, account, other_id)
    owner = await make.signed_in(account.owner_id)

    async def found(**asked: object) -> list[tuple[str, str]]:
        query = "&".join(f"{name}={value}" for name, value in asked.items())
        answer = await owner.get(f"{account.app}/settings/log.csv?{query}")
        assert answer.status == 200
        # each reading of the table leaves a line of its own
        return [(one["action"], one["object_id"]) for one in rows(answer.text) if one["object"] != "journal"]

    everything = [("created", "13"), ("created", "12"), ("exported", ""), ("created", "11")]
    assert await found() == everything
    assert await found(who=other_id) == [("created", "12")]
    assert await found(who="api_key") == [("created", "13")]
    assert await found(action="created", object="contact") == [("created", "13"), ("created", "11")]
    today = clock.now().date()
    assert await found(since=today - timedelta(days=1), until=today + timedelta(days=1)) == everything
    assert await found(until=today - timedelta(days=2)) == []
    assert await found(since=today + timedelta(days=2)) == []
    assert await found(since="", until="", who="", action="") == everything
    page = (await owner.get(f"{account.app}/settings/log?action=exported&object=contacts")).text
    assert page.count("has exported</td>") == 1
    assert "has created</td>" not in page
    assert "log.csv?action=exported&amp;object=contacts" in page


async def test_the_next_page_keeps_the_filter(services: Services, make: Make) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        for n in range(110):
            await audit.write(tx, "created" if n % 2 else "deleted", "contact", n)
    owner = await make.signed_in(account.owner_id)
    page = (await owner.get(f"{account.app}/settings/log?action=created")).text
    assert page.count('role="rowheader"') == 50
    following = (
        page.partition('class="pager"')[2].partition('href="')[2].partition('"')[0].replace("&amp;", "&")
    )
    page = (await owner.get(following)).text
    assert page.count('role="rowheader"') == 5
    assert "has deleted</td>" not in page


async def test_a_period_that_ends_before_it_begins_is_said_at_its_field(make: Make) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    for place, status in (("log", 422), ("log.csv", 422)):
        answer = await owner.get(f"{account.app}/settings/{place}?since=2026-11-02&until=2026-11-01")
        assert answer.status == status
        assert "The end lies before the beginning." in answer.text
    for odd in ("since=yesterday", "who=0", "until=9999-12-31&since=x"):
        assert (await owner.get(f"{account.app}/settings/log?{odd}")).status == 422
    assert (await owner.get(f"{account.app}/settings/log?since=0001-01-01&until=9999-12-31")).status == 200


@pytest.mark.req("E-52", "B-61")
async def test_the_table_is_for_managers_leaves_a_line_and_holds_no_formula(
    services: Services, make: Make
) -> None:
    account = await make.account()
    async with services.db.shared() as tx:
        await tx.run("UPDATE users SET first_name = '=cmd()' WHERE id = $1", account.owner_id)
    owner = await make.signed_in(account.owner_id)
    await owner.get(f"{account.app}/settings/log.csv")
    (line,) = rows((await owner.get(f"{account.app}/settings/log.csv?object=journal&action=exported")).text)[
        1:
    ]
    assert (line["who"], line["by"], line["act"]) == ("'=cmd() Owner", "user", "has exported journal")
    assert account.owner_email not in str(line)
    analyst = await make.signed_in((await make.user(account.id, "analyst"))[0])
    assert (await analyst.get(f"{account.app}/settings/log.csv")).status == 403
    stranger = await make.signed_in((await make.account()).owner_id)
    assert (await stranger.get(f"{account.app}/settings/log.csv")).status == 404
