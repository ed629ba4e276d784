"""The hand-over of mails on one open connection: commands, bodies, and what each reply means (RFC 5321 §3.3).

    MAIL, RCPT, DATA → body, final dot, and the next MAIL, RCPT, DATA → reply → …

Where the server offers PIPELINING the commands of a group leave in one write, and the next mail's behind the
body of the one before (RFC 2920 §3.1): one round trip a mail. Elsewhere each command waits for its reply.

What counts is where it ended: without a reply before the final dot nothing was accepted and the mail may go
again; without one after it nobody knows, and the delivery is in doubt (D-22).
"""

import contextlib
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sending.replies import Stage
from sending.wire import Lost, Wire

MESSAGES_EACH = 100  # D-70: what a large provider allows a connection
WHOLE = 65_536
"""A message up to this many octets is written at once; of a larger one the last line waits for the rest, so
that a connection lost on the way leaves no doubt."""
LATE = "no reply in time"
_ASCII = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds, at least those of RFC 5321 §4.5.3.2 (D-12)."""

    banner: float = 300
    mail: float = 300
    rcpt: float = 300
    data: float = 120
    block: float = 180
    end: float = 600


@dataclass(frozen=True, slots=True)
class Mail:
    """One message for one recipient; `message` has CRLF line ends throughout.

    `dotless`: none of its lines begins with a dot, so that nobody need look for one.
    """

    sender: str
    recipient: str
    message: bytes
    dotless: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """Where a hand-over ended. `code` 0: no reply came; at stage "end" that is the doubt."""

    stage: Stage
    code: int
    text: str

    @property
    def in_doubt(self) -> bool:
        return self.stage == "end" and self.code == 0

    @property
    def unreached(self) -> bool:
        """No reply, and nothing can have been accepted."""
        return self.code == 0 and self.stage != "end"

    @property
    def server_fails(self) -> bool:
        """It speaks of the server or of us, not of this mail: others had better wait as well."""
        if self.code == 0:
            return True
        return self.stage in ("connect", "mail") and self.code != 552


@dataclass(frozen=True, slots=True)
class Terms:
    """How a provider wants its mails: so many at once (0: as there are connections), so many a connection.

    `heard` is told each reply, and says whether the rest may go on: no mail is begun ahead of it.
    """

    at_once: int = 0
    each: int = MESSAGES_EACH
    heard: Callable[[Reply], Awaitable[bool]] | None = None


ANY = Terms()


@dataclass(slots=True, eq=False)
class Order:
    """A mail to be handed over once. `tried`: connections that broke before it; `held`: not to be begun."""

    mail: Mail
    reply: Reply | None = None
    tried: int = 0
    held: bool = False


@dataclass(slots=True)
class Run:
    """The orders of one call, taken by as many connections as there are."""

    waiting: deque[Order]
    runners: int
    terms: Terms = ANY

    def put_back(self, order: Order) -> None:
        self.waiting.appendleft(order)

    async def goes_on(self, reply: Reply) -> bool:
        """False once the terms say that no more is to be handed over."""
        if self.terms.heard is not None and reply.code and not await self.terms.heard(reply):
            while self.waiting:
                self.waiting.popleft().held = True
            return False
        return True

    @property
    def plenty(self) -> bool:
        """Is there enough for every connection, so that one may take the next mail ahead of its turn?"""
        return len(self.waiting) >= self.runners


@dataclass(slots=True)
class Session:
    wire: Wire
    extensions: frozenset[str]
    size_limit: int
    timeouts: Timeouts
    messages_each: int = MESSAGES_EACH
    sent: int = 0
    used_at: float = 0.0
    # a transaction was left open: RSET goes in front of the next
    open: bool = False

    def spent(self, terms: Terms) -> bool:
        return self.sent >= min(terms.each, self.messages_each) or not self.wire.usable

    async def carry(self, run: Run) -> bool:
        """Orders of a run, one behind the other, until none waits or this connection has had its share.

        Raises nothing of SMTP's: every order taken has its reply or is waiting again. False when the server
        broke a new connection, or any behind a final dot: going on might leave one doubt after the other.
        """
        ahead: Order | None = None
        while ahead is not None or not self.spent(run.terms):
            order = ahead or self._next(run)
            if order is None:
                return True
            fresh, opened, ahead = not self.sent, ahead is not None, None
            try:
                reply = await self._begin(order, opened=opened)
                if reply is None:
                    ahead = self._next(run) if self._may_go_ahead(run) else None
                    reply = await self._body(order, ahead)
            except BaseException:
                self.wire.close()
                raise
            order.reply = reply
            self.sent += 1
            self.used_at = time.monotonic()
            goes_on = await run.goes_on(reply)
            if reply.code == 421:  # RFC 5321 §3.8: it is closing, at any time
                self.wire.close()
            if not self.wire.usable:
                if ahead is not None:
                    run.put_back(ahead)
                if not fresh and order.tried < 2 and reply.unreached and reply.stage == "mail":
                    self._try_elsewhere(run, order, reply)
                return not (reply.in_doubt or (fresh and reply.unreached))
            if not goes_on:
                return True
        return True

    def _try_elsewhere(self, run: Run, order: Order, reply: Reply) -> None:
        """A server may close what was idle: nothing was accepted. One that hangs is waited for only once."""
        if reply.text != LATE:
            order.reply, order.tried = None, order.tried + 1
            run.put_back(order)

    def _may_go_ahead(self, run: Run) -> bool:
        if "pipelining" not in self.extensions or run.terms.heard is not None:
            return False
        return self.sent + 1 < min(run.terms.each, self.messages_each) and run.plenty

    def _next(self, run: Run) -> Order | None:
        """The next one that this server can take at all."""
        while run.waiting:
            order = run.waiting.popleft()
            order.reply = self._refused(order.mail)
            if order.reply is None:
                return order
        return None

    def _refused(self, mail: Mail) -> Reply | None:
        """What need not be tried: too large (RFC 1870), or beyond ASCII without SMTPUTF8 (D-08)."""
        if 0 < self.size_limit < len(mail.message):
            text = f"5.3.4 the message has {len(mail.message)} octets, {self.size_limit} are taken"
            return Reply("mail", 552, text)
        if not _ASCII.fullmatch(mail.recipient) and "smtputf8" not in self.extensions:  # RFC 6531 §3.5
            return Reply("rcpt", 553, "5.6.7 the server takes no address beyond ASCII")
        return None

    def _group(self, mail: Mail) -> list[bytes]:
        options = b" SIZE=%d" % len(mail.message) if "size" in self.extensions else b""
        if not _ASCII.fullmatch(mail.recipient):
            options += b" SMTPUTF8 BODY=8BITMIME"
        return [
            *([b"RSET\r\n"] if self.open else []),
            b"MAIL FROM:<%s>%s\r\n" % (mail.sender.encode(), options),
            b"RCPT TO:<%s>\r\n" % mail.recipient.encode(),
            b"DATA\r\n",
        ]

    async def _begin(self, order: Order, *, opened: bool) -> Reply | None:
        """Up to the server's word for the body; None when it may come. `opened`: the commands have left."""
        waits = self.timeouts
        commands = self._group(order.mail)
        stages: list[tuple[Stage, float]] = [("mail", waits.mail), ("rcpt", waits.rcpt), ("data", waits.data)]
        if self.open:
            stages.insert(0, ("mail", waits.mail))
        together = "pipelining" in self.extensions
        refused: Reply | None = None
        stage: Stage = "mail"
        try:
            if together and not opened:
                self.wire.write(b"".join(commands), len(commands))
            for number, (stage, seconds) in enumerate(stages):
                if not together:
                    self.wire.write(commands[number], 1)
                code, text = await self.wire.reply(seconds)
                reset = self.open and not number
                if refused is None and not reset and not _goes_on(stage, code):
                    refused = Reply(stage, code, text)
                if refused is not None and (not together or refused.code == 421):
                    break
            self.open = refused is not None
            if refused is not None and stage == "data" and code == 354:
                # it wants a body although it took nobody: an empty one ends that (RFC 2920 §3.1)
                self.wire.write(b".\r\n", 1)
                await self.wire.reply(waits.end)
        except Lost as lost:
            return refused or Reply(stage, 0, LATE if lost.late else lost.words)
        return refused

    async def _body(self, order: Order, ahead: Order | None) -> Reply:
        """The message, its last line, and the commands for the mail behind it."""
        wire, waits = self.wire, self.timeouts
        message = order.mail.message
        body = message if order.mail.dotless else _stuffed(message)
        following = self._group(ahead.mail) if ahead is not None else []
        last = b"".join((b".\r\n", *following))
        whole = len(body) <= WHOLE
        try:
            if whole:
                wire.write(body + last, 1 + len(following))
            else:
                wire.write(body, 0)
                await wire.taken(waits.block)
                wire.write(last, 1 + len(following))
        except Lost as lost:
            return Reply("data", 0, LATE if lost.late else lost.words)
        try:
            code, text = await wire.reply(waits.end)
        except Lost as lost:
            # octets that never left are the last ones: with nothing behind the final dot, that is one of them
            unfinished = wire.blocked and not following
            return Reply("data" if unfinished else "end", 0, LATE if lost.late else lost.words)
        return Reply("end", code, text)

    async def quit(self) -> None:
        with contextlib.suppress(Lost):
            self.wire.write(b"QUIT\r\n", 1)
            await self.wire.reply(2)
        self.wire.close()


def _stuffed(message: bytes) -> bytes:
    """RFC 5321 §4.5.2."""
    body = message.replace(b"\r\n.", b"\r\n..")
    return b"." + body if body.startswith(b".") else body


def _goes_on(stage: Stage, code: int) -> bool:
    match stage:
        case "rcpt":
            return code in (250, 251)
        case "data":
            return code == 354
        case _:
            return code == 250
