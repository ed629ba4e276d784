"""What the demonstration works with: a table as a French spreadsheet writes it, and a message. All made up.

Domains end in .example and .test (RFC 2606), so that not one of these addresses can belong to anybody.
"""

import unicodedata
from datetime import date, timedelta
from pathlib import Path

FOLDER = Path(__file__).parent / "data"
CONTACTS = 320
FIRST_DAY = date(2026, 1, 6)
FILE_NAME = "Clients atelier.csv"
HEADER = ("E-mail", "Prénom", "Nom", "Ville", "Dernière visite", "Panier moyen")

_FIRST_NAME_WORDS = """
Adèle Amélie Anaïs Aurélien Benoît Camille Cédric Chloé Clément Élodie Étienne Fanny François Gaël Héloïse
Inès Jérôme Joël Léa Loïc Maëlle Margaux Mathéo Noé Océane Raphaël Rémi Solène Théo Zoé
"""
_LAST_NAME_WORDS = """
Aubert Bénard Bréal Caron Chênevert Cordier Delaunay Dujardin Étévé Faucheux Gérard Guérin Hervé Joly Labbé
Lefèvre Maréchal Moulin Noël Pélissier Prévost Quéré Rivière Roué Sénéchal Tanguy Thévenet Vasseur Verdier
"""
_TOWN_WORDS = "Angers Besançon Orléans Saint-Étienne Nîmes Béziers Compiègne Châteauroux Lorient Évreux"
_FIRST_NAMES, _LAST_NAMES, _TOWNS = _FIRST_NAME_WORDS.split(), _LAST_NAME_WORDS.split(), _TOWN_WORDS.split()
_DOMAINS = ("courrier.example", "postale.example", "lettre.example", "boite.test")

# what real tables hold, and what has to be set aside with its line and its reason
BROKEN_ROWS = (
    ("jean.dupont@exemple", "Jean", "Dupont", "Angers", "03/02/2026", "42,50"),
    ("marie.curie.example", "Marie", "Curie", "Paris", "11/02/2026", "31,00"),
    ("", "Sans", "Adresse", "Nîmes", "04/03/2026", "18,00"),
    ("a@postale.example; b@postale.example", "Alix", "Double", "Lorient", "17/03/2026", "27,90"),
    ("luc martin@lettre.example", "Luc", "Martin", "Évreux", "22/04/2026", "55,00"),
    ("nina@lettre.example", "Nina", "Petit", "Orléans", "31/02/2026", "12,00"),
    ("hugo@lettre.example", "Hugo", "Blanc", "Orléans", "12/05/2026", "vingt euros"),
)
# the local inbox answers 550 to these
BOUNCING = ("bounce.ancienne-adresse@postale.example", "bounce.partie@courrier.example")


def _plain(name: str) -> str:
    folded = unicodedata.normalize("NFD", name.lower())
    return "".join(letter for letter in folded if letter.isascii())


def _row(n: int) -> tuple[str, ...]:
    # 30 and 29 have no common divisor: no pair of names comes twice among 870
    first, last = _FIRST_NAMES[n % len(_FIRST_NAMES)], _LAST_NAMES[n % len(_LAST_NAMES)]
    address = f"{_plain(first)}.{_plain(last)}@{_DOMAINS[n % len(_DOMAINS)]}"
    visit = FIRST_DAY + timedelta(days=n * 7 % 300)
    basket = f"{12 + n * 13 % 90},{n % 4 * 25:02d}"
    # some people gave no first name: the message has to do without
    return (address, first if n % 9 else "", last, _TOWNS[n % len(_TOWNS)], f"{visit:%d/%m/%Y}", basket)


def table() -> bytes:
    """The file as Excel in French saves "CSV": semicolons, Windows-1252, CRLF."""
    rows = [_row(n) for n in range(CONTACTS)]
    for n, address in enumerate(BOUNCING):
        rows.insert(40 * n + 25, (address, "Ancien", "Client", "Angers", "12/01/2026", "20,00"))
    for n, broken in enumerate(BROKEN_ROWS):
        rows.insert(30 * n + 12, broken)
    lines = [";".join(f'"{cell}"' if ";" in cell else cell for cell in row) for row in (HEADER, *rows)]
    return ("\r\n".join(lines) + "\r\n").encode("cp1252")


def message(image_url: str) -> str:
    """The MJML of the campaign with the address of its picture."""
    return (FOLDER / "demo.mjml").read_text().replace("@@image@@", image_url)


def picture() -> bytes:
    return (FOLDER / "demo.png").read_bytes()
