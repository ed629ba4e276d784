"""Every column that the operator's secret seals, and sealing them again under a new one (E-37).

    MAILER_SECRET_KEY new, MAILER_OLD_SECRET_KEYS old ─▶ processes restarted ─▶ again(): in batches
    ─▶ nothing bears an old secret's mark any more ─▶ the old secret may go

What is sealed says by which key (core/sealing.py): a run that was cut short goes on where it stopped. The
purpose is bound to its row: it is put together from the row's own columns.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import structlog

from mailer.core.db import Database
from mailer.core.sealing import Sealer, Unsealable

log = structlog.get_logger()
BATCH = 500


@dataclass(frozen=True, slots=True)
class Column:
    """`key`: what names a row beside its account. `purpose`: as its owner seals it, with names of columns."""

    table: str
    name: str
    purpose: str
    key: tuple[str, ...] = ("id",)
    walled: bool = True

    @property
    def title(self) -> str:
        return f"{self.table}.{self.name}"


COLUMNS = (
    Column("signing_keys", "sealed", "signing key", walled=False),
    Column("proof_keys", "sealed", "proof key", walled=False),
    Column(
        "operator_mailbox",
        "sealed_password",
        "operator imap password {host} {port} {username}",
        ("one",),
        False,
    ),
    Column("stray_mails", "content", "stray mail", walled=False),
    Column("kept_forms", "sealed", "kept form {user_id}", ("token_hash",), False),
    Column("second_factors", "sealed", "second factor {user_id}", ("user_id",), False),
    Column("second_factors", "pending", "second factor {user_id}", ("user_id",), False),
    Column("account_keys", "sealed", "account {account_id}", ("purpose",)),
    Column("content_masters", "sealed", "content master {account_id}", ()),
    # those from before there was a master
    Column("content_keys", "sealed", "content {account_id} {day}", ("day",)),
    Column("dkim_keys", "sealed", "dkim {account_id} {selector}"),
    Column("smtp_servers", "sealed_password", "smtp password {account_id} {host} {port} {username}"),
    Column("report_mailboxes", "sealed_password", "imap password {account_id} {host} {port} {username}"),
    Column("feedback_hooks", "sealed_secret", "feedback hook {account_id} {server_id} {provider}"),
    Column("webhook_endpoints", "sealed_secret", "webhook {account_id}"),
    Column("webhook_endpoints", "sealed_old_secret", "webhook {account_id}"),
    Column("rights_asks", "sealed_address", "rights request {account_id}"),
    Column("rights_requests", "sealed_address", "rights request {account_id}"),
    Column("idempotency_keys", "answer", "answer {account_id}", ("key_hash",)),
)


@dataclass(slots=True)
class Tally:
    """`old`: under a secret of before that is here. `lost`: under one that is not."""

    old: int = 0
    lost: int = 0


async def count(db: Database, sealer: Sealer) -> dict[str, Tally]:
    """By column; those with nothing are left out."""
    found: dict[str, Tally] = {}
    async for connection, columns in _places(db):
        for title, tally in (await _tallies(connection, columns, sealer)).items():
            whole = found.setdefault(title, Tally())
            whole.old += tally.old
            whole.lost += tally.lost
    return found


async def again(db: Database, sealer: Sealer) -> AsyncIterator[tuple[str, int]]:
    """Seals what is under an old secret under the current one; tells column and rows of each batch."""
    async for connection, columns in _places(db):
        tallies = await _tallies(connection, columns, sealer)
        for column in columns:
            while column.title in tallies and (sealed := await _batch(connection, column, sealer)):
                yield column.title, sealed


async def _tallies(connection: Any, columns: list[Column], sealer: Sealer) -> dict[str, Tally]:
    """One question for a whole account: most have nothing."""
    marks = " UNION ALL ".join(
        f"SELECT '{column.title}' AS title, substr({column.name}, 2, 4) AS mark FROM {column.table}"
        for column in columns
    )
    rows = await connection.fetch(
        f"""
        SELECT title, count(*) FILTER (WHERE mark = ANY ($1::bytea[])) AS old,
               count(*) FILTER (WHERE mark <> ALL ($2::bytea[])) AS lost
        FROM ({marks}) AS marks
        WHERE mark <> $3
        GROUP BY title
        """,
        sealer.old_marks,
        [sealer.mark, *sealer.old_marks],
        sealer.mark,
    )
    # a key of a day is under its account's master, whose mark is known to nobody here
    found = {title: Tally(old, 0 if title == "content_keys.sealed" else lost) for title, old, lost in rows}
    return {title: tally for title, tally in found.items() if tally.old or tally.lost}


async def _batch(connection: Any, column: Column, sealer: Sealer) -> int:
    async with connection.transaction():
        rows = await connection.fetch(
            f"SELECT * FROM {column.table} WHERE substr({column.name}, 2, 4) = ANY ($1::bytea[])"
            f" LIMIT {BATCH} FOR UPDATE",
            sealer.old_marks,
        )
        fresh = [one for row in rows if (one := _sealed_again(row, column, sealer)) is not None]
        where = " AND ".join(
            f"{name} = ${n}" for n, name in enumerate((*_owner(column), *column.key), start=2)
        )
        await connection.executemany(
            f"UPDATE {column.table} SET {column.name} = $1 WHERE {where}",
            fresh,
        )
    return len(fresh)


def _sealed_again(row: Any, column: Column, sealer: Sealer) -> tuple[object, ...] | None:
    """None for a damaged value: it stays, is counted, and stops nothing."""
    purpose = column.purpose.format_map(dict(row))
    try:
        sealed = sealer.seal(sealer.open(row[column.name], purpose), purpose)
    except Unsealable:
        log.error("a sealed value is damaged", column=column.title)
        return None
    return (sealed, *(row[name] for name in (*_owner(column), *column.key)))


def _owner(column: Column) -> tuple[str, ...]:
    return ("account_id",) if column.walled else ()


async def _places(db: Database) -> AsyncIterator[tuple[Any, list[Column]]]:
    """The global tables, then each account's, seen from inside its wall."""
    async with db.connection() as connection:
        yield connection, [column for column in COLUMNS if not column.walled]
        last = 0
        while accounts := await connection.fetch(
            "SELECT id FROM accounts WHERE id > $1 ORDER BY id LIMIT 1000", last
        ):
            for (last,) in accounts:
                await connection.execute(f"SET app.account_id = '{last:d}'")
                try:
                    yield connection, [column for column in COLUMNS if column.walled]
                finally:
                    await connection.execute("RESET app.account_id")
