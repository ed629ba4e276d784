"""Somebody else's mail server takes our campaigns as they are meant (S16). Runs where a Postfix is installed."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from sending import smtp
from sending.smtp import Mail, Pool
from sending.smtp_url import Server
from tests.delivery import postfix
from tests.delivery.conftest import Post
from tests.delivery.postfix import Postfix

pytestmark = pytest.mark.skipif(not postfix.USABLE, reason="no Postfix is installed, or this is not root")


@pytest.fixture
async def relay(tmp_path: Path) -> AsyncIterator[Postfix]:
    async with postfix.running(tmp_path) as started:
        yield started


async def _campaign(post: Post, relay: Postfix, taken: int, refused: int) -> int:
    settings = post.services.settings.model_copy(update={"inbox": f"127.0.0.1:{relay.port}"})
    post.services = replace(post.services, settings=settings)
    async with post.tx() as tx:
        listed = await post.make.mailing_list(tx)
        await tx.run(
            """
            WITH people AS (
                INSERT INTO contacts (account_id, email, address_key, address_hash, first_name)
                SELECT $1, who || n || '@taken.test', who || n || '@taken.test',
                       decode(md5(who || n), 'hex'), 'Zoé'
                FROM (VALUES ('p', $3::int), ('nobody', $4::int)) AS kind (who, count),
                     generate_series(1, count) AS n
                RETURNING id
            )
            INSERT INTO subscriptions (account_id, list_id, contact_id, status, legal_basis)
            SELECT $1, $2, id, 'active', 'consent' FROM people
            """,
            listed,
            taken,
            refused,
        )
    campaign = await post.campaign([listed])
    for _ in range(60):
        if await post.run(40) == 0 or await post.status(campaign) != "sending":
            break
    await smtp.close_pools()
    return campaign


@pytest.mark.req("D-14", "D-15", "D-32", "D-33")
@pytest.mark.parametrize(
    ("taken", "refused"),
    [(280, 4), pytest.param(9_900, 100, marks=[pytest.mark.long, pytest.mark.timeout(1200)])],
)
async def test_postfix_takes_a_campaign_and_bounces_who_is_unknown(
    post: Post, relay: Postfix, taken: int, refused: int
) -> None:
    campaign = await _campaign(post, relay, taken, refused)
    states = await post.states(campaign)
    assert Counter(states.values()) == {("delivered", ""): taken, ("bounced", "hard"): refused}
    assert {who for who, (status, _) in states.items() if status == "bounced"} == {
        f"nobody{n}@taken.test" for n in range(1, refused + 1)
    }
    # by its own log each of them came in once, and nobody else
    assert await relay.queued(taken) == taken
    async with post.tx() as tx:
        reasons = await tx.rows("SELECT reason FROM suppressions WHERE account_id = $1")
    assert reasons == [("bounced",)] * refused


@pytest.mark.req("D-08", "D-15")
async def test_postfix_answers_a_pipeline_one_to_one(relay: Postfix) -> None:
    pool = Pool(Server("127.0.0.1", relay.port), "client.test", size=2)
    body = b"From: a@b.test\r\nSubject: x\r\n\r\n" + b"..\r\n.\r\n" + b"y" * 900 + b"\r\n"
    who = [f"{'nobody' if n % 3 == 0 else 'p'}{n}@taken.test" for n in range(60)]
    who.append("zoé@taken.test")
    replies = await pool.hand_over_all([Mail("b@mailer.test", one, body) for one in who])
    await pool.close()
    ends = {
        (one.startswith("nobody"), reply.stage, reply.code)
        for one, reply in zip(who, replies, strict=True)
        if reply
    }
    assert ends == {(True, "rcpt", 550), (False, "end", 250)}
    assert await relay.queued(41) == 41
