"""POST /api/v1/messages: what leaves, what is refused, and what a repeated request does."""

import asyncio
import base64

import pytest

from lists import restrictions, suppressions
from lists.restrictions import NewRestriction
from lists.suppressions import Reason
from mailer.core import keys
from sending import message
from tests.campaigns.conftest import MJML
from tests.transactional.conftest import Counter

RECEIPT = """<mjml><mj-body><mj-section><mj-column>
<mj-text>Bonjour {{ contact.first_name | default("vous") }}, commande {{ values.order }}.</mj-text>
<mj-text>{% for one in values.items %}{{ one }}, {% endfor %}{% if values.gift %}Cadeau{% endif %}</mj-text>
<mj-button href="{{ values.link }}">Suivre</mj-button>
</mj-column></mj-section></mj-body></mjml>"""
VALUES = {"order": 1001, "items": ["seigle", "<b>épeautre</b>"], "link": "https://pain.test/suivi?a=1&b=é"}


async def _design(counter: Counter, *, name: str = "Reçu", kind: str = "mjml", source: str = RECEIPT) -> int:
    async with counter.services.db.account(counter.account.id) as tx:
        design_id: int = await tx.value(
            """
            INSERT INTO designs (account_id, name, kind, subject, source)
            VALUES ($1, $2, $3, 'Commande {{ values.order }}', $4)
            RETURNING id
            """,
            name,
            kind,
            source,
        )
    return design_id


async def _suppress(counter: Counter, reason: Reason, *, list_id: int | None = None) -> None:
    async with counter.services.db.account(counter.account.id) as tx:
        hashed = await suppressions.hash_of(tx, counter.services.sealer, "ana@example.test")
        await tx.run(
            "INSERT INTO suppressions (account_id, address_hash, list_id, reason) VALUES ($1, $2, $3, $4)",
            hashed,
            list_id,
            reason,
        )


@pytest.mark.req("A-101", "D-47", "D-62", "D-82")
async def test_a_message_leaves_as_service_mail(counter: Counter) -> None:
    answer = await counter.ask(to={"email": "ana@example.test", "name": "Ana Béa"})
    assert answer.status == 202
    accepted = answer.json()
    assert accepted["status"] == "queued"
    assert answer.headers["Location"] == f"/api/v1/messages/{accepted['id']}"
    await counter.run()
    [mail] = counter.sink.to("ana@example.test")
    names = [name.lower() for name in message.header_names(mail.raw)]
    assert not [name for name in names if name.startswith("list-")]
    assert (mail.message["Subject"], mail.message["To"]) == ("Order 1001", "Ana Béa <ana@example.test>")
    assert mail.message["Auto-Submitted"] == "auto-generated"
    assert mail.message["Feedback-ID"] == f"d0:a{counter.account.id}:transactional:mailer"
    assert "Thank you." in mail.message.get_body(("html",)).get_content()  # type: ignore[union-attr]
    shown = await counter.show(accepted["id"])
    assert (shown["status"], shown["to"], shown["subject"]) == ("delivered", "ana@example.test", "Order 1001")
    assert shown["attempts"] == 1


@pytest.mark.req("A-101", "E-22", "B-35")
async def test_a_design_is_filled_with_values_and_measures_nothing(counter: Counter) -> None:
    design = await _design(counter)
    async with counter.services.db.account(counter.account.id) as tx:
        await counter.make.contact(tx, "ana@example.test", tracked=True)
    mail = (await counter.sent(template=design, values=VALUES)).message
    html = mail.get_body(("html",)).get_content()  # type: ignore[union-attr]
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert mail["Subject"] == "Commande 1001"
    assert "Bonjour Ana" in html
    assert "&lt;b&gt;épeautre&lt;/b&gt;" in html
    assert "<b>épeautre</b>" in text
    assert "https://pain.test/suivi?a=1&amp;b=%C3%A9" in html
    assert "/t/" not in html + text
    assert f"d{design}:" in mail["Feedback-ID"]
    assert (await counter.ask(template="Reçu", values=VALUES)).status == 202


@pytest.mark.req("E-20", "E-22")
async def test_html_of_the_caller_is_never_read_as_a_template(counter: Counter) -> None:
    html = "<p>{{ sender.email }} {% if</p>"
    mail = (await counter.sent(subject="{{ account.name }}", html=html)).message
    assert mail["Subject"] == "{{ account.name }}"
    assert html in mail.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert "{{ sender.email }}" in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]


@pytest.mark.req("D-09", "E-23")
@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"subject": "", "text": "x"}, "subject"),
        ({"text": None}, "template"),
        ({"mjml": MJML, "html": "x", "subject": "x"}, "html"),
        ({"text": "x", "subject": "x", "values": {"a": 1}}, "values"),
        ({"template": 999_999_999}, "template"),
        ({"to": {"email": "nobody"}}, "to.email"),
        ({"to": {"email": "a@b.test\r\nBcc: c@d.test"}}, "to.email"),
        ({"headers": {"Bcc": "c@d.test"}}, "headers.Bcc"),
        ({"headers": {"References": "<a@b>\r\nBcc: c@d.test"}}, "headers.References"),
        ({"reply_to": "x@y.test, z@y.test"}, "reply_to"),
        ({"attachments": [{"name": "a.exe", "content": "eA=="}]}, "attachments.0.name"),
        ({"attachments": [{"name": "../a.pdf", "content": "eA=="}]}, "attachments.0.name"),
        ({"attachments": [{"name": "a.pdf", "content": "é"}]}, "attachments.0.content"),
        ({"expires_after": 5}, "expires_after"),
        ({"campaign": 1}, "campaign"),
    ],
)
async def test_what_is_wrong_is_named(counter: Counter, more: dict[str, object], field: str) -> None:
    body = {name: value for name, value in counter.body(**more).items() if value is not None}
    answer = await counter.program.post("/api/v1/messages", json=body)
    assert answer.status == 422
    assert field in {error["field"] for error in answer.json()["errors"]}
    assert (await counter.program.get("/api/v1/messages")).json()["items"] == []


async def test_a_control_character_in_a_name_or_subject_stays_out_of_the_headers(counter: Counter) -> None:
    attack = "Order\r\nBcc: x@y.test"
    mail = await counter.sent(subject=attack, text="x", to={"email": "ana@example.test", "name": attack})
    assert mail.message["Bcc"] is None
    assert mail.message["Subject"] == "Order Bcc: x@y.test"


@pytest.mark.req("A-101")
async def test_a_design_of_a_newsletter_is_refused_and_a_letter_loses_its_footer(counter: Counter) -> None:
    await _design(counter, name="Lettre", source=RECEIPT.replace("Suivre", "{{ unsubscribe_url }}"))
    answer = await counter.ask(template="Lettre", values=VALUES)
    assert answer.json()["errors"][0]["code"] == "newsletter"
    letter = '{"blocks": [{"kind": "paragraph", "text": "Code {{ values.code }}"}], "footer": true}'
    design = await _design(counter, name="Code", kind="letter", source=letter)
    mail = (await counter.sent(template=design, subject="Code", values={"code": "314"})).message
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert text.strip() == "Code 314"


async def test_a_value_that_a_design_needs_is_asked_for(counter: Counter) -> None:
    design = await _design(counter)
    answer = await counter.ask(template=design, values={"order": 1})
    assert answer.status == 422
    assert {error["field"] for error in answer.json()["errors"]} == {"values.items", "values.link"}
    await _design(counter)
    assert (await counter.ask(template="Reçu", values=VALUES)).json()["errors"][0]["code"] == "ambiguous"


@pytest.mark.req("D-07")
async def test_files_and_thread_headers_arrive(counter: Counter) -> None:
    name, data = "facture d'été €.pdf", bytes(range(256)) * 40
    given = [
        {"name": name, "media_type": "application/pdf", "content": base64.b64encode(data).decode()},
        {"name": "plan.txt", "media_type": "text/plain", "content": base64.b64encode(b"x").decode()},
    ]
    headers = {"In-Reply-To": "<1@shop.test>", "References": "<0@shop.test> <1@shop.test>"}
    mail = await counter.sent(attachments=given, headers=headers)
    first, second = mail.message.iter_attachments()
    assert (first.get_filename(), first.get_content_type(), first.get_content()) == (
        name,
        "application/pdf",
        data,
    )
    assert second.get_filename() == "plan.txt"
    assert "Thank you." in mail.message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert mail.message["References"] == headers["References"]
    assert mail.message["In-Reply-To"] == headers["In-Reply-To"]
    assert max(len(line) for line in mail.raw.split(b"\r\n")) <= 100
    assert b"\n" not in mail.raw.replace(b"\r\n", b"")


@pytest.mark.req("E-61", "E-56")
async def test_fifty_requests_with_one_key_are_one_mail_and_one_answer(counter: Counter) -> None:
    answers = await asyncio.gather(*(counter.ask("order-1") for _ in range(50)))
    assert {answer.status for answer in answers} == {202}
    assert len({answer.text for answer in answers}) == 1
    await counter.run()
    later = await counter.ask("order-1", language=None)
    assert (later.status, later.text) == (202, answers[0].text)
    await counter.run()
    assert len(counter.sink.to("ana@example.test")) == 1


@pytest.mark.req("E-61")
async def test_a_key_with_another_body_is_refused_and_is_free_again_after_a_day(counter: Counter) -> None:
    first = await counter.ask("order-1")
    other = await counter.ask("order-1", subject="Another", text="Other")
    assert (other.status, other.json()["errors"][0]["code"]) == (422, "key_reused")
    neighbour = await counter.make.account()
    program = await counter.make.program(neighbour.id)
    theirs = await program.post(
        "/api/v1/messages", json=counter.body(), headers={"Idempotency-Key": "order-1"}
    )
    assert theirs.json()["errors"][0]["field"] == "sender_id"
    async with counter.services.db.account(counter.account.id) as tx:
        await tx.run(
            "UPDATE idempotency_keys SET created_at = now() - interval '25 hours' WHERE account_id = $1"
        )
    again = await counter.ask("order-1", subject="Another", text="Other")
    assert again.status == 202
    assert again.json()["id"] != first.json()["id"]
    assert (await counter.ask("é")).status == 422


async def test_without_a_key_each_request_is_a_message(counter: Counter) -> None:
    for _ in range(2):
        await counter.ask()
    await counter.run()
    assert len(counter.sink.to("ana@example.test")) == 2


@pytest.mark.req("A-101", "C-16", "S5")
@pytest.mark.parametrize("reason", [Reason.UNSUBSCRIBED, Reason.COMPLAINED, Reason.OBJECTED])
async def test_a_no_to_newsletters_stops_no_service_mail(counter: Counter, reason: Reason) -> None:
    await _suppress(counter, reason)
    await counter.sent()


@pytest.mark.req("D-33", "S5")
@pytest.mark.parametrize(("reason", "code"), [(Reason.BOUNCED, "bounced"), (Reason.ADDED, "suppressed")])
async def test_a_dead_mailbox_and_the_teams_own_no_are_refused(
    counter: Counter, reason: Reason, code: str
) -> None:
    async with counter.services.db.account(counter.account.id) as tx:
        listed = await counter.make.mailing_list(tx)
    await _suppress(counter, Reason.UNSUBSCRIBED, list_id=listed)
    assert (await counter.ask()).status == 202
    await _suppress(counter, reason)
    answer = await counter.ask()
    assert answer.status == 422
    assert (answer.json()["errors"][0]["field"], answer.json()["errors"][0]["code"]) == ("to.email", code)
    await counter.run()  # the one before, too: it is looked at again when it begins
    assert counter.sink.seen == []
    [row] = (await counter.program.get("/api/v1/messages?status=skipped")).json()["items"]
    assert row["reason"] == "suppressed"


@pytest.mark.req("C-13")
async def test_nothing_goes_to_somebody_whose_data_may_only_be_kept(counter: Counter) -> None:
    async with counter.services.db.account(counter.account.id) as tx:
        ana = await counter.make.contact(tx, "ana@example.test")
    assert (await counter.ask()).status == 202
    async with counter.services.db.account(counter.account.id) as tx:
        await restrictions.limit(tx, ana, NewRestriction(ground="objection"))
    answer = await counter.ask()
    assert (answer.status, answer.json()["errors"][0]["code"]) == (422, "restricted")
    await counter.run()  # the one before: looked at again when it begins
    assert counter.sink.seen == []
    [row] = (await counter.program.get("/api/v1/messages?status=skipped")).json()["items"]
    assert row["reason"] == "restricted"


async def test_an_account_that_is_not_ready_sends_nothing(counter: Counter) -> None:
    async with counter.services.db.account(counter.account.id) as tx:
        await tx.run("UPDATE senders SET status = 'pending' WHERE account_id = $1")
    assert (await counter.ask()).json()["errors"][0]["code"] == "sender"
    async with counter.services.db.account(counter.account.id) as tx:
        await tx.run("UPDATE senders SET status = 'confirmed' WHERE account_id = $1")
    for columns, status in [
        ("legal_name = ''", 403),
        ("legal_name = 'A', status = 'pending'", 403),
        ("status = 'suspended'", 403),
        ("status = 'active'", 202),
    ]:
        async with counter.services.db.shared() as tx:
            await tx.run(f"UPDATE accounts SET {columns} WHERE id = $1", counter.account.id)
        assert (await counter.ask()).status == status, columns
    bare = await counter.make.account(agreed=False)
    program = await counter.make.program(bare.id)
    assert (await program.post("/api/v1/messages", json=counter.body())).json()["code"] == "agreement"
    async with counter.make.services.db.account(bare.id) as tx:
        await tx.run(
            "INSERT INTO agreement_acceptances (account_id, version, person) VALUES ($1, '2026-11', 'Odile')"
        )
    #
    answer = await program.post("/api/v1/messages", json=counter.body())
    assert answer.json()["code"] == "responsibilities"


@pytest.mark.req("A-101")
async def test_the_same_words_to_many_are_a_campaign_and_an_account_has_a_limit(counter: Counter) -> None:
    from sending import api_messages

    async with counter.services.db.shared() as tx:
        await tx.run("UPDATE accounts SET messages_per_hour = 1000000 WHERE id = $1", counter.account.id)
    statuses = []
    program = [await counter.make.program(counter.account.id) for _ in range(2)]
    for n in range(api_messages.SAME_A_DAY + 1):
        body = counter.body(to={"email": f"p{n}@many.test"})
        statuses.append((await program[n % 2].post("/api/v1/messages", json=body)).status)
    assert statuses[:-1] == [202] * api_messages.SAME_A_DAY
    assert statuses[-1] == 429
    other = await counter.ask(subject="Order 1002", text="Another")
    assert other.status == 202
    async with counter.services.db.shared() as tx:
        await tx.run("UPDATE accounts SET messages_per_hour = 1 WHERE id = $1", counter.account.id)
    assert (await counter.ask(subject="Order 1003", text="Another")).status == 202
    limited = await counter.ask(subject="Order 1004", text="Another")
    assert limited.status == 429
    assert int(limited.headers["Retry-After"]) > 0


@pytest.mark.req("E-35")
async def test_scopes_pages_and_filters(counter: Counter) -> None:
    reader = await counter.make.program(counter.account.id, ["messages:read"])
    assert (await reader.post("/api/v1/messages", json=counter.body())).status == 403
    for n in range(5):
        await counter.ask(subject=f"Order {n}", text=str(n), to={"email": f"p{n % 2}@pages.test"})
    first = (await reader.get("/api/v1/messages?limit=3")).json()
    rest = (await reader.get(f"/api/v1/messages?limit=3&cursor={first['next_cursor']}")).json()
    assert [one["subject"] for one in first["items"] + rest["items"]] == [
        f"Order {n}" for n in (4, 3, 2, 1, 0)
    ]
    assert rest["next_cursor"] is None
    mine = (await reader.get("/api/v1/messages?to=P1@pages.test")).json()["items"]
    assert {one["to"] for one in mine} == {"p1@pages.test"}
    assert len(mine) == 2
    assert (await reader.get("/api/v1/messages?status=delivered")).json()["items"] == []
    writer = await counter.make.program(counter.account.id, ["messages:write"])
    assert (await writer.get("/api/v1/messages")).status == 403


@pytest.mark.req("A-001", "E-37", "S13")
async def test_nothing_of_it_stands_in_the_clear(counter: Counter) -> None:
    await counter.ask(
        "canary-key", subject="canary-subject", text="canary-text", to={"email": "canary@x.test"}
    )
    async with counter.services.db.account(counter.account.id) as tx:
        row = await tx.value("SELECT to_jsonb(m)::text FROM messages m WHERE account_id = $1")
        assert "canary" not in row
        raw = await tx.rows("SELECT envelope, content, key_day FROM messages WHERE account_id = $1")
        envelope, content, day = raw[0]
        assert b"canary" not in envelope + content
        opened = await keys.open_content(tx, counter.services.sealer, day=day, sealed=content)
        assert b"canary-text" in opened


async def test_a_campaign_cannot_read_values(counter: Counter) -> None:
    async with counter.services.db.account(counter.account.id) as tx:
        listed = await counter.make.mailing_list(tx)
        await counter.make.contact(tx, list_id=listed)
    body = {"name": "x", "subject": "x", "list_ids": [listed], "mjml": RECEIPT, "footer": True}
    made = await counter.program.post("/api/v1/campaigns", json=body)
    assert made.status == 201, made.text
    sent = await counter.program.post(f"/api/v1/campaigns/{made.json()['id']}/sends", json={})
    assert "values" in {error["code"] for error in sent.json()["errors"]}
