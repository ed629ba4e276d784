"""`mailer import` and `mailer export`: files by way of the API, from any machine that reaches it.

The key is read from a file or from standard input: on a command line every user of the machine could read it.
"""

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from mailer.client import AsyncClient, Export, Import, MailerError
from mailer.core.errors import Forbidden

FORMATS = {".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson", ".xlsx": "xlsx"}


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The two commands and their options."""
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


async def run(args: argparse.Namespace) -> int:
    """The exit status. Raises Forbidden with what the service said."""
    try:
        async with AsyncClient(args.url, _key(args.key_file)) as mailer:
            return await (_import if args.command == "import" else _export)(mailer, args)
    except (MailerError, OSError) as error:
        raise Forbidden(str(error)) from error


def _key(place: str) -> str:
    text = (sys.stdin.readline() if place == "-" else Path(place).read_text()).strip()
    if not text.isascii() or len(text.split()) != 1:
        raise MailerError(f"{place} holds no API key: it is one line, beginning with mailer_")
    return text


def _told(text: str) -> None:
    """Progress, on one line of a terminal; in a log a line each."""
    end = "\r" if sys.stderr.isatty() else "\n"
    print(f"{text:<60}", end=end, file=sys.stderr, flush=True)


def _options(args: argparse.Namespace) -> dict[str, Any]:
    pairs = [one.rpartition("=") for one in args.map]
    mapping = {heading: {"to": name} for heading, _, name in pairs}
    given = {
        "new_list": args.new_list,
        "mode": args.mode,
        "legal_basis": args.legal_basis,
        "source": args.source,
        "attested_by": args.attested_by,
        "mapping": mapping,
        "format": args.format,
    }
    return {name: value for name, value in given.items() if value}


async def _import(mailer: AsyncClient, args: argparse.Namespace) -> int:
    _told(f"sending {args.file.name}")
    run = await mailer.import_file(args.file, list_ids=args.list, dry_run=args.dry_run, **_options(args))
    done = await run.wait(_import_progress)
    saved = args.rejects is not None and await run.save_rejects(args.rejects)
    counts = {name: count for name, count in done.counts.items() if count or name in ("rows", "errors")}
    if args.json:
        print(json.dumps({"id": done.id, "state": done.state, **done.counts}))
    else:
        for name, value in {"import": done.id, "state": done.state, **counts}.items():
            print(f"{name}: {value}")
        if saved:
            print(f"rows in error: {args.rejects}")
    return 0 if done.state in ("done", "checked") else 1


def _import_progress(now: Import) -> None:
    over = sum(count for name, count in now.counts.items() if name != "rows")
    _told(f"{now.state}: {now.counts.get('rows', 0):,} rows read, {over:,} sorted")


async def _export(mailer: AsyncClient, args: argparse.Namespace) -> int:
    options = {"format": args.format or FORMATS.get(args.file.suffix.lower(), "csv"), "list_id": args.list}
    run = await mailer.export(args.what, **{name: value for name, value in options.items() if value})
    await run.save(args.file, _export_progress)
    size = await asyncio.to_thread(lambda: args.file.stat().st_size)
    if args.json:
        print(json.dumps({"id": run.id, "rows": run.now.rows, "file": str(args.file), "bytes": size}))
    else:
        print(f"rows: {run.now.rows}\nfile: {args.file}")
    return 0


def _export_progress(now: Export) -> None:
    _told(f"{now.state}: {now.rows:,} of about {now.total:,} rows")
