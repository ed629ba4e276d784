"""The end of an account: erased part by part, certified, told; and what its people and recipients read then."""

import argparse
import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from lists import erasing
from mailer import certificate_command
from mailer.accounts import account_life, accounts, certificates, former_people, passwords
from mailer.core import keys, proof_keys, work
from mailer.core.services import Services
from mailer.core.tokens import Purpose, RecipientToken
from mailer.core.work import Task
from retention_jobs import account_certificate, certificate_classes, closed_accounts, jobs, platform
from tests.client import Client
from tests.make import Account, Make
from tests.statements import statements
from tests.test_architecture import GLOBAL

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
END = datetime(2027, 1, 26, 9, 0, tzinfo=UTC)
PASSWORD = "une péniche 7 bleue"


async def closed(services: Services, account: Account) -> None:
    async with services.db.account(account.id) as tx:
        name = (await accounts.show(tx)).name
        await account_life.close(tx, name, now=NOW, public_url="https://mailer.test")


async def erased(services: Services, account: Account, now: datetime = END) -> dict[str, int]:
    issuer = account_certificate.issuer(services)
    return await closed_accounts.erase(services.db, account.id, now, at_end=issuer)


async def told(services: Services, address: str) -> dict[str, Any]:
    async with services.db.shared() as tx:
        rows = await tx.rows(
            "SELECT details FROM outbox WHERE recipient = $1 AND kind = 'account_erased'", address
        )
    [(details,)] = rows
    return dict(details)


@pytest.mark.req("A-093", "C-52", "A-005")
async def test_the_certificate_counts_what_went_and_anybody_checks_its_signature(
    services: Services, make: Make, client: Client
) -> None:
    account = await make.account()
    _, colleague = await make.user(account.id, "editor")
    async with services.db.account(account.id) as tx:
        list_id = await make.mailing_list(tx)
        for _ in range(3):
            await make.contact(tx, list_id=list_id)
        await keys.content_key(tx, services.sealer, NOW.date())
    await closed(services, account)
    assert await erased(services, account, END - timedelta(seconds=1)) == {}
    counts = await erased(services, account)
    assert (counts["contacts"], counts["subscriptions"], counts["users"]) == (3, 3, 2)

    owner, editor = await told(services, account.owner_email), await told(services, colleague)
    assert owner["erased_on"] == "2027-01-26"
    assert editor["certificate"] == ""
    # as an outsider reads it: the record's own octets, the key from the page of keys, nothing of ours
    found = json.loads(owner["certificate"])
    async with services.db.shared() as tx:
        public = {key.id: key.public_key for key in await proof_keys.public_keys(tx)}
    Ed25519PublicKey.from_public_bytes(public[found["key_id"]]).verify(
        base64.b64decode(found["signature"]), found["record"].encode()
    )
    assert hashlib.sha256(found["record"].encode()).hexdigest() == found["hash"]
    record = json.loads(found["record"])
    assert json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False) == found["record"]
    assert (record["account"], record["closed_at"], record["erased_at"]) == (
        account.id,
        "2026-11-26T09:00:00Z",
        "2027-01-26T09:00:00Z",
    )
    assert record["deleted"]["people"]["contacts"] == 3
    assert record["rows"] == sum(counts.values())
    assert record["keys_destroyed"]["account_keys"] == 1
    assert record["keys_destroyed"]["content_keys"] == 1
    # nothing in it names anybody
    for word in (account.owner_email, colleague, "Pain", "Atelier"):
        assert word not in found["record"]

    page = await client.get(owner["link"].removeprefix(services.settings.public_url))
    assert page.status == 200
    assert "The signature is good" in page.text
    assert "Contacts, their lists, tags and fields" in page.text
    file = await client.get(owner["link"].removeprefix(services.settings.public_url) + "/file")
    assert file.text == owner["certificate"]
    assert (await client.get("/legal/certificates/nothing-here")).status == 404


@pytest.mark.req("A-005")
async def test_rows_that_stay_bear_their_law_and_their_end_and_go_then(
    services: Services, make: Make
) -> None:
    account = await make.account()
    await closed(services, account)
    await erased(services, account)
    async with services.db.shared() as tx:
        row = await tx.rows(
            "SELECT legal_basis, expires_at FROM account_certificates WHERE account_id = $1", account.id
        )
        assert row == [("GDPR, art. 5(2) and 28(3)(g)", datetime(2032, 1, 26, 9, 0, tzinfo=UTC))]
        await platform.purge(tx, datetime(2032, 1, 26, 9, 1, tzinfo=UTC))
        assert await certificates.erased_at(tx, account.id) is None


@pytest.mark.req("A-093", "A-005")
async def test_a_killed_erasure_goes_on_with_the_right_counts(
    services: Services, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between two parts of the contacts; and nobody brings the account back meanwhile."""
    account = await make.account()
    async with services.db.account(account.id) as tx:
        for _ in range(5):
            await make.contact(tx)
    await closed(services, account)
    monkeypatch.setattr(closed_accounts, "BATCH", 2)
    whole, killed_after = erasing.erase, 2

    async def killed(tx: Any, ids: Any, why: Any) -> int:
        nonlocal killed_after
        killed_after -= 1
        if killed_after < 0:
            raise ConnectionResetError
        return await whole(tx, ids, why)

    monkeypatch.setattr(erasing, "erase", killed)
    with pytest.raises(ConnectionResetError):
        await erased(services, account)
    async with services.db.account(account.id) as tx:
        assert await tx.value("SELECT count(*) FROM contacts WHERE account_id = $1") == 1
        assert (await accounts.show(tx)).status == "closed"
    monkeypatch.setattr(erasing, "erase", whole)
    assert (await erased(services, account))["contacts"] == 5
    assert json.loads((await told(services, account.owner_email))["certificate"])["record"].count(
        '"contacts":5'
    )
    assert await erased(services, account) == {}


async def test_the_sweep_asks_for_each_account_whose_day_has_come(services: Services, make: Make) -> None:
    account = await make.account()
    await closed(services, account)
    async with services.db.shared() as tx:
        await tx.run("UPDATE accounts SET erase_at = now() - interval '1 hour' WHERE id = $1", account.id)
    await jobs.sweep(services, Task(0, "retention_jobs.sweep", 0, 0, 1))
    tasks = [task for task in await work.due(services.db, 5000) if task.job == jobs.ERASE_ACCOUNT]
    [task] = [task for task in tasks if task.ref_id == account.id]
    assert await jobs.erase_account(services, task) is None
    async with services.db.shared() as tx:
        assert await certificates.erased_at(tx, account.id) is not None


@pytest.mark.req("A-093", "A-094", "E-40")
async def test_sign_in_tells_a_former_member_and_nobody_else(
    services: Services, make: Make, client: Client
) -> None:
    account = await make.account()
    elsewhere, elsewhere_email = await make.user(account.id, "editor")
    other = await make.account()
    stored = await passwords.hash_new(PASSWORD)
    async with services.db.shared() as tx:
        await tx.run("UPDATE users SET password_hash = $2 WHERE id = $1", account.owner_id, stored)
        await tx.run(
            "INSERT INTO memberships (account_id, user_id, role) VALUES ($1, $2, 'editor')",
            other.id,
            elsewhere,
        )
    await closed(services, account)
    await erased(services, account)
    said = "This account was erased on 26 Jan 2027"
    right = await client.post("/app/sign-in", {"email": account.owner_email.upper(), "password": PASSWORD})
    assert right.status == 422
    assert said in right.text
    for email, password in (
        (account.owner_email, "une péniche 8 bleue"),
        ("x" + account.owner_email, PASSWORD),
        (elsewhere_email, PASSWORD),
    ):
        answer = await client.post("/app/sign-in", {"email": email, "password": password})
        assert "Wrong address or password" in answer.text
        assert said not in answer.text
    async with services.db.shared() as tx:
        assert await tx.value("SELECT true FROM users WHERE id = $1", elsewhere)
        assert await tx.value("SELECT count(*) FROM users WHERE id = $1", account.owner_id) == 0
        # what is kept holds no address and no hash of one that could be looked for
        kept = await tx.rows("SELECT bucket::int, salted, proof FROM former_people ORDER BY id DESC LIMIT 1")
        assert kept[0][1] == stored.rpartition("$")[0]
        assert stored.encode() not in kept[0][2]
        await platform.purge(tx, END + timedelta(days=366))
        assert await former_people.in_bucket(tx, services.settings.key, account.owner_email) == []


@pytest.mark.req("A-092", "D-43", "D-44")
async def test_recipients_links_work_until_the_end_and_answer_after_it(
    services: Services, make: Make, client: Client
) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        list_id = await make.mailing_list(tx)
        contact_id = await make.contact(tx, "ana@links.test", list_id=list_id)
        hashed = await tx.value("SELECT address_hash FROM contacts WHERE account_id = $1")
    who = RecipientToken(account.id, list_id, contact_id, hashed)
    links = {
        purpose: f"/t/{place}/{services.tokens.recipient(purpose, who)}"
        for purpose, place in (
            (Purpose.UNSUBSCRIBE, "unsubscribe"),
            (Purpose.PREFERENCES, "preferences"),
            (Purpose.RIGHTS, "rights"),
        )
    }
    one_click = {"List-Unsubscribe": "One-Click"}
    await closed(services, account)
    for link in links.values():
        assert (await client.get(link)).status == 200
    assert (await client.post(links[Purpose.UNSUBSCRIBE], one_click)).status == 200
    async with services.db.account(account.id) as tx:
        assert await tx.value("SELECT status FROM subscriptions WHERE account_id = $1") == "unsubscribed"
    await erased(services, account)
    for link in links.values():
        answer = await client.get(link)
        assert answer.status == 410
        assert "everything in it was erased on 26 Jan 2027" in answer.text
        assert "links.test" not in answer.text
        french = await client.get(f"{link}?lang=fr")
        assert "a fermé son compte" in french.text
    # a mailbox provider's POST is answered as ever: nobody is written to
    assert (await client.post(links[Purpose.UNSUBSCRIBE], one_click)).status == 200
    assert (await client.post(links[Purpose.PREFERENCES], {"do": "everything"})).status == 410


@pytest.mark.req("A-093")
@pytest.mark.parametrize("as_json", [True, False])
async def test_the_command_tells_a_good_certificate_from_an_altered_one(
    services: Services, make: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    account = await make.account()
    await closed(services, account)
    await erased(services, account)
    text = (await told(services, account.owner_email))["certificate"]
    async with services.db.shared() as tx:
        key_id = json.loads(text)["key_id"]
        [public] = [one.public_key for one in await proof_keys.public_keys(tx) if one.id == key_id]
    found = json.loads(text)
    altered_record = found["record"].replace("2027-01-26", "2027-02-25")
    altered = {
        **found,
        "record": altered_record,
        "hash": hashlib.sha256(altered_record.encode()).hexdigest(),
    }
    path = tmp_path / "certificate.json"
    for content, key, status, verdict in (
        (text, None, 0, "good"),
        (text, public.hex(), 0, "good"),
        (text, base64.b64encode(public).decode(), 0, "good"),
        (text, bytes(range(32)).hex(), 1, "bad_signature"),
        (json.dumps(altered), None, 1, "bad_signature"),
        (json.dumps({**found, "record": altered_record}), None, 1, "not_a_certificate"),
        ('{"record": 7}', None, 1, "not_a_certificate"),
        ("[]", None, 1, "not_a_certificate"),
        ("", None, 1, "not_a_certificate"),
    ):
        path.write_text(content)
        args = argparse.Namespace(file=str(path), public_key=key, json=as_json)
        assert await certificate_command.run(services.settings, args) == status, content
        said = capsys.readouterr().out
        assert (json.loads(said)["verdict"] if as_json else said.split()[1]) == verdict
    path.write_text(text)
    args = argparse.Namespace(file=str(path), public_key="abc", json=as_json)
    with pytest.raises(certificate_command.BadKey):
        await certificate_command.run(services.settings, args)


async def test_every_table_of_an_account_has_a_class_in_the_certificate(services: Services) -> None:
    async with services.db.connection() as connection:
        rows = await connection.fetch(
            """
            SELECT c.relname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE c.relkind IN ('r', 'p') AND a.attname = 'account_id' AND NOT c.relispartition
              AND c.relnamespace = 'public'::regnamespace
            """
        )
    tables = {row["name"] for row in rows}
    placed = " ".join(certificate_classes.TABLES.values()).split()
    assert len(placed) == len(set(placed))
    assert set(certificate_classes.TABLES) == set(certificate_classes.CLASSES)
    # the eraser's three are counted together, as ledger and journal
    assert tables - GLOBAL - {"consents", "wordings", "audit"} - set(placed) == set()
    assert set(placed) - tables == {"users"}


@pytest.mark.req("B-66")
def test_people_are_deleted_in_one_place() -> None:
    """Retention, rights and the end of an account meet in `erasing.erase`; a merge moves a person, it erases none."""
    places = {
        statement.path
        for statement in statements()
        if "DELETE FROM contacts"
        in " ".join((statement.sql or "").split()).replace("contacts c", "contacts ")
        and "DELETE FROM contacts_" not in (statement.sql or "")
    }
    assert places == {"lists/erasing.py", "lists/contact_merges.py"}
