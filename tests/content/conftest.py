"""A recipient, a source and the way from one to the other."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from sending import content, render
from sending.merge_filters import Value
from sending.problems import Problem

FIELDS = frozenset({"city", "vip", "points", "born", "interests", "site", "items"})

Recipient = Callable[..., render.Recipient]
Wrap = Callable[[str], str]
Compile = Callable[..., content.Compiled]


@pytest.fixture
def wrap() -> Wrap:
    """Puts lines into a column; the first of them is line 5."""
    return lambda inner: (
        f"<mjml>\n<mj-body>\n<mj-section>\n<mj-column>\n{inner}\n</mj-column>\n</mj-section>\n</mj-body>\n</mjml>"
    )


@pytest.fixture
def compiled() -> Compile:
    def make(source: str, **more: object) -> content.Compiled:
        made = content.compile_mjml(source, icon_origin="https://mail.test/icons/", fields=FIELDS, **more)  # type: ignore[arg-type]
        assert isinstance(made, content.Compiled), [_told(one) for one in made]
        return made

    return make


@pytest.fixture
def recipient() -> Recipient:
    base = render.Recipient(
        contact={"email": "zoe@exemple.fr", "first_name": "Zoé", "last_name": "", "language": "fr"},
        urls=render.Urls(
            unsubscribe="https://mail.test/t/u/abc?x=1&y=2",
            preferences="https://mail.test/t/p/abc",
            tracking="https://mail.test/t/m/abc",
            rights="https://mail.test/t/r/abc",
            web_version="https://mail.test/t/w/abc",
        ),
        list_name="Lettre du mois",
        sender=render.SenderNames(name="Atelier", email="lettre@exemple.fr", reply_to="bonjour@exemple.fr"),
        account=render.AccountNames(
            name="Atelier Dupont", address="1 rue du Port, 29200 Brest", email="contact@exemple.fr"
        ),
    )

    def make(contact: dict[str, Value] | None = None, **more: object) -> render.Recipient:
        return replace(base, contact={**base.contact, **(contact or {})}, **more)  # type: ignore[arg-type]

    return make


def _told(problem: Problem) -> str:
    return problem.words()
