"""A recipient at a link of a mail: who, whose account, which language. What all recipient pages share.

No session, no cookie, no script (F-09). GET and HEAD change nothing (D-44); a person's POST answers
303 to the same address, which shows what is stored.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from lists import departures_kept, recipients, subscriptions
from lists.recipients import Listed
from lists.subscriptions import Person
from mailer.accounts import certificates, identity
from mailer.accounts.identity import Identity
from mailer.core.actor import RECIPIENT
from mailer.core.db import AccountTx
from mailer.core.errors import Gone
from mailer.core.links import Links
from mailer.core.rate import Limit
from mailer.core.text import N_
from mailer.core.tokens import Purpose, RecipientToken
from mailer.web import i18n, response
from mailer.web.request import rates, services

# never taken for leaving: a no is heard however often it is said
CHANGES = Limit("recipient", 30, 60)
ERASED = N_(
    "The sender closed its account, and everything in it was erased on {day}: your address too. You are not"
    " written to from here any more; there is nothing left to do."
)
CNIL = "https://www.cnil.fr/"
AUTHORITIES = "https://www.edpb.europa.eu/about-edpb/about-edpb/members_en"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """`person` None: the contact is gone. `listed` None: the link names no list that is known.

    `left`: what was left on this visit, to be kept a second time once it is stored.
    """

    tx: AccountTx
    who: RecipientToken
    controller: Identity
    person: Person | None
    listed: Listed | None
    left: list[RecipientToken] = field(default_factory=list)

    @property
    def sender(self) -> str:
        return self.controller.legal_name or self.controller.account_name

    @property
    def address(self) -> str:
        """Masked, or "" when nobody holds it any more."""
        return recipients.masked(self.person.email) if self.person else ""

    def words(self, at: datetime) -> dict[str, str]:
        """`date` and `time` in the account's zone."""
        zone = self.controller.time_zone
        return {
            "date": i18n.day(at, zone),
            "time": at.astimezone(i18n.zone(zone)).strftime("%H:%M"),
        }


def token_of(request: web.Request, purpose: Purpose) -> RecipientToken:
    """Raises NotFound for a damaged, foreign or wrong-purpose token (D-42)."""
    return services(request).tokens.read_recipient(purpose, request.match_info["token"])


async def _check_account(request: web.Request, who: RecipientToken) -> None:
    """Links outlive their account: then they say so, and what is asked for is done (A-092)."""
    async with services(request).db.shared() as tx:
        erased_at = await certificates.erased_at(tx, who.account_id)
    if erased_at is not None:
        i18n.use_language(
            i18n.best_language(request.query.get("lang"), accept=request.headers.get("Accept-Language", ""))
        )
        raise Gone(i18n.translate(ERASED, day=i18n.day(erased_at, "Europe/Paris")))


@asynccontextmanager
async def visit(request: web.Request, purpose: Purpose) -> AsyncIterator[Visit]:
    """Raises NotFound for a damaged token, Gone when the account itself is erased."""
    who = token_of(request, purpose)
    await _check_account(request, who)
    async with services(request).db.account(who.account_id, actor=RECIPIENT) as tx:
        found = Visit(
            tx=tx,
            who=who,
            controller=await identity.of(tx),
            person=await subscriptions.person(tx, who),
            listed=await recipients.listed(tx, who),
        )
        mail = await recipients.mail_language(tx, who)
        # ui 2.4: ?lang, then the contact's language, the mail's, the browser's
        i18n.use_language(
            i18n.best_language(
                request.query.get("lang"),
                found.person.language if found.person else None,
                mail,
                accept=request.headers.get("Accept-Language", ""),
            )
        )
        yield found
    await departures_kept.note(services(request), found.left)


async def count_change(request: web.Request, who: RecipientToken) -> None:
    """Raises TooMany. Only for what is not a refusal."""
    await rates(request).take(CHANGES, f"{who.account_id}:{who.address_hash.hex()}")


def links(request: web.Request) -> Links:
    found = services(request)
    return Links(found.tokens, found.settings.track_url)


def here(request: web.Request, **more: str) -> str:
    """This page's own address, with the language that was asked for."""
    lang = request.query.get("lang")
    query = ({"lang": lang} if lang in i18n.LANGUAGES else {}) | more
    return str(request.rel_url.with_query(query))


def back(request: web.Request, **more: str) -> web.Response:
    """303 to the page itself, which shows the stored state."""
    return response.redirect(here(request, **more))


def shown(
    request: web.Request, found: Visit, template: str, *, context: Mapping[str, object], status: int = 200
) -> web.Response:
    """A recipient page with its footer: who writes, who helps, whom to complain to."""
    answer = response.page(
        request,
        f"lists/recipients/{template}",
        {
            "visit": found,
            "sender": found.sender,
            "address": found.address,
            "action": here(request),
            "links": links(request),
            "controller": found.controller,
            "operator": services(request).settings.operator,
            "cnil": CNIL,
            "authorities": AUTHORITIES,
            **context,
        },
        status=status,
    )
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    return answer


async def form_of(request: web.Request) -> dict[str, list[str]]:
    """The form's text fields; a body that cannot be read, or is too large, is an empty one: whoever sent it
    may still leave (D-43)."""
    try:
        sent = await request.post()
    except (
        ValueError,
        AssertionError,
        LookupError,
        RuntimeError,
        HttpProcessingError,
        web.HTTPRequestEntityTooLarge,
    ):
        return {}
    found: dict[str, list[str]] = {}
    for name, value in sent.items():
        if isinstance(value, str):
            found.setdefault(name, []).append(value)
    return found
