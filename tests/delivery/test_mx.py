"""The profile of a recipient's domain: by MX, kept in the database, and never a reason to wait."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import dns.asyncresolver
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from mailer.core.services import Services
from sending import mx
from sending.mx import Exchanges
from tests.delivery.conftest import People, Post


@dataclass
class Zone(asyncio.DatagramProtocol):
    """A DNS server: domain → MX hosts, best first; silent when told so."""

    records: dict[str, list[str]] = field(default_factory=dict)
    silent: bool = False
    asked: list[str] = field(default_factory=list)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True)
        self.asked.append(name)
        if self.silent:
            return
        answer = dns.message.make_response(query)
        if found := self.records.get(name):
            texts = [f"{10 * (len(found) - n)} {host}" for n, host in enumerate(reversed(found))]
            answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", "MX", *texts))
        else:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        self.transport.sendto(answer.to_wire(), address)  # type: ignore[attr-defined]


@pytest.fixture
async def mx_zone(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Zone]:
    """This process's lookups go to a server of the test's own."""
    loop = asyncio.get_running_loop()
    transport, made = await loop.create_datagram_endpoint(Zone, local_addr=("127.0.0.1", 0))
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], transport.get_extra_info("sockname")[1]
    monkeypatch.setitem(mx._exchanges, loop, Exchanges(resolver))
    yield made
    transport.close()


def domain() -> str:
    return f"d{secrets.token_hex(6)}.example.org"


@pytest.mark.req("D-67")
async def test_the_best_mx_decides_and_own_domains_need_no_dns(mx_zone: Zone) -> None:
    hosted, plain, nobody = domain(), domain(), domain()
    mx_zone.records = {hosted: ["smtp-in.orange.fr.", "mx.backup.example."], plain: ["mx.plain.example."]}
    found = await mx.exchanges().profiles([hosted, plain, nobody, "wanadoo.fr", "gmail.com", "people.test"])
    assert found == {
        hosted: "orange",
        plain: "default",
        nobody: "default",
        "wanadoo.fr": "orange",
        "gmail.com": "gmail",
        "people.test": "default",
    }
    assert set(mx_zone.asked) == {hosted, plain, nobody}


@pytest.mark.req("S16", "D-67")
async def test_two_domains_of_one_provider_share_its_profile_when_an_audience_is_frozen(
    mx_zone: Zone, post: Post, people: People
) -> None:
    hosted, plain = domain(), domain()
    mx_zone.records = {hosted: ["smtp-in.orange.fr."], plain: ["mx.plain.example."]}
    listed = await people(f"a@{hosted}", "b@orange.fr", f"c@{plain}", "d@somebody.test")
    for expected_questions in (2, 2):
        campaign = await post.campaign([listed])
        await post.prepared(campaign)
        async with post.tx() as tx:
            rows = await tx.rows(
                """
                SELECT c.email, d.profile
                FROM deliveries d JOIN contacts c ON c.account_id = d.account_id AND c.id = d.contact_id
                WHERE d.account_id = $1 AND d.campaign_id = $2
                """,
                campaign,
            )
        assert dict(rows) == {
            f"a@{hosted}": "orange",
            "b@orange.fr": "orange",
            f"c@{plain}": "default",
            "d@somebody.test": "default",
        }
        # the second campaign asks nobody again
        assert len(mx_zone.asked) == expected_questions


@pytest.mark.req("S16")
async def test_dns_away_is_the_default_profile_and_no_wait(
    mx_zone: Zone, post: Post, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mx, "LOOKUP_SECONDS", 0.2)
    mx_zone.silent = True
    names = [domain() for _ in range(3)]
    listed = await people(*(f"a@{name}" for name in names), "b@orange.fr")
    campaign = await post.campaign([listed])
    await post.run()
    assert await post.status(campaign) == "sent"
    assert set(await post.states(campaign)) == set(post.sink.recipients)
    asked = len(mx_zone.asked)
    found = await mx.exchanges().profiles([domain()])
    assert (list(found.values()), len(mx_zone.asked)) == ([None], asked)


@pytest.mark.req("S16")
async def test_a_round_of_lookups_ends(mx_zone: Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mx, "ROUND_SECONDS", 0.2)
    mx_zone.silent = True
    async with asyncio.timeout(2):
        found = await mx.exchanges().profiles([domain() for _ in range(300)])
    assert len(found) == 300
    assert set(found.values()) == {None}


@pytest.mark.req("S16")
async def test_silence_does_not_wipe_out_what_was_known(services: Services) -> None:
    name = domain()
    async with services.db.shared() as tx:
        await mx.keep(tx, {name: "orange"})
        assert await mx.unknown(tx, [name]) == []
        await mx.keep(tx, {name: None})
        assert await mx.of(tx, name) == "orange"
        other = domain()
        await mx.keep(tx, {other: None})
        assert await mx.of(tx, other) == "default"
        await mx.keep(tx, {other: "free"})
        mx._known.clear()
        assert await mx.of(tx, other) == "free"
        await tx.run("UPDATE mx_domains SET expires_at = now() WHERE domain = $1", other)
        assert await mx.unknown(tx, [name, other]) == [other]
