"""{% for item in items %} … {% endfor %} in a source → an edition's items, written out once for everybody.

    {{ item.title }} {{ item.link }} {{ item.summary }} {{ item.date }} {{ item.image }}, {% if item.image %}

Only tags about the item are carried out here; those about the contact stay, filled in for each person.
What comes from the feed is escaped, and no brace of it can begin a tag.
"""

import re
from collections.abc import Sequence
from datetime import date

from jinja2 import TemplateSyntaxError

from mailer.web import i18n
from sending import hardening, merge
from sending.feed_reading import Item
from sending.merge import Tag

_FOR = re.compile(r"\{%-?\s*for\s+item\s+in\s+items\s*-?%\}")
_ITEM = re.compile(r"\bitem\s*\.")
_HELD = re.compile("\ue000(\\d+)\ue001")
# to copy into a column of one's own
BLOCK = """{% for item in items %}
<mj-text>
  <h2><a href="{{ item.link }}" style="color:{{ brand.link }}">{{ item.title }}</a></h2>
  <p>{{ item.summary }}</p>
</mj-text>
{% endfor %}
"""
# what a preview shows where no feed was read yet
SAMPLE = (
    Item(
        key="",
        title="Lorem ipsum",
        link="https://example.com/",
        summary="Dolor sit amet, consectetur adipiscing elit.",
        image="",
        date="2026-01-01",
    ),
)


def is_in(source: str) -> bool:
    return _FOR.search(source) is not None


def expand(source: str, items: Sequence[Item], language: str) -> str:
    """A checked source with its blocks written out (`merge.check` says what may stand in them)."""
    source = merge.normalise(source)
    if not is_in(source):
        return source
    try:
        found = merge.tags(source)
    except TemplateSyntaxError:
        return source
    pieces: list[str] = []
    position = 0
    for start, end in _blocks(found):
        pieces.append(source[position : start.start])
        body = source[start.end : end.start]
        inside = [tag for tag in found if start.end <= tag.start < end.start]
        pieces += [_one(body, start.end, inside, item, language) for item in items]
        position = end.end
    return "".join(pieces) + source[position:]


def _blocks(found: list[Tag]) -> list[tuple[Tag, Tag]]:
    """Each block's first and last tag."""
    blocks: list[tuple[Tag, Tag]] = []
    start: Tag | None = None
    depth = 0
    for tag in found:
        word = _word(tag)
        if start is None:
            if tag.kind == "block" and _FOR.fullmatch(tag.text):
                start, depth = tag, 0
        elif word == "for":
            depth += 1
        elif word == "endfor" and depth:
            depth -= 1
        elif word == "endfor":
            blocks.append((start, tag))
            start = None
    return blocks


def _word(tag: Tag) -> str:
    return (tag.text.strip("{}%-+ \n\t").split(None, 1) or [""])[0] if tag.kind == "block" else ""


def _one(body: str, offset: int, inside: list[Tag], item: Item, language: str) -> str:
    """The block for one item. Tags that are not about it are held back while it is rendered."""
    held: list[str] = []
    pieces: list[str] = []
    position = 0
    for tag, ours in zip(inside, _ours(inside), strict=True):
        pieces.append(body[position : tag.start - offset])
        position = tag.end - offset
        if ours:
            pieces.append(tag.text)
        else:
            pieces.append(f"\ue000{len(held)}\ue001")
            held.append(tag.text)
    template = "".join(pieces) + body[position:]
    env = merge.environment(autoescape=True)
    try:
        tree = hardening.harden(env.parse(template), env)
        made = env.from_string(tree).render(item=_values(item, language))
    except Exception:
        # the checks of the merge language name the fault
        return ""
    return _HELD.sub(lambda one: held[int(one[1])] if int(one[1]) < len(held) else "", made)


def _ours(inside: list[Tag]) -> list[bool]:
    """Which tags are about the item; elif, else and endif go with their if."""
    found: list[bool] = []
    stack: list[bool] = []
    for tag in inside:
        mine = tag.kind == "output" and bool(_ITEM.search(tag.text))
        match _word(tag):
            case "if":
                mine = bool(_ITEM.search(tag.text))
                stack.append(mine)
            case "elif" | "else":
                mine = bool(stack and stack[-1])
            case "endif":
                mine = stack.pop() if stack else False
        found.append(mine)
    return found


def _values(item: Item, language: str) -> dict[str, str]:
    with i18n.speaking(language):
        day = i18n.day(date.fromisoformat(item.date)) if item.date else ""
    return {
        "title": _inert(item.title),
        "summary": _inert(item.summary),
        "link": item.link,
        "image": item.image,
        "date": day,
    }


def _inert(text: str) -> str:
    """A zero-width space behind each brace: neither {{ nor {% can come together, whoever decodes entities."""
    return re.sub("[\ue000\ue001]", "", text).replace("{", "{\u200b")
