"""An archive of an account (`archive.py`), of this installation or another, into an account of ours (B-68).

    fields, lists ─▶ contacts with refusals, subscriptions, proofs, tags, 500 a transaction ─▶ fingerprints

What is there stays as it is: a contact that the account has already is left alone, with its refusals. A no
comes before a yes: refusals are written first, and nobody is subscribed against one. To repeat it after a
failure is harmless. Fingerprints of erased contacts mean something under their own account's key only.
"""

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from lists import archive_guide, fields, mailing_lists, take_over_contacts
from lists.field_values import FieldType
from lists.fields import NewField
from lists.mailing_lists import NewMailingList
from lists.take_over_contacts import Account
from mailer.accounts import audit
from mailer.core import keys
from mailer.core.db import AccountTx, Database
from mailer.core.errors import MailerError, NotFound
from mailer.core.sealing import Sealer

STEP = 500


class NotAnArchive(MailerError):
    """This is no archive of an account, or one of a later version."""


class OtherType(MailerError):
    """A field of this key is there with another type. Change its key or delete it first."""


@dataclass(slots=True)
class Taken:
    """What was done. `known`: contacts that were there; `strange`: fingerprints of another account's key."""

    fields: int = 0
    lists: int = 0
    contacts: int = 0
    known: int = 0
    fingerprints: int = 0
    strange: int = 0


async def run(db: Database, sealer: Sealer, account_id: int, path: Path) -> Taken:
    """Raises NotAnArchive, OtherType, NotFound (no such account)."""
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise NotAnArchive from error
    taken = Taken()
    with archive:
        manifest = _manifest(archive)
        async with db.account(account_id) as tx:
            if not await tx.value("SELECT 1 FROM accounts WHERE id = $1"):
                raise NotFound
            await audit.write(tx, "imported", "archive")
            taken.fields = await _make_fields(tx, _objects(archive, "fields"))
            lists, taken.lists = await _make_lists(tx, _objects(archive, "lists"))
            account = Account(key=await keys.hash_key(tx, sealer), lists=lists, fields=await fields.many(tx))
        for chunk in _chunks(_objects(archive, "contacts/")):
            async with db.account(account_id) as tx:
                new = await take_over_contacts.add(tx, account, chunk)
            taken.contacts += new
            taken.known += len(chunk) - new
        same = manifest.get("fingerprint") == archive_guide.fingerprint(account.key)
        for chunk in _chunks(one for one in _objects(archive, "suppressions") if one["email"] is None):
            if same:
                async with db.account(account_id) as tx:
                    await take_over_contacts.stop_fingerprints(tx, account, chunk)
                taken.fingerprints += len(chunk)
            else:
                taken.strange += len(chunk)
    return taken


def _manifest(archive: zipfile.ZipFile) -> Mapping[str, Any]:
    try:
        told = orjson.loads(archive.read("manifest.json"))
    except (KeyError, orjson.JSONDecodeError) as error:
        raise NotAnArchive from error
    if (
        not isinstance(told, dict)
        or told.get("format") != archive_guide.FORMAT
        or told.get("version") != archive_guide.VERSION
    ):
        raise NotAnArchive
    return told


def _objects(archive: zipfile.ZipFile, beginning: str) -> Iterator[dict[str, Any]]:
    """Lines of the files whose name begins so, one after the other: memory stays flat."""
    for name in archive.namelist():
        if name.startswith(beginning) and name.endswith(".ndjson"):
            with archive.open(name) as lines:
                for line in lines:
                    yield orjson.loads(line)


def _chunks(objects: Iterator[dict[str, Any]]) -> Iterator[Sequence[dict[str, Any]]]:
    while chunk := list(islice(objects, STEP)):
        yield chunk


async def _make_fields(tx: AccountTx, wanted: Iterator[dict[str, Any]]) -> int:
    known = {one.key: one.type for one in await fields.many(tx)}
    made = 0
    for one in wanted:
        if one["key"] not in known:
            new = NewField(
                label=one["label"],
                key=one["key"],
                type=FieldType(one["type"]),
                options=one.get("options", []),
            )
            await fields.create(tx, new)
            made += 1
        elif known[one["key"]] != one["type"]:
            raise OtherType(f"{OtherType.__doc__} {one['key']}: {known[one['key']]}, not {one['type']}")
    return made


async def _make_lists(tx: AccountTx, wanted: Iterator[dict[str, Any]]) -> tuple[dict[int, int], int]:
    """Their ids there → ours, by name; and how many were made."""
    known = {one.name: one.id for one in await mailing_lists.names(tx)}
    ours, made = {}, 0
    for one in wanted:
        if one["deleted_at"] is not None:
            continue
        if one["name"] not in known:
            new = NewMailingList.model_validate(
                {name: one[name] for name in NewMailingList.model_fields if name in one}
            )
            known[one["name"]] = (await mailing_lists.create(tx, new)).id
            made += 1
        ours[one["id"]] = known[one["name"]]
    return ours, made
