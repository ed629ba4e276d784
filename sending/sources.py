"""What an author wrote → MJML → both parts. One way for preview, checks, test sends and the frozen revision.

    content_kind, source ─ mjml_of ─▶ MJML ─ compile_source ─▶ Compiled, or all that is wrong with it

`source` is MJML for "mjml" and the JSON of a letter's form for "letter", which may be half filled in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from pydantic import ValidationError

from mailer.core.db import AccountTx
from mailer.core.errors import Fault
from mailer.core.settings import Settings
from mailer.core.text import N_
from sending import (
    brand,
    content,
    feed_block,
    letter,
    merge,
    utm,
)
from sending.brand import Brand
from sending.content import Compiled
from sending.feed_reading import Item
from sending.letter import Letter
from sending.problems import Problem, error
from sending.utm import Tagging

ContentKind = Literal["none", "letter", "mjml"]


@dataclass(frozen=True, slots=True)
class Source:
    """What campaigns and designs share of their content. `items`: what a block of a feed shows."""

    kind: str
    text: str
    language: str
    items: Sequence[Item] = feed_block.SAMPLE


def of(kind: str, text: str, language: str, shown: Sequence[Mapping[str, str]] | None) -> Source:
    """A campaign's source with what its feed showed last."""
    items = tuple(Item(**one) for one in shown or ())
    return Source(kind, text, language, items or feed_block.SAMPLE)


_LETTER_WORDS = {
    "text": N_("Block {line}: write the text."),
    "src": N_("Block {line}: choose an image, or give its address with https://."),
    "alt": N_("Block {line}: describe the image in up to 300 characters."),
    "href": N_("Block {line}: write the address of the link with https:// or mailto:."),
    "width": N_("Block {line}: the width is a whole number from 1 to 600."),
}


def icon_origin(settings: Settings) -> str:
    """Where the pictures of `mj-social` begin: our own site, never a foreign one."""
    return f"{settings.track_url}/static/social/"


async def field_keys(tx: AccountTx) -> frozenset[str]:
    """Keys of the account's custom fields, which merge tags may name (S14)."""
    return frozenset(key for (key,) in await tx.rows("SELECT key FROM fields WHERE account_id = $1"))


def compile_source(
    source: Source,
    *,
    settings: Settings,
    fields: frozenset[str],
    tagging: Tagging = utm.NONE,
    kit: Brand = brand.DEFAULT,
) -> Compiled | list[Problem]:
    """Both parts as templates, or all that is wrong in reading order. For a letter, `line` is the block."""
    made = mjml_of(source)
    if isinstance(made, list):
        return made
    if feed_block.is_in(made):
        # nothing is carried out that was not looked at
        if wrong := merge.check(brand.fill(made), fields=fields, part="mjml"):
            return wrong
        made = feed_block.expand(made, source.items, source.language)
    return content.compile_mjml(
        made,
        icon_origin=icon_origin(settings),
        language=source.language,
        fields=fields,
        tagging=tagging,
        kit=kit,
    )


def check_source(source: Source, *, fields: frozenset[str]) -> list[Problem]:
    """What is wrong with it, without compiling."""
    made = mjml_of(source)
    return made if isinstance(made, list) else content.check_mjml(made, fields=fields)


def mjml_of(source: Source) -> str | list[Problem]:
    """MJML of a source, or why there is none yet."""
    match source.kind:
        case "mjml":
            return source.text
        case "letter":
            made = read_letter(source)
            return letter.to_mjml(made) if isinstance(made, Letter) else made
        case _:
            return [error(0, "no_content", N_("The campaign has no content yet. Choose where to start."))]


def read_letter(source: Source) -> Letter | list[Problem]:
    """A letter's form, checked."""
    values = letter_values(source.text)
    try:
        return Letter.model_validate({**values, "language": source.language})
    except ValidationError as fault:
        return _letter_problems(fault)


def letter_values(text: str) -> dict[str, Any]:
    """The stored form of a letter: {"blocks": [{"kind": …, …}], "footer": true}."""
    if not text:
        return {"blocks": [], "footer": True}
    values: dict[str, Any] = orjson.loads(text)
    return values


def _letter_problems(fault: ValidationError) -> list[Problem]:
    found: list[Problem] = []
    for entry in fault.errors():
        place = entry["loc"]
        if len(place) < 2 or not isinstance(place[1], int):
            message = N_("The letter is empty. Add a paragraph.")
            found.append(error(0, "letter", message))
            continue
        message = _LETTER_WORDS.get(str(place[-1]), N_("Block {line}: fill it in."))
        found.append(error(place[1] + 1, "letter", message))
    return found


def line_faults(subject: str, preheader: str, fields: frozenset[str]) -> list[Fault]:
    """Merge tags at fault in the lines a mail program lists (E-20)."""
    lines: list[tuple[merge.Part, str]] = [("subject", subject), ("preheader", preheader)]
    return [
        Fault(part, problem.message, problem.code, problem.params, problem.line, problem.column)
        for part, text in lines
        for problem in merge.check(text, fields=fields, part=part)
    ]
