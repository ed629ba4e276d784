"""What was sent stands in clear nowhere: not in a table, not in a dump, not beside it (A-001, A-003, S12)."""

import base64
from pathlib import Path

import pytest

from mailer.core import backup_files, backups, clock
from mailer.core.db import open_database
from mailer.core.services import Services
from sending import inbound, test_sends
from tests.delivery.conftest import MJML, People, Post
from tests.transactional.conftest import Counter, counter

__all__ = ["counter"]

# as they only are once compiled, merged or attached: the author's draft and the contact's fields stay what they are
COMPILED = "canary-body-5d1c</a>"
BODY = "canary-body-5d1c Canary-Ana"
MERGED = "Du pain Canary-Ana"
ATTACHED = "canary-attachment-91"
TRANSACTIONAL = "canary-order-77"
REPLY = "canary-reply-30"


async def _found(admin: str, canaries: list[str]) -> dict[str, list[str]]:
    """Tables of the whole database, seen by a superuser, that hold one: as text, in base64, or in bytes."""
    forms = {}
    for canary in canaries:
        plain = canary.encode()
        for form in (canary, plain.hex(), base64.b64encode(plain).decode().rstrip("=")[:-1]):
            forms[form] = canary
    found: dict[str, list[str]] = {}
    async with open_database(admin, size=1) as db, db.connection() as connection:
        tables = await connection.fetch(
            """
            SELECT relname FROM pg_class
            WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
            """
        )
        for (table,) in tables:
            rows = await connection.fetch(
                # each row is turned into text once
                f"SELECT DISTINCT f.form FROM (SELECT t::text AS whole FROM {table} AS t OFFSET 0) AS r"
                " CROSS JOIN LATERAL (SELECT form FROM unnest($1::text[]) AS form"
                " WHERE strpos(r.whole, form) > 0) AS f",
                list(forms),
            )
            if rows:
                found[table] = sorted({forms[form] for (form,) in rows}, key=canaries.index)
    return found


@pytest.mark.req("A-001", "A-003", "E-37", "S12", "S13")
async def test_what_was_sent_stands_in_clear_nowhere(
    post: Post, people: People, counter: Counter, admin: str, tmp_path: Path
) -> None:
    listed = await people("ana@canary.test")
    async with post.tx() as tx:
        await tx.run("UPDATE contacts SET first_name = 'Canary-Ana' WHERE account_id = $1")
    source = MJML.replace("Voir le pain", "canary-body-5d1c").replace("Bonjour", "canary-body-5d1c")
    campaign = await post.campaign([listed], source=source)
    await post.run()
    me = post.account.owner_email
    async with post.tx() as tx:
        await test_sends.ask(tx, campaign, recipient=me, team=frozenset({me}), contact_id=None)
    await post.run(system=True)
    attachment = {"name": "order.txt", "content": base64.b64encode(ATTACHED.encode()).decode()}
    asked = await counter.ask("key-1", subject="Order", text=TRANSACTIONAL, attachments=[attachment])
    assert asked.status == 202, asked.text
    async with post.services.db.shared() as shared:
        raw = f"Subject: x\r\n\r\n{REPLY}".encode()
        arrived = inbound.Envelope("a@b.test", "r@c.test", raw)
        await inbound.store_known(shared, post.services.sealer, post.account.id, arrived, size=len(raw))
        await inbound.store_stray(shared, post.services.sealer, arrived, size=len(raw))
    # the test looks where something is: the same strings are in what left
    left = [mail for mail in post.sink.accepted if "ana@canary.test" in mail.recipient]
    assert MERGED in str(left[0].message["Subject"])
    html = left[0].message.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert (COMPILED in html, BODY in html) == (True, True), html
    canaries = [COMPILED, BODY, MERGED, ATTACHED, TRANSACTIONAL, REPLY]
    assert await _found(admin, canaries) == {}
    assert await _found(admin, ["Canary-Ana"]) == {"contacts": ["Canary-Ana"]}

    taken = await backups.take(tmp_path, admin, post.services.sealer, clock.now(), lambda _: None)
    dump = b"".join(backup_files.opened(taken.path, backup_files.manifest(taken.path), post.services.sealer))
    assert len(dump) > 100_000
    # what lies on the disk says nothing at all, not even who is in it
    for path in (*taken.path.iterdir(), *(tmp_path / backup_files.KEYS).iterdir()):
        for word in ("Canary-Ana", "canary", "ana@canary.test", "contacts"):
            if path.name != backup_files.MANIFEST:
                assert word.encode() not in path.read_bytes(), path
    # sealed to nobody without a key of a day
    assert {"inbox_mails", "stray_mails", "kept_forms", "content_keys", "content_masters"} <= set(
        backups.LEFT_OUT
    )


@pytest.mark.req("E-37")
async def test_the_scan_finds_what_is_in_clear(services: Services, admin: str) -> None:
    """It would be worth nothing if it could not fail."""
    async with services.db.shared() as tx:
        await tx.run(
            """
            INSERT INTO inbox_mails (mail_from, recipient, subject, feedback_id, raw)
            VALUES ('a', 'b', 'c', '', 'canary-in-bytes')
            """
        )
    assert await _found(admin, ["canary-in-bytes"]) == {"inbox_mails": ["canary-in-bytes"]}
