"""What the doctor says of a healthy installation, and of each part that is not."""

import base64
import secrets
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from mailer import doctor, doctor_servers
from mailer.core.embedded import Endpoints
from mailer.core.services import Services
from mailer.core.settings import Settings
from mailer.finding import Finding, Mark, look, ok, report, wrong
from sending.lookups import Resolver
from tests import dns_server

RECORDS = {
    ("letters.example", "MX"): ["10 mx.letters.example."],
    ("mx.letters.example", "A"): ["192.0.2.9"],
    ("letters.example", "TXT"): ['"v=spf1 a:mx.letters" ".example -all"', '"site-check=1"'],
    ("_dmarc.letters.example", "TXT"): ['"v=DMARC1; p=quarantine"'],
    ("bare.example", "A"): ["192.0.2.7"],
    ("bare.example", "TXT"): ['"v=spf1 +all"'],
    ("twice.example", "TXT"): ['"v=spf1 -all"', '"v=spf1 ~all"'],
    ("_dmarc.twice.example", "TXT"): ['"v=DMARC1; p=none"', '"v=DMARC1; p=reject"'],
    ("open.example", "TXT"): ['"v=spf1 a:mx.example"'],
    ("null.example", "MX"): ["0 ."],
    ("deep.example", "TXT"): ['"v=spf1 ' + " ".join(["a:mx.letters.example"] * 11) + ' -all"'],
    ("_dmarc.old.example", "TXT"): ['"v=DMARC1; p=none; pct=50"'],
}


@pytest.fixture(scope="session")
async def resolver() -> AsyncIterator[Resolver]:
    async with dns_server.serving(RECORDS) as zone:
        yield zone.resolver()


def with_(settings: Settings, **changes: object) -> Settings:
    return Settings.model_construct(**{**settings.model_dump(), "operator": settings.operator, **changes})


def marks(findings: list[Finding]) -> dict[str, Mark]:
    return {finding.subject: finding.mark for finding in findings}


def told(findings: list[Finding], subject: str) -> Finding:
    return next(finding for finding in findings if finding.subject == subject)


# DNS


@pytest.mark.req("D-53", "D-55")
async def test_a_domain_in_order(settings: Settings, resolver: Resolver) -> None:
    found = await doctor.names(with_(settings, mail_domain="letters.example"), resolver)
    assert marks(found) == dict.fromkeys(("Public address", "MX", "SPF", "DMARC"), Mark.OK)
    assert "v=spf1 a:mx.letters.example -all" in told(found, "SPF").text


@pytest.mark.req("D-55")
async def test_a_subdomain_takes_the_dmarc_record_above_it(settings: Settings, resolver: Resolver) -> None:
    found = await doctor.names(with_(settings, mail_domain="a.b.letters.example"), resolver)
    assert told(found, "DMARC").mark is Mark.OK
    assert "at letters.example" in told(found, "DMARC").text


@pytest.mark.parametrize(
    ("domain", "subject", "mark", "words"),
    [
        ("bare.example", "MX", Mark.LOOK, "no MX record"),
        ("bare.example", "SPF", Mark.WRONG, "lets everybody send"),
        ("bare.example", "DMARC", Mark.WRONG, "no DMARC record"),
        ("deep.example", "SPF", Mark.WRONG, "11 lookups"),
        ("old.example", "DMARC", Mark.LOOK, "pct"),
        ("twice.example", "SPF", Mark.WRONG, "2 SPF records"),
        ("twice.example", "DMARC", Mark.WRONG, "2 records"),
        ("open.example", "SPF", Mark.LOOK, "nothing about other servers"),
        ("null.example", "MX", Mark.WRONG, "takes no mail"),
        ("null.example", "SPF", Mark.WRONG, "does not say which servers"),
        ("nowhere.example", "MX", Mark.WRONG, "takes no mail"),
    ],
)
async def test_each_fault_of_a_domain_is_named_with_its_remedy(
    settings: Settings,
    resolver: Resolver,
    domain: str,
    subject: str,
    mark: Mark,
    words: str,
) -> None:
    found = told(await doctor.names(with_(settings, mail_domain=domain), resolver), subject)
    assert found.mark is mark
    assert words in found.text
    assert found.remedy


async def test_a_silent_resolver_is_no_verdict(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "DNS_SECONDS", 0.2)
    silent = Resolver(configure=False)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        silent.nameservers, silent.port = ["127.0.0.1"], deaf.getsockname()[1]
        found = await doctor.names(with_(settings, mail_domain="letters.example"), silent)
    assert told(found, "DNS").mark is Mark.LOOK


async def test_a_local_name_needs_no_dns(settings: Settings) -> None:
    found = await doctor.names(settings, Resolver(configure=False))
    assert marks(found) == {"Public address": Mark.OK, "Mail domain": Mark.OK}


async def test_a_public_name_without_address(settings: Settings) -> None:
    found = await doctor.names(with_(settings, public_url="https://mailer.invalid"))
    assert told(found, "Public address").mark is Mark.WRONG


# settings and folder


async def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    environ = {"MAILER_DATA_DIR": str(tmp_path), "MAILER_PUBLIC_URL": "http://mailer.example"}
    found = await doctor.examine(environ)
    assert [finding.mark for finding in found] == [Mark.WRONG]
    assert "MAILER_PUBLIC_URL" in found[0].text


async def test_nothing_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await doctor.run({"MAILER_DATA_DIR": str(tmp_path)}) == 1
    assert "no `mailer run` is active" in capsys.readouterr().out


@pytest.mark.req("E-67")
async def test_a_key_that_others_can_read(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text(base64.b64encode(secrets.token_bytes(32)).decode())
    (tmp_path / "secret.key").chmod(0o644)
    found = await doctor.examine({"MAILER_DATA_DIR": str(tmp_path)})
    assert told(found, "Secret key").mark is Mark.WRONG
    (tmp_path / "secret.key").chmod(0o600)
    found = await doctor.examine({"MAILER_DATA_DIR": str(tmp_path)})
    assert told(found, "Data folder").mark is Mark.OK


async def test_a_proxy_that_nobody_trusts(settings: Settings) -> None:
    behind = with_(settings, public_url="https://mailer.example", listen="127.0.0.1:8080")
    assert "Proxy" in marks(doctor._settings(behind))
    assert "Proxy" not in marks(doctor._settings(with_(behind, trusted_proxies=("127.0.0.1",))))


# database and queue


async def test_a_healthy_database(settings: Settings, services: Services) -> None:
    found = marks(await doctor_servers.database(settings))
    assert {subject: found[subject] for subject in ("Database", "Schema")} == {
        "Database": Mark.OK,
        "Schema": Mark.OK,
    }


async def test_a_superuser_is_refused(settings: Settings, endpoints: Endpoints) -> None:
    found = await doctor_servers.database(with_(settings, database_url=endpoints.admin_url))
    assert [finding.mark for finding in found] == [Mark.WRONG]
    assert "superuser" in found[0].text


async def test_a_database_that_is_away(settings: Settings, tmp_path: Path) -> None:
    away = with_(settings, database_url=f"postgresql://mailer@/mailer?host={tmp_path}")
    found = await doctor_servers.database(away)
    assert [finding.mark for finding in found] == [Mark.WRONG]


async def test_more_processes_than_connections(settings: Settings, services: Services) -> None:
    found = await doctor_servers.database(with_(settings, web_processes=64, workers=64))
    assert told(found, "Connections").mark is Mark.LOOK


async def test_workers_that_report_and_that_do_not(settings: Settings, services: Services) -> None:
    await services.redis.delete(doctor_servers.HEALTH_KEY)
    found = await doctor_servers.queue(settings)
    assert told(found, "Workers").mark is Mark.WRONG
    await services.redis.set(doctor_servers.HEALTH_KEY, "alive", ex=60)
    assert told(await doctor_servers.queue(settings), "Workers").mark is Mark.OK
    await services.redis.delete(doctor_servers.HEALTH_KEY)


async def test_a_queue_that_keeps_no_log(settings: Settings, services: Services) -> None:
    # the servers of the tests keep none, for speed
    await services.redis.config_set("appendonly", "no")
    assert told(await doctor_servers.queue(settings), "Queue").mark is Mark.LOOK
    await services.redis.config_set("appendonly", "yes")
    assert told(await doctor_servers.queue(settings), "Queue").mark is Mark.OK
    await services.redis.config_set("appendonly", "no")


async def test_the_workers_report_under_the_name_the_doctor_reads(
    settings: Settings, services: Services
) -> None:
    from arq.connections import create_pool

    from mailer import worker

    redis = await create_pool(worker.redis_settings(settings.redis_url), default_queue_name=worker.QUEUE)
    made = worker.make_worker(services, redis)
    assert made.health_check_key == doctor_servers.HEALTH_KEY
    await redis.aclose()


async def test_a_queue_that_is_away(settings: Settings, tmp_path: Path) -> None:
    found = await doctor_servers.queue(with_(settings, redis_url=f"unix://{tmp_path}/none"))
    assert [(finding.subject, finding.mark) for finding in found] == [("Queue", Mark.WRONG)]


def test_ways_that_may_be_in_the_clear() -> None:
    def seen(url: str) -> int:
        return len(doctor_servers._encrypted("Database", url))

    assert seen("postgresql://mailer@db.example/mailer") == 1
    assert seen("postgresql://mailer@db.example/mailer?sslmode=verify-full") == 0
    assert seen("postgresql://mailer@/mailer?host=/run/postgresql") == 0
    assert seen("postgresql://mailer@localhost/mailer") == 0
    assert seen("redis://queue.example") == 1
    assert seen("rediss://queue.example") == 0


# SMTP


class _Deaf:
    """Takes nothing: the doctor sends no mail."""

    async def handle_MAIL(self, *_: object) -> str:
        raise AssertionError("the doctor must not send")


@contextmanager
def smtp_server(**options: object) -> Iterator[int]:
    controller = Controller(_Deaf(), hostname="127.0.0.1", port=0, **options)
    # port 0: the kernel chooses; aiosmtpd would connect to the number it was given
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        controller.port = probe.getsockname()[1]
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


async def test_an_smtp_server_that_answers(settings: Settings) -> None:
    with smtp_server(data_size_limit=25_000_000) as port:
        (found,) = await doctor_servers.smtp(with_(settings, smtp_url=f"smtp://127.0.0.1:{port}"))
    assert found.mark is Mark.OK
    assert "up to 25 MB" in found.text


async def test_the_local_inbox_is_said_to_be_one(settings: Settings) -> None:
    with smtp_server() as port:
        (found,) = await doctor_servers.smtp(with_(settings, smtp_url="", inbox=f"127.0.0.1:{port}"))
    assert found.mark is Mark.OK
    assert "nothing leaves" in found.text


async def test_a_wrong_smtp_password(settings: Settings) -> None:
    def refuse(*_: object) -> AuthResult:
        return AuthResult(success=False, handled=False)

    with smtp_server(authenticator=refuse, auth_require_tls=False) as port:
        url = f"smtp://relay:{secrets.token_hex(4)}@127.0.0.1:{port}?tls=none"
        (found,) = await doctor_servers.smtp(with_(settings, smtp_url=url))
    assert found.mark is Mark.WRONG
    assert "refuses the sign-in" in found.text


async def test_a_right_smtp_password(settings: Settings) -> None:
    def know(
        _server: object, _session: object, _envelope: object, _mechanism: object, data: object
    ) -> AuthResult:
        right = isinstance(data, LoginPassword) and data.password == b"right"
        return AuthResult(success=right)

    with smtp_server(authenticator=know, auth_require_tls=False) as port:
        url = f"smtp://relay:right@127.0.0.1:{port}?tls=none"
        (found,) = await doctor_servers.smtp(with_(settings, smtp_url=url))
    assert found.mark is Mark.OK


async def test_tls_is_asked_for_and_not_offered(settings: Settings) -> None:
    with smtp_server() as port:
        url = f"smtp://127.0.0.1:{port}?tls=starttls"
        (found,) = await doctor_servers.smtp(with_(settings, smtp_url=url))
    assert found.mark is Mark.WRONG
    assert "does not offer" in found.text


async def test_no_smtp_server_there(settings: Settings) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"smtp://127.0.0.1:{held.getsockname()[1]}"
        (found,) = await doctor_servers.smtp(with_(settings, smtp_url=url))
    assert found.mark is Mark.WRONG
    (found,) = await doctor_servers.smtp(with_(settings, smtp_url="", inbox=""))
    assert found.mark is Mark.WRONG


# the words


def test_the_report_counts_what_is_not_in_order() -> None:
    assert report([ok("A", "fine")]).endswith("Everything is in order.")
    text = report([ok("A", "fine"), look("B", "odd", "mend it"), wrong("C", "broken", "replace it")])
    assert "→ mend it" in text
    assert text.endswith("1 wrong, 1 to look at.")


@asynccontextmanager
async def reported(services: Services) -> AsyncIterator[None]:
    await services.redis.set(doctor_servers.HEALTH_KEY, "alive", ex=60)
    yield
    await services.redis.delete(doctor_servers.HEALTH_KEY)


async def test_a_whole_healthy_installation_is_in_order(
    settings: Settings, services: Services, endpoints: Endpoints, capsys: pytest.CaptureFixture[str]
) -> None:
    async with services.db.shared() as tx:
        # other tests have turned the clock back, and no worker is there for what they left
        await tx.run("DELETE FROM work WHERE run_at < now() - interval '1 minute'")
    with smtp_server() as port:
        environ = {
            "MAILER_DATA_DIR": str(settings.data_dir),
            "MAILER_DATABASE_URL": endpoints.database_url,
            "MAILER_REDIS_URL": endpoints.redis_url,
            "MAILER_SMTP_URL": f"smtp://127.0.0.1:{port}",
            "MAILER_SECRET_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
            "MAILER_OPERATOR_FILE": str(Path(__file__).parents[2] / "deploy/operator.example.toml"),
        }
        async with reported(services):
            status = await doctor.run(environ)
    out = capsys.readouterr().out
    assert status == 0, out
    assert "WRONG" not in out
