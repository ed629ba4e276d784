"""`mailer mailbox set | show | remove`: the mailbox that reports come to, read over IMAP."""

import argparse
import getpass
import json
import sys

from mailer.core.errors import Invalid
from mailer.core.services import Services, open_services
from mailer.core.settings import Settings


async def run(settings: Settings, args: argparse.Namespace) -> int:
    """0, or 1 when it cannot be signed in to or there is none. The password may come on stdin."""
    from mailer.web import i18n
    from sending import operator_mailbox

    async with open_services(settings, pool_size=2) as services:
        match args.act:
            case "set":
                try:
                    await _set(services, args)
                except Invalid as error:
                    fault = error.faults[0]
                    print(i18n.fill(fault.message, dict(fault.params)), file=sys.stderr)
                    return 1
                print("It is read each minute from now on.")
                return 0
            case "remove":
                async with services.db.shared() as tx:
                    removed = await operator_mailbox.remove(tx)
                print("It is read no more." if removed else "There is none.")
                return 0 if removed else 1
            case _:
                return await _show(services, as_json=args.json)


async def _set(services: Services, args: argparse.Namespace) -> None:
    from sending import mailbox_polls, operator_mailbox, report_mailboxes, servers
    from sending.imap import Access, Tls

    password = getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    host = servers.read_host(args.host)
    tls: Tls = "starttls" if args.starttls else "implicit"
    port = 143 if args.starttls else 993
    given = Access(host, port, tls, args.username, password, args.folder, args.done_folder)
    await report_mailboxes.look_up(services, host, port)
    await mailbox_polls.check(services, given)
    async with services.db.shared() as tx:
        await operator_mailbox.save(tx, services.sealer, given)


async def _show(services: Services, *, as_json: bool) -> int:
    from sending import operator_mailbox, report_mailboxes

    async with services.db.shared() as tx:
        found = await operator_mailbox.find(tx)
    if found is None:
        print("null" if as_json else "There is none.")
        return 1
    read = found.checked_at.isoformat(timespec="seconds") if found.checked_at else None
    if as_json:
        figures = {"taken": found.taken, "left_alone": found.left_alone, "last_error": found.last_error}
        told = {"host": found.host, "username": found.username, "folder": found.folder, "checked_at": read}
        print(json.dumps(told | figures))
        return 0
    print(f"{found.username} at {found.host}, port {found.port}, folder {found.folder}")
    print(f"Last read {read or 'never'}; {found.taken} mails acted, {found.left_alone} were left alone.")
    if found.last_error:
        print(f"Since {found.failed_at}: {report_mailboxes.ERRORS[found.last_error]}")
    return 0
