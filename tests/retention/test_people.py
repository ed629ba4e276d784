"""Who was removed from their last team is not kept for ever (A-005, A-006)."""

from datetime import timedelta

import pytest

from mailer.core import clock
from mailer.core.db import SharedTx
from mailer.core.services import Services
from retention_jobs import platform
from tests.make import Make

DAY = timedelta(days=1)


class _Undone(Exception):
    """What is swept here would be other tests' as well."""


@pytest.mark.req("A-005", "A-006", "B-66")
async def test_people_without_any_account_go_three_months_after_their_last_sign_in(
    services: Services, make: Make
) -> None:
    account = await make.account()
    removed, _ = await make.user(account.id, "editor")
    lately, _ = await make.user(account.id, "editor")
    member, _ = await make.user(account.id, "editor")
    operator, _ = await make.user(None)
    people = [removed, lately, member, operator]
    now = clock.now()
    long_ago = clock.months_before(now, 4)

    async def left(tx: SharedTx) -> set[int]:
        rows = await tx.rows("SELECT id FROM users WHERE id = ANY ($1::bigint[])", people)
        return {user_id for (user_id,) in rows}

    async def story(tx: SharedTx) -> None:
        await tx.run(
            "UPDATE users SET created_at = $2, email_confirmed_at = $2 WHERE id = ANY ($1::bigint[])",
            people,
            long_ago,
        )
        await tx.run("UPDATE users SET is_operator = true WHERE id = $1", operator)
        await tx.run("DELETE FROM sign_ins WHERE user_id = ANY ($1::bigint[])", people)
        for user_id, at, succeeded in (
            (removed, clock.months_before(now, 3) - DAY, True),
            # somebody who tries their address does not keep them here
            (removed, now, False),
            (lately, clock.months_before(now, 3) + DAY, True),
        ):
            await tx.run(
                "INSERT INTO sign_ins (user_id, at, succeeded) VALUES ($1, $2, $3)", user_id, at, succeeded
            )
        await tx.run(
            "DELETE FROM memberships WHERE user_id = ANY ($1::bigint[])", [removed, lately, operator]
        )
        await platform.purge(tx, now)
        assert await left(tx) == {lately, member, operator}
        await platform.purge(tx, now + 2 * DAY)
        assert await left(tx) == {member, operator}
        raise _Undone

    with pytest.raises(_Undone):
        async with services.db.shared() as tx:
            await story(tx)
