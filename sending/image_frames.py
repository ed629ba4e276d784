"""Animations: read frame by frame, judged for flashes, written as GIF or animated PNG."""

import io
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageSequence

# browsers show a frame of less as one of a tenth of a second
_SHORTEST, _INSTEAD = 20, 100  # milliseconds
# WCAG 2.2, “general flash”: a tenth of the highest luminance, the darker below 0.8, a quarter of the view
_CHANGE, _BRIGHT, _AREA = 0.1, 0.8, 0.25
_GRID = 32
_WINDOW = 1_000  # milliseconds
_TOO_MANY = 7  # changes: the fourth flash has begun
_LUMINANCE = [(n / 255) ** 2.2 for n in range(256)]


@dataclass(frozen=True, slots=True)
class Moving:
    """`durations` in milliseconds, as the file has them. `loop`: how often it plays, 0 for ever."""

    frames: list[Image.Image]
    durations: list[int]
    loop: int

    @property
    def seconds(self) -> float:
        """Of moving; -1: for ever."""
        return -1.0 if self.loop == 0 else self.loop * sum(map(_shown_for, self.durations)) / 1000


def read(image: Image.Image, make: Callable[[Image.Image], Image.Image]) -> Moving:
    """Each frame as `make` gives it."""
    durations: list[int] = []
    frames: list[Image.Image] = []
    for frame in ImageSequence.Iterator(image):
        frame.load()  # WebP knows a frame's duration only then
        durations.append(int(frame.info.get("duration", 0)))
        frames.append(make(frame))
    # an animation without "loop" plays once; GIF's own number counts the times after the first
    loop = image.info.get("loop")
    if loop is None:
        times = 1
    elif image.format == "GIF" and loop:
        times = int(loop) + 1
    else:
        times = int(loop)
    return Moving(frames, durations, times)


def write(moving: Moving, name: str) -> bytes:
    """As GIF or PNG."""
    first, *others = moving.frames
    extra: dict[str, object] = {"duration": moving.durations}
    if name == "GIF":
        extra["disposal"] = 2  # whole frames: each wipes the one before, also where it is transparent
        if moving.loop != 1:
            extra["loop"] = max(0, moving.loop - 1)
    else:
        extra["loop"] = moving.loop
    out = io.BytesIO()
    first.save(out, name, save_all=True, append_images=others, **extra)
    return out.getvalue()


def flashes(moving: Moving) -> bool:
    """More than three flashes within a second (WCAG 2.3.1); a flash is two opposing changes of one point."""
    small = [_luminance(frame) for frame in moving.frames]
    times = list(map(_shown_for, moving.durations))
    if moving.loop != 1:  # the step from the last frame to the first counts as well
        again = 2 + _WINDOW // sum(times)
        small, times = small * again, times * again
    # per point: moments of its last seven changes, each opposing the one before
    last: list[deque[int]] = [deque(maxlen=_TOO_MANY) for _ in small[0]]
    brighter: list[bool | None] = [None] * len(small[0])
    flashing: set[int] = set()
    at = 0
    for before, after, shown in zip(small, small[1:], times, strict=False):
        at += shown
        for point, (one, other) in enumerate(zip(before, after, strict=True)):
            if abs(one - other) < _CHANGE or min(one, other) >= _BRIGHT or brighter[point] == (other > one):
                continue
            brighter[point] = other > one
            last[point].append(at)
            if len(last[point]) == _TOO_MANY and at - last[point][0] <= _WINDOW:
                flashing.add(point)
    return len(flashing) >= _AREA * len(last)


def _shown_for(milliseconds: int) -> int:
    return milliseconds if milliseconds >= _SHORTEST else _INSTEAD


def _luminance(frame: Image.Image) -> list[float]:
    """Of a grid of points, on white."""
    little = frame.convert("RGBA").resize((_GRID, _GRID), Image.Resampling.BOX)
    white = Image.new("RGBA", little.size, (255, 255, 255, 255))
    return [_LUMINANCE[value] for value in Image.alpha_composite(white, little).convert("L").tobytes()]
