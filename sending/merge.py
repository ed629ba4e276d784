"""The merge language: a bounded subset of Jinja2, checked on its syntax tree before anything runs (E-20).

    {{ contact.first_name | default("…") }}   {% if … %} {% elif … %} {% else %} {% endif %}
    {% for item in contact.interests %} {{ item }} {% endfor %}   {# a note #}

What the tree may hold is named here; everything else is refused. The sandbox is the second wall.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Literal

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from mailer.core.text import N_
from sending import merge_filters
from sending.problems import Problem, error

Part = Literal["subject", "preheader", "mjml", "html", "text"]

CONTACT_COLUMNS = frozenset({"email", "first_name", "last_name", "language"})
URL_NAMES = frozenset({"unsubscribe_url", "preferences_url", "tracking_url", "rights_url", "web_version_url"})
RECORDS: Mapping[str, frozenset[str]] = {
    "sender": frozenset({"name", "email", "reply_to"}),
    "account": frozenset({"name", "address", "email"}),
    "list": frozenset({"name"}),
}
# what a program gives with a transactional message: any name, refused in campaigns
VALUES = "values"
# of a feed's item, in {% for item in items %}: written out before an edition is frozen (`feed_block`)
ITEM = frozenset({"title", "link", "summary", "date", "image"})
TOP_NAMES = frozenset({"contact", "subject", VALUES, *URL_NAMES, *RECORDS})
FILTERS = ("default", "upper", "lower", "capitalize", "date", "number", "truncate")
FEED_ITEM = "item of a feed"
_LOOP_WORDS = frozenset({"index", "first", "last"})
_BLOCK_WORDS = frozenset({"if", "elif", "else", "endif", "for", "endfor"})

# What people write for a column that has another name here.
_ALIASES = {
    "prenom": "first_name", "prénom": "first_name", "firstname": "first_name", "fname": "first_name",
    "given_name": "first_name", "nom": "last_name", "lastname": "last_name", "lname": "last_name",
    "surname": "last_name", "name": "last_name", "mail": "email", "courriel": "email", "e_mail": "email",
    "adresse": "email", "langue": "language", "lang": "language", "locale": "language",
}  # fmt: skip

MAX_SOURCE = 500_000
MAX_TAGS = 2_000
MAX_TAG_LENGTH = 500
MAX_DEPTH = 8
MAX_TOKENS = 40_000
"""What 2,000 tags of ordinary length come to; the lexer needs a second for some hundred thousand (E-21)."""


@dataclass(frozen=True, slots=True)
class Tag:
    """One merge tag as it stands in a source: [start, end) in characters."""

    start: int
    end: int
    line: int
    kind: Literal["output", "block", "comment"]
    text: str


def normalise(source: str) -> str:
    """One kind of line end, so that positions and line numbers mean the same everywhere."""
    return source.replace("\r\n", "\n").replace("\r", "\n")


def environment(*, autoescape: bool) -> Environment:
    """The tenants' environment: our filters, no tests, no globals, no loader."""
    env = ImmutableSandboxedEnvironment(
        autoescape=autoescape, keep_trailing_newline=True, finalize=merge_filters.finalize, cache_size=0
    )
    env.globals.clear()
    env.tests.clear()
    env.filters.clear()
    for name in FILTERS:
        env.filters[name] = getattr(merge_filters, f"{name}_filter")
    for name in ("field", "items", "compare", "url_part", "url_whole", "url_clean"):
        env.filters[f"_{name}"] = getattr(merge_filters, name)
    return env


_CHECKING = environment(autoescape=False)


def tags(source: str) -> list[Tag]:
    """The merge tags of a normalised source. Raises TemplateSyntaxError with its line."""
    found: list[Tag] = []
    position = start = line = 0
    kind: Literal["output", "block", "comment"] = "output"
    for count, (token_line, token, value) in enumerate(_CHECKING.lex(source)):
        if count > MAX_TOKENS:
            raise TemplateSyntaxError("more than can be read", token_line)
        # The lexer drops white space around `{%-`; nothing else, so the next value is always ahead.
        position = source.index(value, position)
        if token in {"variable_begin", "block_begin", "comment_begin", "raw_begin"}:
            start, line = position, token_line
            kind = {"v": "output", "c": "comment"}.get(token[0], "block")  # type: ignore[assignment]  # a Literal
        position += len(value)
        if token in {"variable_end", "block_end", "comment_end", "raw_begin", "raw_end"}:
            found.append(Tag(start, position, line, kind, source[start:position]))
    return found


def masked(source: str, found: list[Tag]) -> str:
    """The source with each tag turned into as many inert characters, lines kept: for reading its HTML."""
    pieces: list[str] = []
    position = 0
    for tag in found:
        pieces.append(source[position : tag.start])
        pieces.append("".join(ch if ch == "\n" else "X" for ch in tag.text))
        position = tag.end
    return "".join(pieces) + source[position:]


def check(source: str, *, fields: frozenset[str], part: Part) -> list[Problem]:
    """All that is wrong with the merge tags of a part; `fields` are the keys of the custom fields."""
    source = normalise(source)
    if len(source) > MAX_SOURCE:
        message = N_("The source holds {size} characters; {limit} at most. Shorten it.")
        return [error(0, "source_too_long", message, size=len(source), limit=MAX_SOURCE)]
    if "\0" in source:
        return [
            error(
                0, "control_character", N_("The source holds a character that no mail may carry. Remove it.")
            )
        ]
    try:
        found = tags(source)
    except TemplateSyntaxError as fault:
        return [_unreadable(source, fault.lineno)]
    problems = _size_problems(found)
    if problems:
        return problems
    try:
        tree = _CHECKING.parse(source)
    except TemplateSyntaxError as fault:
        return [_unreadable(source, fault.lineno, found)]
    except RecursionError:
        return [_not_allowed(1, "(((…)))")]
    return list(_Checker(fields, part).block(tree.body, frozenset(), 0))


def has_default(source: str) -> bool:
    """Does a tag say what people without a value read? `default("")` does not."""
    try:
        tree = _CHECKING.parse(source)
    except (TemplateSyntaxError, RecursionError):
        return False
    return any(
        node.name == "default"
        and bool(node.args)
        and isinstance(node.args[0], nodes.Const)
        and bool(str(node.args[0].value).strip())
        for node in tree.find_all(nodes.Filter)
    )


@lru_cache(maxsize=2048)
def names_used(source: str) -> frozenset[str]:
    """Names a checked source reads, as “unsubscribe_url” or “contact.city”; none when it cannot be read."""
    try:
        tree = _CHECKING.parse(source)
    except (TemplateSyntaxError, RecursionError):
        return frozenset()
    plain = {node.name for node in tree.find_all(nodes.Name)}
    dotted = {
        f"{node.node.name}.{node.attr}"
        for node in tree.find_all(nodes.Getattr)
        if isinstance(node.node, nodes.Name)
    }
    return frozenset(plain | dotted)


def _size_problems(found: list[Tag]) -> list[Problem]:
    if len(found) > MAX_TAGS:
        message = N_("The source holds {count} merge tags; {limit} at most.")
        return [error(0, "too_many_tags", message, count=len(found), limit=MAX_TAGS)]
    problems = []
    for tag in found:
        if len(tag.text) > MAX_TAG_LENGTH and tag.kind != "comment":
            message = N_("Line {line}: this merge tag holds {size} characters; {limit} at most.")
            problems.append(
                error(tag.line, "tag_too_long", message, size=len(tag.text), limit=MAX_TAG_LENGTH)
            )
        elif tag.kind == "block" and _word(tag) not in _BLOCK_WORDS:
            message = N_(
                "Line {line}: “{tag}” does not exist. There are if, elif, else, endif, for and endfor."
            )
            problems.append(error(tag.line, "unknown_tag", message, tag=_short(tag.text)))
    return problems


def _word(tag: Tag) -> str:
    return tag.text.strip("{}%-+ \n\t").split(None, 1)[0] if tag.text.strip("{}%-+ \n\t") else ""


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 60 else flat[:59] + "…"


def _unreadable(source: str, line: int, found: list[Tag] | None = None) -> Problem:
    text = next((tag.text for tag in found or [] if tag.line == line), "")
    if not text:
        lines = source.split("\n")
        text = lines[min(line, len(lines)) - 1].strip() if lines else ""
    message = N_("Line {line}: “{tag}” cannot be read as a merge tag. Check its braces, quotes and its end.")
    return error(line, "syntax", message, tag=_short(text))


def _not_allowed(line: int, what: str) -> Problem:
    message = N_(
        "Line {line}: “{what}” is not part of the merge language. "
        "It knows fields, the filters, if and for, and comparisons."
    )
    return error(line, "not_allowed", message, what=what)


class _Checker:
    """Walks statements, then expressions; yields what is not on the list."""

    def __init__(self, fields: frozenset[str], part: Part) -> None:
        self.fields = fields | CONTACT_COLUMNS
        self.part = part

    def block(self, body: list[nodes.Node], scope: frozenset[str], depth: int) -> Iterator[Problem]:
        for node in body:
            if depth > MAX_DEPTH:
                message = N_("Line {line}: conditions stand more than {limit} deep. Flatten them.")
                yield error(node.lineno, "too_deep", message, limit=MAX_DEPTH)
                return
            match node:
                case nodes.Output():
                    for inner in node.nodes:
                        yield from self.expression(inner, scope)
                case nodes.If():
                    yield from self.expression(node.test, scope)
                    yield from self.block(node.body, scope, depth + 1)
                    yield from self.block(list(node.elif_), scope, depth)
                    yield from self.block(node.else_, scope, depth + 1)
                case nodes.For():
                    yield from self.loop(node, scope, depth)
                case _:
                    yield _not_allowed(node.lineno, type(node).__name__.lower())

    def loop(self, node: nodes.For, scope: frozenset[str], depth: int) -> Iterator[Problem]:
        if scope:
            yield error(
                node.lineno, "nested_loop", N_("Line {line}: a loop cannot stand inside another loop.")
            )
        if node.recursive or node.test is not None or not isinstance(node.target, nodes.Name):
            yield _not_allowed(node.lineno, "for … if / recursive")
            return
        name = node.target.name
        if name == "item" and _is_name(node.iter, "items") and self.part == "mjml":
            yield from self.block(node.body, scope | {FEED_ITEM}, depth + 1)
            return
        if name in TOP_NAMES or name.startswith("_") or name == "loop":
            message = N_(
                "Line {line}: the loop cannot use the name “{name}”. Choose another one, such as “item”."
            )
            yield error(node.lineno, "loop_name", message, name=name)
        source = node.iter.node if isinstance(node.iter, nodes.Getattr) else None
        if not (source and (_is_name(source, "contact") or _is_name(source, VALUES))):
            message = N_(
                "Line {line}: a loop runs over a list field of the contact, such as contact.interests."
            )
            yield error(node.lineno, "loop_source", message)
        else:
            yield from self.expression(node.iter, scope)
        yield from self.block(node.body, scope | {name, "loop"}, depth + 1)
        yield from self.block(node.else_, scope, depth + 1)

    def expression(self, node: nodes.Node, scope: frozenset[str]) -> Iterator[Problem]:
        match node:
            case nodes.TemplateData() | nodes.Const():
                return
            case nodes.Name():
                yield from self.name(node, scope)
            case nodes.Getattr():
                yield from self.attribute(node, scope)
            case nodes.Filter():
                yield from self.filter(node, scope)
            case nodes.And() | nodes.Or():
                yield from self.expression(node.left, scope)
                yield from self.expression(node.right, scope)
            case nodes.Not():
                yield from self.expression(node.node, scope)
            case nodes.Compare() if len(node.ops) == 1:
                yield from self.expression(node.expr, scope)
                right = node.ops[0].expr
                if not _is_constant_list(right):
                    yield from self.expression(right, scope)
            case _:
                yield _not_allowed(node.lineno, type(node).__name__.lower())

    def name(self, node: nodes.Name, scope: frozenset[str]) -> Iterator[Problem]:
        if node.name in scope and node.name != "loop":
            return
        if node.name in URL_NAMES and self.part in {"subject", "preheader"}:
            message = N_("Line {line}: “{name}” is a link; a subject or preheader cannot hold one.")
            yield error(node.lineno, "not_here", message, name=node.name)
        elif node.name == "subject" and self.part == "subject":
            yield error(node.lineno, "not_here", N_("Line {line}: the subject cannot contain itself."))
        elif node.name in {"contact", "loop", VALUES, *RECORDS}:
            message = N_("Line {line}: “{name}” needs a field after it, such as {example}.")
            examples = {"loop": "loop.index", "contact": "contact.first_name", VALUES: "values.code"}
            example = examples.get(node.name, f"{node.name}.name")
            yield error(node.lineno, "needs_field", message, name=node.name, example=example)
        elif node.name not in TOP_NAMES:
            yield self.unknown(node.lineno, node.name, node.name)

    def attribute(self, node: nodes.Getattr, scope: frozenset[str]) -> Iterator[Problem]:
        owner = node.node.name if isinstance(node.node, nodes.Name) else ""
        if owner == "contact":
            if node.attr not in self.fields:
                yield self.unknown(node.lineno, node.attr, node.attr)
        elif owner in RECORDS:
            if node.attr not in RECORDS[owner]:
                yield self.unknown(node.lineno, f"{owner}.{node.attr}", node.attr)
        elif owner == "item" and FEED_ITEM in scope:
            if node.attr not in ITEM:
                yield self.unknown(node.lineno, f"{owner}.{node.attr}", node.attr)
        elif owner == VALUES:
            if node.attr.startswith("_"):
                yield self.unknown(node.lineno, f"{owner}.{node.attr}", node.attr)
        elif not (owner == "loop" and "loop" in scope and node.attr in _LOOP_WORDS):
            yield _not_allowed(node.lineno, f"{owner}.{node.attr}")

    def filter(self, node: nodes.Filter, scope: frozenset[str]) -> Iterator[Problem]:
        if node.name not in FILTERS:
            close = get_close_matches(node.name, FILTERS, n=1, cutoff=0.5)
            if close:
                message = N_("Line {line}: the filter “{name}” does not exist. Did you mean “{suggestion}”?")
                yield error(node.lineno, "unknown_filter", message, name=node.name, suggestion=close[0])
            else:
                message = N_("Line {line}: the filter “{name}” does not exist. These do: {filters}.")
                yield error(
                    node.lineno, "unknown_filter", message, name=node.name, filters=", ".join(FILTERS)
                )
        too_many = len(node.args) > (0 if node.name in {"upper", "lower", "capitalize"} else 1)
        if too_many or node.kwargs or node.dyn_args or node.dyn_kwargs or node.node is None:
            message = N_("Line {line}: the filter “{name}” does not take these values.")
            yield error(node.lineno, "filter_values", message, name=node.name)
            return
        yield from self.expression(node.node, scope)
        for argument in node.args:
            yield from self.expression(argument, scope)

    def unknown(self, line: int, shown: str, word: str) -> Problem:
        known = [*self.fields, *TOP_NAMES, *(f"{k}.{v}" for k, names in RECORDS.items() for v in names)]
        close = get_close_matches(shown, known, n=1, cutoff=0.6)
        suggestion = (
            _ALIASES.get(word.lower()) or (word if word in self.fields else "") or (close[0] if close else "")
        )
        if suggestion:
            if shown == word and suggestion in self.fields and word in self.fields:
                suggestion = f"contact.{suggestion}"
            message = N_("Line {line}: the field “{name}” does not exist. Did you mean “{suggestion}”?")
            return error(line, "unknown_field", message, name=shown, suggestion=suggestion)
        message = N_("Line {line}: the field “{name}” does not exist. Choose one from the list of fields.")
        return error(line, "unknown_field", message, name=shown)


def _is_name(node: nodes.Node, name: str) -> bool:
    return isinstance(node, nodes.Name) and node.name == name


def _is_constant_list(node: nodes.Node) -> bool:
    if not isinstance(node, (nodes.List, nodes.Tuple)) or len(node.items) > 50:
        return False
    return all(isinstance(item, nodes.Const) for item in node.items)
