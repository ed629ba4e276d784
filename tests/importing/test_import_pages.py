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
    assert "un désabonnement n'est jamais levé" in html.unescape(page.text)
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
    assert "37 lignes sur 4\N{NARROW NO-BREAK SPACE}849 n'ont pas été importées" in report
    assert "Créer une campagne pour cette liste" in report
    assert len(await importer.contacts()) == 4812
    rejects = (await person.get(f"{import_path}/rejects")).text
    lines = rejects.removeprefix("\ufeff").splitlines()
    assert lines[0] == "Ligne;Colonne;Valeur;Raison"
    assert len(lines) == 38
    assert lines[1] == "132;E-mail;;Écrivez l'adresse e-mail."
