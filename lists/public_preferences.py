"""/t/preferences/{token}: what to receive, and whether to be measured. GET shows, POST stores."""

from dataclasses import replace

from aiohttp import web

from lists import confirmations, consents, departures, recipients, subscriptions
from lists.confirmations import Asked
from lists.consents import Answer, Evidence, Method
from lists.public_visit import Visit, back, count_change, form_of, links, shown, visit
from mailer.core import clock
from mailer.core.tokens import Purpose, RecipientToken
from mailer.web import i18n


async def page(request: web.Request) -> web.Response:
    async with visit(request, Purpose.PREFERENCES) as found:
        if found.person is None:
            stopped = await subscriptions.left_since(found.tx, found.who)
            return shown(request, found, "gone.html", context={"stopped": stopped is not None})
        saved = None
        if "saved" in request.query:
            saved = found.words(await recipients.chosen_at(found.tx, found.person) or clock.now())
        asked = request.query.get("asked", "")
        context = {
            "offers": await recipients.offers(found.tx, found.person),
            "saved": saved,
            "asked": int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 4 else 0,
        }
        return shown(request, found, "preferences.html", context=context)


async def act(request: web.Request) -> web.Response:
    form = await form_of(request)
    async with visit(request, Purpose.PREFERENCES) as found:
        if form.get("do") == ["everything"]:
            left = await subscriptions.stop_everything(found.tx, found.who, method=Method.PREFERENCES)
            if not left.already:
                found.left.append(replace(found.who, list_id=0))
                await departures.record(found.tx, found.who, left.since, method=Method.PREFERENCES)
            return back(request, saved="1")
        if form.get("do") == ["unmeasured"]:
            # B-40: one press, whatever else the form holds
            await _choose(found, {"opens": ["no"], "clicks": ["no"]})
            return back(request, saved="1")
        ticked = {int(text) for text in form.get("list", []) if text.isascii() and text.isdigit()}
        offers = await recipients.offers(found.tx, found.person) if found.person else []
        for offer in offers:
            if offer.wanted and offer.list_id not in ticked:
                await _leave(found, offer.list_id)
        await _choose(found, form)
    # a no is stored before a yes is counted against the limit
    new = [offer.list_id for offer in offers if not offer.wanted and offer.list_id in ticked]
    asked = await _ask(request, new) if new else 0
    return back(request, saved="1", **({"asked": str(asked)} if asked else {}))


async def _ask(request: web.Request, list_ids: list[int]) -> int:
    """A mail for each newly ticked list. Returns how many wait in the person's box."""
    asked = 0
    async with visit(request, Purpose.PREFERENCES) as found:
        await count_change(request, found.who)
        for list_id in list_ids:
            outcome = await confirmations.ask(
                found.tx,
                _of_list(found, list_id),
                links(request),
                source=i18n.translate("Preferences page"),
            )
            asked += outcome in (Asked.SENT, Asked.RECENT)
    return asked


def _of_list(found: Visit, list_id: int) -> RecipientToken:
    who = found.who
    return RecipientToken(who.account_id, list_id, who.contact_id, who.address_hash, who.campaign_id)


async def _leave(found: Visit, list_id: int) -> None:
    who = _of_list(found, list_id)
    left = await subscriptions.unsubscribe(found.tx, who, method=Method.PREFERENCES)
    if not left.already:
        found.left.append(who)
        await departures.record(found.tx, who, left.since, method=Method.PREFERENCES)


async def _choose(found: Visit, form: dict[str, list[str]]) -> None:
    wish = {"yes": True, "no": False}
    answer = Answer(opens=wish.get(form.get("opens", [""])[0]), clicks=wish.get(form.get("clicks", [""])[0]))
    wording = i18n.translate(
        "May {sender} measure, to write better messages: whether you open them? Which links you follow?"
        " No answer means no.",
        sender=found.sender,
    )
    await consents.choose(
        found.tx, found.who, answer, evidence=Evidence(method=Method.PREFERENCES, wording=wording)
    )


ROUTES: list[web.RouteDef] = [
    web.get("/preferences/{token}", page),
    web.post("/preferences/{token}", act),
]
