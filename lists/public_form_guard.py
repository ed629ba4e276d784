"""What keeps robots and floods from a public form, without a captcha of strangers (E-14).

    network ─▶ trap field ─▶ time stamp, or few posts from elsewhere ─▶ form, account ─▶ address

A person who meets one of the first gets the form again as it was filled in, and a press more is enough.
Counters stand in Valkey under keyed hashes: no address of a network or a person can be read from them.
"""

import hashlib
import hmac
import ipaddress
from datetime import timedelta

from aiohttp import web

from lists.sign_up_answers import Posted, first
from lists.signup_versions import Published
from mailer.core import clock
from mailer.core.addresses import Address
from mailer.core.errors import Fault, Invalid, NotFound, TooMany
from mailer.core.rate import Limit
from mailer.core.text import N_
from mailer.core.tokens import Purpose
from mailer.web.request import client_ip, rates, services

NETWORK = Limit("form-network", 30, 600)
FORM = Limit("form", 600, 3600)
ACCOUNT = Limit("form-account", 5000, 86_400)
# a page of somebody else carries no fresh stamp: beyond these our own page is shown in between
FOREIGN_NETWORK = Limit("form-foreign-network", 5, 600)
FOREIGN_FORM = Limit("form-foreign", 120, 3600)
# one address: by all forms of an account, and of the whole installation
ADDRESS = Limit("form-address", 5, 86_400)
ADDRESS_ANYWHERE = Limit("form-address-anywhere", 10, 86_400)
CONFIRMATIONS = Limit("form-confirmation", 30, 60)

FASTEST, STAMP_LIVES = timedelta(seconds=2), timedelta(hours=24)
TRAP = "website"
TRAPPED = N_("Leave this field empty: only robots fill it in.")
ONCE_MORE = N_("Check what stands here, then press the button once more.")


def network(address: str) -> str:
    """An IPv4 address, or the /64 of an IPv6 one: what one subscriber has."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def _keyed(request: web.Request, text: str) -> str:
    return hmac.digest(services(request).settings.key, f"form:{text}".encode(), hashlib.sha256)[:16].hex()


async def count_network(request: web.Request) -> None:
    """Raises TooMany."""
    await rates(request).take(NETWORK, _keyed(request, network(client_ip(request) or "")))


def stamp(request: web.Request, account_id: int, form_id: int) -> str:
    """When our page was shown, for the post that follows."""
    now = clock.now()
    expires = int((now + STAMP_LIVES).timestamp())
    return services(request).tokens.timed(
        Purpose.FORM_STAMP, account_id, form_id, int(now.timestamp() * 1000), expires=expires
    )


async def check(request: web.Request, account_id: int, form: Published, posted: Posted) -> None:
    """Raises Invalid when the form has to be shown once more."""
    if first(posted, TRAP):
        raise Invalid(Fault(TRAP, TRAPPED, "trap"))
    if "stamp" in posted:
        if not _fresh(request, account_id, form.form_id, first(posted, "stamp")):
            raise Invalid(Fault("button", ONCE_MORE, "stamp"))
        return
    try:
        await rates(request).take(FOREIGN_NETWORK, _keyed(request, network(client_ip(request) or "")))
        await rates(request).take(FOREIGN_FORM, f"{account_id}:{form.form_id}")
    except TooMany:
        raise Invalid(Fault("button", ONCE_MORE, "stamp")) from None


def _fresh(request: web.Request, account_id: int, form_id: int, text: str) -> bool:
    now = clock.now()
    try:
        numbers = services(request).tokens.read_timed(Purpose.FORM_STAMP, text, now=int(now.timestamp()))
    except NotFound:
        return False
    if numbers[:2] != [account_id, form_id] or len(numbers) != 3:
        return False
    return now.timestamp() * 1000 - numbers[2] >= FASTEST.total_seconds() * 1000


async def count_form(request: web.Request, account_id: int, form: Published) -> None:
    """Raises TooMany."""
    await rates(request).take(FORM, f"{account_id}:{form.form_id}")
    await rates(request).take(ACCOUNT, str(account_id))


async def may_write_to(request: web.Request, account_id: int, address: Address) -> bool:
    """False: this address was written to so often that nothing more leaves; whoever asks is not told."""
    hashed = _keyed(request, address.key)
    try:
        await rates(request).take(ADDRESS, f"{account_id}:{hashed}")
        await rates(request).take(ADDRESS_ANYWHERE, hashed)
    except TooMany:
        return False
    return True


async def count_confirmation(request: web.Request, account_id: int, request_id: int) -> None:
    """Raises TooMany."""
    await rates(request).take(CONFIRMATIONS, f"{account_id}:{request_id}")
