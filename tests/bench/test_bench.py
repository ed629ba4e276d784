"""The benches run, say what they promise to say, notice a loss, and leave nothing behind. No timing is judged."""

import asyncio
import json
import os
import re
import sys
from pathlib import Path

import pytest

from tests.bench.__main__ import BENCHES
from tests.bench.outcome import Options, Result
from tests.running.processes import ROOT

MOST_SECONDS = 250
UNITS = {
    "import": "rows/s",
    "export": "contacts/s",
    "pages": "ms",
    "segment-count": "ms",
    "track": "hits/s",
    "purge": "ms",
}


async def bench(folder: Path, **asked: str) -> tuple[int, list[str]]:
    """Exit status and lines of `make bench`, with `folder` for everything temporary."""
    environment = {"PATH": os.environ["PATH"], "TMPDIR": str(folder), "RUNS": "1", "SCALE": "0.002"} | asked
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.bench"),
        env=environment,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        out, _ = await asyncio.wait_for(process.communicate(), MOST_SECONDS)
    finally:
        if process.returncode is None:
            process.terminate()
    return await process.wait(), out.decode().splitlines()


def told_of(folder: Path) -> list[str]:
    """Command lines of processes that were given this folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes() + b"\0" + (entry / "environ").read_bytes()
            except OSError:
                continue
            if os.fsencode(folder) in words:
                found.append(words.replace(b"\0", b" ").decode())
    return found


@pytest.mark.long
@pytest.mark.parametrize("names", ["send export", " ".join(BENCHES)])
async def test_a_bench_runs_and_ends_with_its_figures(tmp_path: Path, names: str) -> None:
    status, lines = await bench(tmp_path, ONLY=names)
    assert status == 0, lines
    figures = [json.loads(line) for line in lines if line.startswith("{")]
    wanted = set(names.split())
    assert {found["bench"] for found in figures} == wanted
    for found in figures:
        assert list(found) == ["bench", "ours", "yardstick", "ratio", "unit"]
        assert found["unit"] == UNITS.get(found["bench"], "mails/s")
        assert found["ours"] > 0
        assert found["ratio"] == pytest.approx(found["ours"] / found["yardstick"], abs=0.01)
    assert (list(tmp_path.iterdir()), told_of(tmp_path)) == ([], [])


@pytest.mark.long
async def test_a_profile_shares_out_the_time_of_a_mail(tmp_path: Path) -> None:
    status, lines = await bench(tmp_path, ONLY="send", PROFILE="1")
    assert status == 0, lines
    steps = [found for line in lines if (found := re.fullmatch(r" +([\d.]+)%  ([a-z].*)", line))]
    shares = {found[2]: float(found[1]) for found in steps}
    assert {"claim", "smtp", "step statement"} <= set(shares)
    assert sum(shares.values()) == pytest.approx(100, abs=0.5)
    assert (list(tmp_path.iterdir()), told_of(tmp_path)) == ([], [])


async def test_a_sink_that_loses_mail_makes_the_run_void(tmp_path: Path) -> None:
    status, lines = await bench(tmp_path, ONLY="send", LOSE="10")
    assert status == 1
    assert lines[-1] == "send: void, 100 mails were delivered, the sink counted 90, 0 doubled"
    assert (list(tmp_path.iterdir()), told_of(tmp_path)) == ([], [])


@pytest.mark.long
async def test_an_export_that_loses_a_line_makes_the_run_void(tmp_path: Path) -> None:
    status, lines = await bench(tmp_path, ONLY="export", LOSE="10")
    assert status == 1
    assert lines[-1] == "export: void, of 2000 contacts 1990 have a line of their own"
    assert (list(tmp_path.iterdir()), told_of(tmp_path)) == ([], [])


@pytest.mark.long
async def test_hits_that_are_not_all_events_make_the_run_void(tmp_path: Path) -> None:
    status, lines = await bench(tmp_path, ONLY="track", LOSE="10")
    assert status == 1
    assert lines[-1] == "track: void, of 190 hits 200 are events, 200 were counted"
    assert (list(tmp_path.iterdir()), told_of(tmp_path)) == ([], [])


def test_a_ratio_is_one_of_medians() -> None:
    result = Result(bench="b", ours=[1, 50, 3], yardstick=[4, 6, 99], unit="mails/s", goal=0.5)
    assert json.loads(result.line) == {
        "bench": "b",
        "ours": 3,
        "yardstick": 6,
        "ratio": 0.5,
        "unit": "mails/s",
    }
    assert result.verdict == "goal ≥ 0.50: reached"


def test_a_small_scale_never_measures_nothing() -> None:
    assert Options(scale=0.00001).scaled(50_000) == 20
