"""The mails this room asks for, as they are read."""

from typing import Any

import pytest

from mailer.core import clock
from sending import system_mail
from sending.system_mail import OutboxMail

LINK = "https://mailer.test/app/confirm/abc"
IP = "203.0.113.7"
DETAILS: dict[str, dict[str, Any]] = {
    "confirm_email": {"link": LINK, "name": "", "ip": IP},
    "already_registered": {"link": LINK, "name": "Ana", "ip": IP},
    "reset_password": {"link": LINK, "name": "Ana"},
    "sign_in": {"link": LINK, "name": "Ana"},
    "change_email": {"link": LINK, "name": "Ana"},
    "email_changed": {"name": "Ana", "new_address": "a•••@exemple.fr"},
    "password_changed": {"name": "Ana"},
    "password_void": {"name": "Ana", "by": "owner", "account": "Pain & Cie"},
    "second_factor": {"name": "Ana", "what": "recovery", "left": 9},
    "new_device": {
        "name": "Ana",
        "program": "Firefox, Linux",
        "place": "203.0.113.•••",
        "day": "2026-11-26",
        "time": "09:30",
    },
    "role_changed": {
        "name": "Ana",
        "account": "Pain & Cie",
        "what": "changed",
        "role": "manager",
        "can_send": True,
    },
    "team_review": {"link": LINK, "name": "Ana", "account": "Pain & Cie", "people": 3},
    "invitation": {
        "link": LINK,
        "name": "",
        "account": "Pain & Cie",
        "inviter": "Zoé",
        "role": "editor",
        "can_send": True,
        "until": "2026-12-03",
    },
    "account_closed": {"link": LINK, "name": "Ana", "account": "Pain & Cie", "erase_on": "2027-02-22"},
    "policy_announced": {
        "link": LINK,
        "name": "Ana",
        "title": "Privacy policy",
        "version": "2027-02",
        "effective_on": "2027-02-22",
        "urgent_reason": "",
    },
    "sub_processor_announced": {
        "link": LINK,
        "name": "Ana",
        "company": "Pain & Cie",
        "service": "remise",
        "country": "FR",
        "effective_on": "2027-02-22",
    },
    "account_erased": {
        "link": LINK,
        "name": "Ana",
        "account": "Pain",
        "erased_on": "2027-02-22",
        "certificate": "{}",
    },
    "account_suspended": {
        "link": LINK,
        "name": "Ana",
        "account": "Pain",
        "by": "operator",
        "reason": "Trop de plaintes",
    },
    "account_erased_soon": {
        "link": LINK,
        "name": "Ana",
        "account": "Pain",
        "erase_on": "2027-02-22",
        "days": 7,
    },
}
SUBJECTS = {
    "confirm_email": ("Ouvrez votre compte", "Open your account"),
    "already_registered": ("Vous avez déjà un compte", "You already have an account"),
    "reset_password": ("Choisir un nouveau mot de passe", "Choose a new password"),
    "sign_in": ("Votre lien de connexion", "Your sign-in link"),
    "change_email": ("Confirmez votre nouvelle adresse", "Confirm your new address"),
    "email_changed": ("Votre adresse a changé", "Your address was changed"),
    "password_changed": ("Votre mot de passe a changé", "Your password was changed"),
    "password_void": (
        "Votre mot de passe ne fonctionne plus\u00a0: choisissez-en un nouveau",
        "Your password no longer works: choose a new one",
    ),
    "sub_processor_announced": (
        "Nouveau sous-traitant à partir du 22 févr. 2027\u00a0: Pain & Cie",
        "A new sub-processor from 22 Feb 2027: Pain & Cie",
    ),
    "policy_announced": (
        "Politique de confidentialité\u00a0: nouvelle version à partir du 22 févr. 2027",
        "Privacy policy: a new version from 22 Feb 2027",
    ),
    "second_factor": ("Un code de secours a été utilisé", "A recovery code was used"),
    "new_device": ("Nouvelle connexion à votre compte", "New sign-in to your account"),
    "role_changed": (
        "Vos droits dans «\u00a0Pain & Cie\u00a0» ont changé",
        "Your rights in “Pain & Cie” have changed",
    ),
    "team_review": (
        "Qui travaille dans «\u00a0Pain & Cie\u00a0»\u202f? À vérifier une fois par an",
        "Who works in “Pain & Cie”? Look once a year",
    ),
    "invitation": ("Zoé vous invite dans «\u00a0Pain & Cie\u00a0»", "Zoé invites you to “Pain & Cie”"),
    "account_erased": ("Le compte «\u00a0Pain\u00a0» a été effacé", "The account “Pain” was erased"),
    "account_suspended": ("Le compte «\u00a0Pain\u00a0» est suspendu", "The account “Pain” is suspended"),
    "account_erased_soon": (
        "Le compte «\u00a0Pain\u00a0» sera effacé dans 7 jours",
        "The account “Pain” is erased in 7 days",
    ),
    "account_closed": ("Le compte «\u00a0Pain & Cie\u00a0» est fermé", "The account “Pain & Cie” is closed"),
}


@pytest.mark.req("A-126", "A-101", "B-11")
@pytest.mark.parametrize("kind", sorted(DETAILS))
@pytest.mark.parametrize("language", ["fr", "en"])
def test_each_mail_says_the_same_in_both_parts_and_languages(kind: str, language: str) -> None:
    mail = OutboxMail(
        id=1,
        account_id=0,
        kind=kind,
        recipient="ana@exemple.fr",
        language=language,
        details=DETAILS[kind],
        created_at=clock.now(),
    )
    rendered = system_mail.render(mail)
    assert rendered.subject == SUBJECTS[kind][language == "en"]
    for part in (rendered.text, rendered.html):
        assert (LINK in part) == ("link" in DETAILS[kind])
        assert (IP in part) == ("ip" in DETAILS[kind])
        if DETAILS[kind]["name"]:
            assert ("Bonjour Ana," if language == "fr" else "Hello Ana,") in part
    assert "Pain &amp; Cie" in rendered.html or kind != "account_closed"
    if kind == "account_closed":
        assert ("22 févr. 2027" if language == "fr" else "22 Feb 2027") in rendered.text
