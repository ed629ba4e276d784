"""The retention page, the exported proof, and a stranger who checks it with the program of the documentation."""

import asyncio
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from mailer.core import clock
from mailer.core.services import Services
from mailer.core.work import Task
from retention_jobs import jobs, jobs_watch, totals
from retention_jobs.policies import SHOWN
from tests.make import Make
from tests.statements import ROOT

DOCS = ROOT / "deploy/docs/retention.md"


def _program(folder: Path) -> Path:
    """As it stands in the documentation."""
    [text] = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.S)
    assert len(text.splitlines()) <= 30
    path = folder / "check_proof.py"
    path.write_text(text)
    return path


async def _checked(program: Path, proof: bytes, keys: bytes) -> subprocess.CompletedProcess[str]:
    given, public = program.with_name("proof.ndjson"), program.with_name("keys.json")
    given.write_bytes(proof)
    public.write_bytes(keys)
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-I", str(program), str(given), str(public)],
        capture_output=True,
        text=True,
        check=False,
    )


async def _pass(services: Services, account_id: int) -> None:
    assert await jobs.account_pass(services, Task(account_id, "retention_jobs.account_pass", 0, 0, 1)) is None


@pytest.mark.req("A-001", "A-093")
async def test_a_stranger_checks_an_exported_proof(services: Services, make: Make, tmp_path: Path) -> None:
    account = await make.account()
    for day in range(3):
        clock.shift(timedelta(days=day))
        await _pass(services, account.id)
    clock.shift(timedelta())
    owner = await make.signed_in(account.owner_id)
    proof = (await owner.get(f"{account.app}/privacy/retention/proof.ndjson")).text.encode()
    keys = (await owner.get("/legal/proof-keys.json")).text.encode()
    program = _program(tmp_path)
    whole = await _checked(program, proof, keys)
    assert (whole.returncode, whole.stderr) == (0, "")
    assert whole.stdout.startswith(f"3 records of account {account.id}, whole and signed")

    lines = proof.splitlines(keepends=True)
    rows = [orjson.loads(line) for line in lines]
    forged = rows[1] | {"record": rows[1]["record"].replace('"events":0', '"events":7')}
    other = orjson.dumps({"keys": [orjson.loads(keys)["keys"][0] | {"id": 99}]})
    for given, public, words in (
        (lines[0] + orjson.dumps(forged) + b"\n" + lines[2], keys, "record 2: altered"),
        (lines[0] + lines[2], keys, "record 2: not in its place"),
        (lines[1] + lines[0] + lines[2], keys, "record 1: not in its place"),
        (proof, other, "record 1: not signed"),
        (b"", keys, "no record"),
    ):
        found = await _checked(program, given, public)
        assert found.returncode == 1
        assert found.stderr.startswith(words)


@pytest.mark.req("A-004")
async def test_the_page_tells_each_class_in_french_and_verifies(services: Services, make: Make) -> None:
    account = await make.account()
    await _pass(services, account.id)
    owner = await make.signed_in(account.owner_id, language="fr")
    place = f"{account.app}/privacy/retention"
    page = await owner.get(place)
    for words in (
        "À l’heure",
        "Ouvertures et clics",
        "13 mois",
        "politique de confidentialité",
        "RGPD, article 17",
        "Télécharger la preuve",
        "Dernière",
    ):
        assert words in page.text.replace("&#39;", "'"), words
    assert "En retard" not in page.text
    # laws and promises in words: the numbers of our own documents say nothing to an owner
    assert re.findall(r"\b(?:[A-G]-\d+|S\d+|matrix)\b", re.sub(r"<[^>]*>", " ", page.text)) == []
    sent = await owner.post(f"{place}/verifications", {})
    assert (sent.status, sent.headers["Location"]) == (303, f"{place}?verified=true#verified")
    assert "la preuve est entière" in (await owner.get(f"{place}?verified=true")).text


@pytest.mark.req("A-004")
async def test_before_the_first_run_the_page_claims_no_proof(services: Services, make: Make) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id, language="fr")
    place = f"{account.app}/privacy/retention?verified=true"
    page = (await owner.get(place)).text.replace("&#39;", "'")
    assert "Aucun passage pour l’instant" in page
    assert "Le premier passage est prévu le" in page
    assert "la preuve est entière" not in page
    await _pass(services, account.id)
    page = (await owner.get(place)).text.replace("&#39;", "'")
    assert "la preuve est entière" in page
    assert "Aucun passage" not in page


def test_each_line_of_the_page_names_its_law_or_promise() -> None:
    assert [name for name, kind in SHOWN.items() if not kind.why] == []


@pytest.mark.req("A-004")
async def test_a_late_account_sees_it_on_the_page_and_at_home(services: Services, make: Make) -> None:
    account = await make.account()
    async with services.db.shared() as tx:
        await tx.run("UPDATE accounts SET created_at = now() - interval '3 hours' WHERE id = $1", account.id)
    await jobs_watch.check(services, Task(account.id, jobs_watch.CHECK, 0, 0, 1))
    owner = await make.signed_in(account.owner_id, language="fr")
    page = (await owner.get(f"{account.app}/privacy/retention?verified=true")).text.replace("&#39;", "'")
    assert "L’effacement est en retard" in page
    assert "En retard depuis le" in page
    assert "Quelque chose n’est pas comme il se doit" in page
    assert "l’effacement est en retard depuis le" in (await owner.get(account.app)).text.replace("&#39;", "'")


@pytest.mark.req("G-2", "A-064")
async def test_totals_stay_only_where_an_owner_says_so(services: Services, make: Make) -> None:
    account = await make.account()
    now = clock.now()
    editor_id, _ = await make.user(account.id, "editor")
    owner, editor = await make.signed_in(account.owner_id), await make.signed_in(editor_id)
    place = f"{account.app}/privacy/retention"
    async with services.db.account(account.id) as tx:
        assert not await totals.kept(tx)
    assert (await editor.post(place, {"keep_totals": "true"})).status == 403
    assert (await owner.post(place, {"keep_totals": "true"})).status == 303
    async with services.db.account(account.id) as tx:
        assert await totals.kept(tx)
        await tx.run(
            """
            INSERT INTO campaigns (account_id, name, totals, measured, details_erased_at)
            VALUES ($1, 'N', '{"delivered": 12}', '{"open:people": 11}', $2)
            """,
            now - timedelta(days=1),
        )
        assert await totals.purge(tx, now) == 0
    assert (await owner.post(place, {})).status == 303
    async with services.db.account(account.id) as tx:
        assert await totals.purge(tx, now) == 1
        assert await tx.rows("SELECT totals, measured FROM campaigns WHERE account_id = $1") == [({}, {})]
        assert await totals.purge(tx, now) == 0


async def test_the_keys_are_shown_to_everybody(services: Services, make: Make, client) -> None:  # type: ignore[no-untyped-def]
    await _pass(services, (await make.account()).id)
    told = orjson.loads((await client.get("/legal/proof-keys.json")).text)
    page = await client.get("/legal/proof-keys?lang=fr")
    assert told["algorithm"] == "Ed25519"
    assert page.status == 200
    assert all(key["public_key"] in page.text for key in told["keys"])
