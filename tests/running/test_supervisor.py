"""`mailer run` as its users see it: it starts, answers, ends, and leaves nothing; killed or not."""

import asyncio
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest
from aiohttp import ClientError, ClientSession

from mailer.core.process import NICER
from tests.running.processes import ENVIRONMENT, alive, free_port, gone


@dataclass
class Run:
    """One data folder and the processes that were started on it."""

    folder: Path
    port: int
    started: list[Process] = field(default_factory=list)

    async def start(self, **more: str) -> Process:
        # A relay of our own, so that no test depends on the local inbox; nothing is sent here.
        settings = {
            "MAILER_DATA_DIR": str(self.folder),
            "MAILER_LISTEN": f"127.0.0.1:{self.port}",
            "MAILER_METRICS_LISTEN": f"127.0.0.1:{free_port()}",
            "MAILER_WEB_PROCESSES": "2",
            "MAILER_WORKERS": "1",
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "mailer",
            "run",
            stdout=PIPE,
            stderr=STDOUT,
            env=ENVIRONMENT | settings | more,
        )
        self.started.append(process)
        return process

    async def ready(self, process: Process) -> str:
        """Everything said until the line that names the address."""
        said = ""
        assert process.stdout is not None
        async with asyncio.timeout(120):
            while line := (await process.stdout.readline()).decode():
                said += line
                if "Stop with Ctrl-C" in line:
                    return said
        raise AssertionError(f"it ended with {await process.wait()}:\n{said}")

    async def status(self, path: str) -> int:
        async with ClientSession() as session, session.get(f"http://127.0.0.1:{self.port}{path}") as answer:
            return answer.status

    def of_kind(self, kind: str) -> list[int]:
        return [number for number, words in alive(self.folder).items() if f"-m mailer {kind}" in words]


@pytest.fixture
async def run() -> AsyncIterator[Run]:
    folder = Path(tempfile.mkdtemp(prefix="mailer-run-"))
    folder.chmod(0o755)
    found = Run(folder, free_port())
    yield found
    for process in found.started:
        if process.returncode is None:
            process.kill()
        await process.communicate()
    await gone(folder)
    shutil.rmtree(folder)


async def test_it_starts_once_answers_and_one_signal_ends_all(run: Run) -> None:
    process = await run.start()
    said = await run.ready(process)
    assert f"http://localhost:{run.port}" in said
    assert await run.status("/readyz") == 200
    assert len(run.of_kind("web")) == 2
    (worker,) = run.of_kind("worker")
    web = run.of_kind("web")[0]
    # whoever waits for an answer comes before work
    assert os.getpriority(os.PRIO_PROCESS, worker) == os.getpriority(os.PRIO_PROCESS, web) + NICER
    second = await run.start(MAILER_LISTEN=f"127.0.0.1:{free_port()}")
    said_by_it, _ = await second.communicate()
    assert second.returncode == 1
    assert b"already runs on this data folder" in said_by_it
    assert await run.status("/readyz") == 200
    process.terminate()
    await process.communicate()
    assert process.returncode == 0
    assert await gone(run.folder) == {}
    assert not (run.folder / "run.json").exists()


async def test_killed_it_leaves_nothing_and_the_next_start_recovers(run: Run) -> None:
    process = await run.start(MAILER_WEB_PROCESSES="1")
    await run.ready(process)
    address = json.loads((run.folder / "run.json").read_text())["database_url"]
    connection = await asyncpg.connect(address)
    await connection.execute("CREATE TABLE kept (n int)")
    connection.terminate()
    process.kill()
    await process.communicate()
    assert await gone(run.folder) == {}
    again = await run.start(MAILER_WEB_PROCESSES="1")
    await run.ready(again)
    assert await run.status("/readyz") == 200
    connection = await asyncpg.connect(address)
    assert await connection.fetchval("SELECT count(*) FROM kept") == 0
    await connection.close()
    again.send_signal(signal.SIGINT)
    await again.communicate()
    assert again.returncode == 0


async def test_killed_children_and_servers_come_back(run: Run) -> None:
    process = await run.start(MAILER_WEB_PROCESSES="1")
    await run.ready(process)
    servers = [number for number, words in alive(run.folder).items() if "valkey-server" in words]
    for number in (*run.of_kind("web"), *run.of_kind("worker"), *servers):
        os.kill(number, signal.SIGKILL)
    async with asyncio.timeout(60):
        while True:
            try:
                if await run.status("/readyz") == 200 and run.of_kind("worker"):
                    break
            except (ClientError, OSError):
                pass
            await asyncio.sleep(0.2)
    process.terminate()
    await process.communicate()
    assert process.returncode == 0


async def test_taken_port_is_said_with_the_setting_to_change(run: Run) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", run.port))
        other.listen()
        process = await run.start()
        said, _ = await process.communicate()
    assert process.returncode == 2
    assert f"Port {run.port} of 127.0.0.1 is taken".encode() in said
    assert b"MAILER_LISTEN" in said
    assert b"Traceback" not in said
    assert alive(run.folder) == {}


async def test_second_signal_does_not_wait_for_a_worker_that_hangs(run: Run) -> None:
    process = await run.start(MAILER_WEB_PROCESSES="1")
    await run.ready(process)
    (worker,) = run.of_kind("worker")
    os.kill(worker, signal.SIGSTOP)
    process.terminate()
    assert process.stdout is not None
    while b"Stopping" not in await process.stdout.readline():
        assert process.returncode is None
    process.terminate()
    await process.communicate()
    assert process.returncode == 0
    assert await gone(run.folder) == {}


async def test_setting_that_cannot_be_used_ends_the_run_with_its_name(run: Run) -> None:
    process = await run.start(MAILER_OPERATOR_FILE=str(run.folder / "missing.toml"))
    said, _ = await process.communicate()
    assert process.returncode == 2
    assert b"MAILER_OPERATOR_FILE" in said
    assert b"Traceback" not in said
    assert alive(run.folder) == {}
