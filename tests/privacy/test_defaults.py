"""The whole picture of what holds when nobody has chosen anything: an installation, an account, what is in it (C-20).

Written out, so that whoever changes a default changes it here too, and says why it is still the smallest.
"""

import base64
import secrets
from dataclasses import asdict
from pathlib import Path

import pytest

from lists import contacts, rights_settings, signup_forms
from lists.contacts import NewContact
from lists.mailing_lists import NewMailingList
from lists.rights_words import Right
from lists.signup_forms import AskedField, Draft
from mailer.accounts import commands
from mailer.core import settings
from mailer.core.actor import RECIPIENT
from mailer.core.db import AccountTx
from mailer.core.services import Services
from retention_jobs import totals
from retention_jobs.classes import CLASSES
from sending import campaigns
from sending.campaigns import NewCampaign
from tests.make import Make
from tests.test_architecture import GLOBAL
from tracking import decision, modes
from tracking.decision import UNTRACKED, Sending
from tracking.decision import Path as MailPath

pytestmark = [pytest.mark.req("C-20")]
OF_ITSELF = {"id", "name", "created_at", "team_reviewed_at", "language"}


def test_an_installation_without_a_word_listens_to_this_machine_and_sends_nothing(tmp_path: Path) -> None:
    own = settings.load(
        {"MAILER_DATA_DIR": str(tmp_path)},
        servers={"database_url": "postgresql://x", "redis_url": "redis://x"},
    )
    given = own.model_dump(exclude={"data_dir", "key", "operator", "database_url", "redis_url"})
    assert given == {
        "smtp_url": "",
        "public_url": "http://localhost:8080",
        "track_url": "http://localhost:8080",
        "mail_domain": "mailer.localhost",
        "listen": "127.0.0.1:8080",
        "inbound_listen": "",
        "metrics_listen": "127.0.0.1:9108",
        "trusted_proxies": (),
        "secret_key": "",
        "old_secret_keys": (),
        "old_keys": (),
        "operator_file": None,
        "sign_up": "open",
        "web_processes": 0,
        "workers": 0,
        "log_level": "",
        "embedded": True,
        "inbox": "",
    }
    operator = own.operator
    assert (operator.hosts, operator.sub_processors, operator.smtp_networks) == ((), (), ())
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600


def test_an_installation_of_ones_own_lets_nobody_sign_up(tmp_path: Path) -> None:
    environ = {
        "MAILER_DATA_DIR": str(tmp_path),
        "MAILER_DATABASE_URL": "postgresql://x",
        "MAILER_REDIS_URL": "redis://x",
        "MAILER_SECRET_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        "MAILER_PUBLIC_URL": "https://mailer.test",
        "MAILER_OPERATOR_FILE": str(Path(__file__).parents[2] / "deploy" / "operator.example.toml"),
    }
    found = settings.load(environ)
    assert (found.sign_up, found.embedded, found.inbox_shown, found.inbound_listen) == (
        "closed",
        False,
        False,
        "",
    )


async def test_an_account_that_nobody_touched(services: Services) -> None:
    """Every column of the account, every table that holds something of it."""
    made = await commands.create_account(
        services,
        "Neuf",
        email=f"neuf-{secrets.token_hex(4)}@people.test",
        language="fr",
        accept_agreement=False,
    )
    async with services.db.account(int(str(made["id"]))) as tx:
        assert await _account(tx) == {
            "status": "active",
            "status_reason": "",
            "time_zone": "Europe/Paris",
            "legal_name": "",
            "postal_address": "",
            "country": "FR",
            "contact_email": "",
            "website": "",
            "registration": "",
            "keep_sources": True,
            "sample": False,
            "largest_send": 0,
            "closed_at": None,
            "erase_at": None,
            "reopen_as": "active",
            "per_day": None,
            "per_month": None,
            "image_bytes": 2_000_000_000,
            "messages_per_hour": 1000,
            # people who are silent for three years are asked, not deleted unasked
            "inactive_choice": "ask",
            "suspended_by": None,
            "suspended_at": None,
            "resume_as": "active",
            "awaits": "operator",
            "retrieval_waived_at": None,
            "reminded_days": None,
            "held_until": None,
            "dpo": "",
            "without_dpo": False,
            # the account is told of each access of the operator's people either way
            "staff_approval": False,
            "second_factor_required": False,
            "team_reminded_at": None,
        }
        # no list, no contact, no key, no server, no webhook, no mailbox, no destination, no agreement
        assert await _tables_with_rows(tx) == {"audit"}
        assert asdict(await modes.of(tx)) == {
            "opens": "individual",
            "clicks": "individual",
            "sunset_months": 12,
            "since": None,
        }
        assert await totals.kept(tx) is False
        assert await rights_settings.at_once(tx) == {
            Right.OBJECT,
            Right.TRACKING,
            Right.CORRECT,
            Right.ERASE,
            Right.RESTRICT,
        }
        keys = await tx.shared().value("SELECT count(*) FROM api_keys WHERE account_id = $1", tx.account_id)
        assert keys == 0


async def _account(tx: AccountTx) -> dict[str, object]:
    found: dict[str, object] = (await tx.rows("SELECT to_jsonb(a) FROM accounts a WHERE id = $1"))[0][0]
    return {name: value for name, value in found.items() if name not in OF_ITSELF}


async def _tables_with_rows(tx: AccountTx) -> set[str]:
    rows = await tx.shared().rows(
        """
        SELECT c.relname FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        """
    )
    names = {name for (name,) in rows} - GLOBAL
    assert len(names) > 80
    return {
        name
        for name in names
        # names of the catalogue, in a test
        if await tx.value(f'SELECT EXISTS (SELECT FROM "{name}" WHERE account_id = $1)')
    }


async def test_a_contact_is_an_address_and_nothing_is_measured_of_it(services: Services, make: Make) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        made = await contacts.add(tx, services.sealer, NewContact(email="Seule@exemple.test"))
        row = (
            await tx.rows("SELECT to_jsonb(c) FROM contacts c WHERE account_id = $1 AND id = $2", made.id)
        )[0][0]
        named = set(row) - {"account_id", "id", "created_at", "updated_at", "address_hash"}
        assert {name: row[name] for name in named} == {
            "email": "Seule@exemple.test",
            "address_key": "seule@exemple.test",
            "first_name": "",
            "last_name": "",
            "first_name_key": "",
            "last_name_key": "",
            "language": "",
            "fields": {},
            "opens": "unknown",
            "clicks": "unknown",
            "source": "page",
            "import_id": None,
            "last_act_at": None,
            "acted_before": None,
            "restricted_at": None,
        }
        chosen = await modes.of(tx)
    mail = Sending(
        path=MailPath.CAMPAIGN,
        kind="newsletter",
        modes=decision.Modes(chosen.opens, chosen.clicks),
        way_out=True,
    )
    for requested in (False, True):
        assert decision.decide(mail, row["opens"], row["clicks"], requested=requested) == UNTRACKED


async def test_what_is_made_with_a_name_alone(services: Services, make: Make) -> None:
    """Lists and forms ask for a confirmation; a form asks for the address alone; a draft measures nobody more."""
    assert NewMailingList(name="L").model_dump() == {
        "name": "L",
        "public_name": "",
        "purpose": "",
        "frequency": "",
        "kind": "newsletter",
        "double_opt_in": True,
        "shown_in_preferences": True,
    }
    assert AskedField(key="ville").required is False
    account = await make.account()
    async with services.db.account(account.id) as tx:
        form = await signup_forms.create(tx, Draft(name="F"))
        draft = await tx.value("SELECT draft FROM signup_forms WHERE account_id = $1 AND id = $2", form.id)
        assert draft == {
            "language": "fr",
            "title": "",
            "intro": "",
            "button": "",
            "fields": [],
            "purposes": [],
            "ask_opens": False,
            "ask_clicks": False,
            "age_rule": "none",
            "minimum_age": 15,
            "younger": "refuse",
            "privacy_text": "",
            "privacy_url": "",
            "double_opt_in": True,
            "single_reason": "",
            "thanks": "",
            "redirect_url": "",
            "accent": "",
        }
        assert await tx.value("SELECT version FROM signup_forms WHERE account_id = $1") is None
        campaign = await campaigns.create(tx, NewCampaign(name="C"))
        assert (campaign.status, campaign.lists, campaign.scheduled_at) == ("draft", 0, None)
        told = await tx.rows(
            "SELECT unmeasured, asks_measurement FROM campaigns WHERE account_id = $1 AND id = $2",
            campaign.id,
        )
        assert told == [(False, False)]
        assert await tx.value("SELECT count(*) FROM utm_settings WHERE account_id = $1") == 0


async def test_a_key_gets_no_scope_of_itself(make: Make) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    page = await owner.get(f"{account.app}/integrations")
    assert page.status == 200
    assert 'name="scopes"' in page.text
    assert page.text.count(" checked") == 0
    answer = await owner.post(f"{account.app}/integrations", {"name": "Neuve"})
    assert answer.status == 422


async def test_the_database_says_yes_to_nothing_else_and_knows_few_ip_addresses(services: Services) -> None:
    async with services.db.connection() as connection:
        yes = await connection.fetch(
            """
            SELECT table_name || '.' || column_name AS name FROM information_schema.columns
            WHERE table_schema = 'public' AND column_default = 'true'
            """
        )
        addresses = await connection.fetch(
            """
            SELECT table_name || '.' || column_name AS name FROM information_schema.columns
            WHERE table_schema = 'public' AND data_type IN ('inet', 'cidr')
            """
        )
    # `one`: the table has one row
    assert {row["name"] for row in yes if not row["name"].endswith(".one")} == {
        "accounts.keep_sources",
        "campaigns.keep_source",
        "imports.has_header",
        "mailing_lists.double_opt_in",
        "mailing_lists.shown_in_preferences",
    }
    # of recipients: the proof of a confirmation alone; the rest are people who sign in, and programs
    assert {row["name"] for row in addresses} == {
        "api_keys.last_used_ip",
        "audit.ip",
        "consent_ips.ip",
        "sessions.ip",
        "sign_ins.ip",
        "sign_ins.place",
    }
    assert RECIPIENT.ip is None


def test_each_class_of_data_has_its_period() -> None:
    """Calendar months, and days on top; None: as long as what it belongs to."""
    found = {
        name: (one.period.months, one.period.time.total_seconds() / 86_400) if one.period else None
        for name, one in CLASSES.items()
    }
    assert found == PERIODS


PERIODS: dict[str, tuple[int, float] | None] = {
    "key_uses": (12, 0),
    "content": (0, 6),
    "replies": (0, 6),
    "repeats": (0, 1),
    "files": (0, 6),
    "undo": (0, 7),
    "events": (13, 0),
    "steps": (13, 0),
    "open_days": (13, 0),
    "loads": (0, 2),
    "deliveries": (13, 0),
    "totals": None,
    "feedback": (6, 0),
    "reports": (0, 30),
    "feedback_days": (13, 0),
    "unconfirmed": (0, 30),
    "inactive": (36, 0),
    "proofs": (12, 0),
    "webhooks": (0, 6),
    "changes": (0, 30),
    "log": (12, 0),
    "contacts": None,
    "refusals": None,
    "account": None,
    "images": (13, 0),
    "rights_asked": (0, 1),
    "rights_shown": (0, 6),
    "rights": (36, 0),
    "registers": (60, 0),
    "evidence": None,
    "closed": (3, -31),
    "system mail": (0, 6),
    "local inbox": (0, 6),
    "mails to the operator": (0, 6),
    "journal of erasures": (0, 35),
    "sign-ins": (12, 0),
    "sessions": (0, 1),
    "one-time links": (0, 7),
    "kept forms": (0, 0),
    "mail servers of domains": (0, 30),
    "pauses of providers": (0, 1),
    "unconfirmed people": (0, 30),
    "people without an account": (3, 0),
    "accesses of the operator": (13, 0),
    "register of breaches": (60, 0),
    "register of authorities' requests": (60, 0),
    "people of erased accounts": (12, 0),
    "certificates of erasure": (0, 0),
    "people held by law": (0, 0),
    "codes awaited": (0, 0),
    "invitations": (0, 30),
    "people": None,
    "work": None,
    "texts": None,
    "installation": None,
}
