"""Who opens connections: where a customer names the host, the fence stands before it (E-54)."""

import ast

import pytest

from tests.statements import ROOT, files

OPENERS = (
    "ClientSession", "open_connection", "open_unix_connection", "create_connection", "sock_connect", "urlopen",
    "HTTPConnection", "HTTPSConnection", "SMTP", "SMTP_SSL", "IMAP4", "IMAP4_SSL", "FTP", "MailBox", "getaddrinfo",
)  # fmt: skip
# a customer chooses the host: each of these looks at the address by core/fence.py, and connects to that very one
FENCED = {
    "mailer/web/outgoing.py": "fence.is_open",
    "sending/fence.py": "core_fence.is_open",
    "sending/pinned_https.py": "fence.connect",
    "sending/smtp.py": "fence.connect",
    "sending/imap.py": "opened(connection",  # the connection comes from mailbox_polls.py, by fence.connect
}
# nobody but the operator, or nobody at all, chooses the host
OURS = {
    "mailer/client/http.py": "the customer's own program",
    "mailer/demo.py": "clicks on its own installation",
    "mailer/doctor.py": "the operator's servers",
    "mailer/doctor_inbound.py": "the operator's servers",
    "mailer/doctor_servers.py": "the operator's servers",
    "mailer/supervisor.py": "its own children",
    "mailer/core/embedded.py": "its own children",
    "sending/inbox_server.py": "listens",
}


def _opens(path: str) -> bool:
    """Does this file call one of them?"""
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in OPENERS:
                return True
        if isinstance(node, ast.Attribute) and node.attr in ("getaddrinfo", "SMTP", "IMAP4"):
            return True
    return False


@pytest.mark.req("E-54")
def test_connections_are_opened_in_a_few_places_only() -> None:
    found = {path for one in files() if _opens(path := str(one.relative_to(ROOT)))}
    assert found - set(FENCED) - set(OURS) == set()
    assert set(FENCED) - found == set()
    for path, sign in FENCED.items():
        assert sign in (ROOT / path).read_text(), path
    assert "fence.connect(" in (ROOT / "sending/mailbox_polls.py").read_text()


@pytest.mark.req("E-54")
def test_libraries_that_fetch_by_themselves_are_not_used() -> None:
    banned = {
        "requests",
        "httpx",
        "urllib3",
        "urllib.request",
        "ftplib",
        "telnetlib",
        "xmlrpc",
        "pickle",
        "marshal",
    }
    for one in files():
        for node in ast.walk(ast.parse(one.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not banned & set(names), one
