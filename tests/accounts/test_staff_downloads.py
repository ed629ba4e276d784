"""Whoever reads an account with an access of the operator takes no file along, whatever its address is (A-018)."""

import re
from collections.abc import Iterator

import pytest

from lists import exports
from lists.exports import NewExport
from mailer.accounts import agreements, staff_access
from mailer.accounts.audit import latest
from mailer.app import APP_ROUTES
from mailer.core.services import Services
from sending import designs
from sending.designs import NewDesign
from tests.accounts.test_breaches import FORM, local, operator
from tests.accounts.test_staff_access import asked
from tests.clicks.conftest import sent_campaign
from tests.exporting import exporter
from tests.importing.importer import Importer
from tests.make import Account, Make

pytestmark = [pytest.mark.req("A-018", "A-034")]
# the least that must be found: an address without its numbers
KNOWN = {
    "campaigns/report.csv",
    "campaigns/report/links.csv",
    "designs/file",
    "exports/file",
    "imports/rejects",
    "privacy/agreements.html",
    "privacy/agreements.txt",
    "privacy/breaches/file.html",
    "privacy/breaches/file.json",
    "privacy/policy.html",
    "privacy/policy.md",
    "privacy/records.csv",
    "privacy/records.html",
    "privacy/records/impact.csv",
    "privacy/records/impact.html",
    "privacy/retention/proof.ndjson",
    "reports/campaigns.csv",
    "reports/last-gestures.csv",
    "settings/log.csv",
}


async def filled(services: Services, make: Make) -> tuple[Account, dict[str, int]]:
    """An account with one of each thing that gives a file, and their numbers by the way to them."""
    account = await make.account(agreed=False)
    async with services.db.account(account.id) as tx:
        await agreements.accept(
            tx, agreements.VERSION, person="Odile", user_id=None, operator=services.settings.operator
        )
        agreement = await tx.value("SELECT max(id) FROM agreement_acceptances WHERE account_id = $1")
    importer = Importer(services, account)
    done = await importer.check(
        await importer.upload("E-mail;Prénom\nana@exemple.test;Ana\nsansarobase;Bob\n".encode()),
        new_list="Clients",
    )
    async with services.db.account(account.id) as tx:
        campaign_id, _ = await sent_campaign(tx)
        design = await designs.create(tx, NewDesign(name="Pain", kind="mjml"), "<mjml></mjml>")
        wanted = NewExport.model_validate({"what": "contacts", "format": "csv", "columns": ["email"]})
        export_id = (await exports.ask(tx, wanted)).id
    await exporter.turns(services, account.id, export_id)
    owner = await make.signed_in(account.owner_id)
    form = {key: value for key, value in FORM.items() if key != "role"} | {"aware_at": local(hours=1)}
    breach = await owner.post(f"{account.app}/privacy/breaches/new", form)
    return account, {
        "imports": done.id,
        "campaigns": campaign_id,
        "designs": design.id,
        "exports": export_id,
        "privacy/agreements": agreement,
        "privacy/breaches": int(breach.location.rpartition("/")[2]),
    }


def pages(numbers: dict[str, int]) -> Iterator[str]:
    """Every address below an account that can be looked at, with those numbers and each format."""
    for route in APP_ROUTES:
        path = str(route.path)
        if route.method != "GET" or not path.startswith("/{a}/"):
            continue
        below = path.removeprefix("/{a}/")
        number = numbers.get(below.partition("/{")[0], 1)
        below = re.sub(r"\{id(:[^}]*)?\}", str(number), below)
        below = below.replace("{table}", "links")
        choice = re.search(r"\{\w+:([a-z]+(?:\|[a-z]+)+)\}", below)
        for one in choice[1].split("|") if choice else [""]:
            yield re.sub(r"\{\w+(:[^}]*)?\}", one or "1", below)


def without_numbers(below: str) -> str:
    return re.sub(r"/\d+", "", below)


def is_file(headers: dict[str, str]) -> bool:
    return headers.get("Content-Disposition", "").startswith("attachment")


async def test_no_answer_that_is_a_file_reaches_who_reads_with_an_access(
    services: Services, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, numbers = await filled(services, make)
    owner, person = await make.signed_in(account.owner_id), await operator(make)
    access_id = await asked(person, account)
    found = [
        below
        for below in pages(numbers)
        if not below.endswith("/events") and is_file((await owner.get(f"{account.app}/{below}")).headers)
    ]
    assert {without_numbers(below) for below in found} >= KNOWN
    # refused by the address, before anything was looked up
    for below in found:
        answer = await person.get(f"{account.app}/{below}")
        assert (answer.status, is_file(answer.headers)) == (403, False), below
    async with services.db.account(account.id) as tx:
        lines = [one for one in await latest(tx) if (one.actor_id, one.action) == (access_id, "viewed")]
        assert lines == []
    # and by the answer alone, where nobody thought of the address: what is sent whole, and what is streamed
    monkeypatch.setattr(staff_access, "_NO_DOWNLOAD", (".none",))
    for below in found:
        answer = await person.get(f"{account.app}/{below}")
        assert (answer.status, is_file(answer.headers)) == (403, False), below
        assert "sansarobase" not in answer.text
        assert "ana@exemple.test" not in answer.text
    rejects = await person.get(f"{account.app}/imports/{numbers['imports']}/rejects")
    assert "Un accès de l’exploitant lit des pages ; il ne télécharge rien." in rejects.text
    assert (await person.get(f"{account.app}/imports")).status == 200
