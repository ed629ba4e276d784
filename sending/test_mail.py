"""The mail of a test send: the draft as one person would get it, with “[Test]” and links that change nothing.

It measures nothing and is not frozen: the content is compiled as it stands.
"""

import hashlib
import hmac
from dataclasses import replace
from datetime import datetime, timedelta

from mailer.core import clock, jobs
from mailer.core.addresses import domain_of, parse
from mailer.core.db import AccountTx
from mailer.core.errors import Invalid, NotFound
from mailer.core.links import Links
from mailer.core.services import Services
from mailer.core.work import Task
from sending import (
    domains,
    message,
    outcomes,
    personal,
    replies,
    return_paths,
    revisions,
    route,
    servers,
    signing,
    test_sends,
)
from sending.message import ListHeaders, MailClass, MessageHeaders
from sending.personal import Person
from sending.render import RenderFailed
from sending.smtp import Mail
from sending.test_sends import TestSend

PREFIX = "[Test] "
PATIENCE = timedelta(hours=1)


async def send_test(services: Services, task: Task) -> datetime | None:
    """The job "sending.send_test": `ref_id` is the row of test_sends."""
    async with services.db.account(task.account_id) as tx:
        try:
            test = await test_sends.show(tx, task.ref_id)
        except NotFound:
            return None
        if test.state != "waiting":
            return None
        if not await test_sends.may_get(tx, test.recipient):
            await test_sends.finish(tx, test.id, "failed", reply="the address takes no tests any more")
            return None
        found = await servers.of(tx, services)
        try:
            mail = await build(tx, services, test)
        except (Invalid, NotFound, RenderFailed, ValueError):
            await test_sends.finish(tx, test.id, "failed", reply="the content cannot be made into a mail")
            return None
    if not found:
        return jobs.in_(minutes=1)
    reply = await route.of(found, services.settings.mail_domain).hand_over(mail)
    verdict = replies.classify(reply.code, reply.text, reply.stage)
    if verdict.status == "deferred" and clock.now() - test.created_at < PATIENCE:
        return clock.now() + outcomes.jittered(outcomes.SERVER_AWAY)
    async with services.db.account(task.account_id) as tx:
        state = "sent" if verdict.status == "delivered" else "failed"
        await test_sends.finish(tx, test.id, state, reply=f"{reply.code} {replies.shown(reply.text)}")
    return None


async def build(tx: AccountTx, services: Services, test: TestSend) -> Mail:
    """Raises Invalid, RenderFailed or ValueError when the draft is not fit to be sent."""
    content = await revisions.draft(tx, services.settings, test.campaign_id, test.variant)
    person = await _person(tx, test, content.language)
    links = Links(services.tokens, services.settings.track_url)
    urls = test_sends.urls(links, tx.account_id, test.campaign_id)
    rendered = revisions.program(content).render(personal.recipient(content, person, urls))
    shared = revisions.headers(content, tx.account_id, test.campaign_id, services.settings)
    marketing = shared.mail_class is MailClass.MARKETING
    domain = services.settings.mail_domain
    name = next(iter(content.lists.values()), "Test")
    headers = MessageHeaders(
        campaign=shared,
        to_email=test.recipient,
        message_id=hmac.digest(services.settings.key, f"test {test.id}".encode(), hashlib.sha256)[:16].hex(),
        sent_at=clock.now(),
        mailing_list=ListHeaders(name=name, label=f"test.a{tx.account_id}", domain=domain)
        if marketing
        else None,
        unsubscribe_url=urls.unsubscribe if marketing else None,
    )
    built = message.build(headers, replace(rendered, subject=PREFIX + rendered.subject))
    signers = await domains.signing_keys(tx, services, domain_of(parse(shared.from_email).key))
    returns = return_paths.of_messages(services.tokens, domain, account_id=tx.account_id)
    mail = Mail(returns.path(returns.token(0, b"")), message.envelope_address(test.recipient), built)
    return signing.signed([mail], signers)[0]


async def _person(tx: AccountTx, test: TestSend, language: str) -> Person:
    """The contact that was chosen, or somebody made up."""
    found = None
    if test.contact_id is not None:
        found = await tx.first(
            Person,
            """
            SELECT id AS contact_id, 0::bigint AS list_id, email, address_key, address_hash, first_name,
                   last_name, language, fields, opens, clicks
            FROM contacts
            WHERE account_id = $1 AND id = $2
            """,
            test.contact_id,
        )
    return found or personal.sample(test.recipient, language)
