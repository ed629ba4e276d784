"""System mail and test sends: what the platform itself writes, and drafts to the team."""

import re

import pytest

from mailer.core import clock, outbox, work
from mailer.core.services import Services
from sending import system_mail, test_sends
from sending.system_mail import OutboxMail
from tests.delivery.conftest import MJML, People, Post

DETAILS = {
    "link": "http://localhost/t/confirm/abc",
    "list": "Le pain du <mois>",
    "frequency": "une fois par mois",
    "sender": "Atelier & Fils",
    "contact": "bonjour@pain.test",
}


async def _write(services: Services, recipient: str, *, language: str = "fr") -> int:
    async with services.db.shared() as tx:
        return await outbox.write(tx, "confirm_subscription", recipient, language=language, details=DETAILS)


async def _row(services: Services, mail_id: int) -> tuple[bool, bool, str]:
    async with services.db.shared() as tx:
        [row] = await tx.rows(
            "SELECT sent_at IS NOT NULL, failed_at IS NOT NULL, reply FROM outbox WHERE id = $1", mail_id
        )
    return row


@pytest.mark.req("D-35", "D-47", "B-26")
async def test_a_confirmation_leaves_without_list_headers(post: Post) -> None:
    mail_id = await _write(post.services, "ana@confirm.test")
    await post.run(system=True)
    assert await _row(post.services, mail_id) == (True, False, "250 2.0.0 Ok")
    async with post.services.db.shared() as tx:  # a link that opens a door is kept no longer than it must
        assert await tx.value("SELECT details FROM outbox WHERE id = $1", mail_id) == {}
    message = post.sink.to("ana@confirm.test")[0].message
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["From"] == "Mailer <no-reply@mailer.localhost>"
    assert message["Subject"] == "Confirmez votre abonnement à «\u00a0Le pain du <mois>\u00a0»"
    assert not [name for name in message if name.lower().startswith("list-")]
    html = message.get_body(("html",)).get_content()  # type: ignore[union-attr]
    text = message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "Le pain du &lt;mois&gt;" in html
    assert "Le pain du <mois>" in text
    for part in (html, text):
        assert DETAILS["link"] in part
    assert '<html lang="fr"' in html


@pytest.mark.req("D-13")
async def test_a_refused_system_mail_is_noted_and_a_deferred_one_goes_again(post: Post) -> None:
    post.sink.rcpt = {"no@x.test": "550 5.1.1 unknown", "later@x.test": "451 4.3.0 later"}
    refused, later = await _write(post.services, "no@x.test"), await _write(post.services, "later@x.test")
    await post.run(system=True)
    assert await _row(post.services, refused) == (False, True, "550 5.1.1 unknown")
    assert await _row(post.services, later) == (False, False, "")
    post.sink.rcpt = {}
    async with post.services.db.shared() as tx:
        await work.add(tx, outbox.JOB, later)
    await post.run(system=True)
    assert await _row(post.services, later) == (True, False, "250 2.0.0 Ok")
    assert len(post.sink.to("later@x.test")) == 1


@pytest.mark.req("D-22")
async def test_a_system_mail_that_is_sent_is_not_sent_again(post: Post) -> None:
    mail_id = await _write(post.services, "once@x.test")
    await post.run(system=True)
    async with post.services.db.shared() as tx:
        await work.add(tx, outbox.JOB, mail_id)
    await post.run(system=True)
    assert len(post.sink.to("once@x.test")) == 1


def test_a_second_try_has_the_same_message_id(services: Services) -> None:
    mail = OutboxMail(
        id=7, account_id=0, kind="confirm_subscription", recipient="a@b.test", language="en",
        details=DETAILS, created_at=clock.now(),
    )  # fmt: skip
    first, second = (system_mail.build(mail, services.settings).message for _ in range(2))
    ids = {re.search(rb"Message-ID: <[^>]+>", one)[0] for one in (first, second)}  # type: ignore[index]
    assert len(ids) == 1


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize(
    ("kind", "details"),
    [
        ("confirm_subscription", DETAILS),
        ("confirm_subscription", DETAILS | {"frequency": ""}),
        (
            "confirm_seed",
            {"account": "Pain", "email": "a@b.test", "link": "http://localhost/t/test-address/x", "days": 3},
        ),
        (
            "contacts_inactive",
            {
                "account": "Pain",
                "count": 3,
                "choice": "ask",
                "due_on": "2026-12-24",
                "link": "http://localhost/x",
            },
        ),
        (
            "still_there",
            {
                "sender": "Pain",
                "contact": "a@b.test",
                "until": "2026-12-24",
                "link": "http://localhost/t/stay/x",
                "leave": "http://localhost/t/unsubscribe/x",
            },
        ),
        ("subscription_ended", {"account": "Pain", "link": "http://localhost/x"}),
        ("webhook_disabled", {"webhook": "CRM", "gone": True, "link": "http://localhost/x"}),
        ("webhook_disabled", {"webhook": "CRM", "gone": False, "link": "http://localhost/x"}),
        (
            "still_reading",
            {
                "sender": "Pain",
                "contact": "a@b.test",
                "until": "2026-12-24",
                "link": "http://localhost/t/stay/x",
                "leave": "http://localhost/t/unsubscribe/x",
            },
        ),
        ("import_done", {"file": "a.csv", "imported": 4812, "rejected": 37, "link": "http://localhost/x"}),
    ],
)
def test_templates_have_a_subject_and_both_parts(
    kind: str, details: dict[str, object], language: str
) -> None:
    mail = OutboxMail(
        id=1, account_id=0, kind=kind, recipient="a@b.test", language=language, details=details,
        created_at=clock.now(),
    )  # fmt: skip
    made = system_mail.render(mail)
    assert made.subject
    assert "Subject" not in made.text
    assert str(details["link"]) in made.text
    assert str(details["link"]) in made.html


async def _draft(post: Post, people: People) -> int:
    campaign = await post.campaign([await people("ana@test-send.test", tracked=True)])
    async with post.tx() as tx:
        await tx.run("UPDATE campaigns SET status = 'draft' WHERE account_id = $1 AND id = $2", campaign)
        await work.cancel(tx, "sending.prepare", campaign)
    return campaign


@pytest.mark.req("B-42", "A-088")
@pytest.mark.parametrize("as_contact", [True, False])
async def test_a_test_goes_to_the_team_and_its_links_change_nothing(
    post: Post, people: People, as_contact: bool
) -> None:
    campaign = await _draft(post, people)
    me = post.account.owner_email
    async with post.tx() as tx:
        ana = await tx.value("SELECT id FROM contacts WHERE account_id = $1 AND email = 'ana@test-send.test'")
        test_id = await test_sends.ask(
            tx, campaign, recipient=me, team=frozenset({me}), contact_id=ana if as_contact else None
        )
    await post.run(system=True)
    [mail] = post.sink.accepted
    assert mail.recipient == me
    name = "Ana" if as_contact else "Camille"
    assert mail.message["Subject"] == f"[Test] Du pain {name}"
    html = mail.message.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert set(re.findall(r"localhost:\d+(/t/\w+/)", html)) == {"/t/test/"}
    assert "/t/test/" in mail.message["List-Unsubscribe"]
    assert f"https://boutique.test/{name}" in html
    async with post.tx() as tx:
        test = await test_sends.show(tx, test_id)
    assert (test.state, test.reply) == ("sent", "250 2.0.0 Ok")
    assert await post.states(campaign) == {}


async def test_a_test_of_a_broken_draft_says_that_it_failed(post: Post, people: People) -> None:
    campaign = await _draft(post, people)
    me = post.account.owner_email
    async with post.tx() as tx:
        await tx.run(
            "UPDATE campaigns SET source = $3 WHERE account_id = $1 AND id = $2", campaign, MJML[:-10]
        )
        test_id = await test_sends.ask(tx, campaign, recipient=me, team=frozenset({me}), contact_id=None)
    await post.run(system=True)
    async with post.tx() as tx:
        assert (await test_sends.show(tx, test_id)).state == "failed"
    assert post.sink.seen == []


async def test_a_refused_test_says_why(post: Post, people: People) -> None:
    campaign = await _draft(post, people)
    me = post.account.owner_email
    post.sink.rcpt = {me: "550 5.7.1 not from you"}
    async with post.tx() as tx:
        test_id = await test_sends.ask(tx, campaign, recipient=me, team=frozenset({me}), contact_id=None)
    await post.run(system=True)
    async with post.tx() as tx:
        test = await test_sends.show(tx, test_id)
    assert (test.state, test.reply) == ("failed", "550 5.7.1 not from you")
