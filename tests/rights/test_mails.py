"""The mails of the rights desk, as they are read."""

import pytest

from mailer.core import clock
from sending import system_mail
from sending.system_mail import OutboxMail

LINK = "https://mailer.test/t/rights/confirm/abc"
_PERSON = {
    "sender": "Pain & Cie",
    "address": "1 rue des Tests",
    "contact": "contact@pain.test",
    "request": "R",
    "reference": 12,
}
_TEAM = {"account": "Pain", "reference": 12, "request": "R", "due_on": "2026-12-02", "link": LINK}
MAILS: dict[str, tuple[str, dict[str, object]]] = {
    "confirm": (
        "rights_confirm",
        _PERSON | {"link": LINK, "asked": "2 nov. 2026, 10:00", "until": "3 nov. 2026, 10:00"},
    ),
    "address": ("rights_address", _PERSON | {"link": LINK, "until": "3 nov. 2026, 10:00"}),
    "answer": ("rights_answer", _PERSON | {"text": "Premier.\n\nSecond <b>.", "refused": False}),
    "refusal": ("rights_answer", _PERSON | {"text": "Motif.", "refused": True}),
    "copy": ("rights_copy", _PERSON | {"link": LINK, "until": "8 nov. 2026, 10:00"}),
    "extended": ("rights_extended", _PERSON | {"due_on": "2027-02-02", "reason": "Beaucoup"}),
    "told": ("rights_told", _TEAM | {"done": False}),
    "done": ("rights_told", _TEAM | {"done": True}),
    "operators": ("rights_told", _TEAM | {"done": False, "operators": "closed", "to_operator": True}),
    "ownerless": ("rights_told", _TEAM | {"done": False, "operators": "no_owner", "to_operator": True}),
    "handed": (
        "rights_told",
        _TEAM | {"done": False, "operators": "closed", "to_operator": True, "handed": True},
    ),
    "deserted": (
        "rights_told",
        _TEAM | {"done": False, "operators": "no_owner", "to_operator": True, "handed": True},
    ),
    "closed": ("rights_told", _TEAM | {"done": False, "operators": "closed", "to_operator": False}),
    "orphaned": ("rights_told", _TEAM | {"done": False, "operators": "no_owner", "to_operator": False}),
    "for_operator": ("rights_due", _TEAM | {"step": "week", "operators": "closed", "to_operator": True}),
    "by_operator": ("rights_answer", _PERSON | {"text": "Fait.", "refused": False, "by_operator": True}),
    "week": ("rights_due", _TEAM | {"step": "week"}),
    "overdue": ("rights_due", _TEAM | {"step": "overdue"}),
}
SUBJECTS = {
    "confirm": ("Confirmez votre demande : R", "Confirm your request: R"),
    "address": ("Confirmez votre nouvelle adresse chez Pain & Cie", "Confirm your new address at Pain & Cie"),
    "answer": ("Réponse à votre demande 12 : R", "Answer to your request 12: R"),
    "refusal": ("Réponse à votre demande 12 : R", "Answer to your request 12: R"),
    "copy": (
        "Vos données chez Pain & Cie : le fichier est prêt",
        "Your data at Pain & Cie: the file is ready",
    ),
    "extended": ("Délai prolongé pour votre demande 12 : R", "More time for your request 12: R"),
    "told": ("Demande 12 d’un contact : R", "Request 12 of a contact: R"),
    "done": ("Demande 12 d’un contact : R", "Request 12 of a contact: R"),
    **dict.fromkeys(
        ("operators", "ownerless", "closed", "orphaned", "handed", "deserted"),
        ("Demande 12 d’un contact : R", "Request 12 of a contact: R"),
    ),
    "for_operator": ("Demande 12, échéance le 2 déc. 2026 : R", "Request 12 is due on 2 Dec 2026: R"),
    "by_operator": ("Réponse à votre demande 12 : R", "Answer to your request 12: R"),
    "week": ("Demande 12, échéance le 2 déc. 2026 : R", "Request 12 is due on 2 Dec 2026: R"),
    "overdue": ("Demande 12 en retard : R", "Request 12 is overdue: R"),
}


@pytest.mark.req("A-126", "A-022", "A-049", "C-05")
@pytest.mark.parametrize("name", sorted(MAILS))
@pytest.mark.parametrize("language", ["fr", "en"])
def test_each_mail_says_the_same_in_both_parts_and_languages(name: str, language: str) -> None:
    kind, details = MAILS[name]
    mail = OutboxMail(
        id=1,
        account_id=1,
        kind=kind,
        recipient="ana@exemple.test",
        language=language,
        details=details,
        created_at=clock.now(),
    )
    rendered = system_mail.render(mail)
    assert rendered.subject.replace("\u00a0", " ") == SUBJECTS[name][language == "en"]
    for part in (rendered.text, rendered.html):
        assert (LINK in part) == ("link" in details)
        # what a refused person can do, and one who has to wait longer
        assert ("cnil.fr" in part) == (name in ("refusal", "extended"))
        assert ("contact@pain.test" in part) == ("sender" in details)
    if name == "answer":
        assert "Second &lt;b&gt;." in rendered.html
        assert "Second <b>." in rendered.text
    if name == "confirm" and language == "fr":
        assert "Nous avons reçu le 2 nov. 2026, 10:00 une demande pour cette adresse" in rendered.text
        assert "Si elle ne vient pas de vous, ne faites rien : rien ne changera." in rendered.text.replace(
            "\u00a0", " "
        )
