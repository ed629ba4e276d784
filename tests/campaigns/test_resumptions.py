"""After a limit stopped a campaign: going on asks for a word, and the second time for the operator (D-80)."""

import pytest

from mailer.core.actor import Actor
from mailer.core.services import Services
from sending import evidence, operator_holds
from tests.campaigns.conftest import Ready
from tests.make import Make

pytestmark = pytest.mark.req("D-80", "A-045")
FIGURES = {"hard": 31, "sent": 500, "complaints": 4, "delivered": 1000}


async def _stopped(services: Services, ready: Ready, reason: str) -> None:
    """As the engine does it, from a campaign under way."""
    begun = await _status(services, ready) != "draft"
    async with services.db.account(ready.account.id) as tx:
        for step in () if begun else ("scheduled", "preparing", "sending"):
            await tx.run(
                "UPDATE campaigns SET status = $3 WHERE account_id = $1 AND id = $2", ready.campaign.id, step
            )
        await tx.run(
            """
            UPDATE campaigns
            SET month = date_trunc('month', now())::date, started_at = now(), prepared_at = now()
            WHERE account_id = $1 AND id = $2
            """,
            ready.campaign.id,
        )
        assert await evidence.pause(tx, ready.campaign.id, reason, FIGURES)


async def _status(services: Services, ready: Ready) -> str:
    async with services.db.account(ready.account.id) as tx:
        found: str = await tx.value(
            "SELECT status FROM campaigns WHERE account_id = $1 AND id = $2", ready.campaign.id
        )
    return found


@pytest.mark.parametrize("reason", ["bounces", "complaints"])
async def test_a_program_says_that_it_took_out_the_cause_and_passes_once(
    make: Make, services: Services, ready, reason: str
) -> None:
    draft = await ready()
    await _stopped(services, draft, reason)
    program = await make.program(draft.account.id)
    path = f"/api/v1/campaigns/{draft.campaign.id}/resumptions"
    for untold in ({}, {"json": {}}, {"json": {"acknowledged": False}}):
        refused = await program.ask("POST", path, **untold)
        assert (refused.status, refused.json()["errors"][0]["field"]) == (422, "acknowledged")
    assert await _status(services, draft) == "paused"
    assert (await program.post(path, json={"acknowledged": True})).json()["status"] == "sending"
    await _stopped(services, draft, reason)
    again = await program.post(path, json={"acknowledged": True})
    assert (again.status, again.json()["errors"][0]["code"]) == (409, "limit")
    assert await _status(services, draft) == "paused"


async def test_the_page_asks_for_the_word_and_then_names_the_operator(
    make: Make, services: Services, ready
) -> None:
    draft = await ready()
    await _stopped(services, draft, "bounces")
    owner = await make.signed_in(draft.account.owner_id, language="fr")
    shown = (await owner.get(draft.page)).text.replace("&#39;", "'")
    assert "J’ai cherché la cause et retiré ce qui l’a provoquée" in shown
    assert (await owner.post(f"{draft.page}/resumptions")).status == 303
    assert await _status(services, draft) == "paused"
    assert "Une limite a arrêté cette campagne" in (await owner.get(draft.page)).text
    assert (await owner.post(f"{draft.page}/resumptions", {"acknowledged": "true"})).status == 303
    assert await _status(services, draft) == "sending"
    await _stopped(services, draft, "complaints")
    shown = (await owner.get(draft.page)).text.replace("&#39;", "'")
    assert "L’exploitant décide" in shown
    assert "/resumptions" not in shown
    assert "/cancellation" in shown
    # the operator does: it goes on, as often as they say
    for _ in range(2):
        actor = Actor("operator", 1)
        await operator_holds.decide(services, draft.account.id, draft.campaign.id, "", actor)
        assert await _status(services, draft) == "sending"
        await _stopped(services, draft, "bounces")


async def test_other_pauses_ask_for_no_word_and_count_as_none(make: Make, services: Services, ready) -> None:
    draft = await ready()
    program = await make.program(draft.account.id)
    path = f"/api/v1/campaigns/{draft.campaign.id}/resumptions"
    for _ in range(3):
        await _stopped(services, draft, "refused")
        assert (await program.ask("POST", path)).json()["status"] == "sending"
