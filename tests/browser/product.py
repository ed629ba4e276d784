"""The whole product as `mailer run` starts it, on a data folder and ports of its own; with its demonstration."""

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.running.processes import ENVIRONMENT, free_port


@dataclass(frozen=True, slots=True)
class Product:
    """`log` is what it prints."""

    base: str
    environment: dict[str, str]
    log: Path

    @property
    def sign_in_link(self) -> str:
        """The demonstration's one-time link."""
        said = self.log.read_text()
        found = re.search(rf"{re.escape(self.base)}/app/sign-in-link/\S+", said)
        assert found, said
        return found[0]

    async def prints(self, sign: str, *, seconds: float) -> None:
        """Waits until it has printed `sign`. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while sign not in self.log.read_text():
                await asyncio.sleep(0.2)

    async def demonstrated(self) -> None:
        """Waits until the demonstration has ended: its readers take a minute and a half."""
        await self.prints("time taken", seconds=240)

    async def command(self, *words: str) -> str:
        """Standard output of `mailer …` on the same data folder."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "mailer", *words, env=self.environment, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 0, out
        return out.decode()

    async def account(
        self, name: str, email: str, *, agreed: bool = False, language: str = "fr"
    ) -> tuple[int, str]:
        """A fresh account by the command line; its id and a one-time sign-in link of its owner."""
        more = ["--accept-agreement"] if agreed else []
        told = ("--name", name, "--email", email, "--language", language)
        made = json.loads(await self.command("account", "create", *told, *more, "--json"))
        return made["id"], made["link"]


@asynccontextmanager
async def running(folder: Path, *, demo: bool = True) -> AsyncIterator[Product]:
    """Until the block ends; then SIGTERM, and all is gone."""
    port = free_port()
    base = f"http://localhost:{port}"
    environment = {
        **ENVIRONMENT,
        "HOME": os.environ.get("HOME", "/"),
        "MAILER_DATA_DIR": str(folder),
        "MAILER_LISTEN": f"127.0.0.1:{port}",
        "MAILER_METRICS_LISTEN": f"127.0.0.1:{free_port()}",
        "MAILER_WEB_PROCESSES": "1",
        "MAILER_WORKERS": "1",
        "MAILER_LOG_LEVEL": "error",
    }
    log = folder / "run.out"
    folder.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "mailer", "run", env=environment, stdout=out, stderr=out
        )
        try:
            sign = "/app/sign-in-link/" if demo else "Mailer is ready"
            async with asyncio.timeout(120):
                while sign not in log.read_text():
                    assert process.returncode is None, log.read_text()
                    await asyncio.sleep(0.2)
            yield Product(base, environment, log)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), 45)
            except TimeoutError:
                process.kill()
                await process.wait()
