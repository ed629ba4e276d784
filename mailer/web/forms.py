"""What a form shows again after a fault: the input as it was, and each message at its field (ui 3.4)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from mailer.core.errors import Fault, Invalid
from mailer.web import i18n

_NEVER_SHOWN_AGAIN = ("password", "new_password", "current_password", "csrf", "file")


@dataclass(frozen=True, slots=True)
class Form:
    """Passed to templates as `form`; the macros read it."""

    values: Mapping[str, Any] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()

    def value(self, name: str, default: object = "") -> Any:
        found = self.values.get(name, default)
        return "" if found is None else found

    def fault(self, name: str) -> str:
        """The translated message at this field, or ""."""
        return next((text(fault) for fault in self.faults if fault.field == name), "")

    @property
    def summary(self) -> list[tuple[str, str]]:
        """(field, message) for the list at the top of the page."""
        return [(fault.field, text(fault)) for fault in self.faults]


def text(fault: Fault) -> str:
    return i18n.translate(fault.message, **fault.params)


def filled(source: object, names: Iterable[str] = ()) -> Form:
    """A form that shows a struct's or mapping's values."""
    if isinstance(source, Mapping):
        return Form(dict(source))
    slots = names or getattr(source, "__dataclass_fields__", ())
    return Form({name: getattr(source, name) for name in slots})


async def again(request: web.Request, error: Invalid, *, many: Iterable[str] = ()) -> Form:
    """What was sent, with the faults; `many` are fields that a form sends several times."""
    sent = await request.post() if request.content_type != "multipart/form-data" else {}
    values: dict[str, Any] = {name: sent[name] for name in sent if name not in _NEVER_SHOWN_AGAIN}
    for name in many:
        values[name] = sent.getall(name, []) if hasattr(sent, "getall") else []
    return Form(values, error.faults)
