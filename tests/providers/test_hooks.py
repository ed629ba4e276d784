"""The address of a webhook: who may call it, how much, and what mails carry for it."""

import io
from dataclasses import replace
from datetime import timedelta

import orjson
import pytest

from mailer.core import clock
from mailer.core.errors import Conflict, Unavailable
from mailer.core.services import Services
from retention_jobs import feedback_rows
from sending import dkim, feedback_hooks, fence, hook_calls, pinned_https, servers
from sending.feedback_hooks import NewHook
from sending.fence import OutOfBounds
from sending.hook_calls import Call
from tests.client import Client
from tests.delivery.conftest import People, Post
from tests.make import Make
from tests.providers import amazon
from tests.providers.amazon import Amazon
from tests.providers.conftest import Provider, provider
from tests.providers.test_postmark import basic, postmark, record
from tests.providers.test_ses import bounce

__all__ = ["postmark"]


@pytest.mark.req("E-50", "A-017")
async def test_an_address_is_its_accounts_alone(postmark: Provider, make: Make, services: Services) -> None:
    await postmark.sent("a@x.test")
    proof = basic("postmark", postmark.password)
    body = orjson.dumps(record(postmark, "a@x.test", "SpamComplaint", Email="a@x.test", ID=1))
    token = postmark.path.rpartition("/")[2]
    other = await make.account()
    foreign = feedback_hooks.address(services, other.id, postmark.server_id).rpartition("/")[2]
    for path in (f"/hooks/{foreign}", f"/hooks/{token[:-2]}AA", f"/hooks/{token}/x", "/hooks/x", "/hooks/"):
        answer = await postmark.client.ask("POST", path, data=body, headers=proof)
        assert answer.status == 404, path
    assert (await postmark.client.get(postmark.path)).status == 405
    async with postmark.post.tx() as tx:
        await feedback_hooks.delete(tx, postmark.server_id)
    assert (await postmark.call(body, proof)).status == 404
    assert await postmark.stopped("a@x.test") is None


@pytest.mark.req("E-10")
async def test_a_body_that_is_too_large_is_not_read_to_its_end(postmark: Provider) -> None:
    proof = basic("postmark", postmark.password)
    for body, status in ((b"{}" + b" " * 2_999_000, 200), (b"{}" + b" " * 3_000_000, 413)):
        answer = await postmark.client.ask("POST", postmark.path, data=io.BytesIO(body), headers=proof)
        assert answer.status == status


async def test_a_stranger_who_calls_again_and_again_is_slowed_down(postmark: Provider) -> None:
    seen = [(await postmark.call(b"{}", basic("postmark", "wrong"))).status for _ in range(140)]
    assert set(seen) == {403, 429}
    # the provider itself is not
    assert (await postmark.call(b"{}", basic("postmark", postmark.password))).status == 200


async def test_a_server_goes_with_its_webhook_and_has_one(post: Post, people: People, client: Client) -> None:
    made = await provider(post, people, client, NewHook(provider="postmark"))
    async with post.tx() as tx:
        with pytest.raises(Conflict):
            async with tx.savepoint():
                await feedback_hooks.create(
                    tx, post.services.sealer, made.server_id, NewHook(provider="postmark")
                )
        await servers.delete(tx, made.server_id)
        assert await tx.value("SELECT count(*) FROM feedback_hooks WHERE account_id = $1") == 0


@pytest.mark.req("A-004")
async def test_what_was_seen_is_forgotten_after_thirty_days(ses: Provider, aws: Amazon) -> None:
    await ses.sent("a@x.test")
    assert (await ses.call(aws.message(bounce(ses, "a@x.test")))).status == 200
    async with ses.post.tx() as tx:
        assert await feedback_rows.feedback(tx, clock.now() + timedelta(days=29)) == 0
        assert await feedback_rows.feedback(tx, clock.now() + timedelta(days=31)) == 1
        assert await feedback_rows.feedback(tx, clock.now() + timedelta(days=31)) == 0


@pytest.mark.req("A-082")
async def test_the_secret_is_stored_sealed(postmark: Provider) -> None:
    async with postmark.post.tx() as tx:
        sealed = await tx.value("SELECT sealed_secret FROM feedback_hooks WHERE account_id = $1")
    assert postmark.password.encode() not in sealed


async def test_mails_carry_marks_only_for_providers_that_have_a_webhook(
    post: Post, people: People, client: Client
) -> None:
    campaign = await post.campaign([await people("before@x.test")])
    await post.run()
    made = await provider(post, people, client, NewHook(provider="ses", topic=amazon.TOPIC))
    await made.sent("after@x.test")
    [before, after] = [one.message for one in post.sink.accepted]
    names = ("X-Mailer-Ref", "X-SMTPAPI", "X-PM-Metadata-mailer")
    assert [before[one] for one in names] == [None, None, None]
    assert [after[one] for one in names] == [f"c{made.campaign}:a{post.account.id}", None, None]
    assert campaign != made.campaign


@pytest.mark.req("D-41")
def test_marks_that_a_provider_takes_off_are_not_signed() -> None:
    marks = feedback_hooks.marks(("postmark", "sendgrid", "ses"), "c1:a2")
    fields = [(line.partition(":")[0].lower().encode(), line.encode()) for line in (*marks, "From: a@b.test")]
    names, _ = dkim._select(fields)
    assert set(names) & {"x-smtpapi", "x-pm-metadata-mailer"} == set()
    assert "from" in names


@pytest.mark.req("E-54")
async def test_the_fence_keeps_amazons_name_out_where_it_leads_inside(ses: Provider, aws: Amazon) -> None:
    """On a public installation: the name is Amazon's, the address is this machine's."""
    await ses.sent("a@x.test")
    settings = ses.post.services.settings.model_copy(update={"public_url": "https://mailer.example.org"})
    assert not fence.of(settings).down
    with pytest.raises(OutOfBounds):
        await pinned_https.get(amazon.CERTIFICATE_URL, fence.of(settings, (443,)))
    held = replace(ses.post.services, settings=settings)
    async with ses.post.tx() as tx:
        hook = await feedback_hooks.opened(tx, held.sealer, ses.server_id)
    call = Call(ses.post.account.id, aws.message(bounce(ses, "a@x.test")), {})
    with pytest.raises(Unavailable):
        await hook_calls.receive(held, hook, call)
    assert aws.asked == []
