"""Whatever is done by whom, in whatever order: nobody who refused is in an audience (B-28, C-13, C-16, S5).

Hypothesis writes the stories, PostgreSQL plays them, and a model of a few lines says who may be mailed.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from lists import confirmations, erasures, restrictions, suppressions
from lists.erasures import By, Erasure
from lists.restrictions import Lifting, NewRestriction
from lists.suppressions import Reason
from mailer.core.errors import Conflict
from mailer.core.links import Links
from mailer.core.services import Services
from sending import outcomes
from tests.client import Client
from tests.contacts.test_returns import Model, Story, replace_list
from tests.make import Make

LISTS = ("A", "B", "C")
names = st.sampled_from(LISTS)


@pytest.fixture(autouse=True)
def _no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirmations, "ASK_AGAIN_MINUTES", 0)


class Rules(Model):
    """The model of test_returns, with bounces, the team's own stop, and the limit of use.

    `barred`: ways back that a bounce or the team closed, for the address at hand and for no other.
    """

    barred: frozenset[str] = frozenset()
    bounced = False
    blocked = False
    limited = False

    def may(self, name: str) -> bool:
        return super().may(name) and not self.bounced and not self.blocked

    def refuse(self, *, ends: bool) -> None:
        """Everything, by the person: beats a bounce and the team's stop. `ends`: subscriptions too."""
        self.stopped, self.back, self.bounced, self.blocked = True, set(), False, False
        self.barred = frozenset()
        if ends:
            self.on = dict.fromkeys(self.on, False)

    def return_to(self, name: str) -> None:
        if self.there and not self.blocked:
            self.do("come_back", name)
            self.bounced = False
            self.barred -= {name}

    def bar(self) -> None:
        """By a bounce or the team: what the person said for other addresses stands."""
        self.barred |= self.back
        self.back = set()


class Refusals(RuleBasedStateMachine):
    """One person, three lists. Coroutines run on the test's own loop, from Hypothesis's thread."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, services: Services, make: Make, client: Client
    ) -> None:
        super().__init__()
        self.loop, self.services, self.make, self.client = loop, services, make, client

    def play(self, story: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(story, self.loop).result(timeout=60)

    @initialize()
    def begin(self) -> None:
        async def made() -> Story:
            story = Story(self.services, self.make, await self.make.account())
            for name in LISTS:
                await story.make_list(name)
            await story.by_page("A")
            return story

        self.story: Story = self.play(made())
        self.model = Rules(on={"A": True})

    # ------------------------------------------------------------ the person

    @rule()
    def stop_everything(self) -> None:
        self.play(self.story.stop())
        self.model.refuse(ends=True)

    @rule(name=names)
    def leave(self, name: str) -> None:
        self.play(self.story.leave(name))
        self.model.do("leave", name)

    @rule()
    def complain(self) -> None:
        self.play(self._suppress(Reason.COMPLAINED))
        self.model.refuse(ends=False)

    @rule(name=names)
    def come_back(self, name: str) -> None:
        self.play(self.story.come_back(name))
        if not (self.model.on.get(name) and self.model.may(name)):
            self.model.return_to(name)

    @rule(ticked=st.sets(names))
    def use_the_preference_page(self, ticked: set[str]) -> None:
        wanted = self.model.mailable()
        asked = self.play(self._preferences(ticked))
        if not self.model.there:
            assert asked == set()
            return
        for name in wanted - ticked:
            self.model.do("leave", name)
        for name in sorted(ticked - wanted):
            self.model.return_to(name)

    # ------------------------------------------------------------ the team and its programs

    @rule(name=names, by=st.sampled_from(["by_page", "by_api", "in_bulk", "import_into"]))
    def add_to_a_list(self, name: str, by: str) -> None:
        if self.model.limited and by in ("by_page", "by_api"):
            with pytest.raises((Conflict, AssertionError)):
                self.play(getattr(self.story, by)(name))
            return
        self.play(getattr(self.story, by)(name))
        if not self.model.limited:
            self.model.do(by, name)

    @rule(name=names)
    def take_off(self, name: str) -> None:
        self.play(self.story.take_off(name))
        if not self.model.limited and self.model.there and self.model.on.get(name):
            del self.model.on[name]

    @rule()
    def write_down_an_objection(self) -> None:
        self.play(self._by_team("objected"))
        self.model.refuse(ends=True)

    @rule()
    def stop_by_the_team(self) -> None:
        self.play(self._by_team("added"))
        if self.model.stopped:
            self.model.bar()
        elif not self.model.bounced:
            self.model.blocked = True
        self.model.on = dict.fromkeys(self.model.on, False)

    @rule(asked_by=st.sampled_from(By))
    def erase(self, asked_by: By) -> None:
        done = self.play(self._erase(asked_by))
        assert done == (self.model.there and not self.model.limited)
        if done:
            if asked_by is By.PERSON:
                self.model.refuse(ends=True)
            self.model.do("erase", "")

    @rule()
    def limit_or_lift(self) -> None:
        if self.model.there:
            self.play(self._lift() if self.model.limited else self._limit())
            self.model.limited = not self.model.limited

    @rule()
    def bounce(self) -> None:
        if not self.model.there:
            return
        self.play(self._bounce())
        if self.model.stopped:
            self.model.bar()
        elif not self.model.blocked:
            self.model.bounced = True

    # ------------------------------------------------------------ what must hold

    @invariant()
    def nobody_who_refused_is_in_an_audience(self) -> None:
        if not hasattr(self, "story"):
            return
        if self.model.limited:
            assert self.play(self._audience()) <= self.model.mailable()
        else:
            assert self.play(self.story.mailable()) == self.model.mailable()
        refused = {name for name in LISTS if not self.model.may(name)}
        assert self.play(self.story.refused()) == refused

    async def _audience(self) -> set[str]:
        async with self.story.tx() as tx:
            contact = await self.story.contact_id(tx)
            return {
                name
                for name, one in self.story.lists.items()
                if await self.story._in_audience(tx, one, contact)
            }

    async def _suppress(self, reason: Reason) -> None:
        async with self.story.tx() as tx:
            await suppressions.add(tx, (await self.story.who(tx)).address_hash, reason=reason)

    async def _by_team(self, reason: str) -> None:
        program = await self.make.program(self.story.account.id)
        answer = await program.post(
            "/api/v1/suppressions", json={"email": self.story.email, "reason": reason}
        )
        assert answer.status == 201

    async def _erase(self, asked_by: By) -> bool:
        async with self.story.tx() as tx:
            contact = await self.story.contact_id(tx)
            if not contact:
                return False
            try:
                await erasures.erase(tx, contact, Erasure(asked_by=asked_by))
            except Conflict:
                return False
        return True

    async def _limit(self) -> None:
        async with self.story.tx() as tx:
            await restrictions.limit(tx, await self.story.contact_id(tx), NewRestriction(ground="accuracy"))

    async def _lift(self) -> None:
        async with self.story.tx() as tx:
            await restrictions.lift(tx, await self.story.contact_id(tx), Lifting(reason="Vérifié", told=True))

    async def _bounce(self) -> None:
        async with self.story.tx() as tx:
            await outcomes.suppress_bounced(tx, 7, [await self.story.contact_id(tx)])

    async def _preferences(self, ticked: set[str]) -> set[str]:
        """Saves the page with these boxes, then confirms each list a mail was sent for. Returns those."""
        links = Links(self.services.tokens, self.services.settings.track_url)
        async with self.story.tx() as tx:
            who = await self.story.who(tx)
        path = links.preferences(who).removeprefix(links.base)
        boxes = [str(self.story.lists[name]) for name in sorted(ticked)]
        before = await self._asked()
        answer = await self.client.post(path, {"do": "save", "list": boxes})
        assert answer.status == 303
        found = set()
        for name, list_id in self.story.lists.items():
            if (await self._asked()).get(list_id, 0) > before.get(list_id, 0):
                found.add(name)
                async with self.story.tx() as tx:
                    await confirmations.confirm(tx, replace_list(who, list_id))
        return found

    async def _asked(self) -> dict[int, int]:
        async with self.story.tx() as tx:
            rows = await tx.rows(
                """
                SELECT list_id, count(*) FROM consents WHERE account_id = $1 AND act = 'asked' GROUP BY list_id
                """
            )
        return dict(rows)


async def _run(make_machine: Callable[[], Refusals], *, examples: int, steps: int, same: bool) -> None:
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        derandomize=same,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    await asyncio.to_thread(run_state_machine_as_test, make_machine, settings=chosen)


@pytest.mark.req("B-28", "C-13", "C-16", "S5")
async def test_no_story_reaches_somebody_who_refused(services: Services, make: Make, client: Client) -> None:
    loop = asyncio.get_running_loop()
    await _run(lambda: Refusals(loop, services, make, client), examples=8, steps=20, same=True)


@pytest.mark.long
@pytest.mark.req("B-28", "C-13", "C-16", "S5")
async def test_no_story_of_many_reaches_somebody_who_refused(
    services: Services, make: Make, client: Client
) -> None:
    loop = asyncio.get_running_loop()
    await _run(lambda: Refusals(loop, services, make, client), examples=150, steps=40, same=False)
