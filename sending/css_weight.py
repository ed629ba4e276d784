"""How much work the styles of a source would make for the inliner, told from their text alone (E-21).

Each selector is tried on each element; what looks at neighbours (`~`, `+`, `:nth-child`) walks along all of
them, and a long rule is copied into each element that it meets.
"""

import re

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
# begins where it cannot begin again a character later: a long text without an end is read once
_RULE = re.compile(r"(?<![^{};])([^{};]+)\{(?=([^{}]*))")
_STEP = re.compile(r"[\s>~+]+")
_NEIGHBOURS = re.compile(r"[~+:]")
_ALONG = 40
_ORDINARY = 200  # characters of a rule


def weight(css: str) -> int:
    """What one element costs, in short rules with a selector of one part."""
    total = 0
    for selectors, rule in _RULE.findall(_COMMENT.sub(" ", css)):
        for one in selectors.strip().split(",") if "@" not in selectors else ():
            along = _ALONG if _NEIGHBOURS.search(one) else 1
            total += len(_STEP.split(one.strip())) * along * (1 + len(rule) // _ORDINARY)
    return total
