"""A database that went back in time sends nothing until an operator confirms."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lists import departures_kept
from mailer import command_options, doctor_servers, sending_commands, worker
from mailer.core import backups, jobs, restores
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict
from mailer.core.services import Services
from mailer.core.tokens import Purpose, RecipientToken
from mailer.core.work import PLATFORM, Task
from sending import sends
from tests.delivery.conftest import People, Post


@pytest.fixture(autouse=True)
async def whole(services: Services) -> AsyncIterator[None]:
    """The database of the other tests is no restored one."""
    yield
    async with services.db.shared() as tx:
        await tx.run(
            """
            UPDATE installation
            SET id = gen_random_uuid(), held_since = NULL, held_reason = '', mark = 0, known_mark = NULL
            """
        )
        await tx.run("INSERT INTO original DEFAULT VALUES ON CONFLICT DO NOTHING")
        # one row an account of the whole run
        await tx.run(
            "DELETE FROM work WHERE job = ANY ($1)", [restores.FOLLOW, restores.REPLAY, restores.ERASE_AGAIN]
        )
    restores._memories.clear()


async def _put_back(services: Services, marks: int = 5) -> None:
    """As a restored database is: its mark is an old one. A process of before is gone."""
    async with services.db.shared() as tx:
        await tx.run("UPDATE installation SET mark = mark - $1, marked_at = now() - interval '1 hour'", marks)
    restores._memories.clear()


async def _lived(services: Services, times: int = 6) -> None:
    for _ in range(times):
        assert await restores.may_send(services)


async def _follow(post: Post) -> None:
    await jobs.run_turn(
        post.services, worker.JOBS, await _task(post.services, post.account.id, restores.FOLLOW)
    )


async def _task(services: Services, account_id: int, job: str) -> Task:
    async with services.db.shared() as tx:
        return await tx.one(
            Task,
            "SELECT account_id, job, ref_id, lane, turn FROM work WHERE account_id = $1 AND job = $2",
            account_id,
            job,
        )


async def _campaign(tx: AccountTx, campaign: int) -> tuple[str, str]:
    [row] = await tx.rows(
        "SELECT status, pause_reason FROM campaigns WHERE account_id = $1 AND id = $2", campaign
    )
    return row


async def test_a_database_behind_its_mark_holds_what_is_open_and_sends_nothing(
    post: Post, people: People
) -> None:
    await _lived(post.services)
    listed = await people(count=5)
    running, later = await post.campaign([listed]), await post.campaign([listed])
    async with post.tx() as tx:
        await tx.run(
            "UPDATE campaigns SET scheduled_at = now() + interval '1 day' WHERE account_id = $1 AND id = $2",
            later,
        )
    await post.prepared(running)
    await _put_back(post.services)
    await post.run()
    assert post.sink.seen == []
    async with post.tx() as tx:
        assert await _campaign(tx, running) == ("paused", "restored")
        assert await _campaign(tx, later) == ("paused", "restored")
        for act in (sends.resume(tx, post.services, running), sends.recall(tx, later)):
            with pytest.raises(Conflict):
                await act
    async with post.services.db.shared() as tx:
        found = await restores.show(tx)
    assert (found.held_reason, found.waiting >= 1, found.begun >= 1) == ("behind", True, True)
    assert found.known_at is not None


@pytest.mark.parametrize("begun", [False, True])
async def test_the_operators_word_resumes_what_waits_and_what_had_begun_if_it_says_so(
    post: Post, people: People, begun: bool
) -> None:
    await _lived(post.services)
    listed = await people(count=5)
    running, later = await post.campaign([listed]), await post.campaign([listed])
    async with post.tx() as tx:
        await tx.run(
            "UPDATE campaigns SET scheduled_at = now() + interval '1 day' WHERE account_id = $1 AND id = $2",
            later,
        )
    await post.prepared(running)
    await _put_back(post.services)
    assert not await restores.may_send(post.services)
    await _follow(post)
    await restores.resume(post.services, begun=begun)
    await post.run()
    async with post.tx() as tx:
        assert await _campaign(tx, later) == ("scheduled", "")
        assert await _campaign(tx, running) == (("sent", "") if begun else ("paused", "restored_begun"))
    assert len(post.sink.accepted) == (5 if begun else 0)
    # it is the sound database from here on
    await _lived(post.services)
    async with post.tx() as tx:
        if not begun:
            await sends.resume(tx, post.services, running)
    await post.run()
    assert len(post.sink.accepted) == 5


async def test_a_lane_that_runs_while_the_database_is_put_back_stops(post: Post, people: People) -> None:
    await _lived(post.services)
    campaign = await post.campaign([await people(count=200)])

    async def put_back(_: object) -> str:
        if len(post.sink.accepted) == 20:
            async with post.services.db.shared() as tx:
                await tx.run("UPDATE installation SET mark = mark - 5")
            for memory in restores._memories.values():
                memory.looked_at = float("-inf")
        return "250 2.0.0 Ok"

    post.sink.end = put_back
    await post.run()
    assert 20 <= len(post.sink.accepted) <= 20 + 2 * 64
    assert await post.status(campaign) == "paused"


async def test_a_dump_of_a_backup_is_held_wherever_it_is_restored(
    post: Post, people: People, tmp_path: Path
) -> None:
    """Neither Valkey nor the data folder of the new machine knows anything; the row of `original` is not there."""
    assert "original" in backups.LEFT_OUT
    campaign = await post.campaign([await people("ana@copy.test")])
    await post.prepared(campaign)
    async with post.services.db.shared() as tx:
        await tx.run("DELETE FROM original")
    await post.services.redis.delete(restores.MARKS)
    restores._memories.clear()
    settings = post.services.settings.model_copy(update={"data_dir": tmp_path})
    post.services = replace(post.services, settings=settings)
    await post.run()
    assert post.sink.seen == []
    async with post.services.db.shared() as tx:
        assert (await restores.show(tx)).held_reason == "copy"
    await restores.resume(post.services, begun=True)
    await post.run()
    assert post.sink.recipients == ["ana@copy.test"]


@pytest.mark.parametrize("lost", ["nothing", "valkey", "folder", "both", "new database"])
async def test_what_is_no_restore_raises_no_alarm(services: Services, tmp_path: Path, lost: str) -> None:
    settings = services.settings.model_copy(update={"data_dir": tmp_path / "old"})
    services = replace(services, settings=settings)
    await _lived(services)
    restores._memories.clear()
    if lost in ("valkey", "both"):
        await services.redis.delete(restores.MARKS)
    if lost in ("folder", "both"):
        settings = services.settings.model_copy(update={"data_dir": tmp_path / "new"})
        services = replace(services, settings=settings)
    if lost == "new database":
        async with services.db.shared() as tx:
            await tx.run("UPDATE installation SET id = gen_random_uuid(), mark = 0")
    await _lived(services)


@pytest.mark.parametrize("lost", ["valkey", "folder", "both"])
async def test_one_place_that_knows_is_enough(services: Services, tmp_path: Path, lost: str) -> None:
    """Both lost: the process that lived through it still knows."""
    services = replace(services, settings=services.settings.model_copy(update={"data_dir": tmp_path}))
    await _lived(services)
    memories = dict(restores._memories)
    await _put_back(services)
    if lost in ("valkey", "both"):
        await services.redis.delete(restores.MARKS)
    if lost in ("folder", "both"):
        (tmp_path / restores.FILE).unlink()
    if lost == "both":
        restores._memories.update(memories)
    assert not await restores.may_send(services)


async def test_a_damaged_mark_of_the_data_folder_says_nothing(services: Services, tmp_path: Path) -> None:
    services = replace(services, settings=services.settings.model_copy(update={"data_dir": tmp_path}))
    for content in ("", "{", "[]", json.dumps({"x": 1}), json.dumps({"x": [1, 2, 3]})):
        (tmp_path / restores.FILE).write_text(content)
        assert await restores.may_send(services)


@pytest.mark.req("B-28", "D-45")
async def test_unsubscribes_after_the_backup_are_put_back(post: Post, people: People, client) -> None:  # type: ignore[no-untyped-def]
    listed = await people("ana@left.test", "bob@left.test", "eve@left.test")
    async with post.tx() as tx:
        rows = await tx.rows("SELECT id, address_hash FROM contacts WHERE account_id = $1 ORDER BY id")
    await _lived(post.services)
    ana, bob, _ = [RecipientToken(post.account.id, listed, contact, hashed) for contact, hashed in rows]
    tokens = post.services.tokens
    left = await client.ask(
        "POST",
        f"/t/unsubscribe/{tokens.recipient(Purpose.UNSUBSCRIBE, ana)}",
        data={"List-Unsubscribe": "One-Click"},
    )
    assert left.status == 200
    await client.ask(
        "POST", f"/t/preferences/{tokens.recipient(Purpose.PREFERENCES, bob)}", data={"do": "everything"}
    )
    await _put_back(post.services)
    async with post.tx() as tx:
        # what the restored database does not know
        await tx.run("DELETE FROM suppressions WHERE account_id = $1")
        await tx.run("UPDATE subscriptions SET status = 'active' WHERE account_id = $1")
    campaign = await post.campaign([listed])
    assert not await restores.may_send(post.services)
    await departures_kept.replay(post.services, Task(PLATFORM, restores.REPLAY, 0, 0, 1))
    async with post.services.db.shared() as tx:
        assert (await restores.show(tx)).replayed >= 2  # tests beside this one leave, too
    await restores.resume(post.services, begun=True)
    await post.run()
    assert post.sink.recipients == ["eve@left.test"]
    assert await post.status(campaign) == "sent"


async def test_departures_are_kept_for_35_days_only(services: Services) -> None:
    old = int((datetime.now(UTC) - timedelta(days=36)).timestamp() * 1000)
    await services.redis.delete(departures_kept.STREAM)
    for n in range(300):
        await services.redis.xadd(departures_kept.STREAM, {b"d": b"[]"}, id=f"{old}-{n + 1}")
    await departures_kept.note(services, [RecipientToken(1, 2, 3, b"\0" * 16)])
    # whole nodes of a stream leave, a hundred entries each
    assert await services.redis.xlen(departures_kept.STREAM) <= 101


async def test_an_operator_sees_what_is_held_and_confirms_and_nobody_else_does(
    post: Post, people: People
) -> None:
    await _lived(post.services)
    await post.campaign([await people("ana@page.test")])
    await _put_back(post.services)
    assert not await restores.may_send(post.services)
    await _follow(post)
    owner = await post.make.signed_in(post.account.owner_id)
    assert (await owner.get("/app/operator/restore")).status == 404
    assert (await owner.post("/app/operator/restore/resumptions")).status == 404
    assert "Sending is held" in (await owner.get(post.account.app)).text
    async with post.services.db.shared() as tx:
        await tx.run("UPDATE users SET is_operator = true WHERE id = $1", post.account.owner_id)
    operator = await post.make.signed_in(post.account.owner_id, language="fr")
    shown = await operator.get("/app/operator/restore")
    assert "Confirmer et reprendre les envois" in shown.text
    assert (await operator.post("/app/operator/restore/resumptions", {"begun": "true"})).status == 303
    assert "Les envois ne sont pas suspendus." in (await operator.get("/app/operator/restore")).text
    await post.run()
    assert post.sink.recipients == ["ana@page.test"]
    assert (await operator.post("/app/operator/restore/holds")).status == 303
    assert not await restores.may_send(post.services)


async def test_the_command_and_the_doctor_say_what_is_held(
    services: Services, capsys: pytest.CaptureFixture[str]
) -> None:
    async def said(*words: str) -> str:
        await sending_commands.run(services.settings, command_options.build().parse_args(["sending", *words]))
        return capsys.readouterr().out

    async def finding() -> tuple[str, str]:
        found = await doctor_servers._restored(services.db, services.settings)
        return found.mark.name, found.text

    await _lived(services)
    assert await said("status") == "Sending is not held.\n"
    assert (await finding())[0] == "OK"
    await _put_back(services)
    told = await said("status")
    assert "behind what Valkey or a data folder knows" in told
    assert "mailer sending resume" in told
    assert (await finding())[0] == "WRONG"
    assert json.loads(await said("status", "--json"))["reason"] == "behind"
    assert await said("resume") == "Sending is not held.\n"
    with pytest.raises(Conflict):
        await said("resume")
    assert "an operator asked for it" in await said("hold")
    await said("resume", "--begun")
    restores._memories.clear()
    await services.redis.delete(restores.MARKS)
    (services.settings.data_dir / restores.FILE).unlink()
    mark, text = await finding()
    assert (mark, "would not notice" in text) == ("LOOK", True)
