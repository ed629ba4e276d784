"""What a refusal means: one classifier for SMTP replies, reports by mail and webhooks (D-32, D-61 to D-74).

Asked in this order: what the profile of the provider knows, codes that a provider prints in its text, words,
the enhanced status code, the SMTP code. Words go before numbers: half of the servers send 550 5.7.1 or 554
for everything. The tables are data/bounce_phrases.toml and data/bounce_codes.toml; order there is meaning.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from sending import profiles
from sending.feedback import Kind, Reason

LOOKED_AT = 1_200  # characters of a text: a bound for time; a reply has 512 at most (RFC 5321 §4.5.3.1.5)
ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")
# no "..." in it: that is a sentence's, "not allowed...ann@example.com"
_ADDRESS = re.compile(
    r"<?(?:[^\s<>\"'(),;:\[\].]{1,64}\.){0,9}[^\s<>\"'(),;:\[\].]{1,64}@[^\s<>\"'(),;:\[\]]{1,255}>?"
)
_BLANKS = re.compile(r"\s+")
_APOSTROPHES = str.maketrans({"\u2019": "'", "\u2018": "'", "`": "'", "\u00a0": " "})
# D-32: never an invalid address by number alone; words may say that it is unknown all the same (Yandex writes
# "550 5.7.1 No such user!"), unless they speak of rights or rules as well
_POLICY_NUMBER = re.compile(r"^[45]\.7\.")
_RIGHTS = re.compile(r"denied|polic|block|banned|prohibit|authori|reject(?:ed)? by|spam|refus|relay")
_PRECISE = frozenset(
    {Reason.AUTH_FAILURE, Reason.PTR, Reason.TLS, Reason.NOT_COMPLIANT, Reason.BAD_REPUTATION, Reason.VIRUS}
)
_GENERAL = frozenset({Reason.POLICY, Reason.BLOCKED, Reason.SECURITY, Reason.RATE_LIMITED, Reason.REJECTED})
_BY_MEANING = {
    "slow": Reason.RATE_LIMITED,
    "pause": Reason.BLOCKED,
    "policy": Reason.POLICY,
    "auth": Reason.AUTH_FAILURE,
    "bad_address": Reason.USER_UNKNOWN,
}
_OF_THE_RECIPIENT = "provider-busy-recipient"
_AFTER_DATA = re.compile(r"in reply to (?:end of )?data|after end of data|after data command|\bdata command:")
# said of the mailbox all the same by those who look it up only then: mail.ru, Yahoo
_MAILBOX_NAMED = re.compile(r"(?:invalid|local) mailbox|n't have an? .{0,60}account")
# what is unknown then is the sender
_AFTER_MAIL = re.compile(r"in reply to mail from|after mail from|mail from command")


@dataclass(frozen=True, slots=True)
class Said:
    """A decision and what led to it."""

    kind: Kind
    reason: Reason
    rule: str
    weak: bool = False  # a code of which only the family is known: words go before it


@dataclass(frozen=True, slots=True)
class _Words:
    name: str
    reason: Reason
    pattern: re.Pattern[str]
    kind: Kind | None
    codes: str


@dataclass(frozen=True, slots=True)
class _Provider:
    name: str
    pattern: re.Pattern[str]
    codes: Mapping[str, Reason]
    otherwise: Reason


@dataclass(frozen=True, slots=True)
class _Range:
    name: str
    pattern: re.Pattern[str]
    spans: tuple[tuple[int, int, Reason], ...]


def classify(
    code: int, enhanced: str, text: str, *, profile: str = profiles.DEFAULT
) -> tuple[Kind, Reason, str]:
    """Kind, reason and the name of the rule that decided. `code` 0 and `enhanced` "" where there is none.

    A refusal for now (4yz) never makes an address invalid; whoever knows that the sender has given up,
    such as a final report, asks `final`.
    """
    said = _decide(code, enhanced, text[:LOOKED_AT], profile)
    if said.kind is Kind.HARD and _is_temporary(code, enhanced):
        said = replace(said, kind=Kind.SOFT)
    return said.kind, said.reason, said.rule


def final(
    code: int, enhanced: str, text: str, *, profile: str = profiles.DEFAULT
) -> tuple[Kind, Reason, str]:
    """`classify` for a sender that has given up: a server that said for days "450 user unknown" means it."""
    said = _decide(code, enhanced, text[:LOOKED_AT], profile)
    if (
        said.kind is Kind.HARD
        and _is_temporary(code, enhanced)
        and said.rule.startswith(("code ", "status "))
    ):
        said = replace(said, kind=Kind.SOFT)
    return said.kind, said.reason, said.rule


def by_words(text: str, code: int = 0) -> tuple[Kind, Reason, str] | None:
    """What the words of a text alone say, None for nothing."""
    text = text[:LOOKED_AT]
    said = _by_provider_code(text) or _by_words(_plain(text), code)
    return (said.kind, said.reason, said.rule) if said else None


def reason_of(code: int, enhanced: str, text: str, profile: str = profiles.DEFAULT) -> Reason:
    """The word for a delivery's row, of an SMTP reply."""
    return classify(code, enhanced, text, profile=profile)[1]


def usual_kind(reason: Reason) -> Kind:
    return _kinds().get(reason, Kind.SOFT)


def find_enhanced(text: str) -> str:
    """The first enhanced status code in a text (RFC 3463 §2), "" for none."""
    found = ENHANCED.search(text)
    return found[0] if found else ""


def _is_temporary(code: int, enhanced: str) -> bool:
    return 400 <= code < 500 or (not code and enhanced.startswith("4"))


def _decide(code: int, enhanced: str, text: str, profile: str) -> Said:
    told = f"{enhanced} {text}" if enhanced and enhanced not in text else text
    plain = _plain(told)
    printed = _by_provider_code(text)
    words = _by_words(plain, code)
    number = _by_number(code, enhanced)
    told_twice = _more_precise(printed or _by_range(enhanced), words)
    known = profiles.read(profile, code, told)
    if known is not None:
        return _as_the_profile_knows(known, told_twice)
    if told_twice is None:
        return number or _without_a_word(code, enhanced, text)
    if told_twice is not words:
        return told_twice
    if words.reason is Reason.HOST_UNKNOWN and _POLICY_NUMBER.match(enhanced):
        # a server knows its own domains; what it looks up and does not find is the sender's
        return Said(Kind.BLOCK, Reason.REJECTED, f"{words.rule}, of the sender")
    if _names_a_mailbox(words) and _POLICY_NUMBER.match(enhanced) and _RIGHTS.search(plain):
        return replace(words, kind=Kind.BLOCK)
    if _names_a_mailbox(words) and (enhanced[2:] in ("1.7", "1.8") or _AFTER_MAIL.search(plain)):
        return Said(Kind.BLOCK, Reason.REJECTED, f"{words.rule}, of the sender")
    if (
        words.reason is Reason.USER_UNKNOWN
        and not enhanced[2:].startswith("1.")
        and _AFTER_DATA.search(plain)
        and not _MAILBOX_NAMED.search(plain)
    ):
        # after the content was seen, it is the content or the sender that did not please
        return Said(Kind.BLOCK, Reason.FILTERED, f"{words.rule}, after the content")
    if number is not None and _number_is_better(words, number):
        return number
    return words


def _more_precise(printed: Said | None, words: Said | None) -> Said | None:
    """A provider's code, unless it says "refused" and the words say why."""
    if printed is None or words is None:
        return printed or words
    if printed.weak or (words.reason in _PRECISE and printed.reason in _GENERAL):
        return words
    return printed


def _number_is_better(words: Said, number: Said) -> bool:
    if number.reason is Reason.HAS_MOVED:
        return words.reason is Reason.USER_UNKNOWN and number.kind is Kind.HARD
    if words.rule == "recipient-refuses":  # "access denied" and the like, which say little
        return number.kind is Kind.HARD
    if words.rule == "refused-said":
        return number.kind is Kind.HARD or (number.rule.startswith("status ") and not _is_vague(number))
    # 4.2.0, 4.3.0 and 4.7.0 are printed for any trouble of the server
    any_trouble = number.rule in ("status 4.2.0", "status 4.3.0", "status 4.7.0")
    return _is_vague(words) and not _is_vague(number) and not any_trouble


def _as_the_profile_knows(known: profiles.Rule, words: Said | None) -> Said:
    """A provider's own rule decides whether it speaks of the address; words may say it more precisely."""
    if words is not None and words.rule == _OF_THE_RECIPIENT and known.means == "slow":
        return words  # their own limit, not ours
    reason = _BY_MEANING[known.means]
    kind = usual_kind(reason)
    if words is not None and words.kind is kind:
        reason = words.reason
    return Said(kind, reason, f"{known.key} {known.means}")


def _names_a_mailbox(said: Said) -> bool:
    return said.kind is Kind.HARD


def _is_vague(said: Said) -> bool:
    """Says that it went wrong, but hardly why: a precise number is worth more."""
    return said.reason in (Reason.SYSTEM, Reason.EXPIRED, Reason.NETWORK, Reason.MAILER, Reason.ON_HOLD)


def _by_provider_code(text: str) -> Said | None:
    for provider in _tables().providers:
        found = provider.pattern.search(text)
        if found is None:
            continue
        code = re.sub(r"[.\-_]", "", "".join(group or "" for group in found.groups())).upper()
        for length in range(len(code), 0, -1):
            if reason := provider.codes.get(code[:length]):
                return Said(usual_kind(reason), reason, f"{provider.name} {code}")
        return Said(usual_kind(provider.otherwise), provider.otherwise, f"{provider.name} {code}", weak=True)
    return None


def _by_range(enhanced: str) -> Said | None:
    for table in _tables().ranges:
        found = table.pattern.fullmatch(enhanced)
        if found is None:
            continue
        for low, high, reason in table.spans:
            if low <= int(found[1]) <= high:
                return Said(usual_kind(reason), reason, f"{table.name} {enhanced}")
    return None


@lru_cache(maxsize=1_000)
def _by_words(plain: str, code: int) -> Said | None:
    """Replies to many recipients are alike when their addresses are taken out."""
    for rule in _tables().words:
        if rule.codes and str(code)[0] not in rule.codes:
            continue
        if rule.pattern.search(plain):
            return Said(rule.kind or usual_kind(rule.reason), rule.reason, rule.name)
    return None


def _by_number(code: int, enhanced: str) -> Said | None:
    found = _tables().enhanced.get(enhanced[2:]) if enhanced else None
    if found is not None:
        if found is Reason.NO_MAIL_ACCEPTED and enhanced.startswith("4"):
            found = Reason.SYSTEM  # a server that takes nothing now: RFC 3463 §3.4, X.3.2
        kind = usual_kind(found)
        if kind is Kind.HARD and not _is_hard_number(enhanced):
            kind = Kind.BLOCK if _POLICY_NUMBER.match(enhanced) else Kind.SOFT
        return Said(kind, found, f"status {enhanced}")
    if _POLICY_NUMBER.match(enhanced):
        return Said(Kind.BLOCK, Reason.POLICY, f"status {enhanced}")
    by_code = _tables().smtp.get(code)
    return Said(usual_kind(by_code), by_code, f"code {code}") if by_code is not None else None


def _is_hard_number(enhanced: str) -> bool:
    """D-32: no such mailbox, no such domain, mailbox disabled, null MX. 5.4.4: no route to the domain."""
    return enhanced[2:] in ("1.1", "1.2", "1.3", "1.6", "1.10", "2.1", "4.4")


def _without_a_word(code: int, enhanced: str, text: str) -> Said:
    if code or enhanced or text.strip():
        return Said(Kind.SOFT, Reason.ON_HOLD, "no rule")
    return Said(Kind.UNKNOWN, Reason.UNDEFINED, "no rule")


def _plain(text: str) -> str:
    flat = _ADDRESS.sub("¤", text.translate(_APOSTROPHES))
    return _BLANKS.sub(" ", flat).lower()


@dataclass(frozen=True, slots=True)
class _Tables:
    words: tuple[_Words, ...]
    providers: tuple[_Provider, ...]
    ranges: tuple[_Range, ...]
    enhanced: Mapping[str, Reason]
    smtp: Mapping[int, Reason]


@cache
def _kinds() -> Mapping[Reason, Kind]:
    return {Reason(reason): Kind(kind) for reason, kind in _read("bounce_codes.toml")["kinds"].items()}


@cache
def _tables() -> _Tables:
    codes = _read("bounce_codes.toml")
    return _Tables(
        words=tuple(
            _Words(
                name=rule["name"],
                reason=Reason(rule["reason"]),
                pattern=re.compile("|".join(rule["phrases"])),
                kind=Kind(rule["kind"]) if "kind" in rule else None,
                codes=rule.get("codes", ""),
            )
            for rule in _read("bounce_phrases.toml")["rules"]
        ),
        providers=tuple(
            _Provider(
                name=table["name"],
                pattern=re.compile(table["pattern"], re.IGNORECASE),
                codes={code.upper(): Reason(reason) for code, reason in table["codes"].items()},
                otherwise=Reason(table["otherwise"]),
            )
            for table in codes["providers"]
        ),
        ranges=tuple(
            _Range(
                name=table["name"],
                pattern=re.compile(table["enhanced"]),
                spans=tuple(
                    (low, high, Reason(reason))
                    for low, high, reason in zip(table["from"], table["to"], table["reasons"], strict=True)
                ),
            )
            for table in codes["ranges"]
        ),
        enhanced={detail: Reason(reason) for detail, reason in codes["enhanced"].items()},
        smtp={int(code): Reason(reason) for code, reason in codes["smtp"].items()},
    )


def _read(name: str) -> Mapping[str, Any]:
    return tomllib.loads(resources.files("sending").joinpath("data", name).read_text("utf-8"))
