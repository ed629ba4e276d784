"""`mailer bounce explain`: files, an mbox, a Maildir and standard input; JSON lines or a table."""

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from mailer import cli
from tests.feedback.dialects import WORDS
from tests.feedback.mails import dsn
from tests.feedback.returned import notices_of_delay

QMAIL = WORDS[0].raw
TWO = dsn(
    "failed",
    [
        "Final-Recipient: rfc822; ana@x.test\nAction: failed\nStatus: 5.1.1",
        "Final-Recipient: rfc822; bob@x.test\nAction: failed\nStatus: 5.2.2",
    ],
)


@pytest.fixture(autouse=True)
def leaves_the_log_alone() -> Iterator[None]:
    """A command sets the log up, to a stream that ends with its test."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.req("D-31")
def test_a_file_gives_an_object_on_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.eml").write_bytes(TWO)
    assert cli.main(["bounce", "explain", str(tmp_path / "a.eml"), "--json"]) == 0
    (found,) = lines(capsys)
    assert found["file"] == str(tmp_path / "a.eml")
    assert (found["kind"], found["recipient"], found["reason"]) == ("hard", "ana@x.test", "user unknown")
    assert (found["enhanced"], found["codes"]) == ("5.1.1", {"smtp": 0, "enhanced": "5.1.1"})
    assert found["rule"] == "status 5.1.1"
    assert found["final"] is True
    assert [one["recipient"] for one in found["findings"]] == ["ana@x.test", "bob@x.test"]
    assert found["findings"][1]["kind"] == "soft"


def test_files_a_maildir_and_an_mbox(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for part in ("cur", "new", "tmp"):
        (tmp_path / "maildir" / part).mkdir(parents=True)
    (tmp_path / "maildir/new/1").write_bytes(QMAIL)
    (tmp_path / "maildir/cur/2:2,S").write_bytes(TWO)
    (tmp_path / "maildir/tmp/3").write_bytes(b"not yet here")
    mark = b"From MAILER-DAEMON Mon Nov  2 09:05:00 2026\n"
    (tmp_path / "mbox").write_bytes(mark + QMAIL + b"\n\n" + mark + TWO + b"\n")
    status = cli.main(["bounce", "explain", "--json", str(tmp_path / "maildir"), str(tmp_path / "mbox")])
    found = lines(capsys)
    assert status == 0
    assert [Path(one["file"]).name for one in found] == ["2:2,S", "1", "mbox", "mbox#2"]
    assert [one["recipient"] for one in found] == [
        "ana@x.test",
        "ana@recipient.test",
        "ana@recipient.test",
        "ana@x.test",
    ]


@pytest.mark.req("D-31")
def test_a_mail_that_is_late_is_told_as_such(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.eml").write_bytes(notices_of_delay()[0])
    assert cli.main(["bounce", "explain", str(tmp_path / "a.eml"), "--json"]) == 0
    [found] = lines(capsys)
    assert (found["kind"], found["final"], found["findings"][0]["final"]) == ("soft", False, False)
    assert cli.main(["bounce", "explain", str(tmp_path / "a.eml")]) == 0
    assert "soft - late and still on its way, no bounce yet" in capsys.readouterr().out


def test_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(QMAIL)))
    assert cli.main(["bounce", "explain", "-", "--json"]) == 0
    assert [(one["file"], one["kind"]) for one in lines(capsys)] == [("-", "hard")]


def test_a_table_is_in_plain_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.eml").write_bytes(QMAIL.replace(b"Remote host said", b"\x1b[2JRemote host said"))
    assert cli.main(["bounce", "explain", str(tmp_path / "a.eml")]) == 0
    shown = capsys.readouterr().out
    assert "ana@recipient.test" in shown
    assert "the address does not work" in shown
    assert "user unknown" in shown
    assert "550 5.1.1" in shown
    assert "\x1b" not in shown


def test_a_file_that_is_not_there_is_told_and_the_others_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.eml").write_bytes(QMAIL)
    status = cli.main(["bounce", "explain", "--json", str(tmp_path / "none"), str(tmp_path / "a.eml")])
    out, err = capsys.readouterr()
    assert status == 1
    assert "none" in err
    assert json.loads(out)["kind"] == "hard"


def test_what_is_no_report_is_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").write_bytes(b"")
    assert cli.main(["bounce", "explain", "--json", str(tmp_path / "empty")]) == 0
    assert [one["kind"] for one in lines(capsys)] == ["unknown"]
