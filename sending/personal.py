"""A campaign's mail for one person: names and values, links, what may be measured, then bytes.

Every way of sending asks `tracking.decision` here (B-42). Without a consent the mail holds the author's
addresses byte for byte and no pixel; nothing else differs (B-35, B-44).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from mailer.core import clock, keys
from mailer.core.addresses import domain_of, parse
from mailer.core.db import AccountTx
from mailer.core.errors import Gone, NotFound
from mailer.core.links import Links
from mailer.core.services import Services
from mailer.core.tokens import CampaignToken, RecipientToken
from sending import dkim, domains, merge, message, render, revisions, signing
from sending.merge_filters import Value
from sending.message import ListHeaders, MailClass, MessageHeaders, Part
from sending.render import Recipient, Rendered, Urls
from sending.revisions import Content, Loaded
from sending.smtp import Mail
from tracking import decision
from tracking.decision import UNTRACKED, Tracking

WEB_VERSION = timedelta(days=6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A contact as a mail needs it. `opens`, `clicks`: unknown, granted or denied."""

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


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes the mails of one campaign. `key` is the account's, for ids that tell nothing; `signers` sign."""

    services: Services
    account_id: int
    loaded: Loaded
    key: bytes
    links: Links
    return_path: str
    signers: tuple[dkim.Key, ...] = ()
    _lists: dict[int, ListHeaders] = field(default_factory=dict, init=False, repr=False)

    @property
    def sender_domain(self) -> str:
        return domain_of(parse(self.loaded.skeleton.campaign.from_email).key)

    def tracking(self, person: Person) -> Tracking:
        return decision.tracked(person.opens, person.clicks, self.loaded.content.kind)

    def mail(self, person: Person) -> Mail:
        """Raises RenderFailed, or ValueError for an address or a name that no header may carry."""
        loaded = self.loaded
        marketing = loaded.skeleton.campaign.mail_class is MailClass.MARKETING
        urls = self._urls(
            person, loaded.program.names | {"unsubscribe_url"} if marketing else loaded.program.names
        )
        made = loaded.program.encode(self._recipient(person, urls, self.tracking(person)))
        envelope = person.envelope
        headers = MessageHeaders(
            campaign=loaded.skeleton.campaign,
            to_email=person.email,
            to_name=render.header_line(f"{person.first_name} {person.last_name}", 120),
            message_id=self.message_id(person.contact_id),
            sent_at=clock.now(),
            mailing_list=self._list(person.list_id) if marketing else None,
            unsubscribe_url=urls.unsubscribe if marketing else None,
            envelope=envelope,
        )
        message = loaded.skeleton.assemble(
            headers,
            made.subject,
            text=Part(loaded.program.text_body.transfer, made.text),
            html=Part(loaded.program.html_body.transfer, made.html),
        )
        # pieces of `quoted` begin no line with a dot, and no header line begins with one
        return Mail(self.return_path, envelope, message, dotless=True)

    def sign(self, mails: Sequence[Mail]) -> list[Mail]:
        """With DKIM. Work for a thread: OpenSSL lets others run meanwhile."""
        return signing.signed(mails, self.signers)

    def render(self, person: Person, tracking: Tracking) -> tuple[Rendered, Urls]:
        """As text, for a reader. Raises RenderFailed."""
        urls = self._urls(person, merge.URL_NAMES)
        return self.loaded.program.render(self._recipient(person, urls, tracking)), urls

    def _recipient(self, person: Person, urls: Urls, tracking: Tracking) -> Recipient:
        plain = recipient(self.loaded.content, person, urls)
        if not (tracking.opens or tracking.clicks):
            return plain
        place = CampaignToken(self.account_id, self.loaded.campaign_id, person.contact_id)
        return Recipient(
            contact=plain.contact,
            urls=plain.urls,
            list_name=plain.list_name,
            sender=plain.sender,
            account=plain.account,
            language=plain.language,
            tracked_links=self._clicks(place, plain) if tracking.clicks else None,
            open_pixel_url=self.links.open(place) if tracking.opens else None,
        )

    def message_id(self, contact_id: int) -> str:
        """The same at each try, so that a mail that came twice after all is seen once; it names nobody."""
        seed = f"mail {self.loaded.campaign_id} {contact_id}".encode()
        # keyed by itself (RFC 7693 §2.9), and ten times as fast as a call of OpenSSL's HMAC
        return hashlib.blake2b(seed, key=self.key, digest_size=16).hexdigest()

    def _list(self, list_id: int) -> ListHeaders:
        found = self._lists.get(list_id)
        if found is None:
            name = render.header_line(self.loaded.content.lists.get(list_id, ""), 120)
            label = f"l{list_id}.a{self.account_id}"
            domain = self.services.settings.mail_domain
            found = self._lists[list_id] = ListHeaders(name=name, label=label, domain=domain)
        return found

    def _urls(self, person: Person, names: frozenset[str]) -> Urls:
        """The addresses of these names; the others are left empty, for each costs."""
        who = RecipientToken(
            self.account_id, person.list_id, person.contact_id, person.address_hash, self.loaded.campaign_id
        )
        place = CampaignToken(self.account_id, self.loaded.campaign_id, person.contact_id)
        links = self.links
        return Urls(
            unsubscribe=links.unsubscribe(who) if "unsubscribe_url" in names else "",
            preferences=links.preferences(who) if "preferences_url" in names else "",
            tracking=links.tracking(who) if "tracking_url" in names else "",
            rights=links.rights(who) if "rights_url" in names else "",
            web_version=links.view(place) if "web_version_url" in names else "",
        )

    def _clicks(self, place: CampaignToken, plain: Recipient) -> dict[int, str]:
        """Our address for each of the author's links; personal ones seal their target (S9)."""
        targets = self.loaded.program.personal_targets(plain)
        positions = [
            link.position
            for link in self.loaded.content.links
            if not link.personal or link.position in targets
        ]
        ids = self.loaded.link_ids
        wanted = [(ids[position], targets.get(position, "")) for position in positions]
        return dict(zip(positions, self.links.clicks(place, wanted), strict=True))


def recipient(content: Content, person: Person, urls: Urls) -> Recipient:
    """Untracked; what previews, tests and the web version show as well."""
    return Recipient(
        contact=values(person, content.date_fields),
        urls=urls,
        list_name=content.lists.get(person.list_id) or next(iter(content.lists.values()), ""),
        sender=content.sender,
        account=content.account,
        language=content.language,
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
    return Maker(
        services,
        tx.account_id,
        loaded,
        await keys.hash_key(tx, services.sealer),
        Links(services.tokens, services.settings.track_url),
        return_path(services.settings.mail_domain),
    )


async def signing_maker(tx: AccountTx, services: Services, campaign_id: int) -> Maker:
    """With the keys of the sender's domain, read once a turn. Raises as `maker`, and Unsealable."""
    made = await maker(tx, services, campaign_id)
    signers = await domains.signing_keys(tx, services, made.sender_domain)
    return replace(made, signers=signers)


def return_path(domain: str) -> str:
    """Where reports about undelivered mail go (S10)."""
    return f"bounces@{domain}"


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
