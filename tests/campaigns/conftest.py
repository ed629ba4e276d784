"""A draft that could leave, in one line."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from mailer.core.services import Services
from sending import campaign_lists, campaigns, footer, senders
from sending.campaigns import Campaign, NewCampaign
from tests.make import Account, Make

MJML = """<mjml>
  <mj-body>
    <mj-section>
      <mj-column>
        <mj-text>
          <h1>Le pain de la semaine</h1>
          <p>Bonjour {{ contact.first_name | default("") }}, voici le seigle.</p>
          <p><a href="https://pain.example/seigle?a=1">Voir le seigle</a></p>
        </mj-text>
      </mj-column>
    </mj-section>
  </mj-body>
</mjml>
"""


@dataclass(frozen=True, slots=True)
class Ready:
    """An account, its confirmed sender, a list of `people` contacts and a draft that nothing blocks."""

    account: Account
    sender_id: int
    list_id: int
    campaign: Campaign
    people: list[int]

    @property
    def page(self) -> str:
        return f"{self.account.app}/campaigns/{self.campaign.id}"


@pytest.fixture
def ready(make: Make, services: Services) -> Callable[..., Awaitable[Ready]]:
    async def build(*, people: int = 3, source: str = "", subject: str = "Le pain de la semaine") -> Ready:
        account = await make.account()
        with_footer = footer.add_footer(MJML, language="fr")
        async with services.db.account(account.id) as tx:
            sender_id = await confirmed_sender(tx)
            list_id = await make.mailing_list(tx)
            contacts = [await make.contact(tx, list_id=list_id) for _ in range(people)]
            new = NewCampaign(name="Pain", sender_id=sender_id, subject=subject)
            campaign = await campaigns.create(tx, new)
            await campaigns.write_content(tx, campaign.id, "mjml", source or str(with_footer))
            campaign = await campaign_lists.choose(tx, campaign.id, include=[list_id], exclude=[])
        return Ready(account, sender_id, list_id, campaign, contacts)

    return build


async def confirmed_sender(tx) -> int:  # type: ignore[no-untyped-def]
    """A sender whose mailbox confirmed it."""
    return await tx.value(
        """
        INSERT INTO senders (account_id, email, address_key, name, status, confirmed_at)
        VALUES ($1, 'lettre@pain.test', 'lettre@pain.test', 'Le Pain', 'confirmed', now())
        RETURNING id
        """
    )


__all__ = ["MJML", "Ready", "confirmed_sender", "senders"]
