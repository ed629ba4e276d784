"""What domains publish, read from a DNS server on loopback: SPF with its limits, DMARC by the tree walk."""

import socket
from collections.abc import AsyncIterator

import pytest

from sending import dmarc, lookups, spf
from sending.lookups import DnsAway, Lookups
from tests import dns_server
from tests.dns_server import Zone


@pytest.fixture
async def dns() -> AsyncIterator[Zone]:
    async with dns_server.serving() as found:
        yield found


def ask(zone: Zone) -> Lookups:
    return Lookups(zone.resolver())


# SPF


def _includes(zone: Zone, count: int) -> None:
    for n in range(count):
        zone.text(f"i{n}.test", "v=spf1 ip4:192.0.2.1 -all")
    zone.text("exemple.test", "v=spf1 " + " ".join(f"include:i{n}.test" for n in range(count)) + " -all")


@pytest.mark.req("D-53")
@pytest.mark.parametrize(("count", "code"), [(10, "ok"), (11, "too_many")])
async def test_ten_lookups_are_right_and_eleven_are_not(dns: Zone, count: int, code: str) -> None:
    _includes(dns, count)
    found = await spf.look(ask(dns), "exemple.test")
    assert (found.lookups, found.code) == (count, code)


@pytest.mark.req("D-53")
async def test_lookups_are_counted_through_includes_and_redirect(dns: Zone) -> None:
    dns.text("exemple.test", "v=spf1 include:a.test mx redirect=b.test")
    dns.text("a.test", "v=spf1 a:host.test ptr exists:%{i}.x.test ?all")
    dns.text("b.test", "v=spf1 a ~all")
    for name in ("host.test", "b.test"):
        dns.records[(name, "A")] = ["192.0.2.1"]
    dns.records[("exemple.test", "MX")] = ["10 host.test."]
    found = await spf.look(ask(dns), "exemple.test")
    # include, a, ptr, exists, mx, redirect, a
    assert (found.lookups, found.void, found.end, found.code) == (7, 0, "~", "ok")


@pytest.mark.req("D-53")
async def test_three_lookups_that_find_nothing_are_too_many(dns: Zone) -> None:
    dns.text("exemple.test", "v=spf1 a:x.test a:y.test mx -all")
    found = await spf.look(ask(dns), "exemple.test")
    assert (found.void, found.code) == (3, "void")


@pytest.mark.req("D-53")
@pytest.mark.parametrize(
    ("records", "code"),
    [
        ([], "missing"),
        (["v=spf10 -all", "site=1"], "missing"),
        (["v=spf1 -all", "v=spf1 ~all"], "several"),
        (["v=spf1 include:nowhere.test -all"], "broken"),
        (["v=spf1 ipv4:192.0.2.1 -all"], "broken"),
        (["v=spf1 +all"], "open"),
        (["v=spf1 all"], "open"),
        (["v=spf1 ip4:192.0.2.0/24"], "no_end"),
        (["v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all include:never.test"], "ok"),
        (["V=SPF1 IP4:192.0.2.1 -ALL"], "ok"),
    ],
)
async def test_each_record_has_its_verdict(dns: Zone, records: list[str], code: str) -> None:
    if records:
        dns.text("exemple.test", *records)
    assert (await spf.look(ask(dns), "exemple.test")).code == code


async def test_a_record_that_includes_itself_ends(dns: Zone) -> None:
    dns.text("exemple.test", "v=spf1 include:exemple.test include:exemple.test -all")
    assert (await spf.look(ask(dns), "exemple.test")).code == "too_many"
    assert len(dns.asked) < 50


# DMARC


@pytest.mark.req("D-55")
def test_the_walk_asks_eight_times_at_most() -> None:
    deep = ".".join(f"l{n}" for n in range(1, 14))
    assert dmarc.path("a.exemple.fr") == ["a.exemple.fr", "exemple.fr", "fr"]
    walked = dmarc.path(deep)
    assert len(walked) == 8
    assert walked[0] == deep
    assert walked[1] == ".".join(f"l{n}" for n in range(7, 14))
    assert walked[-1] == "l13"
    assert len(dmarc.path("l1.l2.l3.l4.l5.l6.l7.l8")) == 8


@pytest.mark.req("D-55")
@pytest.mark.parametrize(
    ("published", "policy", "organisation"),
    [
        ({"exemple.fr": "v=DMARC1; p=reject"}, "reject", "exemple.fr"),
        ({"exemple.fr": "v=DMARC1; p=reject; sp=none"}, "none", "exemple.fr"),
        ({"a.exemple.fr": "v=DMARC1; p=none", "exemple.fr": "v=DMARC1; p=reject"}, "none", "exemple.fr"),
        (
            {"a.exemple.fr": "v=DMARC1; p=none; psd=n", "exemple.fr": "v=DMARC1; p=reject"},
            "none",
            "a.exemple.fr",
        ),
        ({"fr": "v=DMARC1; p=reject; psd=y"}, "reject", "exemple.fr"),
        ({"fr": "v=DMARC1; p=none; psd=y", "exemple.fr": "v=DMARC1; p=reject"}, "reject", "exemple.fr"),
        ({"exemple.fr": "v=DMARC1; p=reject; t=y"}, "quarantine", "exemple.fr"),
        ({"exemple.fr": "v=DMARC1; p=quarantine; t=y"}, "none", "exemple.fr"),
        ({"exemple.fr": "v=DMARC1; rua=mailto:a@b.fr"}, "none", "exemple.fr"),
        ({"exemple.fr": "v=DMARC1; p=what"}, None, "a.exemple.fr"),
        ({"exemple.fr": "v=DMARC1 ; p = reject ; unknown=1;"}, "reject", "exemple.fr"),
        ({"exemple.fr": "v=dmarc1; p=reject"}, None, "a.exemple.fr"),
        ({"exemple.fr": "p=reject; v=DMARC1"}, None, "a.exemple.fr"),
        ({}, None, "a.exemple.fr"),
    ],
)
async def test_the_record_that_applies(
    dns: Zone, published: dict[str, str], policy: str | None, organisation: str
) -> None:
    for name, text in published.items():
        dns.text(f"_dmarc.{name}", text)
    found = await dmarc.look(ask(dns), "a.exemple.fr")
    assert (found.policy, found.organisation) == (policy, organisation)
    assert len(dns.asked) == found.queries <= 8


@pytest.mark.req("D-55")
async def test_two_records_count_as_none_and_removed_tags_are_named(dns: Zone) -> None:
    dns.text("_dmarc.exemple.fr", "v=DMARC1; p=none", "v=DMARC1; p=reject")
    found = await dmarc.look(ask(dns), "exemple.fr")
    assert (found.record, found.twice) == (None, ("exemple.fr",))
    dns.text("_dmarc.exemple.fr", "v=DMARC1; p=none; np=reject; pct=20; rf=afrf; ri=86400", "other=1")
    record = (await dmarc.look(ask(dns), "exemple.fr")).record
    assert record is not None
    assert record.removed == ("pct", "rf", "ri")
    assert record.nonexistent == "reject"


@pytest.mark.req("D-54")
@pytest.mark.parametrize(
    ("author", "signer", "together"),
    [
        ("exemple.fr", "exemple.fr", True),
        ("news.exemple.fr", "exemple.fr", True),
        ("exemple.fr", "mail.exemple.fr", True),
        ("a.exemple.fr", "b.exemple.fr", True),
        ("exemple.fr", "autre.fr", False),
        ("exemple.fr", "notexemple.fr", False),
        ("exemple.fr", "fr", False),
        ("strict.fr", "a.strict.fr", False),
        ("bare.test", "mail.bare.test", False),
    ],
)
async def test_signer_and_author_belong_together_by_their_organisation(
    dns: Zone, author: str, signer: str, together: bool
) -> None:
    dns.text("_dmarc.exemple.fr", "v=DMARC1; p=none")
    dns.text("_dmarc.autre.fr", "v=DMARC1; p=none")
    dns.text("_dmarc.strict.fr", "v=DMARC1; p=none; adkim=s")
    known = await dmarc.look(ask(dns), author)
    assert await dmarc.aligned(ask(dns), known, signer) is together


# nobody answers


async def test_a_server_that_fails_or_is_silent_is_away_and_nothing_is_missing(dns: Zone) -> None:
    dns.failing = True
    for look in (spf.look, dmarc.look):
        with pytest.raises(DnsAway):
            await look(ask(dns), "exemple.fr")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        silent = Lookups(lookups.server("127.0.0.1", deaf.getsockname()[1]), 0.2)
        with pytest.raises(DnsAway):
            await silent.texts("exemple.fr")


async def test_names_that_cannot_be_asked_for_do_not_exist(dns: Zone) -> None:
    assert await ask(dns).texts("x" * 64 + ".test") == []
    assert await ask(dns).texts("a..test") == []


async def test_strings_are_joined_and_the_zone_is_found(dns: Zone) -> None:
    dns.text("long.exemple.fr", "a" * 600)
    dns.records[("exemple.fr", "SOA")] = ["ns.exemple.fr. root.exemple.fr. 1 1 1 1 1"]
    assert await ask(dns).texts("long.exemple.fr") == ["a" * 600]
    assert await ask(dns).zone("news.exemple.fr") == "exemple.fr"
    assert await ask(dns).zone("autre.fr") == "autre.fr"
