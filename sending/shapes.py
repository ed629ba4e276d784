"""A part's octets for each shape of its values: what is left to do for a mail is to fill the holes.

    template ─ what it shows and asks ─▶ Asked ─ one run of Jinja a mail ─▶ values
                                                                             │
    octets with holes ◀─ encoded ◀─ tidied ◀─ flattened ◀─ a new shape ◀─────┤
            └───────────────── % what fills them ◀─ a known shape ◀──────────┘

A shape says which conditions hold and, in a text, which values are empty: with these known, everything
between the values is the same for all mails. A part with a loop has none and is put together from pieces
(`sending/bodies.py`), as is a text with white space at the edges of a value, or a line end in it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import zip_longest
from typing import Any, cast

from jinja2 import Environment, Template, nodes

from sending import hardening, plain_text, quoted
from sending.holes import MARK

MOST = 256
"""Shapes kept of a part; mails of further ones are put together from pieces."""

_SOFT = b"=\r\n"
_EDGES = re.compile(r"[ \t\r\f]|.*[ \t\r\f]$|.*\n", re.DOTALL)
_KEPT = 200


class _Loop(Exception):
    """It shows what no row of values can tell."""


@dataclass(frozen=True, slots=True)
class _Choice:
    """`asked`: place of the condition; what is shown when it holds and when not."""

    asked: int
    held: "tuple[Shown, ...]"
    otherwise: "tuple[Shown, ...]"


# text with marks of addresses, or the place of a value
Shown = str | int | _Choice
_Guards = tuple[nodes.Expr, ...]


@dataclass(slots=True)
class Asker:
    """Gathers what the parts of a mail show and ask, each once."""

    body: list[nodes.Node] = field(default_factory=list)
    blocks: bool = False
    """Some are filtered blocks, which mean one thing in HTML and another in text."""
    _places: dict[str, int] = field(default_factory=dict)

    def part(self, tree: nodes.Template) -> "tuple[Shown, ...] | None":
        """A parsed and dug part in flat form; None when it holds a loop."""
        try:
            return tuple(self._shown(tree.body, ()))
        except _Loop:
            return None

    def _shown(self, body: Sequence[nodes.Node], guards: _Guards) -> Iterator[Shown]:
        for one in body:
            match one:
                case nodes.Output():
                    for node in one.nodes:
                        if isinstance(node, nodes.TemplateData):
                            yield node.data
                        else:
                            yield self._ask(node, guards)
                case nodes.If():
                    yield self._choice(one, guards)
                case nodes.FilterBlock():
                    self.blocks = True
                    yield self._ask_block(one, guards)
                case _:
                    raise _Loop

    def _choice(self, one: nodes.If, guards: _Guards) -> _Choice:
        test = cast(nodes.Expr, one.test)
        asked = self._ask(nodes.CondExpr(test, nodes.Const("1"), nodes.Const("")), guards)
        held = tuple(self._shown(one.body, (*guards, test)))
        otherwise = (*guards, nodes.Not(test))
        if not one.elif_:
            return _Choice(asked, held, tuple(self._shown(one.else_, otherwise)))
        first, *others = one.elif_
        rest = nodes.If(first.test, first.body, others, one.else_)
        return _Choice(asked, held, (self._choice(rest, otherwise),))

    def _ask(self, node: nodes.Expr, guards: _Guards) -> int:
        """A value that is not shown is not asked for either: it might fail."""
        guarded = nodes.CondExpr(_all(guards), node, nodes.Const("")) if guards else node
        return self._place(nodes.Output([guarded]))

    def _ask_block(self, block: nodes.FilterBlock, guards: _Guards) -> int:
        if not guards:
            return self._place(block)
        nothing = nodes.Output([nodes.TemplateData("")])
        return self._place(nodes.If(_all(guards), [block], [], [nothing]))

    def _place(self, statement: nodes.Node) -> int:
        place = self._places.setdefault(repr(statement), len(self.body))
        if place == len(self.body):
            self.body.append(_copy(statement))
        return place

    def template(self, env: Environment) -> Template:
        """Yields the values, one piece each."""
        tree = nodes.Template([_copy(one) for one in self.body], lineno=1)
        return Template.from_code(env, env.compile(hardening.harden(tree, env)), {})


def _all(guards: _Guards) -> nodes.Expr:
    first, *others = guards
    for one in others:
        first = nodes.And(first, one)
    return first


def _copy(one: Any) -> Any:
    """Of a tree whose nodes are about to be changed."""
    if isinstance(one, list):
        return [_copy(item) for item in one]
    if not isinstance(one, nodes.Node):
        return one
    made = type(one)(*(_copy(getattr(one, name)) for name in one.fields))
    made.lineno = getattr(one, "lineno", None) or 1
    return made


@dataclass(frozen=True, slots=True)
class _Plan:
    """Octets with holes, and which of a mail's filling they take, in order."""

    template: bytes
    places: tuple[int, ...]

    def filled(self, filling: Sequence[bytes]) -> bytes:
        if not self.places:
            return self.template
        return self.template % tuple([filling[place] for place in self.places])


@dataclass(slots=True)
class Shapes:
    """Of one part. `addresses`: how many of these come first in a filling, in front of the values."""

    shown: tuple[Shown, ...]
    addresses: int
    tidy: bool
    _asked: tuple[int, ...] = field(init=False)
    _plans: dict[tuple[bool, ...], _Plan] = field(init=False, default_factory=dict)
    _encoded: dict[str, bytes] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        asked = _values(self.shown) if self.tidy else _conditions(self.shown)
        self._asked = tuple(sorted(set(asked)))

    def __len__(self) -> int:
        """How many are known."""
        return len(self._plans)

    def __bool__(self) -> bool:
        return True

    def encode(self, filling: Sequence[bytes]) -> bytes | None:
        """The part's octets; None when there are too many shapes. Made of `hole`s only."""
        base = self.addresses
        shape = tuple([filling[base + place] != b"" for place in self._asked])
        plan = self._plans.get(shape)
        if plan is None:
            if len(self._plans) >= MOST:
                return None
            plan = self._plans[shape] = self._plan(dict(zip(self._asked, shape, strict=True)))
        return plan.filled(filling)

    def _plan(self, held: dict[int, bool]) -> _Plan:
        text = "".join(self._flat(self.shown, held))
        if self.tidy:
            text = plain_text.tidy(text)
        between = MARK.split(text)
        if not between[-1]:
            # a body ends with the end of a line
            between[-1] = "\n"
        out: list[bytes] = []
        for n, one in enumerate(between):
            if not n % 2:
                out.append(self._octets(one, last=n == len(between) - 1))
            else:
                out.append(b"%b")
        whole = b"".join(out)
        places = tuple(int(one) for one in between[1::2])
        if not places:
            whole = whole.replace(b"%%", b"%")
        return _Plan(whole, places)

    def _flat(self, shown: Sequence[Shown], held: dict[int, bool]) -> Iterator[str]:
        for one in shown:
            if isinstance(one, str):
                yield one
            elif isinstance(one, _Choice):
                yield from self._flat(one.held if held[one.asked] else one.otherwise, held)
            elif held.get(one, True):
                yield f"\x01{self.addresses + one}\x02"

    def _octets(self, text: str, *, last: bool) -> bytes:
        """Begins and ends with a line's beginning, whatever stands around it."""
        if not text:
            return b""
        found = self._encoded.get(text)
        if found is None:
            found = self._encoded[text] = quoted.encode(text).replace(b"%", b"%%")
        if found.endswith(b"\r\n"):
            return found
        return found + (b"\r\n" if last else _SOFT)


def _conditions(shown: Sequence[Shown]) -> Iterator[int]:
    for one in shown:
        if isinstance(one, _Choice):
            yield one.asked
            yield from _conditions(one.held)
            yield from _conditions(one.otherwise)


def _values(shown: Sequence[Shown]) -> Iterator[int]:
    for one in shown:
        if isinstance(one, int):
            yield one
        elif isinstance(one, _Choice):
            yield one.asked
            yield from _values(one.held)
            yield from _values(one.otherwise)


def filling(addresses: Sequence[bytes], otherwise: Sequence[bytes]) -> list[bytes]:
    """What fills the holes of a mail's addresses; `otherwise`, by place, where there is none."""
    if b"" in addresses:
        # names behind the last of a part's are the other part's
        filled = zip_longest(addresses, otherwise[: len(addresses)], fillvalue=b"")
        return [(one or other) + _SOFT for one, other in filled]
    return [one + _SOFT for one in addresses]


def hole(text: str) -> bytes:
    """What fills a value's hole: its octets, and the break behind which the template goes on."""
    return _remembered(text) if len(text) <= _KEPT else _hole(text)


def in_text(text: str) -> bytes | None:
    """As `hole`; None for a value next to which, or in which, a text is tidied."""
    return _remembered_in_text(text) if len(text) <= _KEPT else _in_text(text)


def _hole(text: str) -> bytes:
    text = quoted.clean(text)
    return quoted.value(text) + _SOFT if text else b""


def _in_text(text: str) -> bytes | None:
    return None if _EDGES.match(quoted.clean(text)) else _hole(text)


_remembered = lru_cache(8192)(_hole)
_remembered_in_text = lru_cache(8192)(_in_text)
