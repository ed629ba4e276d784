"""The starters: each compiles without a remark, says the same in both parts, and can be read."""

import re
import shutil
import subprocess
from email.message import EmailMessage
from email.utils import formatdate

import pytest
from selectolax.lexbor import LexborHTMLParser

from sending import content, content_checks, render, starters
from sending.brand import Brand
from sending.content import Compiled
from sending.render import AccountNames, Recipient, Rendered, SenderNames, Urls
from sending.starters import KEYS
from tests.campaigns.test_designs import Build
from tests.make import Make

BOTH = [(key, language) for key in KEYS for language in ("fr", "en")]
GAUDY = Brand(
    color="#ffd400", link="#7a1f1f", text="#33001a", background="#fffbe6", surround="#ffe9d6",
    font="georgia", heading_font="trebuchet", footer="Ouvert le dimanche", logo="https://mail.test/t/img/1.png",
)  # fmt: skip
# Gmail cuts from about 102 kB on
FAR_FROM_CUT = 40_000


def compiled(key: str, language: str, kit: Brand | None = None) -> Compiled:
    source = starters.source(key, language)
    made = content.compile_mjml(
        source, icon_origin="https://mail.test/", language=language, **({"kit": kit} if kit else {})
    )
    assert isinstance(made, Compiled), [one.words() for one in made]
    return made


def received(key: str, language: str, kit: Brand | None = None) -> Rendered:
    program = render.compile_revision(compiled(key, language, kit), subject="x", preheader="")
    return program.render(
        Recipient(
            contact={"email": "zoe@exemple.fr", "first_name": "Zoé", "last_name": "", "language": language},
            urls=Urls(**{
                name: f"https://mail.test/t/{name}"
                for name in ("unsubscribe", "preferences", "tracking", "rights", "web_version")
            }),
            list_name="Lettre du mois",
            sender=SenderNames(name="Atelier", email="lettre@exemple.fr"),
            account=AccountNames(name="Atelier Dupont", address="1 rue du Port", email="a@exemple.fr"),
            language=language,
        )
    )  # fmt: skip


@pytest.mark.req("F-11")
@pytest.mark.parametrize(("key", "language"), BOTH)
def test_a_starter_is_clean_light_and_the_same_in_both_parts(key: str, language: str) -> None:
    for kit in (None, GAUDY):
        made = compiled(key, language, kit)
        assert made.remarks == ()
        assert "brand." not in made.html
        found = content_checks.check_sendable(
            made.html,
            made.text,
            subject=starters.subject(key, language),
            identity="Atelier",
            own_origin="https://mail.test",
        )
        # addresses for examples are told before the send; what a program sends has no list to leave
        found = [one for one in found if "an address for examples" not in one.message]
        left = {one.code for one in found} - ({"unsubscribe"} if key == "confirmation" else set())
        assert left == set(), [one.words() for one in found]
        mail = received(key, language, kit)
        assert len(mail.html.encode()) < FAR_FROM_CUT
        tree = LexborHTMLParser(mail.html)
        for node in tree.css("head, style, [style*='display:none']"):
            node.decompose()
        shown = re.findall(r"\w+", tree.body.text(separator=" "))
        plain = re.findall(r"\w+", mail.text)
        assert set(shown) <= set(plain)
        for image in tree.css("img"):
            assert image.attributes["alt"] == "Atelier Dupont"


FILTERS = {"spamassassin": ["--local", "--test-mode"], "rspamc": ["symbols"]}
CLEAN = {"spamassassin": r"^X-Spam-Status: No\b", "rspamc": r"^Action: no action$"}


@pytest.mark.long
@pytest.mark.parametrize("program", FILTERS)
def test_filters_for_spam_let_the_starters_pass(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed here")
    for key, language in BOTH:
        mail = received(key, language)
        message = EmailMessage()
        message["From"], message["To"] = "Atelier <lettre@exemple.fr>", "zoe@exemple.fr"
        message["Subject"], message["Message-ID"] = starters.subject(key, language), "<1@exemple.fr>"
        message["Date"] = formatdate(localtime=False)
        message["List-Unsubscribe"] = "<https://mail.test/t/unsubscribe>"
        message.set_content(mail.text)
        message.add_alternative(mail.html, subtype="html")
        told = subprocess.run(
            [program, *FILTERS[program]],
            input=message.as_bytes(),
            capture_output=True,
            check=False,
            timeout=120,
        ).stdout.decode("utf-8", "replace")
        if program == "rspamc" and "Action:" not in told:
            pytest.skip("no rspamd answers here")
        assert re.search(CLEAN[program], told, re.MULTILINE), told


async def test_a_design_and_a_campaign_begin_with_a_starter(ready: Build, make: Make) -> None:
    found = await ready(subject="")
    owner = await make.signed_in(found.account.owner_id)
    app = found.account.app
    assert 'value="starter-event"' in (await owner.get(f"{app}/designs/new")).text
    made = await owner.post(f"{app}/designs", {"name": "Rencontre", "kind": "starter-event"})
    assert "Au programme" in (await owner.get(made.location)).text
    assert (await owner.post(f"{app}/designs", {"name": "x", "kind": "starter-nothing"})).status == 404
    assert 'value="starter-shop"' in (await owner.get(f"{found.page}/content?start")).text
    assert (await owner.post(f"{found.page}/starts", {"begin": "starter-shop"})).status == 303
    shown = await owner.get(f"{found.page}/setup")
    # the campaign's language, not the page's
    assert "La sélection de la semaine" in shown.text
