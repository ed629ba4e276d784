"""The trusted Jinja environment, for our own pages only: the tenants' templates never meet it.

"lists/index.html" is lists/templates/index.html; "base.html" and "macros.html" are mailer/web/templates.
"""

import json
import secrets
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from aiohttp import web
from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
    select_autoescape,
)
from markupsafe import Markup

from mailer import __version__
from mailer.web import i18n
from mailer.web.request import CSRF, FLASH, ID, NONCE, SHELL

ROOT = Path(__file__).parent.parent.parent
ROOMS = {
    "accounts": ROOT / "mailer/accounts/templates",
    "webhooks": ROOT / "mailer/webhooks/templates",
    "lists": ROOT / "lists/templates",
    "sending": ROOT / "sending/templates",
    "tracking": ROOT / "tracking/templates",
    "retention_jobs": ROOT / "retention_jobs/templates",
}
DIST = ROOT / "mailer/web/static/dist"


@cache
def environment() -> Environment:
    rooms = PrefixLoader({name: FileSystemLoader(folder) for name, folder in ROOMS.items()})
    loader = ChoiceLoader([FileSystemLoader(ROOT / "mailer/web/templates"), rooms])
    env = Environment(
        loader=loader,
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.loopcontrols"],
    )
    env.globals.update(
        _=i18n.translate,
        ngettext=i18n.ntranslate,
        asset=asset,
        icon=icon,
        product="Mailer",
        version=__version__,
        language=i18n.language,
        form_id=lambda: secrets.token_urlsafe(12),
        countries=i18n.countries,
        zone_names=i18n.zone_names,
    )
    env.filters.update(
        number=i18n.number,
        size=i18n.size,
        moment=i18n.moment,
        day=i18n.day,
        iso_day=i18n.iso_day,
        city=i18n.zone_city,
        zone=i18n.zone_words,
        share=i18n.percent,
    )
    return env


@cache
def _manifest() -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads((DIST / "manifest.json").read_text())
    except (OSError, ValueError):
        return {}
    return found


def asset(name: str) -> str:
    """The address of a built file, with its hash, so that caches may keep it for ever."""
    known = _manifest().get(name, "")
    return f"/static/dist/{name}?v={known}" if known else f"/static/dist/{name}"


def icon(name: str) -> Markup:
    """A Lucide outline, decorative: always beside a word (ui 3.3)."""
    return Markup('<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>').format(
        asset("icons.svg"), name
    )


def render(request: web.Request, template: str, context: Mapping[str, object]) -> str:
    """`request` is at hand in templates as what the faces put on it: `shell` for signed-in pages."""
    shell = request.get(SHELL)
    return (
        environment()
        .get_template(template)
        .render(
            path=request.path,
            path_qs=request.path_qs,
            other_language=str(request.rel_url.update_query(lang="en" if i18n.language() == "fr" else "fr")),
            shell=shell,
            csrf=request.get(CSRF, ""),
            flash=request.get(FLASH),
            request_id=request.get(ID, ""),
            nonce=request.get(NONCE, ""),
            **context,
        )
    )


def render_text(template: str, context: Mapping[str, object]) -> str:
    """Without a request: system mail."""
    return environment().get_template(template).render(**context)
