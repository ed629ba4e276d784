"""Files that say who left: states of any table, and the exports of other products. A no is never lost."""

import re
from datetime import date
from typing import Any

import pytest

from lists import csv_mapping, known_exports, opt_outs
from lists.csv_mapping import STATUS
from lists.field_values import ValueFault
from lists.imports import LEAVING, Mode
from lists.opt_outs import OptOut
from mailer.core.services import Services
from tests.contacts import test_returns
from tests.contacts.test_returns import Story
from tests.importing import files
from tests.importing.importer import Importer
from tests.make import Make

MAILCHIMP = (
    "Email Address|First Name|Last Name|MEMBER_RATING|OPTIN_TIME|OPTIN_IP|CONFIRM_TIME|CONFIRM_IP|LATITUDE|LONGITUDE|"
    "GMTOFF|DSTOFF|TIMEZONE|CC|REGION|{}LAST_CHANGED|LEID|EUID|NOTES|TAGS"
)
_no_wait = test_returns._no_wait
UNSUBSCRIBED = "UNSUB_TIME|UNSUB_CAMPAIGN_TITLE|UNSUB_CAMPAIGN_ID|UNSUB_REASON|UNSUB_REASON_OTHER|"
CLEANED = "CLEAN_TIME|CLEAN_CAMPAIGN_TITLE|CLEAN_CAMPAIGN_ID|"


@pytest.mark.parametrize(
    ("heading", "text", "said"),
    [
        ("Statut", "Désabonné", OptOut.UNSUBSCRIBED),
        ("Statut", "DÉSINSCRITE", OptOut.UNSUBSCRIBED),
        ("status", "subscribed", None),
        ("status", "blocklisted", OptOut.BLOCKED),
        ("status", "cleaned", OptOut.BOUNCED),
        ("status", "complained", OptOut.COMPLAINED),
        ("UNSUB_TIME", "2024-03-01 10:22:31", OptOut.UNSUBSCRIBED),
        ("CLEAN_TIME", "01/03/2024 10:22", OptOut.BOUNCED),
        ("EMAIL_BLACKLIST", "1", OptOut.BLOCKED),
        ("EMAIL_BLACKLIST", "0", None),
        ("IsExcludedFromCampaigns", "true", OptOut.BLOCKED),
        ("Abonné", "non", OptOut.UNSUBSCRIBED),
        ("Abonné", "oui", None),
        ("IsOptInPending", "false", None),
    ],
)
def test_words_answers_and_days_say_who_left(heading: str, text: str, said: OptOut | None) -> None:
    assert opt_outs.reader(heading)(text) is said


@pytest.mark.parametrize(
    ("heading", "text", "code"),
    [
        ("status", "gold", "unknown_state"),
        ("status", "1", "unknown_state"),
        ("status", "en attente", "unconfirmed"),
        ("IsOptInPending", "True", "unconfirmed"),
        ("UNSUB_TIME", "someday", "date"),
    ],
)
def test_what_is_not_known_is_a_fault_and_never_a_yes(heading: str, text: str, code: str) -> None:
    with pytest.raises(ValueFault) as caught:
        opt_outs.reader(heading)(text)
    assert caught.value.code == code


EXPORTS: list[tuple[str, str, dict[str, str], dict[str, str]]] = [
    ("Mailchimp", MAILCHIMP.format(UNSUBSCRIBED), {"UNSUB_TIME": "2024-03-01 10:22:31", "LEID": "1", "OPTIN_IP": "192.0.2.1"},
     {"Email Address": "email", "First Name": "first_name", "UNSUB_TIME": STATUS, "LEID": "", "OPTIN_IP": ""}),
    ("Mailchimp", MAILCHIMP.format(CLEANED).replace("Email Address|First Name|Last Name", "Adresse e-mail|Prénom|Nom"),
     {"CLEAN_TIME": "2024-03-01 10:22:31", "CLEAN_CAMPAIGN_ID": "9"},
     {"Adresse e-mail": "email", "Prénom": "first_name", "Nom": "last_name", "CLEAN_TIME": STATUS, "CLEAN_CAMPAIGN_ID": ""}),
    ("Brevo", "CONTACT ID|EMAIL|PRENOM|NOM|SMS|EMAIL_BLACKLIST|SMS_BLACKLIST|ADDED_TIME|MODIFIED_TIME",
     {"CONTACT ID": "7", "EMAIL_BLACKLIST": "1", "SMS_BLACKLIST": "0", "ADDED_TIME": "2024-01-01"},
     {"EMAIL": "email", "PRENOM": "first_name", "NOM": "last_name", "EMAIL_BLACKLIST": STATUS, "SMS_BLACKLIST": "", "CONTACT ID": ""}),
    ("Mailjet", "ID|Email|Name|CreatedAt|IsExcludedFromCampaigns|IsOptInPending|IsSpamComplaining",
     {"ID": "7", "IsExcludedFromCampaigns": "true", "IsOptInPending": "false", "IsSpamComplaining": "false", "CreatedAt": "2024-01-01"},
     {"Email": "email", "IsExcludedFromCampaigns": STATUS, "IsSpamComplaining": STATUS, "ID": "", "CreatedAt": ""}),
    ("listmonk", "uuid|email|name|attributes|status|created_at|updated_at",
     {"uuid": "4ab0", "status": "blocklisted", "created_at": "2024-01-01"},
     {"email": "email", "status": STATUS, "uuid": "", "created_at": ""}),
    ("Mailtrain", "cid|status|HASH_EMAIL|EMAIL|MERGE_FIRST_NAME|MERGE_LAST_NAME",
     {"cid": "x1", "status": "complained", "HASH_EMAIL": "abc"},
     {"EMAIL": "email", "MERGE_FIRST_NAME": "first_name", "MERGE_LAST_NAME": "last_name", "status": STATUS, "cid": "", "HASH_EMAIL": ""}),
]  # fmt: skip


@pytest.mark.req("B-28")
@pytest.mark.parametrize(("product", "joined", "cells", "targets"), EXPORTS)
async def test_an_export_is_recognised_mapped_and_its_no_is_kept(
    services: Services, make: Make, product: str, joined: str, cells: dict[str, str], targets: dict[str, str]
) -> None:
    header = joined.split("|")
    found = known_exports.recognise(header)
    assert found is not None
    assert found.name == product
    address = next(heading for heading, target in targets.items() if target == "email")
    lines = [
        [(cells | {address: "left@exemple.test"}).get(heading, "") for heading in header],
        [{address: "stays@exemple.test"}.get(heading, "") for heading in header],
    ]
    guesses = {guess.heading: guess.target for guess in csv_mapping.guess(header, lines, {})}
    assert {heading: guesses[heading] for heading in targets} == targets
    account = await make.account()
    importer = Importer(services, account)
    job = await importer.whole(
        files.table([header, *lines], delimiter=",", encoding="utf-8"), new_list="Clients"
    )
    assert (job.counts["created"], job.counts["opted_out"], job.counts["rows"]) == (1, 1, 2)
    assert [(line[0], line[7]) for line in await importer.contacts()] == [("stays@exemple.test", "active")]
    again = await importer.whole(files.people("left@exemple.test"), list_ids=job.choices.list_ids)
    assert (again.counts["refused"], again.counts.get("created", 0)) == (1, 0)
    states = {line[0]: line[7] for line in await importer.contacts()}
    assert states == {"left@exemple.test": "unsubscribed", "stays@exemple.test": "active"}


async def _suppressions(importer: Importer) -> list[tuple[Any, ...]]:
    async with importer.services.db.account(importer.account.id) as tx:
        return await tx.rows(
            "SELECT reason, list_id IS NULL FROM suppressions WHERE account_id = $1 ORDER BY reason, list_id"
        )


@pytest.mark.req("B-28", "A-022")
async def test_a_no_counts_whatever_else_stands_in_the_file(services: Services, make: Make) -> None:
    importer = Importer(services, await make.account())
    first = await importer.whole(
        files.people("ana@exemple.test", "zoe@exemple.test", "luc@exemple.test", "max@exemple.test"),
        new_list="Clients",
    )
    lists = first.choices.list_ids
    table = files.table(
        [
            ["E-mail", "Prénom", "Langue", "Statut", "Blacklist"],
            ["ana@exemple.test", "Ana", "klingon", "désabonné", ""],  # its other faults do not matter
            ["zoe@exemple.test", "Zoé", "fr", "abonné", ""],
            ["zoe@exemple.test", "Zoé", "fr", "désabonné", ""],  # further down, and still a no
            ["luc@exemple.test", "Luc", "fr", "doré", "1"],  # beside a word that nobody knows
            ["new@exemple.test", "New", "fr", "bounced", ""],
            ["odd@exemple.test", "Odd", "fr", "doré", ""],
        ],
        encoding="utf-8",
    )
    import_id = await importer.upload(table)
    checked = await importer.check(
        import_id, list_ids=lists, legal_basis="b2b_interest", informed_on=date(2026, 1, 5)
    )
    expected = {"opted_out": 4, "refused": 1, "doubles": 0, "errors": 1, "rows": 6}
    assert {name: checked.counts.get(name, 0) for name in expected} == expected
    assert await _suppressions(importer) == []
    done = await importer.run(import_id)
    assert {name: done.counts.get(name, 0) for name in expected} == expected
    states = {line[0]: line[7] for line in await importer.contacts()}
    assert states == {
        "ana@exemple.test": "unsubscribed", "zoe@exemple.test": "unsubscribed", "luc@exemple.test": "unsubscribed",
        "max@exemple.test": "active",
    }  # fmt: skip
    assert await _suppressions(importer) == [
        ("bounced", True), ("unsubscribed", False), ("unsubscribed", False), ("unsubscribed", True),
    ]  # fmt: skip
    async with services.db.account(importer.account.id) as tx:
        acts = await tx.rows(
            "SELECT act, count(*) FROM consents WHERE account_id = $1 AND method = 'import' GROUP BY act ORDER BY act"
        )
    assert acts == [("granted", 4), ("withdrawn", 3)]
    await importer.whole(table, list_ids=lists)
    assert len(await _suppressions(importer)) == 4


async def test_a_file_of_refusals_alone_can_be_taken_over_in_the_wizard(
    services: Services, make: Make
) -> None:
    account = await make.account()
    importer = Importer(services, account)
    header = MAILCHIMP.format(UNSUBSCRIBED).split("|")
    lines = [
        [
            {"Email Address": f"p{n}@exemple.test", "UNSUB_TIME": "2024-03-01 10:22:31"}.get(name, "")
            for name in header
        ]
        for n in range(3)
    ]
    import_id = await importer.upload(files.table([header, *lines], delimiter=",", encoding="utf-8"))
    person = await make.signed_in(account.owner_id, language="en")
    path = f"{account.app}/imports/{import_id}"
    assert "Export of Mailchimp recognised" in (await person.get(f"{path}/mapping")).text
    await importer.check(import_id, new_list="Clients")
    page = (await person.get(f"{path}/check")).text
    assert "Take over 3 refusals" in page
    await person.post(f"{path}/runs", {})
    await importer.turns("lists.run_import")
    report = (await person.get(f"{path}/report")).text
    assert "3 refusals taken over from the file: these addresses will not be written to." in report
    assert await importer.contacts() == []
    assert len(await _suppressions(importer)) == 3


async def test_the_parts_on_the_pages_add_up_with_the_refusals_of_the_file(
    services: Services, make: Make
) -> None:
    account = await make.account()
    importer = Importer(services, account)
    person = await make.signed_in(account.owner_id)
    rows = [["E-mail", "Statut"], ["ana@exemple.test", "abonné"], ["bea@exemple.test", "désabonné"],
            ["luc@exemple.test", "bounced"], ["max@", "abonné"]]  # fmt: skip
    import_id = await importer.upload(files.table(rows, encoding="utf-8"))
    await importer.check(import_id, new_list="Clients")
    checked = (await person.get(f"{account.app}/imports/{import_id}/check")).text
    await importer.run(import_id)
    report = (await person.get(f"{account.app}/imports/{import_id}/report")).text
    for page in (checked, report):
        parts, total = page.partition('class="balance"')[2].split("<tfoot>")
        counted = [int(n) for n in re.findall(r"<td>(\d+)</td>", parts)]
        assert sum(counted) == int(re.findall(r"<td>(\d+)</td>", total)[0]) == 4, counted
        assert 2 in counted


@pytest.mark.req("B-28", "S5")
@pytest.mark.parametrize("said", OptOut)
@pytest.mark.parametrize("mode", Mode)
async def test_no_mode_loses_a_refusal_that_the_file_tells(
    services: Services, make: Make, mode: Mode, said: OptOut
) -> None:
    """Of somebody who had stopped everything, and came back to this list: the file's no is the last word."""
    story = Story(services, make, await make.account())
    await story.make_list("A")
    await story.by_page("A")
    await story.stop()
    await story.come_back("A")
    assert await story.mailable() == {"A"}
    importer = Importer(services, story.account)
    rows = [["E-mail", "Statut"], [story.email, said], ["bea@return.test", "doré"]]
    done = await importer.whole(files.table(rows), list_ids=[story.lists["A"]], mode=mode)
    assert (done.counts["opted_out"], done.counts["rows"]) == (1, 2)
    # a word that nobody knows keeps nobody on a list they are taken off
    assert done.counts.get("errors", 0) == (0 if mode in LEAVING else 1)
    assert await story.mailable() == set()
    assert await story.refused() == {"A"}
    person = await make.signed_in(story.account.owner_id)
    report = (await person.get(f"{story.account.app}/imports/{done.id}/report")).text
    parts, total = report.partition('class="balance"')[2].split("<tfoot>")
    counted = [int(n) for n in re.findall(r"<td>(\d+)</td>", parts)]
    assert sum(counted) == int(re.findall(r"<td>(\d+)</td>", total)[0]) == 2
