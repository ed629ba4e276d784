"""Mails that ask for the measurement of opens and clicks, and measure nothing themselves (B-38, B-39).

    begin ─▶ a draft: ready text, the lists, the segment of who may be asked ─▶ sent like any campaign
                                                     └ six months, also when frozen (`audience`)
    follow ─▶ the ledger learns who was asked, with the text     answers: lists.public_tracking

Silence is a no, and a no is remembered for six months: until then whoever was asked or refused gets none.
"""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from lists import measurement_asks, segments
from lists.segment_tree import Condition, Subject, Tree
from lists.segments import NewSegment
from mailer.accounts import identity
from mailer.core import clock, jobs, work
from mailer.core.db import AccountTx
from mailer.core.errors import Gone, fault
from mailer.core.services import Services
from mailer.core.text import N_
from mailer.core.work import Task
from mailer.web import i18n
from mailer.web.request import Input
from sending import campaign_lists, campaign_segments, campaigns, consent_request_text, revisions
from sending.campaigns import Campaign, Language, Name, NewCampaign

JOB = "sending.note_consent_request"
SEGMENT = N_("Measurement: may be asked")
ALL = 2**63 - 1  # campaigns.asked_cursor: the ledger knows of everybody whom it reached
TREE = Tree(match="all", rules=[Condition(subject=Subject.MEASUREMENT, operator="may_be_asked")])


class NewRequest(Input):
    """`language` None: the account's. `name` None: the day."""

    list_ids: Annotated[list[Annotated[int, Field(ge=1, lt=2**63)]], Field(min_length=1, max_length=50)]
    language: Language | None = None
    name: Name | None = None


async def begin(tx: AccountTx, new: NewRequest, *, processor: str) -> Campaign:
    """A draft to the people of these lists who may be asked. Raises Invalid at `list_ids`."""
    who = await identity.of(tx)
    language: Language = new.language or ("en" if who.language == "en" else "fr")
    made = await campaigns.create(
        tx,
        NewCampaign(
            name=new.name or i18n.translate(N_("Request for measurement")),
            language=language,
            subject=consent_request_text.SUBJECT[language],
        ),
    )
    await campaigns.write_content(tx, made.id, "mjml", consent_request_text.mjml(language, processor))
    await campaign_lists.choose(tx, made.id, include=new.list_ids, exclude=[])
    await campaign_segments.choose(tx, made.id, include=[await segment(tx)], exclude=[])
    await tx.run(
        "UPDATE campaigns SET asks_measurement = true WHERE account_id = $1 AND id = $2",
        made.id,
    )
    return await campaigns.show(tx, made.id)


async def like(tx: AccountTx, campaign_id: int) -> NewRequest:
    """To the lists of a campaign, in its language. Raises NotFound, and Invalid when its lists are gone."""
    found = await campaigns.show(tx, campaign_id)
    rows = await tx.rows(
        """
        SELECT c.list_id
        FROM campaign_lists c
        JOIN mailing_lists l ON l.account_id = $1 AND l.id = c.list_id AND l.deleted_at IS NULL
        WHERE c.account_id = $1 AND c.campaign_id = $2 AND c.use = 'include'
        ORDER BY c.list_id
        """,
        campaign_id,
    )
    if not rows:
        raise fault("lists", N_("Choose at least one list."), code="missing")
    return NewRequest(list_ids=[list_id for (list_id,) in rows], language=found.language)


async def segment(tx: AccountTx) -> int:
    """The account's segment of who may be asked, made when there is none."""
    found: int | None = await tx.value(
        """
        SELECT id
        FROM segments
        WHERE account_id = $1 AND deleted_at IS NULL AND tree = $2
        ORDER BY id
        LIMIT 1
        """,
        TREE.model_dump(mode="json"),
    )
    if found is not None:
        return found
    name = i18n.translate(SEGMENT)
    taken = await tx.value(
        """
        SELECT count(*)
        FROM segments
        WHERE account_id = $1 AND deleted_at IS NULL AND starts_with(name, $2)
        """,
        name,
    )
    made = await segments.create(tx, NewSegment(name=f"{name} {taken + 1}" if taken else name, tree=TREE))
    return made.id


async def asks(tx: AccountTx, campaign_id: int) -> bool:
    return bool(
        await tx.value(
            "SELECT asks_measurement FROM campaigns WHERE account_id = $1 AND id = $2", campaign_id
        )
    )


async def follow(tx: AccountTx, campaign_id: int) -> None:
    """When a campaign begins to leave: if it asks, what comes of it is written down."""
    if await asks(tx, campaign_id):
        await work.add(tx, JOB, campaign_id)


async def note(services: Services, task: Task) -> datetime | None:
    """The job: waits for the end, then writes the ledger on, each step with its place in one transaction."""
    until = jobs.in_(seconds=jobs.TURN_SECONDS * 0.8)
    while clock.now() < until:
        async with services.db.account(task.account_id) as tx:
            rows = await tx.rows(
                """
                SELECT status, asked_cursor
                FROM campaigns
                WHERE account_id = $1 AND id = $2
                FOR NO KEY UPDATE
                """,
                task.ref_id,
            )
            if not rows:
                return None
            status, cursor = rows[0]
            if status not in ("sent", "cancelled"):
                return jobs.in_(minutes=5)
            wording = await _wording(tx, services, task.ref_id)
            last = await measurement_asks.note_request(tx, task.ref_id, after=cursor, wording=wording)
            await tx.run(
                "UPDATE campaigns SET asked_cursor = $3 WHERE account_id = $1 AND id = $2",
                task.ref_id,
                ALL if last is None else last,
            )
            if last is None:
                return None
    return jobs.again()


async def _wording(tx: AccountTx, services: Services, campaign_id: int) -> str:
    """What people read, with its merge tags; "" once the content is erased (S12)."""
    try:
        content = await revisions.open(tx, services, campaign_id)
    except Gone:
        return ""
    return f"{content.subject}\n{content.text}"
