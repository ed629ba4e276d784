"""What the linter asks the database: how heavy one's images are, and who of the audience has no value (F-12).

Counting an audience of a million takes a second: the numbers are remembered for some minutes in Valkey, and
whoever types waits for none twice.
"""

import orjson
from redis.exceptions import RedisError

from mailer.core.db import AccountTx
from mailer.core.services import Services
from mailer.core.text import N_
from mailer.web import i18n
from sending import audience, audience_sample, campaigns, empty_values, image_checks
from sending.empty_values import COLUMNS
from sending.finding import Finding, Kind
from sending.lint import Report

REMEMBERED_SECONDS = 300
MOST_FIELDS = 40


async def complete(
    tx: AccountTx, services: Services, report: Report, *, campaign_id: int | None = None
) -> Report:
    """The report with what stands in the database; `campaign_id` None: a design, which has no audience."""
    more = await _images(tx, report)
    if campaign_id is not None and report.fields:
        more += await _empty(tx, services, report, campaign_id)
    return report.adding(more)


async def _images(tx: AccountTx, report: Report) -> list[Finding]:
    if not report.images:
        return []
    names = list(report.images)
    rows = await tx.rows(
        "SELECT name, size, seconds FROM images WHERE account_id = $1 AND name = ANY ($2)", names
    )
    sizes = {name: size for name, size, _ in rows}
    found = [
        _moves(report.images[name], seconds) for name, _, seconds in rows if image_checks.moves_on(seconds)
    ]
    for name, line in report.images.items():
        size = sizes.get(name)
        if size is None:
            message = N_("This image was deleted: nothing shows here.")
            fix = N_("Choose another under Images.")
            found.append(Finding(line=line, kind=Kind.WARNING, code="image_gone", message=message, fix=fix))
        elif size > image_checks.HEAVY:
            message = N_("This image has {size} kB: on a telephone it comes late.")
            fix = N_("Make it smaller, under {limit} kB.")
            params = {"size": size // 1000, "limit": image_checks.HEAVY // 1000}
            found.append(
                Finding(
                    line=line, kind=Kind.WARNING, code="image_weight", message=message, fix=fix, params=params
                )
            )
    together = sum(sizes.values())
    if together > image_checks.HEAVY_TOGETHER and not any(one.code == "image_weight" for one in found):
        message = N_("The images weigh {size} kB together: on a telephone they come late.")
        fix = N_("Stay under {limit} kB together.")
        params = {"size": together // 1000, "limit": image_checks.HEAVY_TOGETHER // 1000}
        found.append(
            Finding(line=0, kind=Kind.WARNING, code="image_weight", message=message, fix=fix, params=params)
        )
    return found


def _moves(line: int, seconds: float) -> Finding:
    """One that flashes is never among them: it is refused when it is added."""
    return Finding(
        line=line,
        kind=Kind.WARNING,
        code="image_moves",
        message=N_("This image moves for ever, and nobody can stop it (WCAG 2.2.2).")
        if seconds < 0
        else N_("This image moves for {seconds} seconds, and nobody can stop it (WCAG 2.2.2)."),
        fix=N_("Let it end within {most} seconds, or take a still image."),
        params={"seconds": i18n.number(round(seconds, 1)), "most": image_checks.LONG_MOVING},
    )


async def _empty(tx: AccountTx, services: Services, report: Report, campaign_id: int) -> list[Finding]:
    keys = sorted(report.fields)[:MOST_FIELDS]
    counts = await _counted(tx, services, campaign_id, keys)
    labels = dict(await tx.rows("SELECT key, label FROM fields WHERE account_id = $1"))
    found: list[Finding] = []
    for key in keys:
        empty, total, figure = counts.get(key, (0, 0, ""))
        if not empty:
            continue
        label = i18n.translate(COLUMNS[key]) if key in COLUMNS else str(labels.get(key, key))
        message = N_("{field} is empty for {n} of {total} people of the audience.")
        fix = N_('Say what they read instead, as default("…"), or ask with an if.')
        params: dict[str, str | int] = {"field": label, "n": figure, "total": total}
        line = report.fields[key]
        found.append(
            Finding(line=line, kind=Kind.WARNING, code="empty_field", message=message, fix=fix, params=params)
        )
    return found


async def _counted(
    tx: AccountTx, services: Services, campaign_id: int, keys: list[str]
) -> dict[str, tuple[int, int, str]]:
    """Key → how many have nothing in it, of how many, and the number in words."""
    campaign = await campaigns.show(tx, campaign_id)
    if not campaign.lists:
        return {}
    place = f"lint:{tx.account_id}:{campaign_id}:{campaign.kind}:{campaign.lists}:{i18n.language()}"
    known = await _remembered(services, place)
    if missing := [key for key in keys if key not in known]:
        sample = audience_sample.of(await audience.count(tx, campaign_id))
        fresh = await empty_values.count(tx, campaign_id, missing, sample, addresses=[])
        told = {one.key: (one.empty, sample.total, sample.figure(one.empty, one.people)) for one in fresh}
        known |= {key: told.get(key, (0, sample.total, "")) for key in missing}
        await _remember(services, place, known)
    return known


async def _remembered(services: Services, place: str) -> dict[str, tuple[int, int, str]]:
    try:
        text = await services.redis.get(place)
    except RedisError:
        return {}
    return {key: tuple(value) for key, value in orjson.loads(text).items()} if text else {}


async def _remember(services: Services, place: str, known: dict[str, tuple[int, int, str]]) -> None:
    try:
        await services.redis.set(place, orjson.dumps(known), ex=REMEMBERED_SECONDS)
    except RedisError:
        return
