"""Walk W2 of ui.md 5: the companies went into the last names; the import is undone and done again."""

import re
from dataclasses import dataclass, replace
from typing import Any

import pytest

from lists import import_columns, imports
from lists.imports import Column
from mailer.core.services import Services
from tests.browser.conftest import Visit
from tests.browser.test_campaigns_in_browser import enter, site
from tests.browser.test_walk_first_campaign import VARIANTS, WALKED, Variant
from tests.browser.walker import Walk, words
from tests.importing import files
from tests.importing.importer import Importer
from tests.importing.test_import_undo import leave, picture, rename
from tests.make import Account, Make

pytestmark = pytest.mark.browser
__all__ = ["site"]
MOST_PRESSES = 8
KNOWN, ROWS, BAD = 240, 302, 2
LEFT = ("client.3@exemple.test", "client.7@exemple.test", "client.11@exemple.test")
EDITED = "client.20@exemple.test"

WORDS = {
    "fr": {
        "line": "Import de « clients.csv »",
        "undo": "Annuler cet import…",
        "erased": "60 contacts créés par cet import seront effacés.",
        "restored": r"239 contacts retrouveront leur état du \d+ \S+ \d{4}, \d\d:\d\d\.",
        "left": "3 désabonnements faits depuis restent.",
        "kept": "1 contact reste tel quel",
        "typed": "Pour confirmer, écrivez le nombre de lignes",
        "run_undo": "Annuler l’import de 300 lignes",
        "undone": "239 contacts sont redevenus ce qu’ils étaient avant.",
        "again": "Recommencer avec ce fichier",
        "goes": "Où va la colonne Société",
        "new": "Nouveau champ",
        "continue": "Continuer",
        "count": "Compter sans importer",
        "refused": "3 refus respectés",
        "run": "Importer 297 contacts",
        "finished": "Créer une campagne pour cette liste",
        "refresh": "Actualiser",
    },
    "en": {
        "line": "Import of “clients.csv”",
        "undo": "Undo this import…",
        "erased": "60 contacts that it created are erased.",
        "restored": r"239 contacts go back to their state of \d+ \S+ \d{4}, \d\d:\d\d\.",
        "left": "3 unsubscribes made since stay.",
        "kept": "1 contact stays as it is now",
        "typed": "To confirm, write the number of rows",
        "run_undo": "Undo the import of 300 rows",
        "undone": "239 contacts are as they were before.",
        "again": "Start again with this file",
        "goes": "Where the column Société goes",
        "new": "New field",
        "continue": "Continue",
        "count": "Count without importing",
        "refused": "3 refusals respected",
        "run": "Import 297 contacts",
        "finished": "Create a campaign for this list",
        "refresh": "Refresh",
    },
}


@dataclass(frozen=True, slots=True)
class Scene:
    account: Account
    importer: Importer
    import_id: int
    list_id: int
    before: list[tuple[Any, ...]]


def right() -> bytes:
    rows = [[f"client.{n}@exemple.test", f"Prénom {n}", f"Dupré {n}"] for n in range(1, KNOWN + 1)]
    return files.table([["E-mail", "Prénom", "Nom"], *rows])


def wrong() -> bytes:
    rows = [[f"client.{n}@exemple.test", f"Prénom {n}", f"Fleurs {n} SARL"] for n in range(1, ROWS - BAD + 1)]
    return files.table([["E-mail", "Prénom", "Société"], *rows, ["jean@", "", ""], ["", "Zoé", ""]])


async def scene(services: Services, make: Make, language: str) -> Scene:
    """A good import, the bad one, then three who unsubscribe and one who is edited by hand."""
    account = await make.account(language=language)
    importer = Importer(services, account)
    [list_id] = (await importer.whole(right(), new_list="Clients")).choices.list_ids
    before = await picture(importer)
    import_id = await importer.upload(wrong())
    async with services.db.account(account.id) as tx:
        assert (await imports.show(tx, import_id)).header == ["E-mail", "Prénom", "Société"]
        targets = ("email", "first_name", "last_name")
        await import_columns.map_columns(tx, import_id, [Column(target=target) for target in targets])
        name = await tx.value("SELECT person FROM agreement_acceptances WHERE account_id = $1")
    await importer.check(import_id, list_ids=[list_id], attested_by=name)
    job = await importer.run(import_id)
    assert (job.counts["updated"], job.counts["created"], job.counts["errors"]) == (KNOWN, 60, BAD)
    for email in LEFT:
        await leave(importer, email, list_id)
    await rename(importer, EDITED)
    return Scene(account, importer, import_id, list_id, before)


async def _undo(walk: Walk, say: dict[str, str], found: Scene) -> None:
    """Steps 1 and 2, and what the database holds after them."""
    await walk.stop("home")
    await walk.go(walk.link(say["line"]), rf"/imports/{found.import_id}/report")
    await walk.stop("report")
    await walk.go(walk.link(say["undo"]), rf"/imports/{found.import_id}/undo")
    for part in ("erased", "left", "kept"):
        await walk.shows(say[part])
    main = " ".join((await walk.page.locator("main").inner_text()).split())
    assert re.search(say["restored"], main), main
    await walk.write(say["typed"], "300")
    await walk.stop("undo")
    edited = [row for row in await picture(found.importer) if row[1] == EDITED]
    left = [row for row in await picture(found.importer) if row[1] in LEFT]
    await walk.press(walk.button(say["run_undo"]))
    await _turned(walk, found, ("lists.undo_import", "undoing"), say["undone"], say["refresh"])
    after = await picture(found.importer)
    changed = {EDITED, *LEFT}
    assert [row for row in after if row[1] not in changed] == [
        row for row in found.before if row[1] not in changed
    ]
    assert [row for row in after if row[1] == EDITED] == edited
    # their names are as before, their refusals as they made them
    assert [row[9:] for row in after if row[1] in LEFT] == [row[9:] for row in left]
    assert {row[10] for row in after if row[1] in LEFT} == {"unsubscribed"}
    assert [row[:9] for row in after if row[1] in LEFT] == [row[:9] for row in found.before if row[1] in LEFT]


async def _turned(walk: Walk, found: Scene, work: tuple[str, str], text: str, refresh: str) -> None:
    """Looks at the page while the work waits; then the work is done, and the page says so by itself, or
    when *Refresh* is pressed without scripts. Whoever was on that link is not thrown to the top.
    """
    job, name = work
    await walk.page.wait_for_load_state()
    await walk.stop(name)
    link = walk.link(refresh)
    await link.focus()
    await found.importer.turns(job)
    if not await walk.page.evaluate("Boolean(window.htmx)"):
        await link.press("Enter")
    await walk.page.get_by_text(words(text, whole=False)).filter(visible=True).first.wait_for()
    if await walk.page.evaluate("Boolean(window.htmx)"):
        await link.wait_for(state="detached")
        assert await walk.page.evaluate("document.activeElement.tagName") != "BODY"
    await walk.stop(f"{name}-ended")


async def _again(walk: Walk, say: dict[str, str], found: Scene) -> None:
    """Step 3: the same file, with one column going elsewhere."""
    await walk.go(walk.button(say["again"]), r"/imports/\d+/mapping")
    goes = walk.labelled(say["goes"])
    assert await goes.input_value() == "last_name"
    walk.presses += 1
    await goes.select_option(label=say["new"])
    await walk.stop("columns")
    await walk.go(walk.button(say["continue"]), r"/imports/\d+/options")
    await walk.stop("options")
    await walk.go(walk.button(say["count"]), r"/imports/\d+/check")
    await _turned(walk, found, ("lists.check_import", "counting"), say["refused"], say["refresh"])
    await walk.press(walk.button(say["run"]))
    await walk.page.wait_for_url(re.compile(r"/imports/\d+/(run|report)$"))
    await _turned(walk, found, ("lists.run_import", "running"), say["finished"], say["refresh"])


@pytest.mark.req("F-01", "F-04", "B-28", "A-028")
@pytest.mark.parametrize("variant", [*WALKED[:2], replace(VARIANTS[0], scripts=False)], ids=str)
async def test_recovery_from_a_bad_import(
    services: Services, make: Make, site: str, visit: Visit, variant: Variant
) -> None:
    say = WORDS[variant.language]
    found = await scene(services, make, variant.language)
    shown: Any = {"theme": variant.theme, "width": variant.width}
    page = await visit(language=variant.language, scripts=variant.scripts, **shown)
    mirror = None if variant.scripts else await visit(**shown)
    await enter(services, page, site, found.account.owner_id, language=variant.language, theme=variant.theme)
    await page.goto(f"{site}{found.account.app}")
    walk = Walk(page, f"w2-{variant}", mirror)
    await _undo(walk, say, found)
    await _again(walk, say, found)
    assert walk.presses <= MOST_PRESSES, walk.presses

    lines = {line[0]: line for line in await found.importer.contacts()}
    assert len(lines) == 300
    # the last name of before, and the company in a field of its own
    assert lines["client.1@exemple.test"][3:6] == ("Dupré 1", "", {"societe": "Fleurs 1 SARL"})
    assert {email for email, line in lines.items() if line[7] == "unsubscribed"} == set(LEFT)
    assert lines["client.300@exemple.test"][7] == "active"
