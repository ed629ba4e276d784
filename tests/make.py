"""What a test starts from: accounts with people, contacts, lists. Use cases do the work; SQL only where none exists."""

import itertools
import secrets
from dataclasses import dataclass

from aiohttp import ClientSession

from mailer.accounts import agreements, api_keys, sessions
from mailer.core import addresses, keys
from mailer.core.db import AccountTx
from mailer.core.services import Services
from tests.client import Client

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Account:
    """`owner_id` may send; `owner_email` is confirmed."""

    id: int
    owner_id: int
    owner_email: str

    @property
    def app(self) -> str:
        return f"/app/{self.id}"


class Make:
    def __init__(self, services: Services, http: ClientSession, base: str) -> None:
        self.services, self._http, self._base = services, http, base

    async def account(self, *, agreed: bool = True, identity: bool = True, language: str = "fr") -> Account:
        """An account with an owner; agreement accepted and identity given unless said otherwise."""
        n = f"{next(_numbers)}-{secrets.token_hex(3)}"
        who = (
            ("Atelier du Pain", "1 rue des Tests, 75011 Paris", f"contact@pain-{n}.test")
            if identity
            else ("", "", "")
        )
        async with self.services.db.shared() as tx:
            account_id: int = await tx.value(
                """
                INSERT INTO accounts (name, language, legal_name, postal_address, contact_email)
                VALUES ($1, $2, $3, $4, $5)
                RETURNING id
                """,
                f"Pain {n}",
                language,
                *who,
            )
        owner_id, email = await self.user(account_id, "owner", can_send=True, language=language)
        if agreed:
            async with self.services.db.account(account_id) as tx:
                await tx.run(
                    """
                    INSERT INTO agreement_acceptances (account_id, version, user_id, person, kind)
                    SELECT $1, version, $4, $5, kind
                    FROM (VALUES ('agreement', $2), ('responsibilities', $3)) AS k (kind, version)
                    """,
                    agreements.VERSION,
                    agreements.RESPONSIBILITIES,
                    owner_id,
                    "Odile Owner",
                )
        return Account(account_id, owner_id, email)

    async def user(
        self, account_id: int | None, role: str = "owner", *, can_send: bool = False, language: str = "en"
    ) -> tuple[int, str]:
        """A confirmed person, member of the account when one is given. Returns id and address."""
        email = f"person-{next(_numbers)}-{secrets.token_hex(3)}@people.test"
        async with self.services.db.shared() as tx:
            user_id: int = await tx.value(
                """
                INSERT INTO users (email, address_key, first_name, last_name, language, email_confirmed_at)
                VALUES ($1, $1, 'Odile', 'Owner', $2, now())
                RETURNING id
                """,
                email,
                language,
            )
            if account_id is not None:
                await tx.run(
                    "INSERT INTO memberships (account_id, user_id, role, can_send) VALUES ($1, $2, $3, $4)",
                    account_id,
                    user_id,
                    role,
                    can_send,
                )
        return user_id, email

    async def signed_in(self, user_id: int, *, language: str = "en") -> Client:
        """A client with a session of this person."""
        async with self.services.db.shared() as tx:
            await tx.run("UPDATE users SET language = $2 WHERE id = $1", user_id, language)
            # an operator comes with a code (S18)
            operator = await tx.value("SELECT is_operator FROM users WHERE id = $1", user_id)
            token = await sessions.start(
                tx, user_id, ip="127.0.0.1", user_agent="tests", second_factor=operator
            )
            person = await sessions.find(tx, token)
        assert person is not None
        return Client(self._http, self._base, token, person.csrf.hex(), language=language)

    async def program(self, account_id: int, scopes: list[str] | None = None) -> Client:
        """A client with an API key of all scopes, or of these."""
        async with self.services.db.shared() as tx:
            _, key = await api_keys.create(tx, account_id, "tests", scopes=scopes or api_keys.SCOPES)
        return Client(self._http, self._base, key=key)

    async def mailing_list(self, tx: AccountTx, name: str = "") -> int:
        """Returns the list's id."""
        name = name or f"Clients {next(_numbers)}"
        return await tx.value(
            """
            INSERT INTO mailing_lists (account_id, name, public_name, purpose, frequency)
            VALUES ($1, $2, $2, 'Nos nouvelles', 'une fois par mois')
            RETURNING id
            """,
            name,
        )

    async def contact(
        self, tx: AccountTx, email: str = "", *, list_id: int | None = None, tracked: bool = False
    ) -> int:
        """A contact, with an active subscription to `list_id`. Returns its id."""
        email = email or f"ana.{next(_numbers)}@example.test"
        key = addresses.parse(email).key
        hashed = keys.address_hash(await keys.hash_key(tx, self.services.sealer), key)
        consent = "granted" if tracked else "unknown"
        contact_id: int = await tx.value(
            """
            INSERT INTO contacts (account_id, email, address_key, address_hash, first_name, first_name_key,
                                  opens, clicks)
            VALUES ($1, $2, $3, $4, 'Ana', 'ana', $5, $5)
            RETURNING id
            """,
            email,
            key,
            hashed,
            consent,
        )
        if list_id is not None:
            await tx.run(
                """
                INSERT INTO subscriptions (account_id, list_id, contact_id, status, legal_basis)
                VALUES ($1, $2, $3, 'active', 'consent')
                """,
                list_id,
                contact_id,
            )
        return contact_id

    async def moved(self, tx: AccountTx, contact_id: int, *states: str) -> None:
        """A contact's deliveries, from the queue through these states; the last of them is where they stay."""
        for status in states:
            touched = await tx.run(
                """
                UPDATE deliveries
                SET status = $3, first_at = coalesce(first_at, CASE WHEN $3 <> 'claimed' THEN now() END),
                    final_at = CASE WHEN $3 NOT IN ('queued', 'claimed', 'handing') THEN now() END,
                    lane = CASE WHEN $3 IN ('claimed', 'handing') THEN 0 END,
                    turn = CASE WHEN $3 IN ('claimed', 'handing') THEN 1 END
                WHERE account_id = $1 AND contact_id = $2
                """,
                contact_id,
                status,
            )
            assert touched
