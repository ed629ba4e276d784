"""What an operator installs: read, parsed and run as far as this machine can."""

import asyncio
import os
import re
import secrets
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest
import yaml

from mailer.core import embedded, embedded_home, migrate, restores
from mailer.core.db import open_database
from mailer.core.embedded import Endpoints
from mailer.core.operator import read_operator
from mailer.core.services import Services
from mailer.core.settings import Environment, environment

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SETTINGS = {f"MAILER_{name.upper()}" for name in Environment.model_fields}
COMPOSE_ONLY = {"POSTGRES_PASSWORD", "DATABASE_PASSWORD", "CADDY_HOSTS", "TRACK_UPSTREAM"}
UNITS = ("mailer-web@.service", "mailer-worker@.service", "mailer-migrate.service", "mailer-inbound.service")


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return loaded


def names_of_env_example() -> dict[str, str]:
    """Name → value, of lines that count and of those that are commented out."""
    return dict(re.findall(r"^#? ?([A-Z][A-Z_]+)=(.*)$", (DEPLOY / "env.example").read_text(), re.MULTILINE))


# settings


def test_env_example_names_every_setting_and_no_other() -> None:
    assert set(names_of_env_example()) == SETTINGS | COMPOSE_ONLY


@pytest.mark.req("E-67")
def test_env_example_holds_no_secret() -> None:
    found = names_of_env_example()
    assert [found[name] for name in ("MAILER_SECRET_KEY", "POSTGRES_PASSWORD", "DATABASE_PASSWORD")] == [
        ""
    ] * 3


def test_env_example_can_be_read_as_it_is() -> None:
    lines = [line for line in (DEPLOY / "env.example").read_text().splitlines() if re.match(r"[A-Z]", line)]
    given = environment(dict(line.split("=", 1) for line in lines))
    assert given.public_url.startswith("https://")


def test_the_operator_file_is_a_valid_one() -> None:
    assert read_operator(DEPLOY / "operator.example.toml").hosts


# compose


def test_compose_gives_settings_that_exist() -> None:
    services = compose()["services"]
    for name in ("web", "track", "worker", "migrate", "inbound"):
        given = set(services[name]["environment"])
        assert given <= SETTINGS, given - SETTINGS


@pytest.mark.req("E-67")
def test_compose_has_no_default_secret() -> None:
    """${NAME:?…} stops when NAME is missing; a secret with a default, or in clear, would not."""
    text = (DEPLOY / "compose.yaml").read_text()
    for name in ("MAILER_SECRET_KEY", "POSTGRES_PASSWORD", "DATABASE_PASSWORD", "MAILER_SMTP_URL"):
        uses = re.findall(rf"\$\{{{name}(.*?)\}}", text)
        assert uses, name
        assert all(use.startswith(":?") for use in uses), name
    assert re.findall(r"(?im)^\s*\w*password: *[^$\s]", text) == []


def test_compose_names_only_variables_of_env_example() -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    assert set(re.findall(r"\$\{([A-Z_]+)", text)) <= set(names_of_env_example())


@pytest.mark.req("B-63")
def test_only_the_proxy_is_reached_from_outside() -> None:
    services, networks = compose()["services"], compose()["networks"]
    assert [name for name, service in services.items() if "ports" in service] == ["caddy", "inbound"]
    # mail comes in where the operator asks for it
    assert services["inbound"]["profiles"] == ["inbound"]
    assert networks["inside"]["internal"] is True
    for name in ("postgres", "valkey"):
        assert services[name]["networks"] == ["inside"]
    subnet = networks["edge"]["ipam"]["config"][0]["subnet"]
    assert services["web"]["environment"]["MAILER_TRUSTED_PROXIES"] == subnet


@pytest.mark.req("S21")
def test_the_queue_keeps_every_event() -> None:
    command = " ".join(compose()["services"]["valkey"]["command"])
    assert "--appendonly yes" in command
    assert "--appendfsync always" in command
    assert "noeviction" in command


def test_compose_mounts_files_that_are_there() -> None:
    for service in compose()["services"].values():
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            if source.startswith("./") and source != "./operator.toml":
                assert (DEPLOY / source).is_file(), source


def test_our_containers_hold_no_rights() -> None:
    for name in ("web", "track", "worker", "migrate", "inbound"):
        service = compose()["services"][name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]


# image


def test_the_image_copies_what_is_there_and_runs_as_nobody_special() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE):
        *sources, _ = line.split()
        for source in sources:
            assert (ROOT / source).exists(), source
    last_stage = text[text.rindex("\nFROM ") :]
    assert "\nUSER mailer\n" in last_stage
    installs = re.findall(r"pip install[^\n]*", text)
    assert installs
    assert all("--require-hashes" in line for line in installs)


def test_the_image_has_every_package() -> None:
    copied = set(re.findall(r"^COPY (\w+) \1$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE))
    assert copied == {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}


def test_the_build_context_lets_through_what_the_image_copies() -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text()
    allowed = set(re.findall(r"^!(\S+)$", ignored, re.MULTILINE))
    for line in re.findall(r"^COPY (?!--from)(.+)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE):
        for source in line.split()[:-1]:
            assert source.split("/")[0] in allowed, source


# systemd and shell


@pytest.mark.parametrize("unit", UNITS)
def test_units_are_well_formed(unit: str, tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd is not installed here")
    # the paths of a real installation do not exist here; everything else has to pass
    text = (DEPLOY / "systemd" / unit).read_text().replace("/opt/mailer/.venv/bin/mailer", "/bin/true")
    copy = tmp_path / unit.replace("@.", "@1.")
    copy.write_text(text.replace("WorkingDirectory=/opt/mailer", "WorkingDirectory=/"))
    done = subprocess.run([program, "verify", "--man=no", copy], capture_output=True, text=True, timeout=60)
    said = [
        line
        for line in (done.stdout + done.stderr).splitlines()
        if unit.split("@", maxsplit=1)[0].split(".", maxsplit=1)[0] in line
    ]
    assert (done.returncode, said) == (0, [])


@pytest.mark.parametrize("unit", UNITS)
def test_units_run_commands_that_exist(unit: str) -> None:
    from mailer.cli import _parser

    (command,) = re.findall(
        r"^ExecStart=\S+/mailer (\w+)$", (DEPLOY / "systemd" / unit).read_text(), re.MULTILINE
    )
    assert _parser().parse_args([command]).command == command


@pytest.mark.parametrize("script", ["backup.sh", "postgres/password.sh"])
def test_scripts_parse(script: str) -> None:
    path = DEPLOY / script
    assert os.access(path, os.X_OK)
    subprocess.run(["sh", "-n", path], check=True, timeout=10)


# PostgreSQL


def tool(name: str) -> str:
    return str(embedded_home.binaries(embedded_home.owner()).postgres.parent / name)


def connection_environment(url: str) -> dict[str, str]:
    parts = urlsplit(url)
    place = parse_qs(parts.query)["host"][0]
    folder = str(Path(tool("psql")).parent)
    return {"PATH": f"{folder}:/usr/bin:/bin", "PGHOST": place, "PGUSER": parts.username or "", "LC_ALL": "C"}


async def ran(*command: str | Path, **environ: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *map(str, command), env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, error = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0, error.decode()
    return out.decode()


async def test_init_sql_makes_a_database_that_migrations_accept(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """On a server of its own, from which the roles that `mailer run` made are taken away first."""
    async with embedded.run(tmp_path_factory.mktemp("init"), fsync=False) as servers:
        environ = connection_environment(servers.admin_url)
        drop = "DROP DATABASE mailer; DROP ROLE mailer_eraser; DROP ROLE mailer"
        await ran(
            "psql", "-X", "-d", "postgres", *(w for s in drop.split("; ") for w in ("-c", s)), **environ
        )
        init = ("psql", "-X", "-v", "ON_ERROR_STOP=1", "-d", "postgres", "-f", DEPLOY / "postgres/init.sql")
        await ran(*init, **environ)
        await ran(*init, **environ)  # a second time changes nothing
        async with open_database(servers.database_url, size=1) as db:
            assert await migrate.apply(db)
            assert await migrate.pending(db) == []


async def test_the_password_script_sets_it(endpoints: Endpoints) -> None:
    environ = connection_environment(endpoints.admin_url)
    password = secrets.token_hex(12) + "'; --"
    await ran(
        DEPLOY / "postgres/password.sh",
        **environ,
        POSTGRES_USER=environ["PGUSER"],
        DATABASE_PASSWORD=password,
    )
    connection = await asyncpg.connect(endpoints.admin_url)
    try:
        stored = await connection.fetchval("SELECT rolpassword FROM pg_authid WHERE rolname = 'mailer'")
    finally:
        await connection.close()
    assert stored.startswith("SCRAM-SHA-256$")


@pytest.mark.req("S13")
async def test_a_backup_keeps_the_content_keys_apart(
    services: Services, endpoints: Endpoints, tmp_path: Path
) -> None:
    async with services.db.shared() as tx:
        await tx.run(
            "INSERT INTO inbox_mails (mail_from, recipient, subject, feedback_id, raw) VALUES ('a', 'b', 'c', '', 'd')"
        )
    environ = connection_environment(endpoints.admin_url)
    said = await ran(DEPLOY / "backup.sh", tmp_path, **environ)
    dump = Path(said.strip())
    assert dump.stat().st_mode & 0o077 == 0
    listed = await ran("pg_restore", "--list", dump, **environ)
    assert "TABLE DATA public contacts" in listed
    assert "TABLE public content_keys" in listed
    assert "TABLE DATA public content_keys" not in listed
    assert "TABLE DATA public inbox_mails" not in listed
    assert "TABLE DATA public kept_forms" not in listed
    assert "TABLE DATA public content_keys" in await ran(
        "pg_restore", "--list", tmp_path / "content-keys.dump", **environ
    )


@pytest.mark.req("S13")
async def test_old_backups_and_old_keys_go(endpoints: Endpoints, services: Services, tmp_path: Path) -> None:
    old = {"content-keys.dump": 6, "mailer-20200101T000000Z.dump": 31, "mailer-20200201T000000Z.dump": 10}
    for name, days in old.items():
        (tmp_path / name).write_text("old")
        past = (tmp_path / name).stat().st_mtime - days * 86_400 - 60
        os.utime(tmp_path / name, (past, past))
    environ = connection_environment(endpoints.admin_url)
    # nothing can be written, and what is too old goes all the same
    failed = await asyncio.create_subprocess_exec(
        DEPLOY / "backup.sh", tmp_path, env=environ | {"PGDATABASE": "nowhere"}, stderr=subprocess.DEVNULL
    )
    assert await failed.wait() != 0
    left = {path.name for path in tmp_path.iterdir() if not path.name.endswith(".part")}
    assert left == {"mailer-20200201T000000Z.dump"}


async def test_a_backup_comes_back(services: Services, endpoints: Endpoints, tmp_path: Path) -> None:
    """As docs/operating.md says: into an empty database of the same owner, with its row-level security."""
    environ = connection_environment(endpoints.admin_url)
    dump = (await ran(DEPLOY / "backup.sh", tmp_path, **environ)).strip()
    name = f"restored_{secrets.token_hex(4)}"
    await ran("createdb", "--owner=mailer", name, **environ)
    try:
        await ran("pg_restore", "--exit-on-error", "--dbname", name, dump, **environ)
        await ran(
            "pg_restore", "--exit-on-error", "--dbname", name, tmp_path / "content-keys.dump", **environ
        )
        forced = await ran(
            "psql", "-X", "-At", "-d", name, "-c",
            "SELECT relforcerowsecurity FROM pg_class WHERE relname = 'contacts'", **environ,
        )  # fmt: skip
        assert forced.strip() == "t"
        url = endpoints.database_url.replace("/mailer?", f"/{name}?")
        async with open_database(url, size=1) as db:
            assert await migrate.pending(db) == []
            # a machine that knows nothing of the installation: the dump itself says that it is a copy
            settings = services.settings.model_copy(update={"data_dir": tmp_path})
            assert not await restores.may_send(replace(services, db=db, settings=settings))
            async with db.shared() as tx:
                assert (await restores.show(tx)).held_reason == "copy"
    finally:
        await ran("dropdb", name, **environ)
