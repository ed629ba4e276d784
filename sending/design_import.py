"""Files that become designs: .mjml, .html, or a .zip with images, made safe and told line by line (E-51).

    bytes ─ design_archive ─▶ text, images ─ html_import | mjml_import ─▶ MJML ─ images exchanged ─▶ design

Images of the archive get names of ours (A-081); those of other servers stay and are named.
"""

import asyncio
import base64
import binascii
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote

from mailer.core.db import AccountTx
from mailer.core.errors import Fault, Invalid, fault
from mailer.core.services import Services
from mailer.core.text import N_
from mailer.web import forms
from sending import (
    content,
    design_archive,
    designs,
    html_import,
    images,
    import_notes,
    merge,
    mjml_import,
    sources,
)
from sending.design_archive import Incoming
from sending.designs import Design, NewDesign
from sending.html_import import Cleaned
from sending.images import Stored
from sending.import_notes import Use
from sending.problems import Problem, warning

MAX_IMAGES = 60
_HTML = (
    "<!doctype html",
    "<html",
    "<head",
    "<body",
    "<table",
    "<div",
    "<p",
    "<h",
    "<center",
    "<span",
    "<!--",
    "<style",
)


@dataclass(frozen=True, slots=True)
class Imported:
    """`told`: what was changed or is missing, by lines of the file; `problems`: what the editor will name."""

    design: Design
    told: list[Problem]
    problems: list[Problem]


@dataclass(frozen=True, slots=True)
class _Picture:
    """An image of the file on its way to the account's."""

    address: str
    label: str
    alt: str
    stored: Stored


def read(name: str, data: bytes, *, language: str) -> tuple[Incoming, Cleaned]:
    """A file made safe; its images still to come. Seconds of CPU: in a thread. Raises Invalid at `file`."""
    incoming = design_archive.read(name, data)
    return incoming, _cleaned(incoming, language)


async def take(
    services: Services, account_id: int, file: tuple[str, bytes], *, name: str, language: str
) -> Imported:
    """`file`: its name and bytes. No transaction waits for the work on images. Raises Invalid."""
    incoming, cleaned = await asyncio.to_thread(read, *file, language=language)
    told = list(cleaned.told)
    if incoming.others:
        message = N_("Files that a design does not use were left out: {names}.")
        told.append(warning(0, "others", message, names=", ".join(incoming.others[:5])))
    pictures = await _pictures(services, account_id, incoming, cleaned, told)
    async with services.db.account(account_id) as tx:
        return await _add(tx, services, (cleaned.source, pictures, told), name=name or _stem(file[0]))


def _cleaned(incoming: Incoming, language: str) -> Cleaned:
    beginning = incoming.text.lstrip("\ufeff \t\r\n").lower()
    if "<mjml" in beginning[:2_000]:
        return mjml_import.clean(incoming.text)
    if beginning.startswith(_HTML):
        return html_import.to_mjml(incoming.text, language=language)
    raise fault("file", N_("This file is neither MJML nor HTML."), code="kind")


async def _pictures(
    services: Services, account_id: int, incoming: Incoming, cleaned: Cleaned, told: list[Problem]
) -> list[_Picture]:
    """Each image of the file once, clean and stored; what cannot be used is told."""
    found: dict[str, _Picture] = {}
    missed: set[str] = set()
    for use in cleaned.uses:
        if use.address in found or use.address in missed or "{{" in use.address:
            continue
        data = _bytes(incoming, use)
        if data is None or len(found) >= MAX_IMAGES:
            missed.add(use.address)
            told.append(_unused(use, incoming))
            continue
        try:
            clean = await images.clean(data)
        except Invalid as error:
            missed.add(use.address)
            message = N_("Line {line}: the image “{name}” was left out: too large, damaged or no image.")
            told.append(warning(use.line, error.faults[0].code, message, name=_short(use.address)))
            continue
        found[use.address] = await _stored(services, account_id, use, clean)
    return list(found.values())


async def _stored(services: Services, account_id: int, use: Use, clean: images.Clean) -> _Picture:
    """Raises Invalid at `file` with the image's name when the account has no room for it."""
    try:
        stored = await images.store(services.db, account_id, clean)
    except Invalid as error:
        [one] = error.faults
        message = N_("{file}: {problem}")
        params = {"file": _short(use.address), "problem": forms.text(one)}
        raise Invalid(Fault("file", message, one.code, params)) from None
    return _Picture(use.address, _stem(use.address), use.alt, stored)


def _bytes(incoming: Incoming, use: Use) -> bytes | None:
    """Of the archive, or written into the address itself."""
    if use.address.lower().startswith("data:image/"):
        try:
            return base64.b64decode(use.address.partition(",")[2], validate=False)
        except (binascii.Error, ValueError):
            return None
    if import_notes.host(use.address) or use.address.startswith(("/", "cid:")):
        return None
    path = design_archive.place(incoming.path, unquote(use.address.partition("?")[0].partition("#")[0]))
    return incoming.images.get(path)


def _unused(use: Use, incoming: Incoming) -> Problem:
    if host := import_notes.host(use.address):
        message = N_("Line {line}: an image comes from {host}, which learns who opens the message.")
        return warning(use.line, "foreign", message, host=host)
    message = N_("Line {line}: the image “{name}” is not in the file. Add it under Images, then here.")
    return warning(use.line, "missing", message, name=_short(use.address))


async def _add(
    tx: AccountTx, services: Services, made: tuple[str, list[_Picture], list[Problem]], *, name: str
) -> Imported:
    """Images and design together. Raises Invalid at `file` when the source is too long."""
    source, pictures, told = made
    names: dict[str, str] = {}
    for picture in pictures:
        words = images.Words(label=picture.label, alt=picture.alt[:300], decorative=not picture.alt)
        image = await images.add(tx, picture.stored, words)
        names[picture.address] = f"{services.settings.track_url}/t/img/{image.name}"
    source = mjml_import.exchanged(source, names.get)
    if len(source) > merge.MAX_SOURCE:
        message = N_("The source holds {size} characters; {limit} at most. Shorten it.")
        raise fault("file", message, code="source_too_long", size=len(source), limit=merge.MAX_SOURCE)
    design = await designs.create(tx, NewDesign(name=name[:120], kind="mjml"), source.replace("\0", ""))
    problems = content.check_mjml(design.source, fields=await sources.field_keys(tx))
    return Imported(design, sorted(told, key=lambda one: one.line), problems)


def _stem(name: str) -> str:
    """A file's name without folders and ending, for people of the team."""
    if name.startswith("data:"):
        return ""
    plain = PurePosixPath(unquote(name.partition("?")[0]).replace("\\", "/")).stem
    return "".join(letter for letter in plain if letter.isprintable())[:120].strip() or "Design"


def _short(address: str) -> str:
    return address if len(address) <= 60 else f"{address[:59]}…"
