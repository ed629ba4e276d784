"""A template whose addresses of ours are holes in its text, to be filled with octets made once per mail.

    {% if _t3 %}{{ _t3 }}{% else %}https://…{% endif %}   {{ unsubscribe_url }}   {{ account.name }}
    └───────────── a hole ──────────────────────────────┘ └──── a hole ─────┘     └─ a constant ─┘

What stood between becomes one unchanging piece of text, which Jinja neither escapes nor joins again for each
recipient. Only what a template shows as it is becomes a hole: behind a filter or in a test the name stays.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from jinja2 import nodes
from markupsafe import escape

from sending import merge
from sending.content import PIXEL
from sending.links_in_mail import TRACKED
from sending.quoted import clean

MARK = re.compile("\x01([0-9]+)\x02")
"""No template and no value holds these characters: `clean` takes them away."""

_WORD = re.compile(r"\S+")
_SHOWN = merge.URL_NAMES | {PIXEL}


@dataclass(slots=True)
class Digger:
    """Of one part. `names` of its holes, shared by a mail's parts: a mark is a place in it.

    `constants`: values of records that all recipients share, by record and member. `otherwise`, filled in by
    `dig`: by name, what stands in a hole when there is no address, as this part writes it.
    """

    names: list[str]
    escaping: bool
    constants: Mapping[str, Mapping[str, str]]
    otherwise: dict[str, str] = field(default_factory=dict)

    def dig(self, tree: nodes.Template) -> nodes.Template:
        """Changes a parsed tree that is not hardened yet, and returns it."""
        tree.body = self._body(tree.body)
        return tree

    def _body(self, body: Sequence[nodes.Node]) -> list[nodes.Node]:
        out: list[nodes.Node] = []
        for one in body:
            made = self._statement(one)
            if isinstance(made, nodes.Output) and out and isinstance(out[-1], nodes.Output):
                # Jinja joins the constants of one output
                out[-1].nodes = [*out[-1].nodes, *made.nodes]
            else:
                out.append(made)
        return out

    def _statement(self, one: nodes.Node) -> nodes.Node:
        match one:
            case nodes.Output():
                one.nodes = [self._shown(node) for node in one.nodes]
            case nodes.If():
                either = self._either(one)
                if either is not None:
                    return nodes.Output([either], lineno=one.lineno)
                one.body = self._body(one.body)
                for other in one.elif_:
                    other.body = self._body(other.body)
                one.else_ = self._body(one.else_)
            case nodes.For():
                one.body = self._body(one.body)
                one.else_ = self._body(one.else_)
            case _:
                # a filter's block is read by the filter: what it holds stays
                pass
        return one

    def _shown(self, node: nodes.Expr) -> nodes.Expr:
        if isinstance(node, nodes.Name) and node.name in _SHOWN:
            return self._mark(node.name, "") or node
        if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name):
            value = self.constants.get(node.node.name, {}).get(node.attr)
            if value is not None:
                return nodes.TemplateData(str(escape(clean(value)) if self.escaping else clean(value)))
        return node

    def _either(self, one: nodes.If) -> nodes.TemplateData | None:
        """An author's link: our address for whom we measure, else what the author wrote."""
        if not isinstance(one.test, nodes.Name) or not one.test.name.startswith(TRACKED) or one.elif_:
            return None
        shown, others = _outputs(one.body), _outputs(one.else_)
        if len(shown) != 1 or not isinstance(shown[0], nodes.Name) or shown[0].name != one.test.name:
            return None
        written = "".join(other.data if isinstance(other, nodes.TemplateData) else " " for other in others)
        return self._mark(one.test.name, written) if _WORD.fullmatch(written) else None

    def _mark(self, name: str, otherwise: str) -> nodes.TemplateData | None:
        if self.otherwise.setdefault(name, otherwise) != otherwise:
            return None
        if name not in self.names:
            self.names.append(name)
        return nodes.TemplateData(f"\x01{self.names.index(name)}\x02")


def _outputs(body: Sequence[nodes.Node]) -> list[nodes.Expr]:
    """What it shows; nothing when it does more than that."""
    return body[0].nodes if len(body) == 1 and isinstance(body[0], nodes.Output) else []
