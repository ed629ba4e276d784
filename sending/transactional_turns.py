"""One turn of an account's transactional messages: what is due leaves, eight at a time, until nothing is.

A stream of its own (D-82): its work waits in a queue of its own (mailer/worker.py), its hand-overs have
places and connections of their own, so that a campaign of a million is never in front of it.
"""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from mailer.core import addresses, clock, jobs, keys, restores
from mailer.core.db import AccountTx
from mailer.core.errors import NotFound
from mailer.core.services import Services
from mailer.core.work import Task
from sending import (
    dkim,
    domains,
    feedback_hooks,
    outcomes,
    recording,
    return_paths,
    route,
    servers,
    signing,
    slots,
    transactional_content,
)
from sending import transactional_queue as queue
from sending.outcomes import Outcome
from sending.recording import database_away
from sending.route import Route
from sending.smtp import Mail
from sending.transactional_content import Composed, From
from sending.transactional_queue import Claimed

log = structlog.get_logger()
Signers = tuple[dkim.Key, ...]
STREAM = "messages"
CONNECTIONS = 4
LAST_TRY = timedelta(seconds=10)  # before its end: a try later than that would be none
STANDS_STILL = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class _Made:
    row: Claimed
    mail: Mail


def _signed(made: Sequence[_Made], signers: Mapping[str, Signers]) -> list[_Made]:
    return [replace(one, mail=signing.signed([one.mail], signers[one.row.sender_email])[0]) for one in made]


async def send(services: Services, task: Task) -> datetime | None:
    """The job "sending.send_messages": one row of work an account."""
    if not await restores.may_send(services):
        return jobs.in_(seconds=restores.IDLE_SECONDS)
    try:
        async with services.db.account(task.account_id) as tx:
            doubtful = await queue.settle(tx)
            active = (await queue.state(tx)).active
            found = await servers.of(tx, services)
    except NotFound:
        return None
    if doubtful:
        log.warning("messages in doubt", account=task.account_id, count=doubtful)
    if not found:
        log.error("no SMTP server is set")
        return jobs.in_(minutes=1)
    way = route.of(found, services.settings.mail_domain, stream=STREAM, size=CONNECTIONS)
    turn = _Turn(services, task.account_id, way, over=not active)
    try:
        await turn.run()
    finally:
        slots.of_messages().leave(turn)
        await asyncio.shield(turn.release())
    return await turn.next_run()


@dataclass(slots=True, eq=False)
class _Turn:
    services: Services
    account_id: int
    route: Route
    over: bool = False
    away: bool = False
    # what became of messages, and which may have begun without having left: not in the database yet
    done: Sequence[Outcome] = ()
    unsure: Sequence[int] = ()
    providers: tuple[str, ...] = ()
    mark: int = field(default_factory=lambda: secrets.randbelow(2**31))
    ends: float = field(default_factory=lambda: asyncio.get_running_loop().time() + jobs.TURN_SECONDS)

    async def run(self) -> None:
        """As a campaign's lane: whatever breaks it off, what became of messages is written down."""
        try:
            await self._groups()
        except Exception as error:
            if self.done or self.unsure:
                await recording.write_down(
                    self._record, error, account=self.account_id, outcomes=len(self.done)
                )
            if not database_away(error):
                raise
            self.over = True

    async def _groups(self) -> None:
        while True:
            group = await self._claimed()
            if not (group or self.done):
                return
            begun = await self._step(group)
            slots.of_messages().keep(self, len(begun))
            self.unsure = ()
            self.done = await asyncio.gather(*(self._hand_over(one) for one in begun))

    @property
    def _stopping(self) -> bool:
        return self.over or self.away or asyncio.get_running_loop().time() >= self.ends

    async def _claimed(self) -> list[_Made]:
        """The next group, its mails made."""
        if self._stopping or not await restores.may_send(self.services, every=restores.SENDING_SECONDS):
            return []
        room = await slots.of_messages().take(self, slots.FOR_MESSAGES)
        try:
            while not self._stopping:
                async with self.services.db.account(self.account_id) as tx:
                    rows = await queue.claim(tx, self.mark, room)
                    made = await self._make(tx, rows)
                    signers = await self._signers(tx, made)
                if made or not rows:
                    return await asyncio.to_thread(_signed, made, signers)
        except Exception as error:
            # outcomes of mails on their way are still to be written: the turn ends in order
            if not database_away(error):
                raise
            self.over = True
        return []

    async def _make(self, tx: AccountTx, rows: Sequence[Claimed]) -> list[_Made]:
        """Mails of claimed rows; what cannot be made has failed."""
        sealer = self.services.sealer
        pieces = [(row.key_day, piece) for row in rows for piece in (row.envelope, row.content)]
        opened = await keys.open_many(tx, sealer, pieces)
        key, today = await keys.hash_key(tx, sealer), clock.now().date()
        self.providers = await feedback_hooks.providers(tx)
        made, failed = [], []
        for n, row in enumerate(rows):
            envelope, content = opened[2 * n], opened[2 * n + 1]
            if envelope is None or content is None:
                failed.append((row.id, "expired", "the content was erased"))
                continue
            try:
                made.append(_Made(row, self._mail(row, envelope, content, key)))
            except ValueError:
                failed.append((row.id, "address", "the address or name fits into no header"))
                continue
            if row.key_day < today:
                await queue.sealed_again(
                    tx,
                    row.id,
                    day=today,
                    envelope=await keys.seal_content(tx, sealer, day=today, plain=envelope),
                    content=await keys.seal_content(tx, sealer, day=today, plain=content),
                )
        if failed:
            await queue.fail(tx, self.mark, failed)
        return made

    async def _signers(self, tx: AccountTx, made: Sequence[_Made]) -> dict[str, Signers]:
        """The keys of each sender's domain, by the sender's address."""
        found = {}
        for email in {one.row.sender_email for one in made}:
            domain = addresses.domain_of(addresses.parse(email).key)
            found[email] = await domains.signing_keys(tx, self.services, domain)
        return found

    def _mail(self, row: Claimed, envelope: bytes, content: bytes, key: bytes) -> Mail:
        composed = Composed(
            envelope=transactional_content.read_envelope(envelope),
            content=transactional_content.read_content(content),
        )
        settings = self.services.settings
        returns = return_paths.of_messages(
            self.services.tokens, settings.mail_domain, account_id=self.account_id
        )
        sender = From(
            account_id=self.account_id,
            name=row.sender_name,
            email=row.sender_email,
            reply_to=row.sender_reply_to,
            key=key,
            return_path=returns.path(returns.token(row.id, b"")),
            providers=self.providers,
        )
        return transactional_content.mail(row.id, row.design_id, composed, sender=sender, settings=settings)

    async def _step(self, group: Sequence[_Made]) -> list[_Made]:
        """Writes the last outcomes and begins the next group; returns those to hand over."""
        self.unsure = [one.row.id for one in group]
        async with self.services.db.account(self.account_id) as tx:
            begun = await queue.step(tx, self.mark, self.done, self.unsure)
        self.done = ()
        if len(begun) < len(group):
            # the account may have been stopped: what was not begun goes back
            async with self.services.db.account(self.account_id) as tx:
                self.over = self.over or not (await queue.state(tx)).active
        return [one for one in group if one.row.id in begun]

    async def _record(self) -> None:
        async with self.services.db.account(self.account_id) as tx:
            await queue.step(tx, self.mark, self.done, [])
            await queue.take_back(tx, self.mark, self.unsure)

    async def _hand_over(self, one: _Made) -> Outcome:
        reply = await self.route.hand_over(one.mail)
        if reply.server_fails:
            self.away = True
        now = clock.now()
        age = now - one.row.first_at if one.row.first_at else timedelta(0)
        found = outcomes.of(one.row.id, reply, attempts=one.row.attempts, age=age)
        left = one.row.expires_at - now - LAST_TRY
        if found.status != "queued" or found.wait <= left:
            return found
        if left <= timedelta(0):
            return replace(found, status="failed", reason="expired")
        return replace(found, wait=left)

    async def release(self) -> None:
        """What was claimed and not begun goes back. A database that is away leaves that to the next turn."""
        try:
            async with self.services.db.account(self.account_id) as tx:
                await queue.release(tx, self.mark)
        except Exception as error:
            if not database_away(error):
                raise

    async def next_run(self) -> datetime | None:
        """When this account's queue is wanted again; None when nothing is open."""
        async with self.services.db.account(self.account_id) as tx:
            state = await queue.state(tx)
        if state.next_at is None:
            return None
        if not state.active:
            return clock.now() + STANDS_STILL
        if self.away:
            return clock.now() + outcomes.jittered(outcomes.SERVER_AWAY)
        return max(state.next_at, jobs.again())
