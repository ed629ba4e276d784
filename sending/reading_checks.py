"""Can it be read, and does it look like what filters know as spam?

Only what providers and filter authors say in public, each with its source:
- hidden text: Google's sender guidelines ask not to hide content by HTML or CSS (D-60, D-93)
- images instead of text: SpamAssassin's HTML_IMAGE_ONLY_* and HTML_IMAGE_RATIO_* rules (D-87)
- huge or faint letters: SpamAssassin's HTML_FONT_SIZE_HUGE and HTML_FONT_LOW_CONTRAST; WCAG 2.2, 1.4.3 (F-11)
There is no list of “spam words”: filters that learn do not work so.
"""

from mailer.core.text import N_
from sending.mail_tree import MailTree, Text
from sending.problems import Problem, warning
from sending.visibility import LARGE_PIXELS

FEWEST_HIDDEN = 3
HUGE_PIXELS = 60.0
SMALL_PIXELS = 13.0
"""MJML's own default; F-11 advises 14 and more."""
LEAST_CONTRAST = 4.5
LEAST_CONTRAST_LARGE = 3.0
FEWEST_WORDS = 20
"""Fewer than that beside images, and the message is its images."""
IMAGES_BEFORE_TEXT = 3
LONG_WORDS = 150


def check_reading(page: MailTree, text: str) -> list[Problem]:
    """`text` is the plain part, as a template."""
    texts = list(page.texts())
    hidden = [one for one in texts if page.seen.hidden(one.node)]
    shown = [one for one in texts if one not in hidden]
    return [
        *_hidden(page, hidden),
        *_letters(page, shown),
        *_balance(page, shown, text),
        *_headings(page, shown),
    ]


def _hidden(page: MailTree, hidden: list[Text]) -> list[Problem]:
    many = [one for one in hidden if one.words >= FEWEST_HIDDEN]
    links = sum(
        1
        for one in hidden
        if one.words < FEWEST_HIDDEN and one.node.parent is not None and _in_link(one)
    )  # fmt: skip
    if not many and not links:
        return []
    if not many:
        message = N_("Links that nobody can see: {n}. Mailbox providers take hidden content for spam.")
        return [warning(page.line(hidden[0].node), "hidden", message, n=links)]
    message = N_(
        "Words that nobody can see: {n}, beginning with “{text}”. Mailbox providers take hidden content for "
        "spam. Show them or remove them; for the line after the subject there is the preheader."
    )
    words = sum(one.words for one in many)
    return [warning(page.line(many[0].node), "hidden", message, n=words, text=many[0].shown[:60])]


def _in_link(text: Text) -> bool:
    node = text.node.parent
    while node is not None:
        if node.tag == "a":
            return True
        node = node.parent
    return False


def _letters(page: MailTree, shown: list[Text]) -> list[Problem]:
    problems: list[Problem] = []
    huge = [one for one in shown if one.words >= 3 and page.seen.pixels(one.node) >= HUGE_PIXELS]
    if huge:
        message = N_(
            "Letters of {size} pixels and more stand in “{text}”: spam filters know huge letters well."
        )
        problems.append(warning(0, "letters", message, size=int(HUGE_PIXELS), text=huge[0].shown[:60]))
    counted = sum(len(one.shown) for one in shown)
    small = [one for one in shown if page.seen.pixels(one.node) < SMALL_PIXELS]
    if small and sum(len(one.shown) for one in small) * 2 > counted:
        message = N_("Most of the text is smaller than {size} pixels: hard to read on a telephone. Take 16.")
        problems.append(warning(0, "letters", message, size=int(SMALL_PIXELS)))
    faint = [one for one in shown if _is_faint(page, one)]
    if faint:
        message = N_(
            "Pieces of text too pale for their background: {n}, such as “{text}”. A contrast of 4.5 to 1 can "
            "be read by everybody."
        )
        problems.append(warning(0, "letters", message, n=len(faint), text=faint[0].shown[:60]))
    return problems


def _is_faint(page: MailTree, one: Text) -> bool:
    ratio = page.seen.contrast(one.node)
    large = page.seen.pixels(one.node) >= LARGE_PIXELS
    return ratio is not None and ratio < (LEAST_CONTRAST_LARGE if large else LEAST_CONTRAST)


def _balance(page: MailTree, shown: list[Text], text: str) -> list[Problem]:
    """The footer's words are left out: every mail has them."""
    images = [node for node in page.tree.css("img") if not page.inside(node.attributes.get("src") or "")]
    words = sum(one.words for one in shown if not one.legal)
    problems: list[Problem] = []
    if images and words < FEWEST_WORDS:
        message = N_(
            "The message is its images: {images}, beside {words} words. Many mailboxes show no images at "
            "first. Say what counts in text."
        )
        problems.append(warning(0, "balance", message, images=len(images), words=words))
    elif (before := _images_before_text(page, shown)) >= IMAGES_BEFORE_TEXT:
        message = N_("{n} images stand before the first words. Begin with text: images often load later.")
        problems.append(warning(0, "balance", message, n=before))
    plain = len(text.split())
    everything = sum(one.words for one in shown)
    if everything >= FEWEST_WORDS and plain * 2 < everything:
        message = N_("The plain text has {plain} words, the message {words}: both must say the same.")
        problems.append(warning(0, "balance", message, plain=plain, words=everything))
    return problems


def _images_before_text(page: MailTree, shown: list[Text]) -> int:
    first = next((one.node.mem_id for one in shown if one.words >= 3), None)
    count = 0
    body = page.tree.body
    for node in body.traverse(include_text=True) if body else ():
        if node.mem_id == first:
            return count
        count += node.tag == "img"
    return 0


def _headings(page: MailTree, shown: list[Text]) -> list[Problem]:
    words = sum(one.words for one in shown)
    if words < LONG_WORDS or page.tree.css_first("h1, h2, h3, h4, h5, h6"):
        return []
    message = N_("{n} words and no heading: whoever listens cannot jump to a part. Make its titles headings.")
    return [warning(0, "headings", message, n=words)]
