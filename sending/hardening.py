"""The last step before a merge template is compiled: what may surprise becomes what cannot (E-20)."""

from jinja2 import Environment, nodes
from jinja2.visitor import NodeTransformer


class _Hardening(NodeTransformer):
    """Turns what may fail or surprise into what cannot."""

    def visit_Getattr(self, node: nodes.Getattr) -> nodes.Node:
        # `contact.items` must be the field called items, never the dict's method.
        if isinstance(node.node, nodes.Name) and node.node.name == "loop":
            return node
        key: list[nodes.Expr] = [nodes.Const(node.attr)]
        return nodes.Filter(node.node, "_field", key, [], None, None, lineno=node.lineno)

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:
        self.generic_visit(node)
        operator = nodes.Const(node.ops[0].op)
        arguments = [operator, node.ops[0].expr]
        return nodes.Filter(node.expr, "_compare", arguments, [], None, None, lineno=node.lineno)

    def visit_For(self, node: nodes.For) -> nodes.Node:
        self.generic_visit(node)
        node.iter = nodes.Filter(node.iter, "_items", [], [], None, None, lineno=node.lineno)
        return node


def harden(tree: nodes.Template, env: Environment) -> nodes.Template:
    """A checked tree, ready to compile."""
    _Hardening().visit(tree)
    tree.set_environment(env)
    return tree
