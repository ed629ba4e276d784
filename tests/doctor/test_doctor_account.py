"""`mailer doctor --account`: the SMTP servers of one account."""

import pytest

from mailer import doctor_account
from mailer.core.services import Services
from mailer.finding import Mark
from sending import servers
from sending.servers import NewServer
from tests.make import Make
from tests.smtp_server import Sink


async def test_an_accounts_servers_are_tested_and_nothing_is_sent(
    make: Make, services: Services, capsys: pytest.CaptureFixture[str]
) -> None:
    account = await make.account()
    [found] = await doctor_account.examine(services, account.id)
    assert found.mark is Mark.OK
    async with Sink() as sink, Sink(mail="550 5.7.1 sender refused") as refuses:
        async with services.db.account(account.id) as tx:
            for one in (sink, refuses):
                new = NewServer(host="127.0.0.1", port=one.port, tls="opportunistic")
                await servers.create(tx, services.sealer, new)
        first, second = await doctor_account.examine(services, account.id)
        assert await doctor_account.run(services.settings, account.id) == 1
    assert (first.mark, first.text) == (Mark.OK, f"127.0.0.1:{sink.port} takes our mail")
    assert second.mark is Mark.WRONG
    assert "sender: 550 5.7.1 sender refused" in second.text
    assert "bounces@mailer.localhost" in second.remedy
    assert sink.accepted == []
    assert "1 wrong" in capsys.readouterr().out


async def test_a_password_that_no_key_opens_is_told(make: Make, services: Services) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        new = NewServer(host="127.0.0.1", username="post", password="x")
        await servers.create(tx, services.sealer, new)
        await tx.run("UPDATE smtp_servers SET sealed_password = '\\x00' WHERE account_id = $1")
    [found] = await doctor_account.examine(services, account.id)
    assert found.mark is Mark.WRONG
    assert "MAILER_OLD_SECRET_KEYS" in found.remedy
