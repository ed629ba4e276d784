"""Workers killed while an A/B test leaves and while its rest does: nobody gets two, nor the wrong variant."""

from email.header import decode_header, make_header

import pytest

from sending import ab_runs
from sending.ab_tests import Setting, Variant
from tests.ab.conftest import put
from tests.faults.conftest import IN_FLIGHT, Begin, Machine

pytestmark = pytest.mark.timeout(900)
SUBJECTS = {1: "Variante A", 2: "Variante B"}


@pytest.mark.req("D-22", "S1", "S3")
async def test_kills_in_the_middle_of_a_test_give_nobody_two_variants(machine: Machine, begin: Begin) -> None:
    trial = await begin(300)
    post, campaign = trial.post, trial.campaign
    async with post.tx() as tx:
        await tx.run(
            "UPDATE campaigns SET subject = $3 WHERE account_id = $1 AND id = $2", campaign, SUBJECTS[1]
        )
    await put(post, campaign, Setting(variants=[Variant(subject=SUBJECTS[2])], share=50, unclear="ask"))
    await machine.start_worker()
    await machine.until(lambda: len(machine.sink.accepted) >= 40)
    await machine.kill_workers()
    await machine.start_worker()

    async def test_left() -> bool:
        async with post.tx() as tx:
            return not await tx.value(
                """
                SELECT count(*) FROM deliveries
                WHERE account_id = $1 AND campaign_id = $2 AND variant > 0
                  AND status IN ('queued', 'claimed', 'handing')
                """,
                campaign,
            )

    await machine.until(test_left)
    assert len(machine.sink.accepted) <= 150
    await machine.kill_workers()
    async with post.tx() as tx:
        await ab_runs.decide(tx, campaign, 2)
    await machine.start_worker()
    await machine.moved(30)
    await machine.kill_workers()
    await machine.start_worker()
    await trial.finish()
    await trial.check(most_doubtful=machine.kills * IN_FLIGHT)
    async with post.tx() as tx:
        meant = dict(
            await tx.rows(
                """
                SELECT c.email, coalesce(nullif(d.variant, 0), t.winner)::int
                FROM deliveries d
                JOIN contacts c ON c.account_id = d.account_id AND c.id = d.contact_id
                JOIN ab_tests t ON t.account_id = d.account_id AND t.campaign_id = d.campaign_id
                WHERE d.account_id = $1 AND d.campaign_id = $2
                """,
                campaign,
            )
        )
    got = {
        one.recipient: str(make_header(decode_header(str(one.message["Subject"]))))
        for one in machine.sink.accepted
    }
    assert got == {who: SUBJECTS[meant[who]] for who in got}
    assert sum(subject == SUBJECTS[2] for subject in got.values()) > 100
