"""The command line: parts of the product, and what scripts need. Settings are read here, once.

Each command imports its own part: all of them together take a second, several times what most commands need.
"""

import argparse
import asyncio
import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from mailer import command_options

if TYPE_CHECKING:
    from mailer.core.settings import Settings


def _settings() -> "Settings":
    from mailer.core.settings import load

    return load(os.environ)


def _run(job: Callable[[], Awaitable[int | None]]) -> int:
    import uvloop

    return uvloop.run(_code(job)) or 0


async def _code(job: Callable[[], Awaitable[int | None]]) -> int | None:
    return await job()


def _metrics_folder() -> None:
    """Counters of all processes meet in one folder; the supervisor names it for its children."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        folder = tempfile.mkdtemp(prefix="mailer-metrics-")
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        atexit.register(shutil.rmtree, folder, ignore_errors=True)


def _serve(command: str) -> int:
    settings = _settings()
    if command == "web":
        from mailer.serve import serve_web

        return _run(lambda: serve_web(settings))
    if command == "track":
        from mailer.serve import serve_track

        return _run(lambda: serve_track(settings))
    if command == "worker":
        from mailer.serve import serve_worker

        return _run(lambda: serve_worker(settings))
    if command == "inbound":
        from sending.inbound_server import serve_inbound

        return _run(lambda: serve_inbound(settings))
    from sending.inbox_server import serve_inbox

    return _run(lambda: serve_inbox(settings))


def _dispatch(args: argparse.Namespace) -> int:
    match args.command:
        case "run":
            from mailer.supervisor import supervise

            return asyncio.run(supervise(os.environ))
        case "web" | "track" | "worker" | "inbox" | "inbound":
            return _serve(args.command)
        case "schema":
            from mailer import database_commands

            return asyncio.run(database_commands.run_schema())
        case "doctor" if args.account is None:
            from mailer import doctor

            return asyncio.run(doctor.run(os.environ))
        case "import" | "export":
            from mailer import client_commands

            return _run(lambda: client_commands.run(args))
        case "bounce":
            from mailer import bounce_commands

            return bounce_commands.run(args)
        case "backup":
            from mailer import backup_command

            return _run(lambda: backup_command.run(args))
        case "restore":
            from mailer import restore_command

            return _run(lambda: restore_command.run(args))
        case _:
            command = _command(args)
            return _run(lambda: command(_settings()))


def _command(args: argparse.Namespace) -> Callable[["Settings"], Awaitable[int | None]]:
    """What needs the settings of a running product, and nothing else."""
    match args.command:
        case "migrate":
            from mailer import database_commands

            return database_commands.run_migrate
        case "demo":
            from mailer import demo

            return demo.run
        case "doctor":
            from mailer import doctor_account

            return lambda settings: doctor_account.run(settings, args.account)
        case "account" if args.act == "take-over":
            from mailer import take_over_command

            return lambda settings: take_over_command.run(settings, args)
        case "mailbox":
            from mailer import mailbox_command

            return lambda settings: mailbox_command.run(settings, args)
        case "retention":
            from mailer import retention_commands

            return lambda settings: retention_commands.run(settings, args)
        case "keys":
            from mailer import keys_command

            return lambda settings: keys_command.run(settings, args)
        case "policy":
            from mailer import policy_command

            return lambda settings: policy_command.run(settings, args)
        case "certificate":
            from mailer import certificate_command

            return lambda settings: certificate_command.run(settings, args)
        case "hold":
            from mailer import hold_commands

            return lambda settings: hold_commands.run(settings, args)
        case "sending":
            from mailer import sending_commands

            return lambda settings: sending_commands.run(settings, args)
        case _:
            from mailer.accounts import commands

            return lambda settings: commands.run(settings, args)


def main(argv: list[str] | None = None) -> int:
    """Returns the exit status; a fault of the configuration is 2, with its reason on standard error."""
    args = command_options.build().parse_args(argv)
    _metrics_folder()
    from mailer.core import log
    from mailer.core.settings import SettingsError, environment

    try:
        log.set_up(environment(os.environ).level)
        return _dispatch(args)
    except SettingsError as error:
        print(f"mailer: {error}", file=sys.stderr)
        return 2
    except Exception as error:
        from mailer.core.errors import MailerError

        if isinstance(error, MailerError) or type(error).__name__ == "EmbeddedError":
            print(f"mailer: {error or error.__doc__}", file=sys.stderr)
            return 1
        raise


if __name__ == "__main__":
    sys.exit(main())
