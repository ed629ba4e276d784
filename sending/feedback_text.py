"""Reports that a person was meant to read: which lines name the recipient, and what was said of it (D-31).

There are hundreds of ways to write one and no list of them is complete, so this looks for how people write:
an address that stands alone, or with a reply behind it, or after "could not be delivered to".
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sending.feedback_report import ADDRESS, MOST_RECIPIENTS, code_of
from sending.feedback_words import report

MOST_LINES = 1_500
LONGEST_LINE = 1_000
MOST_CHARACTERS = 60_000

_X400 = re.compile(r"\bSMTP=", re.IGNORECASE)  # Exchange: "c=US;a= ;p=X;o=Y;dda:SMTP=ann@example.com;"


@dataclass(frozen=True, slots=True)
class Told:
    """`said` are the words for this recipient, most telling first; `whole` is the text, for want of them."""

    recipient: str
    said: tuple[str, ...]
    whole: str
    code: int
    enhanced: str


@dataclass(frozen=True, slots=True)
class _Seen:
    address: str
    line: int
    score: int


def human(text: str) -> tuple[str, str]:
    """A report's text without the mail that it returns, and that rest."""
    lines = [line[:LONGEST_LINE] for line in text[:MOST_CHARACTERS].split("\n")[:MOST_LINES]]
    for n, line in enumerate(lines):
        starts = report("cut").match(line) or report("cut_headers").match(line)
        if not starts or report("not_cut").search(line):
            continue
        above = "\n".join(lines[:n])
        if len(re.findall(r"\w", above)) > 20:
            return above, "\n".join(lines[n:])
    return "\n".join(lines), ""


def told(text: str, *, known: Sequence[str] = (), not_these: Collection[str] = ()) -> list[Told]:
    """What a text says of each recipient. `known` recipients are not looked for any more."""
    lines = _X400.sub("recipient: ", text).split("\n")
    seen = _recipients(lines, known, {address.lower() for address in not_these})
    found = []
    for n, first in enumerate(seen):
        until = min((other.line for other in seen[n + 1 :] if other.line > first.line), default=len(lines))
        block = lines[first.line : min(until, first.line + 25)]
        mentions = [line for line in lines if first.address.lower() in line.lower() and line not in block]
        found.append(_told(first.address, block, mentions, lines))
    return found


def without_recipient(text: str) -> Told:
    """The words of a report that names nobody."""
    lines = text.split("\n")
    return _told("", lines, [], lines)


def _told(address: str, block: list[str], mentions: list[str], lines: list[str]) -> Told:
    replies = _joined(block, only_replies=True) or _joined(mentions, only_replies=True)
    everywhere = _joined(lines, only_replies=True)
    pieces = [replies, _joined([*block, *mentions]), everywhere]
    code, enhanced = 0, ""
    for piece in (replies, " ".join(block[:12]), everywhere):
        code, enhanced = code_of(piece)
        if code or enhanced:
            break
    said = tuple(dict.fromkeys(piece for piece in pieces if piece))
    return Told(address, said, _joined(lines), code, enhanced)


def _joined(lines: Sequence[str], *, only_replies: bool = False) -> str:
    """Lines as one, each reply with what it goes on with."""
    if not only_replies:
        return " ".join(" ".join(lines).split())[:4000]
    kept: list[str] = []
    goes_on = 0
    for line in lines:
        if report("reply_line").search(line):
            goes_on = 4
        elif not line.strip():
            goes_on = min(goes_on, 1) if kept and kept[-1].rstrip().endswith(":") else 0
            continue
        if goes_on:
            kept.append(line)
            goes_on -= 1
    return " ".join(" ".join(kept).split())[:2000]


def _recipients(lines: list[str], known: Sequence[str], not_these: Collection[str]) -> list[_Seen]:
    """In the order of the text, each once."""
    if known:
        return [_Seen(address, _line_of(lines, address), 9) for address in known[:MOST_RECIPIENTS]]
    best: dict[str, _Seen] = {}
    in_section = 0
    for n, line in enumerate(lines):
        if report("section").search(line):
            in_section = 12
        elif line.strip():
            in_section -= 1
        if "@" not in line:
            continue
        for found in list(ADDRESS.finditer(line))[:8]:
            address = found[0].rstrip(".")
            score = _score(line, found)
            if score >= 0 and in_section > 0:
                score += 2 if score else 1
            if address.lower() in not_these or report("roles").match(address):
                score -= 6
            key = address.lower()
            if key not in best:
                best[key] = _Seen(address, n, score)
            elif score > best[key].score:
                best[key] = _Seen(address, best[key].line if best[key].score > 0 else n, score)
    if not best:
        return []
    top = max(seen.score for seen in best.values())
    least = 3 if top >= 3 else max(top, 0)
    chosen = [seen for seen in best.values() if seen.score >= least]
    if any(seen.score >= 6 for seen in chosen):
        chosen = [seen for seen in chosen if seen.score >= 4]
    chosen.sort(key=lambda seen: seen.line)
    chosen = _for_whom(lines, chosen)
    return chosen[: MOST_RECIPIENTS if least >= 3 else 1]


def _for_whom(lines: Sequence[str], chosen: Sequence[_Seen]) -> list[_Seen]:
    """Each mailbox as the address that was written to, where the report tells it on that line or the next."""
    found: dict[str, _Seen] = {}
    aside: set[str] = set()
    for seen in chosen:
        near = " ".join(lines[seen.line : seen.line + 2])
        mark = report("on_behalf").search(near)
        behind = ADDRESS.match(near[mark.end() :].lstrip(" <")) if mark else None
        if behind:
            aside.add(seen.address.lower())
        address = behind[0].rstrip(".") if behind else seen.address
        found.setdefault(address.lower(), _Seen(address, seen.line, seen.score))
    return [seen for key, seen in found.items() if key not in aside or len(found) == 1]


def _score(line: str, found: re.Match[str]) -> int:
    before, behind = line[: found.start()], line[found.end() :]
    marked = f"{before[-40:]}¤{behind[:40]}"
    if report("on_behalf").search(before[-20:]):
        return 4
    if report("sender_before").search(before[-60:]):
        return -3
    if report("to_line").match(before):
        return 2  # a letter's "To:" is as good as nothing better
    score = 0
    alone = report("recipient_alone").match(f"{before}¤{behind[:40]}")
    if len(before) <= 40 and (alone or report("recipient_first").match(marked)):
        score += 4
    if report("recipient_after").search(before[-80:]):
        score += 3
    if score and report("recipient_behind").match(behind):
        score += 1
    elif report("recipient_behind").match(behind) and report("reply_line").search(line):
        score += 3
    return score


def _line_of(lines: list[str], address: str) -> int:
    wanted = address.lower()
    return next((n for n, line in enumerate(lines) if wanted in line.lower()), 0)
