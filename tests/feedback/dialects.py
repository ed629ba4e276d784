"""One report for each way of writing them that is known, with what it says. The wording is the servers', the mails ours."""

from dataclasses import dataclass

from sending.feedback import Kind, Reason
from tests.feedback.mails import dsn, mail, multipart, original

HARD, SOFT, BLOCK, UNKNOWN = Kind.HARD, Kind.SOFT, Kind.BLOCK, Kind.UNKNOWN
Says = tuple[str, Kind, Reason]
ANA, BOB = "ana@recipient.test", "bob@recipient.test"


@dataclass(frozen=True)
class Dialect:
    name: str
    raw: bytes
    says: tuple[Says, ...]
    code: int = 0
    enhanced: str = ""


def ends(body: str, mark: str) -> str:
    return f"{body}\n{mark}\n\n{original()}"


STATUS = [
    Dialect(
        "Postfix",
        dsn(
            "This is the mail system at host mx.relay.test.\n\nI'm sorry to have to inform you that your message could not\n"
            "be delivered to one or more recipients.\n\n                   The mail system\n\n"
            f"<{ANA}>: host mail.recipient.test[192.0.2.7] said: 550 5.1.1\n    <{ANA}>: Recipient address rejected: User\n"
            "    unknown in local recipient table (in reply to RCPT TO command)\n",
            f"Final-Recipient: rfc822; {ANA}\nOriginal-Recipient: rfc822;{ANA}\nAction: failed\nStatus: 5.1.1\n"
            "Remote-MTA: dns; mail.recipient.test\nDiagnostic-Code: smtp; 550 5.1.1 <ana@recipient.test>: Recipient address\n"
            "    rejected: User unknown in local recipient table",
            headers="Auto-Submitted: auto-replied\n",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
        550,
        "5.1.1",
    ),
    Dialect(
        "Postfix, host that is not there",
        dsn(
            f"<{ANA}>: Host or domain name not found. Name service error for\n    name=recipient.test type=A: Host not found\n",
            f"Final-Recipient: rfc822; {ANA}\nAction: failed\nStatus: 5.4.4\nDiagnostic-Code: X-Postfix; Host or domain name\n"
            "    not found. Name service error for name=recipient.test type=A: Host not found",
        ),
        ((ANA, HARD, Reason.HOST_UNKNOWN),),
        0,
        "5.4.4",
    ),
    Dialect(
        "Postfix, several recipients",
        dsn(
            f"<{ANA}>: host mx said: 550 5.1.1 unknown\n\n<{BOB}>: host mx said: 552 5.2.2 full\n",
            [
                f"Final-Recipient: rfc822; {ANA}\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 <{ANA}> User unknown",
                f"Final-Recipient: rfc822; {BOB}\nAction: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; 552 5.2.2 <{BOB}> Mailbox full",
            ],
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN), (BOB, SOFT, Reason.MAILBOX_FULL)),
        550,
        "5.1.1",
    ),
    Dialect(
        "Postfix, a warning of delay",
        dsn(
            "THIS IS A WARNING ONLY.  YOU DO NOT NEED TO RESEND YOUR MESSAGE.\n\nYour message could not be delivered for more than 4 hour(s).\n"
            f"It will be retried until it is 5 day(s) old.\n\n<{ANA}>: connect to mail.recipient.test[192.0.2.7]:25: Connection timed out\n",
            f"Final-Recipient: rfc822; {ANA}\nAction: delayed\nStatus: 4.4.1\nDiagnostic-Code: X-Postfix; connect to\n"
            "    mail.recipient.test[192.0.2.7]:25: Connection timed out\nWill-Retry-Until: Sat, 7 Nov 2026 09:00:00 +0100",
            subject="Delayed Mail (still being retried)",
        ),
        ((ANA, SOFT, Reason.EXPIRED),),
        0,
        "4.4.1",
    ),
    Dialect(
        "Postfix, delivered",
        dsn(
            "This is the mail system. Your message was successfully delivered to the destination(s) listed below.\n"
            f"\n<{ANA}>: delivery via mail.recipient.test[192.0.2.7]:25: 250 2.0.0 Ok: queued as 4X\n",
            f"Final-Recipient: rfc822; {ANA}\nAction: delivered\nStatus: 2.0.0\nDiagnostic-Code: smtp; 250 2.0.0 Ok: queued as 4X",
            subject="Successful Mail Delivery Report",
        ),
        ((ANA, UNKNOWN, Reason.DELIVERED),),
        0,
        "2.0.0",
    ),
    Dialect(
        "Sendmail",
        dsn(
            "The original message was received at Mon, 2 Nov 2026 09:00:00 +0100\nfrom app.sender.test [192.0.2.9]\n\n"
            f"   ----- The following addresses had permanent fatal errors -----\n<{ANA}>\n    (reason: 550 5.2.1 <{ANA}>... Mailbox disabled)\n\n"
            f"   ----- Transcript of session follows -----\n... while talking to mail.recipient.test.:\n>>> DATA\n<<< 550 5.2.1 <{ANA}>... Mailbox disabled\n",
            f"Final-Recipient: RFC822; {ANA}\nAction: failed\nStatus: 5.2.1\nRemote-MTA: DNS; mail.recipient.test\n"
            f"Diagnostic-Code: SMTP; 550 5.2.1 <{ANA}>... Mailbox disabled\nLast-Attempt-Date: Mon, 2 Nov 2026 09:05:00 +0100",
            subject="Returned mail: see transcript for details",
            sender="Mail Delivery Subsystem <MAILER-DAEMON@relay.test>",
        ),
        ((ANA, HARD, Reason.SUSPENDED),),
        550,
        "5.2.1",
    ),
    Dialect(
        "Exim with a status part",
        dsn(
            "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\n"
            f"recipients. This is a permanent error. The following address(es) failed:\n\n  {ANA}\n    host mail.recipient.test [192.0.2.7]\n"
            "    SMTP error from remote mail server after RCPT TO:<ana@recipient.test>:\n    550 No such user here\n",
            f"Action: failed\nFinal-Recipient: rfc822;{ANA}\nStatus: 5.0.0\nRemote-MTA: dns; mail.recipient.test\nDiagnostic-Code: smtp; 550 No such user here",
            subject="Mail delivery failed: returning message to sender",
            headers=f"X-Failed-Recipients: {ANA}\nAuto-Submitted: auto-replied\n",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
        550,
        "5.0.0",
    ),
    Dialect(
        "Gmail",
        dsn(
            f"\n** Address not found **\n\nYour message wasn't delivered to {ANA} because the address couldn't be found, or is unable to receive mail.\n\n"
            "The response was:\n\nThe email account that you tried to reach does not exist.\n",
            f"Final-Recipient: rfc822; {ANA}\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550-5.1.1 The email account that you tried to reach does not exist. Please try\n"
            " 550-5.1.1 double-checking the recipient's email address for typos or\n 550 5.1.1  unnecessary spaces.",
            reporting="Reporting-MTA: dns; googlemail.com\nArrival-Date: Mon, 02 Nov 2026 01:05:00 -0800 (PST)",
            subject="Delivery Status Notification (Failure)",
            sender="Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
            headers=f"X-Failed-Recipients: {ANA}\n",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
        550,
        "5.1.1",
    ),
    Dialect(
        "Microsoft 365",
        multipart(
            (
                "text/html; charset=utf-8",
                "<html><style>p{color:red}</style><p><b>Your message to ana@recipient.test couldn&#39;t be delivered.</b></p>"
                "<p>ana wasn&#39;t found at recipient.test.</p><p>550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup</p></html>",
            ),
            (
                "message/delivery-status",
                f"Reporting-MTA: dns;AM0PR01.eurprd01.prod.outlook.com\nReceived-From-MTA: dns;mx.relay.test\n\nFinal-Recipient: rfc822;{ANA}\nAction: failed\nStatus: 5.1.10\n"
                "Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient ana@recipient.test not found by SMTP address lookup",
            ),
            ("message/rfc822", original()),
            subject="Undeliverable: Nos offres de novembre",
            sender="Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@recipient.test>",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
        550,
        "5.1.10",
    ),
    Dialect(
        "Exchange 2010, recipient behind a directory that is asked first",
        dsn(
            "Delivery has failed to these recipients or groups:\n",
            f"Final-Recipient: rfc822;{ANA}\nAction: failed\nStatus: 5.4.1\nDiagnostic-Code: smtp;550 5.4.1 Recipient address rejected: Access denied. AS(201806281) [DB5EUR01.eop-EUR01.prod.protection.outlook.com]",
            subject="Undeliverable: Nos offres",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
        550,
        "5.4.1",
    ),
    Dialect(
        "Exchange, only members may write",
        dsn(
            "Your message can't be delivered because delivery to this address is restricted.\n",
            f"Final-Recipient: rfc822;{ANA}\nAction: failed\nStatus: 5.7.1\nDiagnostic-Code: smtp;550 5.7.1 RESOLVER.RST.NotAuthorized; not authorized",
            subject="Non remis : Nos offres",
        ),
        ((ANA, BLOCK, Reason.REJECTED),),
        550,
        "5.7.1",
    ),
    Dialect(
        "Sun and Oracle Messaging Server: codes before the recipient",
        dsn(
            f"This report relates to a message you sent with the following header fields:\n\n  To: {ANA}\n\nYour message cannot be delivered to the following recipients:\n\n"
            f"  Recipient address: a12@ims-ms-daemon\n  Original address: {ANA}\n  Reason: Over quota\n",
            f"Action: failed\nStatus: 5.2.2 (Over quota)\nOriginal-recipient: rfc822;{ANA}\nFinal-recipient: rfc822;a12@ims-ms-daemon",
            subject="Delivery Notification: Delivery has failed",
            sender="Internet Mail Delivery <postmaster@relay.test>",
        ),
        ((ANA, SOFT, Reason.MAILBOX_FULL),),
        0,
        "5.2.2",
    ),
    Dialect(
        "Courier",
        dsn(
            f"                UNDELIVERABLE MAIL\n\nYour message to the following recipients cannot be delivered:\n\n<{ANA}>:\n    mail.recipient.test [192.0.2.7]:\n>>> RCPT TO:<{ANA}>\n<<< 550 User unknown.\n",
            f"Final-Recipient: rfc822; {ANA}\nAction: failed\nStatus: 5.0.0\nRemote-MTA: dns; mail.recipient.test [192.0.2.7]\nDiagnostic-Code: smtp; 550 User unknown.",
            subject="NOTICE: mail delivery status.",
            sender='"Courier mail server at relay.test" <@>',
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
        550,
        "5.0.0",
    ),
    Dialect(
        "amavis",
        dsn(
            f"The message WAS NOT relayed to:\n  <{ANA}>:\n   554 5.7.0 Reject, id=02022-02 - INFECTED: Eicar-Test-Signature\n",
            f"Final-Recipient: rfc822;{ANA}\nAction: failed\nStatus: 5.7.0\nDiagnostic-Code: smtp; 554 5.7.0 Reject, id=02022-02 - INFECTED: Eicar-Test-Signature",
            sender='"Content-filter at mx.relay.test" <postmaster@mx.relay.test>',
            subject="VIRUS IN MAIL FROM YOU",
        ),
        ((ANA, BLOCK, Reason.VIRUS),),
        554,
        "5.7.0",
    ),
    Dialect(
        "Barracuda",
        dsn(
            f"Your message to: {ANA}\nwas blocked by our Spam Firewall. The email you sent with the following subject has NOT BEEN DELIVERED:\n\nSubject: Nos offres\n",
            f"Final-Recipient: rfc822; {ANA}\nAction: failed\nStatus: 5.7.1\nDiagnostic-Code: smtp; 550 5.7.1 Message content rejected, UBE, id=00000-22-225",
            subject="**Message you sent blocked by our bulk email filter**",
            sender="MAILER-DAEMON <>",
        ),
        ((ANA, BLOCK, Reason.SPAM),),
        550,
        "5.7.1",
    ),
    Dialect(
        "SendGrid",
        dsn(
            "This is an automatically generated message from SendGrid.\n\nI'm sorry to have to tell you that your message was not able to be delivered to one of its intended recipients.\n",
            f"Final-recipient: rfc822; {ANA}\nOriginal-recipient: rfc822; {ANA}\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: 550 5.1.1 The email account that you tried to reach does not exist. {ANA}\n",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
        550,
        "5.1.1",
    ),
    Dialect(
        "Amazon SES",
        dsn(
            f"An error occurred while trying to deliver the mail to the following recipients:\n{ANA}\n",
            f"Final-Recipient: rfc822; {ANA}\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 user unknown\nRemote-MTA: dns; mail.recipient.test",
            reporting="Reporting-MTA: dns; a8-50.smtp-out.amazonses.com",
            sender="MAILER-DAEMON@amazonses.com",
            subject="Delivery Status Notification (Failure)",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
        550,
        "5.1.1",
    ),
    Dialect(
        "PowerMTA",
        dsn(
            f"Hello, this is the mail server on relay.test.\n\nI am sending you this message to inform you on the delivery status of a\nmessage you previously sent.\n\n  <{ANA}>; Mon, 2 Nov 2026 (failed; quota-issues)\n",
            f"Original-Recipient: rfc822;{ANA}\nFinal-Recipient: rfc822;{ANA}\nAction: failed\nStatus: 5.0.0 (undefined status)\nRemote-MTA: dns;mail.recipient.test (192.0.2.7)\n"
            "Diagnostic-Code: smtp;554 sorry\nX-PowerMTA-BounceCategory: quota-issues",
            subject="Delivery report",
            sender="postmaster@relay.test",
        ),
        ((ANA, SOFT, Reason.MAILBOX_FULL),),
        554,
        "5.0.0",
    ),
    Dialect(
        "Facebook",
        dsn(
            "This message was created automatically by Facebook.\n\nBased on the email preferences of the person you're trying to email, this message could not be delivered.\n",
            f"Diagnostic-Code: smtp; 550 5.1.1 RCP-P2 http://postmaster.facebook.test/response_codes?ip=192.0.2.9#rcp Refused due to recipient preferences\nStatus: 5.1.1\nFinal-Recipient: rfc822; {ANA}\nAction: failed",
            sender="Facebook <mailer-daemon@mx.facebook.com>",
            subject="Sorry, your message could not be delivered",
        ),
        ((ANA, BLOCK, Reason.FILTERED),),
        550,
        "5.1.1",
    ),
    Dialect(
        "Orange, by code",
        dsn(
            "Votre message n'a pu être remis.\n",
            f"Final-Recipient: rfc822; {ANA}\nAction: failed\nStatus: 5.2.0\nRemote-MTA: dns; smtp-in.orange.fr\nDiagnostic-Code: smtp; 550 5.2.0 Mail rejete. Mail rejected. OFR_506 [506]",
        ),
        ((ANA, BLOCK, Reason.SPAM),),
        550,
        "5.2.0",
    ),
    Dialect(
        "La Poste, by code",
        dsn(
            "Le message n'a pas pu être distribué.\n",
            f"Final-Recipient: rfc822; {ANA}\nAction: failed\nStatus: 5.5.0\nRemote-MTA: dns; smtpz4.laposte.net\nDiagnostic-Code: smtp; 550 5.5.0 Boite du destinataire archivee. Archived recipient. LPN007_420 (in reply to RCPT TO command)",
        ),
        ((ANA, HARD, Reason.SUSPENDED),),
        550,
        "5.5.0",
    ),
    Dialect(
        "International addresses (RFC 6533)",
        multipart(
            ("text/plain; charset=utf-8", "Could not deliver.\n"),
            (
                "message/global-delivery-status",
                "Reporting-MTA: dns; mx.relay.test\n\nFinal-Recipient: utf-8; \\x{E9}l\\x{E8}ne@recipient.test\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 user unknown",
            ),
            ("message/global", original("élène@recipient.test")),
        ),
        (("élène@recipient.test", HARD, Reason.USER_UNKNOWN),),
        550,
        "5.1.1",
    ),
    Dialect(
        "a status part of a wrong type",
        multipart(
            ("text/plain", "Delivery failed."),
            (
                "text/plain; name=details.txt",
                f"Reporting-MTA: dns; mx.relay.test\n\nFinal-Recipient: rfc822; {ANA}\nAction: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; 552 5.2.2 over quota\n",
            ),
            kind="multipart/mixed",
        ),
        ((ANA, SOFT, Reason.MAILBOX_FULL),),
        552,
        "5.2.2",
    ),
    Dialect(
        "a status part without fields for the recipient",
        multipart(
            (
                "text/plain",
                f"A message could not be delivered to:\n{ANA}\n\nL'adresse de messagerie ci-dessus n'existe pas.\n",
            ),
            ("message/delivery-status", "Reporting-MTA: dns; mimesweeper.relay.test\n"),
            subject="Utilisateur non recensé dans l'annuaire",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
    ),
    Dialect(
        "a report passed on as an attachment",
        multipart(
            ("text/plain", "Portions of this message may be unreadable.\n"),
            (
                "message/rfc822",
                dsn("failed\n", f"Final-Recipient: rfc822; {ANA}\nAction: failed\nStatus: 5.1.1")
                .decode()
                .replace("=_bound.1", "=_inner"),
            ),
            kind="multipart/mixed",
            subject="Fwd: Delivery Status Notification (Failure)",
            sender="gateway@relay.test",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
        0,
        "5.1.1",
    ),
    Dialect(
        "Sendmail, refused after the content",
        dsn(
            f"   ----- The following addresses had permanent fatal errors -----\n<{ANA}>\n    (reason: 550 Unknown user {ANA})\n\n"
            f"   ----- Transcript of session follows -----\n... while talking to mx.recipient.test.:\n>>> DATA\n<<< 550 Unknown user {ANA}\n554 5.0.0 Service unavailable\n",
            f"Final-Recipient: RFC822; {ANA}\nAction: failed\nStatus: 5.2.0\nDiagnostic-Code: SMTP; 550 Unknown user {ANA}",
        ),
        ((ANA, BLOCK, Reason.FILTERED),),
        550,
        "5.2.0",
    ),
    Dialect(
        "Postfix, a sender that is not known",
        dsn(
            f"<{ANA}>: host mx.recipient.test[192.0.2.7] said: 550 Unknown user (in reply to MAIL FROM command)\n",
            f"Final-Recipient: rfc822; {ANA}\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 Unknown user",
        ),
        ((ANA, BLOCK, Reason.REJECTED),),
        550,
        "5.0.0",
    ),
]

WORDS = [
    Dialect(
        "qmail",
        mail(
            ends(
                "Hi. This is the qmail-send program at relay.test.\nI'm afraid I wasn't able to deliver your message to the following addresses.\n"
                f"This is a permanent error; I've given up. Sorry it didn't work out.\n\n<{ANA}>:\n192.0.2.7 does not like recipient.\nRemote host said: 550 sorry, no mailbox here by that name (#5.1.1)\nGiving up on 192.0.2.7.\n",
                "--- Below this line is a copy of the message.",
            ),
            subject="failure notice",
            sender="MAILER-DAEMON@relay.test",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
        550,
        "5.1.1",
    ),
    Dialect(
        "qmail, host that is not there",
        mail(
            ends(
                f"Hi. This is the qmail-send program at relay.test.\nI'm afraid I wasn't able to deliver your message to the following addresses.\n\n<{ANA}>:\nSorry, I couldn't find any host named recipient.test. (#5.1.2)\n",
                "--- Below this line is a copy of the message.",
            ),
            subject="failure notice",
        ),
        ((ANA, HARD, Reason.HOST_UNKNOWN),),
        0,
        "5.1.2",
    ),
    Dialect(
        "qmail, gave up",
        mail(
            ends(
                f"Hi. This is the qmail-send program at relay.test.\n\n<{ANA}>:\nSorry, I wasn't able to establish an SMTP connection. (#4.4.1)\nI'm not going to try again; this message has been in the queue too long.\n",
                "--- Below this line is a copy of the message.",
            ),
            subject="failure notice",
        ),
        ((ANA, SOFT, Reason.EXPIRED),),
        0,
        "4.4.1",
    ),
    Dialect(
        "Exim in words",
        mail(
            ends(
                "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n"
                f"  {ANA}\n    SMTP error from remote mail server after RCPT TO:<{ANA}>:\n    host mail.recipient.test [192.0.2.7]: 552 5.2.2 Mailbox full\n",
                "------ This is a copy of the message, including all the headers. ------",
            ),
            subject="Mail delivery failed: returning message to sender",
        ),
        ((ANA, SOFT, Reason.MAILBOX_FULL),),
        552,
        "5.2.2",
    ),
    Dialect(
        "Exim, an alias that is not disclosed",
        mail(
            ends(
                f"This message was created automatically by mail delivery software.\n\nThe following address(es) failed:\n\n  an undisclosed address\n    (generated from {ANA})\n    Unrouteable address\n",
                "------ This is a copy of the message, including all the headers. ------",
            ),
            subject="Mail delivery failed: returning message to sender",
        ),
        ((ANA, HARD, Reason.HOST_UNKNOWN),),
    ),
    Dialect(
        "Exim, delayed",
        mail(
            "This message was created automatically by mail delivery software.\nA message that you sent has not yet been delivered to one or more of its\nrecipients after more than 24 hours on the queue on relay.test.\n\n"
            f"The address to which the message has not yet been delivered is:\n\n  {ANA}\n    Delay reason: connection timed out\n\nNo action is required on your part. Delivery attempts will continue for\nsome time.\n",
            subject="Warning: message 1abcDE-000123-4F delayed 24 hours",
        ),
        ((ANA, SOFT, Reason.EXPIRED),),
    ),
    Dialect(
        "1&1, GMX and web.de",
        mail(
            ends(
                f"This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of\nits recipients. This is a permanent error.\n\nThe following address failed:\n\n{ANA}\n\nFor the following reason:\n\nMail size limit exceeded.\n",
                "--- The header of the original message is following. ---",
            ),
            subject="Mail delivery failed: returning message to sender",
            sender='"Mail Delivery System" <mailer-daemon@kundenserver.test>',
        ),
        ((ANA, BLOCK, Reason.TOO_LARGE),),
    ),
    Dialect(
        "GMX",
        mail(
            ends(
                f"This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to\none or more of its recipients. The following addresses\nfailed:\n\n<{ANA}>\nSMTP error from remote server after RCPT command:\nhost: mail.recipient.test\n5.1.1 <{ANA}>... User Unknown\n",
                "--- The header of the original message is following. ---",
            ),
            subject="Mail delivery failed: returning message to sender",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
        0,
        "5.1.1",
    ),
    Dialect(
        "T-Online",
        mail(
            ends(
                f"|------------------------- Message log follows: -------------------------|\n no valid recipients were found for this message\n|------------------------- Failed addresses follow: ---------------------|\n <{ANA}> ... unknown user\n",
                "|------------------------- Message header follows: ----------------------|",
            ),
            subject="Mail delivery failed, returning to sender",
            sender="MAILER-DAEMON@t-online.test",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
    ),
    Dialect(
        "old Google",
        mail(
            ends(
                f"Delivery to the following recipient failed permanently:\n\n     {ANA}\n\nTechnical details of permanent failure:\nGoogle tried to deliver your message, but it was rejected by the recipient domain. The error that the other server returned was: 550 550 Unknown user {ANA} (state 14).\n",
                "   ----- Original message -----",
            ),
            subject="Delivery Status Notification (Failure)",
            sender="Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
        550,
    ),
    Dialect(
        "Google Groups",
        mail(
            ends(
                "Hello news@sender.test,\n\nWe're writing to let you know that the group you tried to contact (club) may not exist, or you may not have permission to post messages to the group.\n",
                "----- Original message -----",
            ),
            subject="Delivery Status Notification (Failure)",
            sender="Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
            headers="X-Failed-Recipients: club@googlegroups.test\n",
        ),
        (("club@googlegroups.test", BLOCK, Reason.REJECTED),),
    ),
    Dialect(
        "Yahoo",
        mail(
            ends(
                f"Sorry, we were unable to deliver your message to the following address.\n\n<{ANA}>:\nRemote host said:\n550 5.1.1 <{ANA}>... User Unknown\n [RCPT_TO]\n",
                "--- Below this line is a copy of the message.",
            ),
            subject="Failure Notice",
            sender="mailer-daemon@yahoo.test",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
        550,
        "5.1.1",
    ),
    Dialect(
        "old Yahoo, several",
        mail(
            ends(
                f"Message from yahoo.test.\nUnable to deliver message to the following address(es).\n\n<{ANA}>:\nThis user doesn't have a yahoo.test account ({ANA}) [0]\n\n<{BOB}>:\nSorry, your message to {BOB} cannot be delivered.  This account is over quota.\n",
                "--- Original message follows.",
            ),
            subject="Delivery failure",
            sender="MAILER-DAEMON@yahoo.test",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN), (BOB, SOFT, Reason.MAILBOX_FULL)),
    ),
    Dialect(
        "AOL, McAfee",
        mail(
            ends(
                f"    --- The following addresses had delivery problems ---\n\n<{ANA}>   (User not exist)\n",
                "    --- Original message ---",
            ),
            subject="Delivery Status",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
    ),
    Dialect(
        "Exchange 5.5 and 2000",
        mail(
            f"Your message\n\n  To:      {ANA}\n  Subject: Nos offres\n  Sent:    Mon, 2 Nov 2026 09:00:00 +0100\n\ndid not reach the following recipient(s):\n\nana@recipient.test on Mon, 2 Nov 2026 09:05:00 +0100\n    The recipient name is not recognized\n\tThe MTS-ID of the original message is: c=fr;a= ;p=relay;l=EX01\n    MSEXCH:IMS:Relay:Site:EX01 0 (000C05A6) Unknown Recipient\n",
            subject="Undeliverable: Nos offres",
            sender="System Administrator <postmaster@relay.test>",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
    ),
    Dialect(
        "Exchange with X.400 addresses",
        mail(
            "Your message\n\n  To:      Ana\n\ndid not reach the following recipient(s):\n\nc=FR;a= ;p=Relay;o=Site;dda:SMTP=ana@recipient.test; on Mon, 2 Nov\n2026 09:05:00 +0100\n    The recipient name is not recognized\n    MSEXCH:IMS:Relay:Site:EX01 0 (000C05A6) Unknown Recipient\n",
            subject="Undeliverable: Nos offres",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
    ),
    Dialect(
        "Exchange 2007 in French",
        mail(
            "Échec de la remise pour ces destinataires ou listes de distribution :\n\nAna<mailto:ana@recipient.test>\nL'adresse de messagerie du destinataire est introuvable dans le système de messagerie du destinataire.\n\nInformations de diagnostic pour les administrateurs :\n\nServeur de génération : ex.recipient.test\n\nana@recipient.test\n#550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##\n\nEn-têtes de message d'origine :\n\nReceived: from mx.relay.test\n",
            subject="=?utf-8?Q?Non_remis_=3A_Nos_offres?=",
            sender="<postmaster@recipient.test>",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
        550,
        "5.1.1",
    ),
    Dialect(
        "Domino",
        mail(
            f"Your message\n\n  Subject: Nos offres\n\nwas not delivered to:\n\n  {ANA}\n\nbecause:\n\n  User ana ({ANA}) not listed in Domino Directory\n",
            subject=f"DELIVERY FAILURE: User ana ({ANA}) not listed in Domino Directory",
            sender="Postmaster@recipient.test",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
    ),
    Dialect(
        "Domino in French",
        mail(
            f"Votre message\n\n  Sujet : Nos offres\n\nn'a pas été remis à :\n\n  {ANA}\n\ncar :\n\n  L'utilisateur ana ({ANA}) non répertorié dans l'annuaire Domino\n",
            subject="DELIVERY FAILURE: Utilisateur non répertorié",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
    ),
    Dialect(
        "Notes",
        mail(
            ends(
                f"------- Failure Reasons  --------\n\nUser not listed in public Name & Address Book\n{ANA}\n",
                "------- Returned Message --------",
            ),
            subject="Undeliverable message",
            sender="postmaster@relay.test",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
    ),
    Dialect(
        "IMail",
        mail(
            ends(f"Unknown user: {ANA}\n", "Original message follows."),
            subject="Undeliverable Mail",
            sender="Postmaster <postmaster@relay.test>",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
    ),
    Dialect(
        "IMail, full",
        mail(
            ends(f"User mailbox exceeds allowed size: {ANA}\n", "Original message follows."),
            subject="Undeliverable Mail",
        ),
        ((ANA, SOFT, Reason.MAILBOX_FULL),),
    ),
    Dialect(
        "IMail, gave up",
        mail(
            ends(f"Delivery failed 20 attempts: {ANA}\n", "Original message follows."),
            subject="Undeliverable Mail",
        ),
        ((ANA, SOFT, Reason.EXPIRED),),
    ),
    Dialect(
        "MailMarshal",
        mail(
            f"Your message:\n   From:    news@sender.test\n   Subject: Nos offres\n\nCould not be delivered because of\n\n550 5.1.1 User unknown\n\nThe following recipients were affected:\n    {ANA}\n\nAdditional Information\n======================\nOriginal Sender:    <news@sender.test>\n",
            subject='Undeliverable Mail: "Nos offres"',
            sender="MailMarshal <postmaster@relay.test>",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
        550,
        "5.1.1",
    ),
    Dialect(
        "InterScan",
        multipart(
            (
                "text/plain",
                f"****** Message from InterScan Messaging Security Suite ******\n\nSent <<< RCPT TO:<{ANA}>\nReceived >>> 550 5.1.1 <{ANA}>... user unknown\n\nUnable to deliver message to <{ANA}>.\n\n************************     End of message     **********************\n",
            ),
            ("message/rfc822", original()),
            kind="multipart/mixed",
            subject="Mail could not be delivered",
            sender='"InterScan MSS" <imss@relay.test>',
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
        550,
        "5.1.1",
    ),
    Dialect(
        "OpenSMTPD",
        mail(
            ends(
                f"    Hi!\n\n    This is the MAILER-DAEMON, please DO NOT REPLY to this e-mail.\n\n    An error has occurred while attempting to deliver a message for\n    the following list of recipients:\n\n{ANA}: 550 5.2.1 The email account that you tried to reach is disabled.\n",
                "    Below is a copy of the original message:",
            ),
            subject="Delivery status notification: error",
            sender="Mailer Daemon <MAILER-DAEMON@relay.test>",
        ),
        ((ANA, HARD, Reason.SUSPENDED),),
        550,
        "5.2.1",
    ),
    Dialect(
        "DragonFly",
        mail(
            ends(
                f"This is the DragonFly Mail Agent v0.13 at relay.test.\n\nThere was an error delivering your mail to <{ANA}>.\n\nmail.recipient.test [192.0.2.7] did not like our RCPT TO:\n550 5.1.1 <{ANA}>: Recipient address rejected: User unknown\n",
                "Original message follows.",
            ),
            subject="Mail delivery failed",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
        550,
        "5.1.1",
    ),
    Dialect(
        "MXLogic",
        mail(
            ends(
                f"This message was created automatically by mail delivery software.\n\nA message that you have sent could not be delivered to one or more\nrecipients.  This is a permanent error.  The following address failed:\n\n  <{ANA}>: 550 5.1.1 <{ANA}>: Recipient address rejected: User unknown\n",
                "Included is a copy of the message header:",
            ),
            subject="Mail delivery failed",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
        550,
        "5.1.1",
    ),
    Dialect(
        "MailFoundry",
        mail(
            f"Unable to deliver message to: <{ANA}>\nDelivery failed for the following reason:\nServer mail.recipient.test[192.0.2.7] failed with: 550 <{ANA}> No such user here\n\nThis has been a permanent failure.  No further delivery attempts will be made.\n",
            subject="Message delivery has failed",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
        550,
    ),
    Dialect(
        "James",
        mail(
            ends(
                f"Hi. This is the James mail server at relay.test.\nI'm afraid I wasn't able to deliver your message to the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\nFailed recipient(s):\n{ANA}\n\nError message:\n550 5.1.1 user unknown\n",
                "The original message is attached.",
            ),
            subject="[BOUNCE]",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
        550,
        "5.1.1",
    ),
    Dialect(
        "Zoho",
        mail(
            f"This message was created automatically by mail delivery software.\nA message that you sent could not be delivered to one or more of its recipients. This is a permanent error. \n\n{ANA} Invalid Address, ERROR_CODE :550, ERROR_CODE :5.1.1 <{ANA}>... User Unknown\n\n\nReceived:from mail.zoho.test\n",
            sender="mailer-daemon@mail.zoho.test",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
        550,
        "5.1.1",
    ),
    Dialect(
        "mail.ru",
        mail(
            ends(
                f"This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n  {ANA}\n    user not found\n",
                "------ This is a copy of the message, including all the headers. ------",
            ),
            subject="Mail failure",
            sender="mailer-daemon@corp.mail.test",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
    ),
    Dialect(
        "Yandex, 5.7.1 for an address that is not there",
        mail(
            f"This is the mail system at host yandex.test.\n\nI'm sorry to have to inform you that your message could not\nbe delivered to one or more recipients. It's attached below.\n\n<{ANA}>: host mx.yandex.test[192.0.2.7] said: 550 5.7.1 No such user!\n    1510000000-q1w2 (in reply to RCPT TO command)\n",
            sender="mailer-daemon@yandex.test",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
        550,
        "5.7.1",
    ),
    Dialect(
        "au and ezweb",
        mail(
            f"Each of the following recipients was rejected by a remote mail server.\n\n    Recipient: <{ANA}>\n    >>> RCPT TO:<{ANA}>\n    <<< 550 <{ANA}>: User unknown\n",
            subject="Mail System Error - Returned Mail",
            sender="<Postmaster@au.test>",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
        550,
    ),
    Dialect(
        "KDDI, full",
        mail(
            f"Your mail sent on: Mon, 2 Nov 2026 09:00:00\n    Could not be delivered to: <{ANA}>\n    As their mailbox is full.\n",
            subject="Mail delivery failed",
            sender="no-reply@app.dion.test",
        ),
        ((ANA, SOFT, Reason.MAILBOX_FULL),),
    ),
    Dialect(
        "Biglobe",
        mail(
            ends(
                f"   ----- The following addresses had delivery problems -----\n{ANA}\n\n   ----- Non-delivered information -----\nThe number of messages in recipient's mailbox exceeded the local limit.\n",
                "   ----- Original message -----",
            ),
            subject="Returned mail: Mailbox full",
            sender="postmaster@biglobe.test",
        ),
        ((ANA, SOFT, Reason.MAILBOX_FULL),),
    ),
    Dialect(
        "SurfControl",
        mail(
            f"Your message could not be sent.\nA transcript of the attempts to send the message follows.\nThe number of attempts made: 1\nAddressed To: {ANA}\n\nMon 2 Nov 2026 09:05:00 +0100\nFailed to send to identified host,\n{ANA}: [192.0.2.7], 550 {ANA}... No such user\n--- Message non-deliverable.\n",
            subject="Nos offres de novembre",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
        550,
    ),
    Dialect(
        "old Sendmail",
        mail(
            ends(
                f"   ----- Transcript of session follows -----\nWhile talking to mail.recipient.test:\n>>> RCPT To:<{ANA}>\n<<< 550 <{ANA}>... User unknown\n550 <{ANA}>... User unknown\n",
                "   ----- Unsent message follows -----",
            ),
            subject="Returned mail: User unknown",
            sender="Mail Delivery Subsystem <MAILER-DAEMON@relay.test>",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
        550,
    ),
    Dialect(
        "MFILTER",
        mail(
            f"{ANA}\n\n-------server message\nuser unknown <{ANA}>\n\n-------SMTP command\nRCPT TO:<{ANA}>\n\n-------original message\nFrom: news@sender.test\n",
            subject="failure notice",
            sender="postmaster@relay.test",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
    ),
    Dialect(
        "Active!hunter",
        mail(
            f"The original message was received at Mon, 2 Nov 2026 09:00:00 +0100\nfrom sender.test\n\n  ----- The following addresses had permanent fatal errors -----\n\n>>> {ANA} <{ANA}>\n\n  ----- Transcript of session follows -----\n550 sorry, no mailbox here by that name (#5.1.1 - chkusr)\n",
            subject="FAILURE NOTICE : Nos offres",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
        550,
        "5.1.1",
    ),
    Dialect(
        "Verizon",
        mail(
            f"Error:\n550 - Requested action not taken: no such user here\n\n  RCPT TO: {ANA}\n  MAIL FROM: {'news@sender.test'}\n  Subject: Nos offres\n",
            subject="Undeliverable Message",
            sender="post_master@vtext.test",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
        550,
    ),
    Dialect(
        "GroupWise",
        mail(
            f"The message that you sent was undeliverable to the following:\n\n{ANA} (user not found)\n",
            subject="Message status - undeliverable",
            sender="Mailer-Daemon@relay.test",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
    ),
    Dialect(
        "Kerio",
        mail(
            f"Your message was not delivered to following recipients:\n\n{ANA}: 550 5.1.1 Account unknown\n",
            subject="Message Undeliverable",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
        550,
        "5.1.1",
    ),
    Dialect(
        "FirstClass",
        mail(
            f"Message not delivered to <{ANA}>\n\nReason: The mailbox is full.\n",
            subject="NDN: Nos offres",
            sender="Post Office <postoffice@relay.test>",
        ),
        ((ANA, SOFT, Reason.MAILBOX_FULL),),
    ),
    Dialect(
        "an old gateway with brackets",
        mail(
            f"The original message was received at Mon, 2 Nov 2026 09:00:00 +0100\nfrom [192.0.2.9]\n\n---The following addresses had delivery errors---\n\n{ANA} [User unknown]\n\nReceived: from 192.0.2.9\n",
            subject="Returned Mail: User unknown",
            sender='"Mail Deliver System" <MAILER-DAEMON@relay.test>',
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
    ),
    Dialect(
        "an old gateway with bullets",
        mail(
            f"============================================================================\n      This is an automatically generated Delivery Status Notification.      \n\nDelivery to the following recipients failed permanently:\n\n  * {ANA}\n\n============================================================================\n                             Technical details:                             \n\nSMTP:RCPT host 192.0.2.7: 553 5.3.0 <{ANA}>... No such user here\n",
            subject="Delivery status notification",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
        553,
        "5.3.0",
    ),
    Dialect(
        "a cloud gateway in one sentence",
        mail(
            f"We had trouble delivering your message. Full details follow:\n\nSubject: 'Nos offres'\n\n1 error(s):\n\nThe following recipients returned permanent errors: {ANA}. Reason: SMTP Server <192.0.2.7> refused to accept your message (DATA), with the following error message: [554 5.4.6 Hop count exceeded - possible mail loop]\n",
            subject="There was an error sending your mail",
            sender="mailer-daemon",
        ),
        ((ANA, SOFT, Reason.NETWORK),),
        554,
        "5.4.6",
    ),
    Dialect(
        "a Spanish qmail",
        mail(
            f"(relay.test)\nSu mensaje no pudo ser entregado - Sua mensagem nao pode ser enviada - Your message could not be delivered.\n\n<{ANA}>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n--- Mensaje original adjunto.\n",
            subject="failure notice",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
        0,
        "5.1.1",
    ),
    Dialect(
        "a French gateway",
        mail(
            f"Votre message n'a pas pu être remis à :\n\n{ANA}\n\nMotif : boîte aux lettres pleine\n",
            subject="Nos offres : non remis",
            sender="postmaster@recipient.test",
        ),
        ((ANA, SOFT, Reason.MAILBOX_FULL),),
    ),
    Dialect(
        "a German gateway",
        mail(
            f"Ihre Nachricht konnte nicht zugestellt werden an:\n\n{ANA}\n\nGrund: Empfänger unbekannt\n",
            subject="Unzustellbar: Nos offres",
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN),),
    ),
    Dialect(
        "LSMTP",
        mail(
            f'An error was detected while processing the enclosed message. This list is in a special format that allows software to take action on incorrect addresses.\n\n--> Error description:\nError-for:  {ANA}\nError-Code: 0\nError-Text: Mailer mail.recipient.test said:\n            "554 Message looping (received 6 times)"\n\nError-End:  One error reported.\n',
            subject="Undelivered mail",
            sender='"LSMTP for Windows NT v1.1b" <postmaster@relay.test>',
        ),
        ((ANA, SOFT, Reason.NETWORK),),
        554,
    ),
    Dialect(
        "Vade, with brackets around the address",
        mail(
            f'Delivery has failed to these recipients or distribution lists:\n\nServer "192.0.2.7:25" returned an error:\n\n\t* [{ANA}]: 550 {ANA}...User account is overquota\n\nOriginal message details:\n\n\t* From: news@sender.test\n',
            subject="Undeliverable: Nos offres",
        ),
        ((ANA, SOFT, Reason.MAILBOX_FULL),),
        550,
    ),
    Dialect(
        "a warning that names when it will give up",
        mail(
            f"The message has not yet been delivered to the following addresses:\n\n  <{ANA}>\n\nhost mx.recipient.test:\nconnection to mail exchanger failed\n\nNo action is required on your part. Eventually the mail software will give up,\nand when that happens, the message will be returned to you.\n",
            subject="Warning: message delayed 48 hours",
        ),
        ((ANA, SOFT, Reason.NETWORK),),
    ),
    Dialect(
        "an address as its own name",
        mail(
            f'--- Non-Delivery Report ---\nThe email below could not be delivered to the following user:\n\n"{ANA}" <{ANA}>\n\nOld message:\n\nbob@elsewhere.test wrote\n',
            subject="Non-Delivery: Nos offres",
        ),
        ((ANA, SOFT, Reason.ON_HOLD),),
    ),
    Dialect(
        "a multipart without any part",
        mail(
            f"Your message cannot be delivered to the following recipients:\n\n  Recipient address: {ANA}\n  Diagnostic code: smtp; 550 User Unknown: {ANA}\n  Recipient address: {BOB}\n  Diagnostic code: smtp; 550 User Unknown: {BOB}\n",
            subject="Delivery Notification: Delivery has failed",
            kind='multipart/report; boundary="none"; report-type=delivery-status',
        ),
        ((ANA, HARD, Reason.USER_UNKNOWN), (BOB, HARD, Reason.USER_UNKNOWN)),
        550,
    ),
]

EVERY = [*STATUS, *WORDS]
