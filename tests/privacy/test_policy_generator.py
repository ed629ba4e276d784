"""The policy of a controller and the records of article 30: written from facts, gaps shown (A-095, C-53)."""

import csv
import io
import re

import pytest

from mailer.accounts import accounts, prose
from mailer.accounts.accounts import AccountChanges
from mailer.core.services import Services
from retention_jobs import policies, privacy_policy, processing
from retention_jobs.classes import CLASSES
from tests.client import Client
from tests.make import Account, Make
from tracking import modes

FACTS = {
    "dpo": "Dana Délégué, dpo@pain.test",
    "authority": "",
    "origin": "Formulaire du site",
    "provision": "Seule l’adresse est nécessaire",
    "other_recipients": "aucun",
    "transfers": "aucun",
    "interests": "Faire connaître nos pains",
}


async def written(services: Services, account: Account, language: str) -> str:
    async with services.db.account(account.id) as tx:
        return privacy_policy.text(await processing.of(tx, services.settings.operator), language)


async def with_list(services: Services, make: Make) -> Account:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        listed = await make.mailing_list(tx, "Lettre du lundi")
        await make.contact(tx, list_id=listed)
    return account


@pytest.mark.req("A-095", "C-65")
@pytest.mark.parametrize("language", ["fr", "en"])
async def test_each_item_of_articles_13_and_14_has_its_heading_and_gaps_are_counted(
    services: Services, make: Make, language: str
) -> None:
    account = await with_list(services, make)
    text = await written(services, account, language)
    headings = [line.split(".")[0][3:] for line in text.splitlines() if line.startswith("## ")]
    assert headings == list(privacy_policy.ITEMS)
    mark = {"fr": "[à compléter : ", "en": "[to be completed: "}[language]
    # officer, origin, other recipients, transfers, whether data must be given
    assert (text.count(mark), privacy_policy.gaps(text)) == (5, 5)
    assert "Lettre du lundi" in text
    assert str(policies.STATISTICS_MONTHS) in text.split("## 7.")[1].split("## 8.")[0]
    # C-65: nothing is taken out of the area, but people's mailboxes may lie there
    told = {"fr": "Votre propre boîte peut se trouver ailleurs", "en": "Your own mailbox may be elsewhere"}
    assert told[language] in text.split("## 6.")[1].split("## 7.")[0]
    # what every mail to a list has; a link of its own to these rights is its author's choice
    link = {
        "fr": "sa page mène à celle où exercer ces droits",
        "en": "its page leads to the one where you can use",
    }
    assert link[language] in text.split("## 8.")[1].split("## 9.")[0]


@pytest.mark.req("A-095")
async def test_what_the_account_says_fills_the_gaps(services: Services, make: Make) -> None:
    account = await with_list(services, make)
    person = await make.signed_in(account.owner_id)
    page = f"{account.app}/privacy/policy"
    assert "5 facts are missing" in (await person.get(page)).text
    both = await person.post(page, {**FACTS, "without_dpo": "true"})
    assert (both.status, 'href="#dpo"' in both.text) == (422, True)
    assert (await person.post(page, FACTS)).status == 303
    shown = (await person.get(f"{page}?text=fr")).text
    assert "No fact is missing" in shown
    article = shown.split("<article", 1)[1].split("</article>")[0]
    assert "à compléter" not in article
    assert "Dana Délégué" in article
    assert "CNIL" in article
    analyst = await make.signed_in((await make.user(account.id, "analyst"))[0])
    assert (await analyst.post(page, FACTS)).status == 403
    assert "What only you know" not in (await analyst.get(page)).text


@pytest.mark.req("A-095")
async def test_the_text_follows_measurement_and_legal_bases(services: Services, make: Make) -> None:
    account = await with_list(services, make)
    before = await written(services, account, "en")
    assert "if you accepted it, and only then, an image" in before
    assert "Legitimate interests pursued" not in before
    async with services.db.account(account.id) as tx:
        await modes.change(tx, modes.Choice(opens="off", clicks="off"))
        await tx.run("UPDATE subscriptions SET legal_basis = 'b2b_interest' WHERE account_id = $1")
    after = await written(services, account, "en")
    assert "our messages hold no tracking image" in after
    assert "Consent is withdrawn" not in after
    assert "Legitimate interests pursued: **[to be completed" in after


@pytest.mark.req("A-095", "E-52")
async def test_facts_are_never_marks_in_html_or_markdown(services: Services, make: Make) -> None:
    account = await make.account()
    hostile = "<script>x</script> **[a](https://b.test)** & Cie"
    async with services.db.account(account.id) as tx:
        await accounts.change(tx, AccountChanges(legal_name=hostile))
    text = await written(services, account, "fr")
    shown = str(prose.html(text))
    assert "<script" not in shown
    assert 'https://b.test"' not in shown
    assert "&lt;script&gt;x&lt;/script&gt; **[a](https://b.test)** &amp; Cie" in shown
    assert "\\<script>" in text


@pytest.mark.req("A-095")
async def test_the_policy_is_downloaded_in_both_forms_and_languages(services: Services, make: Make) -> None:
    account = await with_list(services, make)
    person = await make.signed_in(account.owner_id)
    for language, title in (("fr", "Politique de confidentialité"), ("en", "Privacy policy")):
        page = await person.get(f"{account.app}/privacy/policy.html?text={language}")
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        assert f'<html lang="{language}">' in page.text
        assert f"<h1>{title}</h1>" in page.text
        plain = await person.get(f"{account.app}/privacy/policy.md?text={language}")
        assert plain.text.startswith(f"# {title}\n")
        assert f"policy-{language}.md" in plain.headers["Content-Disposition"]


def cells(text: str, delimiter: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.lstrip("\ufeff")), delimiter=delimiter))


@pytest.mark.req("C-53")
async def test_the_controllers_record_has_a_line_for_each_list(services: Services, make: Make) -> None:
    account = await with_list(services, make)
    person = await make.signed_in(account.owner_id)
    page = (await person.get(f"{account.app}/privacy/records")).text
    assert "Lettre du lundi" in page
    answer = await person.get(f"{account.app}/privacy/records.csv")
    assert re.search(r"processing-record-\d{4}-\d\d-\d\d\.csv", answer.headers["Content-Disposition"])
    rows = cells(answer.text, ",")
    assert [row["Processing"] for row in rows] == [
        "Lettre du lundi (newsletter)",
        "Suppression list",
        "Measurement of opens and clicks",
    ]
    assert rows[0]["Purposes"] == "Nos nouvelles"
    assert rows[0]["Legal basis"].startswith("consent")
    assert "[to be completed: officer, or none]" in rows[0]["Data protection officer"]
    assert all(all(row.values()) for row in rows)
    kept = await person.get(f"{account.app}/privacy/records.html?lang=fr")
    assert "<h2>Lettre du lundi (lettre d’information)</h2>" in kept.text
    assert "Registre du responsable de traitement Atelier du Pain" in kept.text


@pytest.mark.req("C-53", "A-005", "A-007")
async def test_the_operators_own_record_has_the_periods_of_the_table_and_a_gap(make: Make) -> None:
    user_id, _ = await make.user(None)
    async with make.services.db.shared() as tx:
        await tx.run("UPDATE users SET is_operator = true WHERE id = $1", user_id)
    operator: Client = await make.signed_in(user_id, language="fr")
    account = await make.account()
    stranger = await make.signed_in(account.owner_id)
    for path in ("records/own", "records/own.csv", "records/own.html"):
        assert (await stranger.get(f"/app/operator/{path}")).status == 404
        assert (await operator.get(f"/app/operator/{path}")).status == 200
    assert "/app/operator/records/own" in (await operator.get("/app/operator/records")).text
    answer = await operator.get("/app/operator/records/own.csv?lang=en")
    rows = cells(answer.text, ",")
    limits = {row["Processing"]: row["Time limits"] for row in rows}
    kept = {
        name: CLASSES[name].period
        for name in ("people without an account", "sign-ins", "register of breaches")
    }
    people, log, registers = (period.months for period in kept.values() if period)
    assert f"without an account {people} months" in limits["Accounts and the people of their teams"]
    assert limits["Sign-ins and journals"] == f"{log} months after the sign-in or the action"
    assert limits["Breaches and requests of authorities"].startswith(f"{registers} months")
    assert all(row["Controller"] and row["Security"] for row in rows)
    assert rows[-1]["Purposes"].startswith("[to be completed: what you do beside this product")


@pytest.mark.req("C-53")
async def test_the_processors_record_lists_every_account_that_is_not_closed(
    services: Services, make: Make
) -> None:
    accounts_made = [await make.account() for _ in range(3)]
    async with services.db.shared() as tx:
        for n, account in enumerate(accounts_made):
            await tx.run("UPDATE accounts SET legal_name = $2 WHERE id = $1", account.id, f"=Tenant {n}")
        await tx.run(
            "UPDATE accounts SET status = 'closed', closed_at = now(), erase_at = now() WHERE id = $1",
            accounts_made[2].id,
        )
        user_id, _ = await make.user(None)
        await tx.run("UPDATE users SET is_operator = true WHERE id = $1", user_id)
        open_ones = await tx.value("SELECT count(*) FROM accounts WHERE status <> 'closed' AND NOT sample")
    stranger = await make.signed_in(accounts_made[0].owner_id)
    operator: Client = await make.signed_in(user_id)
    for path in ("/app/operator/records", "/app/operator/records.csv", "/app/operator/records.html"):
        assert (await stranger.get(path)).status == 404
        assert (await operator.get(path)).status == 200
    answer = await operator.get("/app/operator/records.csv")
    rows = cells(answer.text, ",")
    named = [row["Controller"].split(",")[0] for row in rows]
    assert len(rows) == open_ones
    assert "'=Tenant 0" in named
    assert "'=Tenant 2" not in named
    assert all(row["Processor"].startswith("Mailer") for row in rows)
