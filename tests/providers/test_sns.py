"""Amazon SNS: which messages are believed, whose certificate counts, and how a subscription begins and ends."""

import asyncio
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from cryptography.hazmat.primitives import serialization

from mailer.core import clock
from sending import sns_certificates
from sending.hook_events import REPLAY
from tests.providers import amazon
from tests.providers.amazon import Amazon
from tests.providers.conftest import Provider
from tests.providers.test_ses import bounce


@pytest.mark.req("E-54")
async def test_what_is_not_signed_by_amazon_for_this_topic_is_refused(ses: Provider, aws: Amazon) -> None:
    await ses.sent("a@x.test")
    event = bounce(ses, "a@x.test")
    good = orjson.loads(aws.message(event))
    other = Amazon(amazon.new_key(), aws.signer, aws.trusted)
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
    for other in (
        amazon.certificate("sns.amazonaws.com.evil.test", aws.signing, aws.trusted),
        # of another region, and of another part of Amazon's cloud
        amazon.certificate("sns-signing.eu-south-1.amazonaws.com", aws.signing, aws.trusted),
        amazon.certificate("sns.amazonaws.eu", aws.signing, aws.trusted),
        amazon.certificate("sns.amazonaws.com", aws.signing, aws.trusted, days=(-9, -2)),
        amazon.certificate("sns.amazonaws.com", aws.signing, aws.trusted, days=(2, 9)),
        # an authority that nobody trusts, of any name; and none at all
        amazon.certificate("sns.amazonaws.com", aws.signing, ("Other", amazon.new_key())),
        amazon.certificate("sns.amazonaws.com", aws.signing, ("Test Authority", amazon.new_key())),
        amazon.certificate("sns.amazonaws.com", aws.signing),
    ):
        aws.signer = other
        sns_certificates._certificates.clear()
        answer = await ses.call(told)
        assert (answer.status, answer.text) == (403, "signature"), other.subject
    assert await ses.stopped("a@x.test") is None


async def test_a_certificate_that_is_known_ends_with_its_last_day(ses: Provider, aws: Amazon) -> None:
    await ses.sent("a@x.test")
    assert (await ses.call(aws.message(bounce(ses, "a@x.test")))).status == 200
    clock.shift(timedelta(days=2))
    late = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    assert (await ses.call(aws.message(bounce(ses, "a@x.test"), Timestamp=late))).text == "signature"
    clock.shift(timedelta(0))


@pytest.mark.req("E-54")
@pytest.mark.parametrize(
    ("topic", "host", "names"),
    [
        ("arn:aws:sns:eu-west-3:1:t", "sns.eu-west-3.amazonaws.com", "sns.amazonaws.com"),
        # regions that an account has to switch on sign with a certificate of their own
        (
            "arn:aws:sns:eu-south-1:1:t",
            "sns.eu-south-1.amazonaws.com",
            "sns-signing.eu-south-1.amazonaws.com",
        ),
        (
            "arn:aws-eusc:sns:eusc-de-east-1:1:t",
            "sns.eusc-de-east-1.amazonaws.eu",
            "sns-signing.eusc-de-east-1.amazonaws.eu",
        ),
        (
            "arn:aws-cn:sns:cn-north-1:1:t",
            "sns.cn-north-1.amazonaws.com.cn",
            "sns-cn-north-1.amazonaws.com.cn",
        ),
        (
            "arn:aws-us-gov:sns:us-gov-east-1:1:t",
            "sns.us-gov-east-1.amazonaws.com",
            "sns-us-gov-west-1.amazonaws.com",
        ),
    ],
)
def test_each_part_of_the_cloud_signs_under_its_name(topic: str, host: str, names: str) -> None:
    assert sns_certificates.host_of(topic) == host
    assert names in sns_certificates.names_of(topic)
    suffix = host.partition(".")[2].partition(".")[2]
    assert all(name.endswith(f".{suffix}") for name in sns_certificates.names_of(topic))


def between(aws: Amazon, *, issued_at: str, days: tuple[int, int] = (-1, 1), authority: bool = True) -> bytes:
    """An authority between the one that is trusted and Amazon's certificate, which names it; as DER."""
    key = amazon.new_key()
    middle = amazon.certificate("Between", key, aws.trusted, days=days, authority=authority)
    aws.signer = amazon.certificate("sns.amazonaws.com", aws.signing, ("Between", key), issued_at=issued_at)
    sns_certificates._certificates.clear()
    return middle.public_bytes(serialization.Encoding.DER)


@pytest.mark.req("E-54")
async def test_the_issuer_that_a_certificate_names_leads_to_a_trusted_authority(
    ses: Provider, aws: Amazon
) -> None:
    await ses.sent("a@x.test")
    told = aws.message(bounce(ses, "a@x.test"))
    aws.issuers["/between.cer"] = between(aws, issued_at=f"http://{amazon.TRUST_HOST}/between.cer")
    for _ in range(3):
        assert (await ses.call(told)).status == 200
    assert [one for one in aws.asked if one == "/between.cer"] == ["/between.cer"]
    assert await ses.stopped("a@x.test") == "bounced"


@pytest.mark.req("E-54")
async def test_an_issuer_that_is_none_makes_nothing_believed(ses: Provider, aws: Amazon) -> None:
    await ses.sent("a@x.test")
    told = aws.message(bounce(ses, "a@x.test"))
    url = f"http://{amazon.TRUST_HOST}/between.cer"
    for given in (
        between(aws, issued_at=url, authority=False),
        between(aws, issued_at=url, days=(-9, -2)),
        # another authority than the one that signed
        amazon.certificate("Between", amazon.new_key()).public_bytes(serialization.Encoding.DER),
    ):
        aws.issuers["/between.cer"] = given
        answer = await ses.call(told)
        assert (answer.status, answer.text) == (403, "signature")
    # no address where one may look
    aws.asked.clear()
    for where in (
        "https://crt.trust.test/x",
        "http://u@crt.trust.test/x",
        "http://crt.trust.test:25/x",
        "ldap://x/",
    ):
        between(aws, issued_at=where)
        assert (await ses.call(told)).status == 403, where
    assert set(aws.asked) == {"/SimpleNotificationService-0123456789abcdef.pem"}
    # what is no certificate is asked for again
    aws.issuers["/between.cer"] = b"<html>"
    between(aws, issued_at=url)
    assert (await ses.call(told)).status == 503
    found = await ses.read()
    assert (found.state, found.last_error) == ("failing", "certificate")
    assert await ses.stopped("a@x.test") is None


@pytest.mark.req("E-54")
async def test_forged_messages_cannot_have_us_call_amazon_without_end(ses: Provider, aws: Amazon) -> None:
    good = orjson.loads(aws.message("{}"))
    old = (datetime.now(UTC) - REPLAY - timedelta(hours=1)).isoformat()
    for cheap in ({"Timestamp": old}, {"SignatureVersion": "9"}, {"Signature": "no Base64"}):
        assert (await ses.call(orjson.dumps(good | cheap))).status == 403
    assert aws.asked == []
    aws.status = 404
    seen = []
    for n in range(40):
        url = f"https://{amazon.HOST}/SimpleNotificationService-{n}.pem"
        seen.append((await ses.call(orjson.dumps(good | {"SigningCertURL": url}))).status)
    assert (set(seen), len(aws.asked) <= 31) == ({503, 429}, True)
    assert sns_certificates._certificates == {}


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


@pytest.mark.req("D-32")
async def test_people_are_told_once_that_a_subscription_has_ended(ses: Provider, aws: Amazon) -> None:
    await ses.sent("a@x.test", "b@x.test")
    before = aws.confirmation(Type="UnsubscribeConfirmation")
    await asyncio.sleep(0.01)  # the times that are compared are Amazon's and PostgreSQL's
    assert (await ses.call(aws.confirmation())).status == 200
    # told again after the address was subscribed anew, it ends nothing
    assert (await ses.call(before)).status == 200
    assert ((await ses.read()).state, await told(ses)) == ("confirmed", [])
    await asyncio.sleep(0.01)
    ended = aws.confirmation(Type="UnsubscribeConfirmation")
    for _ in range(2):
        assert (await ses.call(ended)).status == 200
    found = await ses.read()
    assert (found.state, found.last_error, found.confirmed_at) == ("ended", "unsubscribed", None)
    owner = ses.post.account.owner_email
    assert await told(ses) == [owner]
    # what was still on its way acts, and neither it nor a stranger's call hides that no more will come
    assert (await ses.call(aws.message(bounce(ses, "a@x.test")))).status == 200
    assert (await ses.call(b"{}")).status == 403
    found = await ses.read()
    assert (found.state, await ses.stopped("a@x.test")) == ("ended", "bounced")
    assert (await ses.call(aws.confirmation())).status == 200
    assert (await ses.read()).state == "working"
    assert await told(ses) == [owner]


async def told(ses: Provider) -> list[str]:
    """Who got the mail about it."""
    async with ses.post.services.db.shared() as tx:
        rows = await tx.rows(
            "SELECT recipient FROM outbox WHERE account_id = $1 AND kind = 'subscription_ended'",
            ses.post.account.id,
        )
    return [recipient for (recipient,) in rows]
