"""Providers' profiles: which MX belongs to whom, what they allow, and what their replies mean."""

import re

import pytest

from sending import profiles, replies
from sending.replies import Stage, Verdict

HARD, BLOCK, LATER = Verdict("bounced", "hard"), Verdict("bounced", "block"), Verdict("deferred")


@pytest.mark.req("D-67")
@pytest.mark.parametrize(
    ("host", "profile"),
    [
        ("gmail-smtp-in.l.google.com.", "gmail"),
        ("ASPMX.L.GOOGLE.COM", "gmail"),
        ("mta5.am0.yahoodns.net", "yahoo"),
        ("outlook-com.olc.protection.outlook.com", "microsoft"),
        ("exemple-fr.mail.protection.outlook.com", "microsoft"),
        ("mx01.mail.icloud.com", "icloud"),
        ("smtp-in.orange.fr", "orange"),
        ("smtpz4.laposte.net", "laposte"),
        ("mx1.free.fr", "free"),
        ("smtp-in.sfr.fr", "sfr"),
        ("mx.bbox.fr", "bouygues"),
        ("mx.exemple.fr", "default"),
        ("notorange.fr", "default"),
        ("orange.fr.attacker.test", "default"),
        ("", "default"),
    ],
)
def test_an_mx_host_belongs_to_a_provider_by_whole_labels(host: str, profile: str) -> None:
    assert profiles.of_mx(host) == profile


@pytest.mark.req("D-63", "D-65", "D-66", "D-70", "D-72", "D-74")
@pytest.mark.parametrize(
    ("profile", "connections", "each"),
    [
        ("gmail", 5, 50),
        ("yahoo", 5, 20),
        ("microsoft", 5, 50),
        ("icloud", 10, 5),
        ("orange", 2, 100),
        ("laposte", 2, 100),
        ("free", 2, 50),
        ("sfr", 2, 50),
        ("bouygues", 2, 50),
        ("default", 0, 100),
        ("gone from the data", 0, 100),
    ],
)
def test_what_each_provider_allows(profile: str, connections: int, each: int) -> None:
    found = profiles.named(profile)
    assert (found.connections, found.per_connection) == (connections, each)


@pytest.mark.req("D-61", "D-63", "D-64", "D-71", "D-72", "D-73")
@pytest.mark.parametrize(
    ("profile", "code", "text", "means", "verdict"),
    [
        ("gmail", 421, "4.7.28 Gmail has detected an unusual rate of mail", "slow", LATER),
        ("gmail", 421, "4.7.0 Try again later, closing connection", "slow", LATER),
        *[
            ("gmail", code, f"{code // 100}.7.{n} see support.google.com", "auth", verdict)
            for n in (23, 25, 26, 27, 29, 30, 31, 32, 40)
            for code, verdict in ((421, LATER), (550, BLOCK))
        ],
        (
            "gmail",
            550,
            "5.7.1 Our system has detected that this message is likely unsolicited",
            "policy",
            BLOCK,
        ),
        ("gmail", 550, "5.1.1 The email account that you tried to reach does not exist", None, HARD),
        (
            "yahoo",
            421,
            "4.7.0 [TSS04] Messages temporarily deferred due to unexpected volume",
            "pause",
            LATER,
        ),
        ("microsoft", 550, "5.7.515 Access denied, sending domain does not meet the level", "auth", BLOCK),
        ("orange", 421, "4.7.0 OFR004_104 [104] Trop de connexions, veuillez patienter", "slow", LATER),
        ("orange", 421, "OFR004_105 Service refuse. Veuillez essayer plus tard", "pause", LATER),
        ("orange", 550, "5.7.1 blocked by Spamhaus", "pause", BLOCK),
        ("orange", 550, "5.2.0 OFR_506 Mail rejete", "policy", BLOCK),
        ("orange", 550, "5.1.1 Adresse d au moins un destinataire invalide. OFR_416", "bad_address", HARD),
        ("laposte", 421, "4.7.1 Too busy LPN027_503", "slow", LATER),
        ("laposte", 550, "5.5.0 Service refuse LPN007_510", "policy", BLOCK),
        ("laposte", 550, "5.5.0 Sender rejected LPN007_405", "auth", BLOCK),
        ("free", 550, "spam detected", "policy", BLOCK),
        ("free", 421, "your host is blocked for 24 hours", "pause", LATER),
        ("default", 454, "Throttling failure: Maximum sending rate exceeded", "slow", LATER),
        ("sfr", 450, "4.2.0 Greylisted", None, LATER),
        ("default", 550, "5.7.26 unauthenticated mail is prohibited", "auth", BLOCK),
    ],
)
def test_what_replies_of_providers_mean(
    profile: str, code: int, text: str, means: str | None, verdict: Verdict
) -> None:
    rule = profiles.read(profile, code, text)
    assert (rule.means if rule else None) == means
    assert replies.classify(code, text, "rcpt", profile) == verdict


@pytest.mark.req("D-32", "D-61", "D-71")
@pytest.mark.parametrize("stage", ["rcpt", "data", "end"])
def test_no_refusal_of_ours_ever_makes_an_address_invalid(stage: Stage) -> None:
    for key, profile in profiles.every().items():
        for rule in profile.rules:
            if rule.means == "bad_address":
                continue
            for text in _texts(rule.pattern):
                for said in (text, f"5.1.1 {text} user unknown"):
                    if (found := profiles.read(key, 550, said)) and found.means != "bad_address":
                        assert replies.classify(550, said, stage, key) == BLOCK, said


def _texts(pattern: re.Pattern[str]) -> list[str]:
    """Words of a pattern's alternatives that it finds."""
    plain = re.sub(r"\\b|\(\?:|\)|\?|\\", "", pattern.pattern)
    return [text for text in [*plain.split("|"), "OFR004_104", "LPN007_510"] if pattern.search(text)]


@pytest.mark.req("D-60")
def test_the_data_says_where_each_line_comes_from() -> None:
    for key, table in profiles.tables().items():
        assert table["source"], key
        for rule in table.get("replies", ()):
            assert rule["source"], (key, rule["pattern"])
            assert rule["means"] in ("slow", "pause", "policy", "auth", "bad_address")
            assert (rule["means"] == "pause") <= (rule.get("seconds", 0) > 0)
    suffixes = [suffix for profile in profiles.every().values() for suffix in profile.mx]
    assert len(suffixes) == len(set(suffixes))


def test_a_rate_an_hour_is_a_rate_a_second() -> None:
    found = profiles.parse('[a]\nname = "A"\nper_hour = 1800\n[default]\nname = ""\n')
    assert found["a"].per_second == 0.5
