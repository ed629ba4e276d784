"""What a person went through in automatic campaigns, on their timeline: entered, steps passed, how it ended."""

from datetime import timedelta

import pytest

from lists import contact_history, contact_merges, contact_timeline, contact_words, tags
from lists.contact_merges import Merge
from lists.contact_timeline import Kind
from lists.segment_tree import Condition, Subject
from mailer.core.services import Services
from mailer.web import i18n
from retention_jobs import purge
from sending import automation_steps
from sending.automation_steps import Place, StepInput
from tests.automations.conftest import Begin, Series
from tests.make import Make
from tests.reports.test_report_parts import words_of


async def travelled(begin: Begin) -> tuple[Series, int]:
    """A person who entered, got a mail, waited, was asked, got a tag, lost it, and left at a step."""
    series = await begin()
    await series.mail("Bonjour")
    await series.wait(amount=2)
    rule = Condition(subject=Subject.FIRST_NAME, operator="filled")
    asked = await series.step(StepInput(kind="condition", rule=rule))
    await series.step(StepInput(kind="tag", tag="client"), Place(parent=asked, branch="yes"))
    await series.step(StepInput(kind="untag", tag="client"))
    await series.step(StepInput(kind="leave"))
    await series.start()
    contact = await series.subscribe("ana@line.test")
    await series.turn()
    await series.later(days=2, minutes=1)
    return series, contact


async def told(series: Series, contact: int, kind: Kind = "journey", limit: int = 50) -> list[str]:
    """The lines in French, the oldest first, by pages."""
    lines: list[str] = []
    cursor: str | None = None
    async with series.post.tx() as tx:
        while True:
            found = await contact_timeline.many(tx, contact, kind=kind, cursor=cursor, limit=limit)
            with i18n.speaking("fr"):
                lines += [contact_words.told(one) for one in found.items]
            if (cursor := found.next_cursor) is None:
                return lines[::-1]


WAY = [
    "Entrée dans la campagne automatique",
    "Attente terminée dans la campagne automatique",
    "Condition remplie dans la campagne automatique",
    "Étiquette « client » posée par la campagne automatique",
    "Étiquette « client » retirée par la campagne automatique",
    "Sortie à une étape de la campagne automatique",
]


@pytest.mark.req("C-10")
async def test_each_step_is_a_line_in_its_order_and_a_mail_is_its_delivery_alone(begin: Begin) -> None:
    series, contact = await travelled(begin)
    assert [line.replace("\N{NO-BREAK SPACE}", " ") for line in await told(series, contact)] == WAY
    everything = await told(series, contact, "")
    assert sum("Bienvenue" in line for line in everything) == 1
    # at any length of a page each line once, and in the same order
    for limit in (1, 2, 3):
        assert await told(series, contact, "", limit) == everything


@pytest.mark.req("C-10")
async def test_lines_of_one_instant_are_in_the_order_of_the_way(begin: Begin) -> None:
    series, contact = await travelled(begin)
    async with series.post.tx() as tx:
        await tx.run("UPDATE automation_passages SET at = now() WHERE account_id = $1")
        await tx.run(
            "UPDATE automation_journeys SET entered_at = now(), ended_at = now() WHERE account_id = $1"
        )
    for limit in (1, 2, 50):
        lines = await told(series, contact, limit=limit)
        assert [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines] == WAY


@pytest.mark.req("C-10", "A-004")
async def test_the_page_names_the_automatic_campaign_and_when_each_line_goes(
    begin: Begin, make: Make
) -> None:
    series, contact = await travelled(begin)
    account = series.post.account
    person = await make.signed_in(account.owner_id)
    page = await person.get(f"{account.app}/contacts/{contact}/timeline?kind=journey")
    assert page.text.count(f'href="{account.app}/automations/{series.id}">Bienvenue</a>') == len(WAY)
    words = words_of(page.text)
    assert "Entered the automatic campaign: Bienvenue Kept as long as the contact." in words
    assert "Waiting over in the automatic campaign: Bienvenue Deleted on" in words
    assert "Kept as proof" not in words
    assert "Waiting over" in words_of((await person.get(f"{account.app}/contacts/{contact}")).text)


@pytest.mark.req("C-10", "A-004")
async def test_steps_are_in_the_copy_and_gone_after_thirteen_months(begin: Begin) -> None:
    series, contact = await travelled(begin)
    async with series.post.tx() as tx:
        history = (await contact_history.archive(tx, contact))["history"]
        steps = [one for one in history if one["kind"] == "step"]
        assert [(one["word"], one["purpose"], one["tag"]) for one in reversed(steps)] == [
            ("wait", "", None),
            ("condition", "yes", None),
            ("tag", "", "client"),
            ("untag", "", "client"),
        ]
        until = min(one["kept_until"] for one in steps)
        await purge.deliveries(tx, until - timedelta(seconds=1))
        assert len(await tx.rows("SELECT FROM automation_passages WHERE account_id = $1")) == len(steps)
        await purge.deliveries(tx, max(one["kept_until"] for one in steps) + timedelta(seconds=1))
    assert await told(series, contact) == [WAY[0], WAY[-1]]


@pytest.mark.req("C-10", "C-12")
async def test_steps_go_on_with_a_merge_and_away_with_the_person(begin: Begin) -> None:
    series, contact = await travelled(begin)
    async with series.post.tx() as tx:
        kept = await series.post.make.contact(tx, "ana.b@line.test")
        await contact_merges.merge(tx, kept, Merge(other_id=contact))
    assert len(await told(series, kept)) == len(WAY)
    async with series.post.tx() as tx:
        await tx.run("DELETE FROM contacts WHERE account_id = $1 AND id = $2", kept)
        assert await tx.rows("SELECT FROM automation_passages WHERE account_id = $1") == []


async def test_a_deleted_tag_and_a_refusal_are_told(begin: Begin) -> None:
    series = await begin()
    await series.step(StepInput(kind="tag", tag="essai"))
    await series.wait(amount=1)
    await series.start()
    contact = await series.subscribe("bob@line.test")
    await series.turn()
    async with series.post.tx() as tx:
        plan = await automation_steps.plan(tx, series.id)
        await tags.delete(tx, int(plan.steps[0].setting["tag_id"]))
        await tx.run(
            "UPDATE subscriptions SET status = 'unsubscribed' WHERE account_id = $1 AND contact_id = $2",
            contact,
        )
    lines = await told(series, contact)
    assert "supprimé" in lines[1]
    assert lines[2] == "Sortie (désabonnement) de la campagne automatique"


@pytest.mark.req("C-10")
async def test_the_steps_of_one_person_are_found_by_index(services: Services, make: Make) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        await tx.run_plain("SET LOCAL enable_seqscan = off")
        plan = "\n".join(
            row[0]
            for row in await tx.rows(
                """
                EXPLAIN SELECT p.at
                FROM unnest('{7,8}'::bigint[]) AS person (id)
                CROSS JOIN LATERAL (
                    SELECT at, id FROM automation_passages
                    WHERE account_id = $1 AND contact_id = person.id AND at <= now()
                    ORDER BY at DESC, id DESC
                    LIMIT 50) AS p
                """
            )
        )
    assert "automation_passages_pkey" in plan
    assert "at <= now()" in plan.partition("Index Cond")[2]
    assert "Sort" not in plan
