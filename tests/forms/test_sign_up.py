"""Signing up by the hosted page: asked, confirmed by POST, proved, and nobody else's data touched."""

import asyncio
import re
from datetime import timedelta

import pytest

from lists import mailing_lists, public_form_guard, sign_ups, subscriptions
from lists.consents import Method
from mailer.core import clock
from mailer.core.rate import Limit
from mailer.core.tokens import RecipientToken
from retention_jobs import unconfirmed_rows
from tests.forms.scene import ADA, PRIVACY, Scene


@pytest.mark.req("B-20", "C-02", "B-36", "B-38", "A-111", "F-09")
async def test_the_page_asks_with_unticked_boxes_and_carries_nothing_of_ours(scene: Scene) -> None:
    await scene.publish(ask_opens=True, ask_clicks=True)
    answer = await scene.client.get(scene.path)
    assert answer.status == 200
    assert answer.text.count('type="checkbox"') == 4
    assert " checked" not in answer.text
    assert "<script" not in answer.text
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"
    assert PRIVACY in answer.text
    assert "Atelier du Pain, 1 rue des Tests, 75011 Paris" in answer.text
    assert "You can change your mind at any time" in answer.text


@pytest.mark.req("B-25", "B-26", "C-01", "E-14")
async def test_a_sign_up_is_asked_for_confirmed_by_post_and_proved(scene: Scene) -> None:
    answer = await scene.send(first_name="Ada", opens="yes")
    assert answer.status == 303
    shown = await scene.client.get(answer.location)
    assert "Check your mailbox: an e-mail waits for you at a•••@sign-up.test." in shown.text
    assert [recipient for recipient, _ in await scene.mails()] == [ADA]
    recipes = scene.list_ids[0]
    assert await scene.statuses() == {recipes: "pending"}
    assert (await scene.contact())["first_name"] == ""

    path = await scene.confirm_path()
    for method in ("GET", "HEAD"):
        looked = await scene.client.ask(method, path)
        assert looked.status == 200
    assert await scene.statuses() == {recipes: "pending"}
    page = await scene.client.get(path)
    assert "One step left: confirm." in page.text
    assert "You are not on “Recettes” yet." in page.text
    assert (await scene.client.post(path)).status == 303
    after = await scene.client.get(path)
    assert "Subscription confirmed." in after.text
    assert "You may object to these messages at any time." in after.text
    assert await scene.statuses() == {recipes: "active"}
    contact = await scene.contact()
    assert (contact["first_name"], contact["first_name_key"], contact["source"]) == ("Ada", "ada", "form")
    # the box for opens was not on the form: nobody says yes to what was not asked
    assert contact["opens"] == "unknown"
    asked, confirmed = await scene.ledger()
    assert asked[:5] == ("asked", "mail", "form", scene.form.id, 1)
    assert confirmed[:5] == ("confirmed", "mail", "confirmation", scene.form.id, 1)
    words = "I would like to receive “Recettes” from Atelier du Pain by e-mail. (Nos nouvelles, une fois par mois)"
    assert asked[5].startswith(words)
    assert confirmed[5].startswith(words)
    assert confirmed[5].endswith("Confirm my subscription")
    async with scene.tx() as tx:
        sources = await tx.rows("SELECT DISTINCT source FROM consents WHERE account_id = $1")
        counted = await tx.rows("SELECT asked, confirmed FROM signup_forms WHERE account_id = $1")
        given = await tx.value("SELECT given FROM signup_requests WHERE account_id = $1")
    assert sources == [(scene.services.settings.track_url + scene.path,)]
    assert counted == [(1, 1)]
    assert given == {}
    # a second press changes nothing
    assert (await scene.client.post(path)).status == 303
    assert len(await scene.ledger()) == 2


@pytest.mark.req("B-36", "B-38", "B-39")
async def test_measurement_follows_its_own_boxes_after_the_confirmation(scene: Scene) -> None:
    await scene.publish(ask_opens=True, ask_clicks=True)
    await scene.send(clicks="yes")
    assert (await scene.contact())["clicks"] == "unknown"
    await scene.client.post(await scene.confirm_path())
    contact = await scene.contact()
    assert (contact["opens"], contact["clicks"]) == ("unknown", "granted")
    act, purpose, method, form, version, wording = (await scene.ledger())[-1]
    assert (act, purpose, method, form, version) == ("granted", "clicks", "form", scene.form.id, 2)
    assert wording.startswith("I agree that Atelier du Pain measures which links")


@pytest.mark.req("E-14", "E-02")
async def test_no_stranger_overwrites_a_known_contact(scene: Scene) -> None:
    async with scene.tx() as tx:
        await scene.make.contact(tx, ADA, list_id=scene.list_ids[0])
    before = await scene.contact()
    answer = await scene.send(first_name="Mallory", list=[str(one) for one in scene.list_ids])
    assert answer.status == 303
    assert await scene.contact() == before
    assert await scene.statuses() == {scene.list_ids[0]: "active", scene.list_ids[1]: "pending"}
    await scene.client.post(await scene.confirm_path())
    assert (await scene.contact())["first_name"] == "Mallory"
    assert set((await scene.statuses()).values()) == {"active"}


@pytest.mark.req("E-14")
async def test_the_answer_is_the_same_for_known_stopped_and_new(scene: Scene) -> None:
    async with scene.tx() as tx:
        known = await scene.make.contact(tx, "known@sign-up.test", list_id=scene.list_ids[0])
        stopped = await scene.make.contact(tx, "kstop@sign-up.test", list_id=scene.list_ids[0])
        barred = await scene.make.contact(tx, "kbarr@sign-up.test")
        for contact_id, reason in ((stopped, "unsubscribed"), (barred, "added")):
            await tx.run(
                """
                INSERT INTO suppressions (account_id, address_hash, reason)
                SELECT account_id, address_hash, $3 FROM contacts WHERE account_id = $1 AND id = $2
                """,
                contact_id,
                reason,
            )
    assert known
    pages = set()
    for email in ("known@sign-up.test", "kstop@sign-up.test", "kbarr@sign-up.test", "knewx@sign-up.test"):
        answer = await scene.send(email)
        assert answer.status == 303
        shown = await scene.client.get(answer.location)
        pages.add((re.sub(r"asked/.*", "", answer.location), len(answer.location), shown.text))
    assert len(pages) == 1
    # the team's own stop is no wish of the person: only the team lifts it, so no mail leaves
    written = sorted(recipient for recipient, _ in await scene.mails())
    assert written == ["knewx@sign-up.test", "known@sign-up.test", "kstop@sign-up.test"]


@pytest.mark.req("B-28")
async def test_who_left_comes_back_by_a_confirmation_only(scene: Scene) -> None:
    recipes = scene.list_ids[0]
    async with scene.tx() as tx:
        contact_id = await scene.make.contact(tx, ADA, list_id=recipes)
        hashed = await tx.value(
            "SELECT address_hash FROM contacts WHERE account_id = $1 AND id = $2", contact_id
        )
        who = RecipientToken(scene.account.id, 0, contact_id, hashed)
        await subscriptions.stop_everything(tx, who, method=Method.PREFERENCES)
    await scene.send()
    assert await scene.statuses() == {recipes: "unsubscribed"}
    await scene.client.post(await scene.confirm_path())
    assert await scene.statuses() == {recipes: "active"}
    async with scene.tx() as tx:
        rows = await tx.rows("SELECT list_id, returned_to FROM suppressions WHERE account_id = $1")
    assert rows == [(None, [recipes])]


@pytest.mark.req("B-26", "B-28")
async def test_who_leaves_after_asking_is_not_brought_back_by_the_old_link(scene: Scene) -> None:
    await scene.send()
    path = await scene.confirm_path()
    contact = await scene.contact()
    async with scene.tx() as tx:
        hashed = await tx.value(
            "SELECT address_hash FROM contacts WHERE account_id = $1 AND id = $2", contact["id"]
        )
        who = RecipientToken(scene.account.id, scene.list_ids[0], contact["id"], hashed)
        await subscriptions.unsubscribe(tx, who, method=Method.ONE_CLICK)
    answer = await scene.client.post(path)
    assert answer.status == 410
    assert await scene.statuses() == {scene.list_ids[0]: "unsubscribed"}


@pytest.mark.req("E-14")
async def test_a_hundred_sign_ups_of_one_victim_send_one_mail(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(public_form_guard, "NETWORK", Limit("form-network-100", 1000, 600))
    for n in range(100):
        assert (await scene.send(first_name=f"Spam {n} https://spam.test")).status == 303
    assert len(await scene.mails()) == 1
    assert await scene.waiting() == 1
    async with scene.services.db.shared() as tx:
        details = await tx.value(
            "SELECT details::text FROM outbox WHERE account_id = $1 AND kind = 'confirm_sign_up'",
            scene.account.id,
        )
    assert "spam" not in details.lower()


@pytest.mark.req("E-14")
async def test_hours_later_the_same_address_may_ask_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scene.send(first_name="Mallory")
    monkeypatch.setattr(sign_ups, "ASK_AGAIN_HOURS", 0)
    await scene.send(first_name="Ada")
    assert len(await scene.mails()) == 2
    # each mail confirms what its own request said
    await scene.client.post(await scene.confirm_path(1))
    assert (await scene.contact())["first_name"] == "Ada"


@pytest.mark.req("B-26")
async def test_what_nobody_confirms_is_erased_after_thirty_days(scene: Scene) -> None:
    await scene.send()
    await scene.send("bob@sign-up.test")
    path = await scene.confirm_path(0)
    await scene.client.post(await scene.confirm_path(1))
    async with scene.tx() as tx:
        # taken off the list by the team: a person who confirmed is no leftover
        bob = await tx.value("SELECT id FROM contacts WHERE account_id = $1 AND email = 'bob@sign-up.test'")
        await subscriptions.remove(tx, [bob], scene.list_ids[0])
        await unconfirmed_rows.purge(tx, clock.now() + timedelta(days=29))
        assert await tx.value("SELECT count(*) FROM contacts WHERE account_id = $1") == 2
        await unconfirmed_rows.purge(tx, clock.now() + timedelta(days=31))
        assert await tx.rows("SELECT email FROM contacts WHERE account_id = $1") == [("bob@sign-up.test",)]
        assert await tx.value("SELECT count(*) FROM signup_requests WHERE account_id = $1") == 0
    assert (await scene.client.get(path)).status == 410
    assert (await scene.client.post(path)).status == 410


@pytest.mark.req("B-26", "B-28")
async def test_a_stopped_address_that_only_asked_is_erased_as_well(scene: Scene) -> None:
    async with scene.tx() as tx:
        contact_id = await scene.make.contact(tx, ADA, list_id=scene.list_ids[0])
        hashed = await tx.value(
            "SELECT address_hash FROM contacts WHERE account_id = $1 AND id = $2", contact_id
        )
        who = RecipientToken(scene.account.id, 0, contact_id, hashed)
        await subscriptions.stop_everything(tx, who, method=Method.PREFERENCES)
        await tx.run("DELETE FROM contacts WHERE account_id = $1")
    await scene.send()
    assert await scene.contact()
    async with scene.tx() as tx:
        await unconfirmed_rows.purge(tx, clock.now() + timedelta(days=31))
    assert await scene.contact() == {}


@pytest.mark.req("C-01")
async def test_without_double_opt_in_only_the_unknown_are_subscribed_at_once(scene: Scene) -> None:
    async with scene.tx() as tx:
        await tx.run("UPDATE mailing_lists SET double_opt_in = false WHERE account_id = $1")
        await scene.make.contact(tx, "known@sign-up.test")
    await scene.publish(double_opt_in=False, single_reason="Signed on paper at the counter as well.")
    first = await scene.send(first_name="Ada")
    second = await scene.send("known@sign-up.test", first_name="Mallory")
    texts = {(await scene.client.get(one.location)).text.replace("k•••", "a•••") for one in (first, second)}
    assert len(texts) == 1
    assert await scene.statuses() == {scene.list_ids[0]: "active"}
    assert (await scene.contact())["first_name"] == "Ada"
    assert (await scene.contact("known@sign-up.test"))["first_name"] == "Ana"
    assert [recipient for recipient, _ in await scene.mails()] == ["known@sign-up.test"]
    assert (await scene.ledger())[0][:5] == ("granted", "mail", "form", scene.form.id, 2)


@pytest.mark.req("B-25")
async def test_a_proof_has_the_words_of_the_version_that_was_read(scene: Scene) -> None:
    hidden = await scene.look()
    first, second = scene.list_ids
    await scene.publish(purposes=[{"list_id": first, "text": "Other words."}], title="Other title")
    assert scene.form.version == 2
    sent = hidden | {"email": ADA, "list": [str(first), str(second)]}
    assert (await scene.client.post(scene.path, sent)).status == 303
    # the second list is not offered any more
    assert await scene.statuses() == {first: "pending"}
    [asked] = await scene.ledger()
    assert asked[4] == 1
    assert "I would like to receive “Recettes”" in asked[5]
    await scene.send("bob@sign-up.test", version="77")
    assert (await scene.ledger())[-1][4] == 2
    assert (await scene.ledger())[-1][5].startswith("Other words.")


@pytest.mark.req("E-50")
async def test_a_link_and_an_address_act_in_their_own_account_only(scene: Scene) -> None:
    other = await scene.make.account()
    assert (await scene.client.get(f"/t/form/{other.id}-{scene.form.public_key}")).status == 404
    assert (await scene.client.get(f"/t/form/999999999-{scene.form.public_key}")).status == 404
    for odd in ("x", "1-x", "-", f"{scene.account.id}-{'a' * 17}", "٣-" + "a" * 16, f"{2**70}-{'a' * 16}"):
        assert (await scene.client.get(f"/t/form/{odd}")).status == 404, odd
    await scene.send()
    path = await scene.confirm_path()
    assert (await scene.client.get(path[:-3] + "AAA")).status == 404


async def test_an_account_that_may_not_send_asks_nobody(scene: Scene) -> None:
    async with scene.services.db.shared() as tx:
        await tx.run("UPDATE accounts SET status = 'suspended' WHERE id = $1", scene.account.id)
    assert (await scene.client.get(scene.path)).status == 410
    answer = await scene.client.post(scene.path, {"email": ADA, "list": str(scene.list_ids[0])})
    assert answer.status == 410
    assert await scene.contact() == {}


@pytest.mark.req("E-14", "C-01")
async def test_many_presses_at_one_moment_are_one(scene: Scene) -> None:
    hidden = await scene.look()
    sent = hidden | {"email": ADA, "list": [str(one) for one in scene.list_ids], "first_name": "Ada"}
    answers = await asyncio.gather(*(scene.client.post(scene.path, sent) for _ in range(8)))
    assert {answer.status for answer in answers} == {303}
    assert len(await scene.mails()) == 1
    assert await scene.waiting() == 1
    path = await scene.confirm_path()
    confirmed = await asyncio.gather(*(scene.client.post(path) for _ in range(8)))
    assert {answer.status for answer in confirmed} == {303}
    assert [row[0] for row in await scene.ledger()] == ["asked", "asked", "confirmed", "confirmed"]
    async with scene.tx() as tx:
        assert await tx.rows("SELECT asked, confirmed FROM signup_forms WHERE account_id = $1") == [(1, 1)]


@pytest.mark.req("B-25")
async def test_the_contacts_page_names_the_form_of_each_proof(scene: Scene) -> None:
    await scene.send(first_name="Ada")
    await scene.client.post(await scene.confirm_path())
    person = await scene.make.signed_in(scene.account.owner_id)
    contact = await scene.contact()
    shown = await person.get(f"{scene.account.app}/contacts/{contact['id']}")
    assert shown.status == 200
    assert shown.text.count(scene.path) == 2


async def test_a_deleted_list_is_not_offered_and_the_last_one_closes_the_form(scene: Scene) -> None:
    hidden = await scene.look()
    async with scene.tx() as tx:
        await mailing_lists.delete(tx, scene.list_ids[0])
    assert "Recettes" not in (await scene.client.get(scene.path)).text
    # whoever had the page open is told, not promised a mail
    sent = hidden | {"email": ADA, "list": str(scene.list_ids[0])}
    answer = await scene.client.post(scene.path, sent)
    assert answer.status == 422
    assert "Tick what you would like to receive." in answer.text
    await scene.send(list=[str(scene.list_ids[1])])
    async with scene.tx() as tx:
        await mailing_lists.delete(tx, scene.list_ids[1])
    assert (await scene.client.get(scene.path)).status == 410
    assert (await scene.client.get(await scene.confirm_path())).status == 410
