"""The foot of a page names the zone as people do (ui 3.8)."""

import pytest

from mailer.web import i18n


@pytest.mark.parametrize(
    ("language", "zone", "shown"),
    [
        ("fr", "Pacific/Noumea", "Nouméa (UTC+11)"),
        ("en", "Asia/Kolkata", "Kolkata (UTC+5:30)"),
        ("fr", "America/Cayenne", "Cayenne (UTC−3)"),
        ("en", "Etc/UTC", "UTC"),
        ("fr", "nowhere", "UTC"),
    ],
)
def test_a_zone_is_a_city_and_its_offset(language: str, zone: str, shown: str) -> None:
    i18n.use_language(language)
    try:
        assert i18n.zone_words(zone) == shown
    finally:
        i18n.use_language("fr")


def test_the_offset_follows_the_season() -> None:
    assert i18n.zone_words("Europe/Paris") in ("Paris (UTC+1)", "Paris (UTC+2)")
