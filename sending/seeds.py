"""Test addresses: mailboxes at several providers where the team looks at a draft before it leaves.

    add ─ mail with a link ─▶ pending ─ its owner confirms ─▶ confirmed ─ its owner leaves ─▶ refused
                                                   removed ◀─ the team takes it off ─┘

A test is no way around consent: an address that is not the team's own gets none before its owner said yes on
the page of the link, and the same link is the way out for good.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import StringConstraints

from mailer.accounts import audit, identity
from mailer.core import addresses, clock, outbox
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict, Fault, NotFound, TooMany
from mailer.core.links import Links
from mailer.core.text import N_
from mailer.core.tokens import Purpose
from mailer.web.request import Input
from sending import senders

MOST = 20
MAILS_A_DAY = 20
LINK_DAYS = 3
# the link stays the way out for as long as its key is kept (S9)
OUT_DAYS = 3 * 365


class NewSeed(Input):
    email: Annotated[str, StringConstraints(max_length=320)]
    label: Annotated[str, StringConstraints(max_length=120)] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """`status` is pending, confirmed or refused. `team`: a colleague's, who confirmed it already."""

    id: int
    email: str
    label: str
    team: bool
    status: str
    asked_at: datetime
    confirmed_at: datetime | None
    created_at: datetime


async def many(tx: AccountTx) -> list[Seed]:
    """Of the account, by age."""
    return await tx.many(
        Seed,
        """
        SELECT id, email, label, team, status, asked_at, confirmed_at, created_at
        FROM seeds
        WHERE account_id = $1 AND status <> 'removed'
        ORDER BY id
        """,
    )


async def show(tx: AccountTx, seed_id: int) -> Seed:
    """Raises NotFound, for a removed one too."""
    return await tx.one(
        Seed,
        """
        SELECT id, email, label, team, status, asked_at, confirmed_at, created_at
        FROM seeds
        WHERE account_id = $1 AND id = $2 AND status <> 'removed'
        """,
        seed_id,
    )


async def usable(tx: AccountTx) -> list[str]:
    """Addresses that tests may go to now."""
    team = {addresses.parse(one).key for one in await identity.team(tx)}
    return [
        one.email
        for one in await many(tx)
        if one.status == "confirmed" and (not one.team or addresses.parse(one.email).key in team)
    ]


async def add(tx: AccountTx, new: NewSeed, links: Links) -> Seed:
    """One more, and its confirmation mail unless it is a colleague's.

    Raises Invalid for what is no address, Conflict when it is there, when its owner refused or when there are
    MOST already, TooMany when too many confirmation mails left today.
    """
    address = senders.read_address(new.email, "email")
    team = address.key in {addresses.parse(one).key for one in await identity.team(tx)}
    found = await tx.rows(
        "SELECT status, asked_at FROM seeds WHERE account_id = $1 AND address_key = $2 FOR UPDATE",
        address.key,
    )
    _check_known(found, address.email)
    if len(await many(tx)) >= MOST:
        raise Conflict(
            Fault("email", N_("{n} test addresses at most. Take one off first."), "most", {"n": MOST})
        )
    if not team:
        await _check_rate(tx, found[0][1] if found else None)
    made = await tx.one(
        Seed,
        """
        INSERT INTO seeds (account_id, email, address_key, label, team, status, confirmed_at)
        VALUES ($1, $2, $3, $4, $5, CASE WHEN $5 THEN 'confirmed' ELSE 'pending' END,
                CASE WHEN $5 THEN now() END)
        ON CONFLICT (account_id, address_key) DO UPDATE
        SET email = excluded.email, label = excluded.label, team = excluded.team, status = excluded.status,
            confirmed_at = excluded.confirmed_at, created_at = now(),
            asked_at = CASE WHEN excluded.team THEN seeds.asked_at ELSE now() END
        RETURNING id, email, label, team, status, asked_at, confirmed_at, created_at
        """,
        address.email,
        address.key,
        new.label,
        team,
    )
    if not team:
        await _mail(tx, made, links)
    await audit.write(tx, "created", "seed", made.id)
    return made


async def ask_again(tx: AccountTx, seed_id: int, links: Links) -> Seed:
    """The confirmation mail once more; the earlier link is void. Raises NotFound, Conflict and TooMany."""
    seed = await show(tx, seed_id)
    if seed.status == "confirmed":
        raise Conflict(Fault("status", N_("{email} is confirmed already."), "status", {"email": seed.email}))
    if seed.status == "refused":
        raise _refused(seed.email)
    await _check_rate(tx, seed.asked_at)
    asked = await tx.one(
        Seed,
        """
        UPDATE seeds
        SET asked_at = now()
        WHERE account_id = $1 AND id = $2 AND status = 'pending'
        RETURNING id, email, label, team, status, asked_at, confirmed_at, created_at
        """,
        seed_id,
    )
    await _mail(tx, asked, links)
    await audit.write(tx, "asked", "seed", seed_id)
    return asked


async def remove(tx: AccountTx, seed_id: int) -> None:
    """Off the list, by the team; an owner's no is kept. Raises NotFound."""
    seed = await show(tx, seed_id)
    if seed.status == "refused":
        raise _refused(seed.email)
    await tx.run(
        """
        UPDATE seeds
        SET status = 'removed', confirmed_at = NULL, label = ''
        WHERE account_id = $1 AND id = $2
        """,
        seed_id,
    )
    await audit.write(tx, "deleted", "seed", seed_id)


async def confirm(tx: AccountTx, seed_id: int, *, asked: int) -> Seed:
    """By the owner of the mailbox; pressed twice, it happens once. Raises NotFound when void or late."""
    seed = await of_link(tx, seed_id, asked=asked)
    if seed.status == "confirmed":
        return seed
    if is_late(seed):
        raise NotFound
    await tx.run(
        """
        UPDATE seeds
        SET status = 'confirmed', confirmed_at = now()
        WHERE account_id = $1 AND id = $2 AND status IN ('pending', 'refused')
        """,
        seed_id,
    )
    await audit.write(tx, "confirmed", "seed", seed_id)
    return await show(tx, seed_id)


async def refuse(tx: AccountTx, seed_id: int, *, asked: int) -> Seed:
    """By the owner of the mailbox, at any time: no test goes there, nobody asks again. Raises NotFound."""
    seed = await of_link(tx, seed_id, asked=asked)
    if seed.status != "refused":
        await tx.run(
            """
            UPDATE seeds
            SET status = 'refused', confirmed_at = NULL
            WHERE account_id = $1 AND id = $2
            """,
            seed_id,
        )
        await audit.write(tx, "revoked", "seed", seed_id)
    return await show(tx, seed_id)


async def of_link(tx: AccountTx, seed_id: int, *, asked: int) -> Seed:
    """The seed of the newest link. Raises NotFound."""
    seed = await show(tx, seed_id)
    if asked_ms(seed) != asked or seed.team:
        raise NotFound
    return seed


def is_late(seed: Seed) -> bool:
    """Three days after the mail a yes is no longer taken: who found it later did not ask for it."""
    return clock.now() > seed.asked_at + timedelta(days=LINK_DAYS)


def asked_ms(seed: Seed) -> int:
    return int(seed.asked_at.timestamp() * 1000)


def read_token(links: Links, token: str) -> tuple[int, int, int]:
    """Account, seed and time of asking in a link. Raises NotFound when damaged or over."""
    numbers = links.tokens.read_timed(Purpose.SEED, token, now=int(clock.now().timestamp()))
    if len(numbers) != 3:
        raise NotFound
    return numbers[0], numbers[1], numbers[2]


def _check_known(found: Sequence[tuple[str, datetime]], email: str) -> None:
    if found and found[0][0] == "refused":
        raise _refused(email)
    if found and found[0][0] != "removed":
        message = N_("{email} is a test address already.")
        raise Conflict(Fault("email", message, "conflict", {"email": email}))


async def _check_rate(tx: AccountTx, asked_at: datetime | None) -> None:
    """Nobody is mailed twice within the hour, and an account mails few strangers a day (E-14)."""
    if asked_at is not None and asked_at > clock.now() - timedelta(hours=1):
        message = N_("The e-mail to this address left less than an hour ago. Look for it first.")
        raise TooMany(3600, message)
    asked = await tx.value(
        """
        SELECT count(*) FROM seeds
        WHERE account_id = $1 AND NOT team AND asked_at > now() - interval '1 day'
        """
    )
    if asked >= MAILS_A_DAY:
        raise TooMany(86_400, N_("Too many confirmation e-mails left today. Go on tomorrow."))


def _refused(email: str) -> Conflict:
    message = N_("The owner of {email} wants no tests. Only the link in their e-mail can change that.")
    return Conflict(Fault("email", message, "refused", {"email": email}))


async def _mail(tx: AccountTx, seed: Seed, links: Links) -> None:
    expires = int((clock.now() + timedelta(days=OUT_DAYS)).timestamp())
    who = await identity.of(tx)
    details = {
        "link": links.seed(tx.account_id, seed.id, asked=asked_ms(seed), expires=expires),
        "email": seed.email,
        "account": who.legal_name or who.account_name,
        "days": LINK_DAYS,
    }
    await outbox.write(tx, "confirm_seed", seed.email, language=who.language, details=details)
