"""The fourth step of the wizard: what blocks a send, what to look at, what is in order, each with its place.

The same list is what refuses a send: a check that blocks here cannot be passed by any door (A-008, A-062).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from mailer.accounts import agreements, identity
from mailer.core import addresses
from mailer.core.db import AccountTx
from mailer.core.errors import Fault, Invalid
from mailer.core.services import Services
from mailer.core.text import N_
from mailer.web import i18n
from sending import (
    ab_checks,
    ab_tests,
    ab_variants,
    audience,
    audience_sample,
    brand_kits,
    campaign_lists,
    campaign_segments,
    campaigns,
    content_checks,
    domain_words,
    domains,
    empty_values,
    feed_block,
    frequency,
    image_checks,
    mail_tree,
    measuring,
    merge,
    personal,
    purpose_checks,
    reminders,
    revisions,
    senders,
    sources,
    subject_checks,
    test_sends,
    utm_settings,
    weights,
)
from sending.audience import Counts
from sending.campaigns import Campaign
from sending.content import Compiled
from sending.problems import Problem, Severity, error
from sending.render import RenderFailed

Group = Literal["blocking", "look", "fine"]
# where each finding is mended: a step of this campaign, or a page of the account
_STEPS: Mapping[str, str] = {
    "subject": "setup",
    "preheader": "setup",
    "sender": "setup",
    "audience": "audience",
    "frequency": "audience",
    purpose_checks.CODE: "audience",
    "test": "preview",
    "feed": "recurrence",
    ab_checks.CODE: "ab-test",
    "identity": "settings/account",
    "agreement": "privacy/agreements",
    "responsibilities": "privacy/agreements",
}
_GROUPS: Mapping[Severity, Group] = {
    Severity.ERROR: "blocking",
    Severity.WARNING: "look",
    Severity.FINE: "fine",
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


async def run(tx: AccountTx, services: Services, campaign_id: int, *, to_look: bool = True) -> Report:
    """All checks of a campaign as it is now; without `to_look`, those that can block. Raises NotFound."""
    campaign = await campaigns.show(tx, campaign_id)
    await campaign_segments.settle(tx, campaign_id)
    counts = await audience.count(tx, campaign_id)
    fields = await sources.field_keys(tx)
    checks = [
        *await _account(tx),
        *await _sender(tx, services, campaign),
        *await _audience(tx, campaign, counts),
        *(_of(problem) for problem in await purpose_checks.check(tx, campaign)),
        *_lines(campaign, fields),
    ]
    known = _Known(counts, fields, to_look)
    # without a sender or with a broken subject no mail can be made
    whole = not any(check.group == "blocking" and check.step == "setup" for check in checks)
    checks += await _message(tx, services, campaign, known, people=whole)
    checks += [_of(problem) for problem in await ab_checks.check(tx, campaign, counts)]
    for number, variant in await ab_tests.variants(tx, campaign):
        checks += await _variant(tx, services, number, variant, known)
    checks.append(await _tested(tx, campaign))
    return Report(campaign=campaign, counts=counts, checks=tuple(checks))


@dataclass(frozen=True, slots=True)
class _Known:
    counts: Counts
    fields: frozenset[str]
    to_look: bool
    variant: int = 1


async def _message(
    tx: AccountTx, services: Services, campaign: Campaign, known: _Known, *, people: bool
) -> list[Check]:
    """The content of a campaign, or of one of its variants; with `people`, made for those who will get it."""
    compiled = sources.compile_source(
        campaign.content,
        settings=services.settings,
        fields=known.fields,
        tagging=await utm_settings.of(tx, services.settings, campaign.id, known.variant),
        kit=await brand_kits.of(tx, services.settings),
    )
    if not isinstance(compiled, Compiled):
        subject = subject_checks.check_subject(campaign.subject)
        return [_of(problem) for problem in [*subject, *compiled]]
    made = await _people(tx, services, campaign, known) if people else []
    return await _content(tx, services, campaign, compiled, made)


async def _variant(
    tx: AccountTx, services: Services, number: int, campaign: Campaign, known: _Known
) -> list[Check]:
    """What is wrong with B, C or D, by its letter; what is in order is told of A."""
    lines = _lines(campaign, known.fields)
    known = replace(known, variant=number)
    whole = not lines and campaign.sender_id is not None
    found = [*lines, *await _message(tx, services, campaign, known, people=whole)]
    message = N_("Variant {letter}: {finding}")
    letter = ab_variants.LETTERS[number - 1]
    return [
        replace(
            one,
            message=message,
            params={"letter": letter, "finding": i18n.translate(one.message, **one.params)},
            step=ab_checks.step(one.step, number),
        )
        for one in found
        if one.group != "fine" and one.code != "frequency"
    ]


async def _account(tx: AccountTx) -> list[Check]:
    checks: list[Check] = []
    if await agreements.ever(tx) is None:
        message = N_("The data processing agreement is not accepted. Accept it first.")
        checks.append(_check("blocking", "agreement", message))
    else:
        checks.append(_check("fine", "agreement", N_("The data processing agreement is accepted.")))
    if await agreements.acknowledged(tx) is None:
        message = N_("An owner has not yet read and acknowledged the responsibilities of whoever sends.")
        checks.append(_check("blocking", "responsibilities", message))
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
    if addresses.is_free_mail(addresses.domain_of(addresses.parse(sender.email).key)):
        # refused when it was added; the list of such providers grows (D-54)
        message = N_(
            "A {domain} address cannot be the sender: {domain} would refuse the message. "
            "Use an address of your own domain."
        )
        return [_check("blocking", "free_mail", message, step="setup", domain=sender.domain)]
    checks = [_check("fine", "sender", N_("{email} is confirmed."), email=sender.email)]
    return [*checks, await _domain(tx, services, sender.domain)]


async def _domain(tx: AccountTx, services: Services, name: str) -> Check:
    """D-54, S17: nothing real leaves from a domain that is not proved; the local inbox takes everything."""
    gate = await domains.gate(tx, services, name)
    place = f"domains/{gate.domain.id}" if gate.domain else "domains/new"
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
    if await measuring.segment_missing(tx, campaign):
        message = N_(
            "This message asks for measurement: narrow it to the segment of those who may be asked, "
            "which was taken out."
        )
        return [_check("blocking", "segment", message, step="audience")]
    if await reminders.segment_missing(tx, campaign):
        message = N_(
            "A reminder is for those who did not click, and their segment was taken out. Choose it again, "
            "or duplicate the campaign to write to everybody."
        )
        return [_check("blocking", "segment", message, step="audience")]
    segments = await campaign_segments.many(tx, campaign.id)
    if names := await campaign_segments.broken(tx, segments):
        message = N_("The segment “{name}” speaks of something that was deleted. Correct it first.")
        return [_check("blocking", "segment", message, step="audience", name=names[0])]
    if campaign.status == "draft" and not await campaign_segments.settle(tx, campaign.id):
        message = N_("The segments are being counted: this takes a moment. Look again then.")
        return [_check("blocking", "segment", message, step="audience")]
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
    return [_check("fine", "audience", N_("People who will get it: {n}."), n=counts.result)]


def _lines(campaign: Campaign, fields: frozenset[str]) -> list[Check]:
    lines: list[tuple[merge.Part, str]] = [("subject", campaign.subject), ("preheader", campaign.preheader)]
    return [
        Check(
            group="blocking", code=problem.code, message=problem.message, params=problem.params, step="setup"
        )
        for part, text in lines
        for problem in merge.check(text, fields=fields, part=part)
    ]


async def _content(
    tx: AccountTx, services: Services, campaign: Campaign, compiled: Compiled, made: Sequence[Problem]
) -> list[Check]:
    """What the message itself shows, and `made`: what was found with the people who will get it."""
    origin = services.settings.track_url
    page = mail_tree.read(compiled.html)
    if campaign.feed_shown is None and feed_block.is_in(campaign.source):
        message = N_(
            "The content shows items of a feed, and this campaign has none. Repeat it by a plan with one."
        )
        return [_check("blocking", "feed", message)]
    problems = [
        *content_checks.check_tree(page, compiled.text, subject=campaign.subject, own_origin=origin),
        *await image_checks.check_weight(tx, image_checks.own_names(page, origin)),
        *await measuring.check(tx, campaign, compiled, origin),
        *made,
    ]
    checks = [_of(problem) for problem in _once([*compiled.remarks, *problems])]
    used = merge.names_used(compiled.html) | merge.names_used(campaign.subject + campaign.preheader)
    if given := sorted(name for name in used if name.startswith(f"{merge.VALUES}.")):
        message = N_("“{name}” is filled in by programs, in transactional messages only. Take it out.")
        checks.append(_check("blocking", "values", message, name=given[0]))
    found = {problem.code for problem in problems}
    fine = {code: words for code, words in content_checks.IN_ORDER.items() if code not in found}
    return checks + [_check("fine", code, words) for code, words in fine.items()]


async def _people(tx: AccountTx, services: Services, campaign: Campaign, known: _Known) -> list[Problem]:
    """The message and the audience together: mails made whole, empty values, who was written to yesterday."""
    sample = audience_sample.of(known.counts)
    content = await revisions.draft(tx, services.settings, campaign.id, known.variant)
    try:
        maker = await personal.draft_maker(tx, services, campaign.id, content)
    except (RenderFailed, ValueError):
        message = N_("The message cannot be made for this person. Check the conditions and the fields.")
        return [error(0, "render", message)]
    problems = await weights.check(tx, maker, campaign.id, sample)
    if known.to_look and known.counts.result:
        problems += await empty_values.check(tx, campaign.id, content, maker.loaded.program, sample)
        problems.append(await frequency.check(tx, campaign.id, sample))
    return problems


def _once(problems: Sequence[Problem]) -> list[Problem]:
    """The compiler's remarks and the checks may say the same; each thing is told once."""
    kept = {(one.code, one.message, *one.params.values()): one for one in problems}
    return list(kept.values())


async def _tested(tx: AccountTx, campaign: Campaign) -> Check:
    """Rows of tests go after six days (S12); that there was one stays."""
    if campaign.tested_at is None:
        return _check("look", "test", N_("No test was sent. Look at the message in a real mailbox."))
    last = await test_sends.last(tx, campaign.id)
    if last is not None and last.state == "failed":
        message = N_("The last test, to {email}, could not be sent: {reply}")
        return _check("look", "test", message, email=last.recipient, reply=last.reply)
    if last is not None and last.state == "waiting":
        message = N_("A test is on its way to {email}. Look at it before you send.")
        return _check("look", "test", message, email=last.recipient)
    day = i18n.moment(campaign.tested_at, campaign.time_zone)
    return _check("fine", "test", N_("The last test was sent on {day}."), day=day)


def _check(group: Group, code: str, message: str, *, step: str = "", **params: object) -> Check:
    place = step or _STEPS.get(code, "content")
    return Check(group=group, code=code, message=message, params=params, step=place)


def _of(problem: Problem) -> Check:
    place = _STEPS.get(problem.code, "content")
    group = _GROUPS[problem.severity]
    return Check(group=group, code=problem.code, message=problem.message, params=problem.params, step=place)
