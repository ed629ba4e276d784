"""The mail that asks the owner of an address, as an SMTP server receives it."""

from collections.abc import AsyncIterator

import pytest

from sending import smtp
from tests.delivery.conftest import Post, with_server
from tests.forms.scene import Scene
from tests.smtp_server import Sink


@pytest.fixture
async def post(scene: Scene) -> AsyncIterator[Post]:
    async with Sink() as sink:
        yield Post(with_server(scene.services, sink), scene.make, scene.account, sink)
        await smtp.close_pools()


@pytest.mark.req("B-26", "D-35", "D-47", "E-14")
@pytest.mark.parametrize("language", ["fr", "en"])
async def test_the_mail_names_list_sender_and_form_and_repeats_nothing_typed(
    scene: Scene, post: Post, language: str
) -> None:
    await scene.publish(language=language, title="Nos recettes", ask_opens=True)
    email = f"ada-{language}-{scene.account.id}@sign-up.test"
    typed = "Mallory https://spam.test"
    assert (await scene.send(email, first_name=typed)).status == 303
    await post.run(system=True)
    [mail] = post.sink.to(email)
    subject = {
        "fr": "Confirmez votre abonnement à «\u00a0Recettes\u00a0»",
        "en": "Confirm your subscription to “Recettes”",
    }[language]
    assert mail.message["Subject"] == subject
    assert mail.message["Auto-Submitted"] == "auto-generated"
    link = await _link(mail.message.get_body(("plain",)).get_content())
    for kind in ("plain", "html"):
        text = mail.message.get_body((kind,)).get_content()
        assert "Mallory" not in text
        assert "spam.test" not in text
        assert "<img" not in text
        assert "Nos recettes" in text
        assert "Atelier du Pain" in text
        assert link in text
        assert {"fr": "effacée sous 30\u00a0jours", "en": "erased within 30 days"}[language].replace(
            "\u00a0", " "
        ) in text.replace("\u00a0", " ")
    base = scene.services.settings.track_url
    assert (await scene.client.post(link.removeprefix(base))).status == 303
    assert (await scene.statuses(email)) == {scene.list_ids[0]: "active"}


@pytest.mark.req("B-26")
async def test_a_known_contact_is_not_told_that_it_will_be_erased(scene: Scene, post: Post) -> None:
    email = f"known-{scene.account.id}@sign-up.test"
    async with scene.tx() as tx:
        await scene.make.contact(tx, email)
    await scene.send(email)
    await post.run(system=True)
    text = post.sink.to(email)[0].message.get_body(("plain",)).get_content()
    assert "without your confirmation nothing changes" in text
    assert "erased" not in text


@pytest.mark.req("E-20")
async def test_a_name_with_line_ends_adds_no_header(scene: Scene, post: Post) -> None:
    async with scene.tx() as tx:
        await tx.run(
            "UPDATE mailing_lists SET public_name = $2 WHERE account_id = $1", "Pain\r\nBcc: all@sign-up.test"
        )
    email = f"header-{scene.account.id}@sign-up.test"
    await scene.send(email)
    await post.run(system=True)
    [mail] = post.sink.to(email)
    assert mail.message["Bcc"] is None
    assert not post.sink.to("all@sign-up.test")


async def _link(text: str) -> str:
    return next(line for line in text.splitlines() if "/t/confirm/form/" in line).strip()
