"""The ready mail that asks for measurement, in French and English (B-38; ui 4.5). The author may change it.

It holds no image and one link besides the footer's: to the page where nothing is ticked.
"""

from sending.campaigns import Language
from sending.letter import Button, Heading, Letter, Paragraph, to_mjml

SUBJECT: dict[Language, str] = {
    "fr": "{{ account.name }}\u00a0: acceptez-vous que nous mesurions vos ouvertures et vos clics\u202f?",
    "en": "{{ account.name }}: do you accept that we measure your opens and clicks?",
}
_HEADING: dict[Language, str] = {
    "fr": "Pouvons-nous mesurer vos ouvertures et vos clics\u202f?",
    "en": "May we measure your opens and clicks?",
}
_TEXT: dict[Language, str] = {
    "fr": (
        "Vous êtes dans la liste «\u00a0{{ list.name }}\u00a0».\n\n"
        "Nous aimerions savoir si nos messages sont ouverts et quels liens servent, pour mieux les "
        "écrire. Une image et des liens propres à votre adresse le permettraient, avec l’aide de "
        "@@processor@@, pendant 13\u00a0mois au plus. L’un et l’autre se choisissent à part.\n\n"
        "C’est facultatif\u00a0: dire non ne change rien à ce que vous recevez, et vous pourrez changer "
        "d’avis dans chaque message. Sans réponse, rien n’est mesuré et nous ne redemanderons pas "
        "avant six mois. Ce message-ci ne mesure rien."
    ),
    "en": (
        "You are on the list “{{ list.name }}”.\n\n"
        "We would like to know whether our messages are opened and which links are used, to write "
        "better ones. An image and links specific to your address would do that, with the help of "
        "@@processor@@, for 13\u00a0months at most. Each is your choice apart.\n\n"
        "It is optional: saying no changes nothing in what you receive, and you can change your mind "
        "in every message. Without an answer nothing is measured and we will not ask again for six "
        "months. This message measures nothing."
    ),
}
_BUTTON: dict[Language, str] = {"fr": "Faire mon choix", "en": "Make my choice"}
_PROCESSOR: dict[Language, str] = {"fr": "notre prestataire d’envoi", "en": "our sending provider"}


def mjml(language: Language, processor: str) -> str:
    """`processor`: who runs this installation (B-38, B-43); "" when it does not say."""
    # braces would be read as merge tags
    name = processor.replace("{", "").replace("}", "") or _PROCESSOR[language]
    return to_mjml(
        Letter(
            language=language,
            blocks=[
                Heading(text=_HEADING[language]),
                Paragraph(text=_TEXT[language].replace("@@processor@@", name)),
                Button(text=_BUTTON[language], href="{{ tracking_url }}"),
            ],
        )
    )
