"""A published sign-up form, and what a person or a robot does with it over HTTP."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from lists import signup_forms, signup_versions
from lists.signup_forms import Draft, SignupForm
from mailer.core import clock
from mailer.core.links import Links
from mailer.core.services import Services
from tests.client import Answer, Client
from tests.make import Account, Make

ADA = "ada@sign-up.test"
PRIVACY = "https://pain.test/confidentialite"


@dataclass
class Scene:
    """`list_ids`: of the form's boxes. `path`: its public page."""

    services: Services
    make: Make
    client: Client
    account: Account
    list_ids: list[int]
    form: SignupForm

    def tx(self):
        return self.services.db.account(self.account.id)

    @property
    def path(self) -> str:
        return f"/t/form/{self.account.id}-{self.form.public_key}"

    async def publish(self, **changes: object) -> SignupForm:
        """With these changes."""
        async with self.tx() as tx:
            draft = (await signup_forms.show(tx, self.form.id)).content
            new = Draft.model_validate(draft.model_dump() | changes)
            await signup_forms.write(tx, self.form.id, new)
            self.form = await signup_versions.publish(tx, self.form.id, processor="Mailer")
        return self.form

    async def look(self) -> dict[str, str]:
        """The page's hidden fields, some seconds after it was shown."""
        page = await self.client.get(self.path)
        assert page.status == 200, page.text
        clock.shift(timedelta(seconds=5))
        return dict(re.findall(r'name="(version|stamp)" value="([^"]*)"', page.text))

    async def send(self, email: str = ADA, **answers: Any) -> Answer:
        """The hosted page as a person uses it; a list is ticked unless said otherwise."""
        clock.shift(timedelta(0))
        hidden = await self.look()
        sent = {"email": email, "list": [str(one) for one in self.list_ids[:1]]} | hidden | answers
        return await self.client.post(
            self.path, {name: sent[name] for name in sent if sent[name] is not None}
        )

    async def mails(self) -> list[tuple[str, str]]:
        """Recipient and link of each mail that asks for a confirmation, the oldest first."""
        async with self.services.db.shared() as tx:
            return await tx.rows(
                """
                SELECT recipient, details ->> 'link' FROM outbox
                WHERE account_id = $1 AND kind = 'confirm_sign_up'
                ORDER BY id
                """,
                self.account.id,
            )

    async def confirm_path(self, n: int = -1) -> str:
        base = Links(self.services.tokens, self.services.settings.track_url).base
        return (await self.mails())[n][1].removeprefix(base)

    async def contact(self, email: str = ADA) -> dict[str, Any]:
        async with self.tx() as tx:
            rows = await tx.rows(
                "SELECT to_jsonb(c) - 'address_hash' FROM contacts c WHERE account_id = $1 AND email = $2",
                email,
            )
        return rows[0][0] if rows else {}

    async def statuses(self, email: str = ADA) -> dict[int, str]:
        async with self.tx() as tx:
            rows = await tx.rows(
                """
                SELECT s.list_id, s.status FROM subscriptions s
                JOIN contacts c ON c.account_id = $1 AND c.id = s.contact_id
                WHERE s.account_id = $1 AND c.email = $2
                """,
                email,
            )
        return dict(rows)

    async def ledger(self) -> list[tuple[Any, ...]]:
        """act, purpose, method, form, version, wording."""
        async with self.tx() as tx:
            return await tx.rows(
                """
                SELECT c.act, c.purpose, c.method, c.source_id, c.source_version, coalesce(w.text, c.wording)
                FROM consents c
                LEFT JOIN wordings w ON w.account_id = $1 AND w.id = c.wording_id
                WHERE c.account_id = $1
                ORDER BY c.id
                """
            )

    async def waiting(self) -> int:
        async with self.tx() as tx:
            return int(await tx.value("SELECT count(*) FROM signup_requests WHERE account_id = $1"))


async def make_scene(make: Make, client: Client, *, publish: bool = True, **draft: object) -> Scene:
    services = make.services
    account = await make.account()
    async with services.db.account(account.id) as tx:
        list_ids = [await make.mailing_list(tx, "Recettes"), await make.mailing_list(tx, "Promotions")]
        wanted: dict[str, object] = {
            "name": "Site",
            "language": "en",
            "fields": [{"key": "first_name"}],
            "purposes": [{"list_id": one} for one in list_ids],
            "privacy_url": PRIVACY,
        }
        form = await signup_forms.create(tx, Draft.model_validate(wanted | draft))
        if publish:
            form = await signup_versions.publish(tx, form.id, processor="Mailer")
    return Scene(services, make, client, account, list_ids, form)
