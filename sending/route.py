"""The way of an account's mail: its servers in order, and which one carries a group.

    main ─ was not reached ─▶ spare, for what nobody can have accepted; a minute later main is tried again

A mail goes to the spare only after a reply that proves that the main server accepted nothing. What it refused
with a reason stays refused, and what broke off behind the final dot is in doubt: neither leaves a second time
(D-22).
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from mailer.core.db import AccountTx
from sending import replies, servers, smtp
from sending.smtp import ANY, Mail, Pool, Reply, Terms
from sending.smtp_url import Server

AWAY_SECONDS = 60.0
# servers that were not reached, and until when others are tried first; of this process
_away: dict[tuple[asyncio.AbstractEventLoop, Server], float] = {}


@dataclass(slots=True)
class Route:
    """`pools` in the order of trying, at least one. `met`: row of smtp_servers → why nothing went, or ""."""

    pools: Sequence[Pool]
    met: dict[int, str] = field(default_factory=dict)

    async def hand_over(self, mail: Mail) -> Reply:
        """One mail, once."""
        [reply] = await self.hand_over_all([mail])
        return reply or smtp.UNOPENED

    @property
    def size(self) -> int:
        """Connections at once."""
        return self.pools[0].size

    async def hand_over_all(self, mails: Sequence[Mail], terms: Terms = ANY) -> list[Reply | None]:
        """Each mail at most once; the replies in the order of the mails, None where `terms` said stop."""
        found: dict[int, Reply | None] = {}
        waiting = list(range(len(mails)))
        for pool in self._order():
            answers = await pool.hand_over_all([mails[n] for n in waiting], terms)
            found.update(zip(waiting, answers, strict=True))
            self._note(pool.server, [reply for reply in answers if reply is not None])
            waiting = [n for n, reply in found.items() if reply is not None and not_reached(reply)]
            if not waiting:
                break
        return [found[n] for n in range(len(mails))]

    async def note(self, tx: AccountTx) -> None:
        """For the page of servers: what was met on the way."""
        await servers.note(tx, self.met)

    def _order(self) -> list[Pool]:
        """Those that are not away; all, when all are."""
        loop = asyncio.get_running_loop()
        for key in [key for key, until in _away.items() if key[0] is loop and until <= loop.time()]:
            del _away[key]
        return [one for one in self.pools if (loop, one.server) not in _away] or list(self.pools)

    def _note(self, server: Server, answers: Sequence[Reply]) -> None:
        failure = next((reply for reply in answers if not_reached(reply) or about_us(reply)), None)
        if failure is not None and not_reached(failure):
            loop = asyncio.get_running_loop()
            _away[(loop, server)] = loop.time() + AWAY_SECONDS
        if server.row:
            text = (
                f"{failure.code or ''} {replies.shown(failure.text)}".strip() if failure is not None else ""
            )
            self.met[server.row] = text


def of(found: Sequence[Server], hostname: str, *, stream: str = "", size: int = 0) -> Route:
    """`stream` and `size` as `smtp.pool` takes them."""
    return Route([smtp.pool(server, hostname, stream=stream, size=size) for server in found])


def not_reached(reply: Reply) -> bool:
    """Did it let nobody in, break off before it could accept, or say that it closes (RFC 5321 §3.8)?"""
    return reply.unreached or reply.stage == "connect" or (reply.stage == "mail" and reply.code == 421)


def about_us(reply: Reply) -> bool:
    """A refusal of the return path: no mail of ours would go. 552 is about the size of this one."""
    return reply.stage == "mail" and 400 <= reply.code < 600 and reply.code != 552
