"""The facts for an impact assessment: what the tables say, gaps where only the controller knows (C-64)."""

import csv
import html
import io
import re

import pytest

from lists.rights_words import Right
from mailer.accounts import privacy_facts
from mailer.accounts.privacy_facts import NewFacts
from mailer.core import clock
from mailer.core.services import Services
from mailer.web import i18n
from retention_jobs import impact_facts, impact_sheet, policies, privacy_policy, processing
from retention_jobs.impact_sheet import Section
from tests.make import Account, Make
from tracking import modes

pytestmark = [pytest.mark.req("C-64")]


async def sheet(services: Services, account: Account, language: str = "en") -> list[Section]:
    async with services.db.account(account.id) as tx:
        known = await processing.of(tx, services.settings.operator)
        found = await impact_facts.of(tx, known, now=clock.now())
    with i18n.speaking(language):
        return impact_sheet.sections(found)


def values(found: list[Section]) -> dict[str, str]:
    return {fact.name: fact.text for one in found for fact in one.facts}


async def busy(services: Services, make: Make) -> Account:
    """Three contacts, one of whom accepted all; 40 mails this month and 70 half a year ago; a tree in a tree."""
    account = await make.account()
    inner = {"match": "any", "items": [{"subject": "opens", "operator": "is", "value": "granted"}]}
    trees = [
        {"match": "all", "items": [inner]},
        {"match": "all", "items": [{"subject": "email", "operator": "is", "value": "opens"}]},
    ]
    async with services.db.account(account.id) as tx:
        listed = await make.mailing_list(tx, "Lettre du lundi")
        people = [await make.contact(tx, list_id=listed) for _ in range(3)]
        await tx.run(
            "UPDATE contacts SET opens = 'granted', clicks = 'granted' WHERE account_id = $1 AND id = $2",
            people[0],
        )
        for name, tree in zip(("Lecteurs", "Adresses"), trees, strict=True):
            await tx.run(
                "INSERT INTO segments (account_id, name, tree) VALUES ($1, $2, $3::jsonb)", name, tree
            )
        for days, begun in ((1, 40), (180, 70), (400, 999)):
            await tx.run(
                "INSERT INTO day_counts (account_id, day, begun) VALUES ($1, $2::date - $3::int, $4)",
                clock.now().date(),
                days,
                begun,
            )
        for state in ("done", "open"):
            await tx.run(
                """
                INSERT INTO rights_requests (account_id, kind, channel, received_at, due_on, state, finished_at)
                VALUES ($1, 'access', 'post', now() - interval '40 days', current_date - 10, $2,
                        CASE WHEN $2 = 'done' THEN now() - interval '20 days' END)
                """,
                state,
            )
        await modes.change(tx, modes.Choice(opens="aggregate"))
    return account


async def test_the_sheet_counts_what_the_account_does(services: Services, make: Make) -> None:
    account = await busy(services, make)
    found = values(await sheet(services, account))
    assert found["Contacts"] == "3"
    assert found["Large scale"] == "contacts: 3"
    assert found["Contacts who accepted the measurement of opens"] == "1"
    assert found["Mails of the last 30 days"] == "40"
    assert found["Mails in the fullest month of the last twelve"].startswith("70 (")
    assert found["Opens"] == "counted all together, nothing by person"
    assert found["Clicks"] == "by person, only of those who accepted it"
    assert found["Segments"] == "2, of which 1 look at opens, clicks or answers to mails"
    assert found["Requests of the last twelve months"] == "2 received, 1 done, 0 refused, 1 open, 1 late"
    assert "Lettre du lundi (newsletter)" in found
    assert "Bank card numbers may not be kept here." in found["Refused wherever it is typed or imported"]
    for one in policies.SHOWN.values():
        assert found[one.what] == one.kept


async def test_a_period_and_its_start_are_one_sentence_in_both_languages(
    services: Services, make: Make
) -> None:
    account = await make.account()
    told = values(await sheet(services, account, "fr"))
    with i18n.speaking("fr"):
        sentences = {name: told[i18n.translate(one.what)] for name, one in policies.SHOWN.items()}
    assert sentences["content"] == "6 jours après la dernière tentative"
    assert sentences["closed"] == "3 mois après la fermeture, sauvegardes comprises"
    person = await make.signed_in(account.owner_id, language="fr")
    page = html.unescape((await person.get(f"{account.app}/privacy/retention")).text)
    for name, one in policies.SHOWN.items():
        # whatever has a period says from when it counts
        assert not one.period or " after " in one.kept, name
        assert not one.period or " après " in sentences[name], name
        assert sentences[name] in page, name
    assert "à partir de" not in page


async def test_what_only_the_controller_knows_is_a_gap_until_it_is_said(
    services: Services, make: Make
) -> None:
    account = await make.account()
    before = await sheet(services, account)
    known = values(before)
    for name in ("Other recipients", "Transfers outside the EU and the EEA", "Where addresses come from"):
        assert known[name].startswith("[to be completed: "), name
    async with services.db.account(account.id) as tx:
        said = NewFacts(origin="Site", other_recipients="aucun", transfers="aucun")
        await privacy_facts.change(tx, said, clock.now())
    after = await sheet(services, account)
    assert impact_sheet.gaps(before) - impact_sheet.gaps(after) == 3
    # what is judged stays the controller's: nine criteria, three risks
    criteria, judged = after[0], after[-1]
    assert len(criteria.facts) == 9
    assert all(fact.text.startswith("[to be completed: ") for fact in judged.facts)
    assert [fact.name for fact in judged.facts][:3] == [
        "Risk: somebody reads what is not theirs",
        "Risk: data is changed against the will of the people",
        "Risk: data is lost",
    ]


async def test_the_standing_instruction_and_the_guards_are_told(services: Services, make: Make) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        await tx.run("UPDATE accounts SET second_factor_required = true WHERE id = $1")
        await tx.run("INSERT INTO rights_settings (account_id, at_once) VALUES ($1, '{access}')")
        known = await processing.of(tx, services.settings.operator)
        found = await impact_facts.of(tx, known, now=clock.now())
    assert set(found.at_once) == {Right.ACCESS, Right.OBJECT, Right.TRACKING}
    with i18n.speaking("en"):
        told = values(impact_sheet.sections(found))
    assert told["Double authentication asked of all of them"] == "Yes"
    assert told["The operator's people ask before they read"] == "No"
    assert told["Carried out at once, without weighing"] == (
        "Get a copy; No more marketing; No more measurement of opens and clicks"
    )


@pytest.mark.parametrize(
    ("language", "title"), [("fr", "Faits pour une analyse d’impact"), ("en", "Facts for an")]
)
async def test_the_page_and_both_files_say_the_same(
    services: Services, make: Make, language: str, title: str
) -> None:
    account = await busy(services, make)
    owner = await make.signed_in(account.owner_id, language=language)
    records = await owner.get(f"{account.app}/privacy/records")
    assert f'href="{account.app}/privacy/records/impact"' in records.text
    page = html.unescape((await owner.get(f"{account.app}/privacy/records/impact")).text)
    assert title in page
    table = await owner.get(f"{account.app}/privacy/records/impact.csv")
    assert re.search(
        r'filename="impact-assessment-facts-\d{4}-\d\d-\d\d\.csv"', table.headers["Content-Disposition"]
    )
    rows = list(
        csv.reader(io.StringIO(table.text.lstrip("\ufeff")), delimiter=";" if language == "fr" else ",")
    )
    assert len(rows) > 40
    assert rows[0] == (["Partie", "Fait", "Valeur"] if language == "fr" else ["Part", "Fact", "Value"])
    missing = [row for row in rows[1:] if row[2] not in page or row[1] not in page]
    assert missing == []
    file = html.unescape((await owner.get(f"{account.app}/privacy/records/impact.html")).text)
    assert f'<html lang="{language}">' in file
    assert [row for row in rows[1:] if " ".join(row[2].split()) not in file] == []
    gaps = sum(privacy_policy.gaps(row[2]) for row in rows[1:])
    told = f"{gaps} lacunes sont" if language == "fr" else f"{gaps} gaps are"
    assert told in page.replace("\N{NO-BREAK SPACE}", " ")
