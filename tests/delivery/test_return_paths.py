"""Return paths: each mail's own, signed, telling nothing, and good for a report as long as reports come (D-30)."""

import base64
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.core import clock, tokens
from mailer.core.errors import NotFound
from mailer.core.services import Services
from mailer.core.tokens import Purpose, ReturnToken
from sending import return_paths
from sending.return_paths import Returns
from tests.delivery.conftest import People, Post

DOMAIN = "mail.example.test"


def returns(services: Services, account: int = 3, campaign: int = 41) -> Returns:
    return return_paths.of_campaign(services.tokens, DOMAIN, account_id=account, campaign_id=campaign)


def local(address: str) -> str:
    return address.partition("@")[0]


@pytest.mark.req("D-30")
def test_a_return_path_names_its_delivery_and_reads_like_nothing(services: Services) -> None:
    paths = returns(services)
    token = paths.token(977, b"\x01\x02\x03\x04" * 4)
    address = paths.path(token)
    assert address == address.lower()
    name, found = return_paths.read(services.tokens, local(address), now=clock.now())
    assert (name, found.account_id, found.campaign_id, found.ref_id, found.check) == (
        return_paths.BOUNCES,
        3,
        41,
        977,
        b"\x01\x02\x03",
    )
    assert return_paths.read(services.tokens, local(address).upper(), now=clock.now())[1] == found
    # opaque: neighbours share nothing that tells them apart from strangers
    other = paths.token(978, b"\x01\x02\x03\x04" * 4)
    assert sum(one == two for one, two in zip(token, other, strict=True)) < len(token) / 3


@pytest.mark.req("D-30")
def test_the_largest_ids_fit_into_a_local_part(services: Services) -> None:
    paths = returns(services, 2**21 - 1, 2**28 - 1)
    token = paths.token(2**35 - 1, b"\xff" * 16)
    assert len(local(paths.path(token))) <= 64
    assert (
        len(local(paths.unsubscribe(token, "https://x.test/t/unsubscribe/abc")).removeprefix("mailto:")) <= 64
    )


@given(st.binary(min_size=1, max_size=40))
def test_base32_is_that_of_the_standard_library(raw: bytes) -> None:
    assert tokens._base32(raw) == base64.b32encode(raw).rstrip(b"=").decode().lower()


@pytest.mark.req("D-30")
def test_a_forged_or_damaged_token_is_nobody(services: Services) -> None:
    paths = returns(services)
    token = paths.token(977, b"\x01" * 16)
    click = services.tokens.timed(Purpose.SENDER, 3, 41, 977, expires=2**40)
    for text in (
        token[:-3] + ("aaa" if token[-3:] != "aaa" else "bbb"),
        token[:-1],
        token + "a",
        "b" * len(token),
        "",
        click.lower(),
    ):
        with pytest.raises(NotFound):
            return_paths.read(services.tokens, f"bounces+{text}", now=clock.now())
    with pytest.raises(NotFound):
        return_paths.read(services.tokens, f"other+{token}", now=clock.now())


@pytest.mark.req("D-30")
def test_reports_are_taken_for_thirty_days_and_unsubscribes_for_ever(services: Services) -> None:
    token = returns(services).token(977, b"\x01" * 16)
    for days in (10, 30):
        return_paths.read(services.tokens, f"bounces+{token}", now=clock.now() + timedelta(days=days))
    with pytest.raises(NotFound):
        return_paths.read(services.tokens, f"bounces+{token}", now=clock.now() + timedelta(days=31))
    return_paths.read(services.tokens, f"unsub+{token}", now=clock.now() + timedelta(days=900))


@pytest.mark.req("D-30", "D-36", "D-41")
async def test_each_mail_of_a_campaign_has_a_return_path_of_its_own(post: Post, people: People) -> None:
    campaign = await post.campaign([await people("ana@taken.test", "bea@taken.test")])
    await post.run()
    async with post.tx() as tx:
        hashes = dict(await tx.rows("SELECT id, address_hash FROM contacts WHERE account_id = $1"))
    found: dict[int, ReturnToken] = {}
    for mail in post.sink.accepted:
        name, token = return_paths.read(post.services.tokens, local(mail.mail_from), now=clock.now())
        assert (name, token.account_id, token.campaign_id) == ("bounces", post.account.id, campaign)
        assert hashes[token.ref_id].startswith(token.check)
        found[token.ref_id] = token
        # nobody takes mail here: no address is named that would lead nowhere (D-47)
        assert "mailto:" not in mail.message["List-Unsubscribe"]
    assert len(found) == 2


@pytest.mark.req("D-36", "D-41")
async def test_where_mails_are_taken_the_header_names_an_address_too(post: Post, people: People) -> None:
    settings = post.services.settings.model_copy(update={"inbound_listen": "127.0.0.1:2525"})
    post.services = replace(post.services, settings=settings)
    await post.campaign([await people("ana@taken.test")])
    await post.run()
    [mail] = post.sink.accepted
    web, by_mail = mail.message["List-Unsubscribe"].split(", ")
    found = re.fullmatch(r"<mailto:(unsub\+[a-z2-7]+)@mailer\.localhost\?subject=([\w-]+)>", by_mail)
    assert found is not None
    # the same token as the page's, which acts after the delivery is gone (S9)
    assert web == f"<{post.services.settings.track_url}/t/unsubscribe/{found[2]}>"
    assert return_paths.read(post.services.tokens, found[1], now=clock.now())[0] == "unsub"
    assert all(len(line) <= 998 for line in mail.raw.split(b"\r\n"))
