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
