"""The command line: parts of the product, and what scripts need. Settings are read here, once."""

import argparse
import asyncio
import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable

from mailer import (
    __version__,
    backup_command,
    bounce_commands,
    certificate_command,
    client_commands,
    hold_commands,
    keys_command,
    mailbox_command,
    policy_command,
    restore_command,
    retention_commands,
)
from mailer.core.settings import Settings, SettingsError, environment, load

PARTS = (
    ("run", "everything under one supervisor, embedded servers where no URL is set"),
    ("web", "one web process"),
    ("track", "one process for what recipients touch: clicks, opens and their pages"),
    ("worker", "one worker process"),
    ("inbox", "the local inbox's SMTP listener"),
    ("inbound", "the SMTP listener for bounces and unsubscribe mails"),
    ("migrate", "bring the database up to this version"),
    ("schema", "print the schema that the migrations make"),
    ("demo", "run the main job once with made-up contacts"),
)


def _scopes(key: argparse.ArgumentParser) -> None:
    may = key.add_mutually_exclusive_group()
    may.add_argument("--scope", action="append", default=[], help="what it may do; several times for more")
    may.add_argument("--all-scopes", action="store_true", help="everything that programs can do")


def _limits(limits: argparse.ArgumentParser) -> None:
    for name in ("--per-day", "--per-month"):
        limits.add_argument(name, default="none", metavar="N", help="a number, or none (the default)")
    kept = "megabytes of images it keeps, or none; left out: as it is"
    limits.add_argument("--images-mb", metavar="N", help=kept)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mailer", description="E-mail marketing that forgets on time.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in PARTS:
        commands.add_parser(name, help=text)
    text = "say what is wrong with configuration, database, queue, SMTP and DNS"
    doctor = commands.add_parser("doctor", help=text)
    doctor.add_argument("--account", type=int, help="only this account's own SMTP servers")
    account = commands.add_parser("account", help="accounts").add_subparsers(dest="act", required=True)
    create = account.add_parser("create", help="an account with its owner")
    create.add_argument("--name", required=True)
    create.add_argument("--email", required=True)
    create.add_argument("--language", choices=("fr", "en"), default="fr")
    create.add_argument("--accept-agreement", action="store_true")
    create.add_argument("--json", action="store_true")
    approve = account.add_parser("approve", help="let an account send that waits for it")
    approve.add_argument("--account", type=int, required=True)
    approve.add_argument("--json", action="store_true")
    suspend = account.add_parser("suspend", help="stop an account; its team reads the reason")
    suspend.add_argument("--account", type=int, required=True)
    suspend.add_argument("--reason", required=True)
    suspend.add_argument("--json", action="store_true")
    resume = account.add_parser("resume", help="end a suspension; paused campaigns stay so")
    resume.add_argument("--account", type=int, required=True)
    resume.add_argument("--json", action="store_true")
    limits = account.add_parser("limits", help="what an account may send in a day and a month, and keep")
    limits.add_argument("--account", type=int, required=True)
    _limits(limits)
    limits.add_argument("--json", action="store_true")
    take = account.add_parser("take-over", help="an exported archive into an account that is here")
    take.add_argument("--account", type=int, required=True)
    take.add_argument("--json", action="store_true")
    take.add_argument("archive", help="the ZIP that an export of a whole account gave")
    keys = commands.add_parser("api-key", help="API keys").add_subparsers(dest="act", required=True)
    key = keys.add_parser("create", help="a key of one account, shown once")
    key.add_argument("--account", type=int, required=True)
    key.add_argument("--name", default="command line")
    _scopes(key)
    key.add_argument("--json", action="store_true")
    operators = commands.add_parser("operator", help="operators").add_subparsers(dest="act", required=True)
    operator = operators.add_parser("create", help="an operator; prints a one-time sign-in link")
    operator.add_argument("--email", required=True)
    operator.add_argument("--json", action="store_true")
    reset = operators.add_parser("reset-second-factor", help="for somebody who lost phone and recovery codes")
    reset.add_argument("--email", required=True)
    reset.add_argument("--json", action="store_true")
    client_commands.add_to(commands)
    bounce_commands.add_to(commands)
    mailbox_command.add_to(commands)
    retention_commands.add_to(commands)
    backup_command.add_to(commands)
    restore_command.add_to(commands)
    keys_command.add_to(commands)
    policy_command.add_to(commands)
    certificate_command.add_to(commands)
    hold_commands.add_to(commands)
    _add_sending(commands)
    return parser


def _add_sending(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    sending = commands.add_parser("sending", help="sending as a whole, after a restore").add_subparsers(
        dest="act", required=True
    )
    for name, text in (
        ("status", "is it held, since when, and what"),
        ("hold", "hold it: the whole machine was put back to an earlier state"),
        ("erase-again", "erase again, in a database put back, who stands in the journal of FOLDER"),
        ("resume", "confirm that the restored database is complete, and go on"),
    ):
        act = sending.add_parser(name, help=text)
        act.add_argument("--json", action="store_true")
        if name == "erase-again":
            act.add_argument("folder", metavar="FOLDER", help="of backups, or a data folder")
        if name == "resume":
            act.add_argument("--begun", action="store_true", help="what was under way goes on too")


def _settings() -> Settings:
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
        case "migrate":
            from mailer import database_commands

            return _run(lambda: database_commands.run_migrate(_settings()))
        case "schema":
            from mailer import database_commands

            return asyncio.run(database_commands.run_schema())
        case "demo":
            from mailer import demo

            return _run(lambda: demo.run(_settings()))
        case "doctor" if args.account is not None:
            from mailer import doctor_account

            return _run(lambda: doctor_account.run(_settings(), args.account))
        case "doctor":
            from mailer import doctor

            return asyncio.run(doctor.run(os.environ))
        case "import" | "export":
            return _run(lambda: client_commands.run(args))
        case "bounce":
            return bounce_commands.run(args)
        case "mailbox":
            return _run(lambda: mailbox_command.run(_settings(), args))
        case "retention":
            return _run(lambda: retention_commands.run(_settings(), args))
        case "backup":
            return _run(lambda: backup_command.run(args))
        case "restore":
            return _run(lambda: restore_command.run(args))
        case "keys":
            return _run(lambda: keys_command.run(_settings(), args))
        case "policy":
            return _run(lambda: policy_command.run(_settings(), args))
        case "certificate":
            return _run(lambda: certificate_command.run(_settings(), args))
        case "hold":
            return _run(lambda: hold_commands.run(_settings(), args))
        case "sending":
            from mailer import sending_commands

            return _run(lambda: sending_commands.run(_settings(), args))
        case "account" if args.act == "take-over":
            from mailer import take_over_command

            return _run(lambda: take_over_command.run(_settings(), args))
        case _:
            from mailer.accounts import commands

            return _run(lambda: commands.run(_settings(), args))


def main(argv: list[str] | None = None) -> int:
    """Returns the exit status; a fault of the configuration is 2, with its reason on standard error."""
    args = _parser().parse_args(argv)
    _metrics_folder()
    from mailer.core import log

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
