"""The documents: their links lead somewhere, their commands exist, their requests work."""

import asyncio
import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from mailer import __version__, command_options
from mailer.core.links import Links
from mailer.core.services import Services
from mailer.core.settings import Environment
from sending import senders
from sending.senders import NewSender
from tests.make import Make

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "deploy/docs").rglob("*.md")],
    key=lambda path: path.name,
)
NAMES = {f"MAILER_{name.upper()}" for name in Environment.model_fields}


def anchors(text: str) -> set[str]:
    """As code hosts make them from headings."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        assert "://" not in target, f"{target}: the project's documents need nothing foreign"
        name, _, anchor = target.partition("#")
        found = (page.parent / name).resolve() if name else page
        assert found.exists(), target
        if anchor:
            assert anchor in anchors(found.read_text()), target


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_settings_in_documents_exist(page: Path) -> None:
    named = set(re.findall(r"MAILER_[A-Z_]+", page.read_text()))
    assert named <= NAMES, named - NAMES


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_in_documents_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = page.read_text()
    for target in re.findall(r"(?:`|^|&& |and )make ([a-z-]+)", text, re.MULTILINE):
        assert target in targets, target
    for line in re.findall(
        r"(?:`|^|\$\(|bin/|run --rm )(?:mailer|worker) ([a-z][^`\n)|]*)", text, re.MULTILINE
    ):
        words = [word.replace("…", "1") for word in shlex.split(line.split("  ")[0])]
        command_options.build().parse_args(words)


def test_the_changelog_begins_with_this_version() -> None:
    found = re.findall(r"^## (\S+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert found[0] == __version__


def test_every_decision_is_listed_and_complete() -> None:
    folder = ROOT / "deploy/docs/decisions"
    listed = (folder / "README.md").read_text()
    pages = sorted(folder.glob("0*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        text = page.read_text()
        title = text.splitlines()[0].split(". ", 1)[1]
        assert f"[{title}]({page.name})" in listed
        for part in ("**Context.**", "**Choice.**", "**Given up.**", "**Look again**"):
            assert part in text, f"{page.name}: {part}"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_of_the_source_in_documents_exist(page: Path) -> None:
    for name in re.findall(
        r"`((?:mailer|lists|sending|tracking|retention_jobs|tests|deploy)/[\w./]+)`", page.read_text()
    ):
        path = ROOT / name
        assert path.exists() or name.endswith("/") or "<" in name, name


async def test_the_requests_of_the_api_page_work_as_they_stand(
    make: Make, services: Services, server: str
) -> None:
    """Each block in its order, in a real shell; ids go from one answer into the next request."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed here")
    account = await make.account()
    async with services.db.account(account.id) as tx:
        links = Links(services.tokens, services.settings.track_url)
        new = NewSender(email=account.owner_email, name="Atelier")
        sender = await senders.create(tx, new, links, own=account.owner_email)
    program = await make.program(account.id)
    environ = {"PATH": "/usr/bin:/bin", "BASE": server, "KEY": program.key, "SENDER": str(sender.id)}
    answers = []
    for block in re.findall(r"```sh\n(.+?)```", (ROOT / "deploy/docs/api.md").read_text(), re.DOTALL):
        process = await asyncio.create_subprocess_exec(
            "sh", "-euc", block, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        out, error = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 0, error.decode()
        answer = json.loads(out)
        assert "title" not in answer, answer
        answers.append(answer)
        if "/lists " in block:
            environ["LIST"] = str(answer["id"])
        if "/v1/campaigns " in block:
            environ["CAMPAIGN"] = str(answer["id"])
    made_list, contact, batch, campaign, looked_at, compared, sent, domain, report, *answers = answers
    campaigns, gestures, speed, message, hook = answers
    assert made_list["name"] == "Lettre du lundi"
    assert contact["email"] == "ana@example.org"
    assert [row["result"] for row in batch["results"]] == ["created", "error"]
    assert campaign["list_ids"] == [made_list["id"]]
    assert "no_href" in [one["code"] for one in looked_at["findings"]]
    assert [one["subject"] for one in compared["variants"]] == [campaign["subject"], "Bread, warm"]
    assert sent["status"] == "scheduled"
    assert [record["kind"] for record in domain["records"]] == ["dkim", "dkim_ed25519", "dmarc", "mx"]
    assert report
    assert campaigns["items"] == []
    assert gestures["counts"]
    assert message["status"] == "queued"
    assert hook["secret"].startswith("whsec_")
    assert speed["limited_by"] is None
