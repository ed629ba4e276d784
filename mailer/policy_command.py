"""`mailer policy publish | show | list`: privacy policy, terms and agreement by version (A-039)."""

import argparse
import json
import sys

from mailer.core.errors import Invalid
from mailer.core.services import Services, open_services
from mailer.core.settings import Settings


async def run(settings: Settings, args: argparse.Namespace) -> int:
    """0, or 1 when a version is refused: the reason goes to standard error."""
    async with open_services(settings, pool_size=2) as services:
        match args.act:
            case "publish":
                return await _publish(services, args)
            case "show":
                return await _show(services, args)
            case _:
                return await _list(services, as_json=args.json)


async def _publish(services: Services, args: argparse.Namespace) -> int:
    from mailer.accounts import policies
    from mailer.core import clock
    from mailer.web import i18n
    from mailer.web.request import check

    try:
        texts = {
            name: path.read_text(encoding="utf-8")
            for name, path in (("french", args.file), ("english", args.english))
        }
    except (OSError, UnicodeDecodeError) as error:
        print(f"mailer: {error}", file=sys.stderr)
        return 1
    values = {
        "kind": args.kind,
        "version": args.name or args.effective.isoformat(),
        "effective_on": args.effective,
        "urgent_reason": args.urgent,
        **texts,
    }
    try:
        new = check(policies.NewVersion, values)
        async with services.db.shared() as tx:
            version = await policies.publish(
                tx, new, services.settings.operator, now=clock.now(), user_id=None
            )
    except Invalid as error:
        for fault in error.faults:
            print(f"{fault.field}: {i18n.fill(fault.message, dict(fault.params))}", file=sys.stderr)
        return 1
    print(f"Version {version.version} takes effect on {version.effective_on}. All owners are told.")
    return 0


async def _show(services: Services, args: argparse.Namespace) -> int:
    from mailer.accounts import policies
    from mailer.core import clock

    operator = services.settings.operator
    async with services.db.shared() as tx:
        version = await policies.in_force(tx, args.kind, operator, clock.now().date())
        print(await policies.text_of(tx, version, args.language, operator), end="")
    return 0


async def _list(services: Services, *, as_json: bool) -> int:
    from mailer.accounts import policies

    rows: list[dict[str, object]] = []
    async with services.db.shared() as tx:
        for kind in policies.KINDS:
            for one in await policies.many(tx, kind, services.settings.operator):
                rows.append(
                    {
                        "kind": one.kind,
                        "version": one.version,
                        "effective_on": one.effective_on.isoformat(),
                        "french_sha256": one.french.hex(),
                        "english_sha256": one.english.hex(),
                        "shipped": one.built_in,
                    }
                )
    if as_json:
        print(json.dumps(rows))
        return 0
    for row in rows:
        print(f"{row['effective_on']}  {row['kind']:<10} {row['version']:<12} {row['french_sha256']}")
    return 0
