"""What the first mail to a person has to say: how to object, apart from the rest (GDPR 21(4), C-17), and
where
the address comes from when it was not the person who gave it (GDPR 14, C-07).

Ready paragraphs can be put into a draft; gaps that only the author can fill are shown as such.
"""

import re
from collections.abc import Sequence

import orjson

from mailer.core.db import AccountTx
from sending import campaigns, sources
from sending.campaigns import Campaign

# the paragraph that says it, with the link that does it and little else
_OBJECTS = re.compile(r"\boppos|\bobject", re.IGNORECASE)
_WAYS = ("unsubscribe_url", "rights_url", "preferences_url")
_MOST_WORDS = 60
_SOURCE = re.compile(
    r"viennent|provien|obtenu|recueilli|source de vos|fourni"
    r"|obtained|come from|came from|provided|source of your",
    re.IGNORECASE,
)
GAP = re.compile(r"\[(?:à compléter|to be completed)", re.IGNORECASE)
OBJECTION = {
    "fr": "Vous pouvez vous opposer à tout moment, sans donner de raison, à recevoir nos e-mails"
    " et à cet usage de vos données : {{ unsubscribe_url }}",
    "en": "You may object at any time, without giving a reason, to receiving our e-mails"
    " and to this use of your data: {{ unsubscribe_url }}",
}
SOURCE = {
    "fr": "Vos coordonnées proviennent de [à compléter : qui nous les a transmises, quand, et lesquelles]."
    " Vos droits sur ces données : {{ rights_url }}",
    "en": "Your details come from [to be completed: who gave them to us, when, and which ones]."
    " Your rights over these data: {{ rights_url }}",
}


def says_objection(text: str) -> bool:
    """Is there a paragraph of its own about it? `text`: the compiled part in plain text."""
    return any(
        _OBJECTS.search(part) and any(way in part for way in _WAYS) and len(part.split()) <= _MOST_WORDS
        for part in _paragraphs(text)
    )


def says_source(text: str) -> bool:
    return any(_SOURCE.search(part) and not GAP.search(part) for part in _paragraphs(text))


def _paragraphs(text: str) -> Sequence[str]:
    return re.split(r"\n\s*\n", text)


async def add(tx: AccountTx, draft_id: int, *, source: bool) -> Campaign:
    """Puts what is missing behind a draft's text. Raises NotFound, Conflict."""
    found = await campaigns.show(tx, draft_id)
    wanted = [OBJECTION[_language(found)], *([SOURCE[_language(found)]] if source else [])]
    if found.content_kind == "mjml":
        section = "".join(f"<mj-text><p>{words}</p></mj-text>" for words in wanted)
        section = f"<mj-section><mj-column>{section}</mj-column></mj-section>"
        end = found.source.rfind("</mj-body>")
        text = found.source if end < 0 else f"{found.source[:end]}{section}{found.source[end:]}"
        return await campaigns.write_content(tx, draft_id, "mjml", text)
    values = sources.letter_values(found.source)
    blocks = [one for one in values["blocks"] if one.get("text") or one["kind"] != "paragraph"]
    blocks += [{"kind": "divider"}, *({"kind": "paragraph", "text": words} for words in wanted)]
    return await campaigns.write_content(
        tx, draft_id, "letter", orjson.dumps(values | {"blocks": blocks}).decode()
    )


def _language(campaign: Campaign) -> str:
    return "en" if campaign.language == "en" else "fr"
