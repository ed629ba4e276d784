"""The way back to a list: a mail to the person, and the person's own confirmation (B-26, B-28).

ask ─▶ outbox "confirm_subscription" ─▶ GET shows, POST does ─▶ confirm ─▶ active
"""

from enum import StrEnum

from lists import consents, subscriptions
from lists.consents import Evidence, Method
from mailer.accounts import identity
from mailer.core import clock, outbox
from mailer.core.db import AccountTx
from mailer.core.errors import Gone, NotFound
from mailer.core.links import Links
from mailer.core.tokens import RecipientToken

ASK_AGAIN_MINUTES = 10
CONFIRM_DAYS = 30  # B-26: what nobody confirms is forgotten after this


class Asked(StrEnum):
    """What became of a wish to come back: a mail left; one left less than 10 min ago; no address to write to
    any more; the team's own stop is in the way; the subscription is active, so there is nothing to confirm.
    """

    SENT = "sent"
    RECENT = "recent"
    GONE = "gone"
    BLOCKED = "blocked"
    ACTIVE = "active"


async def ask(tx: AccountTx, who: RecipientToken, links: Links, *, source: str = "") -> Asked:
    """Sends the person a mail with the way back; nothing else changes (B-28). At most one in 10 minutes."""
    asker = await subscriptions.person(tx, who)
    listed = await tx.rows(
        """
        SELECT public_name, frequency
        FROM mailing_lists
        WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL
        """,
        who.list_id,
    )
    if asker is None or not listed:
        return Asked.GONE
    list_name, frequency = listed[0]
    # two presses at the same moment: the second waits here and then sees the first's line
    await tx.run("SELECT FROM contacts WHERE account_id = $1 AND id = $2 FOR NO KEY UPDATE", asker.contact_id)
    state = await _state(tx, asker.contact_id, who)
    if state is not None:
        return state
    own = RecipientToken(tx.account_id, who.list_id, asker.contact_id, who.address_hash, who.campaign_id)
    await tx.run(
        """
        INSERT INTO subscriptions (account_id, list_id, contact_id, status)
        SELECT $1::bigint, $2::bigint, $3::bigint, 'pending'
        WHERE NOT EXISTS (SELECT FROM suppressions
                          WHERE account_id = $1 AND address_hash = $4 AND stops(suppressions, $2))
        ON CONFLICT DO NOTHING
        """,
        who.list_id,
        asker.contact_id,
        who.address_hash,
    )
    await consents.write(tx, own, "asked", evidence=Evidence(method=Method.LINK, source=source))
    account = await identity.of(tx)
    await outbox.write(
        tx,
        "confirm_subscription",
        asker.email,
        language=asker.language or account.language,
        details={
            "link": links.confirm(own),
            "list": list_name,
            "frequency": frequency,
            "sender": account.legal_name or account.account_name,
            "contact": account.contact_email,
            "source": source,
            "asked_at": clock.now().isoformat(timespec="seconds"),
            "zone": account.time_zone,
        },
    )
    return Asked.SENT


async def _state(tx: AccountTx, contact_id: int, who: RecipientToken) -> Asked | None:
    """What makes a mail needless, or None."""
    row = await tx.rows(
        """
        SELECT EXISTS (SELECT FROM suppressions
                       WHERE account_id = $1 AND address_hash = $2 AND stops(suppressions, $3)
                         AND reason = 'added'),
               EXISTS (SELECT FROM suppressions
                       WHERE account_id = $1 AND address_hash = $2 AND stops(suppressions, $3)),
               EXISTS (SELECT FROM subscriptions
                       WHERE account_id = $1 AND list_id = $3 AND contact_id = $4 AND status = 'active'),
               EXISTS (SELECT FROM consents
                       WHERE account_id = $1 AND contact_id = $4 AND act = 'asked' AND list_id = $3
                         AND at > now() - make_interval(mins => $5))
        """,
        who.address_hash,
        who.list_id,
        contact_id,
        ASK_AGAIN_MINUTES,
    )
    blocked, stopped, active, recent = row[0]
    if blocked:
        return Asked.BLOCKED
    if active and not stopped:
        return Asked.ACTIVE
    return Asked.RECENT if recent else None


async def confirm(
    tx: AccountTx,
    who: RecipientToken,
    *,
    wording: str = "",
    ip: str | None = None,
    proof: Evidence | None = None,
) -> None:
    """The person's own fresh act: the list's refusal is lifted and the subscription active (B-28, C-01).

    `proof` in the place of `wording`: more is known of where it was asked.

    Idempotent. Raises Gone when nobody asked in the last 30 days or the person left again since, NotFound
    when contact or list are no more. Choices about measurement stay as they are. `ip` is kept for a while as
    proof that it was a person's act (B-25).
    """
    asker = await subscriptions.person(tx, who)
    listed = await tx.value(
        "SELECT true FROM mailing_lists WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL", who.list_id
    )
    if asker is None or not listed:
        raise NotFound
    # erased, merged or given another address since the look above: this link says nothing of that one
    if not await tx.value(
        "SELECT id FROM contacts WHERE account_id = $1 AND id = $2 AND address_hash = $3 FOR NO KEY UPDATE",
        asker.contact_id,
        who.address_hash,
    ):
        raise NotFound
    if await _confirmable(tx, asker.contact_id, who) == "done":
        return
    await _lift(tx, who)
    await tx.run(
        """
        INSERT INTO subscriptions (account_id, list_id, contact_id, status, legal_basis)
        VALUES ($1, $2, $3, 'active', 'consent')
        ON CONFLICT (account_id, list_id, contact_id) DO UPDATE
        SET status = 'active', legal_basis = 'consent', status_at = now()
        """,
        who.list_id,
        asker.contact_id,
    )
    await tx.run(
        "UPDATE contacts SET last_act_at = now() WHERE account_id = $1 AND id = $2", asker.contact_id
    )
    own = RecipientToken(tx.account_id, who.list_id, asker.contact_id, who.address_hash)
    evidence = proof or Evidence(method=Method.CONFIRMATION, legal_basis="consent", wording=wording, ip=ip)
    await consents.write(tx, own, "confirmed", evidence=evidence)


async def _confirmable(tx: AccountTx, contact_id: int, who: RecipientToken) -> str:
    """By the ledger's last line about this list: "done", or "asked". Raises Gone."""
    last = await tx.rows(
        """
        SELECT act, at > now() - make_interval(days => $4)
        FROM consents
        WHERE account_id = $1 AND contact_id = $2 AND purpose = 'mail' AND (list_id = $3 OR list_id IS NULL)
        ORDER BY id DESC
        LIMIT 1
        """,
        contact_id,
        who.list_id,
        CONFIRM_DAYS,
    )
    act, fresh = last[0] if last else ("", False)
    if act == "confirmed":
        return "done"
    if act != "asked" or not fresh:
        raise Gone
    return "asked"


async def _lift(tx: AccountTx, who: RecipientToken) -> None:
    """Lifts what stood between the person and this list, and nothing for any other list.

    A stop of everything stays, and notes the list the person came back to: no other list, made or yet to be
    made, gains anything by it. What the team itself added stays.
    """
    await tx.run(
        """
        UPDATE suppressions
        SET returned_to = array_append(returned_to, $3)
        WHERE account_id = $1 AND address_hash = $2 AND list_id IS NULL AND $3 <> ALL (returned_to)
          AND reason IN ('unsubscribed', 'complained', 'objected')
        """,
        who.address_hash,
        who.list_id,
    )
    # a bounce too, and of everything: the mail with this link did arrive
    await tx.run(
        """
        DELETE FROM suppressions
        WHERE account_id = $1 AND address_hash = $2
          AND ((list_id = $3 AND reason <> 'added') OR (list_id IS NULL AND reason = 'bounced'))
        """,
        who.address_hash,
        who.list_id,
    )
