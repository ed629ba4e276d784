"""A contact on a list, and the links of a mail to it."""

from dataclasses import dataclass

from mailer.core.links import Links
from mailer.core.services import Services
from mailer.core.settings import Settings
from mailer.core.tokens import RecipientToken
from tests.make import Make


@dataclass
class Scene:
    """`path`: the unsubscribe page; the mail was of campaign 77."""

    account_id: int
    list_id: int
    contact_id: int
    who: RecipientToken
    path: str
    links: Links


async def make_scene(make: Make, services: Services, settings: Settings) -> Scene:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        list_id = await make.mailing_list(tx)
        contact_id = await make.contact(tx, list_id=list_id)
        hashed = await tx.value(
            "SELECT address_hash FROM contacts WHERE account_id = $1 AND id = $2", contact_id
        )
    who = RecipientToken(acc.id, list_id, contact_id, hashed, 77)
    links = Links(services.tokens, settings.track_url)
    return Scene(acc.id, list_id, contact_id, who, links.unsubscribe(who).removeprefix(links.base), links)
