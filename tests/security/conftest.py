"""A furnished account, and what is in the database of it: to see that nothing was changed."""

import re
from dataclasses import dataclass

import pytest

from mailer.core.services import Services
from tests.client import Client
from tests.make import Make
from tests.test_tenancy import _ids

# the first argument is the account, whatever a statement asks
_TABLES = """
    SELECT c.relname
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'account_id'
    WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relrowsecurity
          AND has_table_privilege(c.oid, 'SELECT') AND $1::bigint > 0
    ORDER BY c.relname
    """
# in how many contacts a field is filled in is counted by who looks
_ROW = "(to_jsonb(t) - 'filled' - 'filled_at')::text"


@dataclass
class House:
    """An account with a row of each kind, whose ids are under the nouns of the addresses."""

    make: Make
    ids: dict[str, int]

    @property
    def account_id(self) -> int:
        return self.ids["account"]

    async def member(self, role: str, *, can_send: bool = False) -> Client:
        user_id, _ = await self.make.user(self.account_id, role, can_send=can_send)
        return await self.make.signed_in(user_id)

    def filled(self, path: str) -> str:
        """A route's path with this account and the ids of its rows."""
        path = path.replace("{a}", str(self.account_id))
        noun = path.strip("/").removeprefix(f"{self.account_id}/").split("/")[0]
        number = str(self.ids.get("smtp-servers" if "/servers/" in path else noun, 1))
        return re.sub(r"\{(\w+)(:[^}]*)?\}", number, path)

    async def rows(self, services: Services) -> dict[str, str]:
        """Table → fingerprint of the account's rows."""
        found = {}
        async with services.db.account(self.account_id) as tx:
            for (table,) in await tx.rows(_TABLES):
                found[table] = await tx.value(
                    f"SELECT md5(string_agg({_ROW}, E'\\n' ORDER BY {_ROW})) FROM {table} t WHERE account_id = $1"
                )
        return found


@pytest.fixture
async def house(make: Make) -> House:
    return House(make, await _ids(make))
