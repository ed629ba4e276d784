"""Amazon SES: what is believed, and what becomes of the mails it speaks of."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

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
