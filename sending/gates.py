"""Places for hand-overs: so many of one profile at a time in one lane. Their number may change on the way."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Gate:
    """`most` 0: any number at a time. Whoever waits comes in by the order of coming."""

    most: int = 0
    busy: int = 0
    _waiting: deque[asyncio.Future[None]] = field(default_factory=deque)

    def resize(self, most: int) -> None:
        self.most = most
        self._let_in()

    def _let_in(self) -> None:
        room = len(self._waiting) if not self.most else self.most - self.busy
        while self._waiting and room > 0:
            one = self._waiting.popleft()
            if not one.done():
                one.set_result(None)
                self.busy += 1
                room -= 1

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        if not self._waiting and (not self.most or self.busy < self.most):
            self.busy += 1
        else:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self.busy -= 1
                    self._let_in()
                raise
        try:
            yield
        finally:
            self.busy -= 1
            self._let_in()
