"""The demonstration's account: its people, list and campaign, by the use cases that anybody's go through."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from lists import (
    consents,
    contact_search,
    contacts,
    csv_mapping,
    import_columns,
    import_start,
    import_upload,
    imports,
    mailing_lists,
)
from lists.consents import Answer, Evidence, Method
from lists.imports import Choices, Column, State
from lists.mailing_lists import NewMailingList
from mailer import demo_data
from mailer.accounts import accounts, agreements, samples, users
from mailer.accounts.accounts import AccountChanges
from mailer.core import addresses, keys
from mailer.core.actor import RECIPIENT, Actor
from mailer.core.errors import MailerError
from mailer.core.links import Links
from mailer.core.services import Services
from mailer.core.tokens import RecipientToken
from sending import campaign_lists, campaigns, images, senders, sends
from sending.campaigns import NewCampaign, Status
from sending.senders import NewSender
from sending.sends import Order

OWNER = "camille@atelier-demo.example"
WAIT_SECONDS = 120.0


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


async def open_account(services: Services) -> Place:
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
        operator, who = services.settings.operator, "Camille Démo (démonstration)"
        [version, *_] = await agreements.offered(account_tx, operator)
        await agreements.accept(account_tx, version.version, person=who, user_id=owner_id, operator=operator)
        await agreements.acknowledge(
            account_tx, agreements.RESPONSIBILITIES, person=who, user_id=owner_id, operator=operator
        )
    return place


async def import_table(place: Place) -> tuple[int, dict[str, int]]:
    """The list's id, and what became of the rows."""
    db = place.services.db

    async def pieces() -> AsyncIterator[bytes]:
        yield demo_data.table()

    upload = await import_upload.receive(db, place.account_id, pieces(), name=demo_data.FILE_NAME)
    async with db.account(place.account_id, actor=place.owner) as tx:
        made = await mailing_lists.create(
            tx,
            NewMailingList(
                name="Lettre de l’atelier",
                purpose="Les nouvelles pièces, les stages et la vie de l’atelier",
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
        guesses = csv_mapping.guess(job.header, job.sample, await import_columns.field_guesses(tx))
        await import_columns.map_columns(
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

    await until(reached, f"the import to be {wanted}")
    return found


async def accept_measurement(place: Place, list_id: int) -> None:
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


async def send(place: Place, list_id: int) -> int:
    """The campaign's id, once all of it was handed over."""
    services, db = place.services, place.services.db
    stored = await images.store(db, place.account_id, await images.clean(demo_data.picture()))
    async with db.account(place.account_id, actor=place.owner) as tx:
        words = images.Words(label="Fournée de novembre", alt="Quatre pièces tournées sur une étagère")
        image = await images.add(tx, stored, words)
        new_sender = NewSender(email=OWNER, name="Camille de l’Atelier Démo")
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

    await until(sent, "the campaign to be sent")
    return campaign.id


async def until(ask: Callable[[], Awaitable[bool]], what: str) -> None:
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
