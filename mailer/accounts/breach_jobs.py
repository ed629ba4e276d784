"""What the workers do for a breach: count what an account holds of it, tell it, remind of the clocks."""

from dataclasses import dataclass
from datetime import datetime

from mailer.accounts import account_breaches, audit, breach_facts, breaches
from mailer.accounts.breach_facts import AUTHORITY_HOURS, BreachFacts
from mailer.accounts.breaches import Concerned
from mailer.core import clock, outbox
from mailer.core.actor import Actor
from mailer.core.db import AccountTx, SharedTx
from mailer.core.errors import NotFound
from mailer.core.services import Services
from mailer.core.work import Task
from mailer.web import i18n

OPERATOR = Actor("operator")


@dataclass(frozen=True, slots=True)
class Person:
    email: str
    first_name: str
    language: str


async def count(services: Services, task: Task) -> datetime | None:
    """The job "accounts.count_breach": what this account holds of the data of the breach (A-035)."""
    async with services.db.account(task.account_id, actor=OPERATOR) as tx:
        shared = tx.shared()
        try:
            facts = (await breaches.show(shared, task.ref_id)).known
        except NotFound:
            return None
        people, records = await _counted(tx, facts)
        if facts.data and not records:
            await shared.run(
                """
                DELETE FROM breach_accounts b
                USING breaches r
                WHERE b.breach_id = $1 AND b.account_id = $2 AND r.id = b.breach_id AND r.told = 0
                """,
                task.ref_id,
                task.account_id,
            )
            return None
        await shared.run(
            "UPDATE breach_accounts SET people = $3, records = $4 WHERE breach_id = $1 AND account_id = $2",
            task.ref_id,
            task.account_id,
            people if facts.data else None,
            records if facts.data else None,
        )
    return None


async def _counted(tx: AccountTx, facts: BreachFacts) -> tuple[int, int]:
    """As of the end of the breach, where a row knows when it was made. What was erased since is no more."""
    until = facts.ended_at or clock.now()
    people = records = 0
    if "contacts" in facts.data or "deliveries" in facts.data:
        people = await tx.value(
            "SELECT count(*) FROM contacts WHERE account_id = $1 AND created_at <= $2", until
        )
    if "contacts" in facts.data:
        records += people
    if "deliveries" in facts.data:
        records += await tx.value(
            "SELECT coalesce(sum(audience), 0) FROM campaigns WHERE account_id = $1 AND started_at <= $2",
            until,
        )
    if "content" in facts.data:
        records += await tx.value(
            "SELECT count(*) FROM campaigns WHERE account_id = $1 AND content_erased_at IS NULL"
        )
    if "team" in facts.data:
        team = await tx.value("SELECT count(*) FROM memberships WHERE account_id = $1")
        people, records = people + team, records + team
    return people, records


async def tell(services: Services, task: Task) -> datetime | None:
    """The job "accounts.tell_breach": notice, the account's register, mail to its owners. Once a number."""
    settings = services.settings
    async with services.db.account(task.account_id, actor=OPERATOR) as tx:
        shared = tx.shared()
        try:
            breach = await breaches.show(shared, task.ref_id)
        except NotFound:
            return None
        row = await shared.first(
            Concerned,
            """
            SELECT b.account_id, a.name, b.people, b.records
            FROM breach_accounts b
            JOIN accounts a ON a.id = b.account_id
            WHERE b.breach_id = $1 AND b.account_id = $2
            """,
            task.ref_id,
            task.account_id,
        )
        if row is None or not breach.told:
            return None
        facts = account_facts(breach.known, row)
        fresh = await tx.run(
            """
            INSERT INTO notices (account_id, kind, ref_id, number, at, facts)
            VALUES ($1, 'breach', $2, $3, $4, $5)
            ON CONFLICT DO NOTHING
            """,
            breach.id,
            breach.told,
            clock.now(),
            breach_facts.stored(facts),
        )
        if not fresh:
            return None
        own_id = await account_breaches.begin_from_notice(tx, breach.id, facts)
        await audit.write(tx, "told", "breach", own_id)
        link = f"{settings.public_url}/app/{task.account_id}/privacy/breaches/{own_id}"
        for person in await owners(tx):
            with i18n.speaking(person.language):
                details = {
                    "name": person.first_name,
                    "account": row.name,
                    "number": breach.told,
                    "operator": settings.operator.name,
                    "lines": breach_facts.lines(facts, "Europe/Paris", dpo=settings.operator.dpo),
                    "more": breach_facts.gaps(facts),
                    "link": link,
                }
            await outbox.write(tx, "breach_notice", person.email, language=person.language, details=details)
    return None


def account_facts(facts: BreachFacts, row: Concerned) -> BreachFacts:
    """With the numbers of one account, never those of others (A-036). Not counted: not said."""
    return facts.model_copy(update={"people_count": row.people, "records_count": row.records})


async def owners(tx: AccountTx) -> list[Person]:
    return await tx.many(
        Person,
        """
        SELECT u.email, u.first_name, u.language
        FROM memberships m
        JOIN users u ON u.id = m.user_id
        WHERE m.account_id = $1 AND m.role = 'owner' AND NOT u.disabled
        ORDER BY u.id
        """,
    )


async def operators(tx: SharedTx) -> list[Person]:
    return await tx.many(
        Person,
        """
        SELECT email, first_name, language FROM users
        WHERE is_operator AND NOT disabled
        ORDER BY id
        """,
    )


async def remind(services: Services, task: Task) -> datetime | None:
    """The job "accounts.remind_breach": operators, before each clock of a breach runs out and when it has."""
    now = clock.now()
    async with services.db.shared() as tx:
        try:
            breach = await breaches.show(tx, task.ref_id)
        except NotFound:
            return None
        if breach.closed_at:
            return None
        later, ringing = [], False
        for what, one in breach.clocks(now):
            if one.done_at is not None:
                continue
            hours = int((one.due - breach.aware_at).total_seconds()) // 3600
            if breach_facts.rings(breach.aware_at, hours, breach.reminded_at, now):
                ringing = True
                link = f"{services.settings.public_url}/app/operator/breaches/{breach.id}"
                for person in await operators(tx):
                    await _remind(tx, person, (breach.known.title, what), (one.due, now), link)
            later.append(breach_facts.next_reminder(breach.aware_at, hours, now))
        if ringing:
            await breaches.reminded(tx, breach.id)
    return min((at for at in later if at), default=None)


async def remind_own(services: Services, task: Task) -> datetime | None:
    """The job "accounts.remind_own_breach": owners, of the 72 hours of a controller (art. 33(1))."""
    now = clock.now()
    async with services.db.account(task.account_id, actor=OPERATOR) as tx:
        try:
            own = await account_breaches.show(tx, task.ref_id)
        except NotFound:
            return None
        if own.closed_at or own.decided:
            return None
        if breach_facts.rings(own.aware_at, AUTHORITY_HOURS, own.reminded_at, now):
            await account_breaches.reminded(tx, own.id)
            link = f"{services.settings.public_url}/app/{task.account_id}/privacy/breaches/{own.id}"
            what, one = own.clock(now)
            for person in await owners(tx):
                await _remind(tx, person, (own.known.title, what), (one.due, now), link)
    return breach_facts.next_reminder(own.aware_at, AUTHORITY_HOURS, now)


async def _remind(
    tx: SharedTx | AccountTx,
    person: Person,
    about: tuple[str, str],
    times: tuple[datetime, datetime],
    link: str,
) -> None:
    (title, what), (due, now) = about, times
    with i18n.speaking(person.language):
        details = {
            "name": person.first_name,
            "title": title,
            "what": i18n.translate(what),
            "late": now >= due,
            "due": i18n.moment(due, "Europe/Paris"),
            "link": link,
        }
    await outbox.write(tx, "breach_clock", person.email, language=person.language, details=details)
