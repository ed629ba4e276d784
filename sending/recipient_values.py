"""A contact as the merge language sees it (S14): columns, and custom fields by their type."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from mailer.core.db import AccountTx
from sending.merge_filters import Value


async def field_types(tx: AccountTx) -> dict[str, str]:
    """Key → text, number, date, boolean or list."""
    return dict(await tx.rows("SELECT key, type FROM fields WHERE account_id = $1"))


def values(
    *,
    email: str,
    first_name: str,
    last_name: str,
    language: str,
    fields: Mapping[str, Any],
    types: Mapping[str, str],
) -> dict[str, Value]:
    """Plain values by merge name; a field that this contact lacks is None, so that `default` applies."""
    found: dict[str, Value] = dict.fromkeys(types)
    for key, value in fields.items():
        found[key] = _typed(value, types.get(key, "text"))
    return found | {"email": email, "first_name": first_name, "last_name": last_name, "language": language}


def _typed(value: Any, kind: str) -> Value:
    # dates stand in jsonb as their ISO text
    if kind == "date" and isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            return value
    if isinstance(value, list):
        return [str(item) for item in value]
    return value if isinstance(value, str | int | float | bool) else None
