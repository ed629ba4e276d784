"""The wizard, as a person walks it (W1, steps 3 to 5), in both languages."""

import html
import re

import pytest
from aiohttp import FormData

from mailer.core.services import Services
from tests.client import Answer, Client
from tests.importing import files
from tests.importing.importer import Importer
from tests.make import Account, Make


async def send_file(person: Client, account: Account, data: bytes, *, name: str = "clients.csv") -> Answer:
    form = FormData()
    form.add_field("csrf", person.csrf)
    form.add_field("file", data, filename=name, content_type="text/csv")
    return await person.ask("POST", f"{account.app}/imports", data=form)


def selected(text: str) -> dict[str, str]:
    """What the selects and inputs of the mapping page hold."""
    found = dict(re.findall(r'<input name="(label_\d+)"[^>]* value="([^"]*)"', text))
    for name, body in re.findall(r'<select name="(\w+)"[^>]*>(.*?)</select>', text, re.S):
        value = re.search(r'<option value="([^"]*)" selected', body)
        found[name] = value[1] if value else ""
    return found


OPTIONS = {
    "mode": "add_and_update",
    "new_list": "Clients",
    "legal_basis": "consent",
    "source": "Commandes de la boutique",
    "attested_by": "Odile Owner",
    "attested": "true",
}


@pytest.mark.req("B-20", "B-21")
@pytest.mark.parametrize("basis", ["service", "consent"])
async def test_choosing_service_says_what_it_means_before_anything_is_imported(
    services: Services, make: Make, basis: str
) -> None:
    account = await make.account()
    importer = Importer(services, account)
    person = await make.signed_in(account.owner_id, language="en")
    sent = await send_file(person, account, files.people("ana@basis.test"))
    answer = await person.post(sent.location, selected((await person.get(sent.location)).text))
    page = (await person.get(answer.location)).text
    assert "Newsletters and promotions leave these contacts out." in page
    checked = await person.post(answer.location, OPTIONS | {"legal_basis": basis})
    await importer.turns("lists.check_import")
    page = (await person.get(checked.location)).text
    assert ("gets service messages only: newsletters and promotions leave them out." in page) == (
        basis == "service"
    )


@pytest.mark.req("E-53", "A-020", "A-021")
async def test_the_first_import_of_the_walk(services: Services, make: Make) -> None:
    account = await make.account()
    importer = Importer(services, account)
    person = await make.signed_in(account.owner_id, language="fr")
    person.headers["Accept-Language"] = "fr"
    assert "Continuer" in (await person.get(f"{account.app}/imports/new?lang=fr")).text
    sent = await send_file(person, account, files.excel_fr())
    assert sent.status == 303
    page = await person.get(sent.location + "?lang=fr")
    assert "CP1252" in page.text
    assert "point-virgule" in page.text
    assert "Jérôme" in page.text
    mapping = selected(page.text)
    assert [mapping[f"target_{n}"] for n in range(5)] == ["email", "first_name", "last_name", "+", "+"]
    answer = await person.post(sent.location, mapping)
    assert answer.status == 303, answer.text
    options = answer.location
    assert options.endswith("/options")
    page = await person.get(options + "?lang=fr")
    assert "un désabonnement n’est jamais levé" in html.unescape(page.text)
    answer = await person.post(options, OPTIONS)
    assert answer.status == 303, answer.text
    page = await person.get(answer.location + "?lang=fr")
    assert 'hx-trigger="every 1s"' in page.text
    await importer.turns("lists.check_import")
    page = await person.get(answer.location + "?lang=fr")
    assert "Importer 4\N{NARROW NO-BREAK SPACE}812 contacts" in page.text
    assert "every 1s" not in page.text
    assert await importer.contacts() == []
    import_path = answer.location.removesuffix("/check")
    answer = await person.post(f"{import_path}/runs", {})
    assert answer.location == f"{import_path}/run"
    assert "Vous pouvez quitter cette page." in (await person.get(f"{import_path}/run?lang=fr")).text
    await importer.turns("lists.run_import")
    assert (await person.get(f"{import_path}/run")).location == f"{import_path}/report"
    report = html.unescape((await person.get(f"{import_path}/report?lang=fr")).text)
    assert "37 lignes sur 4\N{NARROW NO-BREAK SPACE}849 n’ont pas été importées" in report
    assert "Créer une campagne pour cette liste" in report
    assert len(await importer.contacts()) == 4812
    rejects = (await person.get(f"{import_path}/rejects")).text
    lines = rejects.removeprefix("\ufeff").splitlines()
    assert lines[0] == "Ligne;Colonne;Valeur;Raison"
    assert len(lines) == 38
    assert lines[1] == "132;E-mail;;Écrivez l’adresse e-mail."


async def test_the_wizard_in_english(services: Services, make: Make) -> None:
    account = await make.account(language="en")
    importer = Importer(services, account)
    owner_id, _ = await make.user(account.id, "editor", language="en")
    person = await make.signed_in(owner_id, language="en")
    empty = (await person.get(f"{account.app}/imports")).text
    assert (
        "No imports. Prepare a file with one row per person and one column for the e-mail address." in empty
    )
    sent = await send_file(person, account, files.people("ana@example.test", "ana@example.test", "bad"))
    mapping = await person.get(sent.location)
    assert "Read as UTF-8, separated by semicolon" in mapping.text
    options = (await person.post(sent.location, selected(mapping.text))).location
    check = (await person.post(options, OPTIONS)).location
    assert "You can leave this page." in (await person.get(check)).text
    await importer.turns("lists.check_import")
    page = (await person.get(check)).text
    assert "Import 1 contact" in page
    assert 'href="' + check + '?of=doubles#examples"' in page
    examples = (await person.get(check + "?of=doubles")).text
    assert "This address stands higher up in the file." in examples
    assert "bad" not in (await person.get(check + "?of=errors")).text.split('id="examples"')[1]
    path = check.removesuffix("/check")
    await person.post(f"{path}/runs", {})
    await importer.turns("lists.run_import")
    report = (await person.get(f"{path}/report")).text
    assert "1 row of 3 was not imported. Download it with the reason" in report
    assert f"{account.app}/campaigns/new?list=" in report
    listed = (await person.get(f"{account.app}/imports")).text
    assert "clients.csv" in listed
    assert "Imported" in listed
    assert (await person.get(path)).location == f"{path}/report"


@pytest.mark.req("A-016")
async def test_before_the_agreement_the_page_says_where_to_go(make: Make) -> None:
    account = await make.account(agreed=False)
    person = await make.signed_in(account.owner_id)
    page = await person.get(f"{account.app}/imports/new")
    assert page.status == 403
    assert f"{account.app}/privacy/agreements" in page.text
    assert (await send_file(person, account, files.people("ana@example.test"))).status == 403


@pytest.mark.req("A-020", "A-021")
async def test_faults_are_told_at_their_fields_and_keep_the_input(services: Services, make: Make) -> None:
    account = await make.account()
    person = await make.signed_in(account.owner_id, language="en")
    refused = await send_file(person, account, b"PK\x03\x04" + b"\0" * 99, name="contacts.xlsx")
    assert refused.status == 422
    assert "This workbook is damaged. Open it in a spreadsheet, save it as .xlsx" in refused.text
    assert "cannot be read as a table" in (await send_file(person, account, b"%PDF-1.7" + b"x" * 99)).text
    assert (await send_file(person, account, b"")).status == 422
    sent = await send_file(person, account, files.people("ana@example.test"))
    mapping = selected((await person.get(sent.location)).text)
    none = await person.post(sent.location, mapping | {"target_0": ""})
    assert none.status == 422
    assert "No column is mapped to the e-mail address. Choose the one that holds it." in none.text
    twice = await person.post(sent.location, mapping | {"target_1": "email"})
    assert twice.status == 422
    options = (await person.post(sent.location, mapping)).location
    again = await person.post(options, {"mode": "add", "source": "Salon de Lyon"})
    assert again.status == 422
    for message in (
        "There are 4 things to fix",
        "Choose a list, or write the name of a new one.",
        "Say where these contacts come from and on what basis you write to them.",
        "Tick the statement: without it nothing can be imported.",
        'value="Salon de Lyon"',
        "Error: Import contacts: options",
    ):
        assert message in again.text, message
    async with services.db.account(account.id) as tx:
        await make.mailing_list(tx, "Clients")
    taken = await person.post(options, OPTIONS)
    assert taken.status == 422
    assert "A list is already called “Clients”. Choose another name." in taken.text


async def test_another_encoding_and_new_fields_can_be_chosen(services: Services, make: Make) -> None:
    account = await make.account()
    person = await make.signed_in(account.owner_id, language="en")
    sent = await send_file(person, account, files.excel_fr(50, 0))
    path = sent.location.removesuffix("/mapping")
    answer = await person.post(f"{path}/detections", {"encoding": "cp850", "delimiter": ";"})
    assert answer.location == sent.location
    assert "Jérôme" not in (await person.get(sent.location)).text
    await person.post(f"{path}/detections", {"encoding": "cp1252", "delimiter": ";"})
    page = (await person.get(sent.location)).text
    assert "Jérôme" in page
    chosen = selected(page) | {"target_3": "+", "label_3": "Commune", "target_4": "", "type_3": "text"}
    assert (await person.post(sent.location, chosen)).status == 303
    importer = Importer(services, account)
    job = await importer.show(int(path.rpartition("/")[2]))
    assert [(column.target, column.label, column.new) for column in job.columns[3:]] == [
        ("commune", "Commune", True),
        ("", "", False),
    ]
    assert (await person.post(f"{path}/detections", {"encoding": "klingon", "delimiter": ";"})).status == 422


async def test_pasted_rows_are_a_file_too(make: Make) -> None:
    account = await make.account()
    person = await make.signed_in(account.owner_id, language="en")
    form = FormData()
    form.add_field("csrf", person.csrf)
    form.add_field("file", b"", filename="", content_type="application/octet-stream")
    form.add_field("rows", "E-mail\tPrénom\nana@example.test\tAna\n")
    sent = await person.ask("POST", f"{account.app}/imports?list_id=7", data=form)
    assert sent.location.endswith("/mapping?list_id=7")
    page = (await person.get(sent.location)).text
    assert "separated by tab" in page
    assert "pasted rows" in page


async def test_cancelling_erases_the_file_and_what_was_read(services: Services, make: Make) -> None:
    account = await make.account()
    importer = Importer(services, account)
    person = await make.signed_in(account.owner_id, language="en")
    import_id = await importer.upload(files.excel_fr(200, 1))
    await importer.check(import_id, new_list="Clients")
    path = f"{account.app}/imports/{import_id}"
    answer = await person.post(f"{path}/cancellations", {})
    assert answer.location == f"{account.app}/imports"
    assert "Import cancelled." in (await person.get(answer.location)).text
    await importer.turns("lists.close_import")
    async with services.db.account(account.id) as tx:
        for table in (
            "SELECT count(*) FROM files WHERE account_id = $1",
            "SELECT count(*) FROM import_rows WHERE account_id = $1",
            "SELECT count(*) FROM import_rejects WHERE account_id = $1",
            "SELECT count(*) FROM contacts WHERE account_id = $1",
        ):
            assert await tx.value(table) == 0, table
    assert "This import was cancelled." in (await person.get(f"{path}/check")).text
    assert (await person.post(f"{path}/runs", {})).location == f"{path}/check"


async def test_an_analyst_looks_and_does_not_import(services: Services, make: Make) -> None:
    account = await make.account()
    analyst_id, _ = await make.user(account.id, "analyst")
    analyst = await make.signed_in(analyst_id)
    importer = Importer(services, account)
    import_id = await importer.upload(files.people("ana@example.test"))
    await importer.check(import_id, new_list="Clients")
    assert (await analyst.get(f"{account.app}/imports")).status == 200
    assert (await analyst.get(f"{account.app}/imports/{import_id}/check")).status == 200
    assert (await analyst.get(f"{account.app}/imports/new")).status == 403
    assert (await send_file(analyst, account, files.people("ana@example.test"))).status == 403
    assert (await analyst.post(f"{account.app}/imports/{import_id}/runs", {})).status == 403
    assert (await importer.show(import_id)).state == "checked"


async def test_pressing_import_twice_imports_once(services: Services, make: Make) -> None:
    account = await make.account()
    importer = Importer(services, account)
    person = await make.signed_in(account.owner_id)
    import_id = await importer.upload(files.people("ana@example.test"))
    await importer.check(import_id, new_list="Clients")
    path = f"{account.app}/imports/{import_id}"
    assert [(await person.post(f"{path}/runs", {})).location for _ in range(2)] == [f"{path}/run"] * 2
    await importer.turns("lists.run_import")
    assert (await person.post(f"{path}/runs", {})).location == f"{path}/run"
    assert len(await importer.contacts()) == 1


@pytest.mark.req("A-005")
async def test_after_six_days_file_samples_and_staged_rows_are_gone(services: Services, make: Make) -> None:
    account = await make.account()
    importer = Importer(services, account)
    left = await importer.upload(files.excel_fr(140, 1))
    await importer.check(left, new_list="Clients")
    done = (await importer.whole(files.excel_fr(140, 1), new_list="Autres")).id
    async with services.db.account(account.id) as tx:
        await tx.run("UPDATE imports SET created_at = now() - interval '6 days' WHERE account_id = $1")
    async with services.db.shared() as tx:
        await tx.run("UPDATE work SET run_at = now() WHERE account_id = $1", account.id)
    await importer.turns("lists.close_import")
    assert [(await importer.show(one)).state for one in (left, done)] == ["cancelled", "done"]
    async with services.db.account(account.id) as tx:
        assert await tx.value("SELECT count(*) FROM files WHERE account_id = $1") == 0
        assert await tx.value("SELECT count(*) FROM import_rows WHERE account_id = $1") == 0
        kept = await tx.rows("SELECT sample, examples, attested_by FROM imports WHERE account_id = $1")
    assert kept == [([], {}, "Odile Owner")] * 2
    person = await make.signed_in(account.owner_id, language="en")
    page = (await person.get(f"{account.app}/imports/{left}/check")).text
    assert "The file was erased 6 days after its upload. Upload it again." in page
    assert (await person.get(f"{account.app}/imports/{done}/rejects")).status == 404


async def test_the_next_file_with_the_same_headings_goes_the_same_way(services: Services, make: Make) -> None:
    account = await make.account()
    importer = Importer(services, account)
    person = await make.signed_in(account.owner_id, language="en")
    sent = await send_file(person, account, files.excel_fr(50, 0))
    page = (await person.get(sent.location)).text
    assert "Columns as last time" not in page
    chosen = selected(page) | {
        "target_3": "+",
        "label_3": "Commune",
        "target_4": "",
        "mapping_name": "Boutique",
    }
    options = (await person.post(sent.location, chosen)).location
    checked = await person.post(options, OPTIONS)
    await importer.turns("lists.check_import")
    await person.post(checked.location.removesuffix("/check") + "/runs", {})
    await importer.turns("lists.run_import")
    again = await send_file(person, account, files.excel_fr(60, 0, prefix="autre"), name="autre.csv")
    page = (await person.get(again.location)).text
    assert "Columns as last time" in page
    assert "“Boutique”" in page
    assert [selected(page)[f"target_{n}"] for n in range(5)] == [
        "email",
        "first_name",
        "last_name",
        "commune",
        "",
    ]
    anew = (await person.get(again.location + "?anew=true")).text
    assert "Columns as last time" not in anew
    assert selected(anew)["target_4"] == "+"
    changed = selected(page) | {"target_2": "", "mapping_name": ""}
    assert (await person.post(again.location, changed)).status == 303
    async with services.db.account(account.id) as tx:
        await tx.run("DELETE FROM fields WHERE account_id = $1")
    last = await send_file(person, account, files.excel_fr(60, 0))
    page = (await person.get(last.location)).text
    assert "“Boutique”" in page
    assert [selected(page)[f"target_{n}"] for n in range(5)] == ["email", "first_name", "", "+", ""]
    other = await make.account()
    stranger = await make.signed_in(other.owner_id, language="en")
    theirs = await send_file(stranger, other, files.excel_fr(50, 0))
    assert "Boutique" not in (await stranger.get(theirs.location)).text
