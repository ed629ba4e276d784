"""A marketer brings an Excel file with faults in, without reading anything but the pages."""

import re

import pytest
from playwright.async_api import Page, expect

from mailer.core.services import Services
from tests.browser.conftest import Visit
from tests.browser.test_campaigns_in_browser import enter, look, site
from tests.importing.importer import Importer
from tests.importing.workbooks import book, cell, row, sheet, texts
from tests.make import Make

pytestmark = pytest.mark.browser
__all__ = ["site"]

EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
WORDS = {
    "fr": {
        "file": "Fichier (Excel", "continue": "Continuer", "sheet": "Feuille du classeur", "read": "Lire cette feuille",
        "new_list": "Nom d’une nouvelle liste", "basis": "Consentement", "source": "D’où viennent ces adresses",
        "state": "Je déclare que ces adresses", "count": "Compter sans importer", "run": "Importer 2 contacts",
        "taken": "1 refus repris du fichier", "wrong": "2 lignes sur 5 n’ont pas été importées",
        "errors": "Télécharger 2 lignes en erreur", "again": "Colonnes comme la dernière fois",
    },
    "en": {
        "file": "File (Excel", "continue": "Continue", "sheet": "Sheet of the workbook", "read": "Read this sheet",
        "new_list": "Name of a new list", "basis": "Consent", "source": "Where these addresses come from",
        "state": "I state that", "count": "Count without importing", "run": "Import 2 contacts",
        "taken": "1 refusal taken over from the file", "wrong": "2 of 5 rows were not imported",
        "errors": "Download 2 rows in error", "again": "Columns as last time",
    },
}  # fmt: skip


def workbook() -> bytes:
    people = sheet(
        texts(1, "Clients de la boutique, 2025"),
        texts(3, "E-mail", "Prénom", "Code postal", "Dernier achat", "Statut"),
        row(4, cell("A4", "zoe@exemple.test"), cell("B4", "Zoé"), cell("C4", 1000, style=2), cell("D4", 46022, style=1),
            cell("E4", "Abonné")),
        row(5, cell("A5", "anaïs@"), cell("B5", "Anaïs"), cell("E5", "Abonné")),
        row(6, cell("A6", "luc@exemple.test"), cell("D6", "#N/A", kind="e"), cell("E6", "Abonné")),
        row(7, cell("A7", "max@exemple.test"), cell("B7", "Max"), cell("C7", 75011, style=2), cell("E7", "Abonné")),
        row(8, cell("A8", "lea@exemple.test"), cell("B8", "Léa"), cell("E8", "Désabonné")),
    )  # fmt: skip
    return book({"Notes": sheet(texts(1, "À relire")), "Clients": people})


async def choose(page: Page, address: str, words: dict[str, str]) -> None:
    await page.goto(address)
    await page.get_by_label(words["file"]).set_input_files(
        {"name": "clients.xlsx", "mimeType": EXCEL, "buffer": workbook()}
    )
    await page.get_by_role("button", name=words["continue"]).click()
    await page.wait_for_url(re.compile(r"/imports/\d+/mapping"))
    await page.get_by_label(words["sheet"]).select_option("Clients")
    await page.get_by_role("button", name=words["read"]).click()
    await expect(page.get_by_role("rowheader", name="Code postal")).to_be_visible()


@pytest.mark.req("E-53", "F-01", "F-05", "A-126", "B-28")
@pytest.mark.parametrize(
    ("language", "theme", "width"),
    [("fr", "light", 1280), pytest.param("en", "dark", 320, marks=pytest.mark.long)],
)
async def test_a_workbook_with_faults_is_imported_and_its_report_read(
    services: Services, make: Make, site: str, visit: Visit, language: str, theme: str, width: int
) -> None:
    account = await make.account(language=language)
    importer = Importer(services, account)
    words, mark = WORDS[language], f"{language}-{theme}-{width}"
    page: Page = await visit(language=language, theme=theme, width=width)  # type: ignore[arg-type]
    await enter(services, page, site, account.owner_id, language=language, theme=theme)
    await choose(page, f"{site}{account.app}/imports/new", words)
    await look(page, f"import-columns-{mark}")
    assert "01000" in await page.locator("main").inner_text()
    await page.get_by_role("button", name=words["continue"]).click()
    await page.wait_for_url(re.compile(r"/imports/\d+/options"))
    await page.get_by_label(words["new_list"]).fill("Clients")
    await page.get_by_label(words["basis"]).first.check()
    await page.get_by_label(words["source"]).fill("Commandes du site")
    await page.get_by_label(words["state"]).check()
    await page.get_by_role("button", name=words["count"]).click()
    await page.wait_for_url(re.compile(r"/imports/\d+/check"))
    await look(page, f"import-reading-{mark}")
    await importer.turns("lists.check_import")
    await page.get_by_role("button", name=words["run"]).click()
    await importer.turns("lists.run_import")
    await page.wait_for_url(re.compile(r"/imports/\d+/(run|report)"))
    # the page of the run follows by itself
    await expect(page.get_by_role("link", name=words["errors"])).to_be_visible(timeout=15_000)
    text = re.sub(r"\s", " ", await page.locator("main").inner_text())
    assert words["wrong"] in text
    assert words["taken"] in text
    await look(page, f"import-report-{mark}")
    rejects = await page.context.request.get(re.sub(r"/(run|report)$", "/rejects", page.url))
    lines = (await rejects.body()).decode("utf-8-sig").splitlines()
    assert [re.split("[;,]", line)[:2] for line in lines[1:]] == [["5", "E-mail"], ["6", "Dernier achat"]]
    found = {line[0]: line for line in await importer.contacts()}
    assert sorted(found) == ["max@exemple.test", "zoe@exemple.test"]
    assert found["zoe@exemple.test"][5] == {"code_postal": "01000", "dernier_achat": "2025-12-31"}
    await choose(page, f"{site}{account.app}/imports/new", words)
    await expect(page.get_by_text(words["again"])).to_be_visible()


@pytest.mark.req("F-01", "F-05", "A-126", "A-020")
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-script"])
@pytest.mark.parametrize(
    ("language", "theme", "width"),
    [("fr", "light", 1280), pytest.param("en", "dark", 320, marks=pytest.mark.long)],
)
async def test_the_options_ask_only_what_the_mode_needs(
    services: Services,
    make: Make,
    site: str,
    visit: Visit,
    language: str,
    theme: str,
    width: int,
    scripts: bool,
) -> None:
    account = await make.account(language=language)
    importer = Importer(services, account)
    import_id = await importer.upload(b"E-mail\nzoe@exemple.test\n")
    page: Page = await visit(language=language, theme=theme, width=width, scripts=scripts)  # type: ignore[arg-type]
    await enter(services, page, site, account.owner_id, language=language, theme=theme)
    await page.goto(f"{site}{account.app}/imports/{import_id}/options")
    asked = page.locator("#new_list, #tags, #legal_basis, #source, #attested_by, #attested, #empty_erases")
    assert [await one.is_visible() for one in await asked.all()] == [True] * 7
    for mode in ("unsubscribe", "remove"):
        await page.locator(f"input[name=mode][value={mode}]").check()
        assert [await one.is_visible() for one in await asked.all()] == [False] * 7
        if scripts:
            await look(page, f"import-options-{mode}-{language}-{theme}-{width}")
    await page.locator("input[name=mode][value=update]").check()
    await expect(page.locator("#source")).to_be_visible()
    # what was written before the mode was changed and is refused is seen again
    await page.locator("#tags").fill("VIP")
    await page.locator("input[name=mode][value=unsubscribe]").check()
    await page.locator("main form button").first.click()
    await expect(page.locator("#tags-error")).to_be_visible()
    await expect(page.locator("#source")).to_be_hidden()
    if scripts:
        await look(page, f"import-options-refused-{language}-{theme}-{width}")
    await page.locator("#tags").fill("")
    await page.locator("main form button").first.click()
    await page.wait_for_url(re.compile(r"/imports/\d+/check"))
