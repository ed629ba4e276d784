"""client.md: its examples in one program, as they stand; the two commands as a shell runs them."""

import asyncio
import json
import os
import re
import sys
from pathlib import Path

import pytest

from mailer.core.links import Links
from mailer.core.services import Services
from sending import senders
from sending.senders import NewSender
from tests.make import Account

PAGE = Path(__file__).parents[2] / "deploy/docs/client.md"
pytestmark = pytest.mark.req("S24")


async def _shell(*words: str, cwd: Path, stdin: bytes = b"", **environ: str) -> tuple[int, str, str]:
    path = {"PATH": os.environ["PATH"], "PYTHONPATH": str(PAGE.parents[2])}
    process = await asyncio.create_subprocess_exec(
        *words,
        cwd=cwd,
        env=path | environ,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, error = await asyncio.wait_for(process.communicate(stdin), 120)
    return process.returncode or 0, out.decode(), error.decode()


async def test_the_examples_of_the_page_run_as_they_stand(
    server: str, services: Services, account: Account, key: str, working: None, tmp_path: Path
) -> None:
    async with services.db.account(account.id) as tx:
        links = Links(services.tokens, services.settings.track_url)
        new = NewSender(email=account.owner_email, name="Atelier")
        sender = await senders.create(tx, new, links, own=account.owner_email)
    program = "\n".join(re.findall(r"```python\n(.+?)```", PAGE.read_text(), re.DOTALL))
    (tmp_path / "page.py").write_text(program)
    code, out, error = await _shell(
        sys.executable, "-W", "error", "page.py", cwd=tmp_path, BASE=server, KEY=key, SENDER=str(sender.id)
    )
    assert code == 0, error
    assert "2 new, 0 in error" in out
    assert [line for line in out.splitlines() if line.isdigit()][:3] == ["1000", "1000", "500"]
    assert "email conflict" in out
    assert (tmp_path / "all.ndjson").read_text().count("\n") == 2502


async def test_a_file_goes_in_and_out_by_command(
    server: str, key: str, working: None, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text(f"{key}\n")
    (tmp_path / "in.csv").write_text("Adresse,Petit nom\nana@x.test,Ana\nbad,Ben\n")
    mailer = [sys.executable, "-m", "mailer"]
    where = ["--url", server, "--key-file"]
    brought = [
        *("import", "in.csv", *where, "key", "--json", "--new-list", "Salon", "--legal-basis", "consent"),
        *("--source", "Salon", "--attested-by", "Ana", "--rejects", "bad.csv"),
        *("--map", "Adresse=email", "--map", "Petit nom=first_name"),
    ]
    code, out, error = await _shell(*mailer, *brought, cwd=tmp_path)
    assert code == 0, error
    told = json.loads(out)
    assert (told["state"], told["created"], told["errors"]) == ("done", 1, 1)
    assert "sending in.csv" in error
    assert (tmp_path / "bad.csv").exists()
    code, out, error = await _shell(
        *mailer, "export", "out.ndjson", *where, "-", cwd=tmp_path, stdin=key.encode()
    )
    assert (code, out.splitlines()[0]) == (0, "rows: 1"), error
    [row] = (tmp_path / "out.ndjson").read_text().splitlines()
    assert json.loads(row)["first_name"] == "Ana"


async def test_a_command_that_fails_says_why(server: str, key: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(key)
    (tmp_path / "in.csv").write_text("email\nana@x.test\n")
    mailer = [sys.executable, "-m", "mailer"]
    for words, told in [
        (["import", "in.csv", "--url", server, "--key-file", "key"], "list_ids: Choose a list"),
        (["import", "none.csv", "--url", server, "--key-file", "key"], "none.csv"),
        (["export", "out.csv", "--url", server, "--key-file", "in.csv"], "in.csv holds no API key"),
    ]:
        code, _, error = await _shell(*mailer, *words, cwd=tmp_path)
        assert code == 1, error
        assert told in error
        assert "Traceback" not in error
