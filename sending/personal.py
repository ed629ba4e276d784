"""A campaign's mail for one person: names and values, links, what may be measured, then bytes.

Every way of sending asks `tracking.decision` here (B-42), once a turn for everybody; nothing else makes an
address that measures. Without a consent the mail holds the author's addresses byte for byte and no pixel;
nothing else differs (B-35, B-44).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property

from mailer.core import clock, keys
from mailer.core.addresses import domain_of, parse
from mailer.core.db import AccountTx
from mailer.core.errors import Gone, NotFound
from mailer.core.links import Links
from mailer.core.services import Services
from mailer.core.tokens import CampaignToken, Purpose, RecipientToken
from sending import dkim, domains, message, render, return_paths, revisions, signing
from sending.merge_filters import Value
from sending.message import ListHeaders, MailClass, MessageHeaders, Part
from sending.render import Recipient, Rendered, Urls
from sending.return_paths import Returns
from sending.revisions import Content, Loaded
from sending.smtp import Mail
from tracking import decision, modes
from tracking.decision import NOBODY, UNTRACKED, Pixel, Policy, Tracking

WEB_VERSION = timedelta(days=6)
_NAMED = (
    ("unsubscribe", Purpose.UNSUBSCRIBE),
    ("preferences", Purpose.PREFERENCES),
    ("tracking", Purpose.TRACKING),
    ("rights", Purpose.RIGHTS),
    ("web_version", Purpose.VIEW),
)
"""The recipient's own addresses: names in `Urls`, and as merge names with `_url` behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A contact as a mail needs it. `opens`, `clicks`: unknown, granted or denied; `requested`: B-33."""

    contact_id: int
    list_id: int
    email: str
    address_key: str
    address_hash: bytes
    first_name: str
    last_name: str
    language: str
    fields: Mapping[str, Value]
    opens: str
    clicks: str
    requested: bool = False

    @property
    def envelope(self) -> str:
        """For RCPT TO: local part as typed, domain as A-labels (D-08)."""
        return f"{self.email.rpartition('@')[0]}@{domain_of(self.address_key)}"


def values(person: Person, date_fields: frozenset[str] = frozenset()) -> dict[str, Value]:
    """What `contact.…` means in a merge tag (S14)."""
    own: dict[str, Value] = {
        key: _day(value) if key in date_fields and isinstance(value, str) else value
        for key, value in person.fields.items()
    }
    return own | {
        "email": person.email,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "language": person.language,
    }


def _day(text: str) -> Value:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return text


@dataclass(frozen=True)
class Maker:
    """Makes the mails of one campaign. `key` is the account's, for ids that tell nothing; `signers` sign.

    `policy`: who is measured in it, and how.
    """

    services: Services
    account_id: int
    loaded: Loaded
    key: bytes
    links: Links
    returns: Returns
    signers: tuple[dkim.Key, ...] = ()
    policy: Policy = field(default_factory=lambda: NOBODY)
    asks_who_asked: bool = False
    _lists: dict[int, ListHeaders] = field(default_factory=dict, init=False, repr=False)

    @property
    def sender_domain(self) -> str:
        return domain_of(parse(self.loaded.skeleton.campaign.from_email).key)

    def tracking(self, person: Person) -> Tracking:
        return self.policy.get((person.opens, person.clicks, person.requested), UNTRACKED)

    def mail(self, person: Person) -> Mail:
        """Raises RenderFailed, or ValueError for an address or a name that no header may carry."""
        loaded = self.loaded
        marketing = loaded.skeleton.campaign.mail_class is MailClass.MARKETING
        someone = self._recipient(person, self.tracking(person), self._named)
        made = loaded.program.encode(someone)
        envelope = person.envelope
        token = self.returns.token(person.contact_id, person.address_hash)
        by_mail = marketing and bool(self.services.settings.inbound_listen)
        headers = MessageHeaders(
            campaign=loaded.skeleton.campaign,
            to_email=person.email,
            to_name=render.header_line(f"{person.first_name} {person.last_name}", 120),
            message_id=self.message_id(person.contact_id),
            sent_at=clock.now(),
            mailing_list=self._list(person.list_id) if marketing else None,
            unsubscribe_url=someone.urls.unsubscribe if marketing else None,
            unsubscribe_mail=self.returns.unsubscribe(token, someone.urls.unsubscribe) if by_mail else "",
            envelope=envelope,
        )
        message = loaded.skeleton.assemble(
            headers,
            made.subject,
            text=Part(loaded.program.text_body.transfer, made.text),
            html=Part(loaded.program.html_body.transfer, made.html),
        )
        # pieces of `quoted` begin no line with a dot, and no header line begins with one
        return Mail(self.returns.path(token), envelope, message, dotless=True)

    def sign(self, mails: Sequence[Mail]) -> list[Mail]:
        """With DKIM. Work for a thread: OpenSSL lets others run meanwhile."""
        return signing.signed(mails, self.signers)

    def render(self, person: Person, tracking: Tracking) -> tuple[Rendered, Urls]:
        """As text, for a reader. Raises RenderFailed."""
        someone = self._recipient(person, tracking, _NAMED)
        return self.loaded.program.render(someone), someone.urls

    def _recipient(
        self, person: Person, tracking: Tracking, named: Sequence[tuple[str, Purpose]]
    ) -> Recipient:
        """With addresses of the recipient's pages in `named`; the others are left empty, for each costs."""
        content, program = self.loaded.content, self.loaded.program
        wanted = [purpose for _, purpose in named]
        if tracking.pixel == "individual":
            wanted.append(Purpose.OPEN)
        positions, targets = self._clicks if tracking.clicks and not program.targets else ((), ())
        who = RecipientToken(
            self.account_id, person.list_id, person.contact_id, person.address_hash, self.loaded.campaign_id
        )
        made = self.links.of_mail(who, wanted, targets)
        urls = Urls(**{name: made[place] for place, (name, _) in enumerate(named)})
        tracked = dict(zip(positions, made[len(wanted) :], strict=True)) if tracking.clicks else None
        if tracking.clicks and program.targets:
            tracked = self._personal_clicks(who, recipient(content, person, urls))
        pixel = (
            made[len(named)] if tracking.pixel == "individual" else self._shared_pixel(who, tracking.pixel)
        )
        return recipient(content, person, urls, tracked=tracked, pixel=pixel)

    def _personal_clicks(self, who: RecipientToken, plain: Recipient) -> dict[int, str]:
        """Our address for each of the author's links; personal ones seal their target (S9)."""
        targets = self.loaded.program.personal_targets(plain)
        positions = [
            link.position
            for link in self.loaded.content.links
            if not link.personal or link.position in targets
        ]
        ids = self.loaded.link_ids
        wanted = [(ids[position], targets.get(position, "")) for position in positions]
        return dict(zip(positions, self.links.of_mail(who, (), wanted), strict=True))

    def _shared_pixel(self, who: RecipientToken, pixel: Pixel) -> str | None:
        """An image that tells less than who opened when."""
        match pixel:
            case "last_day":
                return self.links.open_day(CampaignToken(who.account_id, who.campaign_id, who.contact_id))
            case "aggregate":
                # B-34: the same letters for everybody
                return self.links.open(CampaignToken(who.account_id, who.campaign_id, 0))
            case _:
                return None

    def message_id(self, contact_id: int) -> str:
        """The same at each try, so that a mail that came twice after all is seen once; it names nobody."""
        return message_id_of(self.key, self.loaded.campaign_id, contact_id)

    def _list(self, list_id: int) -> ListHeaders:
        found = self._lists.get(list_id)
        if found is None:
            name = render.header_line(self.loaded.content.lists.get(list_id, ""), 120)
            label = f"l{list_id}.a{self.account_id}"
            domain = self.services.settings.mail_domain
            found = self._lists[list_id] = ListHeaders(name=name, label=label, domain=domain)
        return found

    @cached_property
    def _named(self) -> tuple[tuple[str, Purpose], ...]:
        """The recipient's pages that a mail shows, or names in its header."""
        names = set(self.loaded.program.names)
        if self.loaded.skeleton.campaign.mail_class is MailClass.MARKETING:
            names.add("unsubscribe_url")
        return tuple(one for one in _NAMED if f"{one[0]}_url" in names)

    @cached_property
    def _clicks(self) -> tuple[Sequence[int], Sequence[tuple[int, str]]]:
        """Positions and (link id, "") of the links we follow."""
        positions = [link.position for link in self.loaded.content.links if not link.personal]
        return positions, [(self.loaded.link_ids[position], "") for position in positions]


def message_id_of(key: bytes, campaign_id: int, contact_id: int) -> str:
    """Left of the @, of a campaign's mail to a contact."""
    seed = f"mail {campaign_id} {contact_id}".encode()
    # keyed by itself (RFC 7693 §2.9), and ten times as fast as a call of OpenSSL's HMAC
    return hashlib.blake2b(seed, key=key, digest_size=16).hexdigest()


def recipient(
    content: Content,
    person: Person,
    urls: Urls,
    *,
    tracked: Mapping[int, str] | None = None,
    pixel: str | None = None,
) -> Recipient:
    """Untracked, unless told otherwise; what previews, tests and the web version show as well."""
    return Recipient(
        contact=values(person, content.date_fields),
        urls=urls,
        list_name=content.lists.get(person.list_id) or next(iter(content.lists.values()), ""),
        sender=content.sender,
        account=content.account,
        language=content.language,
        tracked_links=tracked,
        open_pixel_url=pixel,
    )


async def maker(tx: AccountTx, services: Services, campaign_id: int, variant: int = 1) -> Maker:
    """Raises Gone, RenderFailed or ValueError."""
    return await _maker(tx, services, await revisions.load(tx, services, campaign_id, variant))


async def draft_maker(tx: AccountTx, services: Services, campaign_id: int, content: Content) -> Maker:
    """The same for a draft, nothing frozen: its click addresses are as long as real ones and lead nowhere.

    Raises RenderFailed or ValueError.
    """
    shared = revisions.headers(content, tx.account_id, campaign_id, services.settings)
    ids = {link.position: campaign_id for link in content.links}
    loaded = Loaded(campaign_id, content, revisions.program(content), message.prepare(shared), ids)
    return await _maker(tx, services, loaded)


async def _maker(tx: AccountTx, services: Services, loaded: Loaded) -> Maker:
    sending = revisions.sending_of(loaded.content, await modes.of_campaign(tx, loaded.campaign_id))
    return Maker(
        services,
        tx.account_id,
        loaded,
        await keys.hash_key(tx, services.sealer),
        Links(services.tokens, services.settings.track_url),
        return_paths.of_campaign(
            services.tokens,
            services.settings.mail_domain,
            account_id=tx.account_id,
            campaign_id=loaded.campaign_id,
        ),
        policy=decision.policy(sending),
        asks_who_asked=sending.modes.opens == "last_day" and sending.kind != decision.SERVICE,
    )


async def signing_maker(tx: AccountTx, services: Services, campaign_id: int) -> Maker:
    """With the keys of the sender's domain, read once a turn. Raises as `maker`, and Unsealable."""
    made = await maker(tx, services, campaign_id)
    signers = await domains.signing_keys(tx, services, made.sender_domain)
    return replace(made, signers=signers)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Delivered:
    list_id: int
    at: datetime | None
    closed: bool
    variant: int


async def render_for(tx: AccountTx, services: Services, campaign_id: int, contact_id: int) -> Rendered:
    """The web version, with the contact as it is now; it measures nothing.

    Raises NotFound when no such mail left, Gone six days after it did (S12), when the contact is gone or when
    the account is closed.
    """
    delivery = await tx.first(
        _Delivered,
        """
        SELECT d.list_id, coalesce(d.final_at, d.first_at) AS at, a.status = 'closed' AS closed,
               coalesce(nullif(d.variant, 0), t.winner, 1)::int AS variant
        FROM deliveries d
        JOIN campaigns c ON c.account_id = d.account_id AND c.id = d.campaign_id AND c.month = d.month
        JOIN accounts a ON a.id = d.account_id
        LEFT JOIN ab_tests t ON t.account_id = d.account_id AND t.campaign_id = d.campaign_id
        WHERE d.account_id = $1 AND d.campaign_id = $2 AND d.contact_id = $3
        """,
        campaign_id,
        contact_id,
    )
    if delivery is None or delivery.at is None:
        raise NotFound
    if delivery.closed or clock.now() >= delivery.at + WEB_VERSION:
        raise Gone
    person = await tx.first(
        Person,
        """
        SELECT id AS contact_id, $3::bigint AS list_id, email, address_key, address_hash, first_name,
               last_name, language, fields, opens, clicks
        FROM contacts
        WHERE account_id = $1 AND id = $2
        """,
        contact_id,
        delivery.list_id,
    )
    if person is None:
        raise Gone
    made, _ = (await maker(tx, services, campaign_id, delivery.variant)).render(person, UNTRACKED)
    return made


def sample(email: str, language: str) -> Person:
    """Somebody made up, for tests and previews of an account without contacts."""
    first, last = ("Camille", "Martin") if language == "fr" else ("Alex", "Martin")
    return Person(
        contact_id=0,
        list_id=0,
        email=email,
        address_key=email.lower(),
        address_hash=bytes(16),
        first_name=first,
        last_name=last,
        language=language,
        fields={},
        opens="unknown",
        clicks="unknown",
    )
