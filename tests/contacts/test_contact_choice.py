"""What programs ask for of contacts: which, and which of their members."""

from datetime import timedelta

import pytest

from mailer.core import clock
from mailer.core.services import Services
from tests.make import Make


@pytest.mark.req("E-66")
async def test_only_the_members_that_were_asked_for(make: Make) -> None:
    api = await make.program((await make.account()).id)
    made = (await api.post("/api/v1/contacts", json={"email": "ana@x.test", "first_name": "Ana"})).json()
    found = await api.get("/api/v1/contacts", params={"fields": "email, id,email"})
    assert found.json()["items"] == [{"id": made["id"], "email": "ana@x.test"}]
    one = await api.get(f"/api/v1/contacts/{made['id']}", params={"fields": "first_name,lists"})
    assert one.json() == {"first_name": "Ana", "lists": []}
    assert (await api.get(f"/api/v1/contacts/{made['id']}")).json() == made
    for path in ("/api/v1/contacts", f"/api/v1/contacts/{made['id']}"):
        wrong = await api.get(path, params={"fields": "email,address_hash"})
        assert (wrong.status, wrong.json()["errors"][0]["field"]) == (422, "fields")


@pytest.mark.req("E-66")
async def test_contacts_changed_since_come_oldest_change_first_and_page_by_page(
    make: Make, services: Services
) -> None:
    account = await make.account()
    api = await make.program(account.id)
    async with services.db.account(account.id) as tx:
        listed = await make.mailing_list(tx)
        ids = [await make.contact(tx, list_id=listed if n % 2 else None) for n in range(7)]
        for n, contact_id in enumerate(reversed(ids)):
            await tx.run(
                "UPDATE contacts SET updated_at = now() - make_interval(hours => $3) WHERE account_id = $1 AND id = $2",
                contact_id,
                n // 2,
            )
    since = (clock.now() - timedelta(hours=2, minutes=30)).isoformat()
    found, cursor = [], ""
    while True:
        params = {"updated_since": since, "limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await api.get("/api/v1/contacts", params=params)).json()
        found += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == [ids[1], ids[2], ids[3], ids[4], ids[5], ids[6]]
    only = {"updated_since": since, "list_id": str(listed), "status": "active"}
    page = (await api.get("/api/v1/contacts", params=only)).json()
    assert [one["id"] for one in page["items"]] == [ids[1], ids[3], ids[5]]
    for wrong in ({"updated_since": "yesterday"}, {"updated_since": since, "q": "a"}):
        assert (await api.get("/api/v1/contacts", params=wrong)).status == 422
    later = (clock.now() + timedelta(hours=1)).isoformat()
    assert (await api.get("/api/v1/contacts", params={"updated_since": later})).json()["items"] == []
    damaged = {"updated_since": since, "cursor": "WyJub3QgYSBkYXkiLDFd"}
    assert (await api.get("/api/v1/contacts", params=damaged)).status == 422
