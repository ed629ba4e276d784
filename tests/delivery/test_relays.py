"""Servers of somebody else's: aiosmtpd with TLS and passwords, and our own inbox at the end of a campaign."""

from dataclasses import replace
from pathlib import Path

import pytest

from sending import inbox, inbox_server, smtp
from sending.smtp import Mail, Pool
from sending.smtp_url import Server, Tls
from tests.delivery.conftest import People, Post
from tests.delivery.relay import certificate, relay

__all__ = ["certificate"]
MAIL = Mail("bounces@mailer.test", "ana@example.test", b"Subject: Pain\r\n\r\nBonjour\r\n")


@pytest.mark.req("D-18")
@pytest.mark.parametrize("tls", ["opportunistic", "starttls", "implicit", "none"])
async def test_each_way_of_encrypting(certificate: Path, tls: Tls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with relay(certificate, tls) as (kept, port):
        pool = Pool(Server("127.0.0.1", port, tls), "client.test")
        reply = await pool.hand_over(MAIL)
        await pool.close()
    assert reply.code == 250
    assert kept.mails == [("ana@example.test", tls != "none", False)]


@pytest.mark.req("D-18")
@pytest.mark.parametrize(
    ("tls", "taken"), [("opportunistic", True), ("starttls", False), ("implicit", False)]
)
async def test_a_certificate_of_nobodys_is_refused_where_tls_is_demanded(
    certificate: Path, tls: Tls, taken: bool
) -> None:
    async with relay(certificate, tls) as (kept, port):
        pool = Pool(Server("127.0.0.1", port, tls), "client.test")
        reply = await pool.hand_over(MAIL)
        await pool.close()
    assert (reply.code == 250, reply.stage == "connect") == (taken, not taken)
    assert [secure for _, secure, _ in kept.mails] == ([True] if taken else [])


@pytest.mark.req("D-18")
async def test_without_starttls_nothing_leaves_where_it_is_demanded(certificate: Path) -> None:
    async with relay(certificate, "none") as (kept, port):
        reply = await Pool(Server("127.0.0.1", port, "starttls"), "client.test").hand_over(MAIL)
    assert (reply.stage, reply.code) == ("connect", 0)
    assert kept.mails == []


@pytest.mark.parametrize(("password", "code"), [("s3cret", 250), ("wrong", 535)])
async def test_the_password_is_given_and_a_wrong_one_is_told(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, password: str, code: int
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with relay(certificate, "starttls", auth=True) as (kept, port):
        pool = Pool(Server("127.0.0.1", port, "starttls", "post", password), "client.test")
        reply = await pool.hand_over(MAIL)
        await pool.close()
    assert reply.code == code
    assert len(kept.mails) == (code == 250)
    assert "s3cret" not in repr(pool.server)


@pytest.mark.req("D-32")
async def test_a_campaign_ends_in_the_local_inbox(post: Post, people: People) -> None:
    tag = f"inbox-{post.account.id}.test"
    listed = await people(f"ana@{tag}", f"zoé@{tag}", f"bounce@{tag}", f"full@{tag}")
    settings = post.services.settings.model_copy(update={"inbox": "127.0.0.1:0"})
    async with inbox_server.listening(settings, post.services.db) as port:
        changed = settings.model_copy(update={"inbox": f"127.0.0.1:{port}"})
        post.services = replace(post.services, settings=changed)
        campaign = await post.campaign([listed])
        await post.run()
        await smtp.close_pools()
    assert await post.states(campaign) == {
        f"ana@{tag}": ("delivered", ""),
        f"zoé@{tag}": ("delivered", ""),
        f"bounce@{tag}": ("bounced", "hard"),
        f"full@{tag}": ("queued", ""),
    }
    async with post.services.db.shared() as tx:
        found = await inbox.many(tx, tag)
    assert {line.recipient: line.subject for line in found} == {
        f"ana@{tag}": "Du pain Ana",
        f"zoé@{tag}": "Du pain Ana",
    }
    assert {line.campaign for line in found} == {(post.account.id, campaign)}
