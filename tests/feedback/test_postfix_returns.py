"""Somebody else's mail server writes the reports. Runs where a Postfix is installed."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from sending import outcomes, smtp
from tests.delivery import postfix
from tests.feedback.conftest import Desk

pytestmark = pytest.mark.skipif(not postfix.USABLE, reason="no Postfix is installed, or this is not root")


@pytest.mark.req("D-30", "D-31", "D-33", "S1")
async def test_a_postfix_bounces_unknown_users_and_they_end_suppressed(desk: Desk, tmp_path: Path) -> None:
    async with postfix.running(tmp_path, returns=desk.port) as relay:
        settings = desk.services.settings.model_copy(update={"inbox": f"127.0.0.1:{relay.port}"})
        desk.post.services = replace(desk.services, settings=settings)
        here = [f"p{n}@taken.test" for n in range(12)]
        gone = [f"nobody{n}@late.test" for n in range(4)]
        campaign, _ = await desk.sent(*here, *gone)
        await smtp.close_pools()
        async with asyncio.timeout(60):
            while len(await desk.mails()) < 4:
                await asyncio.sleep(0.1)
        await desk.read()
        # the relay has said yes to everybody, and wrote four mails of its own
        assert await relay.queued(20) == 20
    states = await desk.post.states(campaign)
    assert {who for who, state in states.items() if state == ("bounced", "hard")} == set(gone)
    assert {who for who, state in states.items() if state == ("delivered", "")} == set(here)
    assert await desk.suppressions() == [(who, "bounced", None) for who in gone]
    assert await desk.mails() == [("done", "hard", False)] * 4
    async with desk.post.tx() as tx:
        balance = await outcomes.balance(tx, campaign)
        contact = await tx.value("SELECT id FROM contacts WHERE account_id = $1 AND email = $2", gone[0])
    assert (balance.audience, balance.sent, balance.delivered, balance.bounced_hard) == (16, 16, 12, 4)
    for language, words in (
        ("fr", ("Rejet définitif le", "adresse inexistante.", "User unknown")),
        ("en", ("Rejected for good", "address does not exist.", "User unknown")),
    ):
        visitor = await desk.post.make.signed_in(desk.post.account.owner_id, language=language)
        page = await visitor.get(f"{desk.post.account.app}/contacts/{contact}")
        for text in words:
            assert text in page.text, text
