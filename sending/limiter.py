"""What limits a send now, in words: one sentence, and what people may do about it (peers 19, ui 2.4).

The lanes leave notes in Valkey; what has to be right for hours (quota, pauses, stops) comes from PostgreSQL.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from mailer.core import clock
from mailer.core.db import AccountTx
from mailer.core.services import Services
from mailer.core.text import N_
from mailer.web import i18n
from sending import evidence, pace, profiles, provider_pauses, quotas, smtp_url
from sending.campaigns import Campaign
from sending.evidence import Figures, Stop

# of several lanes that say different things, the first here is what people can do something about
_ORDER = ("allowance", "sender", "pause", "provider", "unknown", "server", "")
_FRESH_SECONDS = 120.0
_OTHERS = N_("Other providers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limiter:
    """`code`: quota, warm_up, sender, pause, provider, server, unknown, none. `per_second`: measured."""

    code: str
    message: str
    params: Mapping[str, object] = field(default_factory=dict)
    per_second: float = 0.0
    resumes_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Of one campaign. `limiter` None: nothing is being sent."""

    limiter: Limiter | None
    stops: Sequence[Stop]
    figures: Figures


async def of_campaign(tx: AccountTx, services: Services, campaign: Campaign) -> Situation:
    limiter = await _limiter(tx, services, campaign) if campaign.status == "sending" else None
    return Situation(
        limiter=limiter,
        stops=await evidence.stops(tx, campaign.id),
        figures=await evidence.figures(tx, campaign.id),
    )


def provider_name(profile: str) -> str:
    return profiles.named(profile).name or i18n.translate(_OTHERS)


async def _limiter(tx: AccountTx, services: Services, campaign: Campaign) -> Limiter:
    quota = await quotas.today(tx)
    if quota is not None and not quota.left:
        return _quota(quota)
    notes = [_read(text) for text in await pace.notes(services.redis, tx.account_id, campaign.id)]
    fresh = [note for note in notes if clock.now().timestamp() - note["at"] < _FRESH_SECONDS]
    speed = round(sum(note["per_second"] for note in fresh), 1)
    if not fresh:
        return Limiter(code="none", message=N_("A worker is about to go on with it."))
    note = min(fresh, key=lambda note: _ORDER.index(note["why"]))
    why, profile = note["why"], note["profile"]
    match why:
        case "sender":
            return await _sender(tx, campaign, speed)
        case "provider":
            return _provider(profile, speed)
        case "pause":
            return await _pause(tx, services, profile, speed)
        case "allowance":
            message = N_("The warm-up plan allows no more today. The rest leaves by itself on the next days.")
            return Limiter(code="warm_up", message=message, per_second=speed)
        case "server":
            message = N_("The SMTP server takes long to answer each message.")
            return Limiter(code="server", message=message, per_second=speed)
        case "unknown":
            message = N_("The queue does not answer: what has a limit waits for it.")
            return Limiter(code="unknown", message=message, per_second=speed)
        case _:
            return Limiter(code="none", message=N_("Nothing: it leaves as fast as it can."), per_second=speed)


def _read(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {"why": "", "profile": "", "per_second": 0.0, "at": 0.0} | orjson.loads(text)
    if found["why"] not in _ORDER:
        found["why"] = ""
    return found


def _quota(quota: quotas.Quota) -> Limiter:
    if quota.resumes_at == quota.next_month:
        message = N_("This month’s allowance of {n} messages is used. The send goes on by itself on {day}.")
        return Limiter(
            code="quota", message=message, params={"n": quota.per_month}, resumes_at=quota.next_month
        )
    message = N_("Today’s allowance of {n} messages is used. The send goes on by itself on {day}.")
    return Limiter(code="quota", message=message, params={"n": quota.per_day}, resumes_at=quota.tomorrow)


async def _sender(tx: AccountTx, campaign: Campaign, speed: float) -> Limiter:
    rate = await tx.value(
        "SELECT per_second FROM senders WHERE account_id = $1 AND id = $2", campaign.sender_id
    )
    return Limiter(
        code="sender",
        message=N_("The sender’s own limit: {n} messages per second."),
        params={"n": i18n.number(rate or 0)},
        per_second=speed,
    )


def _provider(profile: str, speed: float) -> Limiter:
    found = profiles.named(profile)
    params = {"provider": provider_name(profile), "n": found.connections}
    message = N_("{provider} has asked for less: its messages leave more slowly for some minutes.")
    if found.connections:
        message = N_("{provider} takes at most {n} messages at a time.")
    return Limiter(code="provider", message=message, params=params, per_second=speed)


async def _pause(tx: AccountTx, services: Services, profile: str, speed: float) -> Limiter:
    server = smtp_url.server(services.settings)
    running = await provider_pauses.running(tx.shared(), pace.server_key(server)) if server else []
    until = next((one.until for one in running if one.profile == profile), None)
    if until is None:
        return _provider(profile, speed)
    return Limiter(
        code="pause",
        message=N_("{provider} has asked for a pause. Its messages go on by themselves on {day}."),
        params={"provider": provider_name(profile)},
        per_second=speed,
        resumes_at=until,
    )


async def of_sender(tx: AccountTx, services: Services, running: Sequence[Campaign]) -> Limiter | None:
    """Of what is sent from it now; None when nothing is."""
    found = [await _limiter(tx, services, campaign) for campaign in running]
    if not found:
        return None
    first = next((one for one in found if one.code != "none"), found[0])
    return Limiter(
        code=first.code,
        message=first.message,
        params=first.params,
        per_second=round(sum(one.per_second for one in found), 1),
        resumes_at=first.resumes_at,
    )
