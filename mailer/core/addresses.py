"""Mail addresses: reading, one key per mailbox, and what a domain or a local part tells.

The only import of `email_validator`. Nothing here asks the network.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

import email_validator

from mailer.core.text import N_

# RFC 5321 §4.5.3.1.1 and §4.5.3.1.3 (path of 256 less its angle brackets): D-03. In octets.
MAX_LOCAL = 64
MAX_ADDRESS = 254
MAX_LABEL = 63  # RFC 1035 §2.3.4

# RFC 6761 §6.2 and §6.3 let software that knows why use these: our own tests, demo and inbox do.
# The list is the library's documented place for that (README, "SPECIAL_USE_DOMAIN_NAMES").
email_validator.SPECIAL_USE_DOMAIN_NAMES[:] = [
    name for name in email_validator.SPECIAL_USE_DOMAIN_NAMES if name not in {"test", "localhost"}
]
_RESERVED = tuple("." + name for name in email_validator.SPECIAL_USE_DOMAIN_NAMES)

# The plain ASCII addresses, 999 in 1,000: what matches here the library accepts too (property test),
# thirty times slower. What does not match is decided by the library.
_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]++"
# without "--", which may be Punycode and has rules of its own
_LABEL = r"[A-Za-z0-9]++(?:-[A-Za-z0-9]++)*+"
_PLAIN = re.compile(rf"{_ATEXT}(?:\.{_ATEXT})*+@((?:{_LABEL}\.)++[A-Za-z](?:[A-Za-z0-9-]{{0,61}}[A-Za-z])?)")

_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad"


class Address(NamedTuple):
    """`email` as typed, trimmed; `key` names the mailbox: lower(NFC(local)) @ lower A-label domain (S8)."""

    email: str
    key: str

    @property
    def envelope(self) -> str:
        """For RCPT TO: the local part as typed, never downgraded (D-08), the domain as A-labels."""
        return f"{self.email.rpartition('@')[0]}@{domain_of(self.key)}"


class AddressError(ValueError):
    """This is not a mail address. `message` is an English msgid with `{address}` in `params`."""

    def __init__(self, code: str, message: str, address: str) -> None:
        super().__init__(code)  # the address stays out of logs
        self.code, self.message = code, message
        self.params: Mapping[str, str] = {"address": address}


_MESSAGES = {
    "empty": N_("Write the e-mail address."),
    "incomplete": N_("The address “{address}” is incomplete. Write it like name@example.com."),
    "several": N_("“{address}” holds several addresses. Write one only."),
    "brackets": N_("“{address}” holds more than the address. Write it alone, like name@example.com."),
    "too_long": N_("The address “{address}” is too long: 64 characters before the @, 254 in all."),
    "reserved": N_("The domain of “{address}” is reserved and receives no mail. Check the address."),
    "characters": N_(
        "The address “{address}” has a character or a dot where none can be. Check the spelling."
    ),
}


def trim(text: str) -> str:
    """Without blanks at both ends: spaces, no-break spaces, line ends, and characters without width."""
    text = text.strip()
    return text if text.isascii() else text.strip(_INVISIBLE).strip().strip(_INVISIBLE)


def parse(text: str) -> Address:
    """Typed text → Address, or AddressError. RFC 5321 §4.1.2, RFC 6531 §3.3; D-03, D-08."""
    email = trim(text)
    plain = _PLAIN.fullmatch(email)
    if plain and len(email) <= MAX_ADDRESS:
        at = plain.start(1)
        # a domain of 63 has no label of 64
        if at <= MAX_LOCAL + 1 and len(email) - at <= MAX_LABEL:
            key = email.lower()
            if not key.endswith(_RESERVED):
                return Address(email, key)
    return _parse_slowly(email)


def _parse_slowly(email: str) -> Address:
    if len(email) > 4 * MAX_ADDRESS:  # the library's checks are not all linear
        raise AddressError("too_long", _MESSAGES["too_long"], email[:MAX_ADDRESS])
    try:
        found = email_validator.validate_email(
            email, allow_quoted_local=True, check_deliverability=False, strict=True
        )
    except email_validator.EmailNotValidError as error:
        code = _fault_of(email)
        raise AddressError(code, _MESSAGES[code], email) from error
    domain = found.ascii_domain.lower()
    local = found.local_part.lower()
    typed_local = email.rpartition("@")[0]
    if len(typed_local.encode()) > MAX_LOCAL or len(local.encode()) > MAX_LOCAL:
        raise AddressError("too_long", _MESSAGES["too_long"], email)
    return Address(email, f"{local}@{domain}")


def _fault_of(email: str) -> str:
    """The library's reasons are prose for programmers: the code that helps the person who typed."""
    local, at, domain = email.rpartition("@")
    if not email:
        return "empty"
    if "<" in email or ">" in email:
        return "brackets"
    if email.count("@") > 1 and re.search(r"[,;\s|/]", email):
        return "several"
    if not at or not local or "." not in domain.strip("."):
        return "incomplete"
    if len(local.encode()) > MAX_LOCAL or len(email.encode()) > MAX_ADDRESS:
        return "too_long"
    if domain.lower().endswith(_RESERVED):
        return "reserved"
    return "too_long" if any(len(label) > MAX_LABEL for label in domain.split(".")) else "characters"


def domain_of(key: str) -> str:
    """The lower-case A-label domain of an address key."""
    return key.rpartition("@")[2]


def mask(email: str) -> str:
    """`jean@exemple.fr` → `j•••@exemple.fr`; text without an @ keeps its first character only."""
    local, at, domain = email.rpartition("@")
    return f"{local[:1]}•••@{domain}" if at else f"{email[:1]}•••"


# Mailbox providers for the public: no sender domain (D-54), no business relation by itself (B-23).
_FREE_MAIL_WORDS = """
gmail.com googlemail.com icloud.com me.com mac.com aol.com aol.fr gmx.com gmx.fr gmx.net gmx.de web.de
mail.com mail.ru yandex.com yandex.ru proton.me protonmail.com pm.me tutanota.com tuta.io tuta.com
zoho.com fastmail.com hey.com ymail.com rocketmail.com passport.com qq.com 163.com 126.com orange.fr
wanadoo.fr voila.fr free.fr freesbee.fr libertysurf.fr worldonline.fr aliceadsl.fr alice.fr online.fr
infonie.fr laposte.net sfr.fr neuf.fr cegetel.net club-internet.fr 9online.fr 9business.fr numericable.fr
numericable.com noos.fr evhr.net bbox.fr dartybox.com tele2.fr caramail.com caramail.fr lycos.fr
mailo.com netcourrier.com netc.fr net-c.com mailo.eu ik.me etik.com murena.io tiscali.fr tiscali.it
libero.it virgilio.it t-online.de freenet.de bluewin.ch skynet.be telenet.be proximus.be comcast.net
verizon.net att.net sbcglobal.net bellsouth.net cox.net btinternet.com sky.com talktalk.net videotron.ca
sympatico.ca rogers.com posteo.net posteo.de mailbox.org wp.pl o2.pl seznam.cz
"""
_FREE_MAIL = frozenset(_FREE_MAIL_WORDS.split())
# outlook.fr, hotmail.co.uk, yahoo.com.br …: one name under many endings
_FREE_MAIL_NAMES = re.compile(r"(?:outlook|hotmail|live|msn|yahoo)\.(?:[a-z]{2,3}|com?\.[a-z]{2})")


def is_free_mail(domain: str) -> bool:
    """Is this domain (lower case) a mailbox provider's for everybody? D-54, B-23."""
    return domain in _FREE_MAIL or _FREE_MAIL_NAMES.fullmatch(domain) is not None


SLIPS = {
    slip: right
    for right, slips in {
        "gmail.com": "gamil.com gmial.com gmai.com gmail.co gmail.cm gmail.con gmail.fr gmal.com gnail.com "
        "gmaill.com gmali.com",
        "hotmail.com": "hotmial.com hotmal.com hotmai.com hotmail.con hotmil.com homail.com hotamil.com",
        "hotmail.fr": "hotmial.fr hotmal.fr hotmai.fr hotmil.fr homail.fr hotamil.fr",
        "yahoo.fr": "yaho.fr yahou.fr yahooo.fr yhaoo.fr",
        "yahoo.com": "yaho.com yahoo.con yahooo.com yhaoo.com",
        "orange.fr": "orage.fr oragne.fr ornage.fr orang.fr orange.com.fr",
        "wanadoo.fr": "wanado.fr wandoo.fr wanadou.fr",
        "laposte.net": "laposte.fr lapost.net laposte.com",
        "outlook.com": "outlok.com outloo.com outlook.con",
        "outlook.fr": "outlok.fr outloo.fr",
        "free.fr": "fre.fr",
    }.items()
    for slip in slips.split()
}


def meant_domain(domain: str) -> str | None:
    """The big provider this domain (lower case) looks like a slip of: gamil.com → gmail.com. D-84."""
    return SLIPS.get(domain)


# RFC 2142 §3 to §6, what mail programs call themselves, and the usual French ones
_ROLE_WORDS = """
abuse admin administrateur administration administrator accueil bounce bounces commercial compta
comptabilite contact direction dpo emailing ftp hello hostmaster info information infos jobs list
mailer-daemon mailing marketing newsletter news no-reply noc noreply nepasrepondre ne-pas-repondre office
postmaster presse privacy recrutement registrar reply rgpd rh root sales sav secretariat security
service-client serviceclient spam support sysadmin tech unsubscribe usenet uucp vente ventes webmaster
www
"""
_ROLES = frozenset(_ROLE_WORDS.split())


def is_role(local: str) -> bool:
    """Is this local part an office rather than a person (abuse@, contact@, noreply@)? D-84, RFC 2142."""
    return local.lower().partition("+")[0] in _ROLES
