"""What the five steps of a campaign share: their order, and what follows a saving."""

from aiohttp import web

from mailer.accounts import access
from mailer.core.db import AccountTx
from mailer.core.text import N_
from mailer.web import i18n, response
from mailer.web.forms import Form
from sending import seeds, test_sends
from sending.campaigns import Campaign

STEPS = (
    ("setup", N_("Setup")),
    ("audience", N_("Audience")),
    ("content", N_("Content")),
    ("checks", N_("Checks")),
    ("review", N_("Review and send")),
)


def base(request: web.Request, campaign: Campaign) -> str:
    return f"/app/{access.member(request).account_id}/campaigns/{campaign.id}"


def context(request: web.Request, campaign: Campaign | None, here: str, form: Form) -> dict[str, object]:
    """For each step's template: any step opens at any time, none locks another (ui 2.4)."""
    done = _done(campaign)
    steps = [
        (
            i18n.translate(words),
            f"{base(request, campaign)}/{name}" if campaign else "",
            "current" if name == here else "done" if name in done else "todo",
        )
        for name, words in STEPS
        # of a mail of an automatic campaign, the list and the start are that one's
        if campaign is None or campaign.automation_id is None or name in ("setup", "content")
    ]
    return {
        "campaign": campaign,
        "form": form,
        "steps": steps,
        "base": base(request, campaign) if campaign else "",
        "conflict": any(fault.code == "version" for fault in form.faults),
    }


async def tests(tx: AccountTx, campaign_id: int) -> dict[str, object]:
    """For `parts.tests`: the newest tests, and how many test addresses a press would reach."""
    return {
        "tests": await test_sends.recent(tx, campaign_id),
        "seeds": len(await seeds.usable(tx)),
    }


def _done(campaign: Campaign | None) -> set[str]:
    if campaign is None:
        return set()
    found = {"setup"} if campaign.subject and campaign.sender_id else set()
    if campaign.lists:
        found.add("audience")
    if campaign.content_kind != "none" and campaign.source:
        found.add("content")
    return found


def saved(request: web.Request, campaign: Campaign, *, then: str) -> web.Response:
    """After a step was stored: its version for autosave, the next step for a person."""
    if request.headers.get("X-Autosave"):
        return response.json({"version": campaign.version})
    if campaign.automation_id is not None:
        if then != "audience":
            home = f"/app/{access.member(request).account_id}"
            return response.redirect(f"{home}/automations/{campaign.automation_id}")
        then = "content"
    return response.redirect(f"{base(request, campaign)}/{then}")


def away(request: web.Request, campaign: Campaign) -> web.Response:
    """A campaign that is no draft any more has one page."""
    return response.redirect(base(request, campaign))
