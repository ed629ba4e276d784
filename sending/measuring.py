"""What a draft will measure: said before it leaves, switched off for it alone; what has to be mended first.

A request for consent has rules of its own (B-38): the link to the choice, nothing that measures, nobody who
was asked lately.
"""

from dataclasses import dataclass

from mailer.accounts import audit
from mailer.core.db import AccountTx
from mailer.core.text import N_
from sending import campaign_segments, campaigns, consent_requests, mail_tree, merge
from sending.campaigns import Campaign
from sending.content import PIXEL, Compiled
from sending.problems import Problem, error, warning
from sending.revisions import WAYS_OUT
from tracking import decision, modes
from tracking.decision import Modes, Path, Sending


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the review says. `opens_people`, `clicks_people`: who accepts; None where that was not counted."""

    opens: str
    clicks: str
    asks: bool
    unmeasured: bool
    way_out: bool
    opens_people: int | None = None
    clicks_people: int | None = None

    @property
    def usual(self) -> bool:
        """As it is where nobody changed anything: one sentence says it."""
        return (self.opens, self.clicks) == ("individual", "individual")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Flags:
    unmeasured: bool
    asks: bool


async def expected(tx: AccountTx, campaign: Campaign, html: str | None) -> Expected:
    """`html`: the compiled message, None while it cannot be compiled."""
    flags = await tx.one(
        _Flags,
        "SELECT unmeasured, asks_measurement AS asks FROM campaigns WHERE account_id = $1 AND id = $2",
        campaign.id,
    )
    way_out = html is None or bool(WAYS_OUT & merge.names_used(html))
    how = await _modes(tx, campaign, way_out=way_out)
    opens, clicks = None, None
    if (how.opens == "individual") != (how.clicks == "individual"):
        opens, clicks = await _people(tx, campaign.id)
    return Expected(
        opens=how.opens,
        clicks=how.clicks,
        asks=flags.asks,
        unmeasured=flags.unmeasured,
        way_out=way_out,
        opens_people=opens,
        clicks_people=clicks,
    )


async def _modes(tx: AccountTx, campaign: Campaign, *, way_out: bool) -> Modes:
    how = await modes.to_freeze(tx, campaign.id)
    return decision.effective(Sending(path=Path.CAMPAIGN, kind=campaign.kind, modes=how, way_out=way_out))


async def _people(tx: AccountTx, campaign_id: int) -> tuple[int, int]:
    rows = await tx.rows(
        """
        SELECT (count(*) FILTER (WHERE c.opens = 'granted'))::int,
               (count(*) FILTER (WHERE c.clicks = 'granted'))::int
        FROM audience a
        JOIN contacts c ON c.account_id = a.account_id AND c.id = a.contact_id
        WHERE a.account_id = $1 AND a.campaign_id = $2 AND a.reason = '' AND a.measured
        """,
        campaign_id,
    )
    return rows[0][0], rows[0][1]


async def switch(tx: AccountTx, campaign_id: int, *, measured: bool) -> Campaign:
    """Measures nothing in this draft, or what the account measures. Raises NotFound, Conflict."""
    changed = await tx.run(
        """
        UPDATE campaigns
        SET unmeasured = $3, version = version + 1, updated_at = now()
        WHERE account_id = $1 AND id = $2 AND status = 'draft'
        """,
        campaign_id,
        not measured,
    )
    found = await campaigns.after_change(tx, campaign_id, changed)
    await audit.write(tx, "changed", "campaign", campaign_id)
    return found


async def check(tx: AccountTx, campaign: Campaign, compiled: Compiled, origin: str) -> list[Problem]:
    """B-38, B-40: what a message that measures, or asks to, has to hold. `origin`: of our own images."""
    if await consent_requests.asks(tx, campaign.id):
        return await _of_request(tx, campaign, compiled, origin)
    how = await _modes(tx, campaign, way_out=True)
    if "individual" in (how.opens, how.clicks) and not WAYS_OUT & merge.names_used(compiled.html):
        message = N_(
            "The message has no link to stop measurement, so nobody is measured in it. Add the merge field "
            "tracking_url, or the standard footer."
        )
        return [warning(0, "measurement", message)]
    return []


async def _of_request(tx: AccountTx, campaign: Campaign, compiled: Compiled, origin: str) -> list[Problem]:
    problems = []
    if "tracking_url" not in merge.names_used(compiled.html):
        message = N_(
            "This message asks for measurement: link to the merge field tracking_url, where people choose."
        )
        problems.append(error(0, "measurement", message))
    if hosts := _foreign_images(compiled, origin):
        message = N_(
            "A message that asks for measurement holds no image of other servers: it would tell them who "
            "opens it. Take out: {hosts}."
        )
        problems.append(error(0, "measurement", message, hosts=", ".join(hosts[:5])))
    if campaign.kind == decision.SERVICE:
        message = N_("A request for measurement is no service message. Choose another kind.")
        problems.append(error(0, "setup", message))
    return problems


def _foreign_images(compiled: Compiled, origin: str) -> list[str]:
    """Addresses of images that others would serve, or that differ from one person to the next."""
    page = mail_tree.read(compiled.html)
    found = []
    for node in page.tree.css("img"):
        source = (node.attributes.get("src") or "").strip()
        slots = page.inside(source)
        if any(PIXEL in merge.names_used(slot.html) for slot in slots):
            continue
        if slots or not source.startswith((f"{origin}/", "cid:")):
            found.append(page.literal(source)[:60] or "{{ … }}")
    return found


async def segment_missing(tx: AccountTx, campaign: Campaign) -> bool:
    """A request whose audience is not narrowed to who may be asked: it would be when frozen, unannounced."""
    if campaign.rest_of is not None or not await consent_requests.asks(tx, campaign.id):
        return False
    used = await campaign_segments.many(tx, campaign.id)
    tree = consent_requests.TREE.model_dump(mode="json")
    return not any(one.use == "include" and one.tree == tree for one in used)
