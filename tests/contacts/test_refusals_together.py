"""As test_refusals, with what came later: merges, imports of every kind and their undo, forms, segments.

What must hold is said by who refused and who confirmed, never by rows of subscriptions.
"""

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from lists import (
    contact_merges,
    contacts,
    import_undo,
    segments,
    sign_up_requests,
    sign_ups,
    signup_forms,
    signup_versions,
    subscriptions,
    suppressions,
    tags,
)
from lists.consents import Method
from lists.contact_merges import Merge
from lists.contacts import NewContact
from lists.erasures import By
from lists.imports import Import, Mode
from lists.opt_outs import OptOut
from lists.segment_tree import Tree
from lists.segments import NewSegment
from lists.sign_up_answers import Answers
from lists.sign_ups import Wish
from lists.signup_forms import Draft
from lists.suppressions import Reason
from mailer.core.errors import Conflict, Gone
from mailer.core.links import Links
from mailer.core.services import Services
from mailer.web.request import check
from tests.client import Client
from tests.contacts import sends, test_refusals
from tests.contacts.test_refusals import LISTS, Refusals, names
from tests.importing import files
from tests.importing.importer import Importer
from tests.make import Make

_no_wait = test_refusals._no_wait


@pytest.fixture(autouse=True)
def _ask_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_ups, "ASK_AGAIN_HOURS", 0)


class Together(Refusals):
    """`former`: what each address that was merged away must never get. `tied`: those whose contact is there."""

    @initialize()
    def begin(self) -> None:
        super().begin()
        self.importer = Importer(self.services, self.story.account)
        self.former: dict[str, set[str]] = {}
        self.tied: set[str] = set()
        self.done: list[Import] = []
        self.counted: tuple[int, str, Mode, OptOut | None] | None = None
        self.request, self.asked = 0, ""
        self.objected = False  # then they are in no segment for ever: C-16
        self.play(self._form_and_segment())

    async def _form_and_segment(self) -> None:
        async with self.story.tx() as tx:
            draft = {
                "name": "Site",
                "language": "en",
                "purposes": [{"list_id": one} for one in self.story.lists.values()],
                "privacy_url": "https://pain.test/confidentialite",
            }
            form = await signup_forms.create(tx, Draft.model_validate(draft))
            form = await signup_versions.publish(tx, form.id, processor="Mailer")
            self.form = await signup_versions.published(tx, form.public_key)
            tag = await tags.named(tx, "Clients")
            self.tag_id = tag.id
            tree = check(
                Tree,
                {"match": "all", "rules": [{"subject": "tag", "of": tag.id, "operator": "has"}]},
            )
            self.segment_id = (await segments.create(tx, NewSegment(name="Clients", tree=tree))).id

    def take_in(self) -> None:
        """Whom the product counts as active and there: judged all the same by who may be mailed."""

        async def seen() -> tuple[bool, dict[str, bool]]:
            async with self.story.tx() as tx:
                contact = await self.story.contact_id(tx)
                rows = await tx.rows(
                    "SELECT list_id, status FROM subscriptions WHERE account_id = $1 AND contact_id = $2",
                    contact,
                )
            by_id = {list_id: name for name, list_id in self.story.lists.items()}
            return bool(contact), {by_id[list_id]: status == "active" for list_id, status in rows}

        there, self.model.on = self.play(seen())
        if self.model.there and not there:
            self.model.back, self.model.barred, self.tied = set(), frozenset(), set()
        self.model.there = there

    # ------------------------------------------------------------ the same acts, and what they reach

    @rule(name=names)
    def take_off(self, name: str) -> None:
        super().take_off(name)
        self.take_in()

    @rule()
    def write_down_an_objection(self) -> None:
        super().write_down_an_objection()
        self.objected = True

    @rule(asked_by=st.sampled_from(By))
    def erase(self, asked_by: By) -> None:
        super().erase(asked_by)
        self.objected |= asked_by is By.PERSON
        if not self.model.there:
            self.tied = set()

    # ------------------------------------------------------------ duplicates

    @rule(
        on=st.sets(names),
        refusal=st.sampled_from(["", "A", "B", "everything", "added", "bounced"]),
        chosen=st.sampled_from(["kept", "other"]),
    )
    def merge_with_a_duplicate(self, on: set[str], refusal: str, chosen: str) -> None:
        if not self.model.there:
            return
        email = f"ana.{len(self.former)}@return.test"
        try:
            self.play(self._merge(email, on, refusal, chosen))
        except Conflict:
            assert self.model.limited
            return
        model = self.model
        said = {"everything": "person", "added": "blocked", "bounced": "bounced"}.get(refusal, "")
        mine = "person" if model.stopped and not model.blocked else "blocked" if model.blocked else ""
        mine = "bounced" if model.bounced and not mine else mine
        first, second = (said, mine) if chosen == "other" else (mine, said)
        row = second if first in ("", "bounced") and second not in ("", "bounced") else first
        if said in ("person", "blocked"):
            model.back, model.barred = set(), frozenset()
        elif first == "bounced":
            model.bar()
        model.stopped, model.blocked = row == "person", row == "blocked"
        model.bounced = row == "bounced"
        model.left |= {refusal} if refusal in LISTS else set()
        before = set(model.on) | on
        left_behind = self.story.email if chosen == "other" else email
        self.story.email = email if chosen == "other" else self.story.email
        self.take_in()
        model.left |= {name for name in before if model.on.get(name) is False and self.listed_as_left(name)}
        self.former[left_behind] = {name for name in LISTS if name in model.left} | (
            set(LISTS) - model.back - model.barred if {"person", "blocked"} & {mine, said} else set()
        )
        self.tied.add(left_behind)

    def listed_as_left(self, name: str) -> bool:
        async def found() -> bool:
            async with self.story.tx() as tx:
                hashed = (await self.story.who(tx)).address_hash
                own = await suppressions.of_address(tx, hashed)
            return self.story.lists[name] in {one.list_id for one in own}

        return bool(self.play(found()))

    async def _merge(self, email: str, on: set[str], refusal: str, chosen: str) -> None:
        story = self.story
        async with story.tx() as tx:
            wish = {
                "lists": [story.lists[name] for name in sorted(on)],
                "legal_basis": "consent",
                "source": "x",
            }
            new = NewContact.model_validate({"email": email} | (wish if on else {}))
            other = (await contacts.add(tx, story.services.sealer, new)).id
            who = await story.who(tx, refusal if refusal in LISTS else "", email=email)
            if refusal in LISTS:
                await subscriptions.unsubscribe(tx, who, method=Method.ONE_CLICK)
            elif refusal == "everything":
                await subscriptions.stop_everything(tx, who, method=Method.PREFERENCES)
            elif refusal == "added":
                await suppressions.add_by_team(tx, story.services.sealer, email)
            elif refusal == "bounced":
                await suppressions.add(tx, who.address_hash, reason=Reason.BOUNCED)
            wanted = Merge.model_validate({"other_id": other, "email": chosen})
            await contact_merges.merge(tx, await story.contact_id(tx), wanted)

    @rule(name=names, n=st.integers(0, 5))
    def import_a_former_address(self, name: str, n: int) -> None:
        if self.former:
            email = sorted(self.former)[n % len(self.former)]
            self.play(self.importer.whole(files.people(email), list_ids=[self.story.lists[name]], mode="add"))

    # ------------------------------------------------------------ imports

    @rule(
        name=names, mode=st.sampled_from(Mode), said=st.none() | st.sampled_from(OptOut), again=st.booleans()
    )
    def count_an_import(self, name: str, mode: Mode, said: OptOut | None, again: bool) -> None:
        async def counted() -> int:
            rows = [["E-mail", "Prénom", "Statut"], [self.story.email, "Ana", said or "subscribed"]]
            import_id = await self.importer.upload(
                files.table([*rows, ["x@return.test", "", "unsubscribed"]])
            )
            for _ in range(2 if again else 1):
                job = await self.importer.check(import_id, list_ids=[self.story.lists[name]], mode=mode)
            assert job.state == "checked", job.failure
            return import_id

        self.counted = self.play(counted()), name, mode, said
        self.counted_for = self.story.email

    @precondition(lambda self: self.counted)
    @rule()
    def run_the_import(self) -> None:
        assert self.counted
        import_id, name, mode, said = self.counted
        self.counted = None
        if self.counted_for != self.story.email:
            return
        job = self.play(self.importer.run(import_id))
        assert job.state == "done"
        self.done.append(job)
        model = self.model
        match said:
            case OptOut.UNSUBSCRIBED:
                model.do("leave", name)
            case OptOut.BLOCKED | OptOut.COMPLAINED:
                model.refuse(ends=True)
            case OptOut.BOUNCED:
                self.bounced()
            case None if mode == Mode.UNSUBSCRIBE:
                model.do("leave", name)
        self.take_in()

    def bounced(self) -> None:
        if self.model.stopped:
            self.model.bar()
        elif not self.model.blocked:
            self.model.bounced = True

    @rule(n=st.integers(0, 5))
    def undo_an_import(self, n: int) -> None:
        async def undo(job: Import) -> None:
            async with self.story.tx() as tx:
                await import_undo.start(tx, job.id)
            await self.importer.turns("lists.undo_import")

        if self.done:
            job = self.done.pop(n % len(self.done))
            limited, before = self.model.limited, self.play(self._values())
            try:
                self.play(undo(job))
            except Conflict:
                return
            self.take_in()
            if limited:
                assert self.play(self._values()) == before, "only kept, not used (C-13)"

    async def _values(self) -> list[tuple[object, ...]]:
        async with self.story.tx() as tx:
            return await tx.rows(
                """
                SELECT c.first_name, c.updated_at, s.list_id, s.status
                FROM contacts c
                LEFT JOIN subscriptions s ON s.account_id = $1 AND s.contact_id = c.id
                WHERE c.account_id = $1 AND c.email = $2
                ORDER BY s.list_id
                """,
                self.story.email,
            )

    # ------------------------------------------------------------ forms

    @rule(name=names)
    def sign_up_by_anybody(self, name: str) -> None:
        """By a stranger or the person: nobody can tell."""

        async def ask() -> int:
            form = self.form
            assert form
            answers = Answers(
                email=self.story.email, first_name="Eve", last_name="", fields={},
                list_ids=[self.story.lists[name]], opens=None, clicks=None, guardian=False,
            )  # fmt: skip
            wish = Wish(form=form, words=form.words, answers=answers, page="http://t.test/form")
            async with self.story.tx() as tx:
                links = Links(self.services.tokens, "http://t.test")
                await sign_ups.ask(tx, self.services.sealer, links, wish)
                return int(
                    await tx.value("SELECT coalesce(max(id), 0) FROM signup_requests WHERE account_id = $1")
                )

        request = self.play(ask())
        if request > self.request:
            self.request, self.asked = request, name
        self.take_in()

    @precondition(lambda self: self.request)
    @rule()
    def confirm_the_sign_up(self) -> None:
        """Whoever has the mailbox: an act of the person, of that list."""

        async def confirm() -> bool:
            before = await self._confirmed()
            async with self.story.tx() as tx:
                await sign_up_requests.confirm(tx, self.request, said="Yes")
            return await self._confirmed() > before

        try:
            new = self.play(confirm())
        except Gone:
            return
        if new:
            model = self.model
            model.left.discard(self.asked)
            model.back |= {self.asked} if model.stopped else set()
            model.bounced = False
        self.take_in()

    async def _confirmed(self) -> int:
        async with self.story.tx() as tx:
            return int(
                await tx.value("SELECT count(*) FROM consents WHERE account_id = $1 AND act = 'confirmed'")
            )

    # ------------------------------------------------------------ what must hold

    @rule()
    def a_segment_authorises_nobody(self) -> None:
        allowed = set() if self.model.limited else self.model.mailable()
        chosen = self.play(sends.audience(self.story, self.tag_id, self.segment_id))
        assert chosen <= {self.story.lists[name] for name in allowed}
        if not self.objected:
            assert bool(chosen) == bool(allowed)

    @rule(name=names)
    def hand_over_what_was_frozen_before(self, name: str) -> None:
        handed = self.play(sends.hand_over(self.story, self.story.lists[name])) if self.model.there else False
        assert handed == (name in self.model.mailable() and not self.model.limited)

    @invariant()
    def no_address_of_theirs_gets_what_they_refused(self) -> None:
        if not getattr(self, "former", None):
            return
        model = self.model
        everything = set(LISTS) - model.back - model.barred if model.stopped else set()
        for email, never in self.former.items():
            if email in self.tied:
                never |= model.left | everything
            assert self.play(self.story.refused(email)) >= never
            assert not self.play(self.story.mailable(email)) & never


def _machine(services: Services, make: Make, client: Client) -> Callable[[], Together]:
    loop = asyncio.get_running_loop()
    return lambda: Together(loop, services, make, client)


@pytest.mark.req("B-28", "C-13", "C-16", "S4", "S5", "S1")
async def test_no_story_of_all_parts_reaches_somebody_who_refused(
    services: Services, make: Make, client: Client
) -> None:
    await test_refusals._run(_machine(services, make, client), examples=6, steps=20, same=True)


@pytest.mark.long
@pytest.mark.req("B-28", "C-13", "C-16", "S4", "S5", "S1")
async def test_no_story_of_many_of_all_parts_reaches_somebody_who_refused(
    services: Services, make: Make, client: Client
) -> None:
    await test_refusals._run(_machine(services, make, client), examples=60, steps=40, same=False)
