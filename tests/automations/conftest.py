"""A welcome series on a list, and its turns played by hand, at the hour that a test says."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from mailer.core import clock
from mailer.core.work import Task
from sending import automation_runs, automation_steps, automation_turns, automations, campaigns
from sending.automation_steps import Place, StepInput
from sending.automation_waits import Wait
from sending.automations import JOB, NewAutomation, Trigger
from tests.delivery.conftest import MJML, Post, post, sink

__all__ = ["post", "sink"]

OBJECTION = """<mj-section><mj-column><mj-text><p>Vous pouvez vous opposer à tout moment à recevoir ces messages :
<a href="{{ unsubscribe_url }}">ne plus rien recevoir</a></p></mj-text></mj-column></mj-section></mj-body>"""
WELCOME = MJML.replace("</mj-body>", OBJECTION)


@dataclass
class Series:
    """An automatic campaign of an account whose mail goes to the sink."""

    post: Post
    list_id: int
    id: int

    async def step(self, given: StepInput, place: Place | None = None) -> int:
        """Behind the last step of the whole unless a place is given; a mail gets its content."""
        async with self.post.tx() as tx:
            plan = await automation_steps.plan(tx, self.id)
            last = plan.branch(None, "")[-1:]
            at = place or (Place(after=last[0].id) if last else Place())
            step_id = await automation_steps.add(tx, self.id, given, at)
            if given.kind == "send":
                draft = (await automation_steps.plan(tx, self.id)).show(step_id).draft_id
                assert draft is not None
                await campaigns.write_content(tx, draft, "mjml", WELCOME)
        return step_id

    async def mail(self, subject: str, place: Place | None = None) -> int:
        return await self.step(StepInput(kind="send", subject=subject), place)

    async def wait(self, **given: object) -> int:
        return await self.step(StepInput(kind="wait", wait=Wait.model_validate(given)))

    async def start(self) -> None:
        async with self.post.tx() as tx:
            await automation_runs.start(tx, self.post.services, self.id)

    async def subscribe(self, email: str, *, tracked: bool = False) -> int:
        async with self.post.tx() as tx:
            return await self.post.make.contact(tx, email, list_id=self.list_id, tracked=tracked)

    async def turn(self) -> datetime | None:
        """All that is due now, and the mails that come of it."""
        task = Task(self.post.account.id, JOB, self.id, 0, 1)
        at = await automation_turns.advance(self.post.services, task)
        await self.post.run()
        return at

    async def later(self, **span: float) -> datetime | None:
        clock.shift(clock.offset() + timedelta(**span))
        return await self.turn()

    async def journeys(self) -> dict[str, str]:
        """Address → outcome, "" while they are on their way."""
        async with self.post.tx() as tx:
            return dict(
                await tx.rows(
                    """
                    SELECT c.email, j.outcome
                    FROM automation_journeys j
                    JOIN contacts c ON c.account_id = j.account_id AND c.id = j.contact_id
                    WHERE j.account_id = $1 AND j.automation_id = $2
                    """,
                    self.id,
                )
            )

    def got(self, email: str) -> list[str]:
        """Subjects, in order."""
        return [str(one.message["Subject"]) for one in self.post.sink.accepted if one.recipient == email]


Begin = Callable[..., Awaitable[Series]]


@pytest.fixture
def begin(post: Post) -> Begin:
    """A draft that waits for subscriptions to a new list, unless another trigger is given."""

    async def made(**given: object) -> Series:
        async with post.tx() as tx:
            await tx.run(
                """
                INSERT INTO senders (account_id, email, address_key, name, status)
                VALUES ($1, $2, $2, 'Atelier du Pain', 'confirmed')
                ON CONFLICT DO NOTHING
                """,
                f"bonjour@pain-{post.account.id}.test",
            )
            list_id = await post.make.mailing_list(tx)
            values = {"name": "Bienvenue", "list_id": list_id, "trigger": Trigger(kind="subscribed")} | given
            found = await automations.create(tx, NewAutomation.model_validate(values))
        return Series(post, list_id, found.id)

    return made
