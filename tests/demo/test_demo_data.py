"""The made-up table and message: they are what they pretend to be, and belong to nobody."""

import csv
import io

import pytest

from lists import csv_detect
from mailer import demo_data
from sending import content
from sending.content import Compiled


def rows() -> list[list[str]]:
    return list(csv.reader(io.StringIO(demo_data.table().decode("cp1252")), delimiter=";"))


def test_the_table_reads_as_a_french_spreadsheet_writes_it() -> None:
    detected = csv_detect.detect(demo_data.table())
    assert (detected.encoding, detected.delimiter) == ("cp1252", ";")
    assert tuple(detected.header) == demo_data.HEADER
    with pytest.raises(UnicodeDecodeError):
        demo_data.table().decode("utf-8")


def test_no_address_can_belong_to_anybody() -> None:
    """RFC 2606 §2: .example and .test are nobody's."""
    for row in rows()[1:]:
        for address in row[0].split(";"):
            domain = address.rpartition("@")[2]
            assert not domain or domain.endswith((".example", ".test", "exemple")), address


def test_nobody_stands_twice() -> None:
    addresses = [row[0] for row in rows()[1:] if row[0]]
    assert len(set(addresses)) == len(addresses)
    assert len(rows()) == 1 + demo_data.CONTACTS + len(demo_data.BOUNCING) + len(demo_data.BROKEN_ROWS)


def test_the_message_has_what_every_mail_needs() -> None:
    source = demo_data.message("http://localhost:8080/t/img/1-0.png")
    fields = frozenset({"ville"})
    assert content.check_mjml(source, fields=fields) == []
    made = content.compile_mjml(
        source, icon_origin="http://localhost:8080/static/social/", language="fr", fields=fields
    )
    assert isinstance(made, Compiled)
    for part in (made.html, made.text):
        assert "unsubscribe_url" in part
        assert "account.address" in part
    assert "http://localhost:8080/t/img/1-0.png" in made.html
