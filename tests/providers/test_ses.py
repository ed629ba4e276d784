"""Amazon SES: what is believed, and what becomes of the mails it speaks of."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from mailer.core import clock
from sending import sns
from sending.hook_events import REPLAY
from tests.providers import amazon
from tests.providers.amazon import Amazon
from tests.providers.conftest import Provider


def mail(provider: Provider, email: str, *, headers: bool = True) -> dict[str, Any]:
    """`mail` of an event, with the headers that the message had."""
    names = ("Message-ID", "Feedback-ID", "X-Mailer-Ref")
    return {
        "messageId": f"ses-{email}",
        "source": "bounces@mailer.localhost",
        "destination": [email],
        "headers": [{"name": one, "value": provider.header(one, email)} for one in names] if headers else [],
    }


def bounce(provider: Provider, *emails: str, kind: str = "Permanent/General", said: str = "") -> Any:
    meant, sub = kind.split("/")
    return {
        "notificationType": "Bounce",
        "mail": mail(provider, emails[0]),
        "bounce": {
            "bounceType": meant,
            "bounceSubType": sub,
            "feedbackId": f"f-{kind}-{emails[0]}",
            "timestamp": datetime.now(UTC).isoformat(),
            "bouncedRecipients": [{"emailAddress": one, "diagnosticCode": said} for one in emails],
        },
    }


@pytest.mark.req("D-32", "D-33")
@pytest.mark.parametrize("version", ["1", "2"])
async def test_a_hard_bounce_stops_the_address(ses: Provider, aws: Amazon, version: str) -> None:
    await ses.sent("gone@x.test", "fine@x.test")
    said = "smtp; 550 5.1.1 <gone@x.test>: user unknown"
    told = aws.message(bounce(ses, "gone@x.test", said=said), version=version)
    for _ in range(3):
        assert (await ses.call(told)).status == 200
    assert (await ses.stopped("gone@x.test"), await ses.stopped("fine@x.test")) == ("bounced", None)
    assert await ses.counts() == {("hard", "webhook"): 1}
    assert aws.asked == ["/SimpleNotificationService-0123456789abcdef.pem"]
    found = await ses.read()
    assert (found.state, found.last_error) == ("working", "")


@pytest.mark.req("D-32")
@pytest.mark.parametrize(
    ("kind", "said", "counted", "stopped", "failing"),
    [
        ("Transient/MailboxFull", "smtp; 452 4.2.2 mailbox full", "soft", None, ["a@x.test"]),
        ("Transient/General", "", "soft", None, ["a@x.test"]),
        # the category bounds the words: SES does not say that the address is wrong
        ("Transient/General", "smtp; 550 5.1.1 user unknown", "soft", None, ["a@x.test"]),
        # the words correct the category: a policy says nothing about an address
        ("Permanent/General", "smtp; 550 5.7.26 unauthenticated", "block", None, []),
        ("Permanent/General", "", "hard", "bounced", []),
        ("Transient/ContentRejected", "", "block", None, []),
        ("Undetermined/Undetermined", "", "soft", None, ["a@x.test"]),
    ],
)
async def test_each_category_and_its_words(
    ses: Provider, aws: Amazon, kind: str, said: str, counted: str, stopped: str | None, failing: list[str]
) -> None:
    await ses.sent("a@x.test")
    assert (await ses.call(aws.message(bounce(ses, "a@x.test", kind=kind, said=said)))).status == 200
    assert await ses.counts() == {(counted, "webhook"): 1}
    assert await ses.stopped("a@x.test") == stopped
    assert await ses.failing() == failing


@pytest.mark.req("D-34")
async def test_complaints_deliveries_and_what_says_nothing(ses: Provider, aws: Amazon) -> None:
    await ses.sent("angry@x.test", "slow@x.test", "calm@x.test")
    await ses.call(aws.message(bounce(ses, "slow@x.test", kind="Transient/MailboxFull")))
    assert await ses.failing() == ["slow@x.test"]
    later = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    for event in (
        {
            "eventType": "Complaint",
            "mail": mail(ses, "angry@x.test"),
            "complaint": {"feedbackId": "c1", "complainedRecipients": [{"emailAddress": "Angry@X.test"}]},
        },
        {
            "eventType": "Complaint",
            "mail": mail(ses, "calm@x.test"),
            "complaint": {
                "complaintFeedbackType": "not-spam",
                "complainedRecipients": [{"emailAddress": "calm@x.test"}],
            },
        },
        {
            "eventType": "Delivery",
            "mail": mail(ses, "slow@x.test"),
            "delivery": {"timestamp": later, "recipients": ["slow@x.test"]},
        },
        {"eventType": "DeliveryDelay", "mail": mail(ses, "calm@x.test"), "deliveryDelay": {}},
        {"eventType": "Open", "mail": mail(ses, "calm@x.test"), "open": {"ipAddress": "192.0.2.1"}},
        "AmazonSnsSubscriptionSucceeded",
        {"eventType": 5, "mail": []},
        [],
    ):
        answer = await ses.call(
            aws.message(event if isinstance(event, dict) else orjson.dumps(event).decode())
        )
        assert answer.status == 200, event
    assert await ses.stopped("angry@x.test") == "complained"
    assert await ses.stopped("calm@x.test") is None
    assert await ses.failing() == []
    assert await ses.counts() == {("soft", "webhook"): 1, ("complaint", "webhook"): 1}


@pytest.mark.req("E-50")
async def test_only_mails_of_the_account_are_reached(ses: Provider, aws: Amazon) -> None:
    """A mark of another account or campaign, a Message-ID of another mail, an address nobody wrote to."""
    await ses.sent("a@x.test", "b@x.test")
    async with ses.post.tx() as tx:
        await ses.post.make.contact(tx, "unwritten@x.test")
    for email, headers in (
        ("a@x.test", {"X-Mailer-Ref": f"c{ses.campaign}:a{ses.post.account.id + 1}"}),
        ("a@x.test", {"Feedback-ID": f"c{ses.campaign + 1}:a{ses.post.account.id}:newsletter:mailer"}),
        ("a@x.test", {"Message-ID": ses.header("Message-ID", "b@x.test")}),
        ("a@x.test", {"Message-ID": "<0123456789abcdef0123456789abcdef@other.test>"}),
        ("a@x.test", {}),
        ("unwritten@x.test", {"X-Mailer-Ref": f"c{ses.campaign}:a{ses.post.account.id}"}),
        ("no address", {"X-Mailer-Ref": f"c{ses.campaign}:a{ses.post.account.id}"}),
    ):
        event = bounce(ses, "a@x.test")
        event["bounce"]["bouncedRecipients"] = [{"emailAddress": email}]
        event["mail"]["headers"] = [{"name": name, "value": value} for name, value in headers.items()]
        assert (await ses.call(aws.message(event))).status == 200
    assert [await ses.stopped(one) for one in ("a@x.test", "b@x.test", "unwritten@x.test")] == [None] * 3
    assert await ses.counts() == {}


async def test_a_mail_without_a_mark_is_found_by_its_message_id(ses: Provider, aws: Amazon) -> None:
    await ses.sent("a@x.test")
    event = bounce(ses, "a@x.test")
    event["mail"]["headers"] = [{"name": "message-id", "value": ses.header("Message-ID", "a@x.test")}]
    assert (await ses.call(aws.message(event))).status == 200
    assert await ses.stopped("a@x.test") == "bounced"


@pytest.mark.req("B-28")
async def test_a_complaint_of_a_contact_that_is_gone_still_stops_the_address(
    ses: Provider, aws: Amazon
) -> None:
    await ses.sent("gone@x.test")
    event = {
        "eventType": "Complaint",
        "mail": mail(ses, "gone@x.test"),
        "complaint": {"feedbackId": "c", "complainedRecipients": [{"emailAddress": "gone@x.test"}]},
    }
    async with ses.post.tx() as tx:
        await tx.run("DELETE FROM contacts WHERE account_id = $1")
    assert (await ses.call(aws.message(event))).status == 200
    assert await ses.stopped("gone@x.test") == "complained"


@pytest.mark.req("E-54")
async def test_what_is_not_signed_by_amazon_for_this_topic_is_refused(ses: Provider, aws: Amazon) -> None:
    await ses.sent("a@x.test")
    event = bounce(ses, "a@x.test")
    good = orjson.loads(aws.message(event))
    other = Amazon(amazon.new_key(), aws.signer)
    late = (datetime.now(UTC) - REPLAY - timedelta(minutes=1)).isoformat()
    elsewhere = "arn:aws:sns:eu-west-3:999999999999:other"
    for wrong, why in (
        (good | {"Message": good["Message"].replace("Permanent", "Transient")}, "signature"),
        (good | {"Signature": "AAAA"}, "signature"),
        (good | {"Signature": 5}, "signature"),
        (good | {"SignatureVersion": "3"}, "signature"),
        (good | {"SignatureVersion": "1"}, "signature"),
        (orjson.loads(other.message(event)), "signature"),
        (good | {"TopicArn": elsewhere}, "topic"),
        (orjson.loads(aws.message(event, TopicArn=elsewhere)), "topic"),
        (orjson.loads(aws.message(event, Timestamp=late)), "late"),
        (orjson.loads(aws.message(event, Timestamp="yesterday")), "late"),
        (good | {"Type": "Other"}, "unreadable"),
        ({"eventType": "Bounce"}, "raw"),
    ):
        answer = await ses.call(orjson.dumps(wrong))
        assert (answer.status, answer.text) == (403, why), wrong
        assert (await ses.read()).state == "failing"
    for wrong_body in (b"", b"{", b"\xff\xfe", b"[" * 100_000, b"null"):
        assert (await ses.call(wrong_body)).status == 403
    raw = await ses.call(orjson.dumps(event), {"x-amz-sns-rawdelivery": "true"})
    assert (raw.status, raw.text) == (403, "raw")
    assert await ses.stopped("a@x.test") is None
    assert (await ses.call(orjson.dumps(good))).status == 200
    assert (await ses.read()).state == "working"


@pytest.mark.req("E-54")
@pytest.mark.parametrize(
    "url",
    [
        "https://sns.eu-west-3.amazonaws.com.evil.test/SimpleNotificationService-0.pem",
        "https://evil.test/SimpleNotificationService-0.pem",
        "http://sns.eu-west-3.amazonaws.com/SimpleNotificationService-0.pem",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem",
        "https://sns.eu-west-3.amazonaws.com:8443/SimpleNotificationService-0.pem",
        "https://sns.eu-west-3.amazonaws.com@evil.test/SimpleNotificationService-0.pem",
        "https://evil@sns.eu-west-3.amazonaws.com/SimpleNotificationService-0.pem",
        "https://sns.eu-west-3.amazonaws.com/../SimpleNotificationService-0.pem",
        "https://sns.eu-west-3.amazonaws.com/SimpleNotificationService-0.pem?x=1",
        "https://sns.eu-west-3.amazonaws.com/my-bucket/key.pem",
        "https://s3.eu-west-3.amazonaws.com/SimpleNotificationService-0.pem",
        "https://[::1/SimpleNotificationService-0.pem",
        "",
    ],
)
async def test_no_other_certificate_is_fetched(ses: Provider, aws: Amazon, url: str) -> None:
    await ses.sent("a@x.test")
    told = orjson.loads(aws.message(bounce(ses, "a@x.test"))) | {"SigningCertURL": url}
    answer = await ses.call(orjson.dumps(told))
    assert (answer.status, answer.text, aws.asked) == (403, "signature", [])


async def test_a_certificate_of_somebody_else_or_another_time_is_refused(ses: Provider, aws: Amazon) -> None:
    await ses.sent("a@x.test")
    told = aws.message(bounce(ses, "a@x.test"))
    issuer = ("Other", amazon.new_key())
    for other in (
        amazon.certificate("sns.amazonaws.com.evil.test", aws.signing, issuer),
        amazon.certificate("sns.amazonaws.com", aws.signing, issuer, days=(-9, -2)),
        amazon.certificate("sns.amazonaws.com", aws.signing, issuer, days=(2, 9)),
    ):
        aws.signer = other
        sns._certificates.clear()
        assert (await ses.call(told)).status == 403
    assert await ses.stopped("a@x.test") is None


async def test_a_certificate_that_cannot_be_had_now_leaves_the_call_to_the_next_try(
    ses: Provider, aws: Amazon
) -> None:
    await ses.sent("a@x.test")
    told = aws.message(bounce(ses, "a@x.test"))
    aws.status = 500
    assert (await ses.call(told)).status == 503
    aws.status = 302
    assert (await ses.call(told)).status == 503
    aws.status = 200
    assert (await ses.call(told)).status == 200
    assert await ses.stopped("a@x.test") == "bounced"


async def test_a_subscription_is_confirmed_and_its_end_is_shown(ses: Provider, aws: Amazon) -> None:
    assert (await ses.read()).state == "waiting"
    for url in (
        "https://evil.test/?Action=ConfirmSubscription",
        amazon.CONFIRM_URL.replace("ConfirmSubscription", "Publish"),
        amazon.CONFIRM_URL.replace(":mailer", ":other"),
    ):
        assert (await ses.call(aws.confirmation(SubscribeURL=url))).text == "confirmation"
    assert [one for one in aws.asked if "Action" in one] == []
    aws.status = 500
    assert (await ses.call(aws.confirmation())).status == 503
    aws.status = 200
    assert (await ses.call(aws.confirmation())).status == 200
    assert aws.asked[-1] == f"/?Action=ConfirmSubscription&TopicArn={amazon.TOPIC}&Token=2336412f37"
    clock.shift(timedelta(0))
    assert (await ses.read()).state == "confirmed"
    ended = aws.confirmation(Type="UnsubscribeConfirmation")
    assert (await ses.call(ended)).status == 200
    found = await ses.read()
    assert (found.state, found.last_error, found.confirmed_at) == ("failing", "unsubscribed", None)
