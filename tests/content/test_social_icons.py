"""Pictures of `mj-social` come from us, never from somebody else's server (A-053)."""

import re

import pytest
from mjml import mjml2html

from mailer.web.templating import ROOT

NAMES = [
    "facebook",
    "twitter",
    "x",
    "google",
    "pinterest",
    "linkedin",
    "tumblr",
    "xing",
    "github",
    "instagram",
    "web",
    "snapchat",
    "youtube",
    "vimeo",
    "medium",
    "soundcloud",
    "dribbble",
    "facebook-noshare",
]


@pytest.mark.req("A-053", "A-028")
def test_every_network_has_its_picture() -> None:
    elements = "".join(
        f'<mj-social-element name="{name}" href="https://x.example/">x</mj-social-element>' for name in NAMES
    )
    source = f"<mjml><mj-body><mj-section><mj-column><mj-social>{elements}</mj-social></mj-column></mj-section></mj-body></mjml>"
    made = mjml2html(source, social_icon_origin="https://ours.example/static/social/", fonts={})
    pictures = set(re.findall(r'src="https://ours\.example/static/social/([^"]+)"', made))
    assert len(pictures) > 10
    assert {name for name in pictures if not (ROOT / "mailer/web/static/social" / name).is_file()} == set()
