"""A no stays a no, whatever imports, undos and erasures come after it."""

from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lists import contacts, import_undo, subscriptions
from lists.consents import Method
from lists.imports import Mode
from mailer.core import keys
from mailer.core.errors import Conflict
from mailer.core.services import Services
from mailer.core.tokens import RecipientToken
from tests.importing import files
from tests.importing.importer import Importer
from tests.make import Make

PEOPLE = 3


@dataclass(frozen=True)
class Step:
    """`act`: a mode of import, "undo" of the last import that can be, "erase", or "leave" by the person."""

    act: str
    who: int
    everything: bool


steps = st.builds(
    Step,
    act=st.sampled_from([*Mode, "undo", "undo", "erase", "leave"]),
    who=st.integers(0, PEOPLE - 1),
    everything=st.booleans(),
)


class Story:
    """An account with a list, and everybody who ever said no: address and list, None for everything."""

    def __init__(self, importer: Importer, list_id: int, key: bytes) -> None:
        self.importer, self.list_id, self.key = importer, list_id, key
        self.refused: set[tuple[str, int | None]] = set()
        self.undoable: list[int] = []

    async def play(self, step: Step) -> None:
        email = f"p{step.who}@example.test"
        if step.act == "leave":
            await self._leave(email, None if step.everything else self.list_id)
        elif step.act == "erase":
            async with self.importer.services.db.account(self.importer.account.id) as tx:
                rows = await tx.rows("SELECT id FROM contacts WHERE account_id = $1")
                await contacts.delete(tx, [contact_id for (contact_id,) in rows])
        elif step.act == "undo":
            await self._undo()
        else:
            await self._import(Mode(step.act), step)

    async def _import(self, mode: Mode, step: Step) -> None:
        # all but one
        emails = [f"p{n}@example.test" for n in range(PEOPLE) if n != step.who]
        scope = [] if mode == Mode.UNSUBSCRIBE and step.everything else [self.list_id]
        job = await self.importer.whole(files.people(*emails), mode=mode, list_ids=scope)
        self.undoable.append(job.id)
        if mode == Mode.UNSUBSCRIBE:
            self.refused |= {(email, scope[0] if scope else None) for email in emails}

    async def _undo(self) -> None:
        if not self.undoable:
            return
        async with self.importer.services.db.account(self.importer.account.id) as tx:
            try:
                await import_undo.start(tx, self.undoable.pop())
            except Conflict:
                return  # it unsubscribed, or changed nothing
        await self.importer.turns("lists.undo_import")

    async def _leave(self, email: str, list_id: int | None) -> None:
        """By the link of an old mail, whether the contact is there or not."""
        async with self.importer.services.db.account(self.importer.account.id) as tx:
            contact_id = await tx.value("SELECT id FROM contacts WHERE account_id = $1 AND email = $2", email)
            who = RecipientToken(
                account_id=self.importer.account.id,
                contact_id=contact_id or 10**12,
                list_id=list_id or 0,
                address_hash=keys.address_hash(self.key, email),
            )
            await subscriptions.unsubscribe(tx, who, method=Method.LINK)
        self.refused.add((email, list_id))

    async def check(self) -> None:
        async with self.importer.services.db.account(self.importer.account.id) as tx:
            for email, list_id in self.refused:
                stands = await tx.value(
                    """
                    SELECT EXISTS (SELECT FROM suppressions
                                   WHERE account_id = $1 AND address_hash = $2 AND stops(suppressions, $3))
                    """,
                    keys.address_hash(self.key, email),
                    list_id or self.list_id,
                )
                assert stands, (email, list_id)
            active = await tx.rows(
                """
                SELECT c.email FROM subscriptions s
                JOIN contacts c ON c.account_id = $1 AND c.id = s.contact_id
                WHERE s.account_id = $1 AND s.status <> 'unsubscribed'
                """
            )
        assert not {email for (email,) in active} & {email for email, _ in self.refused}


@pytest.mark.req("B-28", "D-33")
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=st.lists(steps, min_size=3, max_size=8))
async def test_a_refusal_survives_every_mode_undo_erasure_and_another_import(
    services: Services, make: Make, story: list[Step]
) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        list_id = await make.mailing_list(tx)
        key = await keys.hash_key(tx, services.sealer)
    told = Story(Importer(services, account), list_id, key)
    for step in [Step("add", 0, False), *story, Step("add_and_update", PEOPLE, False)]:
        await told.play(step)
        await told.check()
