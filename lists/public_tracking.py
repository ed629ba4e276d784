"""/t/tracking/{token}: opens and clicks, each its own yes or no (B-36, B-40).

The mail subscription stays as it is.
"""

from aiohttp import web

from lists import consents
from lists.consents import Answer, Choices, Evidence, Method
from lists.public_visit import Visit, back, count_change, form_of, shown, visit
from mailer.core.text import N_
from mailer.core.tokens import Purpose
from mailer.web import i18n

NOTED = {
    (True, True): N_("Noted: opens yes, clicks yes."),
    (True, False): N_("Noted: opens yes, clicks no."),
    (False, True): N_("Noted: opens no, clicks yes."),
    (False, False): N_("Noted: opens no, clicks no."),
}
WISHES = {"yes": True, "no": False}


async def page(request: web.Request) -> web.Response:
    async with visit(request, Purpose.TRACKING) as found:
        choices = await consents.choices(found.tx, found.who)
        if found.person is None and await consents.refused(found.tx, found.who):
            choices = Choices(opens="denied", clicks="denied")
        return shown(request, found, "tracking.html", context={"choices": choices, "noted": _noted(choices)})


def _noted(choices: Choices) -> str:
    """What was answered, or "" before any answer; silence is a no (B-36)."""
    if "unknown" == choices.opens == choices.clicks:
        return ""
    return NOTED[(choices.opens == "granted", choices.clicks == "granted")]


async def act(request: web.Request) -> web.Response:
    form = await form_of(request)
    answer = _answer(form)
    async with visit(request, Purpose.TRACKING) as found:
        if answer.opens or answer.clicks:
            await count_change(request, found.who)
        evidence = Evidence(method=Method.LINK, wording=_wording(found))
        await consents.choose(found.tx, found.who, answer, evidence=evidence)
    return back(request)


def _answer(form: dict[str, list[str]]) -> Answer:
    match form.get("do", ["save"])[0]:
        case "refuse":
            return Answer(opens=False, clicks=False)
        case "accept":
            return Answer(opens=True, clicks=True)
        case _:
            return Answer(
                opens=WISHES.get(form.get("opens", [""])[0]), clicks=WISHES.get(form.get("clicks", [""])[0])
            )


def _wording(found: Visit) -> str:
    """What the person read, for the proof (B-25)."""
    return " ".join(
        (
            i18n.translate("Measurement of opens and clicks by {sender}.", sender=found.sender),
            i18n.translate("Opens: whether and when you open our messages."),
            i18n.translate("Clicks: which links you follow."),
        )
    )


ROUTES: list[web.RouteDef] = [
    web.get("/tracking/{token}", page),
    web.post("/tracking/{token}", act),
]
