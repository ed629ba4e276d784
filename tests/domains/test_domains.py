"""A sending domain from its first record to the exchange of its keys, against a real DNS server."""

import re
from datetime import timedelta
from pathlib import Path

import dkim as verifier
import pytest

from mailer.core import clock
from mailer.core.errors import Conflict, Invalid, TooMany
from mailer.core.services import Services
from sending import dkim, dkim_keys, domain_dns, domain_views, domains, senders
from sending.domain_dns import key_name
from sending.domains import NewDomain
from sending.senders import NewSender
from tests.dns_server import Zone
from tests.domains.conftest import Place, make_place
from tests.make import Make

MAIL = b"From: a@exemple.fr\r\nSubject: s\r\n\r\nx\r\n"


async def outbox_kinds(place: Place) -> list[str]:
    async with place.services.db.shared() as tx:
        rows = await tx.rows("SELECT kind FROM outbox WHERE account_id = $1 ORDER BY id", place.account.id)
    return [kind for (kind,) in rows]


async def signed(place: Place) -> bytes:
    async with place.services.db.account(place.account.id) as tx:
        keys = await domains.signing_keys(tx, place.services, place.name)
    return dkim.sign(MAIL, keys, at=int(clock.now().timestamp())) + MAIL


def holds(place: Place, raw: bytes, index: int = 0) -> bool:
    """By dkimpy, with the records as the DNS server has them."""

    def answer(name: bytes, **_: object) -> bytes | None:
        found = place.zone.records.get((name.decode().rstrip("."), "TXT"))
        return None if found is None else "".join(re.findall(r'"([^"]*)"', found[0])).encode()

    return bool(verifier.DKIM(raw).verify(idx=index, dnsfunc=answer))


@pytest.mark.req("D-50", "D-51", "A-082")
async def test_a_new_domain_has_two_sealed_keys_and_signs_nothing(place: Place) -> None:
    keys = await place.keys()
    assert [(key.algorithm, key.state) for key in keys] == [
        ("rsa-sha256", "pending"),
        ("ed25519-sha256", "pending"),
    ]
    assert len({key.selector for key in keys}) == 2
    assert dkim.read("a.fr", "s", await _private(place, keys[0].id)).private.key_size == 2048  # type: ignore[union-attr]
    async with place.services.db.account(place.account.id) as tx:
        sealed = await tx.value("SELECT sealed FROM dkim_keys WHERE account_id = $1 AND id = $2", keys[0].id)
    assert sealed[5:] not in await _private(place, keys[0].id)
    assert (await _private(place, keys[0].id))[:40] not in sealed
    assert await signed(place) == MAIL
    assert (await place.gate()).code == "dkim"


async def _private(place: Place, key_id: int) -> bytes:
    async with place.services.db.account(place.account.id) as tx:
        selector, sealed = (
            await tx.rows("SELECT selector, sealed FROM dkim_keys WHERE account_id = $1 AND id = $2", key_id)
        )[0]
    return place.services.sealer.open(sealed, f"dkim {place.account.id} {selector}")


@pytest.mark.req("D-50", "D-51", "D-54", "D-60", "D-64", "D-70", "D-72")
async def test_the_gate_opens_with_dkim_and_dmarc_and_both_signatures_hold(place: Place) -> None:
    domain = await place.verified()
    assert domain.state == "verified"
    assert (await place.gate()).open
    raw = await signed(place)
    assert raw.count(b"DKIM-Signature:") == 2
    assert f"d={place.name};".encode() in raw
    assert [holds(place, raw, n) for n in (0, 1)] == [True, True]
    assert "domain_ready" in await outbox_kinds(place)
    await place.look()
    assert (await outbox_kinds(place)).count("domain_ready") == 1


@pytest.mark.req("D-54")
async def test_dkim_without_dmarc_and_dmarc_without_dkim_stay_shut(place: Place) -> None:
    await place.publish()
    place.zone.remove(f"_dmarc.{place.name}")
    await place.look()
    assert (await place.gate()).code == "dmarc"
    other = await make_place(place.services, place.zone, Make(place.services, None, ""))  # type: ignore[arg-type]
    place.zone.text(f"_dmarc.{other.name}", "v=DMARC1; p=reject")
    await other.look()
    assert (await other.gate()).code == "dkim"


@pytest.mark.req("D-51", "D-54")
async def test_ed25519_alone_does_not_open_the_gate(place: Place) -> None:
    await place.publish()
    place.zone.remove(key_name(place.name, (await place.key("pending")).selector))
    await place.look()
    assert [key.state for key in await place.keys() if key.algorithm == "ed25519-sha256"] == ["active"]
    assert (await place.gate()).code == "dkim"


@pytest.mark.req("D-54")
async def test_the_local_inbox_has_no_gate(services: Services, place: Place) -> None:
    async with services.db.account(place.account.id) as tx:
        assert (await domains.gate(tx, services, place.name)).open
        assert (await domains.gate(tx, place.services, "never-seen.test")).code == "dkim"


@pytest.mark.req("D-54", "E-50")
async def test_two_accounts_with_one_domain_each_prove_it_by_their_own_key(place: Place, make: Make) -> None:
    await place.verified()
    thief = await make_place(place.services, place.zone, make, place.name)
    await thief.look()
    assert (await thief.gate()).code == "dkim"
    assert await signed(thief) == MAIL
    assert (await place.gate()).open
    mine, theirs = await place.keys(), await thief.keys()
    assert {key.selector for key in mine}.isdisjoint(key.selector for key in theirs)
    await thief.verified()
    assert (await thief.gate()).open
    assert (await place.look()).state == "verified"


@pytest.mark.req("D-54")
@pytest.mark.parametrize("name", ["gmail.com", "contact@orange.fr", "laposte.net"])
async def test_free_mail_is_no_domain_of_ones_own(place: Place, name: str) -> None:
    async with place.services.db.account(place.account.id) as tx:
        with pytest.raises(Invalid) as raised:
            await domains.create(tx, place.services, NewDomain(name=name))
    assert raised.value.faults[0].code == "free_mail"


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Exemple.FR", "exemple.fr"),
        ("https://exemple.fr/", "exemple.fr"),
        ("a@exemple.fr", "exemple.fr"),
        ("café.fr", "xn--caf-dma.fr"),
    ],
)
def test_a_domain_is_read_as_people_write_it(typed: str, name: str) -> None:
    assert domains.read_name(typed) == name


@pytest.mark.parametrize("typed", ["exemple", "a b.fr", "-.fr", "exemple..fr", "192.0.2.1"])
def test_what_is_no_domain_is_refused(typed: str) -> None:
    with pytest.raises(Invalid):
        domains.read_name(typed)


async def test_a_domain_comes_with_its_sender_and_stands_once(place: Place) -> None:
    from mailer.core.links import Links

    links = Links(place.services.tokens, "http://localhost")
    async with place.services.db.account(place.account.id) as tx:
        for local in ("a", "b"):
            await senders.create(tx, NewSender(email=f"{local}@News.Pain.Test", name="Pain"), links)
        assert [one.name for one in await domains.many(tx)].count("news.pain.test") == 1
        with pytest.raises(Conflict):
            await domains.create(tx, place.services, NewDomain(name=place.name))


# what the DNS says


@pytest.mark.req("D-52", "D-53", "D-55", "D-72")
@pytest.mark.parametrize(
    ("kind", "texts", "state", "code"),
    [
        ("dkim", [], "waiting", "dkim_missing"),
        ("dkim", ["{record}"], "found", ""),
        ("dkim", ["{record}", "{record};"], "different", "dkim_several"),
        ("dkim", ["{record:.250}"], "different", "dkim_cut"),
        ("dkim", ["v=DKIM1; k=rsa; p="], "different", "dkim_revoked"),
        ("dkim", ["v=DKIM1; k=rsa; p=TUlJ"], "different", "dkim_other"),
        ("dkim", ["something else"], "different", "dkim_unreadable"),
        ("dmarc", [], "waiting", "dmarc_missing"),
        ("dmarc", ["v=DMARC1; p=none; rua=mailto:a@b.fr"], "found", "dmarc_none"),
        ("dmarc", ["v=DMARC1; p=none", "v=DMARC1; p=reject"], "different", "dmarc_twice"),
        ("dmarc", ["v=DMARC1; p=nothing"], "different", "dmarc_unreadable"),
    ],
)
async def test_each_record_is_found_waiting_or_different(
    place: Place, kind: str, texts: list[str], state: str, code: str
) -> None:
    key = await place.key("pending")
    name = key_name(place.name, key.selector) if kind == "dkim" else f"_dmarc.{place.name}"
    if texts:
        place.zone.text(name, *(text.format(record=key.record) for text in texts))
    await place.look()
    found = await place.finding(kind)
    notes = found["notes"]
    assert isinstance(notes, list)
    assert (found["state"], notes[0]["code"] if notes else "") == (state, code)


@pytest.mark.req("D-55", "D-72")
async def test_advice_about_dmarc(place: Place) -> None:
    place.zone.text(f"_dmarc.{place.name}", "v=DMARC1; p=reject; t=y; pct=10; ri=3600")
    domain = await place.look()
    assert domain.dmarc == "quarantine"
    notes = (await place.finding("dmarc"))["notes"]
    assert isinstance(notes, list)
    assert [note["code"] for note in notes] == [
        "dmarc_quarantine", "dmarc_testing", "dmarc_removed", "dmarc_no_reports",
    ]  # fmt: skip


async def test_a_record_under_a_doubled_name_is_pointed_out(place: Place) -> None:
    key = await place.key("pending")
    place.zone.records[(place.name, "SOA")] = [f"ns.{place.name}. root.{place.name}. 1 1 1 1 1"]
    place.zone.text(f"{key_name(place.name, key.selector)}.{place.name}", key.record)
    await place.look()
    notes = (await place.finding("dkim"))["notes"]
    assert isinstance(notes, list)
    assert notes[0]["code"] == "dkim_name_twice"


@pytest.mark.req("D-72")
@pytest.mark.parametrize(
    ("records", "state", "code"),
    [
        ({"MX": ["0 ."]}, "different", "mx_null"),
        ({"MX": ["10 mx.pain.test."]}, "found", ""),
        ({"A": ["192.0.2.1"]}, "waiting", "mx_implicit"),
        ({}, "waiting", "mx_missing"),
    ],
)
async def test_the_domain_must_take_mail(
    place: Place, records: dict[str, list[str]], state: str, code: str
) -> None:
    for kind, values in records.items():
        place.zone.records[(place.name, kind)] = values
    await place.look()
    found = await place.finding("mx")
    notes = found["notes"]
    assert isinstance(notes, list)
    assert (found["state"], notes[0]["code"] if notes else "") == (state, code)


@pytest.mark.req("D-53", "D-60", "D-70", "D-72")
@pytest.mark.parametrize(
    ("pointers", "back", "state"),
    [
        (["mx.relay.test."], "1.1.1.1", "found"),
        (["mx.relay.test."], "1.1.1.2", "different"),
        ([], "1.1.1.1", "waiting"),
    ],
)
async def test_the_name_of_the_server_leads_back_to_it(
    place: Place, pointers: list[str], back: str, state: str
) -> None:
    place.zone.records[("smtp.relay.test", "A")] = ["1.1.1.1"]
    place.zone.records[("mx.relay.test", "A")] = [back]
    place.zone.records.pop(("1.1.1.1.in-addr.arpa", "PTR"), None)
    if pointers:
        place.zone.records[("1.1.1.1.in-addr.arpa", "PTR")] = pointers
    place.zone.text("bounce.test", "v=spf1 a:mx.relay.test -all")
    asked = domain_dns.Asked(
        domain=place.name, keys=(), return_domain="bounce.test", server="smtp.relay.test"
    )
    found = {one.kind: one for one in (await domain_dns.look(_ask(place.zone), asked)).findings}
    assert found["ptr"].state == state
    assert (found["spf"].state, found["spf"].notes[0].params) == ("found", {"n": 1})


def _ask(zone: Zone):  # type: ignore[no-untyped-def]
    from sending.lookups import Lookups

    return Lookups(zone.resolver())


async def test_a_dns_that_is_away_changes_nothing_and_says_so(place: Place) -> None:
    before = await place.verified()
    place.zone.failing = True
    clock.shift(timedelta(hours=1))
    for _ in range(3):
        clock.shift(clock.offset() + timedelta(hours=1))
        domain = await place.look()
    place.zone.failing = False
    assert {one["state"] for one in domain.findings} == {"away"}
    assert domain.verified_at == before.verified_at
    assert domain.answered_at != domain.checked_at
    assert (await place.gate()).open


# what breaks


@pytest.mark.req("D-54")
@pytest.mark.parametrize("gone", ["dkim", "dmarc"])
async def test_a_record_that_is_gone_twice_shuts_the_gate_and_tells(place: Place, gone: str) -> None:
    await place.verified()
    key = await place.key("active")
    place.zone.remove(key_name(place.name, key.selector) if gone == "dkim" else f"_dmarc.{place.name}")
    for _ in range(3):
        assert (await place.look()).state == "verified", "one answer may be a slip"
    clock.shift(timedelta(minutes=11))
    assert (await place.look()).state == "broken"
    assert (await place.gate()).code == "broken"
    assert (await outbox_kinds(place))[-1] == "domain_broken"
    await place.publish()
    await place.look()
    assert (await place.gate()).open
    assert holds(place, await signed(place))


# rotation


@pytest.mark.req("D-52")
async def test_mail_on_its_way_still_verifies_after_the_keys_are_exchanged(place: Place) -> None:
    await place.verified()
    old = await place.key("active")
    in_flight = await signed(place)
    async with place.services.db.account(place.account.id) as tx:
        await domains.rotate(tx, place.services, place.id)
        with pytest.raises(Conflict):
            await domains.rotate(tx, place.services, place.id)
    await place.look()
    assert old.selector.encode() in await signed(place), "until the new record is seen the old key signs"
    await place.verified()
    new = await place.key("active")
    assert new.selector != old.selector
    fresh = await signed(place)
    assert new.selector.encode() in fresh
    assert old.selector.encode() not in fresh
    assert holds(place, fresh)
    assert holds(place, in_flight)
    retiring = await place.key("retiring")
    assert retiring.retire_at is not None
    assert retiring.retire_at - clock.now() > timedelta(days=6, hours=23)
    clock.shift(timedelta(days=6, hours=20))
    await place.look()
    assert (await place.key("retiring")).selector == old.selector
    clock.shift(timedelta(days=7, hours=1))
    await place.look()
    retired = await place.key("retired")
    assert retired.selector == old.selector
    async with place.services.db.account(place.account.id) as tx:
        assert (
            await tx.value("SELECT sealed FROM dkim_keys WHERE account_id = $1 AND id = $2", retired.id)
            is None
        )


@pytest.mark.req("D-52")
async def test_keys_of_six_months_are_renewed_by_themselves(place: Place) -> None:
    await place.verified()
    clock.shift(timedelta(days=181))
    await place.look()
    assert (await place.key("pending")).selector != (await place.key("active")).selector
    assert (await outbox_kinds(place))[-1] == "domain_rotation"
    await place.look()
    assert (await outbox_kinds(place)).count("domain_rotation") == 1
    assert (await place.gate()).open


@pytest.mark.req("D-52")
async def test_the_old_record_taken_out_too_early_leaves_the_new_key_waiting(place: Place) -> None:
    await place.verified()
    old = await place.key("active")
    async with place.services.db.account(place.account.id) as tx:
        await domains.rotate(tx, place.services, place.id)
    new = await place.key("pending")
    place.zone.remove(key_name(place.name, old.selector))
    await place.look()
    clock.shift(timedelta(minutes=11))
    await place.look()
    assert (await place.key("pending")).selector == new.selector
    assert (await place.gate()).code == "broken"
    await place.verified()
    assert (await place.key("active")).selector == new.selector
    assert (await place.gate()).open


async def test_keys_cannot_be_exchanged_without_end(place: Place) -> None:
    for _ in range(6):
        await place.verified()
        async with place.services.db.account(place.account.id) as tx:
            await domains.rotate(tx, place.services, place.id)
    await place.verified()
    async with place.services.db.account(place.account.id) as tx:
        with pytest.raises(TooMany):
            await domains.rotate(tx, place.services, place.id)


@pytest.mark.req("D-52")
async def test_long_records_are_cut_into_strings(place: Place) -> None:
    async with place.services.db.account(place.account.id) as tx:
        page = await domain_views.show(tx, place.services, place.id)
    row = next(one for one in page.records if one.kind == "dkim")
    parts = re.findall(r'"([^"]*)"', row.pieces)
    assert len(row.value) > 255
    assert len(parts) == 2
    assert max(len(part) for part in parts) <= 255
    assert "".join(parts) == row.value
    assert dkim_keys.signs(list(page.keys)) is False


async def test_senders_from_before_get_their_domains(
    services: Services, make: Make, repository: Path
) -> None:
    """Migration 0061 on accounts that had senders already."""
    account = await make.account()
    async with services.db.account(account.id) as tx:
        for email, status in (
            ("a@old.test", "confirmed"),
            ("b@old.test", "pending"),
            ("c@gone.test", "revoked"),
        ):
            await tx.run(
                "INSERT INTO senders (account_id, email, address_key, name, status) VALUES ($1, $2, $2, 'A', $3)",
                email,
                status,
            )
    sql = (repository / "mailer/migrations/0061_domains_of_senders.sql").read_text()
    async with services.db.connection() as connection, connection.transaction():
        await connection.execute(sql)
    async with services.db.account(account.id) as tx:
        assert [one.name for one in await domains.many(tx)] == ["old.test"]
        jobs = await tx.shared().rows(
            "SELECT job FROM work WHERE account_id = $1 AND job = 'sending.check_domain'", account.id
        )
    assert len(jobs) == 1
