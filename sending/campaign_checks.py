"""The fourth step of the wizard: what blocks a send, what to look at, what is in order, each with its place.

The same list is what refuses a send: a check that blocks here cannot be passed by any door (A-008, A-062).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from mailer.accounts import agreements, identity
from mailer.core.db import AccountTx
from mailer.core.errors import Fault, Invalid
from mailer.core.services import Services
from mailer.core.text import N_
from mailer.web import i18n
from sending import (
    audience,
    campaign_lists,
    campaigns,
    content_checks,
    domain_words,
    domains,
    merge,
    senders,
    sources,
)
from sending.audience import Counts
from sending.campaigns import Campaign
from sending.content import Compiled
from sending.problems import Problem, Severity

Group = Literal["blocking", "look", "fine"]
# where each finding is mended: a step of this campaign, or a page of the account
_STEPS: Mapping[str, str] = {
    "subject": "setup",
    "preheader": "setup",
    "sender": "setup",
    "audience": "audience",
    "test": "checks",
    "identity": "settings/account",
    "agreement": "privacy/agreements",
}
_EMPTY_WORDS = {
    "first_name": N_("First names that are empty: {n}. Those people read the fallback you chose."),
    "last_name": N_("Last names that are empty: {n}. Those people read the fallback you chose."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """`step` is a wizard step, or a page of the account when it holds a slash."""

    group: Group
    code: str
    message: str
    params: Mapping[str, object] = field(default_factory=dict)
    step: str = "content"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    campaign: Campaign
    counts: Counts
    checks: tuple[Check, ...]

    def group(self, name: Group) -> list[Check]:
        return [check for check in self.checks if check.group == name]

    @property
    def blocked(self) -> bool:
        return bool(self.group("blocking"))

    def refusal(self) -> Invalid:
        """Every blocking check as a fault of the send."""
        return Invalid(
            *(Fault(one.step, one.message, one.code, one.params) for one in self.group("blocking"))
        )


async def run(tx: AccountTx, services: Services, campaign_id: int) -> Report:
    """All checks of a campaign as it is now. Raises NotFound."""
    campaign = await campaigns.show(tx, campaign_id)
    counts = await audience.count(tx, campaign_id)
    fields = await sources.field_keys(tx)
    checks = [
        *await _account(tx),
        *await _sender(tx, services, campaign),
        *await _audience(tx, campaign, counts),
        *_lines(campaign, fields),
    ]
    compiled = sources.compile_source(campaign.content, settings=services.settings, fields=fields)
    if isinstance(compiled, Compiled):
        checks += _content(campaign, compiled)
        checks += await _empty_values(tx, campaign, compiled)
    else:
        subject = content_checks.check_subject(campaign.subject)
        checks += [_of(problem) for problem in [*subject, *compiled]]
    checks += _tested(campaign)
    return Report(campaign=campaign, counts=counts, checks=tuple(checks))


async def _account(tx: AccountTx) -> list[Check]:
    checks: list[Check] = []
    if await agreements.latest(tx) is None:
        message = N_("The data processing agreement is not accepted. Accept it first.")
        checks.append(_check("blocking", "agreement", message))
    else:
        checks.append(_check("fine", "agreement", N_("The data processing agreement is accepted.")))
    if not (await identity.of(tx)).complete:
        message = N_("Recipients must read who writes: give your name, postal address and e-mail.")
        checks.append(_check("blocking", "identity", message))
    return checks


async def _sender(tx: AccountTx, services: Services, campaign: Campaign) -> list[Check]:
    if campaign.sender_id is None:
        return [_check("blocking", "sender", N_("Choose the sender of this campaign."))]
    sender = await senders.show(tx, campaign.sender_id)
    if sender.status == "revoked":
        message = N_("{email} was withdrawn. Choose another sender.")
        return [_check("blocking", "sender", message, email=sender.email)]
    if sender.status != "confirmed":
        message = N_("{email} is not confirmed. Open the e-mail sent on {day}, or send it again.")
        day = i18n.moment(sender.asked_at, campaign.time_zone)
        return [_check("blocking", "sender", message, email=sender.email, day=day)]
    checks = [_check("fine", "sender", N_("{email} is confirmed."), email=sender.email)]
    return [*checks, await _domain(tx, services, sender.domain)]


async def _domain(tx: AccountTx, services: Services, name: str) -> Check:
    """D-54, S17: nothing real leaves from a domain that is not proved; the local inbox takes everything."""
    gate = await domains.gate(tx, services, name)
    place = f"domains/{gate.domain.id}" if gate.domain else "domains"
    if gate.code:
        return _check("blocking", "domain", domain_words.GATE[gate.code], step=place, domain=name)
    if gate.domain is not None and gate.domain.verified_at is not None:
        return _check("fine", "domain", N_("{domain} is verified: DKIM and DMARC are there."), domain=name)
    message = N_("The domain {domain} is to be checked before a real send.")
    return _check("look", "domain", message, step=place, domain=name)


async def _audience(tx: AccountTx, campaign: Campaign, counts: Counts) -> list[Check]:
    used = await campaign_lists.many(tx, campaign.id)
    if not any(one.use == "include" for one in used):
        return [_check("blocking", "audience", N_("Choose at least one list."))]
    if counts.result == 0 and counts.in_lists == 0:
        message = N_("This audience has nobody: the lists are empty. Import contacts first.")
        return [_check("blocking", "audience", message)]
    if counts.result == 0:
        message = N_("This audience has nobody: all {n} contacts refused or bounced. See the detail.")
        if counts.service:
            message = N_(
                "This audience has nobody who may get it. Here for service mails only: {n}. See the detail."
            )
        n = counts.service or counts.in_lists
        return [_check("blocking", "audience", message, n=n)]
    checks = [_check("fine", "audience", N_("People who will get it: {n}."), n=counts.result)]
    recent = await tx.value(
        """
        SELECT c.name
        FROM campaign_lists mine
        JOIN campaign_lists theirs USING (account_id, list_id)
        JOIN campaigns c ON c.account_id = theirs.account_id AND c.id = theirs.campaign_id
        WHERE mine.account_id = $1 AND mine.campaign_id = $2 AND mine.use = 'include'
          AND theirs.use = 'include' AND c.id <> $2
          AND c.status IN ('preparing', 'sending', 'sent') AND c.started_at > now() - interval '24 hours'
        ORDER BY c.started_at DESC
        LIMIT 1
        """,
        campaign.id,
    )
    if recent is not None:
        message = N_("“{name}” left for one of these lists less than 24 hours ago.")
        checks.append(_check("look", "frequency", message, step="audience", name=recent))
    return checks


def _lines(campaign: Campaign, fields: frozenset[str]) -> list[Check]:
    lines: list[tuple[merge.Part, str]] = [("subject", campaign.subject), ("preheader", campaign.preheader)]
    return [
        Check(
            group="blocking", code=problem.code, message=problem.message, params=problem.params, step="setup"
        )
        for part, text in lines
        for problem in merge.check(text, fields=fields, part=part)
    ]


def _content(campaign: Campaign, compiled: Compiled) -> list[Check]:
    problems = content_checks.check_sendable(compiled.html, compiled.text, subject=campaign.subject)
    checks = [_of(problem) for problem in [*compiled.remarks, *problems]]
    used = merge.names_used(compiled.html) | merge.names_used(campaign.subject + campaign.preheader)
    if given := sorted(name for name in used if name.startswith(f"{merge.VALUES}.")):
        message = N_("“{name}” is filled in by programs, in transactional messages only. Take it out.")
        checks.append(_check("blocking", "values", message, name=given[0]))
    for code, message in content_checks.IN_ORDER.items():
        if not any(problem.code == code for problem in problems):
            checks.append(_check("fine", code, message))
    return checks


async def _empty_values(tx: AccountTx, campaign: Campaign, compiled: Compiled) -> list[Check]:
    """How many of the audience have nothing where the message names them (ui 2.4)."""
    used = merge.names_used(compiled.html) | merge.names_used(campaign.subject)
    if not used & {"contact.first_name", "contact.last_name"}:
        return []
    first, last = (
        await tx.rows(
            """
            SELECT count(*) FILTER (WHERE c.first_name = ''), count(*) FILTER (WHERE c.last_name = '')
            FROM audience a
            JOIN contacts c ON c.account_id = a.account_id AND c.id = a.contact_id
            WHERE a.account_id = $1 AND a.campaign_id = $2 AND a.reason = ''
            """,
            campaign.id,
        )
    )[0]
    found = {"first_name": first, "last_name": last}
    return [
        _check("look", f"empty_{name}", _EMPTY_WORDS[name], step="content", n=n)
        for name, n in found.items()
        if n and f"contact.{name}" in used
    ]


def _tested(campaign: Campaign) -> list[Check]:
    if campaign.tested_at is None:
        return [_check("look", "test", N_("No test was sent. Look at the message in a real mailbox."))]
    day = i18n.moment(campaign.tested_at, campaign.time_zone)
    return [_check("fine", "test", N_("The last test was sent on {day}."), day=day)]


def _check(group: Group, code: str, message: str, *, step: str = "", **params: object) -> Check:
    place = step or _STEPS.get(code, "content")
    return Check(group=group, code=code, message=message, params=params, step=place)


def _of(problem: Problem) -> Check:
    group: Group = "blocking" if problem.severity is Severity.ERROR else "look"
    place = "setup" if problem.code == "subject" else "content"
    return Check(group=group, code=problem.code, message=problem.message, params=problem.params, step=place)
