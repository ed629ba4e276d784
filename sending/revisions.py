"""The frozen content of a campaign: compiled once, sealed under the day's key, opened to send (S12, S13).

    campaign's source ─ draft ─▶ Content ─ compile ─▶ row of `revisions`, rows of `links` ─ load ─▶ Loaded

A revision is sealed again under each new day's key while deliveries are open; when the last key goes, nobody
can read it any more. Nothing here is kept per recipient.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

import orjson

from mailer.accounts import identity
from mailer.core import clock, keys
from mailer.core.db import AccountTx
from mailer.core.errors import Fault, Gone, Invalid
from mailer.core.keys import ContentGone
from mailer.core.services import Services
from mailer.core.settings import Settings
from sending import ab_variants, brand_kits, feedback_hooks, merge, message, render, sources, utm_settings
from sending.links_in_mail import Link
from sending.message import CampaignHeaders, MailClass, Skeleton
from sending.render import AccountNames, Program, SenderNames
from tracking import decision, modes
from tracking.decision import Modes, Path, Sending

_KEPT = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """All that a mail is made of, but the recipient. `lists` maps list id → the name recipients read."""

    kind: str
    language: str
    subject: str
    preheader: str
    html: str
    text: str
    links: tuple[Link, ...]
    sender: SenderNames
    account: AccountNames
    lists: Mapping[int, str]
    date_fields: frozenset[str]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A revision ready to send. `link_ids` maps a link's position → links.id."""

    campaign_id: int
    content: Content
    program: Program
    skeleton: Skeleton
    link_ids: Mapping[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Campaign:
    kind: str
    language: str
    subject: str
    preheader: str
    content_kind: str
    source: str
    feed_shown: list[dict[str, str]] | None
    sender_name: str
    sender_email: str
    sender_reply_to: str
    reply_to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Revision:
    id: int
    key_day: date
    sealed: bytes
    links_of: int


async def draft(tx: AccountTx, settings: Settings, campaign_id: int, variant: int = 1) -> Content:
    """The campaign's content as it is now. Raises NotFound, and Invalid with every fault of the source."""
    found = await tx.one(
        _Campaign,
        """
        SELECT c.kind, c.language, coalesce(v.subject, c.subject) AS subject,
               coalesce(v.preheader, c.preheader) AS preheader,
               coalesce(v.content_kind, c.content_kind) AS content_kind,
               coalesce(v.source, c.source) AS source, c.reply_to,
               (SELECT r.feed_shown FROM recurrences r
                WHERE r.account_id = $1 AND r.campaign_id = $2 AND r.feed_url <> '') AS feed_shown,
               coalesce(s.name, '') AS sender_name, coalesce(s.email, '') AS sender_email,
               coalesce(s.reply_to, '') AS sender_reply_to
        FROM campaigns c
        LEFT JOIN senders s ON s.account_id = c.account_id AND s.id = c.sender_id
        LEFT JOIN ab_variants v ON v.account_id = c.account_id AND v.campaign_id = c.id AND v.number = $3
        WHERE c.account_id = $1 AND c.id = $2
        """,
        campaign_id,
        variant,
    )
    source = sources.of(found.content_kind, found.source, found.language, found.feed_shown)
    compiled = sources.compile_source(
        source,
        settings=settings,
        fields=await sources.field_keys(tx),
        tagging=await utm_settings.of(tx, settings, campaign_id, variant),
        kit=await brand_kits.of(tx, settings),
    )
    if isinstance(compiled, list):
        raise Invalid(*(Fault("source", one.message, one.code, one.params, one.line) for one in compiled))
    who = await identity.of(tx)
    reply_to = found.reply_to or found.sender_reply_to
    return Content(
        kind=found.kind,
        language=found.language,
        subject=found.subject,
        preheader=found.preheader,
        html=compiled.html,
        text=compiled.text,
        links=compiled.links,
        sender=SenderNames(name=found.sender_name, email=found.sender_email, reply_to=reply_to),
        account=AccountNames(
            name=who.legal_name or who.account_name, address=who.postal_address, email=who.contact_email
        ),
        lists=await _list_names(tx, campaign_id),
        date_fields=await date_fields(tx),
    )


async def date_fields(tx: AccountTx) -> frozenset[str]:
    """Keys of the custom fields that hold dates."""
    rows = await tx.rows("SELECT key FROM fields WHERE account_id = $1 AND type = 'date'")
    return frozenset(key for (key,) in rows)


async def _list_names(tx: AccountTx, campaign_id: int) -> dict[int, str]:
    rows = await tx.rows(
        """
        SELECT l.id, l.public_name
        FROM campaign_lists c
        JOIN mailing_lists l ON l.account_id = c.account_id AND l.id = c.list_id
        WHERE c.account_id = $1 AND c.campaign_id = $2 AND c.use = 'include'
        """,
        campaign_id,
    )
    return dict(rows)


async def compile(tx: AccountTx, services: Services, campaign_id: int) -> int:  # noqa: A001 (the word for it)
    """Freezes the content: a revision of each variant and its links, in place of older ones.

    Returns the id of the first variant's. Raises Invalid as `draft` does. Not to be called once a mail of the
    campaign has left.
    """
    await tx.run("DELETE FROM links WHERE account_id = $1 AND campaign_id = $2", campaign_id)
    await tx.run("DELETE FROM revisions WHERE account_id = $1 AND campaign_id = $2", campaign_id)
    numbers = await ab_variants.numbers(tx, campaign_id)
    first, *others = [await draft(tx, services.settings, campaign_id, number) for number in numbers]
    revision_id = await _freeze(tx, services, campaign_id, first)
    # variants that differ in their subject only share their links: a report tells one figure for each. All
    # share them or none does, so that a report can tell whose a link is
    shared = all(one.html == first.html and one.links == first.links for one in others)
    for number, content in zip(numbers[1:], others, strict=True):
        links_of = 1 if shared else number
        await _freeze(tx, services, campaign_id, content, variant=number, links_of=links_of)
    how = decision.effective(sending_of(first, await modes.to_freeze(tx, campaign_id)))
    await tx.run(
        """
        UPDATE campaigns
        SET revision_id = $3, opens_mode = $4, clicks_mode = $5
        WHERE account_id = $1 AND id = $2
        """,
        campaign_id,
        revision_id,
        how.opens,
        how.clicks,
    )
    return revision_id


WAYS_OUT = frozenset({"tracking_url", "preferences_url"})
"""B-40: each of these pages ends measurement with one press."""


def sending_of(content: Content, how: Modes) -> Sending:
    """The mail that the decision is asked about."""
    way_out = bool(WAYS_OUT & merge.names_used(content.html))
    return Sending(path=Path.CAMPAIGN, kind=content.kind, modes=how, way_out=way_out)


async def _freeze(
    tx: AccountTx,
    services: Services,
    campaign_id: int,
    content: Content,
    *,
    variant: int = 1,
    links_of: int = 1,
) -> int:
    day = clock.now().date()
    sealed = await keys.seal_content(tx, services.sealer, day=day, plain=_dump(content))
    if links_of == variant:
        await tx.run(
            """
            INSERT INTO links (account_id, campaign_id, variant, position, url, label)
            SELECT $1, $2, $3, position, url, label
            FROM unnest($4::smallint[], $5::text[], $6::text[]) AS given (position, url, label)
            """,
            campaign_id,
            variant,
            [link.position for link in content.links],
            [link.url for link in content.links],
            [link.label for link in content.links],
        )
    return int(
        await tx.value(
            """
            INSERT INTO revisions (account_id, campaign_id, key_day, sealed, variant, links_of)
            VALUES ($1, $2, $3, $4, $5, $6)
            RETURNING id
            """,
            campaign_id,
            day,
            sealed,
            variant,
            links_of,
        )
    )


async def open(tx: AccountTx, services: Services, campaign_id: int, variant: int = 1) -> Content:  # noqa: A001 (the word for it)
    """The frozen content. Raises Gone when its six days are over or nothing was frozen."""
    return await _opened(tx, services, await _current(tx, campaign_id, variant))


async def _opened(tx: AccountTx, services: Services, revision: _Revision) -> Content:
    try:
        plain = await keys.open_content(tx, services.sealer, day=revision.key_day, sealed=revision.sealed)
    except ContentGone:
        raise Gone from None
    return _read(plain)


async def reseal(tx: AccountTx, services: Services, campaign_id: int) -> None:
    """Under today's key, while mails of it have still to leave (S13). Raises Gone."""
    await _current(tx, campaign_id, 1)
    day = clock.now().date()
    old = await tx.many(
        _Revision,
        """
        SELECT id, key_day, sealed, links_of
        FROM revisions
        WHERE account_id = $1 AND campaign_id = $2 AND key_day < $3
        """,
        campaign_id,
        day,
    )
    for revision in old:
        content = await _opened(tx, services, revision)
        await tx.run(
            "UPDATE revisions SET key_day = $3, sealed = $4 WHERE account_id = $1 AND id = $2",
            revision.id,
            day,
            await keys.seal_content(tx, services.sealer, day=day, plain=_dump(content)),
        )


async def _current(tx: AccountTx, campaign_id: int, variant: int) -> _Revision:
    found = await tx.first(
        _Revision,
        """
        SELECT id, key_day, sealed, links_of
        FROM revisions
        WHERE account_id = $1 AND campaign_id = $2 AND variant = $3
        ORDER BY id DESC
        LIMIT 1
        """,
        campaign_id,
        variant,
    )
    if found is None:
        raise Gone
    return found


# compiled revisions of this process, the least used forgotten first: (account, revision) → Loaded
_loaded: OrderedDict[tuple[int, int], Loaded] = OrderedDict()


async def load(tx: AccountTx, services: Services, campaign_id: int, variant: int = 1) -> Loaded:
    """The frozen content as programs, compiled once a process. Raises Gone, RenderFailed or ValueError."""
    revision = await _current(tx, campaign_id, variant)
    key = (tx.account_id, revision.id)
    found = _loaded.get(key)
    if found is None:
        content = await _opened(tx, services, revision)
        links = await tx.rows(
            "SELECT position, id FROM links WHERE account_id = $1 AND campaign_id = $2 AND variant = $3",
            campaign_id,
            revision.links_of,
        )
        found = _loaded[key] = Loaded(
            campaign_id,
            content,
            program(content),
            message.prepare(
                replace(
                    headers(content, tx.account_id, campaign_id, services.settings),
                    marks=feedback_hooks.marks(
                        await feedback_hooks.providers(tx),
                        feedback_hooks.campaign_mark(tx.account_id, campaign_id),
                    ),
                )
            ),
            dict(links),
        )
        while len(_loaded) > _KEPT:
            _loaded.popitem(last=False)
    _loaded.move_to_end(key)
    return found


def forget(account_id: int, campaign_id: int) -> None:
    """The content leaves this process's memory with the last mail."""
    for key in [
        key for key, one in _loaded.items() if (key[0], one.campaign_id) == (account_id, campaign_id)
    ]:
        del _loaded[key]


def program(content: Content) -> Program:
    """Raises RenderFailed."""
    return render.compile_parts(
        subject=content.subject,
        preheader=content.preheader,
        html=content.html,
        text=content.text,
        links=content.links,
        constants={"sender": asdict(content.sender), "account": asdict(content.account)},
    )


def headers(content: Content, account_id: int, campaign_id: int, settings: Settings) -> CampaignHeaders:
    """What all mails of the campaign share. Feedback-ID: campaign, account, kind, then the sender (D-62)."""
    return CampaignHeaders(
        mail_class=MailClass.SERVICE if content.kind == "service" else MailClass.MARKETING,
        from_name=render.header_line(content.sender.name, 120),
        from_email=content.sender.email,
        reply_to=content.sender.reply_to,
        message_id_domain=settings.mail_domain,
        feedback_id=f"c{campaign_id}:a{account_id}:{content.kind}:mailer",
    )


def _dump(content: Content) -> bytes:
    plain = asdict(content)
    plain["date_fields"] = sorted(content.date_fields)
    plain["lists"] = [[key, name] for key, name in content.lists.items()]
    return orjson.dumps(plain)


def _read(plain: bytes) -> Content:
    values: dict[str, Any] = orjson.loads(plain)
    values["links"] = tuple(Link(**one) for one in values["links"])
    values["sender"] = SenderNames(**values["sender"])
    values["account"] = AccountNames(**values["account"])
    values["lists"] = dict(values["lists"])
    values["date_fields"] = frozenset(values["date_fields"])
    return Content(**values)
