"""Colours of a mail: contrast as WCAG 2.2 measures it (1.4.3), and the nearest colour with enough of it."""

WHITE, BLACK = "#ffffff", "#000000"
ENOUGH = 4.5
_STEPS = 100


def contrast(one: str, other: str) -> float:
    """Of two colours as #rrggbb, from 1 to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def on(colour: str) -> str:
    """Black or white, whichever can be read on it: one of them always has a contrast of 4.5."""
    return max((WHITE, BLACK), key=lambda ink: contrast(ink, colour))


def readable(colour: str, *backgrounds: str, enough: float = ENOUGH) -> str:
    """The colour, or its nearest shade that can be read on all of the backgrounds; else black or white."""
    for step in range(_STEPS + 1):
        for end in (BLACK, WHITE):
            found = mixed(colour, end, step / _STEPS)
            if all(contrast(found, ground) >= enough for ground in backgrounds):
                return found
    return max((WHITE, BLACK), key=lambda ink: min(contrast(ink, ground) for ground in backgrounds))


def mixed(one: str, other: str, share: float) -> str:
    """`share` of the other colour in the first."""
    parts = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(mine + (theirs - mine) * share):02x}" for mine, theirs in parts)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (channel / 255 for channel in _channels(colour))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
