"""Which values a template cannot do without: `{{ values.code }}`, but not with a default or behind an if."""

from jinja2 import TemplateSyntaxError, nodes

from sending import merge

_READING = merge.environment(autoescape=False)


def needed(source: str) -> frozenset[str]:
    """Names of a checked template; none when it cannot be read."""
    try:
        tree = _READING.parse(merge.normalise(source))
    except (TemplateSyntaxError, RecursionError):
        return frozenset()
    optional = {
        name
        for node in tree.find_all(nodes.Filter)
        if node.name == "default" and node.node is not None
        for name in _names(node.node)
    }
    # what an author asks after is allowed to be missing
    optional |= {name for node in tree.find_all(nodes.If) for name in _names(node.test)}
    return frozenset(_names(tree)) - optional


def _names(node: nodes.Node) -> set[str]:
    found = [node] if isinstance(node, nodes.Getattr) else []
    found += node.find_all(nodes.Getattr)
    return {one.attr for one in found if isinstance(one.node, nodes.Name) and one.node.name == merge.VALUES}
