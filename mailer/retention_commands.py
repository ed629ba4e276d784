"""`mailer retention verify`: is everything erased on time, and is the proof of it whole?

Exit status: 0 when all is well, 1 when something is late or a record is not as it was written, 2 when the
configuration is wrong. Nothing is changed, so it can run from cron or a monitor.
"""

import argparse
import json
from datetime import datetime

from mailer.core import clock, work
from mailer.core.services import open_services
from mailer.core.settings import Settings
from retention_jobs import chain, verify
from retention_jobs.classes import CLASSES
from retention_jobs.classes_queue import OF_QUEUE
from retention_jobs.queue_keys import Keys
from retention_jobs.verify import RECORD, Verdict

FAULTS = {
    "missing_before": "record {n}: the one before it is missing, or the order was changed",
    "altered": "record {n}: was altered after it was written",
    "signature": "record {n}: is not signed by a key of this installation",
    "moved": "record {n}: says another number, account or time than where it stands",
    "not_chained": "record {n}: does not follow the one before it",
    "end_missing": "the last records are missing",
}


async def run(settings: Settings, args: argparse.Namespace) -> int:
    """Raises NotFound when there is no such account."""
    good = True
    async with open_services(settings, pool_size=2) as services:
        # other machines than the database's may be wrong about what time it is
        async with services.db.shared() as tx:
            clock.follow(await tx.value("SELECT now()"))
        now = clock.now()
        if args.account is not None:
            verdicts = [await verify.of_account(services.db, args.account, now)]
            for verdict in verdicts:
                good &= _say(verdict, as_json=args.json)
        else:
            async for verdict in verify.everything(services.db, services.redis, now):
                good &= _say(verdict, as_json=args.json)
    return 0 if good else 1


def _say(verdict: Verdict, *, as_json: bool) -> bool:
    print(json.dumps(figures(verdict)) if as_json else "\n".join(told(verdict)), flush=True)
    return verdict.good


def figures(verdict: Verdict) -> dict[str, object]:
    """`account` 0 is the platform."""
    return {
        "account": verdict.account_id,
        "at": chain.instant(verdict.at),
        "ok": verdict.good,
        "classes": [
            {
                "class": one.name,
                "before": chain.instant(one.before),
                "oldest": _time(one.oldest),
                "overdue": one.overdue,
            }
            for one in verdict.found
        ],
        "late": {rule: _time(at) for rule, at in verdict.late.items()},
        "records": verdict.records,
        "last_record": _time(verdict.last_record_at),
        "faults": [{"n": fault.n, "code": fault.code} for fault in verdict.faults],
    } | ({} if verdict.keys is None else {"queue": _queue(verdict.keys)})


def _queue(keys: list[Keys]) -> dict[str, object]:
    """`away`: Valkey could not be asked."""
    classes = [
        {
            "class": one.name,
            "keys": one.count,
            "stays": one.stays,
            "longest_seconds": int(one.longest.total_seconds()) if one.longest else None,
            "oldest": _time(one.oldest),
        }
        for one in keys
    ]
    return {"away": not keys, "classes": classes}


def told(verdict: Verdict) -> list[str]:
    """A line that says it, and one for each thing that is wrong."""
    whose = "Platform" if verdict.account_id == work.PLATFORM else f"Account {verdict.account_id}"
    if verdict.good:
        last = f", the last of {verdict.last_record_at:%Y-%m-%d %H:%M}" if verdict.last_record_at else ""
        found = sum(one.count for one in verdict.keys or [])
        queue = "" if verdict.keys is None else f" Queue: {_many(found, 'key')}, each with its end."
        return [
            f"{whose}: on time. {len(verdict.found)} classes, {verdict.records} signed records{last}.{queue}"
        ]
    lines = [f"{whose}: NOT as it has to be."]
    for one in verdict.found:
        if one.overdue:
            what = CLASSES[one.name]
            lines.append(
                f"  {one.name}: {_many(one.overdue)} past their time ({what.kept}),"
                f" the oldest of {one.oldest:%Y-%m-%d %H:%M}"
            )
    for rule, at in verdict.late.items():
        name = "no signed record" if rule == RECORD else f"rule {rule} did not run"
        lines.append(f"  {name} since {at:%Y-%m-%d %H:%M}" if at else f"  {name} ever")
    lines += [f"  {FAULTS[fault.code].format(n=fault.n)}" for fault in verdict.faults]
    if verdict.keys == []:
        lines.append("  queue: away, its keys could not be counted")
    for keys in verdict.staying:
        of = (
            OF_QUEUE[keys.name].what
            if keys.name in OF_QUEUE
            else "keys that are not Mailer's, or of no class"
        )
        lines.append(f"  queue, {keys.name}: {_many(keys.stays, 'key')} would stay too long ({of})")
    return lines


def _many(count: int, noun: str = "row") -> str:
    return f"{count} {noun}{'s' if count != 1 else ''}"


def _time(at: datetime | None) -> str | None:
    return chain.instant(at) if at else None
