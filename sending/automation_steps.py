"""The steps of an automatic campaign: an ordered list; a condition has two branches that are lists too.

    wait · send · condition (yes, no) · tag · untag · leave

A person stands at a step that is still to be done (`automation_journeys.step_id`), so that whatever is
changed,
moved or deleted behind that place is read when they come there. Deleting a step moves whoever stands at
it on.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from lists import segment_known, tags
from lists.segment_tree import Condition, Tree
from mailer.accounts import audit
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict, Fault, Invalid, NotFound, fault
from mailer.core.text import N_
from mailer.web.request import Input
from sending import automation_mails, automations
from sending.automation_waits import Wait

MOST = 50
DEPTH = 3
Kind = Literal["wait", "send", "condition", "tag", "untag", "leave"]
Branch = Literal["", "yes", "no"]
Id = Annotated[int, Field(ge=1, lt=2**63)]


class StepInput(Input):
    """What a step does. A condition asks one thing: a segment, a rule about a contact, or a click in the mail
    of an earlier step (`clicked`), which is known of people who accept this measure only."""

    kind: Kind
    wait: Wait | None = None
    tag: Annotated[str, StringConstraints(min_length=1, max_length=60)] | None = None
    segment_id: Id | None = None
    rule: Condition | None = None
    clicked: Id | None = None
    subject: Annotated[str, StringConstraints(max_length=500)] = ""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.kind == "wait" and self.wait is None:
            raise fault("wait", N_("Say how long to wait, or until when."), code="missing")
        if self.kind in ("tag", "untag") and self.tag is None:
            raise fault("tag", N_("Write the tag."), code="missing")
        asked = [one for one in (self.segment_id, self.rule, self.clicked) if one is not None]
        if self.kind == "condition" and len(asked) != 1:
            raise fault("segment_id", N_("Choose one thing that the condition asks."), code="missing")
        return self


class Place(Input):
    """Behind step `after`; else at the beginning of a branch of `parent`, or of the whole."""

    after: Id | None = None
    parent: Id | None = None
    branch: Branch = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`passed`: people who have done it; `said_yes`: of these, for whom a condition held. `waiting`:
    people at it, where the plan was asked for with `counted`."""

    id: int
    parent_id: int | None
    branch: Branch
    position: int
    kind: Kind
    setting: Mapping[str, Any]
    draft_id: int | None
    published_id: int | None
    published_version: int | None
    draft_version: int | None
    subject: str
    passed: int
    said_yes: int
    waiting: int

    @property
    def wait(self) -> Wait:
        return Wait.model_validate(self.setting)

    @property
    def rule(self) -> Tree:
        return Tree(rules=[Condition.model_validate(self.setting["rule"])])

    @property
    def unpublished(self) -> bool:
        """Does what is written differ from what leaves?"""
        return self.draft_id is not None and self.published_version != self.draft_version


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps, and the way through them."""

    steps: Sequence[Step]

    def show(self, step_id: int) -> Step:
        """Raises NotFound."""
        for step in self.steps:
            if step.id == step_id:
                return step
        raise NotFound

    def branch(self, parent_id: int | None, branch: Branch) -> list[Step]:
        found = [one for one in self.steps if (one.parent_id, one.branch) == (parent_id, branch)]
        return sorted(found, key=lambda one: one.position)

    @property
    def first(self) -> Step | None:
        return next(iter(self.branch(None, "")), None)

    def behind(self, step: Step) -> Step | None:
        """What comes when the step is done: the next of its list, else what is behind its condition."""
        siblings = self.branch(step.parent_id, step.branch)
        later = [one for one in siblings if one.position > step.position]
        if later:
            return later[0]
        return self.behind(self.show(step.parent_id)) if step.parent_id is not None else None

    def chosen(self, step: Step, branch: Branch) -> Step | None:
        """The first of a condition's branch, or what is behind it when the branch is empty."""
        inside = self.branch(step.id, branch)
        return inside[0] if inside else self.behind(step)

    def depth(self, step_id: int | None) -> int:
        """How many conditions stand around what is inside of this step."""
        return 0 if step_id is None else 1 + self.depth(self.show(step_id).parent_id)

    def inside(self, step: Step) -> list[Step]:
        """The step and all that stands in its branches."""
        found = [step]
        for one in self.steps:
            if one.parent_id == step.id:
                found += self.inside(one)
        return found

    def lines(
        self, parent_id: int | None = None, branch: Branch = "", depth: int = 0
    ) -> Iterator[tuple[int, Step]]:
        """As they are read, each with how deep it stands."""
        for step in self.branch(parent_id, branch):
            yield depth, step
            for side in ("yes", "no"):
                yield from self.lines(step.id, side, depth + 1)


async def plan(tx: AccountTx, automation_id: int, *, counted: bool = False) -> Plan:
    """As of now. `counted`: with how many stand at each step; a turn does not ask for it, for it would
    count all who wait each time that some are moved."""
    return Plan(
        await tx.many(
            Step,
            """
            SELECT s.id, s.parent_id, s.branch, s.position, s.kind, s.setting, s.draft_id, s.published_id,
                   s.published_version, c.version AS draft_version, coalesce(c.subject, '') AS subject,
                   s.passed,
                   s.said_yes,
                   CASE WHEN $3 THEN (SELECT count(*)::int FROM automation_journeys j
                                      WHERE j.account_id = $1 AND j.step_id = s.id) ELSE 0 END AS waiting
            FROM automation_steps s
            LEFT JOIN campaigns c ON c.account_id = s.account_id AND c.id = s.draft_id
            WHERE s.account_id = $1 AND s.automation_id = $2
            ORDER BY s.position, s.id
            """,
            automation_id,
            counted,
        )
    )


async def add(tx: AccountTx, automation_id: int, given: StepInput, place: Place) -> int:
    """Returns its id. Raises NotFound, Conflict when it has ended, Invalid: too many, too deep, not known."""
    automation = await automations.hold(tx, automation_id)
    known = await plan(tx, automation_id)
    parent, branch, position = _place(known, place)
    if len(known.steps) >= MOST:
        raise fault(
            "kind", N_("An automatic campaign has at most {limit} steps."), code="too_many", limit=MOST
        )
    if given.kind == "condition" and known.depth(parent) >= DEPTH:
        message = N_("Conditions stand at most {limit} deep.")
        raise fault("kind", message, code="depth", limit=DEPTH)
    setting = await _setting(tx, known, given)
    await tx.run(
        """
        UPDATE automation_steps SET position = position + 1
        WHERE account_id = $1 AND automation_id = $2 AND parent_id IS NOT DISTINCT FROM $3 AND branch = $4
          AND position >= $5
        """,
        automation_id,
        parent,
        branch,
        position,
    )
    draft = await automation_mails.draft(tx, automation, given.subject) if given.kind == "send" else None
    step_id: int = await tx.value(
        """
        INSERT INTO automation_steps (account_id, automation_id, parent_id, branch, position, kind, setting,
                                      draft_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        RETURNING id
        """,
        automation_id,
        parent,
        branch,
        position,
        given.kind,
        setting,
        draft,
    )
    if draft is not None:
        await automation_mails.tie(tx, draft, automation_id, step_id)
    await _changed(tx, automation_id)
    return step_id


def _place(known: Plan, place: Place) -> tuple[int | None, Branch, int]:
    """Parent, branch and position. Raises Invalid."""
    try:
        if place.after is not None:
            before = known.show(place.after)
            return before.parent_id, before.branch, before.position + 1
        if place.parent is None:
            return None, "", 0
        parent = known.show(place.parent)
    except NotFound:
        raise fault("after", N_("This step is not there any more. Look again."), code="unknown") from None
    if parent.kind != "condition" or not place.branch:
        raise fault("branch", N_("Only conditions have branches: yes and no."), code="branch")
    return parent.id, place.branch, 0


async def _setting(tx: AccountTx, known: Plan, given: StepInput) -> dict[str, Any]:
    """As it is kept. Raises Invalid for what the account does not have."""
    if given.wait is not None and given.kind == "wait":
        return given.wait.model_dump(mode="json")
    if given.kind in ("tag", "untag"):
        return {"tag_id": (await tags.named(tx, given.tag or "")).id}
    if given.kind != "condition":
        return {}
    if given.segment_id is not None:
        if not await tx.value(
            "SELECT 1 FROM segments WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL",
            given.segment_id,
        ):
            message = N_("One of these segments does not exist any more. Choose again.")
            raise fault("segment_id", message, code="unknown")
        return {"segment_id": given.segment_id}
    if given.clicked is not None:
        if given.clicked not in [one.id for one in known.steps if one.kind == "send"]:
            raise fault("clicked", N_("Choose a mail of this automatic campaign."), code="unknown")
        return {"clicked": given.clicked}
    assert given.rule is not None
    tree = Tree(rules=[given.rule])
    faults = segment_known.faults(tree, await segment_known.load(tx, tree))
    if faults:
        raise Invalid(*(Fault("rule", one.message, one.code, one.params) for one in faults))
    return {"rule": given.rule.model_dump(mode="json")}


async def change(tx: AccountTx, automation_id: int, step_id: int, given: StepInput) -> None:
    """What a step does; its kind stays. Whoever waits at it waits by the new rule. Raises as `add`."""
    await automations.hold(tx, automation_id)
    known = await plan(tx, automation_id)
    step = known.show(step_id)
    if step.kind != given.kind:
        raise fault("kind", N_("A step keeps its kind: delete it and add another."), code="kind")
    await tx.run(
        "UPDATE automation_steps SET setting = $3 WHERE account_id = $1 AND id = $2",
        step_id,
        await _setting(tx, known, given),
    )
    if step.kind == "wait":
        # looked at anew: the turn reckons from when each of them came
        await tx.run(
            """
            UPDATE automation_journeys SET due_at = least(due_at, arrived_at)
            WHERE account_id = $1 AND step_id = $2
            """,
            step_id,
        )
    await _changed(tx, automation_id)


async def move(tx: AccountTx, automation_id: int, step_id: int, *, up: bool) -> None:
    """Past its neighbour of the same list; at the end of the list nothing happens. Raises NotFound,
    Conflict."""
    await automations.hold(tx, automation_id)
    known = await plan(tx, automation_id)
    step = known.show(step_id)
    siblings = known.branch(step.parent_id, step.branch)
    place = siblings.index(step)
    other = place - 1 if up else place + 1
    if not 0 <= other < len(siblings):
        return
    siblings[place], siblings[other] = siblings[other], siblings[place]
    await tx.run(
        """
        UPDATE automation_steps s SET position = n
        FROM unnest($3::bigint[]) WITH ORDINALITY AS given (id, n)
        WHERE s.account_id = $1 AND s.automation_id = $2 AND s.id = given.id
        """,
        automation_id,
        [one.id for one in siblings],
    )
    await _changed(tx, automation_id)


async def delete(tx: AccountTx, automation_id: int, step_id: int) -> None:
    """With what stands in its branches; whoever is there goes on behind it. Raises NotFound, Conflict."""
    await automations.hold(tx, automation_id)
    known = await plan(tx, automation_id)
    step = known.show(step_id)
    gone = known.inside(step)
    ids = [one.id for one in gone]
    for one in known.steps:
        if one.setting.get("clicked") in ids and one.id not in ids:
            message = N_("A condition asks who clicked this mail. Change the condition first.")
            raise Conflict(Fault("step", message, "in_use"))
    behind = known.behind(step)
    await tx.run(
        """
        UPDATE automation_journeys
        SET step_id = $3, arrived_at = now(), due_at = now(),
            ended_at = CASE WHEN $3::bigint IS NULL THEN now() END,
            outcome = CASE WHEN $3::bigint IS NULL THEN 'done' ELSE '' END
        WHERE account_id = $1 AND step_id = ANY ($2::bigint[])
        """,
        ids,
        behind and behind.id,
    )
    await tx.run("DELETE FROM automation_steps WHERE account_id = $1 AND id = $2", step_id)
    await automation_mails.discard(tx, [one.draft_id for one in gone], [one.published_id for one in gone])
    await _changed(tx, automation_id)
    await automations.wake(tx, automation_id)


async def _changed(tx: AccountTx, automation_id: int) -> None:
    await tx.run(
        "UPDATE automations SET version = version + 1, updated_at = now() WHERE account_id = $1 AND id = $2",
        automation_id,
    )
    await audit.write(tx, "changed", "automation", automation_id)
