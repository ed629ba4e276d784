"""`mailer demo`: the main job once, for real, with made-up contacts, on an installation that is still empty.

    account ─▶ import ─▶ consents ─▶ campaign ─▶ sent ─▶ opens, clicks, one unsubscribe ─▶ figures, link

The same use cases, jobs, SMTP hand-over and links as for anybody: nothing is written past them. It waits for
the workers, so a `mailer run` has to be active. It never runs where mail could leave for the Internet.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar

from lists import (
    consents,
    contact_search,
    contacts,
    csv_mapping,
    import_start,
    import_upload,
    imports,
    mailing_lists,
)
from lists.consents import Answer, Evidence, Method
from lists.imports import Choices, Column, State
from lists.mailing_lists import NewMailingList
from mailer import demo_data
from mailer.accounts import accounts, agreements, samples, sign_up, users
from mailer.accounts.accounts import AccountChanges
from mailer.core import addresses, keys
from mailer.core.actor import RECIPIENT, Actor
from mailer.core.errors import MailerError
from mailer.core.links import Links
from mailer.core.services import Services, open_services
from mailer.core.settings import Settings
from mailer.core.tokens import RecipientToken
from sending import campaign_lists, campaigns, images, inbox, senders, sends
from sending.campaigns import NewCampaign, Status
from sending.senders import NewSender
from sending.sends import Order
from tracking import reports
from tracking.reports import Report

OWNER = "camille@atelier-demo.example"
WAIT_SECONDS = 120.0
# of the people who accept measurement: who opens, and who of them clicks
OPENS_OF_TEN, CLICKS_OF_TEN = 7, 3
# a program of today; the verdict on people and machines looks at it
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0"


class DemoStopped(MailerError):
    """The demonstration did not come to its end."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where it happens, and in whose name."""

    services: Services
    account_id: int
    owner_id: int

    @property
    def owner(self) -> Actor:
        return Actor("user", self.owner_id, name=OWNER)

    @property
    def links(self) -> Links:
        return Links(self.services.tokens, self.services.settings.track_url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the product itself reports at the end."""

    imported: int
    rejected: int
    report: Report
    seconds: float


@dataclass(slots=True)
class Followed:
    """Links of mails that were followed: distinct people, which is what the report counts."""

    measured: int = 0
    opened: int = 0
    clicked: int = 0
    left: int = 0


async def run(settings: Settings) -> int:
    """Prints figures and a one-time sign-in link; 0 also when there is nothing to do. Raises DemoStopped."""
    if not settings.inbox_shown:
        print("No demonstration: it runs only with the local inbox, on a loopback address.")
        return 0
    async with open_services(settings, pool_size=4) as services:
        async with services.db.shared() as tx:
            if not await samples.wanted(tx):
                print("No demonstration: there is an account already.")
                return 0
        figures, place = await perform(services)
        async with services.db.shared() as tx:
            link = await sign_up.sign_in_link(tx, place.owner_id, public_url=settings.public_url)
        print(told(figures, link), flush=True)
    return 0


async def perform(services: Services) -> tuple[Figures, Place]:
    """The whole walk. Raises DemoStopped when workers do not take part."""
    began = time.monotonic()
    place = await _open_account(services)
    list_id, counts = await _import(place)
    await _accept_measurement(place, list_id)
    campaign_id = await _send(place, list_id)
    followed = await _read_mails(place, campaign_id)
    report = await _flushed(place, campaign_id, followed)
    seconds = time.monotonic() - began
    figures = Figures(
        imported=counts.get("created", 0), rejected=counts.get("errors", 0), report=report, seconds=seconds
    )
    return figures, place


async def _open_account(services: Services) -> Place:
    async with services.db.shared() as tx:
        owner_id = await users.create(tx, users.address(OWNER), language="fr", confirmed=True)
        profile = users.Profile(first_name="Camille", last_name="Démo", country="FR", language="fr")
        await users.change_profile(tx, owner_id, profile)
        account_id = await accounts.create(tx, "Atelier Démo", owner_id=owner_id, language="fr")
    place = Place(services, account_id, owner_id)
    async with services.db.account(account_id, actor=place.owner) as account_tx:
        await samples.mark(account_tx)
        identity = AccountChanges(
            legal_name="Atelier Démo SARL",
            postal_address="12 rue du Four, 49000 Angers",
            contact_email="bonjour@atelier-demo.example",
            website="https://atelier-demo.example",
        )
        await accounts.change(account_tx, identity)
        await agreements.accept(
            account_tx, agreements.VERSION, person="Camille Démo (démonstration)", user_id=owner_id
        )
    return place


async def _import(place: Place) -> tuple[int, dict[str, int]]:
    """The list's id, and what became of the rows."""
    db = place.services.db

    async def pieces() -> AsyncIterator[bytes]:
        yield demo_data.table()

    upload = await import_upload.receive(db, place.account_id, pieces(), name=demo_data.FILE_NAME)
    async with db.account(place.account_id, actor=place.owner) as tx:
        made = await mailing_lists.create(
            tx,
            NewMailingList(
                name="Lettre de l'atelier",
                purpose="Les nouvelles pièces, les stages et la vie de l'atelier",
                frequency="une fois par mois",
            ),
        )
        import_id = await imports.create(
            tx,
            file_id=upload.file_id,
            file_name=upload.file_name,
            detected=upload.detected,
            language="fr",
        )
        job = await imports.show(tx, import_id)
        guesses = csv_mapping.guess(job.header, job.sample, await imports.field_guesses(tx))
        await imports.map_columns(
            tx,
            import_id,
            [Column(target=one.target, type=one.type, label=one.heading, new=one.new) for one in guesses],
        )
        choices = Choices(
            list_ids=[made.id],
            legal_basis="consent",
            source="Formulaire en boutique et sur le site (adresses inventées pour la démonstration)",
            collected_from=demo_data.FIRST_DAY,
            attested_by="Camille Démo",
        )
        await import_start.check(tx, import_id, choices)
    await _import_is(place, import_id, State.CHECKED)
    async with db.account(place.account_id, actor=place.owner) as tx:
        await import_start.run(tx, import_id)
    return made.id, await _import_is(place, import_id, State.DONE)


async def _import_is(place: Place, import_id: int, wanted: State) -> dict[str, int]:
    """Waits for it; returns the counts."""
    found: dict[str, int] = {}

    async def reached() -> bool:
        async with place.services.db.account(place.account_id) as tx:
            job = await imports.show(tx, import_id)
        if job.state == State.FAILED:
            raise DemoStopped(f"The import failed: {job.failure}.")
        found.update(job.counts)
        return job.state == wanted

    await _until(reached, f"the import to be {wanted}")
    return found


async def _accept_measurement(place: Place, list_id: int) -> None:
    """Every third contact says yes to both, as they would on the page behind their link."""
    evidence = Evidence(
        method=Method.LINK,
        wording="Mesure des ouvertures et des clics par Atelier Démo SARL.",
        source="démonstration",
    )
    async with place.services.db.account(place.account_id, actor=RECIPIENT) as tx:
        hash_key = await keys.hash_key(tx, place.services.sealer)
        found = await contact_search.ids(tx, contact_search.Filter(list_id=list_id), limit=1_000)
        for contact_id in found[::3]:
            contact = await contacts.show(tx, contact_id)
            hashed = keys.address_hash(hash_key, addresses.parse(contact.email).key)
            who = RecipientToken(place.account_id, list_id, contact_id, hashed)
            await consents.choose(tx, who, Answer(opens=True, clicks=True), evidence=evidence)


async def _send(place: Place, list_id: int) -> int:
    """The campaign's id, once all of it was handed over."""
    services, db = place.services, place.services.db
    stored = await images.store(db, place.account_id, await images.clean(demo_data.picture()))
    async with db.account(place.account_id, actor=place.owner) as tx:
        words = images.Words(label="Fournée de novembre", alt="Quatre pièces tournées sur une étagère")
        image = await images.add(tx, stored, words)
        new_sender = NewSender(email=OWNER, name="Camille de l'Atelier Démo")
        sender = await senders.create(tx, new_sender, place.links, own=OWNER)
        campaign = await campaigns.create(
            tx,
            NewCampaign(
                name="Fournée de novembre",
                sender_id=sender.id,
                language="fr",
                subject='{{ contact.first_name | default("Bonjour") }}, la fournée de novembre est prête',
                preheader="Quarante pièces uniques, et six places au tour le 12 décembre.",
            ),
        )
        await campaign_lists.choose(tx, campaign.id, include=[list_id], exclude=[])
        source = demo_data.message(place.links.image(image.name))
        await campaigns.write_content(tx, campaign.id, "mjml", source)
        await sends.schedule(tx, services, campaign.id, Order(keep_source=True))

    async def sent() -> bool:
        async with db.account(place.account_id) as tx:
            return (await campaigns.show(tx, campaign.id)).status == Status.SENT

    await _until(sent, "the campaign to be sent")
    return campaign.id


async def _read_mails(place: Place, campaign_id: int) -> Followed:
    """Some people open, some click, one leaves: by HTTP, with the addresses in their own mails."""
    followed = Followed()
    async with ClientSession(
        cookie_jar=DummyCookieJar(), headers={"User-Agent": BROWSER}, timeout=ClientTimeout(total=20)
    ) as http:
        async for mail in _mails(place, campaign_id):
            await _read_one(http, mail, followed)
    return followed


async def _read_one(http: ClientSession, raw: bytes, followed: Followed) -> None:
    parts = inbox.parts(raw)
    opens = re.findall(r'src="([^"]+/t/o/[^"]+)"', parts.html)
    clicks = re.findall(r'href="([^"]+/t/c/[^"]+)"', parts.html)
    headers = {name.lower(): value for name, value in parts.headers}
    if not followed.left and not opens:
        # RFC 8058 §3.2: the pair in the body, no cookie, whatever the page behind it looks like
        (address,) = re.findall(r"<(https?://[^>]+)>", headers["list-unsubscribe"])
        async with http.post(address, data={"List-Unsubscribe": "One-Click"}) as answer:
            followed.left += answer.status == 200
    if not opens:
        return
    followed.measured += 1
    turn = followed.measured
    if turn % 10 < OPENS_OF_TEN:
        async with http.get(opens[0]) as answer:
            followed.opened += answer.status == 200
    if turn % 10 < CLICKS_OF_TEN:
        async with http.get(clicks[turn % len(clicks)], allow_redirects=False) as answer:
            followed.clicked += answer.status == 302


async def _mails(place: Place, campaign_id: int) -> AsyncIterator[bytes]:
    """Every mail of the campaign in the local inbox."""
    before: int | None = None
    while True:
        async with place.services.db.shared() as tx:
            lines = await inbox.many(tx, before=before)
        for line in lines:
            if line.campaign == (place.account_id, campaign_id):
                async with place.services.db.shared() as tx:
                    mail = await inbox.show(tx, line.id)
                yield mail.raw
        if not lines:
            return
        before = lines[-1].id


async def _flushed(place: Place, campaign_id: int, followed: Followed) -> Report:
    """The report, once what was followed has arrived in it."""
    found: list[Report] = []

    async def arrived() -> bool:
        async with place.services.db.account(place.account_id) as tx:
            report = await reports.summary(tx, campaign_id)
        found[:] = [report]
        opened, clicked = report.opens.unique.total, report.clicks.unique.total
        return opened >= followed.opened and clicked >= followed.clicked

    await _until(arrived, "opens and clicks to arrive in the report")
    return found[0]


async def _until(ask: Callable[[], Awaitable[bool]], what: str) -> None:
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                if await ask():
                    return
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise DemoStopped(
            f"Waited {WAIT_SECONDS:.0f} s for {what}. Is a worker running? `mailer doctor` tells."
        ) from None


def told(figures: Figures, link: str) -> str:
    """The table and the way in."""
    report, balance = figures.report, figures.report.balance
    rows = (
        ("imported", figures.imported, ""),
        ("rejected", figures.rejected, "rows with a reason each"),
        ("sent", balance.sent, "to the local inbox"),
        ("delivered", balance.delivered, ""),
        ("bounced", balance.bounced, "the inbox refuses addresses that begin with bounce"),
        ("opens", report.opens.unique.total, f"recipients, of {report.opens.base} who accept measurement"),
        ("clicks", report.clicks.unique.total, f"recipients, of {report.clicks.base} who accept measurement"),
        ("unsubscribed", report.unsubscribed, "by one click (RFC 8058)"),
    )
    lines = ["", "Demonstration: one campaign from a spreadsheet to its report"]
    lines += [f"  {name:<13}{number:>5}  {note}".rstrip() for name, number, note in rows]
    lines += [
        f"  {'time taken':<13}{figures.seconds:>5.1f}  seconds",
        "",
        f"Sign in as {OWNER} with this link (once, within an hour):",
        f"  {link}",
    ]
    return "\n".join(lines)
