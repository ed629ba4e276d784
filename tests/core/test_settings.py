"""What refuses to start, and that it says which setting and why (S10, S18, E-67)."""

import base64
import re
import secrets
from pathlib import Path

import pytest

from mailer.core.settings import Environment, SettingsError, load

SERVERS = {"database_url": "postgresql://x@127.0.0.1:1/x", "redis_url": "redis://127.0.0.1:1"}
OWN = {"MAILER_DATABASE_URL": SERVERS["database_url"], "MAILER_REDIS_URL": SERVERS["redis_url"]}
KEY = base64.b64encode(secrets.token_bytes(32)).decode()

pytestmark = pytest.mark.req("S10")


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"MAILER_FOO": "1"}, "MAILER_FOO is not a setting"),
        ({"MAILER_LISTEN": "8080"}, "MAILER_LISTEN: must be host:port"),
        ({"MAILER_LISTEN": "127.0.0.1:99999"}, "MAILER_LISTEN: must be host:port"),
        ({"MAILER_METRICS_LISTEN": "127.0.0.1:x"}, "MAILER_METRICS_LISTEN: must be host:port"),
        (
            {"MAILER_PUBLIC_URL": "http://mail.exemple.fr"},
            "MAILER_PUBLIC_URL: a public address must be https",
        ),
        ({"MAILER_TRACK_URL": "http://t.exemple.fr"}, "MAILER_TRACK_URL: a public address must be https"),
        ({"MAILER_PUBLIC_URL": "https://exemple.fr/mail"}, "without a path"),
        ({"MAILER_SIGN_UP": "maybe"}, "MAILER_SIGN_UP"),
        ({"MAILER_WORKERS": "-1"}, "MAILER_WORKERS"),
        ({"MAILER_SECRET_KEY": "short"}, "MAILER_SECRET_KEY must be 32 random bytes"),
        (
            {"MAILER_SECRET_KEY": base64.b64encode(bytes(32)).decode()},
            "MAILER_SECRET_KEY must be 32 random bytes",
        ),
        (OWN, "MAILER_SECRET_KEY is not set"),
        (OWN | {"MAILER_SECRET_KEY": KEY}, "MAILER_OPERATOR_FILE is not set"),
        (OWN | {"MAILER_SECRET_KEY": KEY, "MAILER_OPERATOR_FILE": "/nowhere.toml"}, "MAILER_OPERATOR_FILE"),
    ],
)
def test_what_refuses_to_start_says_why(tmp_path: Path, environ: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said.replace("(", r"\(")):
        load({"MAILER_DATA_DIR": str(tmp_path)} | environ, servers=SERVERS)


@pytest.mark.req("B-04")
def test_no_setting_turns_the_throttle_of_sign_ins_off(tmp_path: Path) -> None:
    """Eight characters are enough only while failures slow the next try down."""
    for name in ("THROTTLE", "SIGN_IN_THROTTLE", "RATE_LIMITS", "LIMITS"):
        with pytest.raises(SettingsError, match=f"MAILER_{name} is not a setting"):
            load({"MAILER_DATA_DIR": str(tmp_path), f"MAILER_{name}": "off"}, servers=SERVERS)
    # S10: these, and nothing about how somebody signs in
    assert set(Environment.model_fields) == {
        "data_dir", "database_url", "redis_url", "smtp_url", "public_url", "track_url", "mail_domain", "listen",
        "inbound_listen", "metrics_listen", "trusted_proxies", "secret_key", "old_secret_keys", "operator_file",
        "sign_up", "web_processes", "workers", "log_level",
    }  # fmt: skip


@pytest.mark.req("A-050")
@pytest.mark.parametrize("line", ["name", "registration", "address", "email", "dpo"])
def test_an_operator_who_does_not_say_who_they_are_starts_nothing(
    tmp_path: Path, repository: Path, line: str
) -> None:
    example = (repository / "deploy" / "operator.example.toml").read_text()
    file = tmp_path / "operator.toml"
    environ = {
        "MAILER_DATA_DIR": str(tmp_path),
        "MAILER_PUBLIC_URL": "https://mail.exemple.fr",
        "MAILER_SECRET_KEY": KEY,
        "MAILER_OPERATOR_FILE": str(file),
        **OWN,
    }
    file.write_text(example)
    assert getattr(load(environ).operator, line)
    for said in ("", f'{line} = ""'):
        file.write_text(re.sub(rf"(?m)^{line} = .*$", said, example, count=1))
        with pytest.raises(SettingsError, match=f"MAILER_OPERATOR_FILE.* {line} is missing or empty"):
            load(environ)


def test_the_embedded_copy_needs_no_setting(tmp_path: Path) -> None:
    found = load({"MAILER_DATA_DIR": str(tmp_path)}, servers=SERVERS)
    assert found.embedded
    assert (found.public_url, found.track_url) == ("http://localhost:8080", "http://localhost:8080")
    assert (found.sign_up, found.inbox_shown, found.secure) == ("open", True, False)
    assert len(found.key) == 32
    assert load({"MAILER_DATA_DIR": str(tmp_path)}, servers=SERVERS).key == found.key
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600
