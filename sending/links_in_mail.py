"""Links of a mail: found once per revision, made replaceable per recipient (B-35, E-22).

A recipient without tracking gets the author's address byte for byte; one with tracking gets the address
that the caller names for the link's position. Links of ours (unsubscribe and the like) are never tracked.
"""

import re
from dataclasses import dataclass
from html import escape, unescape

from selectolax.lexbor import LexborHTMLParser

from sending import merge, utm
from sending.inert import Slot, Slots, escape_data
from sending.utm import Tagging

TRACKED = "_t"
"""Name of the list of tracked addresses in a template's context."""

_TAG = re.compile(
    r"<!--(?P<comment>.*?)-->"
    r"|<(?:style|script)\b.*?</(?:style|script)\s*>"
    r"|<(?P<name>[a-zA-Z][\w:-]*)(?P<rest>(?:[^>\"']|\"[^\"]*\"|'[^']*')*)>",
    re.DOTALL | re.IGNORECASE,
)
_URL_ATTRIBUTE = re.compile(r"(?<=\s)(href|src|background)(\s*=\s*)\"([^\"]*)\"", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Link:
    """An author's link. `url` is what the author wrote; `target` is a template of it when it is personal."""

    position: int
    url: str
    label: str
    personal: bool
    target: str = ""


@dataclass(slots=True)
class _Rewriting:
    slots: Slots
    tagging: Tagging
    labels: list[str]
    links: list[Link]
    anchors: int = 0


def rewrite(html: str, slots: Slots, tagging: Tagging) -> tuple[str, list[Link]]:
    """HTML with tokens → the same with a token for each address that recipients do not share, and the links.

    `tagging`: what is added to web addresses that lack it (S22).
    """
    state = _Rewriting(slots, tagging, _labels(html, slots), [])
    return _TAG.sub(lambda match: _rewrite_tag(match, state), html), state.links


def extract_links(html: str) -> list[Link]:
    """The author's web links of finished HTML without merge tags, in reading order."""
    return rewrite(html, Slots("\ue000"), utm.NONE)[1]


def _rewrite_tag(match: re.Match[str], state: _Rewriting) -> str:
    if match["comment"] is not None:
        # Outlook reads the tags inside conditional comments; their values need the same care.
        return _URL_ATTRIBUTE.sub(lambda one: _rewrite_plain(one, state), match[0])
    if match["name"] is None:
        return match[0]
    if match["name"].lower() not in {"a", "area"}:
        return _URL_ATTRIBUTE.sub(lambda one: _rewrite_plain(one, state), match[0])
    label = ""
    if match["name"].lower() == "a":
        label = state.labels[state.anchors] if state.anchors < len(state.labels) else ""
        state.anchors += 1
    return _URL_ATTRIBUTE.sub(lambda one: _rewrite_href(one, label, state), match[0])


def _rewrite_plain(match: re.Match[str], state: _Rewriting) -> str:
    """An address that is loaded, not followed: never tracked, but its values are encoded."""
    raw = match[3]
    if not state.slots.inside(raw):
        return match[0]
    return f'{match[1]}{match[2]}"{state.slots.add(_in_place(raw, state.slots))}"'


def _rewrite_href(match: re.Match[str], label: str, state: _Rewriting) -> str:
    if match[1].lower() != "href":
        return _rewrite_plain(match, state)
    inside = state.slots.inside(match[3])
    if not inside:
        return _rewrite_static(match, label, state)
    names = merge.names_used("".join(slot.html for slot in inside))
    if names & merge.URL_NAMES:
        in_place = _in_place(match[3], state.slots)
    else:
        raw = utm.tagged_template(match[3], state.slots, state.tagging)
        in_place = _personal(raw, _in_place(raw, state.slots), names, label, state)
    return f'{match[1]}{match[2]}"{state.slots.add(in_place)}"'


def _rewrite_static(match: re.Match[str], label: str, state: _Rewriting) -> str:
    url = unescape(match[3])
    if not url.strip().lower().startswith(("http://", "https://")):
        return match[0]
    tagged = utm.tagged(url, state.tagging)
    raw = match[3] if tagged == url else escape(tagged)
    position = len(state.links)
    state.links.append(Link(position, tagged, label, personal=False))
    slot = Slot(_either(position, escape_data(raw)), _either(position, escape_data(tagged)))
    return f'{match[1]}{match[2]}"{state.slots.add(slot)}"'


def _personal(raw: str, in_place: Slot, names: frozenset[str], label: str, state: _Rewriting) -> Slot:
    tops = {name.partition(".")[0] for name in names}
    written = state.slots.expand(unescape(raw), lambda slot: slot.text)
    if not tops <= merge.TOP_NAMES:
        # It depends on the item of a loop: one position would have several targets, so it stays untracked.
        return in_place
    position = len(state.links)
    state.links.append(Link(position, written, label, personal=True, target=in_place.text))
    return Slot(_either(position, in_place.html), _either(position, in_place.text))


def _either(position: int, original: str) -> str:
    name = f"{TRACKED}{position}"
    return f"{{% if {name} %}}{{{{ {name} }}}}{{% else %}}{original}{{% endif %}}"


def _in_place(raw: str, slots: Slots) -> Slot:
    """An address with merge tags: its values are encoded, and it is emptied when its scheme is no link's."""
    inside = slots.inside(raw)
    lone = inside[0].html.strip("{}- \n\t") if len(inside) == 1 else ""
    if slots.pattern.fullmatch(raw.strip()) and lone in merge.URL_NAMES:
        return Slot(f"{{{{ {lone} }}}}", f"{{{{ {lone} }}}}")
    literal = {"html": raw, "text": unescape(raw)}
    made = {part: _encoded(value, slots) for part, value in literal.items()}
    return Slot(_cleaned(made["html"]), _cleaned(made["text"]))


def _cleaned(address: str) -> str:
    return f"{{% filter _url_clean %}}{address}{{% endfilter %}}"


def _encoded(address: str, slots: Slots) -> str:
    out: list[str] = []
    position = 0
    whole = True
    for match in slots.pattern.finditer(address):
        literal = address[position : match.start()]
        whole = whole and not literal.strip()
        out.append(escape_data(literal))
        slot = slots.slots[int(match[1] or match[2])]
        if slot.kind == "output":
            inner = slot.html.removeprefix("{{").removesuffix("}}").strip("-+ \n\t")
            out.append(f"{{{{ ({inner}) | {'_url_whole' if whole else '_url_part'} }}}}")
            whole = False
        else:
            out.append(slot.html)
        position = match.end()
    out.append(escape_data(address[position:]))
    return "".join(out)


def _labels(html: str, slots: Slots) -> list[str]:
    """What each `<a>` shows: its text, or the text of its image."""
    labels = []
    for node in LexborHTMLParser(html).css("a"):
        text = " ".join(node.text(deep=True).split())
        if not text:
            image = node.css_first("img")
            text = (image.attributes.get("alt") or "") if image else ""
        labels.append(slots.expand(text, lambda slot: slot.text if slot.kind == "output" else "")[:200])
    return labels
