"""`mailer retention verify`: what scripts and monitors see."""

import argparse
import json

import pytest

from mailer import retention_commands
from mailer.core.errors import NotFound
from mailer.core.services import Services
from mailer.core.settings import Settings
from mailer.core.work import Task
from retention_jobs import jobs
from tests.make import Make


def _asked(account: int, *, as_json: bool) -> argparse.Namespace:
    return argparse.Namespace(act="verify", account=account, json=as_json)


@pytest.mark.req("A-005")
async def test_the_exit_status_says_whether_all_is_well(
    services: Services, settings: Settings, make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    account = await make.account()
    await jobs.account_pass(services, Task(account.id, "retention_jobs.account_pass", 0, 0, 1))
    assert await retention_commands.run(settings, _asked(account.id, as_json=True)) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["account"], found["ok"], found["records"]) == (account.id, True, 1)
    assert {one["class"] for one in found["classes"]} >= {"content", "events", "deliveries", "log"}

    async with services.db.account(account.id) as tx:
        await tx.run(
            "INSERT INTO webhook_events (account_id, type, at, data) VALUES ($1, 'x', now() - interval '7 days', '{}')"
        )
    assert await retention_commands.run(settings, _asked(account.id, as_json=False)) == 1
    told = capsys.readouterr().out
    assert told.startswith(f"Account {account.id}: NOT as it has to be.\n  webhooks: 1 row past")
    with pytest.raises(NotFound):
        await retention_commands.run(settings, _asked(2**40, as_json=False))
