"""“The server signs by itself” is believed when a test mail shows it: signed here by somebody else's signer."""

import re

import dkim as signer
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.core import clock
from mailer.core.errors import Invalid, Unavailable
from mailer.core.links import Links
from sending import dkim, dkim_verify, domains, message, relay_proof, test_sends
from sending.lookups import Lookups
from sending.message import CampaignHeaders, ListHeaders, MailClass, MessageHeaders
from sending.relay_proof import Source
from sending.render import Rendered
from tests import dns_server
from tests.domains.conftest import Place, real

KEY = dkim.read("x.test", "relay", dkim.generate("rsa-sha256"))
PEM = KEY.private.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
)
ALL = [b"from", b"to", b"subject", b"list-unsubscribe", b"list-unsubscribe-post"]


def proof_mail(place: Place, *, account_id: int = 0, author: str = "") -> bytes:
    """A test mail as it leaves us, without a signature of ours."""
    links = Links(place.services.tokens, "https://mail.test")
    urls = test_sends.urls(links, account_id or place.account.id, 1)
    headers = MessageHeaders(
        campaign=CampaignHeaders(
            mail_class=MailClass.MARKETING,
            from_name="Pain",
            from_email=f"lettre@{author or place.name}",
            reply_to="",
            message_id_domain="mail.test",
        ),
        to_email="moi@people.test",
        message_id="k1",
        sent_at=clock.now(),
        mailing_list=ListHeaders(name="Pain", label="l1.a1", domain="mail.test"),
        unsubscribe_url=urls.unsubscribe,
    )
    return message.build(headers, Rendered("[Test] Été", "", "<p>Le  pain</p>\n", "Le  pain\n"))


def by_relay(raw: bytes, domain: str, names: list[bytes] | None = None, way: bytes = b"relaxed") -> str:
    field = signer.sign(
        raw, b"relay", domain.encode(), PEM, canonicalize=(way, way), include_headers=names or ALL
    )
    received = b"Received: from us by relay; Mon, 1 Jan 2026 00:00:00 +0000\r\n"
    # as a mailbox shows it and a person copies it
    return (received + field + raw).decode().replace("\r\n", "\n")


async def prove(place: Place, source: str) -> domains.Domain:
    return await relay_proof.prove(place.services, place.account.id, place.id, Source(source=source))


async def refusal(place: Place, source: str) -> str:
    with pytest.raises(Invalid) as raised:
        await prove(place, source)
    assert raised.value.faults[0].code == "proof"
    return raised.value.faults[0].message


@pytest.fixture
async def relayed(place: Place) -> Place:
    """The relay's key and DMARC are in the DNS, ours are not."""
    place.zone.text(f"relay._domainkey.{place.name}", dkim.record(KEY))
    place.zone.text(f"_dmarc.{place.name}", "v=DMARC1; p=none")
    await place.look()
    return place


@pytest.mark.req("D-41", "D-54")
@pytest.mark.parametrize("way", [b"relaxed", b"simple"])
async def test_a_signed_test_mail_opens_the_gate_for_that_server_only(relayed: Place, way: bytes) -> None:
    assert (await relayed.gate()).code == "dkim"
    domain = await prove(relayed, by_relay(proof_mail(relayed), relayed.name, way=way))
    assert domain.state == "verified"
    assert (domain.relay, domain.relay_signer) == ("mx.relay.test:25", relayed.name)
    assert (await relayed.gate()).open
    other = real(relayed.services)
    other = type(other)(
        settings=other.settings.model_copy(update={"smtp_url": "smtp://other.test:25"}),
        db=other.db, redis=other.redis, sealer=other.sealer, tokens=other.tokens,
    )  # fmt: skip
    async with other.db.account(relayed.account.id) as tx:
        assert (await domains.gate(tx, other, relayed.name)).code == "dkim"


@pytest.mark.req("D-54")
async def test_the_organisations_signature_counts_for_a_subdomain(relayed: Place, make) -> None:  # type: ignore[no-untyped-def]
    from tests.domains.conftest import make_place

    below = await make_place(relayed.services, relayed.zone, make, f"news.{relayed.name}")
    domain = await prove(below, by_relay(proof_mail(below), relayed.name))
    assert domain.relay_signer == relayed.name
    assert (await below.gate()).open


@pytest.mark.req("D-41", "D-54")
async def test_what_does_not_prove_it(relayed: Place) -> None:
    raw = proof_mail(relayed)
    good = by_relay(raw, relayed.name)
    relayed.zone.text("relay._domainkey.relay.test", dkim.record(KEY))
    assert "whole source" in await refusal(relayed, "Bonjour")
    assert "whole source" in await refusal(relayed, f"From: x@{relayed.name}\n" + good)
    assert "No DKIM" in await refusal(relayed, raw.decode())
    assert "No DKIM" in await refusal(relayed, good.replace("Le  pain", "Le gâteau"))
    assert "No DKIM" in await refusal(relayed, good.replace("Subject: ", "Subject: x"))
    assert "signs for" in await refusal(relayed, by_relay(raw, "relay.test"))
    assert "List-Unsubscribe" in await refusal(relayed, by_relay(raw, relayed.name, [b"from", b"subject"]))
    foreign = proof_mail(relayed, account_id=relayed.account.id + 1)
    assert "no test of yours" in await refusal(relayed, by_relay(foreign, relayed.name))
    elsewhere = proof_mail(relayed, author="ailleurs.test")
    assert "not at" in await refusal(relayed, by_relay(elsewhere, relayed.name))
    assert (await relayed.gate()).code == "dkim"


async def test_a_dns_that_is_away_decides_nothing(relayed: Place) -> None:
    source = by_relay(proof_mail(relayed), relayed.name)
    relayed.zone.failing = True
    with pytest.raises(Unavailable):
        await prove(relayed, source)
    relayed.zone.failing = False
    assert (await prove(relayed, source)).relay_at is not None


PIECES = st.lists(
    st.sampled_from([b"a", b"  ", b"\t", b" \r\n", b"\r\n", b".", b"\xc3\xa9"]), max_size=15
).map(b"".join)


@given(body=PIECES, ways=st.tuples(*[st.sampled_from([b"relaxed", b"simple"])] * 2))
@settings(max_examples=40, deadline=None)
def test_every_canonicalisation_of_somebody_elses_signer_is_read(
    body: bytes, ways: tuple[bytes, bytes]
) -> None:
    import asyncio

    raw = b"From:  a@x.test\r\nSubject: one\r\n\t two  \r\nSubject: three\r\n\r\n" + body + b"\r\n"
    field = signer.sign(
        raw, b"relay", b"x.test", PEM, canonicalize=ways, include_headers=[b"from", b"subject", b"subject"]
    )

    async def look() -> int:
        async with dns_server.serving() as zone:
            zone.text("relay._domainkey.x.test", dkim.record(KEY))
            good = await dkim_verify.verify(field + raw, Lookups(zone.resolver()))
            bad = await dkim_verify.verify(field + re.sub(rb"three", b"four", raw), Lookups(zone.resolver()))
            return len(good) * 10 + len(bad)

    assert asyncio.run(look()) == 10


@pytest.mark.req("D-51")
async def test_the_example_of_rfc_8463_is_read(place: Place) -> None:
    """Appendix A, with its Ed25519 signature and record."""
    raw = (
        b"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
        b" d=football.example.com; i=@football.example.com;\r\n"
        b" q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
        b" subject : date : message-id : from : subject : date;\r\n"
        b" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
        b" b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"
        b" Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"
        b"From: Joe SixPack <joe@football.example.com>\r\n"
        b"To: Suzie Q <suzie@shopping.example.net>\r\n"
        b"Subject: Is dinner ready?\r\n"
        b"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
        b"Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
        b"\r\n"
        b"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"
    )
    record = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    place.zone.text("brisbane._domainkey.football.example.com", record)
    found = await dkim_verify.verify(raw, Lookups(place.zone.resolver()))
    assert [(one.domain, one.selector) for one in found] == [("football.example.com", "brisbane")]
