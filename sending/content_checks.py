"""The checks before a send (step “Checks” of the wizard): what blocks, what to look at, what is in order.

The unsubscribe link and the identity must reach every recipient: on each way through the conditions, and
where a reader can see them (A-008, A-062, B-24).
"""

import re
from collections.abc import Mapping, Set

from jinja2 import TemplateSyntaxError, nodes
from selectolax.lexbor import LexborHTMLParser, LexborNode

from mailer.core.text import N_
from sending import inert, merge
from sending.inert import Slot, Slots
from sending.problems import Problem, error, warning
from sending.visibility import Visibility

GMAIL_CUT_BYTES = 100_000
"""Gmail cuts a message at about 102 kB (D-10)."""
MAX_SUBJECT = 150

IN_ORDER: Mapping[str, str] = {
    "unsubscribe": N_("The unsubscribe link is visible in both parts."),
    "identity": N_("Your name and address stand in both parts."),
    "subject": N_("The subject is written and honest."),
    "links": N_("Every link leads to a web page, a mailbox or a telephone."),
    "images": N_("Every image has a description."),
    "weight": N_("The message is light enough to be shown whole."),
    "text_part": N_("The plain text is ready."),
    "active": N_("Nothing in the message runs or loads by itself."),
}
"""Code of a check → the sentence for it when nothing is wrong, in the order of the page."""

_MARK = "_seen"
_REPLY_PREFIX = re.compile(r"^\s*(re|fwd?|tr|rép|rep|aw|wg)\s*(\[\d+\])?\s*:", re.IGNORECASE)
_DOCTYPE = re.compile(r"^\s*<!doctype[^>]*>", re.IGNORECASE)
_ACTIVE = "script, iframe, object, embed, form, applet, base, meta[http-equiv=refresh], link[rel=stylesheet]"
_LINK_START = ("https://", "http://", "mailto:", "tel:", "#")


def check_sendable(html: str, text: str, *, subject: str, identity: str = "") -> list[Problem]:
    """Findings on the two compiled templates and the subject. `identity` is a name that may stand literally.

    Each problem's code is a key of IN_ORDER; the checks without a problem are in order.
    """
    problems = check_subject(subject)
    slots, tree, template = _read(html)
    problems += _reach(slots, tree, template, text, identity=identity)
    problems += _links(tree, slots)
    problems += _images(tree, slots)
    problems += _active(tree)
    size = len(html.encode())
    if size > GMAIL_CUT_BYTES:
        message = N_("The message weighs {size} kB; Gmail cuts it after {limit}. Shorten it.")
        problems.append(warning(0, "weight", message, size=size // 1000, limit=GMAIL_CUT_BYTES // 1000))
    if not text.strip():
        problems.append(error(0, "text_part", N_("The plain text is empty. Write some text in the message.")))
    return problems


def in_order(problems: list[Problem]) -> list[str]:
    """The msgids of the checks that found nothing."""
    found = {problem.code for problem in problems}
    return [message for code, message in IN_ORDER.items() if code not in found]


def check_subject(subject: str) -> list[Problem]:
    """Empty, too long, or pretending to be an answer (B-24, D-60)."""
    if not subject.strip():
        return [error(0, "subject", N_("Write the campaign subject."))]
    if len(subject) > MAX_SUBJECT:
        message = N_("The subject has {size} characters; {limit} at most.")
        return [error(0, "subject", message, size=len(subject), limit=MAX_SUBJECT)]
    if prefix := _REPLY_PREFIX.match(subject):
        message = N_("The subject begins with “{prefix}”, as an answer would. Remove it: this is no answer.")
        return [error(0, "subject", message, prefix=prefix[0].strip())]
    return []


def _read(html: str) -> tuple[Slots, LexborHTMLParser, str]:
    """The template with tokens for tags, as a tree and as text."""
    source = _DOCTYPE.sub("", merge.normalise(html))
    slots = inert.slots_for(source)
    try:
        found = merge.tags(source)
    except TemplateSyntaxError:
        found = []
    swapped = inert.swap(source, merge.masked(source, found), found, slots)
    return slots, LexborHTMLParser(swapped), swapped


def _reach(slots: Slots, tree: LexborHTMLParser, template: str, text: str, *, identity: str) -> list[Problem]:
    problems: list[Problem] = []
    seen = Visibility(tree)
    in_html = _on_every_way(template, slots, _visible_links(tree, slots, seen))
    in_text = _covered(text, frozenset({"unsubscribe_url"}))
    if not in_html:
        message = N_(
            "The unsubscribe link is hidden, or missing for some contacts. "
            "Show it to all: sending is blocked without it."
        )
        if not any("unsubscribe_url" in merge.names_used(slot.html) for slot in slots.slots):
            message = N_(
                "The unsubscribe link is missing from the message. Add it: sending is blocked without it."
            )
        problems.append(error(0, "unsubscribe", message))
    if not in_text:
        message = N_(
            "The unsubscribe link is missing from the plain text. Add it: sending is blocked without it."
        )
        problems.append(error(0, "unsubscribe", message))
    for wanted in (frozenset({"account.name"}), frozenset({"account.address", "account.email"})):
        by_html = _on_every_way(template, slots, _visible_words(tree, slots, seen, wanted))
        by_text = _covered(text, wanted)
        literal = identity and identity in text and seen.shows(identity)
        if not (by_html and by_text) and not literal:
            message = N_(
                "Your name and address are missing. Add the footer, or account.name and account.address."
            )
            problems.append(error(0, "identity", message))
            break
    return problems


def _visible_links(tree: LexborHTMLParser, slots: Slots, seen: Visibility) -> set[int]:
    """Slots of the unsubscribe links that a reader can see and press."""
    found: set[int] = set()
    for node in tree.css("a"):
        href = node.attributes.get("href") or ""
        for index in _indexes(href, slots):
            if "unsubscribe_url" in merge.names_used(slots.slots[index].html) and seen.link(
                node, slots.pattern
            ):
                found.add(index)
    return found


def _visible_words(tree: LexborHTMLParser, slots: Slots, seen: Visibility, wanted: Set[str]) -> set[int]:
    found: set[int] = set()
    body = tree.body
    for node in body.traverse(include_text=True) if body else ():
        if node.is_text_node:
            for index in _indexes(node.text_content or "", slots):
                if merge.names_used(slots.slots[index].html) & wanted and seen.text(node):
                    found.add(index)
    return found


def _indexes(text: str, slots: Slots) -> list[int]:
    return [int(match[1] or match[2]) for match in slots.pattern.finditer(text)]


def _on_every_way(template: str, slots: Slots, marked: set[int]) -> bool:
    """True when each recipient, whatever the conditions say, gets at least one of the marked tags."""
    if not marked:
        return False
    copy = Slots(slots.word)
    for index, slot in enumerate(slots.slots):
        copy.add(Slot(f"{{{{ {_MARK} }}}}", "") if index in marked else slot)
    return _covered(copy.expand(template, lambda slot: slot.html), frozenset({_MARK}))


def _covered(template: str, wanted: Set[str]) -> bool:
    env = merge.environment(autoescape=False)
    try:
        tree = env.parse(template)
    except (TemplateSyntaxError, RecursionError):
        return False
    return _body_covers(tree.body, wanted)


def _body_covers(body: list[nodes.Node], wanted: Set[str]) -> bool:
    return any(_node_covers(node, wanted) for node in body)


def _node_covers(node: nodes.Node, wanted: Set[str]) -> bool:
    match node:
        case nodes.Output():
            return any(_prints(one, wanted) for one in node.nodes)
        case nodes.If():
            branches = [node.body, *(one.body for one in node.elif_), node.else_]
            return bool(node.else_) and all(_body_covers(branch, wanted) for branch in branches)
        case nodes.FilterBlock():
            return _body_covers(node.body, wanted)
        case _:
            return False


def _prints(node: nodes.Node | None, wanted: Set[str]) -> bool:
    """The value itself is printed: `{{ unsubscribe_url }}`, with no filter but those that keep it whole."""
    match node:
        case nodes.Filter(name="default" | "_url_whole" | "_url_clean"):
            return _prints(node.node, wanted)
        case nodes.Name():
            return node.name in wanted
        case nodes.Getattr() if isinstance(node.node, nodes.Name):
            return f"{node.node.name}.{node.attr}" in wanted
        case _:
            return False


def _links(tree: LexborHTMLParser, slots: Slots) -> list[Problem]:
    problems: list[Problem] = []
    for node in tree.css("a, area"):
        written = (node.attributes.get("href") or "").strip()
        # Of `{% if tracked %}…{% else %}https://…{% endif %}` the author's own letters are left.
        href = slots.pattern.sub("", written).strip()
        label = slots.expand(" ".join(node.text(deep=True).split()), lambda slot: slot.text)[:60]
        if _is_whole(written, slots):
            continue
        if not href:
            message = N_("The link “{label}” leads nowhere. Give it an address.")
            problems.append(warning(0, "links", message, label=label))
        elif not href.lower().startswith(_LINK_START):
            message = N_("The link “{label}” leads to “{url}”. Begin it with https://, mailto: or tel:.")
            problems.append(error(0, "links", message, label=label, url=href[:80]))
        elif href.lower().startswith("http://"):
            message = N_("The link “{label}” is not encrypted. Write https:// if the site has it.")
            problems.append(warning(0, "links", message, label=label))
    return problems


def _is_whole(href: str, slots: Slots) -> bool:
    """The address comes from one value: ours, or a field whose scheme is looked at when rendering."""
    inside = [slots.slots[index].html for index in _indexes(href, slots)]
    return any("_url_whole" in one or merge.names_used(one) & merge.URL_NAMES for one in inside)


def _images(tree: LexborHTMLParser, slots: Slots) -> list[Problem]:
    problems: list[Problem] = []
    for node in tree.css("img"):
        source = (node.attributes.get("src") or "").strip()
        if _is_pixel(node, slots):
            continue
        if "alt" not in node.attributes:
            message = N_("The image “{url}” has no description. Write one, or leave it empty on purpose.")
            problems.append(error(0, "images", message, url=source[-60:]))
        if not source.lower().startswith(("https://", "http://", "cid:")) and not slots.pattern.match(source):
            message = N_("The image “{url}” has no web address. Begin it with https://.")
            problems.append(error(0, "images", message, url=source[:60]))
    return problems


def _is_pixel(node: LexborNode, slots: Slots) -> bool:
    source = node.attributes.get("src") or ""
    return any("_pixel" in merge.names_used(slots.slots[index].html) for index in _indexes(source, slots))


def _active(tree: LexborHTMLParser) -> list[Problem]:
    names = {node.tag or "" for node in tree.css(_ACTIVE)}
    for node in tree.css("*"):
        names |= {name for name in node.attributes if name.lower().startswith("on")}
    message = N_("Mail programs remove “{name}”, and some refuse the whole message. Remove it.")
    return [error(0, "active", message, name=name) for name in sorted(names)]
