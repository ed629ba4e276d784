"""Links that cannot work, or that a reader cannot trust, as far as the message itself tells.

No address is fetched: a server that opens whatever address an author types can be turned against its own
network, and opening a shop's personal links may act (E-54). What is said here is certain without asking.
"""

import re
from collections import Counter, defaultdict
from ipaddress import ip_address
from urllib.parse import urlsplit

from selectolax.lexbor import LexborNode

from mailer.core.text import N_
from sending import merge
from sending.links_in_mail import TRACKED
from sending.mail_tree import MailTree
from sending.problems import Problem, error, warning

_START = ("https://", "http://", "mailto:", "tel:", "#")
# names that only exist inside one network (RFC 6761, 6762, 8375)
_INSIDE = (".localhost", ".local", ".internal", ".intranet", ".lan", ".home.arpa", ".invalid")
# RFC 2606 §3, and its French likeness
_PLACEHOLDERS = frozenset({"example.com", "example.net", "example.org", "exemple.com"})
# they hide where a link leads, and spammers use them: Spamhaus lists such addresses, M3AAWG advises against
_SHORTENERS = frozenset({
    "bit.ly", "bitly.com", "buff.ly", "cutt.ly", "goo.gl", "is.gd", "ow.ly", "rb.gy", "rebrand.ly",
    "shorturl.at", "t.co", "t.ly", "tiny.cc", "tinyurl.com", "urlr.me", "v.gd",
})  # fmt: skip
VAGUE = frozenset({
    "cliquez ici", "cliquer ici", "clique ici", "ici", "lien", "ce lien", "en savoir plus", "lire la suite",
    "suite", "voir", "plus", "click here", "click", "here", "this link", "link", "read more", "learn more",
    "more", "see more", "find out more",
})  # fmt: skip
_DOMAIN = re.compile(r"(?:https?://)?((?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,24})(?:[/?#:]\S*)?")
_FILES = re.compile(r"\.(js|py|php|pdf|html?|txt|docx?|xlsx?|csv|zip|png|jpe?g|gif)$")


def check_links(page: MailTree) -> list[Problem]:
    problems: list[Problem] = []
    labels: Counter[str] = Counter()
    targets: defaultdict[str, set[str]] = defaultdict(set)
    lines: dict[str, int] = {}
    for node in page.tree.css("a, area"):
        written = (node.attributes.get("href") or "").strip()
        if _is_whole(page, written):
            continue
        # of `{% if tracked %}…{% else %}https://…{% endif %}` the author's own letters are left
        href = page.literal(written).strip()
        problems += _check(page, node, written, href)
        label = page.words(node)
        if label and href.lower().startswith(("https://", "http://")):
            name = plain(label)
            labels[name] += 1
            targets[name].add(written_target(href))
            lines.setdefault(name, page.line(node))
    return problems + _labels(labels, targets, lines)


def plain(label: str) -> str:
    """Words of a link without what is put around them."""
    return label.casefold().strip(" .…:>»→")


def written_target(href: str) -> str:
    """Addresses that differ in their last slash lead to the same page."""
    return href.rstrip("/")


def _check(page: MailTree, node: LexborNode, written: str, href: str) -> list[Problem]:
    label = page.words(node)
    if not href:
        message = N_("The link “{label}” leads nowhere. Give it an address.")
        return [warning(page.line(node), "links", message, label=label)]
    if not href.lower().startswith(_START):
        message = N_("The link “{label}” leads to “{url}”. Begin it with https://, mailto: or tel:.")
        return [error(page.line(node), "links", message, label=label, url=href[:80])]
    if href.lower().startswith(("mailto:", "tel:", "#")):
        return _unnamed(page, node, label)
    if _has_values(page, written):
        # who leads somewhere else for each person is looked at with the people (empty_values)
        return _unnamed(page, node, label)
    fault = _address_fault(href)
    if fault is not None:
        return [error(page.line(node), "links", fault, label=label, url=href[:80])]
    return [*_host(href, label, page.line(node)), *_unnamed(page, node, label)]


def _is_whole(page: MailTree, href: str) -> bool:
    """The address comes from one value: ours, or a field whose scheme is looked at when rendering."""
    inside = [slot.html for slot in page.inside(href)]
    return any("_url_whole" in one or merge.names_used(one) & merge.URL_NAMES for one in inside)


def _has_values(page: MailTree, href: str) -> bool:
    names = {name for slot in page.inside(href) for name in merge.names_used(slot.html)}
    return any(not name.startswith(TRACKED) for name in names)


def _address_fault(href: str) -> str | None:
    """Why no browser can open a web address."""
    message = N_("The link “{label}” leads to “{url}”, which is no web address. Correct it.")
    try:
        parts = urlsplit(href)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return message
    if not host or host in {"http", "https"} or ".." in host or host.startswith(".") or " " in parts.netloc:
        return message
    return None


def _host(href: str, label: str, line: int) -> list[Problem]:
    host = (urlsplit(href).hostname or "").rstrip(".")
    problems: list[Problem] = []
    if _is_private(host):
        message = N_(
            "The link “{label}” leads to “{host}”, which only your own network knows. "
            "Recipients cannot open it."
        )
        problems.append(warning(line, "links", message, label=label, host=host))
    elif host.removeprefix("www.") in _PLACEHOLDERS:
        message = N_("The link “{label}” leads to “{host}”, an address for examples. Write your own.")
        problems.append(warning(line, "links", message, label=label, host=host))
    elif _is_number(host):
        message = N_("The link “{label}” leads to “{host}”, a number: spam filters distrust it. Use a name.")
        problems.append(warning(line, "links", message, label=label, host=host))
    elif host.removeprefix("www.") in _SHORTENERS:
        message = N_(
            "The link “{label}” is shortened by {host}: it hides where it leads, and spam filters "
            "distrust it. Write the full address."
        )
        problems.append(warning(line, "links", message, label=label, host=host))
    elif href.lower().startswith("http://"):
        message = N_("The link “{label}” is not encrypted. Write https:// if the site has it.")
        problems.append(warning(line, "links", message, label=label))
    if shown := _other_domain(label, host):
        message = N_(
            "The link shows “{shown}” but leads to “{host}”, as a phishing mail does. Show where it leads."
        )
        problems.append(warning(line, "links", message, shown=shown, host=host))
    return problems


def _is_private(host: str) -> bool:
    try:
        return not ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith(_INSIDE)


def _is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _other_domain(label: str, host: str) -> str:
    """The domain that a label shows when the link leads to another one."""
    found = _DOMAIN.fullmatch(label.lower().strip())
    if found is None or _FILES.search(found[1]):
        return ""
    shown, real = found[1].removeprefix("www."), host.removeprefix("www.")
    same = shown == real or shown.endswith(f".{real}") or real.endswith(f".{shown}")
    return "" if same else shown


def _unnamed(page: MailTree, node: LexborNode, label: str) -> list[Problem]:
    """F-11: a link around an image without a description says nothing to who cannot see it."""
    images = node.css("img")
    if label or not images or any((image.attributes.get("alt") or "").strip() for image in images):
        return []
    url = (images[0].attributes.get("src") or "")[-60:]
    message = N_("The link on the image “{url}” has no words. Describe the image: it says where it leads.")
    return [warning(page.line(node), "links", message, url=url)]


def _labels(labels: Counter[str], targets: dict[str, set[str]], lines: dict[str, int]) -> list[Problem]:
    """F-11: read one after the other, out of their sentences, links must still be told apart."""
    problems: list[Problem] = []
    for label, count in labels.items():
        if label in VAGUE and count > 1:
            message = N_("Links that only say “{label}”: {n}. Let each say what it opens.")
            problems.append(warning(lines[label], "links", message, label=label, n=count))
        elif len(targets[label]) > 1:
            message = N_(
                "“{label}” stands on {n} links that lead to {pages} different pages. Name them apart."
            )
            problems.append(
                warning(lines[label], "links", message, label=label, n=count, pages=len(targets[label]))
            )
    return problems
