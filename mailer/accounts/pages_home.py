"""Home: what needs me, how the last send went (ui 2.4)."""

from aiohttp import web

from mailer.accounts import access, accounts, agreements, home, team, users
from mailer.web import i18n
from mailer.web.response import page


async def show(request: web.Request) -> web.StreamResponse:
    async with access.account_tx(request) as tx:
        found = await home.show(tx)
        account = await accounts.show(tx)
        reworded = await agreements.reworded(tx)
        review = await team.review(tx)
        put_off = await access.put_off_second_factor(request, tx)
        user = await users.by_id(tx.shared(), access.person(request).user_id)
    place = access.member(request)
    context = {
        "home": found,
        "account": account,
        "may_write": place.role >= access.Role.EDITOR,
        "review": review if place.role >= access.Role.OWNER and review.due else None,
        "put_off": put_off,
        "reworded": reworded,
        "needs_password": user.password_hash is None,
        "weeks": [(i18n.day(week.until), week.until.isoformat(), [week.active]) for week in found.weeks],
        "gained": sum(week.gained for week in found.weeks),
        "lost": sum(week.lost for week in found.weeks),
    }
    return page(request, "accounts/home.html", context)


ROUTES: list[web.RouteDef] = [web.get("/{a}", show)]
