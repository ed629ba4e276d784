"""A campaign from "scheduled" to the SMTP server, as its recipients get it."""

import re

import pytest

from tests.delivery.conftest import People, Post


@pytest.mark.req("D-02", "D-22", "D-40", "D-41")
async def test_everybody_gets_one_mail_that_parses(post: Post, people: People) -> None:
    listed = await people("ana@example.test", "zoé@exemple.test", count=60)
    campaign = await post.campaign([listed])
    await post.run()
    assert await post.status(campaign) == "sent"
    assert sorted(post.sink.recipients) == sorted(await post.states(campaign))
    assert set((await post.states(campaign)).values()) == {("delivered", "")}
    mail = post.sink.to("ana@example.test")[0]
    message = mail.message
    assert re.fullmatch(r"bounces\+[a-z2-7]+@mailer\.localhost", mail.mail_from)
    assert message["Subject"] == "Du pain Ana"
    assert message["To"] == "Ana <ana@example.test>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert re.fullmatch(r"<http://localhost:\d+/t/unsubscribe/[\w-]+>", message["List-Unsubscribe"])
    assert f"a{post.account.id}" in message["Feedback-ID"]
    assert len({received.message["Message-ID"] for received in post.sink.accepted}) == 62
