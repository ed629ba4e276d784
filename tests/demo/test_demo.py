"""The whole product on an empty folder: `mailer run` walks its main job once, and says what came of it."""

import asyncio
import re
import shutil
import sys
import tempfile
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import ClientSession

from mailer import demo, demo_campaign, demo_data
from mailer.core.services import Services
from mailer.core.settings import Settings
from tests.running.processes import ENVIRONMENT, free_port, gone

SIGN_IN = re.compile(r"http://localhost:\d+(/app/sign-in-link/\S+)")


@dataclass
class Product:
    """A running product and what it said until its sign-in link."""

    port: int
    environment: dict[str, str]
    said: str

    async def command(self, *words: str) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "mailer", *words, stdout=PIPE, stderr=STDOUT, env=self.environment
        )
        out, _ = await asyncio.wait_for(process.communicate(), 60)
        return process.returncode or 0, out.decode()

    def figure(self, name: str) -> int:
        found = re.search(rf"^  {name}\s+(\d+)", self.said, re.MULTILINE)
        assert found is not None, f"{name} in\n{self.said}"
        return int(found[1])


@pytest.fixture
async def demonstration() -> AsyncIterator[Product]:
    folder = Path(tempfile.mkdtemp(prefix="mailer-demo-"))
    folder.chmod(0o755)
    port = free_port()
    environment = ENVIRONMENT | {
        "MAILER_DATA_DIR": str(folder),
        "MAILER_LISTEN": f"127.0.0.1:{port}",
        "MAILER_METRICS_LISTEN": f"127.0.0.1:{free_port()}",
        "MAILER_WEB_PROCESSES": "1",
        "MAILER_WORKERS": "1",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "mailer", "run", stdout=PIPE, stderr=STDOUT, env=environment
    )
    said = ""
    assert process.stdout is not None
    async with asyncio.timeout(240):
        while "time taken" not in said:
            line = (await process.stdout.readline()).decode()
            said += line
            assert line, f"it ended:\n{said}"
            assert "demonstration failed" not in line, said
    drain = asyncio.ensure_future(process.stdout.read())
    yield Product(port, environment, said)
    process.terminate()
    await drain
    await process.wait()
    await gone(folder)
    shutil.rmtree(folder)


async def test_the_walk_of_a_new_copy_leaves_a_product_in_order(demonstration: Product) -> None:
    """One after another on one copy, whose start and walk take longest of all."""
    _the_figures_add_up(demonstration)
    await _the_link_lets_somebody_in_once(demonstration)
    await _a_second_demonstration_changes_nothing(demonstration)
    await _the_doctor_finds_it_in_order(demonstration)


def _the_figures_add_up(product: Product) -> None:
    good = demo_data.CONTACTS + len(demo_data.BOUNCING)
    assert product.figure("imported") == good
    assert product.figure("rejected") == len(demo_data.BROKEN_ROWS)
    assert product.figure("sent") == good
    assert product.figure("bounced") == len(demo_data.BOUNCING)
    assert product.figure("delivered") == demo_data.CONTACTS
    assert product.figure("unsubscribed") == 1
    measured = re.search(
        r"opens\s+(\d+)  people, of (\d+) .*\n.* (\d+) by machines, (\d+) too soon", product.said
    )
    assert measured is not None, product.said
    people, base, machines, unknown = map(int, measured.groups())
    # every third contact accepted measurement; the others were neither opened nor clicked
    assert demo_data.CONTACTS // 3 - 2 <= base <= demo_data.CONTACTS // 3 + 2
    assert 0 < product.figure("clicks") < people < base
    assert machines > 0
    assert unknown > 0


async def _the_link_lets_somebody_in_once(product: Product) -> None:
    found = SIGN_IN.search(product.said)
    assert found is not None
    address = f"http://127.0.0.1:{product.port}{found[1]}"
    headers = {"Origin": f"http://localhost:{product.port}"}
    async with ClientSession() as http:
        async with http.post(address, headers=headers, allow_redirects=False) as answer:
            assert answer.status == 303
            assert "__Host-session" in answer.headers.get("Set-Cookie", "")
        async with http.post(address, headers=headers, allow_redirects=False) as answer:
            assert answer.status == 410


async def _a_second_demonstration_changes_nothing(product: Product) -> None:
    status, said = await product.command("demo")
    assert (status, said.strip()) == (0, "No demonstration: there is an account already.")


async def _the_doctor_finds_it_in_order(product: Product) -> None:
    status, said = await product.command("doctor")
    assert status == 0, said
    assert "WRONG" not in said


async def test_nothing_happens_where_mail_would_leave(
    settings: Settings, services: Services, capsys: pytest.CaptureFixture[str]
) -> None:
    """A real SMTP server, or a public address."""
    real = {"smtp_url": "smtp://relay.example:587"}, {"public_url": "https://mailer.example"}
    for changes in real:
        changed = Settings.model_construct(**{**settings.model_dump(), **changes})
        assert await demo.run(changed) == 0
        assert "only with the local inbox" in capsys.readouterr().out
    async with services.db.shared() as tx:
        made = await tx.value("SELECT count(*) FROM accounts WHERE sample")
    assert made == 0


async def test_without_workers_it_stops_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_campaign, "WAIT_SECONDS", 0.3)

    async def never() -> bool:
        return False

    with pytest.raises(demo_campaign.DemoStopped, match="Is a worker running"):
        await demo_campaign.until(never, "the import to be done")
