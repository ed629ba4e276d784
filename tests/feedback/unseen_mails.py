"""Mails in more dialects, languages, encodings and odd forms, first read when the rules had been written."""

import base64
import quopri
from dataclasses import dataclass

from tests.feedback.mails import RETURN_PATH, arf, dsn, mail, multipart, original

A, B = "ana@recipient.test", "bob@recipient.test"
Says = tuple[str, str, str]  # recipient, kind, reason


@dataclass(frozen=True)
class Unseen:
    name: str
    raw: bytes
    says: tuple[Says, ...]


S: list[Unseen] = []


def b64(text: str) -> str:
    return base64.encodebytes(text.encode()).decode()


def qp(text: str) -> str:
    return quopri.encodestring(text.encode()).decode()


def add(name: str, raw: bytes | str, *says: Says) -> None:
    S.append(Unseen(name, raw.encode() if isinstance(raw, str) else raw, says))


# RFC 6533
add(
    "utf8 dsn",
    multipart(
        ("text/plain; charset=utf-8", "Votre message n’a pas pu être remis."),
        (
            "message/global-delivery-status",
            "Reporting-MTA: dns; mx.relay.test\n\nOriginal-Recipient: utf-8; élise@recipient.test\nFinal-Recipient: utf-8; élise@recipient.test\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 no such user",
        ),
        ("message/global-headers", "Message-ID: <c42.9d8e7f@sender.test>\nTo: élise@recipient.test\n"),
    ),
    ("élise@recipient.test", "hard", "user unknown"),
)
add(
    "utf8 addr-xtext",
    dsn(
        "x",
        "Original-Recipient: utf-8; \\x{E9}lise@recipient.test\nFinal-Recipient: rfc822; elise@recipient.test\nAction: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; 552 5.2.2 over quota",
    ),
    ("élise@recipient.test", "soft", "mailbox full"),
)
add(
    "xtext orcpt",
    dsn(
        "x",
        "Original-Recipient: rfc822;ana+2Bshop@recipient.test\nFinal-Recipient: rfc822;ana+shop@recipient.test\nAction: failed\nStatus: 5.1.1\n",
    ),
    ("ana+shop@recipient.test", "hard", "user unknown"),
)
add(
    "relayed",
    dsn(
        "relayed to the following",
        "Final-Recipient: rfc822; " + A + "\nAction: relayed\nStatus: 2.0.0\nRemote-MTA: dns; x",
    ),
    (A, "unknown", "delivered"),
)
add(
    "expanded",
    dsn(
        "This is an informative message",
        "Final-Recipient: rfc822; " + A + "\nAction: expanded (to multi-recipient alias)\nStatus: 2.0.0",
    ),
    (A, "unknown", "delivered"),
)
add(
    "delivered no status",
    dsn(
        "Your message has been delivered",
        "Final-Recipient: rfc822; " + A + "\nAction: delivered (to mailbox)\n",
    ),
    (A, "unknown", "delivered"),
)
add(
    "delayed no code",
    dsn(
        "The delivery to the following recipient has been delayed",
        "Final-Recipient: rfc822;"
        + A
        + "\nAction: Delayed\nStatus: 4.4.7\nWill-Retry-Until: Mon, 2 Nov 2026 12:00:00 +0000",
        subject="Delivery Status Notification (Delay)",
    ),
    (A, "soft", "expired"),
)
add(
    "mixed",
    dsn(
        "x",
        [
            "Final-Recipient: rfc822; " + A + "\nAction: delivered\nStatus: 2.1.5",
            "Final-Recipient: rfc822; "
            + B
            + "\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 unknown user",
        ],
    ),
    (A, "unknown", "delivered"),
    (B, "hard", "user unknown"),
)
add(
    "dsn b64 status",
    mail(
        "--B\nContent-Type: text/plain\n\nfailed\n--B\nContent-Type: message/delivery-status\nContent-Transfer-Encoding: base64\n\n"
        + b64(
            "Reporting-MTA: dns; m\n\nFinal-Recipient: rfc822; "
            + A
            + "\nAction: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; 552 mailbox full\n"
        )
        + "--B--\n",
        kind="multipart/report; report-type=delivery-status; boundary=B",
    ),
    (A, "soft", "mailbox full"),
)
add(
    "dsn utf16-diag encoded word",
    dsn(
        "x",
        "Final-Recipient: rfc822; "
        + A
        + "\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; =?utf-8?B?"
        + base64.b64encode("550 Пользователь не найден".encode()).decode()
        + "?=",
    ),
    (A, "hard", "user unknown"),
)
add(
    "quoted printable text",
    mail(
        qp(
            "Delivery to the following recipient failed permanently:\n\n     "
            + A
            + "\n\nTechnical details of permanent failure:\nThe recipient server did not accept our requests: 550 5.1.1 Mailbox does not exist = gone\n\n----- Original message -----\n\n"
        )
        + original(),
        headers="Content-Transfer-Encoding: quoted-printable\n",
        subject="Delivery Status Notification (Failure)",
    ),
    (A, "hard", "user unknown"),
)
add(
    "base64 text",
    mail(
        b64("Message könnte nicht zugestellt werden an:\n\n<" + A + ">: 552 5.2.2 Postfach voll\n"),
        headers="Content-Transfer-Encoding: base64\n",
        subject="=?utf-8?Q?Unzustellbar=3A_Nos_offres?=",
        sender="Mail-Administrator <postmaster@recipient.test>",
    ),
    (A, "soft", "mailbox full"),
)
add(
    "iso2022jp",
    (
        b"Return-Path: <>\nFrom: MAILER-DAEMON@docomo.ne.jp\nTo: "
        + RETURN_PATH.encode()
        + b"\nSubject: Mail System Error - Returned Mail\nContent-Type: text/plain; charset=iso-2022-jp\n\n"
        + (
            "次のあて先へのメッセージはエラーのため送信できませんでした。\n\n<ana@docomo.ne.jp>: ユーザが見つかりません。\n"
        ).encode("iso-2022-jp")
        + b"\n--- original message ---\n"
        + original("ana@docomo.ne.jp").encode()
    ),
    ("ana@docomo.ne.jp", "hard", "user unknown"),
)
add(
    "koi8",
    (
        b"Return-Path: <>\nFrom: =?koi8-r?B?"
        + base64.b64encode("Почта".encode("koi8-r"))
        + b"?= <mailer-daemon@recipient.test>\nTo: "
        + RETURN_PATH.encode()
        + b"\nSubject: =?koi8-r?B?"
        + base64.b64encode("Недоставленное сообщение".encode("koi8-r"))
        + b"?=\nContent-Type: text/plain; charset=koi8-r\nContent-Transfer-Encoding: 8bit\n\n"
        + (
            "Ваше сообщение не доставлено следующим получателям:\n\n" + A + "\n  Почтовый ящик переполнен\n"
        ).encode("koi8-r")
    ),
    (A, "soft", "mailbox full"),
)
add(
    "charset lie",
    (
        b"Return-Path: <>\nFrom: postmaster@recipient.test\nTo: "
        + RETURN_PATH.encode()
        + b"\nSubject: =?x-unknown?Q?Message_non_remis?=\nContent-Type: text/plain; charset=x-unknown-8bit\n\n"
        + ("Votre message n'a pas pu être remis à :\n\n" + A + "\n\nBoîte aux lettres pleine\n").encode(
            "latin-1"
        )
    ),
    (A, "soft", "mailbox full"),
)
add(
    "qmail",
    mail(
        "Hi. This is the qmail-send program at mx.relay.test.\nI'm afraid I wasn't able to deliver your message to the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n<"
        + A
        + ">:\n192.0.2.7 does not like recipient.\nRemote host said: 550 5.7.1 Mail from 192.0.2.9 refused: listed in blacklist\nGiving up on 192.0.2.7.\n\n--- Below this line is a copy of the message.\n\n"
        + original(),
        subject="failure notice",
    ),
    (A, "block", "blocked"),
)
add(
    "qmail fr",
    mail(
        "Bonjour. Je suis le programme qmail-send de mx.relay.test.\nJe n'ai pas pu remettre votre message aux adresses suivantes.\nErreur permanente, j'abandonne.\n\n<"
        + A
        + ">:\nDésolé, pas de boîte aux lettres à ce nom. (#5.1.1)\n\n--- Copie du message.\n\n"
        + original(),
        subject="notification d'échec",
    ),
    (A, "hard", "user unknown"),
)
add(
    "exim bare",
    mail(
        "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n  "
        + A
        + "\n    (generated from info@alias.test)\n    retry timeout exceeded\n\n------ This is a copy of the message, including all the headers. ------\n\n"
        + original(),
        sender="Mail Delivery System <Mailer-Daemon@relay.test>",
        subject="Mail delivery failed: returning message to sender",
        headers="X-Failed-Recipients: " + A + "\n",
    ),
    (A, "soft", "expired"),
)
add(
    "exim warn",
    mail(
        "This message was created automatically by mail delivery software.\nA message that you sent has not yet been delivered to one or more of its\nrecipients after more than 24 hours on the queue on relay.test.\n\nThe message identifier is:     1abcde-000000-AB\nThe address to which the message has not yet been delivered is:\n\n  "
        + A
        + "\n    Delay reason: Connection timed out\n\nNo action is required on your part. Delivery attempts will continue for\nsome time.\n",
        subject="Warning: message 1abcde-000000-AB delayed 24 hours",
        sender="Mail Delivery System <Mailer-Daemon@relay.test>",
    ),
    (A, "soft", "expired"),
)
add(
    "domino",
    multipart(
        (
            "text/plain",
            "Your message\n\n  Subject: Nos offres\n\nwas not delivered to:\n\n  "
            + A
            + "\n\nbecause:\n\n  User ana (ana@recipient.test) not listed in Domino Directory\n",
        ),
        (
            "message/delivery-status",
            "Reporting-MTA: dns;notes.recipient.test\n\nFinal-Recipient: rfc822;"
            + A
            + "\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: X-Notes; User ana (ana@recipient.test) not listed in Domino Directory",
        ),
        subject="DELIVERY FAILURE: User ana not listed in Domino Directory",
        sender="postmaster@notes.recipient.test",
    ),
    (A, "hard", "user unknown"),
)
add(
    "domino fr",
    multipart(
        (
            "text/plain",
            "Votre message\n\n  Objet : Nos offres\n\nn’a pas été remis à :\n\n  "
            + A
            + "\n\ncar :\n\n  La taille du message dépasse la limite autorisée\n",
        ),
        (
            "message/delivery-status",
            "Reporting-MTA: dns;notes.recipient.test\n\nFinal-Recipient: rfc822;"
            + A
            + "\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: X-Notes; La taille du message =?iso-8859-1?Q?d=E9passe?= la limite",
        ),
        subject="ECHEC DE REMISE",
        sender="postmaster@notes.recipient.test",
    ),
    (A, "block", "too large"),
)
add(
    "groupwise",
    mail(
        "The message that you sent was undeliverable to the following:\n\tana (user not found)\n\nPossibly truncated original message follows:\n\n"
        + original(),
        subject="Message status - undeliverable",
        sender="GroupWise <Mailer-Daemon@gw.recipient.test>",
    ),
    (A, "hard", "user unknown"),
)
add(
    "exchange fr html",
    multipart(
        (
            "text/html; charset=utf-8",
            "<html><body><p>Votre message à <b>ana@recipient.test</b> n'a pas pu être remis.</p><p>ana est introuvable sur recipient.test.</p></body></html>",
        ),
        (
            "message/delivery-status",
            "Reporting-MTA: dns;PR0P264.FRAP264.PROD.OUTLOOK.COM\n\nFinal-Recipient: rfc822;"
            + A
            + "\nAction: failed\nStatus: 5.1.10\nDiagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
        ),
        subject="Non remis : Nos offres",
        sender="Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@sender.test>",
    ),
    (A, "hard", "user unknown"),
)
add(
    "exchange 5.5",
    mail(
        "Your message did not reach some or all of the intended recipients.\n\n      Subject:\tNos offres\n      Sent:\t02/11/2026 09:00\n\nThe following recipient(s) could not be reached:\n\n      "
        + A
        + " on 02/11/2026 09:05\n            The e-mail account does not exist at the organization this message was sent to.  Check the e-mail address, or contact the recipient directly to find out the correct address.\n            < mx.recipient.test #5.1.1>\n",
        sender="System Administrator <postmaster@recipient.test>",
        subject="Undeliverable: Nos offres",
    ),
    (A, "hard", "user unknown"),
)
add(
    "exchange de",
    mail(
        "Ihre Nachricht hat nicht alle Empfänger erreicht.\n\n      Betreff:\tNos offres\n\nFolgende(r) Empfänger konnte(n) nicht erreicht werden:\n\n      "
        + A
        + " am 02.11.2026 09:05\n            Das E-Mail-Konto ist in der Organisation nicht vorhanden, an die diese Nachricht gesendet wurde.\n            <mx.recipient.test #5.1.1>\n",
        sender="Systemadministrator <postmaster@recipient.test>",
        subject="Unzustellbar: Nos offres",
    ),
    (A, "hard", "user unknown"),
)
add(
    "outlook com es",
    mail(
        "No se pudo entregar el mensaje a los siguientes destinatarios:\n\n"
        + A
        + "\n\nEl buzón del destinatario está lleno y no puede aceptar mensajes en este momento.\n",
        sender="postmaster@hotmail.test",
        subject="No se puede entregar: Nos offres",
    ),
    (A, "soft", "mailbox full"),
)
add(
    "it",
    mail(
        "Il messaggio non è stato recapitato ai seguenti destinatari:\n\n"
        + A
        + "\n   550 5.1.1 Utente sconosciuto\n",
        sender="postmaster@recipient.test",
        subject="Mancata consegna: Nos offres",
    ),
    (A, "hard", "user unknown"),
)
add(
    "pt",
    mail(
        "A sua mensagem não pôde ser entregue a:\n\n" + A + "\n\nMotivo: caixa postal cheia\n",
        sender="postmaster@recipient.test",
        subject="Mensagem não entregue",
    ),
    (A, "soft", "mailbox full"),
)
add(
    "pl",
    mail(
        "Wiadomość nie mogła zostać dostarczona do następujących odbiorców:\n\n"
        + A
        + "\n\nPowód: Nie ma takiego użytkownika\n",
        sender="postmaster@recipient.test",
        subject="Niedostarczona wiadomość: Nos offres",
    ),
    (A, "hard", "user unknown"),
)
add(
    "pl full",
    mail(
        "Przesyłka nie została dostarczona do:\n\n<" + A + ">: 552 Skrzynka odbiorcy jest pełna\n",
        sender="Mailer-Daemon@recipient.test",
        subject="Zwrot wiadomości",
    ),
    (A, "soft", "mailbox full"),
)
add(
    "nl",
    mail(
        "Uw bericht kon niet worden afgeleverd bij de volgende ontvanger:\n\n"
        + A
        + "\n\nReden: onbekende gebruiker\n",
        sender="postmaster@recipient.test",
        subject="Niet afgeleverd: Nos offres",
    ),
    (A, "hard", "user unknown"),
)
add(
    "yahoo old",
    mail(
        "Message from yahoo.com.\nUnable to deliver message to the following address(es).\n\n<ana@yahoo.test>:\nThis user doesn't have a yahoo.test account (ana@yahoo.test) [-5]\n\n--- Original message follows.\n\n"
        + original("ana@yahoo.test"),
        sender="MAILER-DAEMON@yahoo.test",
        subject="failure notice",
    ),
    ("ana@yahoo.test", "hard", "user unknown"),
)
add(
    "mail.ru",
    mail(
        "This message was created automatically by mail.ru Mail Delivery System.\n\nA message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\nana@mail.test\n    mailbox is full: retry timeout exceeded\n",
        sender="mailer-daemon@corp.mail.test",
        subject="Mail failure.",
        headers="X-Failed-Recipients: ana@mail.test\n",
    ),
    ("ana@mail.test", "soft", "mailbox full"),
)
add(
    "kddi",
    mail(
        "Your mail sent on: Mon, 2 Nov 2026 09:00:00 \n    Could not be delivered to: <ana@ezweb.test>\n    As their mailbox is full.\n\n"
        + original("ana@ezweb.test"),
        sender="no-reply@app.auone-net.jp",
        subject="Mail Delivery Failed",
    ),
    ("ana@ezweb.test", "soft", "mailbox full"),
)
add(
    "ezweb",
    mail(
        "The user(s) account is disabled.\n\n<ana@ezweb.test>\n\n" + original("ana@ezweb.test"),
        sender="Postmaster@ezweb.test",
        subject="Mail System Error - Returned Mail",
    ),
    ("ana@ezweb.test", "hard", "suspended"),
)
add(
    "courier",
    multipart(
        (
            "text/plain",
            "This is a delivery status notification from mx.relay.test,\nrunning the Courier mail server, version 0.65.\n\nThe original message was received on Mon\n\n---------------------------------------------------------------------------\n\n                           UNDELIVERABLE MAIL\n\nYour message to the following recipients cannot be delivered:\n\n<"
            + A
            + ">:\n    mx.recipient.test [192.0.2.7]:\n>>> RCPT TO:<"
            + A
            + ">\n<<< 550 5.1.1 User unknown\n",
        ),
        (
            "message/delivery-status",
            "Reporting-MTA: dns; mx.relay.test\n\nFinal-Recipient: rfc822; "
            + A
            + "\nAction: failed\nStatus: 5.0.0\nRemote-MTA: dns; mx.recipient.test\nDiagnostic-Code: smtp; 550 5.1.1 User unknown",
        ),
        subject="NOTICE: mail delivery status.",
    ),
    (A, "hard", "user unknown"),
)
add(
    "imail",
    mail(
        "User mailbox exceeds allowed size: " + A + "\n\nOriginal message follows.\n\n" + original(),
        sender="Postmaster <postmaster@imail.test>",
        subject="Undeliverable Mail",
        headers="X-Mailer: <IMail v8>\n",
    ),
    (A, "soft", "mailbox full"),
)
add(
    "imail2",
    mail(
        "Unknown user: " + A + "\n\nOriginal message follows.\n\n" + original(),
        sender="Postmaster <postmaster@imail.test>",
        subject="Undeliverable Mail",
    ),
    (A, "hard", "user unknown"),
)
add(
    "mdaemon",
    mail(
        "The attached message had PERMANENT fatal delivery errors!\n\nAfter one or more unsuccessful delivery attempts the attached message has\nbeen removed from the mail queue on this server.\n\nFAILED RECIPIENT: "
        + A
        + "\nREASON: 554 Message refused: contains virus\n\n--- Session Transcript ---\n> Attempting SMTP connection to [192.0.2.7]\n< 554 Message refused: contains virus\n",
        sender="MDaemon at relay.test <MDaemon@relay.test>",
        subject="Permanent Delivery Failure",
    ),
    (A, "block", "virus"),
)
add(
    "zimbra plain",
    mail(
        "Your message to " + A + " was automatically rejected:\nQuota exceeded (mailbox for user is full)\n",
        sender="Mail Delivery Subsystem <postmaster@recipient.test>",
        subject="Automatically rejected mail",
    ),
    (A, "soft", "mailbox full"),
)
add(
    "xmail",
    mail(
        "[<00>] XMail bounce: Rcpt=["
        + A
        + "];Error=[554 5.7.1 <"
        + A
        + ">: Relay access denied]\n\n[<01>] Error sending message\n",
        subject="Error sending message [1] from [relay.test]",
        sender="root@relay.test",
    ),
    (A, "block", "relay denied"),
)
add(
    "mcafee",
    mail(
        "--------------------------------------\n\nThe following addresses had delivery problems:\n\n<"
        + A
        + ">   (User unknown ana@recipient.test)\n",
        sender='"Mail System" <postmaster@recipient.test>',
        subject="Delivery Status",
    ),
    (A, "hard", "user unknown"),
)
add(
    "surfcontrol",
    mail(
        "Your message could not be sent.\nA transcript of the attempts to send the message follows.\nThe number of attempts made: 1\nAddressed To: "
        + A
        + "\n\nMon 2 Nov 2026 09:05:00 +0100\nFailed to send to identified host,\n"
        + A
        + ": [192.0.2.7], 550 5.7.1 Blocked: message looks like spam\n--- Message non-deliverable.\n",
        sender="SurfControl E-mail Filter <sf@relay.test>",
        subject="Message could not be delivered",
    ),
    (A, "block", "spam"),
)
# answers
add(
    "auto reply no headers",
    b"From: Ana <ana@recipient.test>\nTo: "
    + RETURN_PATH.encode()
    + b"\nSubject: Re: Nos offres de novembre\nContent-Type: text/plain; charset=utf-8\n\nThank you for your message. I am on annual leave with no access to email and will be back on 12 November. For urgent matters please contact Bob.\n",
    (A, "auto_reply", "auto reply"),
)
add(
    "auto reply fr",
    f"From: Ana <ana@recipient.test>\nTo: {RETURN_PATH}\nSubject: Re: Nos offres\nContent-Type: text/plain; charset=utf-8\n\nBonjour, je suis en congés jusqu'au 12 novembre inclus. En cas d'urgence, contactez Bob.\n",
    (A, "auto_reply", "auto reply"),
)
add(
    "left the company",
    f"From: Ana <ana@recipient.test>\nTo: {RETURN_PATH}\nSubject: Ana a quitté l'entreprise\nContent-Type: text/plain; charset=utf-8\n\nBonjour, Ana ne fait plus partie de l'entreprise. Merci de contacter Bob.\n",
    (A, "auto_reply", "auto reply"),
)
add(
    "ticket",
    f"From: Support <support@recipient.test>\nTo: {RETURN_PATH}\nSubject: [Ticket #4211] Votre demande a bien été reçue\nContent-Type: text/plain; charset=utf-8\n\nBonjour,\n\nNous avons bien reçu votre demande. Un conseiller vous répondra dans les plus brefs délais. Merci de ne pas répondre à ce message.\n",
    ("support@recipient.test", "auto_reply", "auto reply"),
)
add(
    "person quotes bounce",
    f"From: Ana <ana@recipient.test>\nTo: {RETURN_PATH}\nSubject: Re: Nos offres\nContent-Type: text/plain; charset=utf-8\n\nHello, great offer, thanks! My colleague got an error though:\n\n> Le 2 nov. 2026, Mail Delivery System a écrit :\n> <bob@recipient.test>: 550 5.1.1 user unknown\n> Undelivered Mail Returned to Sender\n",
    ("", "unknown", "undefined"),
)
add(
    "person",
    f"From: Ana <ana@recipient.test>\nTo: {RETURN_PATH}\nSubject: Re: Nos offres\nContent-Type: text/plain; charset=utf-8\n\nBonjour, avez-vous ce modèle en bleu ? Ma boîte est pleine de publicités ! Cordialement\n",
    ("", "unknown", "undefined"),
)
for subj, body, to in (
    ("unsubscribe", "", "u"),
    ("Re: Nos offres", "STOP", ""),
    ("Re: Nos offres", "Bonjour,\n\nMerci de me retirer de votre liste de diffusion.\n", ""),
    ("Re: Nos offres", "Hi,\nplease take me off this mailing list.\n", ""),
    ("Re: Nos offres", "Je ne souhaite plus recevoir vos mails.\n", ""),
    ("Re: Nos offres", "Bitte nehmen Sie mich aus dem Verteiler.\n", ""),
    ("Re: Nos offres", "Ich möchte keine weiteren E-Mails erhalten.\n", ""),
    ("Désabonnement", "", ""),
    ("UNSUBSCRIBE ana@recipient.test", "", ""),
    ("Re: Nos offres", "<html>", "html"),
    ("Re: Nos offres", "No deseo recibir más correos.\n", ""),
    ("Re: Nos offres", "Non desidero più ricevere le vostre email.\n", ""),
    ("AW: Nos offres", "Abmeldung\n", ""),
    ("RE : Nos offres", "désinscription svp\n\n> bonjour\n", ""),
    ("Fwd: Re: unsubscribe", "", ""),
    ("(sans objet)", "Désinscrivez-moi\n", ""),
    ("=?utf-8?B?" + base64.b64encode("Désinscription".encode()).decode() + "?=", "", ""),
):
    if to == "html":
        raw = f"From: Ana <ana@recipient.test>\nTo: {RETURN_PATH}\nSubject: {subj}\nContent-Type: text/html; charset=utf-8\n\n<html><body><div>Merci de me d&eacute;sabonner</div><blockquote>Nos offres</blockquote></body></html>\n"
    else:
        raw = f"From: Ana <ana@recipient.test>\nTo: {RETURN_PATH}\nSubject: {subj}\nContent-Type: text/plain; charset=utf-8\n\n{body}\n"
    add("unsub " + subj[:20] + " " + body[:30], raw, (A, "unsubscribe", "unsubscribe"))
add(
    "not unsub",
    f"From: Ana <ana@recipient.test>\nTo: {RETURN_PATH}\nSubject: Re: Nos offres\nContent-Type: text/plain; charset=utf-8\n\nBonjour, comment faire pour changer mon adresse ? Je ne veux surtout pas me désinscrire.\n",
    ("", "unknown", "undefined"),
)
# ARF
add(
    "arf yahoo",
    arf(
        "Feedback-Type: abuse\nUser-Agent: Yahoo!-Mail-Feedback/1.0\nVersion: 0.1\nOriginal-Mail-From: <"
        + RETURN_PATH
        + ">\nOriginal-Rcpt-To: "
        + A
        + "\nReceived-Date: Mon, 2 Nov 2026 09:00:00 -0700\nReported-Domain: sender.test"
    ),
    (A, "complaint", "complaint"),
)
add(
    "arf redacted",
    arf(
        "Feedback-Type: abuse\nUser-Agent: x/1\nVersion: 1\nOriginal-Rcpt-To: <redacted>",
        returned=original("undisclosed recipients:;"),
    ),
    ("", "complaint", "complaint"),
)
add(
    "arf no report-type",
    multipart(
        ("text/plain", "This is a spam report"),
        ("message/feedback-report", "Version: 1\nfeedback-type: Abuse\nUser-Agent: ReturnPath"),
        ("text/rfc822-headers", original()),
        kind="multipart/mixed",
    ),
    (A, "complaint", "complaint"),
)
add(
    "arf optout",
    arf("Feedback-Type: opt-out\nUser-Agent: x\nVersion: 1\nRemoval-Recipient: " + A),
    (A, "unsubscribe", "unsubscribe"),
)
add(
    "arf b64",
    mail(
        "--B\nContent-Type: text/plain\n\nabuse\n--B\nContent-Type: message/feedback-report\nContent-Transfer-Encoding: base64\n\n"
        + b64("Feedback-Type: abuse\nUser-Agent: x\nVersion: 1\nOriginal-Rcpt-To: " + A + "\n")
        + "--B\nContent-Type: message/rfc822\n\n"
        + original()
        + "\n--B--\n",
        kind="multipart/report; report-type=feedback-report; boundary=B",
    ),
    (A, "complaint", "complaint"),
)
add(
    "jmrp",
    multipart(
        ("message/rfc822", "X-HmXmrOriginalRecipient: " + A + "\n" + original()),
        kind="multipart/mixed",
        sender="staff@hotmail.com",
        subject="complaint about message from 192.0.2.9",
    ),
    (A, "complaint", "complaint"),
)
add(
    "arf dmarc",
    arf(
        "Feedback-Type: auth-failure\nAuth-Failure: dmarc\nUser-Agent: x\nVersion: 1\nDelivery-Result: delivered"
    ),
    (A, "unknown", "auth failure"),
)
add(
    "arf notspam",
    arf("Feedback-Type: not-spam\nUser-Agent: x\nVersion: 1\nOriginal-Rcpt-To: " + A),
    (A, "unknown", "undefined"),
)
# odd
add(
    "x-failed multi",
    mail(
        "A message that you sent could not be delivered.\n\n  "
        + A
        + "\n    550 no such user\n  "
        + B
        + "\n    552 mailbox over quota\n",
        headers="X-Failed-Recipients: " + A + ", " + B + "\n",
        sender="Mailer-Daemon@relay.test",
    ),
    (A, "hard", "user unknown"),
    (B, "soft", "mailbox full"),
)
add(
    "dsn no blank",
    dsn(
        "x",
        "Reporting-MTA: dns; m\nFinal-Recipient: rfc822; "
        + A
        + "\nAction: failed\nStatus: 5.1.1 (bad destination mailbox address)\n",
        reporting="Arrival-Date: Mon",
    ),
    (A, "hard", "user unknown"),
)
add(
    "dsn lower",
    dsn("x", "final-recipient: RFC822;" + A + "\naction: FAILED\nstatus: 550 5.2.2 full\n"),
    (A, "soft", "mailbox full"),
)
add(
    "dsn truncated",
    multipart(
        ("text/plain", "x"),
        (
            "message/delivery-status",
            "Reporting-MTA: dns; m\n\nFinal-Recipient: rfc822; "
            + A
            + "\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 unknown user",
        ),
    ).split(b"--=_bound.1--")[0],
    (A, "hard", "user unknown"),
)
add(
    "crlf mixed",
    dsn(
        "x",
        "Final-Recipient: rfc822; "
        + A
        + "\r\nAction: failed\r\nStatus: 5.7.1\r\nDiagnostic-Code: smtp; 550 5.7.1 Message content rejected, UBE, id=1\r\n",
    ),
    (A, "block", "spam"),
)
