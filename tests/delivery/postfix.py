"""A Postfix of a test's own: its folder, its port, its queue; it delivers into nothing and refuses some.

Mail for late.test it takes, to learn from a second listener of its own that nobody is there: then it writes a
report to the envelope sender, which goes to `returns`.
"""

import asyncio
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

POSTFIX = shutil.which("postfix", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
# the master process wants root; its helpers run as the user that the package made
USABLE = POSTFIX is not None and os.geteuid() == 0

_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = {daemons}
mail_owner = postfix
setgid_group = postdrop
myhostname = relay.postfix.test
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
mydestination =
alias_maps =
relay_domains = taken.test late.test
relay_recipient_maps = regexp:{folder}/recipients
default_transport = error:there is no network here
transport_maps = inline:{{ taken.test=discard:, late.test=smtp:[127.0.0.1]:{second}, mailer.localhost=smtp:[127.0.0.1]:{returns} }}
smtpd_recipient_restrictions = permit_mynetworks, reject
smtpd_reject_unlisted_recipient = yes
smtpd_client_connection_count_limit = 0
default_process_limit = 20
smtputf8_enable = yes
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
"""
_RECIPIENTS = "/^(p[0-9]|zo)/ OK\n/@late\\.test$/ OK\n"
_MAILBOXES = "/^p[0-9]/ OK\n"
_MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
127.0.0.1:{second} inet n - n - - smtpd
  -o myhostname=mx.late.test
  -o relay_recipient_maps=regexp:{folder}/mailboxes
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass(frozen=True, slots=True)
class Postfix:
    port: int
    log: Path

    def delivered(self) -> list[str]:
        """Recipients whose mail it has delivered, by its own log."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return [
            line.partition("to=<")[2].partition(">")[0]
            for line in lines
            if "postfix/discard" in line and "status=sent" in line
        ]

    async def queued(self, expected: int) -> int:
        """Mails that its qmgr took in, once they are `expected` or after 10 s: it writes its log later."""
        for _ in range(100):
            lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
            if (found := sum("(queue active)" in line for line in lines)) >= expected:
                break
            await asyncio.sleep(0.1)
        return found


@asynccontextmanager
async def running(folder: Path, *, returns: int = 9) -> AsyncIterator[Postfix]:
    """Started, listening, and stopped in the end. `returns`: the port that takes mail for mailer.localhost."""
    assert POSTFIX is not None
    port, second = _free_port(), _free_port()
    daemons = subprocess.run(
        ["postconf", "-h", "daemon_directory"],
        env={**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    folder.chmod(0o755)
    for parent in folder.parents[:-2]:
        parent.chmod(parent.stat().st_mode | 0o011)
    (folder / "spool").mkdir()
    (folder / "data").mkdir()
    shutil.chown(folder / "data", "postfix")
    (folder / "main.cf").write_text(
        _MAIN.format(folder=folder, daemons=daemons, second=second, returns=returns)
    )
    (folder / "master.cf").write_text(_MASTER.format(port=port, second=second, folder=folder))
    (folder / "recipients").write_text(_RECIPIENTS)
    (folder / "mailboxes").write_text(_MAILBOXES)
    _command(folder, "start")
    try:
        async with asyncio.timeout(30):
            while not await _listens(port):
                await asyncio.sleep(0.1)
        yield Postfix(port, folder / "log")
    finally:
        _command(folder, "stop")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _command(folder: Path, verb: str) -> None:
    found = subprocess.run(
        [POSTFIX or "", "-c", str(folder), verb], capture_output=True, text=True, timeout=60
    )
    assert found.returncode == 0, found.stdout + found.stderr


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
