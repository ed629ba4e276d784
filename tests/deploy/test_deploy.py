"""What an operator installs: read, parsed and run as far as this machine can."""

import asyncio
import base64
import os
import re
import secrets
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest
import yaml

from mailer.core import backup_files, backups, embedded, embedded_home, migrate, restores
from mailer.core.db import open_database
from mailer.core.embedded import Endpoints
from mailer.core.operator import read_operator
from mailer.core.sealing import Sealer
from mailer.core.services import Services
from mailer.core.settings import Environment, environment

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SETTINGS = {f"MAILER_{name.upper()}" for name in Environment.model_fields}
COMPOSE_ONLY = {"POSTGRES_PASSWORD", "DATABASE_PASSWORD", "CADDY_HOSTS", "TRACK_UPSTREAM"}
UNITS = (
    "mailer-web@.service",
    "mailer-worker@.service",
    "mailer-migrate.service",
    "mailer-inbound.service",
    "mailer-backup.service",
)


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
            if source.startswith("./") and source not in ("./operator.toml", "./backups"):
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
    from mailer import command_options

    (words,) = re.findall(
        r"^ExecStart=\S+/mailer (\w+.*)$", (DEPLOY / "systemd" / unit).read_text(), re.MULTILINE
    )
    assert command_options.build().parse_args(words.split()).command == words.split()[0]


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
        backup_role = servers.admin_url.replace("postgres@/postgres", "mailer_backup@/mailer")
        async with open_database(servers.database_url, size=1) as db:
            assert await migrate.apply(db)
            assert await migrate.pending(db) == []
        folder = tmp_path_factory.mktemp("backups")
        taken = await backups.take(folder, backup_role, Sealer(b"k" * 32), datetime.now(UTC), print)
        assert backup_files.verify(taken.path, Sealer(b"k" * 32)).left_out == list(backups.LEFT_OUT)


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
async def test_the_script_takes_a_backup_that_keeps_the_content_keys_apart(
    services: Services, endpoints: Endpoints, tmp_path: Path
) -> None:
    environ = connection_environment(endpoints.admin_url)
    environ["PATH"] = f"{ROOT / '.venv/bin'}:{environ['PATH']}"
    environ |= {
        "MAILER_DATA_DIR": str(tmp_path / "data"),
        "MAILER_DATABASE_URL": services.settings.database_url,
        "MAILER_SECRET_KEY": base64.b64encode(services.settings.key).decode(),
        "MAILER_OPERATOR_FILE": str(DEPLOY / "operator.example.toml"),
    }
    said = await ran(DEPLOY / "backup.sh", tmp_path, **environ)
    backup = Path(said.strip())
    dump = tmp_path / "plain.dump"
    with dump.open("wb") as file:
        for piece in backup_files.opened(
            backup, backup_files.verify(backup, services.sealer), services.sealer
        ):
            file.write(piece)
    listed = await ran("pg_restore", "--list", dump, **environ)
    assert "TABLE DATA public contacts" in listed
    for table in backups.LEFT_OUT:
        assert f"TABLE public {table}" in listed
        assert f"TABLE DATA public {table}" not in listed
    for path in tmp_path.rglob("*"):
        if path != dump and not path.is_relative_to(tmp_path / "data"):
            assert path.stat().st_mode & 0o077 == 0, path
    name = f"by_hand_{secrets.token_hex(4)}"
    await ran("createdb", "--owner=mailer", name, **environ)
    try:
        # what `mailer backup read` gives can be restored by hand, and is known for what it is
        await ran("pg_restore", "--exit-on-error", "--dbname", name, dump, **environ)
        url = endpoints.database_url.replace("/mailer?", f"/{name}?")
        async with open_database(url, size=1) as db:
            assert await migrate.pending(db) == []
            settings = services.settings.model_copy(update={"data_dir": tmp_path})
            assert not await restores.may_send(replace(services, db=db, settings=settings))
            async with db.shared() as tx:
                found = await restores.show(tx)
            assert (found.held_reason, found.erased_again) == ("copy", None)
    finally:
        await ran("dropdb", name, **environ)


@pytest.mark.req("S13")
def test_old_backups_and_old_keys_go(tmp_path: Path) -> None:
    now = datetime(2026, 11, 26, 9, tzinfo=UTC)
    for name in ("mailer-20261027T090000Z", "mailer-20261028T090000Z", "mailer-20261126T080000Z", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "content-keys").mkdir()
    for day in ("2026-11-19", "2026-11-20"):
        (tmp_path / "content-keys" / f"{day}.keys").write_text("")
    gone = {path.name for path in backup_files.prune(tmp_path, now)}
    assert gone == {"2026-11-19.keys", "mailer-20261027T090000Z"}
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"content-keys", "other", "mailer-20261028T090000Z", "mailer-20261126T080000Z"}
