"""What the command line understands. It imports nothing of the product: `mailer --help` answers at once."""

import argparse
from datetime import date
from pathlib import Path
from typing import TypeAlias

from mailer import __version__

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

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
KINDS = ("privacy", "terms", "agreement")
_BACKUP = (
    "Without a word: takes a backup into FOLDER. verify: is the newest one (or the one named) whole?"
    " prune: removes what is too old. journal: copies what was erased since."
    " read: the dump to standard output, for pg_restore."
)


def build() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mailer", description="E-mail marketing that forgets on time.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in PARTS:
        commands.add_parser(name, help=text)
    text = "say what is wrong with configuration, database, queue, SMTP and DNS"
    doctor = commands.add_parser("doctor", help=text)
    doctor.add_argument("--account", type=int, help="only this account's own SMTP servers")
    _accounts(commands)
    _api_keys(commands)
    _operators(commands)
    _client(commands)
    _bounce(commands)
    _mailbox(commands)
    _retention(commands)
    _backup(commands)
    _restore(commands)
    _keys(commands)
    _policy(commands)
    _certificate(commands)
    _hold(commands)
    _sending(commands)
    return parser


def _accounts(commands: Commands) -> None:
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


def _limits(limits: argparse.ArgumentParser) -> None:
    for name in ("--per-day", "--per-month"):
        limits.add_argument(name, default="none", metavar="N", help="a number, or none (the default)")
    kept = "megabytes of images it keeps, or none; left out: as it is"
    limits.add_argument("--images-mb", metavar="N", help=kept)


def _api_keys(commands: Commands) -> None:
    keys = commands.add_parser("api-key", help="API keys").add_subparsers(dest="act", required=True)
    key = keys.add_parser("create", help="a key of one account, shown once")
    key.add_argument("--account", type=int, required=True)
    key.add_argument("--name", default="command line")
    _scopes(key)
    key.add_argument("--json", action="store_true")


def _scopes(key: argparse.ArgumentParser) -> None:
    may = key.add_mutually_exclusive_group()
    may.add_argument("--scope", action="append", default=[], help="what it may do; several times for more")
    may.add_argument("--all-scopes", action="store_true", help="everything that programs can do")


def _operators(commands: Commands) -> None:
    operators = commands.add_parser("operator", help="operators").add_subparsers(dest="act", required=True)
    operator = operators.add_parser("create", help="an operator; prints a one-time sign-in link")
    operator.add_argument("--email", required=True)
    operator.add_argument("--json", action="store_true")
    reset = operators.add_parser("reset-second-factor", help="for somebody who lost phone and recovery codes")
    reset.add_argument("--email", required=True)
    reset.add_argument("--json", action="store_true")
    void = operators.add_parser("require-new-password", help="of somebody whose password others may know")
    void.add_argument("--email", required=True)
    void.add_argument("--json", action="store_true")


def _client(commands: Commands) -> None:
    brought = commands.add_parser("import", help="a file of contacts into lists, through the API")
    brought.add_argument("file", type=Path)
    brought.add_argument("--list", type=int, action="append", default=[], help="its number; several times")
    brought.add_argument("--new-list", default="", help="the name of a list to make")
    brought.add_argument("--mode", choices=("add_and_update", "add", "update"), default="add_and_update")
    brought.add_argument("--legal-basis", choices=("consent", "existing_customer", "b2b_interest", "service"))
    brought.add_argument("--source", default="", help="where the addresses come from")
    brought.add_argument("--attested-by", default="", help="who states it")
    text = "where a column goes, for example Prénom=first_name; several times; guessed when left out"
    brought.add_argument("--map", action="append", default=[], metavar="HEADING=NAME", help=text)
    brought.add_argument("--format", default="", help="of the file, when its name does not say")
    brought.add_argument("--dry-run", action="store_true", help="count only")
    brought.add_argument("--rejects", type=Path, help="where to write the rows in error")
    taken = commands.add_parser("export", help="contacts or suppressions into a file, through the API")
    taken.add_argument("file", type=Path)
    taken.add_argument("--what", choices=("contacts", "suppressions"), default="contacts")
    taken.add_argument("--list", type=int, help="only the contacts of this list")
    taken.add_argument("--format", default="", help="csv, ndjson …: by the file's name when left out")
    for one in (brought, taken):
        one.add_argument("--url", default="http://localhost:8080", help="where Mailer is")
        one.add_argument("--key-file", required=True, help="a file with the API key; - is standard input")
        one.add_argument("--json", action="store_true", help="the result as JSON on standard output")


def _bounce(commands: Commands) -> None:
    bounce = commands.add_parser("bounce", help="mails that came back").add_subparsers(
        dest="act", required=True
    )
    explain = bounce.add_parser(
        "explain",
        help="what a raw mail says: kind, recipient, codes, reason, and which rule decided",
        epilog="Exit status: 0 when every file was read, whatever it said; 1 when one could not be.",
    )
    explain.add_argument(
        "files", nargs="+", metavar="FILE", help="a mail, an mbox, a Maildir, or - for stdin"
    )
    explain.add_argument("--json", action="store_true", help="one JSON object a line for each mail")


def _mailbox(commands: Commands) -> None:
    parser = commands.add_parser("mailbox", help="where reports come to, when they cannot come here")
    acts = parser.add_subparsers(dest="act", required=True)
    given = acts.add_parser("set", help="sign in to it, and read it each minute from now on")
    given.add_argument("--host", required=True)
    given.add_argument("--username", required=True)
    given.add_argument("--starttls", action="store_true", help="port 143 instead of 993")
    given.add_argument("--folder", default="INBOX")
    given.add_argument("--done-folder", default="", help="for mails that acted; else they are marked as read")
    shown = acts.add_parser("show", help="how far it was read, and what stands in the way")
    shown.add_argument("--json", action="store_true")
    acts.add_parser("remove", help="read it no more, and forget its password")


def _retention(commands: Commands) -> None:
    retention = commands.add_parser("retention", help="what is erased when, and the proof of it")
    act = retention.add_subparsers(dest="act", required=True).add_parser(
        "verify",
        help="count again what is older than it may be; check the chain of records and its signatures",
        epilog="Exit status: 0 when all is well, 1 when something is late or a record is not as written.",
    )
    act.add_argument("--account", type=int, help="only this one; all, and the platform, when left out")
    act.add_argument("--json", action="store_true", help="one JSON object a line for each account")


def _backup(commands: Commands) -> None:
    text = "the whole database, sealed; verify, prune, journal or read FOLDER"
    parser = commands.add_parser("backup", help=text, description=_BACKUP)
    parser.add_argument("words", nargs="+", metavar="[verify|prune|journal|read] FOLDER")
    parser.add_argument("--database", default="", metavar="URL", help="as a role that sees all rows")
    parser.add_argument(
        "--keep-days", type=int, choices=range(1, 31), default=30, metavar="1-30", help="then a backup goes"
    )
    parser.add_argument("--json", action="store_true")


def _restore(commands: Commands) -> None:
    parser = commands.add_parser("restore", help="a backup into the database; sends nothing until confirmed")
    parser.add_argument("folder", metavar="FOLDER", help="a backup, or a folder of them: then the newest")
    parser.add_argument(
        "--replace", action="store_true", help="the database is not empty: drop what it holds"
    )
    parser.add_argument("--database", default="", metavar="URL", help="as a role that may make databases")
    parser.add_argument(
        "--from",
        dest="survivor",
        default="",
        metavar="URL",
        help="a database that knows what was erased since",
    )


def _keys(commands: Commands) -> None:
    keys = commands.add_parser("keys", help="the secret key, after it was changed").add_subparsers(
        dest="act", required=True
    )
    for name, text in (
        ("status", "what is sealed under an old secret, or under one that is not here"),
        ("rotate", "seal again, under MAILER_SECRET_KEY, whatever an old secret seals"),
    ):
        keys.add_parser(name, help=text).add_argument("--json", action="store_true")


def _policy(commands: Commands) -> None:
    parser = commands.add_parser("policy", help="privacy policy, terms and agreement, by version")
    acts = parser.add_subparsers(dest="act", required=True)
    new = acts.add_parser("publish", help="a new version, 30 days ahead; all owners are told")
    new.add_argument("file", type=Path, help="the French text")
    new.add_argument("--english", type=Path, required=True, metavar="FILE", help="the English text")
    new.add_argument("--kind", choices=KINDS, required=True)
    new.add_argument("--effective", type=date.fromisoformat, required=True, metavar="DATE")
    new.add_argument("--name", default="", help="of the version; the date when left out")
    new.add_argument("--urgent", default="", metavar="REASON", help="the law leaves no 30 days: why")
    shown = acts.add_parser("show", help="the text in force, to begin with")
    shown.add_argument("--kind", choices=KINDS, required=True)
    shown.add_argument("--language", choices=("fr", "en"), default="fr")
    listed = acts.add_parser("list", help="all versions, with their days")
    listed.add_argument("--json", action="store_true")


def _certificate(commands: Commands) -> None:
    certificate = commands.add_parser("certificate", help="certificates of erased accounts")
    verify = certificate.add_subparsers(dest="act", required=True).add_parser(
        "verify", help="is it as it was made; 1 when not"
    )
    verify.add_argument("file", help="the JSON file, as it was mailed or downloaded")
    verify.add_argument("--public-key", help="instead of the keys in the database: base64 or hexadecimal")
    verify.add_argument("--json", action="store_true")


def _hold(commands: Commands) -> None:
    acts = commands.add_parser("hold", help="legal holds").add_subparsers(dest="act", required=True)
    place = acts.add_parser("place", help="keep a contact, or a whole account, until a day")
    place.add_argument("--contact", type=int, help="left out: the whole account")
    place.add_argument("--article", required=True, help="of law")
    place.add_argument("--reason", required=True)
    place.add_argument("--until", required=True, type=date.fromisoformat, metavar="YYYY-MM-DD")
    lift = acts.add_parser("lift", help="end one before its day")
    lift.add_argument("--hold", type=int, required=True)
    listed = acts.add_parser("list", help="of an account; without one: what is left of erased accounts")
    for parser, needed in ((place, True), (lift, True), (listed, False)):
        parser.add_argument("--account", type=int, required=needed)
    opened = acts.add_parser("open", help="the data of a person whose account is erased, as JSON")
    opened.add_argument("--held", type=int, required=True, help="a number that `hold list` gives")


def _sending(commands: Commands) -> None:
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
