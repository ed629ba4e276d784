"""Answers of people and programs: no bounce, no suppression; a wish to leave is one (D-35, D-36)."""

import pytest

from sending import feedback_mail
from sending.feedback import Finding, Kind, Reason
from tests.feedback.mails import RETURN_PATH, mail, multipart, original

ANA = "Ana <ana@recipient.test>"


def answer(subject: str, body: str = "", *, headers: str = "", to: str = RETURN_PATH) -> Finding:
    raw = (
        f"From: {ANA}\nTo: {to}\nSubject: {subject}\nIn-Reply-To: <c42@sender.test>\n{headers}"
        f"Content-Type: text/plain; charset=utf-8\n\n{body}\n"
    ).encode()
    (found,) = feedback_mail.read(raw)
    return found


@pytest.mark.req("D-35")
@pytest.mark.parametrize(
    "subject",
    [
        "Out of Office: Nos offres",
        "Automatic reply: Nos offres",
        "Réponse automatique : Nos offres",
        "Absence du bureau Re: Nos offres",
        "Absent jusqu'au 12 novembre",
        "Abwesenheitsnotiz: Nos offres",
        "Automatische Antwort: Nos offres",
        "Respuesta automática: Nos offres",
        "Risposta automatica: Nos offres",
        "Automatisch antwoord: Nos offres",
        "Resposta automática: Nos offres",
        "Autosvar: Nos offres",
        "Automaattinen vastaus: Nos offres",
        "Odpowiedź automatyczna: Nos offres",
        "Автоответ: Nos offres",
        "自動返信: Nos offres",
        "自动回复: Nos offres",
    ],
)
def test_a_notice_of_absence_is_no_bounce_in_any_language(subject: str) -> None:
    found = answer(subject, "Bonjour")
    assert (found.kind, found.reason, found.recipient) == (
        Kind.AUTO_REPLY,
        Reason.AUTO_REPLY,
        "ana@recipient.test",
    )
    assert (found.returned_to, found.message_id) == (RETURN_PATH, "c42@sender.test")


@pytest.mark.req("D-35")
@pytest.mark.parametrize(
    "body",
    [
        "I am out of the office until 12 November and will reply when I return.",
        "Je suis actuellement absente. De retour le 12 novembre.",
        "Ich bin derzeit nicht im Büro und ab 12. November wieder erreichbar.",
        "Estoy fuera de la oficina hasta el lunes.",
        "Sono in ferie fino al 12 novembre.",
    ],
)
def test_an_absence_without_any_header_is_read_in_the_text(body: str) -> None:
    assert answer("Re: Nos offres", body).kind is Kind.AUTO_REPLY


@pytest.mark.req("D-35")
@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: auto-replied",
        "X-Autoreply: yes",
        "X-Autorespond: 1",
        "Precedence: auto_reply",
        "X-Mailer: vacation 1.2",
    ],
)
def test_a_program_says_so_in_its_headers(header: str) -> None:
    assert (
        answer("Merci", "Nous avons bien reçu votre message", headers=f"{header}\n").kind is Kind.AUTO_REPLY
    )


@pytest.mark.req("D-35")
def test_a_challenge_is_no_bounce() -> None:
    body = "To deliver your message, please click here to confirm that you are a person: https://mailinblack.test/c/1"
    assert answer("Confirmez votre message : demande d'authentification", body).rule == "challenge"


@pytest.mark.req("D-35")
def test_a_read_receipt_is_no_bounce() -> None:
    raw = multipart(
        ("text/plain", "Your message was displayed."),
        (
            "message/disposition-notification",
            "Reporting-UA: mail.recipient.test\nFinal-Recipient: rfc822;ana@recipient.test\nOriginal-Message-ID: <c42@sender.test>\n"
            "Disposition: manual-action/MDN-sent-manually; displayed\n",
        ),
        ("message/rfc822", original()),
        kind="multipart/report; report-type=disposition-notification",
        sender=ANA,
        subject="Read: Nos offres",
    )
    (found,) = feedback_mail.read(raw)
    assert (found.kind, found.rule, found.recipient) == (
        Kind.AUTO_REPLY,
        "read receipt",
        "ana@recipient.test",
    )
    assert found.message_id == "c42@sender.test"


@pytest.mark.req("D-35")
def test_a_refusal_that_is_written_as_a_receipt_is_a_bounce() -> None:
    raw = multipart(
        ("text/plain", "Your message to <ana@recipient.test> was automatically rejected:\nQuota exceeded\n"),
        (
            "message/disposition-notification",
            "Final-Recipient: rfc822; ana@recipient.test\nDisposition: automatic-action/MDN-sent-automatically; deleted\n",
        ),
        kind="multipart/report; report-type=disposition-notification",
        subject="Automatically rejected mail",
        headers="Auto-Submitted: auto-replied (rejected)\n",
    )
    (found,) = feedback_mail.read(raw)
    assert (found.kind, found.reason, found.recipient) == (
        Kind.SOFT,
        Reason.MAILBOX_FULL,
        "ana@recipient.test",
    )


@pytest.mark.req("D-36")
@pytest.mark.parametrize(
    ("subject", "body", "to"),
    [
        ("unsubscribe", "", "unsubscribe@sender.test"),
        ("UNSUBSCRIBE", "", "news@sender.test"),
        ("", "unsubscribe", "news@sender.test"),
        ("Désinscription", "", "news@sender.test"),
        ("Re: Nos offres", "Merci de me désinscrire de cette liste.\n\n> Nos offres", "news@sender.test"),
        ("stop", "", "news@sender.test"),
        ("Abmelden", "", "news@sender.test"),
        ("Darme de baja", "", "news@sender.test"),
        ("", "", "unsub+7f3a9c@sender.test"),
        ("", "", "u-7f3a9c@sender.test"),
    ],
)
def test_a_wish_to_leave_is_heard(subject: str, body: str, to: str) -> None:
    found = answer(subject, body, to=to)
    assert (found.kind, found.recipient, found.returned_to) == (Kind.UNSUBSCRIBE, "ana@recipient.test", to)


@pytest.mark.req("D-35", "D-36")
@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("Re: Nos offres", "Bonjour, avez-vous ce manteau en bleu ?"),
        ("Question", "How do I change my address? I do not want to unsubscribe."),
        ("Commande 123", "Quand serai-je livré ? Je suis chez moi mardi."),
        ("Stopover in Paris", "We arrive on Monday."),
        ("", ""),
    ],
)
def test_what_a_person_writes_is_left_to_a_person(subject: str, body: str) -> None:
    assert answer(subject, body).kind is Kind.UNKNOWN


@pytest.mark.req("D-31")
def test_a_notice_that_quotes_the_subject_of_a_bounce_is_no_bounce() -> None:
    found = answer(
        "Automatic reply: Undeliverable: Nos offres",
        "I am out of the office.",
        headers="Auto-Submitted: auto-replied\n",
    )
    assert found.kind is Kind.AUTO_REPLY


def test_a_mail_that_forwards_another_is_not_a_report() -> None:
    raw = multipart(
        ("text/plain", "Regarde ceci"),
        ("message/rfc822", original()),
        kind="multipart/mixed",
        sender=ANA,
        subject="Tr: Nos offres",
    )
    assert feedback_mail.read(raw.replace(b"Return-Path: <>\n", b""))[0].kind is Kind.UNKNOWN


def test_a_human_reply_to_a_bounce_address_with_a_null_sender_has_a_finding() -> None:
    assert len(feedback_mail.read(mail("", subject=""))) == 1
