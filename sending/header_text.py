"""Text in header fields: plain when it can be, else encoded words (RFC 2047), folded (RFC 5322 §2.2.3)."""

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

LINE = 76
"""Characters of a line that holds an encoded word (RFC 2047 §2)."""

_FORBIDDEN = re.compile("[\x00-\x1f\x7f]")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+(?: [A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+)*")
_Q_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_Q_OCTETS = tuple(chr(n) if chr(n) in _Q_PLAIN else "_" if n == 0x20 else f"={n:02X}" for n in range(256))
_LONGEST_WORD = 60


def checked(text: str, field: str) -> str:
    """The text itself. Raises ValueError when a control character would begin another header (D-09)."""
    if _FORBIDDEN.search(text):
        raise ValueError(f"{field} holds a control character")
    return text


@lru_cache(1024)
def unstructured(name: str, text: str) -> str:
    """A whole header line for free text, such as Subject; without its final line end."""
    checked(text, name)
    if _is_plain(text):
        return _folded(f"{name}:", text)
    return f"{name}: " + encoded(text, used=len(name) + 2)


@lru_cache(4096)
def phrase(text: str, *, used: int) -> str:
    """A display name: atoms, a quoted string or encoded words, after `used` characters of its line."""
    text = re.sub(" +", " ", checked(text, "a name").strip())
    if not text.isascii() or "=?" in text or len(text) > _LONGEST_WORD:
        return encoded(text, used=used)
    if _ATOMS.fullmatch(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def encoded(text: str, *, used: int) -> str:
    """Encoded words of at most 75 characters, one a line; a character is never split (RFC 2047 §5)."""
    octets = text.encode()
    short = "".join([_Q_OCTETS[octet] for octet in octets])
    # most names and many subjects are one word
    if len(short) <= len(octets) * 4 / 3 and len(short) <= LINE - used - len("=?utf-8?q??="):
        return f"=?utf-8?q?{short}?="
    return "\r\n ".join(_words(text, used))


def _words(text: str, used: int) -> Iterator[str]:
    quoted = [_q(character) for character in text]
    as_q = sum(map(len, quoted)) <= len(text.encode()) * 4 / 3
    if as_q:
        yield from map("=?utf-8?q?{}?=".format, _cut(quoted, map(len, quoted), used))
        return
    sizes = [len(character.encode()) for character in text]
    # base64 makes four of three
    for chunk in _cut(list(text), sizes, used, of=3, makes=4):
        yield f"=?utf-8?b?{b64encode(chunk.encode()).decode()}?="


def _cut(
    pieces: Sequence[str], sizes: Iterable[int], used: int, *, of: int = 1, makes: int = 1
) -> Iterator[str]:
    """Chunks that fit into a line each; `makes` characters stand for each begun `of` of their size."""
    room = LINE - used - len("=?utf-8?q??=")
    start = size = 0
    for at, one in enumerate(sizes):
        size += one
        if at > start and -(-size // of) * makes > room:
            yield "".join(pieces[start:at])
            start, size = at, one
            room = LINE - 1 - len("=?utf-8?q??=")
    yield "".join(pieces[start:])


@lru_cache(1024)
def _q(character: str) -> str:
    if character in _Q_PLAIN:
        return character
    return "_" if character == " " else "".join(f"={byte:02X}" for byte in character.encode())


def _is_plain(text: str) -> bool:
    """ASCII that reads back the same after folding: no run of blanks, nothing that looks encoded."""
    if not text.isascii() or "=?" in text or text != " ".join(text.split(" ")).strip() or "  " in text:
        return False
    return all(len(word) <= _LONGEST_WORD for word in text.split(" "))


def _folded(start: str, text: str) -> str:
    """Words put on lines of at most 78 characters (RFC 5322 §2.1.1)."""
    lines = [start]
    for word in text.split(" ") if text else []:
        if len(lines[-1]) + 1 + len(word) > LINE and lines[-1] != start:
            lines.append("")
        lines[-1] += " " + word
    return "\r\n".join(lines)
