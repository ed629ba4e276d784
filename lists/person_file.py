"""The file of one person: all that is held about them, for programs and for reading (C-10, C-15).

Nothing of it is stored: it is gathered when it is fetched, so that no copy waits to be erased. The link in
the mail lives six days, and a day after the first time it was used.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson

from lists import contact_history, csv_write, rights_requests
from lists.person_words import HEADINGS, KEPT, LABELS
from lists.rights_acts import COPY_LIVES
from lists.rights_requests import Request
from mailer.accounts import destinations, identity, sub_processors
from mailer.accounts.destinations import Destination
from mailer.accounts.identity import Identity
from mailer.core.db import AccountTx
from mailer.core.operator import Operator
from mailer.core.sealing import Sealer
from mailer.web import i18n, response, templating

SECOND_LOOK = timedelta(hours=24)


async def fetchable(tx: AccountTx, sealer: Sealer, request_id: int, *, now: datetime) -> Request | None:
    """None when the time is over, or the person is gone. Raises NotFound for no such request."""
    found = await rights_requests.show(tx, sealer, request_id)
    if found.copy_sent_at is None or found.contact_id is None or found.copy_sent_at + COPY_LIVES <= now:
        return None
    if found.copied_at is not None and found.copied_at + SECOND_LOOK <= now:
        return None
    return found


async def note_fetched(tx: AccountTx, request_id: int, now: datetime) -> None:
    await tx.run(
        """
        UPDATE rights_requests
        SET copied_at = coalesce(copied_at, $3)
        WHERE account_id = $1 AND id = $2
        """,
        request_id,
        now,
    )


async def gather(tx: AccountTx, contact_id: int, operator: Operator, *, now: datetime) -> dict[str, Any]:
    """What article 15 asks for: the data, and who uses it for what, with whom, how long. Raises NotFound."""
    held = await contact_history.archive(tx, contact_id)
    recipients = await _recipients(tx, operator, now)
    return {"about": _about(await identity.of(tx), operator, recipients, now)} | {
        name: response.jsonable(value) for name, value in held.items()
    }


async def _recipients(tx: AccountTx, operator: Operator, now: datetime) -> list[dict[str, str]]:
    """Art. 15(1)(c), of today: hosts, sub-processors by the register, and where the account sends data."""
    register = await sub_processors.register(tx.shared(), operator, now)
    found = [
        *({"name": one.name, "service": one.service, "country": one.country} for one in operator.hosts),
        *(
            {
                "name": one.name,
                "service": one.service,
                "country": one.country,
                "data": one.data,
                "safeguards": one.safeguards,
            }
            for one in register.current
        ),
        *(
            {
                "name": _public_name(one),
                "service": i18n.translate(destinations.KINDS[one.kind]),
                "country": one.country,
                "data": i18n.translate(destinations.DATA[one.kind]),
                "safeguards": one.safeguards,
            }
            for one in await destinations.many(tx)
        ),
    ]
    return [{name: text for name, text in one.items() if text} for one in found]


def _public_name(one: Destination) -> str:
    """Of a webhook without a name the host alone: its address may hold a secret."""
    if one.kind != "webhook" or "://" not in one.label:
        return one.label
    return re.split(r"[/?#]", one.label.partition("://")[2])[0].rpartition("@")[2]


def _about(
    controller: Identity, operator: Operator, recipients: list[dict[str, str]], now: datetime
) -> dict[str, Any]:
    """Art. 15(1) a to h and 15(2), from what is known; a missing fact is left out, never made up."""
    return {
        "made_at": response.jsonable(now),
        "controller": {
            "name": controller.legal_name or controller.account_name,
            "address": controller.postal_address,
            "contact": controller.contact_email,
        },
        "processor": {"name": operator.name, "address": operator.address, "data_protection": operator.dpo},
        "recipients": recipients,
        "purposes": i18n.translate(
            "Sending the e-mails of the lists below, on the legal basis that stands beside each, and"
            " honouring refusals."
        ),
        "profiling": i18n.translate(
            "Groups for sending may be made from the fields, lists, tags and acts below. No decision with a"
            " legal effect is taken by a machine alone."
        ),
        "rights": i18n.translate(
            "You may have your data corrected, erased, its use suspended, object to it, and take it"
            " elsewhere, free of charge, and complain to your data protection authority, in France the"
            " CNIL (cnil.fr)."
        ),
    }


def machine_readable(found: Mapping[str, Any]) -> bytes:
    """JSON, UTF-8; the names are those of the documentation."""
    return orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def table(found: Mapping[str, Any]) -> bytes:
    """CSV, UTF-8: a line for each value, `part`, `row` in it, `name`, `value`; what nests is JSON (C-15)."""
    lines = [["part", "row", "name", "value"]]
    for part, held in found.items():
        rows = held if isinstance(held, list) else [held]
        for n, row in enumerate(rows, start=1):
            pairs = row.items() if isinstance(row, Mapping) else [("", row)]
            lines += [[part, str(n), str(name), _cell(value)] for name, value in pairs]
    return csv_write.encode(lines)


def _cell(value: object) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return orjson.dumps(value).decode()


def readable(found: Mapping[str, Any], controller: Identity) -> str:
    """One page without script, image or address to load, in the language of the request."""
    sections = [
        (
            i18n.translate(HEADINGS.get(name, name)),
            _kept(value) if name == "kept" and isinstance(value, dict) else _block(value),
        )
        for name, value in found.items()
        if isinstance(value, list | dict) and value
    ]
    facts = {name: value for name, value in found.items() if not isinstance(value, list | dict)}
    context = {
        "sender": controller.legal_name or controller.account_name,
        "facts": _pairs(facts),
        "sections": sections,
    }
    return templating.render_text("lists/recipients/person_file.html", context)


def _kept(parts: Mapping[str, str]) -> list[list[tuple[str, str]]]:
    """Periods are words of ours, in the JSON in English."""
    names = HEADINGS | KEPT
    return [[(i18n.translate(names.get(name, name)), i18n.translate(text)) for name, text in parts.items()]]


def _block(value: object) -> list[list[tuple[str, str]]]:
    """Rows of (label, text)."""
    if isinstance(value, Mapping):
        return [_pairs(value)]
    if isinstance(value, list):
        return [_pairs(one) if isinstance(one, Mapping) else [("", _text(one))] for one in value]
    return [[("", _text(value))]]


def _pairs(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (i18n.translate(LABELS.get(name, name)), _text(value))
        for name, value in row.items()
        if value not in (None, "", [], {})
    ]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return i18n.translate("Yes") if value else i18n.translate("No")
    if isinstance(value, Mapping):
        return "; ".join(f"{label}{i18n.translate(':')} {text}" for label, text in _pairs(value))
    if isinstance(value, list):
        return " | ".join(_text(one) for one in value)
    return str(value)
