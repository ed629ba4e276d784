"""SendGrid's signed event webhook: what is believed, and what becomes of the mails it speaks of."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from mailer.core.errors import Invalid
from sending import feedback_hooks, feedback_notes, hook_events, sendgrid_events
from sending.feedback_hooks import NewHook
from sending.hook_events import REPLAY, Refused
from tests.client import Client
from tests.delivery.conftest import People, Post
from tests.make import Make
from tests.providers.conftest import Provider, provider

SIGNATURE, TIMESTAMP = (
    "X-Twilio-Email-Event-Webhook-Signature",
    "X-Twilio-Email-Event-Webhook-Timestamp",
)


def public(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    der = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return base64.b64encode(der).decode()


@pytest.fixture(scope="module")
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
async def sendgrid(post: Post, people: People, client: Client, key: ec.EllipticCurvePrivateKey) -> Provider:
    return await provider(post, people, client, NewHook(provider="sendgrid", public_key=public(key)))


def signed(key: ec.EllipticCurvePrivateKey, body: bytes, at: datetime | None = None) -> dict[str, str]:
    stamp = str(int((at or datetime.now(UTC)).timestamp()))
    signature = key.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    return {SIGNATURE: base64.b64encode(signature).decode(), TIMESTAMP: stamp}


def event(provider: Provider, email: str, kind: str, **more: object) -> dict[str, Any]:
    """With the mark as it stands in X-SMTPAPI of the mail that left."""
    asked = orjson.loads(provider.header("X-SMTPAPI", email))
    return {
        "email": email,
        "event": kind,
        "timestamp": int(datetime.now(UTC).timestamp()),
        "sg_event_id": f"{kind}-{email}",
        "smtp-id": provider.header("Message-ID", email),
        **asked["unique_args"],
        **more,
    }


def test_the_vector_that_sendgrids_own_libraries_are_tested_with() -> None:
    public_key = (
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEDr2LjtURuePQzplybdC+u4CwrqDqBaWjcMMsTbhdbcwHBcepxo7yAQGhHPTnlvF"
        "YPAZFceEu/1FwCM/QmGUhA=="
    )
    signature = (
        "MEUCIQCtIHJeH93Y+qpYeWrySphQgpNGNr/U+UyUlBkU6n7RAwIgJTz2C+8a8xonZGi6BpSzoQsbVRamr2nlxFDWYNH2j/0="
    )
    body = b'{"category":"example_payload","event":"test_event","message_id":"message_id"}'
    headers = {SIGNATURE: signature, TIMESTAMP: "1588788367"}
    # the signature holds, and its time is long over
    with pytest.raises(Refused, match="late"):
        sendgrid_events.verify(base64.b64decode(public_key), body, headers)
    with pytest.raises(Refused, match="signature"):
        sendgrid_events.verify(base64.b64decode(public_key), body + b" ", headers)


@pytest.mark.req("D-32", "D-33", "D-34")
async def test_a_batch_of_events(sendgrid: Provider, key: ec.EllipticCurvePrivateKey) -> None:
    gone, blocked, angry, left, calm, full = (
        f"{one}@x.test" for one in ("gone", "blocked", "angry", "left", "calm", "full")
    )
    await sendgrid.sent(gone, blocked, angry, left, calm, full)
    batch = [
        event(sendgrid, gone, "bounce", type="bounce", status="5.1.1", reason="550 5.1.1 user unknown"),
        event(sendgrid, blocked, "bounce", type="blocked", reason="550 5.7.1 blocked by policy"),
        event(sendgrid, full, "bounce", type="bounce", status="5.2.2", reason="552 5.2.2 mailbox full"),
        event(sendgrid, angry, "spamreport"),
        event(sendgrid, left, "group_unsubscribe", asm_group_id=5),
        event(sendgrid, calm, "processed"),
        event(sendgrid, calm, "deferred", response="451 later", attempt="3"),
        event(sendgrid, calm, "delivered", response="250 ok"),
        event(sendgrid, calm, "open", ip="192.0.2.1"),
        {"email": 5, "event": ["x"]},
        "nothing",
        {"event": "bounce"},
    ]
    body = orjson.dumps(batch)
    for _ in range(2):
        assert (await sendgrid.call(body, signed(key, body))).status == 200
    assert {one: await sendgrid.stopped(one) for one in (gone, blocked, angry, left, calm, full)} == {
        gone: "bounced",
        blocked: None,
        angry: "complained",
        left: "unsubscribed",
        calm: None,
        full: None,
    }
    assert await sendgrid.failing() == [full]
    kinds = ("hard", "block", "soft", "complaint", "unsubscribe")
    assert await sendgrid.counts() == {(kind, "webhook"): 1 for kind in kinds}


@pytest.mark.req("D-32")
@pytest.mark.parametrize(
    ("reason", "stopped"),
    [
        ("Bounced Address", "bounced"),
        ("Unsubscribed Address", "unsubscribed"),
        ("Spam Reporting Address", "complained"),
        ("Spam Content (if Spam Checker app enabled)", None),
        ("Recipient List over Package Quota", None),
    ],
)
async def test_what_sendgrid_dropped(
    sendgrid: Provider, key: ec.EllipticCurvePrivateKey, reason: str, stopped: str | None
) -> None:
    await sendgrid.sent("a@x.test")
    body = orjson.dumps([event(sendgrid, "a@x.test", "dropped", reason=reason)])
    assert (await sendgrid.call(body, signed(key, body))).status == 200
    assert await sendgrid.stopped("a@x.test") == stopped


async def test_what_is_not_signed_with_the_key_is_refused(
    sendgrid: Provider, key: ec.EllipticCurvePrivateKey
) -> None:
    await sendgrid.sent("a@x.test")
    body = orjson.dumps([event(sendgrid, "a@x.test", "spamreport")])
    good = signed(key, body)
    for headers, sent, why in (
        ({}, body, "signature"),
        (good, body + b" ", "signature"),
        (good | {TIMESTAMP: str(int(good[TIMESTAMP]) + 1)}, body, "signature"),
        (good | {TIMESTAMP: "now"}, body, "signature"),
        (good | {SIGNATURE: "?"}, body, "signature"),
        (signed(ec.generate_private_key(ec.SECP256R1()), body), body, "signature"),
        (signed(key, body, datetime.now(UTC) - REPLAY - timedelta(minutes=1)), body, "late"),
        (signed(key, body, datetime.now(UTC) + timedelta(hours=1)), body, "late"),
        (signed(key, b"{}"), b"{}", "unreadable"),
        (signed(key, b"["), b"[", "unreadable"),
    ):
        answer = await sendgrid.call(sent, headers)
        assert (answer.status, answer.text) == (403, why), headers
    assert await sendgrid.stopped("a@x.test") is None


async def test_a_process_that_dies_before_the_note_leaves_the_call_to_the_next_try(
    sendgrid: Provider, key: ec.EllipticCurvePrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sendgrid.sent("gone@x.test", "full@x.test")
    batch = [
        event(
            sendgrid, "gone@x.test", "bounce", type="bounce", status="5.1.1", reason="550 5.1.1 unknown user"
        ),
        event(
            sendgrid, "full@x.test", "bounce", type="bounce", status="5.2.2", reason="552 5.2.2 mailbox full"
        ),
    ]
    body = orjson.dumps(batch)

    async def dies(*_: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(feedback_notes, "note", dies)
        # the database is away: the provider is to tell it again
        assert (await sendgrid.call(body, signed(key, body))).status == 503
    assert await sendgrid.counts() == {}
    assert (await sendgrid.call(body, signed(key, body))).status == 200
    assert (await sendgrid.call(body, signed(key, body))).status == 200
    assert await sendgrid.counts() == {("hard", "webhook"): 1, ("soft", "webhook"): 1}
    assert await sendgrid.stopped("gone@x.test") == "bounced"
    assert await sendgrid.failing() == ["full@x.test"]


async def test_many_events_in_one_call(sendgrid: Provider, key: ec.EllipticCurvePrivateKey) -> None:
    emails = [f"p{n}@x.test" for n in range(3)]
    await sendgrid.sent(*emails)
    told = [event(sendgrid, one, "delivered") for one in emails]
    batch = [told[n % 3] | {"sg_event_id": str(n)} for n in range(2000)]
    batch += [event(sendgrid, "p1@x.test", "spamreport")]
    body = orjson.dumps(batch)
    assert len(body) < 3_000_000
    assert (await sendgrid.call(body, signed(key, body))).status == 200
    assert [await sendgrid.stopped(one) for one in emails] == [None, "complained", None]


@pytest.mark.req("A-082")
async def test_only_a_key_of_sendgrids_kind_is_taken(post: Post, key: ec.EllipticCurvePrivateKey) -> None:
    lines = f"-----BEGIN PUBLIC KEY-----\n{public(key)[:64]}\n{public(key)[64:]}\n-----END PUBLIC KEY-----\n"
    assert feedback_hooks._public_key(lines) == base64.b64decode(public(key))
    for wrong in (
        "",
        "nonsense",
        public(key)[:-8],
        public(rsa.generate_private_key(public_exponent=65537, key_size=2048)),
        public(ec.generate_private_key(ec.SECP384R1())),
    ):
        with pytest.raises(Invalid) as met:
            feedback_hooks._public_key(wrong)
        assert met.value.faults[0].field == "public_key"


def test_odd_members_are_read_as_nothing() -> None:
    odd = {"a": True, "b": [1], "c": "x\0y", "d": 10**30, "e": -1, "f": "not a time", "g": 5.5}
    assert [hook_events.text(odd, one) for one in "abcd"] == ["", "", "xy", str(10**30)]
    now = datetime.now(UTC)
    for name in "abcdefgz":
        assert abs(hook_events.instant(odd, name) - now) < timedelta(minutes=1)
    assert hook_events.instant({"at": "1764000000"}, "at") == datetime(2025, 11, 24, 16, tzinfo=UTC)
    assert hook_events.instant({"at": "2026-01-02T03:04:05Z"}, "at") == datetime(
        2026, 1, 2, 3, 4, 5, tzinfo=UTC
    )
    assert hook_events.items({"a": 1}) == []


async def test_transactional_messages_are_found_too(
    sendgrid: Provider, key: ec.EllipticCurvePrivateKey, make: Make
) -> None:
    """By their mark; the address of a hard bounce is stopped for everything."""
    await sendgrid.sent("a@x.test")
    async with sendgrid.post.tx() as tx:
        list_id = await make.mailing_list(tx)
        contact = await make.contact(tx, "order@x.test", list_id=list_id)
        message_id = await tx.value(
            """
            INSERT INTO messages (account_id, sender_id, status, first_at, final_at, expires_at, contact_id,
                                  address_hash)
            SELECT $1, (SELECT min(id) FROM senders WHERE account_id = $1), 'delivered', now(), now(), now(),
                   id, address_hash
            FROM contacts
            WHERE account_id = $1 AND id = $2
            RETURNING id
            """,
            contact,
        )
    told = {
        "email": "order@x.test",
        "event": "bounce",
        "type": "bounce",
        "reason": "550 5.1.1 user unknown",
        "timestamp": int(datetime.now(UTC).timestamp()),
        "sg_event_id": "m1",
        "mailer": feedback_hooks.message_mark(sendgrid.post.account.id, message_id),
    }
    body = orjson.dumps([told])
    assert (await sendgrid.call(body, signed(key, body))).status == 200
    assert await sendgrid.counts() == {("hard", "webhook"): 1}
    assert await sendgrid.stopped("order@x.test") == "bounced"
