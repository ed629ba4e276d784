"""Postmark's webhooks, proved by the password in their address."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from sending import feedback_hooks
from sending.feedback_hooks import NewHook
from tests.client import Client
from tests.delivery.conftest import People, Post
from tests.providers.conftest import Provider, provider


@pytest.fixture
async def postmark(post: Post, people: People, client: Client) -> Provider:
    return await provider(post, people, client, NewHook(provider="postmark"))


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def record(provider: Provider, email: str, kind: str, **more: object) -> dict[str, Any]:
    """With the metadata of the mail that left."""
    return {
        "RecordType": kind,
        "MessageID": f"pm-{email}",
        "Metadata": {"mailer": provider.header("X-PM-Metadata-mailer", email)},
        **more,
    }


@pytest.mark.req("D-32", "D-33", "D-34")
@pytest.mark.parametrize(
    ("kind", "more", "stopped", "counted"),
    [
        ("Bounce", {"Type": "HardBounce", "Details": "smtp;550 5.1.1 user unknown"}, "bounced", "hard"),
        ("Bounce", {"Type": "BadEmailAddress"}, "bounced", "hard"),
        ("Bounce", {"Type": "HardBounce", "Details": "smtp;550 5.7.1 policy"}, None, "block"),
        ("Bounce", {"Type": "SoftBounce", "Details": "smtp;452 4.2.2 mailbox full"}, None, "soft"),
        ("Bounce", {"Type": "Blocked", "Details": "smtp;550 5.1.1 unknown"}, None, "block"),
        ("Bounce", {"Type": "AutoResponder", "Details": "I am away"}, None, "auto_reply"),
        ("Bounce", {"Type": "InboundError"}, None, ""),
        ("SpamComplaint", {"Type": "SpamComplaint"}, "complained", "complaint"),
    ],
)
async def test_each_kind_of_bounce(
    postmark: Provider, kind: str, more: dict[str, Any], stopped: str | None, counted: str
) -> None:
    await postmark.sent("a@x.test")
    told = record(postmark, "a@x.test", kind, ID=7, Email="a@x.test", BouncedAt="2026-11-26T10:00:00Z")
    for _ in range(2):
        answer = await postmark.call(orjson.dumps(told | more), basic("postmark", postmark.password))
        assert answer.status == 200
    assert await postmark.stopped("a@x.test") == stopped
    assert await postmark.counts() == ({(counted, "webhook"): 1} if counted else {})


async def test_deliveries_and_changes_of_the_subscription(postmark: Provider) -> None:
    await postmark.sent("slow@x.test", "left@x.test", "back@x.test")
    proof = basic("postmark", postmark.password)
    soft = record(postmark, "slow@x.test", "Bounce", Type="SoftBounce", Email="slow@x.test", ID=1)
    await postmark.call(orjson.dumps(soft), proof)
    assert await postmark.failing() == ["slow@x.test"]
    later = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    for told in (
        record(postmark, "slow@x.test", "Delivery", Recipient="slow@x.test", DeliveredAt=later),
        record(
            postmark,
            "left@x.test",
            "SubscriptionChange",
            Recipient="left@x.test",
            SuppressSending=True,
            SuppressionReason="ManualSuppression",
        ),
        record(postmark, "back@x.test", "SubscriptionChange", Recipient="back@x.test", SuppressSending=False),
        record(postmark, "back@x.test", "Open", Recipient="back@x.test"),
        {"RecordType": ["x"]},
        {},
    ):
        assert (await postmark.call(orjson.dumps(told), proof)).status == 200
    assert await postmark.failing() == []
    assert await postmark.stopped("left@x.test") == "unsubscribed"
    assert await postmark.stopped("back@x.test") is None


async def test_a_wrong_password_is_refused_and_an_old_one_too(postmark: Provider) -> None:
    await postmark.sent("a@x.test")
    body = orjson.dumps(record(postmark, "a@x.test", "SpamComplaint", Email="a@x.test", ID=1))
    for headers in (
        {},
        basic("postmark", ""),
        basic("postmark", postmark.password + "x"),
        basic("", postmark.password),
        {"Authorization": f"Bearer {postmark.password}"},
        {"Authorization": "Basic ***"},
    ):
        answer = await postmark.call(body, headers)
        assert (answer.status, answer.text) == (403, "password")
    assert await postmark.stopped("a@x.test") is None
    async with postmark.post.tx() as tx:
        made = await feedback_hooks.renew(tx, postmark.post.services.sealer, postmark.server_id)
    assert (await postmark.call(body, basic("postmark", postmark.password))).status == 403
    assert (await postmark.call(body, basic("postmark", made.password))).status == 200
    assert await postmark.stopped("a@x.test") == "complained"
