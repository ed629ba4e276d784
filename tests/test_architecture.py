"""The rules of the house that a linter does not know. A rule without a test is a wish."""

import ast
import re
from pathlib import Path

import pytest

from tests.statements import PACKAGES, ROOT, files, statements, tables, without_comments, written

# one doorway per library: who may import it
DOORWAYS = {
    "asyncpg": {"mailer/core/db.py"},
    "arq": {"mailer/worker.py"},
    "aiosmtplib": {"sending/smtp.py"},
    "aiosmtpd": {"sending/inbox_server.py", "sending/inbound_server.py"},
    "mjml": {"sending/content.py", "sending/mjml_html.py"},
    "css_inline": {"sending/content.py", "sending/mjml_html.py"},
    "argon2": {"mailer/accounts/passwords.py"},
    "segno": {"mailer/accounts/qr_codes.py"},
    "zxcvbn": {"mailer/accounts/passwords.py", "mailer/accounts/password_rules.py"},
    "limits": {"mailer/core/rate.py"},
    "prometheus_client": {"mailer/core/metrics.py"},
    "babel": {"mailer/web/i18n.py", "sending/merge_filters.py"},
    "PIL": {"sending/image_bytes.py", "sending/image_frames.py", "sending/mail_drawing.py"},
    "email_validator": {"mailer/core/addresses.py"},
    "charset_normalizer": {"lists/csv_detect.py"},
    "dns": {"sending/lookups.py"},
    "pydantic_settings": {"mailer/core/settings.py"},
    "xlsxwriter": {"lists/xlsx_write.py"},
    "imap_tools": {"sending/imap.py"},
}
# aiohttp stays at the edge: a use case cannot see HTTP even by accident
HTTP = re.compile(
    r"^(mailer/(app|serve|worker|demo|doctor)\.py|mailer/web/.*|mailer/accounts/access\.py"
    r"|mailer/client/.*|.*/(pages|api|public)(_\w+)?\.py)$"
)
GLOBAL = frozenset(
    [
        "accounts",
        "users",
        "memberships",
        "sessions",
        "sign_ins",
        "one_time_links",
        "kept_forms",
        "second_factors",
        "recovery_codes",
        "sign_in_steps",
        "invitations",
        "api_keys",
        "outbox",
        "work",
        "signing_keys",
        "proof_keys",
        "account_certificates",
        "former_people",
        "held_people",
        "inbox_mails",
        "stray_mails",
        "mx_domains",
        "provider_pauses",
        "retention_runs",
        "platform_chain",
        "platform_proofs",
        "erased_accounts",
        "retention_watch",
        "retention_alarm",
        "schema_migrations",
        "installation",
        "original",
        "webhook_rings",
        "automation_rings",
        "operator_mailbox",
        "erasure_journal",
        "legal_texts",
        "policy_versions",
        "announcement_readings",
        "sub_processors",
        "sub_processor_registers",
        "sub_processor_objections",
        "announcements",
        "breaches",
        "breach_accounts",
        "authority_requests",
        "staff_accesses",
    ]
)
# tables a room changes; `retention_jobs` alone deletes anywhere, by age or by right
OWNERS = {
    "mailer/core": "kept_counts outbox work signing_keys proof_keys account_keys content_masters content_keys erasure_journal files file_chunks schema_migrations installation original",
    "mailer/accounts": "accounts users memberships sessions sign_ins one_time_links kept_forms api_keys audit agreement_acceptances idempotency_keys legal_texts policy_versions announcements announcement_readings sub_processors sub_processor_registers sub_processor_objections privacy_facts data_destinations breaches breach_accounts authority_requests staff_accesses notices account_breaches second_factors recovery_codes sign_in_steps invitations account_certificates former_people",
    "mailer/webhooks": "webhook_endpoints webhook_feeds webhook_events webhook_deliveries webhook_attempts webhook_rings",
    # events: a departure, written with the refusal it belongs to
    "lists": "fields contacts mailing_lists subscriptions suppressions consents selections selection_contacts signup_forms signup_form_versions signup_requests imports import_rejects exports events consent_ips wordings restrictions tags contact_tags segments segment_members field_changes duplicates duplicate_searches contact_merges import_mappings import_opt_outs import_parts import_changes import_values import_removals import_rows export_members contact_changes rights_asks rights_requests rights_settings legal_holds automation_journeys automation_mails automation_passages",
    "sending": "image_uses test_sends seeds senders smtp_servers domains dkim_keys images designs campaigns campaign_lists revisions links deliveries messages inbox_mails inbound_mails stray_mails events outbox suppressions mx_domains provider_pauses day_counts warm_ups warm_up_days evidence provider_stops campaign_segments segment_members soft_bounces feedback_counts feedback_hooks feedback_seen report_mailboxes operator_mailbox ab_tests ab_variants utm_settings brand_kits design_thumbnails draft_versions recurrences editions feed_items automations automation_steps automation_journeys automation_mails automation_passages automation_rings",
    # events of sending: that a mail came back
    # contacts: last_act_at alone (B-27)
    "tracking": "events event_counts event_hours judgements campaign_figures contacts measurement_settings open_counts counted_loads last_open_days",
    "retention_jobs": "*",
}
# global tables without a word about anybody's rows
SENDING_NAMES = {
    "inbox_mails",
    "stray_mails",
    "outbox",
    "mx_domains",
    "provider_pauses",
    "operator_mailbox",
    "automation_rings",
}
WEBHOOK_NAMES = {"webhook_rings"}
ROOF = {"mailer/app.py", "mailer/worker.py", "mailer/cli.py", "mailer/demo.py"}


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_each_library_has_one_doorway() -> None:
    wrong = [
        f"{_name(path)} imports {library}"
        for path in files()
        for library in _imports(path)
        if library in DOORWAYS and _name(path) not in DOORWAYS[library]
    ]
    assert wrong == []


def test_http_stays_at_the_edge() -> None:
    assert [
        _name(path) for path in files() if "aiohttp" in _imports(path) and not HTTP.match(_name(path))
    ] == []


def test_sql_is_literal() -> None:
    assert [statement.place for statement in statements() if statement.sql is None] == []


def test_there_are_statements_to_look_at() -> None:
    assert len(statements()) > 100


def _area(path: str) -> str:
    first, second, *_ = (*path.split("/"), "", "")
    return f"{first}/{second}" if first == "mailer" else first


def test_tables_are_written_by_their_owner() -> None:
    wrong = []
    for statement in statements():
        allowed = OWNERS.get(_area(statement.path), "")
        for table in written(statement.sql or ""):
            if allowed != "*" and table not in allowed.split() and not table.startswith(("staged", "temp_")):
                wrong.append(f"{statement.place} writes {table}")
    assert wrong == []


def test_global_tables_are_named_in_core_and_accounts_only() -> None:
    allowed = {"mailer/core", "mailer/accounts", "retention_jobs"}
    wrong = [
        f"{statement.place} names {', '.join(sorted(named))}"
        for statement in statements()
        if _area(statement.path) not in allowed
        and (
            named := tables(statement.sql or "")
            & GLOBAL
            - (SENDING_NAMES if "sending/" in statement.path else set())
            - (WEBHOOK_NAMES if "mailer/webhooks/" in statement.path else set())
        )
        # reading one's own account's row is free
        and not named <= {"accounts"}
    ]
    assert wrong == []


@pytest.mark.req("E-50")
def test_every_statement_on_a_tenants_table_names_the_account() -> None:
    wrong = []
    for statement in statements():
        sql = without_comments(statement.sql or "")
        tenant = {table for table in tables(sql) if table in _tenant_tables()}
        if (tenant and "account_id" not in sql) or (tenant and "$1" not in sql):
            wrong.append(statement.place)
    assert wrong == []


def _tenant_tables() -> set[str]:
    owned = " ".join(names for names in OWNERS.values() if names != "*").split()
    return set(owned) - GLOBAL


def test_the_eraser_is_called_in_one_place() -> None:
    named = [_name(path) for path in files() if "SET LOCAL ROLE" in path.read_text()]
    assert set(named) <= {"retention_jobs/eraser.py"}


def test_rooms_files_and_functions_stay_small() -> None:
    long_files = [
        f"{_name(path)}: {n}" for path in files() if (n := len(path.read_text().splitlines())) > 400
    ]
    long_functions = []
    wide_functions = []
    for path in files():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > 60:
                    long_functions.append(f"{_name(path)}:{node.lineno} {node.name}: {length}")
                if len(node.args.args) + len(node.args.posonlyargs) > 5:
                    wide_functions.append(f"{_name(path)}:{node.lineno} {node.name}")
    assert (long_files, long_functions, wide_functions) == ([], [], [])


def test_package_files_hold_a_docstring_only() -> None:
    for package in (*PACKAGES, "mailer/core", "mailer/web", "mailer/accounts"):
        body = ast.parse((ROOT / package / "__init__.py").read_text()).body
        assert len(body) <= (2 if package == "mailer" else 1), package


def test_names_that_say_nothing_are_not_used() -> None:
    banned = re.compile(r"(utils|common|helpers|models|schemas|constants|types)\.py$")
    assert [_name(path) for path in files() if banned.search(path.name)] == []
    for path in files():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                assert not node.name.endswith(("Manager", "Helper", "Repository")), (
                    f"{_name(path)} {node.name}"
                )


def test_every_job_that_is_asked_for_exists() -> None:
    from mailer.worker import JOBS

    asked = set()
    for path in files():
        asked |= set(re.findall(r"work\.add\(\s*[\w.()]+,\s*\"([a-z_]+\.[a-z_]+)\"", path.read_text()))
    from mailer.core import outbox

    asked.add(outbox.JOB)
    assert asked - set(JOBS) == set()


def _templates() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("templates/**/*.html"))


@pytest.mark.req("A-028", "E-06")
def test_pages_hold_nothing_inline_and_nothing_foreign() -> None:
    wrong = []
    for path in _templates():
        text = path.read_text()
        if "/mail/" in str(path):
            continue
        for pattern in (
            r"\sstyle=",
            r"\son[a-z]+=\"",
            r"<script(?![^>]*\bsrc=)",
            r"(?:src|href)=\"https?://(?!\{)",
        ):
            wrong += [f"{_name(path)}: {found}" for found in re.findall(pattern, text)]
    allowed = [entry for entry in wrong if "legal/" in entry and "href" in entry]
    assert [entry for entry in wrong if entry not in allowed] == []


def test_every_form_that_posts_carries_the_tokens() -> None:
    wrong = []
    for path in _templates():
        text = path.read_text()
        if 'extends "recipient.html"' in text or "/mail/" in str(path) or "recipient" in path.name:
            continue
        for form in re.findall(r"<form\b[^>]*method=\"post\"[^>]*>(?:(?!</form>).)*", text, re.S):
            if "form_tokens()" not in form and 'name="csrf"' not in form:
                wrong.append(f"{_name(path)}: {form[:80]}")
    assert wrong == []
