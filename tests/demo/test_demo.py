"""Where the demonstration has nothing to do, and what it says when it cannot go on."""

import pytest

from mailer import demo, demo_campaign
from mailer.core.services import Services
from mailer.core.settings import Settings


async def test_nothing_happens_where_mail_would_leave(
    settings: Settings, services: Services, capsys: pytest.CaptureFixture[str]
) -> None:
    """A real SMTP server, or a public address."""
    real = {"smtp_url": "smtp://relay.example:587"}, {"public_url": "https://mailer.example"}
    for changes in real:
        changed = Settings.model_construct(**{**settings.model_dump(), **changes})
        assert await demo.run(changed) == 0
        assert "only with the local inbox" in capsys.readouterr().out
    async with services.db.shared() as tx:
        made = await tx.value("SELECT count(*) FROM accounts WHERE sample")
    assert made == 0


async def test_without_workers_it_stops_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_campaign, "WAIT_SECONDS", 0.3)

    async def never() -> bool:
        return False

    with pytest.raises(demo_campaign.DemoStopped, match="Is a worker running"):
        await demo_campaign.until(never, "the import to be done")
