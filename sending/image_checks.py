"""Images of a message: described, reachable, light, on a server you answer for (F-11, A-028, D-87)."""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from selectolax.lexbor import LexborNode

from mailer.core.db import AccountTx
from mailer.core.text import N_
from sending import merge
from sending.content import PIXEL
from sending.mail_tree import MailTree
from sending.problems import Problem, error, warning

HEAVY = 300_000
"""An image of more bytes is slow on a telephone network."""
HEAVY_TOGETHER = 1_000_000
"""And so are all images of a mail together: the budget that the pages show."""
LONG_MOVING = 5
"""What moves for more seconds has to be stoppable (WCAG 2.2.2), and no mail program stops it."""
_GIF = re.compile(r"\.gif(?:[?#]|$)", re.IGNORECASE)
_OURS = re.compile(r"/t/img/([0-9a-z.-]+)$")


def check_images(page: MailTree, *, own_origin: str = "") -> list[Problem]:
    """`own_origin`: where the account's own images stand, as “https://mail.example”."""
    problems: list[Problem] = []
    foreign: set[str] = set()
    for node in page.tree.css("img"):
        source = (node.attributes.get("src") or "").strip()
        if _is_pixel(page, node):
            continue
        if "alt" not in node.attributes:
            message = N_("The image “{url}” has no description. Write one, or leave it empty on purpose.")
            problems.append(error(page.line(node), "images", message, url=source[-60:]))
        if not source.lower().startswith(("https://", "http://", "cid:")) and not page.inside(source):
            message = N_("The image “{url}” has no web address. Begin it with https://.")
            problems.append(error(page.line(node), "images", message, url=source[:60]))
        elif own_origin and not source.startswith(f"{own_origin}/"):
            foreign.add(_host(page.literal(source)))
        if source.startswith("http://") and not (own_origin and source.startswith(f"{own_origin}/")):
            message = N_(
                "The image “{url}” is not encrypted, and some mailboxes do not show it. Use https://."
            )
            problems.append(warning(page.line(node), "images", message, url=source[-60:]))
    foreign -= {""}
    if foreign:
        message = N_(
            "Images come from other servers: {hosts}. They learn who opens the message, and when they fail "
            "nothing shows. Put them under Images."
        )
        problems.append(warning(0, "images", message, hosts=", ".join(sorted(foreign)[:5])))
    return problems


def own_names(page: MailTree, own_origin: str) -> list[str]:
    """Names of the account's own images in the message."""
    return list(dict(own_places(page, own_origin)))


def own_places(page: MailTree, own_origin: str) -> Iterator[tuple[str, int]]:
    """The same with the line of each."""
    for node in page.tree.css("img"):
        source = (node.attributes.get("src") or "").strip()
        if source.startswith(f"{own_origin}/") and (name := _OURS.search(source)):
            yield name[1], page.line(node)


def moves_on(seconds: float) -> bool:
    """`seconds` as the library has them: -1 for ever."""
    return seconds < 0 or seconds > LONG_MOVING


def foreign_animations(page: MailTree, own_origin: str) -> Iterator[Problem]:
    """Files that may flash or move for ever and that nobody looked into: nothing is fetched from elsewhere.

    Those of the account are looked at when they are added (`image_frames`: more than three flashes a second).
    """
    for node in page.tree.css("img"):
        source = page.literal((node.attributes.get("src") or "").strip())
        if _GIF.search(source) and not source.startswith(f"{own_origin}/"):
            message = N_(
                "This GIF stands on another server: whether it flashes or moves for ever is not known."
            )
            yield warning(page.line(node), "foreign_gif", message)


async def check_weight(tx: AccountTx, names: list[str]) -> list[Problem]:
    """How heavy the account's own images are, and whether they are still there."""
    if not names:
        return []
    rows = await tx.rows(
        """
        SELECT name, size, coalesce(nullif(label, ''), nullif(alt, ''), name)
        FROM images
        WHERE account_id = $1 AND name = ANY ($2)
        """,
        names,
    )
    return weigh(names, {name: (size, label) for name, size, label in rows})


def weigh(names: list[str], sizes: Mapping[str, tuple[int, str]]) -> list[Problem]:
    """`sizes`: bytes, and what the team calls the image, by its name."""
    problems: list[Problem] = []
    if gone := sum(name not in sizes for name in names):
        message = N_("Images of yours that were deleted meanwhile: {n}. Choose others.")
        problems.append(warning(0, "images", message, n=gone))
    if not sizes:
        return problems
    heavy = [size for size, _ in sizes.values() if size > HEAVY]
    together = sum(size for size, _ in sizes.values())
    heaviest, name = max(sizes.values())
    if together > HEAVY_TOGETHER:
        message = N_(
            "The images weigh {size} kB together; stay under {limit} kB for telephones. The heaviest is "
            "“{name}” with {heaviest} kB."
        )
        problems.append(
            warning(
                0, "images", message,
                size=together // 1000, limit=HEAVY_TOGETHER // 1000, name=name, heaviest=heaviest // 1000,
            )
        )  # fmt: skip
    elif heavy:
        message = N_(
            "Images of more than {limit} kB: {n}; the heaviest is “{name}” with {size} kB. On a telephone "
            "they come late."
        )
        problems.append(
            warning(
                0, "images", message,
                limit=HEAVY // 1000, n=len(heavy), name=name, size=heaviest // 1000,
            )
        )  # fmt: skip
    return problems


def _is_pixel(page: MailTree, node: LexborNode) -> bool:
    source = node.attributes.get("src") or ""
    return any(PIXEL in merge.names_used(slot.html) for slot in page.inside(source))


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
