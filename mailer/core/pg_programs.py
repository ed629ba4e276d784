"""pg_dump and pg_restore, of the server's own version, fed and read through pipes."""

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from mailer.core import embedded_home
from mailer.core.errors import MailerError

PIECE = 1024 * 1024
# libpq's names of what stands in a URL: in the environment no other user's `ps` reads a password
_FROM_QUERY = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
}


class ProgramFailed(MailerError):
    """pg_dump or pg_restore is missing or ended with an error; the message says which."""


def find(name: str, major: int) -> Path:
    """The program of PostgreSQL `major`. Raises ProgramFailed with the package to install.

    Of exactly that version: what a newer pg_dump writes, an older server may not understand.
    """
    seen = []
    for folder in _folders(major):
        program = folder / name
        if program.is_file() and (version := _major(program)):
            if version == major:
                return program
            seen.append(f"{program} ({version})")
    raise ProgramFailed(
        f"{name} of PostgreSQL {major} is needed, the server's version: install the package"
        f" postgresql-client-{major}. Found: {', '.join(seen) or 'none'}."
    )


def _folders(major: int) -> Iterator[Path]:
    with contextlib.suppress(embedded_home.EmbeddedError, OSError):
        yield embedded_home.binaries(embedded_home.owner()).postgres.parent
    for part in os.get_exec_path():
        yield Path(part)
    yield Path(f"/usr/lib/postgresql/{major}/bin")
    yield Path(f"/usr/pgsql-{major}/bin")


def _major(program: Path) -> int:
    """0 for one that does not run."""
    try:
        said = subprocess.run(  # noqa: S603  (found above)
            [program, "--version"], capture_output=True, text=True, timeout=20
        )
        return int(said.stdout.split()[2].partition(".")[0])
    except (OSError, subprocess.TimeoutExpired, IndexError, ValueError):
        return 0


def surroundings(url: str) -> dict[str, str]:
    """The environment in which libpq reaches what `url` names; what it leaves out is taken from ours."""
    parts = urlsplit(url)
    given = {
        "PGHOST": parts.hostname or "",
        "PGPORT": str(parts.port or ""),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": unquote(parts.path.lstrip("/")),
    }
    for name, values in parse_qs(parts.query).items():
        if name in _FROM_QUERY:
            given[_FROM_QUERY[name]] = values[0]
    inherited = {name: value for name, value in os.environ.items() if name.startswith("PG")}
    return inherited | {name: value for name, value in given.items() if value} | {"LC_ALL": "C"}


def dump(program: Path, url: str, arguments: Iterable[str], take: Callable[[bytes], None]) -> None:
    """Gives the program's output to `take`, in pieces. Raises ProgramFailed, and what `take` raises."""
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(  # noqa: S603  (our own words)
            [program, *arguments], stdout=subprocess.PIPE, stderr=errors, env=_environment(url)
        )
        try:
            assert process.stdout is not None
            while piece := process.stdout.read(PIECE):
                take(piece)
        except BaseException:
            process.kill()
            raise
        finally:
            if process.stdout is not None:
                process.stdout.close()
            process.wait()
        _check(program, process.returncode, errors)


def restore(program: Path, url: str, arguments: Iterable[str], pieces: Iterator[bytes]) -> None:
    """Gives `pieces` to the program's input. Raises ProgramFailed, and what `pieces` raises."""
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(  # noqa: S603  (our own words)
            [program, *arguments], stdin=subprocess.PIPE, stdout=errors, stderr=errors, env=_environment(url)
        )
        assert process.stdin is not None
        try:
            for piece in pieces:
                process.stdin.write(piece)
            process.stdin.close()
        except BrokenPipeError:
            pass  # it ended first, and says why
        except BaseException:
            process.kill()
            raise
        finally:
            process.wait()
        _check(program, process.returncode, errors)


def _environment(url: str) -> Mapping[str, str]:
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin")} | surroundings(url)


def _check(program: Path, status: int, errors: object) -> None:
    if status == 0:
        return
    errors.seek(0)  # type: ignore[attr-defined]
    lines = errors.read().decode(errors="replace").splitlines()  # type: ignore[attr-defined]
    # without CONTEXT, DETAIL and the statement: they quote rows
    told = [line[:300] for line in lines if "error:" in line or "FATAL:" in line]
    raise ProgramFailed(f"{program.name} ended with {status}: {' / '.join(told[:3]) or 'it said nothing'}")
