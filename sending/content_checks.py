"""The checks before a send (step “Checks” of the wizard): what blocks, what to look at, what is in order.

The unsubscribe link and the identity must reach every recipient: on each way through the conditions, and
where a reader can see them (A-008, A-062, B-24).
"""

import re
from collections.abc import Mapping, Set

from jinja2 import TemplateSyntaxError, nodes

from mailer.core import forbidden_data
from mailer.core.forbidden_data import Kind
from mailer.core.text import N_
from sending import image_checks, link_checks, mail_tree, merge, reading_checks, subject_checks
from sending.inert import Slot, Slots
from sending.mail_tree import MailTree
from sending.problems import Problem, error

IN_ORDER: Mapping[str, str] = {
    "unsubscribe": N_("The unsubscribe link is visible in both parts."),
    "identity": N_("Your name and address stand in both parts."),
    "subject": N_("The subject is written and honest."),
    "links": N_("No link was found that cannot work or that hides where it leads."),
    "images": N_("Every image has a description."),
    "text_part": N_("The plain text is ready."),
    "balance": N_("Text and images are in balance, and both parts say the same."),
    "hidden": N_("Nothing is hidden in the message."),
    "letters": N_("The letters are large enough and stand out from their background."),
    "headings": N_("The message is short, or its headings divide it."),
    "active": N_("Nothing in the message runs or loads by itself."),
    "forbidden": N_("No bank card or social security number stands in the message."),
}
"""Code of a check → the sentence for it when nothing is wrong, in the order of the page."""

_MARK = "_seen"
_ACTIVE = "script, iframe, object, embed, form, applet, base, meta[http-equiv=refresh], link[rel=stylesheet]"


def check_sendable(
    html: str, text: str, *, subject: str, identity: str = "", own_origin: str = ""
) -> list[Problem]:
    """Findings on the two compiled templates and the subject.

    `identity` is a name that may stand literally, `own_origin` where the account's own images stand. Each
    problem's code is a key of IN_ORDER; the checks without a problem are in order.
    """
    return check_tree(mail_tree.read(html), text, subject=subject, identity=identity, own_origin=own_origin)


def check_tree(
    page: MailTree, text: str, *, subject: str, identity: str = "", own_origin: str = ""
) -> list[Problem]:
    """The same for an HTML part that was read already."""
    problems = subject_checks.check_subject(subject)
    problems += check_content(page, text, identity=identity, own_origin=own_origin)
    problems += forbidden(subject, text)
    return problems


def check_content(page: MailTree, text: str, *, identity: str = "", own_origin: str = "") -> list[Problem]:
    """The same without what depends on the subject."""
    problems = _reach(page, text, identity=identity)
    problems += link_checks.check_links(page)
    problems += image_checks.check_images(page, own_origin=own_origin)
    problems += reading_checks.check_reading(page, text)
    problems += _active(page)
    if not text.strip():
        problems.append(error(0, "text_part", N_("The plain text is empty. Write some text in the message.")))
    return problems


def in_order(problems: list[Problem]) -> list[str]:
    """The msgids of the checks that found nothing."""
    found = {problem.code for problem in problems}
    return [message for code, message in IN_ORDER.items() if code not in found]


def _reach(page: MailTree, text: str, *, identity: str) -> list[Problem]:
    problems: list[Problem] = []
    slots, template = page.slots, page.template
    in_html = _on_every_way(template, slots, _visible_links(page))
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
        by_html = _on_every_way(template, slots, _visible_words(page, wanted))
        by_text = _covered(text, wanted)
        literal = identity and identity in text and page.seen.shows(identity)
        if not (by_html and by_text) and not literal:
            message = N_(
                "Your name and address are missing. Add the footer, or account.name and account.address."
            )
            problems.append(error(0, "identity", message))
            break
    return problems


def _visible_links(page: MailTree) -> set[int]:
    """Slots of the unsubscribe links that a reader can see and press."""
    found: set[int] = set()
    for node in page.tree.css("a"):
        href = node.attributes.get("href") or ""
        for index in page.indexes(href):
            if "unsubscribe_url" in merge.names_used(page.slots.slots[index].html) and page.seen.link(
                node, page.slots.pattern
            ):
                found.add(index)
    return found


def _visible_words(page: MailTree, wanted: Set[str]) -> set[int]:
    found: set[int] = set()
    body = page.tree.body
    for node in body.traverse(include_text=True) if body else ():
        if node.is_text_node:
            for index in page.indexes(node.text_content or ""):
                if merge.names_used(page.slots.slots[index].html) & wanted and page.seen.text(node):
                    found.add(index)
    return found


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


_ADDRESS = re.compile(r"https?://\S+")


def forbidden(*texts: str) -> list[Problem]:
    """A-025, A-026. An account number may stand there: who asks for gifts or payments writes their own."""
    # numbers in addresses of links are names of pages
    lines = [_ADDRESS.sub(" ", line) for text in texts for line in text.splitlines()]
    if {Kind.CARD, Kind.NIR}.isdisjoint(forbidden_data.screen(lines, words=False).values()):
        return []
    message = N_("The message holds what looks like a bank card or social security number. Remove it.")
    return [error(0, "forbidden", message)]


def _active(page: MailTree) -> list[Problem]:
    names = {node.tag or "": page.line(node) for node in page.tree.css(_ACTIVE)}
    for node in page.tree.css("*"):
        for name in node.attributes:
            if name.lower().startswith("on"):
                names.setdefault(name, page.line(node))
    message = N_("Mail programs remove “{name}”, and some refuse the whole message. Remove it.")
    return [error(names[name], "active", message, name=name) for name in sorted(names)]
