"""The checks with the people who will get it: figures of the audience, mails made whole, each with its way to mend."""

import re
from collections.abc import Awaitable, Callable
from typing import Literal

import pytest

from mailer.core.errors import Invalid
from mailer.core.services import Services
from mailer.web import i18n
from sending import audience_sample, campaign_checks, campaigns, footer, sends, test_sends
from sending.campaign_checks import Check, Report
from sending.campaigns import Changes
from sending.sends import Order
from tests.campaigns.conftest import MJML, Ready
from tests.make import Make

Build = Callable[..., Awaitable[Ready]]


def source(inner: str) -> str:
    return str(footer.add_footer(MJML.replace("</mj-text>", f"{inner}</mj-text>", 1), language="fr"))


async def report(services: Services, found: Ready, **more: bool) -> Report:
    i18n.use_language("en")
    async with services.db.account(found.account.id) as tx:
        return await campaign_checks.run(tx, services, found.campaign.id, **more)


def words(checks: list[Check], code: str) -> list[str]:
    return [i18n.translate(one.message, **one.params) for one in checks if one.code == code]


async def _fields(services: Services, found: Ready, *keys: str) -> None:
    async with services.db.account(found.account.id) as tx:
        for key in keys:
            await tx.run(
                "INSERT INTO fields (account_id, key, label, type) VALUES ($1, $2, $3, 'text')",
                key,
                key.title(),
            )


async def _set(services: Services, found: Ready, who: list[int], **values: object) -> None:
    async with services.db.account(found.account.id) as tx:
        for name, value in values.items():
            if name == "first_name":
                await tx.run(
                    "UPDATE contacts SET first_name = $3 WHERE account_id = $1 AND id = ANY ($2::bigint[])",
                    who,
                    value,
                )
            else:
                await tx.run(
                    """
                    UPDATE contacts SET fields = fields || jsonb_build_object($3::text, $4::jsonb)
                    WHERE account_id = $1 AND id = ANY ($2::bigint[])
                    """,
                    who,
                    name,
                    value,
                )


async def test_a_plain_campaign_is_in_order(ready: Build, services: Services) -> None:
    found = await ready()
    seen = await report(services, found)
    assert not seen.blocked
    # nothing to look at but what only people can do
    assert {one.code for one in seen.group("look")} == {"domain", "test"}
    fine = {one.code for one in seen.group("fine")}
    assert {"unsubscribe", "identity", "links", "hidden", "balance", "letters", "weight", "fields"} <= fine
    assert {"frequency", "audience", "agreement", "sender"} <= fine
    assert words(seen.group("fine"), "fields") == ["Every field of the message has a value for everybody."]


async def test_empty_values_are_counted_with_what_is_read_instead(ready: Build, services: Services) -> None:
    inner = (
        "<p>Rendez-vous à {{ contact.city }} demain</p>"
        "{% if contact.shop %}<p>Votre magasin : {{ contact.shop }}</p>{% endif %}"
        '<p><a href="{{ contact.site }}">Votre page</a>'
        ' <a href="https://pain.fr/{{ contact.ref }}">Votre carte</a></p>'
    )
    found = await ready(people=10, source=source(inner))
    await _fields(services, found, "city", "shop", "site", "ref", "other")
    people = found.people
    full = {"city": "Brest", "shop": "Port", "ref": "a b", "site": "https://ana.fr/"}
    await _set(services, found, people, **full)
    await _set(services, found, people[:4], first_name=" ")
    await _set(services, found, people[:3], city="", other="")
    await _set(services, found, people[:2], shop=None)
    await _set(services, found, people[:1], ref=[])
    await _set(services, found, people[5:7], site="ana.fr")
    await _set(services, found, people[:1], site="")
    seen = await report(services, found)
    assert sorted(words(seen.group("look"), "fields")) == [
        "City, empty for 3 of 10: they read “Rendez-vous à  demain”.",
        "First name, empty for 4 of 10: they read “Bonjour , voici le seigle.”.",
        "Ref, empty for 1 of 10: the link “Votre carte” leads to “https://pain.fr/”.",
        "Shop, empty for 2 of 10: what depends on it is left out, or says something else.",
    ]
    assert words(seen.group("look"), "links") == [
        "The link “Votre page” leads nowhere for 3 of 10: Site is empty, or no web address."
    ]
    assert {one.step for one in seen.group("look") if one.code in ("fields", "links")} == {"content"}


async def test_people_who_will_not_get_it_do_not_count(ready: Build, services: Services) -> None:
    found = await ready(people=4)
    await _set(services, found, found.people[:2], first_name="")
    async with services.db.account(found.account.id) as tx:
        await tx.run(
            "UPDATE subscriptions SET status = 'unsubscribed' WHERE account_id = $1 AND contact_id = $2",
            found.people[0],
        )
    seen = await report(services, found)
    assert words(seen.group("look"), "fields") == [
        "First name, empty for 1 of 3: they read “Bonjour , voici le seigle.”."
    ]


async def test_the_fallback_and_the_subject_are_shown_as_they_read(ready: Build, services: Services) -> None:
    found = await ready(
        source=str(footer.add_footer(MJML.replace('default("")', 'default("à vous")'), language="fr"))
    )
    await _set(services, found, found.people[:1], first_name="")
    seen = await report(services, found)
    assert words(seen.group("look"), "fields") == [
        "First name, empty for 1 of 3: they read “Bonjour à vous, voici le seigle.”."
    ]
    for subject, said in (
        ("{{ contact.first_name }}, du pain", "their subject reads “, du pain”."),
        ("{{ contact.first_name }}", "their subject is empty."),
    ):
        async with services.db.account(found.account.id) as tx:
            await campaigns.change(tx, found.campaign.id, Changes(subject=subject))
        (sentence,) = words((await report(services, found)).group("look"), "fields")
        assert sentence == f"First name, empty for 1 of 3: {said}"


async def test_a_large_audience_is_estimated_and_says_so(
    ready: Build, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await ready(people=60)
    await _set(services, found, found.people, first_name="")
    monkeypatch.setattr(audience_sample, "MOST", 20)
    (sentence,) = words((await report(services, found)).group("look"), "fields")
    assert re.match(r"First name, empty for about 60 of 60: ", sentence)
    await _set(services, found, found.people, first_name="Ana")
    (sentence,) = words((await report(services, found)).group("fine"), "fields")
    looked_at = int(
        re.fullmatch(r"Every field of .* has a value for the (\d+) people looked at.", sentence)[1]
    )
    assert 5 <= looked_at <= 45
    sample = audience_sample.Sample(every=50, total=1_000_000)
    assert [sample.figure(n, 20_000) for n in (0, 1, 4, 123, 20_000)] == [
        "about 1", "about 50", "about 200", "about 6,200", "about 1,000,000",
    ]  # fmt: skip


@pytest.mark.req("D-10")
async def test_the_size_is_that_of_the_largest_mail_as_it_leaves(ready: Build, services: Services) -> None:
    links = "".join(f'<p><a href="https://pain.fr/{n}">Le pain {n}</a></p>' for n in range(40))
    found = await ready(people=6, source=source(links + "<p>{{ contact.story }}</p>"))
    await _fields(services, found, "story")
    await _set(services, found, found.people, story="Du pain.")
    small = _sizes(await report(services, found))
    async with services.db.account(found.account.id) as tx:
        await tx.run(
            "UPDATE contacts SET clicks = 'granted' WHERE account_id = $1 AND id = $2", found.people[2]
        )
    tracked = _sizes(await report(services, found))
    assert tracked["size"] > small["size"]
    assert tracked["whole"] > tracked["size"]
    await _set(services, found, found.people[4:5], story="é" * 60_000)
    (sentence,) = words((await report(services, found)).group("look"), "weight")
    size = int(re.search(r"has (\d+) kB of HTML: Gmail cuts it after about 102 kB", sentence)[1])
    assert 120 < size < 180


def _sizes(seen: Report) -> dict[str, int]:
    (one,) = [check for check in seen.group("fine") if check.code == "weight"]
    return dict(one.params)  # type: ignore[arg-type]


@pytest.mark.req("A-008", "D-60", "B-24")
async def test_a_value_cannot_turn_the_subject_into_an_answer(ready: Build, services: Services) -> None:
    found = await ready(subject="{{ contact.first_name }}: du pain")
    assert not (await report(services, found)).blocked
    await _set(services, found, found.people, first_name="Re")
    seen = await report(services, found, to_look=False)
    assert [(one.code, one.step) for one in seen.group("blocking")] == [("subject", "setup")]


@pytest.mark.req("A-008")
async def test_mails_are_made_to_see_that_the_way_out_is_in_both_parts(
    ready: Build, services: Services
) -> None:
    """A name long enough to be cut cannot push it out; a condition on a value can, and is caught."""
    found = await ready(
        source=source("{% if contact.first_name == 'Zoé' %}{{ contact.email | date }}{% endif %}")
    )
    assert words((await report(services, found)).group("fine"), "unsubscribe") == [
        "The unsubscribe link is visible in both parts."
    ]
    kept = str(footer.add_footer(MJML, language="fr"))
    hidden = kept.replace(
        '<p><a href="{{ unsubscribe_url }}"',
        "{% if contact.first_name == 'Ana' %}<i></i>{% else %}<p><a href=\"{{ unsubscribe_url }}\"",
        1,
    )
    hidden = hidden.replace(
        "</mj-text>\n      </mj-column>\n    </mj-section>\n  </mj-body>",
        "{% endif %}</mj-text>\n      </mj-column>\n    </mj-section>\n  </mj-body>",
    )
    assert hidden.count("{% endif %}") == 1
    async with services.db.account(found.account.id) as tx:
        await campaigns.write_content(tx, found.campaign.id, "mjml", hidden)
    assert {one.code for one in (await report(services, found)).group("blocking")} == {"unsubscribe"}


@pytest.mark.req("D-54")
async def test_a_free_mail_sender_blocks(ready: Build, services: Services) -> None:
    found = await ready()
    async with services.db.account(found.account.id) as tx:
        await tx.run(
            "UPDATE senders SET email = 'pain@gmail.com', address_key = 'pain@gmail.com' WHERE account_id = $1"
        )
    seen = await report(services, found)
    assert [one.code for one in seen.group("blocking")] == ["free_mail"]
    assert "gmail.com would refuse the message" in words(seen.group("blocking"), "free_mail")[0]


async def test_people_written_to_yesterday_are_counted(ready: Build, services: Services) -> None:
    found = await ready(people=5)
    statuses = ("delivered", "delivered", "skipped", "queued", "delivered")
    async with services.db.account(found.account.id) as tx:
        other = await tx.value(
            """
            INSERT INTO campaigns (account_id, name, status, month, audience, started_at, finished_at)
            VALUES ($1, 'Hier', 'sent', date_trunc('month', now())::date, 5, now(), now())
            RETURNING id
            """
        )
        for person, status in zip(found.people, statuses, strict=True):
            await tx.run(
                """
                INSERT INTO deliveries (account_id, campaign_id, contact_id, month, list_id, status, reason,
                                        first_at, final_at)
                SELECT $1, $2, $3, date_trunc('month', now())::date, $4, $5,
                       CASE WHEN $5 = 'skipped' THEN 'unsubscribed' ELSE '' END,
                       CASE WHEN $5 = 'delivered' THEN at END, CASE WHEN $5 <> 'queued' THEN at END
                FROM (SELECT now() - make_interval(hours => $6) AS at) AS ended
                """,
                other,
                person,
                found.list_id,
                status,
                30 if person == found.people[4] else 1,
            )
    seen = await report(services, found)
    assert words(seen.group("look"), "frequency") == [
        "People who get “Hier” within 24 hours as well: 3 of 5."
    ]
    assert [one.step for one in seen.group("look") if one.code == "frequency"] == ["audience"]


async def test_a_test_counts_once_a_server_took_it(ready: Build, services: Services) -> None:
    found = await ready()
    async with services.db.account(found.account.id) as tx:
        (test,) = await test_sends.ask_all(tx, found.campaign.id, [found.account.owner_email])
    (waiting,) = words((await report(services, found)).group("look"), "test")
    assert waiting.startswith(f"A test is on its way to {found.account.owner_email}.")
    async with services.db.account(found.account.id) as tx:
        await test_sends.finish(tx, test.id, "failed", reply="550 5.7.1 no")
    (failed,) = words((await report(services, found)).group("look"), "test")
    assert failed.endswith("could not be sent: 550 5.7.1 no")
    async with services.db.account(found.account.id) as tx:
        (again,) = await test_sends.ask_all(tx, found.campaign.id, [found.account.owner_email])
        await test_sends.finish(tx, again.id, "sent", reply="250 2.0.0 Ok")
    assert words((await report(services, found)).group("fine"), "test")


async def test_own_images_are_looked_up(ready: Build, services: Services) -> None:
    name = "1-" + "a" * 40 + ".png"
    image = f'</mj-text><mj-image src="{services.settings.track_url}/t/img/{name}" alt="Le pain" /><mj-text>'
    found = await ready(source=source(image))
    seen = await report(services, found)
    assert words(seen.group("look"), "images") == [
        "Images of yours that were deleted meanwhile: 1. Choose others."
    ]


async def test_every_finding_has_its_way_on_the_page(ready: Build, make: Make, services: Services) -> None:
    found = await ready(
        subject="VITE !!! DU PAIN",
        source=source('<p><a href="https://bit.ly/x">Le pain</a></p>'),
    )
    await _set(services, found, found.people, first_name="")
    owner = await make.signed_in(found.account.owner_id)
    page = (await owner.get(f"{found.page}/checks")).text
    look = page.partition("To check (")[2].partition("<h2>")[0]
    findings = re.findall(r"<li>.*?</li>", look, re.DOTALL)
    assert len(findings) == 6
    for finding in findings:
        assert re.search(r'<a href="(/app/\d+/[\w/]+)">Fix<', finding), finding
    for target in set(re.findall(r'<a href="(/app/[^"]+)">Fix<', look)):
        assert (await owner.get(target)).status == 200, target
    assert "score" not in page.lower()
    french = await make.signed_in(found.account.owner_id, language="fr")
    page = (await french.get(f"{found.page}/checks")).text
    assert "Prénom\N{NO-BREAK SPACE}: vide pour 3 sur 3." in page
    assert "Bloquant (0)" in page


@pytest.mark.req("A-061")
@pytest.mark.parametrize(
    ("campaign", "allowed"),
    [
        ("newsletter", {"newsletter", "promotion"}),
        ("promotion", {"promotion"}),
        ("service", {"newsletter", "promotion", "service"}),
    ],
)
async def test_a_list_opened_for_one_purpose_is_not_used_for_another(
    ready: Build,
    services: Services,
    campaign: Literal["newsletter", "promotion", "service"],
    allowed: set[str],
) -> None:
    found = await ready()
    for kind in ("newsletter", "promotion", "service"):
        async with services.db.account(found.account.id) as tx:
            await campaigns.change(tx, found.campaign.id, Changes(kind=campaign))
            await tx.run("UPDATE mailing_lists SET kind = $2 WHERE account_id = $1", kind)
        said = await report(services, found)
        told = [one for one in said.group("blocking") if one.code == "purpose"]
        assert bool(told) == (kind not in allowed), (campaign, kind)
        assert all(one.step == "audience" and str(one.params["list"]) for one in told)
        # no door passes a check that blocks
        async with services.db.account(found.account.id) as tx:
            if told:
                with pytest.raises(Invalid) as refused:
                    await sends.schedule(tx, services, found.campaign.id, Order())
                assert "purpose" in [one.code for one in refused.value.faults]
