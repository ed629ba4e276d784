"""What filters and readers distrust: each finding names the place and a figure, and a plain message has none."""

from collections.abc import Callable

import pytest

from sending import content_checks, image_checks, mail_tree, subject_checks
from sending.footer import add_footer
from sending.problems import Severity

WORDS = f"<mj-text>{'Du pain tous les jours. ' * 6}</mj-text>"
ORIGIN = "https://mail.test"


def told(compiled: Callable, source: str, *, origin: str = "") -> list[str]:
    """The sentences of a message with the standard footer, in English."""
    made = compiled(add_footer(source, language="fr"))
    found = content_checks.check_sendable(made.html, made.text, subject="Des nouvelles", own_origin=origin)
    assert all(problem.severity is not Severity.FINE for problem in found)
    return [problem.words() for problem in found]


def link(href: str, label: str = "Le programme") -> str:
    return f'<mj-text><a href="{href}">{label}</a></mj-text>'


NOWHERE = {
    "http://": "no web address",
    "https://": "no web address",
    "https://https://boutique.fr": "no web address",
    "https://.boutique.fr/": "no web address",
    "https://boutique..fr/": "no web address",
    "https://boutique.fr:port/": "no web address",
    "https://[boutique/": "no web address",
    "https://localhost:3000/": "only your own network knows",
    "https://intranet/": "only your own network knows",
    "https://nas.local/": "only your own network knows",
    "https://10.0.0.4/": "only your own network knows",
    "https://192.168.1.1/": "only your own network knows",
    "https://169.254.169.254/latest": "only your own network knows",
    "https://[::1]/": "only your own network knows",
    "https://www.example.com/": "an address for examples",
    "https://9.9.9.9/": "a number",
    "https://bit.ly/3x": "shortened by bit.ly",
    "http://boutique.fr/": "not encrypted",
}


@pytest.mark.req("D-60", "E-54")
@pytest.mark.parametrize(("href", "words"), NOWHERE.items(), ids=NOWHERE.keys())
def test_a_link_that_cannot_work_is_named(wrap: Callable, compiled: Callable, href: str, words: str) -> None:
    (sentence,) = told(compiled, wrap(WORDS + link(href)))
    assert words in sentence
    assert "“Le programme”" in sentence


@pytest.mark.parametrize(
    "href",
    [
        "https://boutique.fr",
        "https://www.boutique.fr/a?b=1&amp;c=2#d",
        "https://xn--caf-dma.fr/",
        "https://café.fr/carte",
        "https://{{ contact.city }}.boutique.fr/",
        "https://boutique.fr/{{ contact.city }}",
        "{{ contact.site }}",
        "mailto:bonjour@boutique.fr",
        "tel:+33123456789",
        "#haut",
    ],
)
def test_ordinary_links_are_left_alone(wrap: Callable, compiled: Callable, href: str) -> None:
    assert told(compiled, wrap(WORDS + link(href))) == []


@pytest.mark.parametrize(
    ("label", "href", "shown"),
    [
        ("www.banque.fr", "https://gagner.biz/", "banque.fr"),
        ("https://banque.fr/compte", "https://banque.fr.gagner.biz/", "banque.fr"),
        ("banque.fr", "https://www.banque.fr/compte", ""),
        ("boutique.banque.fr", "https://banque.fr/", ""),
        ("plan.pdf", "https://banque.fr/plan", ""),
        ("Écrire à ana@banque.fr", "https://gagner.biz/", ""),
    ],
)
def test_a_label_shows_where_its_link_leads(
    wrap: Callable, compiled: Callable, label: str, href: str, shown: str
) -> None:
    found = told(compiled, wrap(WORDS + link(href, label)))
    assert [f"“{shown}” but leads to" in sentence for sentence in found] == ([True] if shown else [])


@pytest.mark.req("F-11")
def test_links_can_be_told_apart(wrap: Callable, compiled: Callable) -> None:
    twice = link("https://a.fr/1", "Lire la suite") + link("https://a.fr/2", "lire la suite »")
    assert told(compiled, wrap(WORDS + twice)) == [
        "Links that only say “lire la suite”: 2. Let each say what it opens."
    ]
    apart = link("https://a.fr/1", "Le seigle") + link("https://a.fr/2", "Le seigle")
    assert told(compiled, wrap(WORDS + apart)) == [
        "“le seigle” stands on 2 links that lead to 2 different pages. Name them apart."
    ]
    same = link("https://a.fr/1", "Le seigle") + link("https://a.fr/1/", "Le seigle")
    assert told(compiled, wrap(WORDS + same)) == []
    (nameless,) = told(
        compiled, wrap(WORDS + '<mj-image src="https://a.fr/1.png" alt="" href="https://a.fr/" />')
    )
    assert nameless.startswith("The link on the image “https://a.fr/1.png” has no words.")


HIDDEN = {
    "display": '<p style="display:none">gagnez beaucoup maintenant</p>',
    "size": '<p style="font-size:1px">gagnez beaucoup maintenant</p>',
    "colour": '<p style="color:#fefefe">gagnez beaucoup maintenant</p>',
    "attribute": "<p hidden>gagnez beaucoup maintenant</p>",
    "sheet": '<p class="off">gagnez beaucoup maintenant</p>',
}


@pytest.mark.req("D-60", "D-93")
@pytest.mark.parametrize("inner", HIDDEN.values(), ids=HIDDEN.keys())
def test_hidden_words_are_counted_and_quoted(wrap: Callable, compiled: Callable, inner: str) -> None:
    source = wrap(f"{WORDS}<mj-text>{inner}</mj-text>").replace(
        "<mjml>", "<mjml><mj-head><mj-style>.off { display: none }</mj-style></mj-head>"
    )
    (sentence,) = told(compiled, source)
    assert sentence.startswith("Words that nobody can see: 3, beginning with “gagnez beaucoup maintenant”.")


@pytest.mark.req("D-93")
def test_a_hidden_link_is_a_trap_and_is_counted(wrap: Callable, compiled: Callable) -> None:
    inner = '<mj-text><a href="https://a.fr/piege" style="display:none">.a</a></mj-text>'
    assert any("Links that nobody can see: 1." in one for one in told(compiled, wrap(WORDS + inner)))


RIGHTLY = {
    "preheader": "<mj-text>{{ contact.first_name }} bonjour à vous</mj-text>",
    "menu": '<mj-navbar hamburger="hamburger"><mj-navbar-link href="https://a.fr/">Le pain du jour</mj-navbar-link></mj-navbar>',
    "accordion": "<mj-accordion><mj-accordion-element><mj-accordion-title>Pourquoi ce pain ?</mj-accordion-title>"
    "<mj-accordion-text>Parce que le seigle est bon</mj-accordion-text></mj-accordion-element></mj-accordion>",
    "outlook": "<mj-raw><!--[if mso]><p>Pour Outlook seulement</p><![endif]--></mj-raw>",
    "small screens": '<mj-text><p class="wide">Pour les grands écrans</p></mj-text>',
    "telephones": '<mj-text><p class="phone" style="display:none">Pour les petits écrans</p></mj-text>',
    "white on a picture": '<mj-text><div style="background:url(https://a.fr/b.png)">'
    '<p style="color:#ffffff">Le pain du matin</p></div></mj-text>',
}


@pytest.mark.parametrize("inner", RIGHTLY.values(), ids=RIGHTLY.keys())
def test_what_is_hidden_for_good_reason_is_no_trick(wrap: Callable, compiled: Callable, inner: str) -> None:
    css = (
        "@media (max-width:480px) { .wide { display: none !important } .phone { display: block !important } }"
    )
    head = f"<mj-head><mj-preview>Le pain de la semaine</mj-preview><mj-style>{css}</mj-style></mj-head>"
    assert told(compiled, wrap(WORDS + inner).replace("<mjml>", f"<mjml>{head}")) == []


@pytest.mark.req("D-87")
def test_a_message_of_images_alone_is_said_with_its_figures(wrap: Callable, compiled: Callable) -> None:
    image = '<mj-image src="https://mail.test/t/img/a.png" alt="Le pain" />'
    (sentence,) = told(compiled, wrap(image * 2 + "<mj-text>Le pain est là</mj-text>"), origin=ORIGIN)
    assert sentence.startswith("The message is its images: 2, beside 4 words.")
    (late,) = told(compiled, wrap(image * 3 + WORDS), origin=ORIGIN)
    assert late.startswith("3 images stand before the first words.")
    assert told(compiled, wrap(WORDS + image * 3), origin=ORIGIN) == []


def test_both_parts_say_the_same(wrap: Callable, compiled: Callable) -> None:
    made = compiled(add_footer(wrap(WORDS * 3), language="fr"))
    short = "{{ account.name }} {{ account.address }} {{ unsubscribe_url }}"
    (problem,) = content_checks.check_sendable(made.html, short, subject="Des nouvelles")
    assert (problem.code, problem.severity) == ("balance", Severity.WARNING)
    assert problem.params["plain"] == 9


@pytest.mark.req("F-11")
@pytest.mark.parametrize(
    ("inner", "words"),
    [
        ('<mj-text font-size="90px">Des soldes partout</mj-text>', "Letters of 60 pixels and more"),
        (f'<mj-text font-size="11px">{"petit texte " * 40}</mj-text>', "smaller than 13 pixels"),
        ('<mj-text color="#aaaaaa">un gris trop clair</mj-text>', "too pale for their background: 1"),
        (f"<mj-text>{'mot ' * 150}</mj-text>", "words and no heading"),
    ],
)
def test_letters_can_be_read(wrap: Callable, compiled: Callable, inner: str, words: str) -> None:
    (sentence,) = told(compiled, wrap(WORDS + inner))
    assert words in sentence


def test_headings_divide_a_long_message(wrap: Callable, compiled: Callable) -> None:
    assert told(compiled, wrap(f"<mj-text><h1>Le pain</h1>{'mot ' * 150}</mj-text>")) == []


@pytest.mark.req("A-028")
def test_images_of_other_servers_are_named(wrap: Callable, compiled: Callable) -> None:
    images = '<mj-image src="https://cdn.ailleurs.fr/a.png" alt="a" /><mj-image src="https://mail.test/t/img/a.png" alt="a" />'
    (sentence,) = told(compiled, wrap(WORDS + images), origin=ORIGIN)
    assert sentence.startswith("Images come from other servers: cdn.ailleurs.fr.")
    (plain,) = told(compiled, wrap(WORDS + '<mj-image src="http://a.fr/a.png" alt="a" />'))
    assert "“http://a.fr/a.png” is not encrypted" in plain


def test_own_images_are_weighed_by_name() -> None:
    html = '<body><img src="https://mail.test/t/img/7-ab.png" alt=""><img src="https://x.fr/t/img/8-ab.png" alt=""></body>'
    assert image_checks.own_names(mail_tree.read(html), ORIGIN) == ["7-ab.png"]
    assert image_checks.weigh(["a", "b"], {"a": (200_000, "A"), "b": (300_000, "B")}) == []
    (gone,) = image_checks.weigh(["a", "b"], {"a": (1, "A")})
    assert gone.words() == "Images of yours that were deleted meanwhile: 1. Choose others."
    (heavy,) = image_checks.weigh(["a", "b"], {"a": (834_000, "Four"), "b": (1, "Pain")})
    assert heavy.words().startswith("Images of more than 300 kB: 1; the heaviest is “Four” with 834 kB.")
    (together,) = image_checks.weigh(list("abcd"), {one: (290_000, one) for one in "abcd"})
    assert together.words().startswith("The images weigh 1160 kB together")
    assert "The heaviest is “d” with 290 kB." in together.words()


@pytest.mark.req("B-24", "D-60")
@pytest.mark.parametrize(
    "subject",
    ["Re: x", "\u200bRe: x", "RE\u00a0: x", "Ｒｅ： x", "Fwd: x", "re[3] : x", "TR : votre commande"],
)
def test_a_fake_answer_is_seen_through_its_disguise(subject: str) -> None:
    (problem,) = subject_checks.check_subject(subject)
    assert problem.severity is Severity.ERROR
    assert "as an answer would" in problem.words()


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        ("SOLDES CHEZ NOUS", "14 of the 14 letters"),
        ("Des soldes!!", "“!!”"),
        ("Vraiment ?!?", "“?!?”"),
        ("Vite ! Du pain ! Chaud !", "“! Du pain ! Chaud !”"),
        ("Gagnez des $$$", "“$$$”"),
        ("x" * 71, "71 characters"),
        ("{{ contact.first_name }} " + "x" * 70, "71 characters"),
    ],
)
def test_a_loud_subject_is_a_thing_to_look_at(subject: str, words: str) -> None:
    (problem,) = subject_checks.check_subject(subject)
    assert problem.severity is Severity.WARNING
    assert words in problem.words()


@pytest.mark.parametrize(
    "subject",
    [
        "🥖🎉 Le pain chaud !",
        "TVA : ce qui change",
        "SNCF",
        "Prêts ?",
        "{{ contact.first_name | upper }}, voici",
    ],
)
def test_emoji_and_acronyms_are_fine(subject: str) -> None:
    assert subject_checks.check_subject(subject) == []
