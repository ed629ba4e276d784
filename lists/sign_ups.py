"""Somebody signs up by a form: asked, written to, confirmed by the owner of the address (B-25, B-26, E-14).

    ask ─▶ request + pending + ledger "asked" ─▶ outbox ─▶ GET shows, POST does ─▶ sign_up_requests.confirm

What was typed stays in `signup_requests` until the owner of the address confirms: no stranger changes a
known contact, or fills in a new one. Whoever asks is told the same in every case: nobody learns who is known.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from lists import consents, contacts, sign_up_requests
from lists.consents import Evidence, Method
from lists.sign_up_answers import Answers
from lists.signup_versions import Published
from lists.signup_words import Frozen
from mailer.accounts import identity
from mailer.core import clock, keys, outbox
from mailer.core.addresses import Address
from mailer.core.db import AccountTx
from mailer.core.errors import NotFound
from mailer.core.links import Links
from mailer.core.sealing import Sealer
from mailer.core.tokens import RecipientToken
from mailer.web import i18n

# E-14: one mail for an address and a list in this time. A link of a mail may ask sooner (`confirmations`):
# whoever presses it has the mailbox
ASK_AGAIN_HOURS = 4
LINK_LIVES = timedelta(days=3 * 365)  # the row decides; its 30 days over, the page says so


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person sent: by which form, read where."""

    form: Published
    words: Frozen
    answers: Answers
    page: str


@dataclass(frozen=True, slots=True)
class _Person:
    """`new`: this request made the row. `bare`: nothing but requests is known of this contact."""

    id: int
    hashed: bytes
    new: bool
    bare: bool


@dataclass(frozen=True, slots=True)
class _Open:
    """A list that may be asked for now. `stopped`: a refusal stands there, which the person can lift.

    `strict`: only by a confirmation.
    """

    id: int
    public_name: str
    frequency: str
    strict: bool
    stopped: bool


@dataclass(frozen=True, slots=True)
class _Case:
    """One wish, and what of it can be asked for."""

    wish: Wish
    address: Address
    person: _Person
    wanted: Sequence[_Open]
    request_id: int


async def ask(tx: AccountTx, sealer: Sealer, links: Links, wish: Wish) -> None:
    """Writes down the wish and mails the owner of the address; at most one mail in 4 hours a list.

    Without double opt-in an address that nobody knows is subscribed at once; every other is asked all the
    same.
    """
    address = contacts.read_address(wish.answers.email)
    hashed = keys.address_hash(await keys.hash_key(tx, sealer), address.key)
    person = await _person(tx, address, hashed, wish.words.language)
    wanted = await _open(tx, person, wish.answers.list_ids)
    if not wanted:
        return
    case = _Case(wish, address, person, wanted, await _note(tx, person, wish, [one.id for one in wanted]))
    await tx.run(
        "UPDATE signup_forms SET asked = asked + 1 WHERE account_id = $1 AND id = $2", wish.form.form_id
    )
    if person.new and not wish.words.double_opt_in and not any(one.strict for one in wanted):
        await _subscribe(tx, case)
    else:
        await _ask(tx, case)
        await _write_to(tx, links, case)


async def _person(tx: AccountTx, address: Address, hashed: bytes, language: str) -> _Person:
    """The contact of this address, made with nothing but the address when there is none; locked."""
    made = await tx.value(
        """
        INSERT INTO contacts (account_id, email, address_key, address_hash, language, source)
        VALUES ($1, $2, $3, $4, $5, 'form')
        ON CONFLICT ON CONSTRAINT contacts_address_key DO NOTHING
        RETURNING id
        """,
        address.email,
        address.key,
        hashed,
        language,
    )
    # two at the same moment: the second waits here and then sees the first's lines
    rows = await tx.rows(
        """
        SELECT id, source = 'form' AND last_act_at IS NULL
        FROM contacts
        WHERE account_id = $1 AND address_key = $2
        FOR NO KEY UPDATE
        """,
        address.key,
    )
    if not rows:
        raise NotFound
    return _Person(rows[0][0], hashed, made is not None, rows[0][1])


async def _open(tx: AccountTx, person: _Person, list_ids: Sequence[int]) -> list[_Open]:
    """Of these lists those that are there, not stopped by the team itself, and not asked for a moment ago."""
    return await tx.many(
        _Open,
        """
        SELECT l.id, l.public_name, l.frequency, l.double_opt_in OR o.stopped AS strict, o.stopped
        FROM mailing_lists l
        CROSS JOIN LATERAL (
            SELECT EXISTS (SELECT FROM suppressions s
                           WHERE s.account_id = $1 AND s.address_hash = $3 AND stops(s, l.id)) AS stopped
        ) o
        WHERE l.account_id = $1 AND l.id = ANY($2::bigint[]) AND l.deleted_at IS NULL
          AND NOT EXISTS (SELECT FROM suppressions s
                          WHERE s.account_id = $1 AND s.address_hash = $3 AND stops(s, l.id)
                            AND s.reason = 'added')
          AND NOT EXISTS (SELECT FROM consents c
                          WHERE c.account_id = $1 AND c.contact_id = $4 AND c.purpose = 'mail'
                            AND c.act = 'asked' AND c.list_id = l.id
                            AND c.at > now() - make_interval(hours => $5))
        ORDER BY array_position($2::bigint[], l.id)
        """,
        list(list_ids),
        person.hashed,
        person.id,
        ASK_AGAIN_HOURS,
    )


async def _note(tx: AccountTx, person: _Person, wish: Wish, list_ids: list[int]) -> int:
    answers = wish.answers
    request_id: int = await tx.value(
        """
        INSERT INTO signup_requests (account_id, form_id, version, contact_id, address_hash, list_ids, given)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        RETURNING id
        """,
        wish.form.form_id,
        wish.form.version,
        person.id,
        person.hashed,
        list_ids,
        {
            "first_name": answers.first_name,
            "last_name": answers.last_name,
            "fields": dict(answers.fields),
            "opens": answers.opens,
            "clicks": answers.clicks,
            "guardian": answers.guardian,
            "page": wish.page,
        },
    )
    return request_id


async def _ask(tx: AccountTx, case: _Case) -> None:
    """Pending where nothing stands in the way; a refusal stays until the person's own confirmation (B-28)."""
    # B-26: 30 days from the last time it was asked for
    await tx.run(
        """
        INSERT INTO subscriptions (account_id, list_id, contact_id, status)
        SELECT $1::bigint, list_id, $2::bigint, 'pending'
        FROM unnest($3::bigint[]) AS l (list_id)
        ON CONFLICT (account_id, list_id, contact_id) DO UPDATE
        SET status_at = now()
        WHERE subscriptions.status = 'pending'
        """,
        case.person.id,
        [one.id for one in case.wanted if not one.stopped],
    )
    for one in case.wanted:
        who = RecipientToken(tx.account_id, one.id, case.person.id, case.person.hashed)
        read = sign_up_requests.read(case.wish.words, one.id, guardian=case.wish.answers.guardian)
        await consents.write(tx, who, "asked", evidence=_proof(case.wish, read))


def _proof(wish: Wish, wording: str) -> Evidence:
    """The address of the network is not kept (B-25 asks for it only where it is collected)."""
    return Evidence(
        method=Method.FORM,
        legal_basis="consent",
        source=wish.page,
        wording=wording,
        source_id=wish.form.form_id,
        source_version=wish.form.version,
    )


async def _write_to(tx: AccountTx, links: Links, case: _Case) -> None:
    """No word of what was typed stands in this mail: whoever typed it may not be its reader."""
    account = await identity.of(tx)
    now, language = clock.now(), case.wish.words.language
    expires = int((now + LINK_LIVES).timestamp())
    with i18n.speaking(language):
        day = i18n.day(now, account.time_zone)
    await outbox.write(
        tx,
        "confirm_sign_up",
        case.address.email,
        language=language,
        details={
            "link": links.sign_up(tx.account_id, case.request_id, expires=expires),
            "list": ", ".join(one.public_name for one in case.wanted),
            "frequency": case.wanted[0].frequency if len(case.wanted) == 1 else "",
            "sender": account.legal_name or account.account_name,
            "address": account.postal_address,
            "contact": account.contact_email,
            "known": not case.person.bare,
            "date": day,
            "time": now.astimezone(i18n.zone(account.time_zone)).strftime("%H:%M"),
            "form": case.wish.words.title,
        },
    )


async def _subscribe(tx: AccountTx, case: _Case) -> None:
    """Single opt-in: the account said why (A-111); the ledger says that nothing was confirmed."""
    await tx.run(
        """
        INSERT INTO subscriptions (account_id, list_id, contact_id, status, legal_basis)
        SELECT $1::bigint, list_id, $2::bigint, 'active', 'consent'
        FROM unnest($3::bigint[]) AS l (list_id)
        ON CONFLICT DO NOTHING
        """,
        case.person.id,
        [one.id for one in case.wanted],
    )
    for one in case.wanted:
        who = RecipientToken(tx.account_id, one.id, case.person.id, case.person.hashed)
        read = sign_up_requests.read(case.wish.words, one.id, guardian=case.wish.answers.guardian)
        await consents.write(tx, who, "granted", evidence=_proof(case.wish, read))
    await sign_up_requests.settle(tx, case.request_id)
