"""What people paste into tables: forbidden numbers that are right, and what only looks like them. Generated."""

import random
from collections.abc import Callable

Random = random.Random


def luhn(digits: str) -> str:
    """The digits with their check digit behind."""
    total = 0
    for i, digit in enumerate(reversed(digits)):
        n = int(digit) * (2 if i % 2 == 0 else 1)
        total += n - 9 if n > 9 else n
    return digits + str(-total % 10)


def digits(r: Random, n: int) -> str:
    return "".join(r.choice("0123456789") for _ in range(n))


def groups(text: str, sizes: tuple[int, ...], gap: str) -> str:
    parts, at = [], 0
    for size in sizes:
        parts.append(text[at : at + size])
        at += size
    return gap.join(parts)


# ---------------------------------------------------------------- forbidden


def nir(r: Random) -> str:
    department = r.choice([f"{n:02d}" for n in range(1, 96) if n != 20] + ["2A", "2B", "97", "99"])
    month = f"{r.choice([*range(1, 13), 20, 31, 42, 50, 99]):02d}"
    body = f"{r.choice('12378')}{digits(r, 2)}{month}{department}{digits(r, 3)}{digits(r, 3)}"
    key = 97 - int(body.replace("2A", "19").replace("2B", "18")) % 97
    whole = f"{body}{key:02d}"
    sizes = r.choice([(15,), (13, 2), (1, 2, 2, 2, 3, 3, 2)])
    return groups(whole, sizes, r.choice([" ", "\u00a0", "\u202f", "-", "."]))


def nir_in_text(r: Random) -> str:
    return f"N° sécu : {nir(r)} (à jour)"


_BRANDS: tuple[tuple[tuple[str, ...], int, tuple[int, ...]], ...] = (
    (("4",), 16, (4, 4, 4, 4)),
    (("4",), 13, (4, 3, 3, 3)),
    (("4",), 19, (4, 4, 4, 4, 3)),
    (("51", "55", "2221", "2720", "2500"), 16, (4, 4, 4, 4)),
    (("34", "37"), 15, (4, 6, 5)),
    (("300", "305", "36", "38"), 14, (4, 6, 4)),
    (("3528", "3589"), 16, (4, 4, 4, 4)),
    (("6011", "644", "65"), 16, (4, 4, 4, 4)),
    (("62",), 16, (4, 4, 4, 4)),
    (("5018", "5612", "6304", "6759"), 16, (4, 4, 4, 4)),
)


def card(r: Random) -> str:
    starts, length, sizes = r.choice(_BRANDS)
    start = r.choice(starts)
    number = luhn(start + digits(r, length - 1 - len(start)))
    return groups(number, r.choice([(length,), sizes]), r.choice([" ", "-", "\u00a0", "."]))


def card_in_text(r: Random) -> str:
    return f"CB {card(r)}, exp {r.randrange(1, 13):02d}/{r.randrange(26, 32)}"


_IBANS = {
    "FR": "nnnnnnnnnnccccccccccc" + "nn",
    "DE": "n" * 18,
    "BE": "n" * 12,
    "ES": "n" * 20,
    "IT": "annnnnnnnnn" + "c" * 12,
    "GB": "aaaa" + "n" * 14,
    "NL": "aaaa" + "n" * 10,
    "CH": "nnnnn" + "c" * 12,
    "LU": "nnn" + "c" * 13,
    "PT": "n" * 21,
    "NO": "n" * 11,
    "MT": "aaaannnnn" + "c" * 18,
    "PL": "n" * 24,
    "MC": "nnnnnnnnnnccccccccccc" + "nn",
}


def iban(r: Random) -> str:
    country = r.choice(list(_IBANS))
    signs = {"n": "0123456789", "a": "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "c": "0123456789" * 6 + "ABCDEFGHKM"}
    body = "".join(r.choice(signs[sign]) for sign in _IBANS[country])
    number = int("".join(str(int(sign, 36)) for sign in f"{body}{country}00"))
    whole = f"{country}{98 - number % 97:02d}{body}"
    written = r.choice([whole, groups(whole, (4,) * 9, " ").strip(), groups(whole, (4,) * 9, "-").strip("-")])
    return r.choice([written, written.lower(), f"IBAN : {written}"])


def tax(r: Random) -> str:
    while True:
        ten = r.choice("0123") + digits(r, 9)
        key = int(ten) % 511
        whole = f"{ten}{key:03d}"
        return groups(whole, r.choice([(13,), (2, 2, 3, 3, 3)]), " ")


def codice_fiscale(r: Random) -> str:
    odd = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21]
    letters = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23]
    consonants = "BCDFGLMNPRSTVZ"
    body = (
        "".join(r.choice(consonants) for _ in range(6))
        + digits(r, 2)
        + r.choice("ABCDEHLMPRST")
        + f"{r.randrange(1, 32):02d}"
        + r.choice("ABCDEFGHIL")
        + digits(r, 3)
    )
    total = 0
    for i, sign in enumerate(body):
        value = int(sign) if sign.isdecimal() else ord(sign) - 65
        total += (odd[value] if sign.isdecimal() else letters[value]) if i % 2 == 0 else value
    return body + chr(65 + total % 26)


def ssn(r: Random) -> str:
    area = r.choice([n for n in range(1, 900) if n != 666])
    return f"{area:03d}-{r.randrange(1, 100):02d}-{r.randrange(1, 10_000):04d}"


def belgian(r: Random) -> str:
    day = f"{r.randrange(40, 100):02d}{r.randrange(1, 13):02d}{r.randrange(1, 29):02d}"
    order = f"{r.randrange(1, 999):03d}"
    key = 97 - int(day + order) % 97
    return f"{day[:2]}.{day[2:4]}.{day[4:]}-{order}.{key:02d}"


_SICK = (
    "Allergique aux arachides", "allergie au gluten", "Diabétique de type 2", "diabète", "Séropositif",
    "Séropositive", "VIH", "asthmatique", "Épileptique", "épilepsie", "cancer du sein", "Atteint d'un cancer de la "
    "prostate", "sclérose en plaques", "maladie de Crohn", "Enceinte de 5 mois", "handicapée", "en arrêt maladie",
    "Hépatite B", "autiste", "dépressif", "Dépression", "schizophrénie", "HIV positive", "Type 1 diabetic",
    "breast cancer", "pregnant", "peanut allergy", "asthma", "Epilepsy since 2011", "multiple sclerosis",
    "wheelchair user", "leucémie", "maladie chronique", "insuffisance rénale", "traitement médical en cours",
    "Alzheimer", "Parkinson", "mucoviscidose", "endométriose", "cœliaque", "boulimie", "toxicomane",
)  # fmt: skip


def sick(r: Random) -> str:
    text = r.choice(_SICK)
    return r.choice([text, text.upper(), text.lower(), f"{text}, suivi depuis 2019", f"Note : {text}."])


FORBIDDEN: dict[str, tuple[str, Callable[[Random], str]]] = {
    "NIR with its key": ("nir", nir),
    "NIR inside a sentence": ("nir", nir_in_text),
    "card": ("card", card),
    "card inside a sentence": ("card", card_in_text),
    "IBAN": ("iban", iban),
    "French tax number": ("tax", tax),
    "codice fiscale": ("tax", codice_fiscale),
    "American SSN": ("identity", ssn),
    "Belgian national number": ("identity", belgian),
    "health": ("health", sick),
}

# ---------------------------------------------------------------- innocent


def french_phone(r: Random) -> str:
    nine = r.choice("123456789") + digits(r, 8)
    pairs = " ".join(["0" + nine[0], *(nine[i : i + 2] for i in range(1, 9, 2))])
    return r.choice([pairs, pairs.replace(" ", ""), pairs.replace(" ", "."), pairs.replace(" ", "-")])


def international_phone(r: Random) -> str:
    code, length = r.choice([("33", 9), ("32", 9), ("41", 9), ("44", 10), ("49", 10), ("49", 11), ("39", 10)])
    rest = r.choice("123456789") + digits(r, length - 1)
    split = " ".join([rest[0], *(rest[i : i + 2] for i in range(1, length, 2))])
    return r.choice(
        [f"+{code}{rest}", f"+{code} {split}", f"00{code}{rest}", f"00 {code} {split}", f"{code}{rest}"]
    )


def two_phones(r: Random) -> str:
    return f"{french_phone(r)}{r.choice([' / ', ' ', ', ', ' ou '])}{french_phone(r)}"


def siret(r: Random) -> str:
    siren = luhn(digits(r, 8))
    # most companies number their places from 1
    place = f"{min(int(r.paretovariate(1.1)), 9999):04d}"
    whole = luhn(siren + place)
    return r.choice([whole, groups(whole, (3, 3, 3, 5), " "), groups(whole, (9, 5), " ")])


def siren(r: Random) -> str:
    whole = luhn(digits(r, 8))
    return r.choice([whole, groups(whole, (3, 3, 3), " "), f"FR{r.randrange(97):02d}{whole}"])


def order(r: Random) -> str:
    return r.choice(
        [
            f"CMD-{r.randrange(2019, 2027)}-{digits(r, 6)}",
            digits(r, r.choice([6, 8, 10, 12])),
            f"{r.choice('ABCDEFGH')}{r.choice('KLMN')}{digits(r, 9)}",
            f"INV/{digits(r, 4)}/{digits(r, 5)}",
        ]
    )


def moment(r: Random) -> str:
    y, m, d = r.randrange(1930, 2027), r.randrange(1, 13), r.randrange(1, 29)
    return r.choice(
        [
            f"{d:02d}/{m:02d}/{y}",
            f"{y}-{m:02d}-{d:02d} {r.randrange(24):02d}:{r.randrange(60):02d}:{r.randrange(60):02d}",
            f"{y}{m:02d}{d:02d}{digits(r, 6)}",
            str(r.randrange(1_500_000_000_000, 1_800_000_000_000)),
            str(r.randrange(1_500_000_000, 1_800_000_000)),
        ]
    )


def masked_card(r: Random) -> str:
    number = luhn("4970" + digits(r, 11))
    return r.choice(
        [
            f"{number[:6]}******{number[-4:]}",
            f"{number[:4]} {number[4:6]}XX XXXX {number[-4:]}",
            f"•••• {number[-4:]}",
        ]
    )


def ean(r: Random) -> str:
    twelve = r.choice("3460578") + digits(r, 11)
    total = sum(int(c) * (3 if i % 2 else 1) for i, c in enumerate(twelve))
    return f"{twelve}{-total % 10}"


def sixteen(r: Random) -> str:
    return digits(r, 16)


_WORDS = (
    "Saint-Étienne", "Résidant à Lyon", "Pharmacien", "Médecin généraliste", "Infirmière", "Golf : handicap 18",
    "Laboratoire Santé Plus", "Sidaoui", "Rose Martin", "Cancer (signe du zodiaque)", "rue de la Maladrerie",
    "Enceinte Bluetooth", "Depressurisation", "Chef d'équipe", "Bio et nature", "Alcools et spiritueux", "Hiver 2025",
    "Heart of Midlothian", "Affectionne le rose", "Mobilité douce", "Traitement de texte", "Parapluie", "Diabolo menthe",
    "Client depuis 2011 – préfère le mail", "Endomarketing", "Team Alzey", "Primevère rose",
    "Insuffisance de stock", "Ligue contre le cancer", "Allergoba SARL", "Maladroit",
)  # fmt: skip


def words(r: Random) -> str:
    return f"{r.choice(_WORDS)}{r.choice(['', ' 2', ' et fils', ', Paris'])}"


INNOCENT: dict[str, Callable[[Random], str]] = {
    "French telephone": french_phone,
    "international telephone": international_phone,
    "two telephones in a cell": two_phones,
    "SIRET": siret,
    "SIREN and VAT number": siren,
    "order and customer numbers": order,
    "dates and timestamps": moment,
    "masked card": masked_card,
    "EAN-13": ean,
    "random 16 digits": sixteen,
    "words and names": words,
}
