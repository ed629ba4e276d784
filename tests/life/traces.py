"""What an account leaves behind besides its campaigns: each a canary in another store, made as people make it."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from lists import contacts, fields, signup_forms, signup_versions
from lists.contacts import ContactChange
from lists.exports import NewExport
from lists.fields import NewField
from lists.signup_forms import Draft
from mailer.core import log
from mailer.core.links import Links
from mailer.core.tokens import RecipientToken
from sending import test_sends
from tests.client import Client
from tests.delivery.conftest import Post
from tests.exporting import exporter
from tests.forms.scene import PRIVACY, Scene
from tests.importing.importer import Importer
from tests.rights.desk import Desk
from tests.webhooks.conftest import Place
from tests.webhooks.receiver import Receiver


@contextmanager
def whole_log() -> Iterator[io.StringIO]:
    """Every line that an installation would write, of all levels, also by loggers that were used before."""
    stream = io.StringIO()
    _forget_loggers()
    log.set_up("debug", stream=stream)
    try:
        yield stream
    finally:
        _forget_loggers()
        log.set_up("error")


def _forget_loggers() -> None:
    """A logger keeps the stream that it was first used with."""
    kind = type(structlog.get_logger())
    for module in list(sys.modules.values()):
        for value in list(vars(module).values()):
            if isinstance(value, kind):
                vars(value).pop("bind", None)


async def custom_field(post: Post, email: str, value: str) -> None:
    """`contact.ville` of this contact."""
    async with post.tx() as tx:
        await fields.create(tx, NewField(label="Ville"))
        found = await tx.value("SELECT id FROM contacts WHERE account_id = $1 AND email = $2", email)
        await contacts.change(tx, post.services.sealer, found, ContactChange(fields={"ville": value}))


async def mail_for_looks(post: Post, campaign: int, email: str) -> None:
    """To an address whose owner agreed to tests."""
    async with post.tx() as tx:
        await tx.run(
            """
            INSERT INTO seeds (account_id, email, address_key, label, team, status, confirmed_at)
            VALUES ($1, $2, $2, 'Essais', false, 'confirmed', now())
            """,
            email,
        )
        team = frozenset({email})
        test_id = await test_sends.ask(tx, campaign, recipient=email, team=team, contact_id=None)
    await post.run()
    async with post.tx() as tx:
        assert (await test_sends.show(tx, test_id)).state == "sent"


async def files(post: Post, email: str) -> None:
    """An import and an export, with their files."""
    rows = f"email;prenom\r\n{email};Imma\r\n"
    done = await Importer(post.services, post.account).whole(rows.encode(), new_list="Importés")
    assert done.state == "done"
    _, data = await exporter.written(post.services, post.account.id, NewExport())
    assert email.encode() in data


async def sign_up(post: Post, client: Client, email: str) -> None:
    """By a form, confirmed from the mail."""
    async with post.tx() as tx:
        listed = await post.make.mailing_list(tx, "Recettes")
        draft = {"name": "Site", "language": "en", "fields": [{"key": "first_name"}], "privacy_url": PRIVACY}
        form = await signup_forms.create(
            tx, Draft.model_validate(draft | {"purposes": [{"list_id": listed}]})
        )
        form = await signup_versions.publish(tx, form.id, processor="Mailer")
    scene = Scene(post.services, post.make, client, post.account, [listed], form)
    assert (await scene.send(email, first_name="Fleur")).status in (200, 303)
    assert (await client.post(await scene.confirm_path(), {})).status in (200, 303)
    assert await scene.statuses(email) == {listed: "active"}


async def request(post: Post, client: Client, email: str, words: str) -> None:
    """A correction in words of the person's own, which waits for the team."""
    async with post.tx() as tx:
        [(contact, hashed)] = await tx.rows(
            "SELECT id, address_hash FROM contacts WHERE account_id = $1 AND email = $2", email
        )
        listed = await tx.value(
            "SELECT min(list_id) FROM subscriptions WHERE account_id = $1 AND contact_id = $2", contact
        )
    links = Links(post.services.tokens, post.services.settings.track_url)
    who = RecipientToken(post.account.id, listed, contact, hashed)
    desk = Desk(post.services, post.make, client, post.account, listed, contact, email, who, links)
    await desk.confirmed("correct", details=words)


async def webhook(post: Post, receiver: Receiver) -> Place:
    """Listens from here on."""
    place = Place(post.services, post.make, post.account, receiver)
    await place.listen()
    return place
