"""The linter: all that can be said of a source while it is written, each finding at its line (F-11, F-12).

    source ─ check_source ─▶ faults, and with one that blocks no more
           ─ marked ─ compile ─▶ the tree, each element with its line ─▶ checks of the send, rules of reading
           ─▶ styles and tags that some mail programs do not show; the weight

Pure and bounded (E-21): what is too large or too deep is told by `mjml_lint` before anything is compiled.
What has to ask the database stands in `lint_audience`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from jinja2 import TemplateSyntaxError

from mailer.core.settings import Settings
from mailer.core.text import N_
from sending import (
    content,
    content_checks,
    image_checks,
    letter,
    lint_reading,
    mail_programs,
    mail_tree,
    merge,
    source_marks,
    sources,
)
from sending.content import Compiled
from sending.finding import Finding, Kind
from sending.problems import Problem, Severity, blocking
from sending.sources import Source
from sending.weights import GMAIL_CUT_BYTES

MOST_OF_A_RULE = 10
MOST = 100
# how much longer a measured link is than what the author wrote
_LINK_BYTES = 120
_ORDER = {Kind.ERROR: 0, Kind.WARNING: 1, Kind.ADVICE: 2}

FIXES: Mapping[str, str] = {
    "images": N_('Use an image of your own under Images, with https:// and alt="…".'),
    "links": N_("Correct the address, and let the words say what it opens."),
    "unsubscribe": N_("Add the standard footer, or a link to unsubscribe_url that everybody sees."),
    "identity": N_("Add the standard footer, or account.name and account.address."),
    "hidden": N_("Show it, or take it out."),
    "balance": N_("Say in text what counts."),
    "headings": N_("Put the titles in <h1> and <h2>."),
    "active": N_("Take it out."),
    "forbidden": N_("Take the number out."),
    "text_part": N_("Write some text."),
    "foreign_gif": N_(
        "Add it under Images: it is looked at there, and more than three flashes a second are refused."
    ),
    "no_alt": N_('Write alt="what the image shows", or alt="" when it only decorates.'),
    "no_href": N_('Write href="https://…".'),
    "no_src": N_('Write src="https://…".'),
}
"""Code → what to do, where the sentence itself does not end with it."""


@dataclass(frozen=True, slots=True)
class Report:
    """`images` and `fields`: where the account's own images and the fields of contacts first stand."""

    findings: tuple[Finding, ...]
    images: Mapping[str, int] = field(default_factory=dict)
    fields: Mapping[str, int] = field(default_factory=dict)

    def adding(self, more: Iterable[Finding]) -> "Report":
        return replace(self, findings=tuple(_arranged([*self.findings, *more])))


def check(source: Source, *, settings: Settings, known: frozenset[str]) -> Report:
    """`known`: keys of the account's custom fields. Takes milliseconds, for the worst source a second."""
    text = sources.mjml_of(source)
    if isinstance(text, list):
        return Report(tuple(_arranged(_of(one) for one in text)))
    text = merge.normalise(text)
    problems = content.check_mjml(text, fields=known)
    found = [_of(one) for one in problems]
    fields = {}
    if not blocking(problems):
        compiled = content.compile_mjml(
            source_marks.mark(text),
            icon_origin=sources.icon_origin(settings),
            language=source.language or "fr",
            fields=known,
        )
        if isinstance(compiled, Compiled):
            found, images = _compiled(found, source, text, compiled, settings)
            fields = _fields(text)
            return _placed(source, Report(tuple(_arranged(found)), images, fields))
        found = [_of(one) for one in compiled]
    return _placed(source, Report(tuple(_arranged(found)), {}, fields))


def _compiled(
    found: list[Finding], source: Source, text: str, compiled: Compiled, settings: Settings
) -> tuple[list[Finding], dict[str, int]]:
    page = mail_tree.read(compiled.html)
    origin = settings.track_url
    problems = content_checks.check_content(page, compiled.text, own_origin=origin)
    problems += image_checks.foreign_animations(page, origin)
    problems += content_checks.forbidden("", compiled.text)
    # an image without a description is told by its tag
    found = [one if one.code != "no_alt" else replace(one, kind=Kind.ERROR) for one in found]
    told = {one.line for one in found if one.code == "no_alt"}
    found += [_of(one) for one in problems if not (one.code in {"images", "letters"} and one.line in told)]
    found = [one for one in found if one.code != "letters"]
    found += lint_reading.check(page)
    if source.kind != "letter":
        # a letter's styles are ours, made for all of them
        found += mail_programs.check(text)
    found += _weight(compiled)
    images: dict[str, int] = {}
    for name, line in image_checks.own_places(page, origin):
        images.setdefault(name, line)
    return found, images


def _weight(compiled: Compiled) -> list[Finding]:
    """As a template: what each person's mail weighs is looked at before the send (`weights`)."""
    size = len(source_marks.without(compiled.html).encode()) + _LINK_BYTES * len(compiled.links)
    if size <= GMAIL_CUT_BYTES * 8 // 10:
        return []
    over = size > GMAIL_CUT_BYTES
    return [
        Finding(
            line=0,
            kind=Kind.WARNING if over else Kind.ADVICE,
            code="weight",
            message=N_(
                "The mail has about {size} kB of HTML: Gmail cuts it after {limit} kB, its end is not seen."
            )
            if over
            else N_("The mail has about {size} kB of HTML, and Gmail cuts after {limit} kB: little is left."),
            fix=N_("Shorten it, or send two."),
            params={"size": -(-size // 1000), "limit": GMAIL_CUT_BYTES // 1000},
        )
    ]


def _fields(text: str) -> dict[str, int]:
    """Fields that are printed somewhere without words for who has none: key → line.

    What an `if` asks about is the author's own answer to an empty field.
    """
    try:
        tags = merge.tags(text)
    except TemplateSyntaxError:
        return {}
    asked = {name for tag in tags if tag.kind == "block" for name in merge.names_used(_closed(tag.text))}
    found: dict[str, int] = {}
    for tag in tags:
        if tag.kind != "output" or merge.has_default(tag.text):
            continue
        for name in sorted(merge.names_used(tag.text) - asked):
            if name.startswith("contact."):
                found.setdefault(name[8:], tag.line)
    return found


def _closed(block: str) -> str:
    """A block's opening tag as a whole that can be read."""
    word = block.strip("{%-+ \n\t").split(" ", 1)[0]
    rest = {"if": "{% endif %}", "for": "{% endfor %}"}.get(word)
    if word == "elif":
        return block.replace("elif", "if", 1) + "{% endif %}"
    return block + rest if rest else ""


def _of(problem: Problem) -> Finding:
    kind = Kind.ERROR if problem.severity is Severity.ERROR else Kind.WARNING
    return Finding(
        line=problem.line,
        column=problem.column,
        kind=kind,
        code=problem.code,
        message=problem.message,
        fix=FIXES.get(problem.code, ""),
        params=problem.params,
    )


def _arranged(found: Iterable[Finding]) -> list[Finding]:
    """By line, the whole message first; of one rule at most ten, of all at most a hundred, gravest kept."""
    counts: dict[tuple[str, Kind], int] = {}
    kept: dict[tuple[object, ...], Finding] = {}
    for one in found:
        place = (one.code, one.kind)
        counts[place] = counts.get(place, 0) + 1
        if counts[place] <= MOST_OF_A_RULE:
            kept.setdefault((one.line, one.code, one.message, *map(str, one.params.values())), one)
    gravest = sorted(kept.values(), key=lambda one: _ORDER[one.kind])[:MOST]
    return sorted(gravest, key=lambda one: (one.line, _ORDER[one.kind], one.column or 0))


def _placed(source: Source, report: Report) -> Report:
    """For a letter, `line` is the block."""
    if source.kind != "letter":
        return report
    findings = tuple(replace(one, line=letter.block_of(one.line), column=None) for one in report.findings)
    return Report(
        findings,
        {name: letter.block_of(line) for name, line in report.images.items()},
        {key: letter.block_of(line) for key, line in report.fields.items()},
    )
