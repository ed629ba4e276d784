"""A page of ours with one of its forms filled in again, as it was sent.

Works on the page as it would be shown anyway, so that no page has to know about it. Only values, ticks and
choices change; fields that the sent form does not have stay as they are, and so do passwords and files.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser
from urllib.parse import urljoin

_NOT_FILLED = ("password", "file", "submit", "button", "reset", "image")
_TICKED = ("checkbox", "radio")
Attributes = dict[str, str | None]


@dataclass(slots=True)
class _Form:
    """`edits`: (start, end, new text). `agreeing`: hidden fields that are as they were sent."""

    action: str
    left: dict[str, list[str]]
    edits: list[tuple[int, int, str]] = field(default_factory=list)
    agreeing: int = 0


def _tag(name: str, attributes: Attributes) -> str:
    pairs = (f" {key}" if value is None else f' {key}="{escape(value)}"' for key, value in attributes.items())
    return f"<{name}{''.join(pairs)}>"


def _marked(attributes: Attributes, mark: str, *, on: bool) -> Attributes:
    plain = {key: value for key, value in attributes.items() if key != mark}
    return {**plain, mark: None} if on else plain


class _Forms(HTMLParser):
    """Every form of a page, with what would fill it in."""

    def __init__(self, html: str, sent: Mapping[str, list[str]]) -> None:
        super().__init__()
        self.forms: list[_Form] = []
        self._sent = sent
        self._form: _Form | None = None
        self._select = ""
        self._area: tuple[int, str] | None = None
        self._lines = [0]
        for line in html.split("\n"):
            self._lines.append(self._lines[-1] + len(line) + 1)
        self.feed(html)
        self.close()

    def _here(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found: Attributes = dict(attrs)
        if tag == "form":
            self._form = _Form(found.get("action") or "", {key: list(of) for key, of in self._sent.items()})
            self.forms.append(self._form)
        elif self._form is not None and tag in ("input", "select", "option", "textarea"):
            self._control(self._form, tag, found)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = ""
        elif tag == "textarea" and self._form is not None and self._area is not None:
            start, text = self._area
            # the parser of HTML drops the first line break
            self._form.edits.append((start, self._here(), "\n" + escape(text)))
            self._area = None

    def _control(self, form: _Form, tag: str, found: Attributes) -> None:
        name = self._select if tag == "option" else found.get("name") or ""
        kind = (found.get("type") or "text").lower() if tag == "input" else tag
        if tag == "select":
            self._select = name
        elif kind in _TICKED and name:
            on = (found.get("value") or "on") in self._sent.get(name, ())
            self._replace(form, tag, _marked(found, "checked", on=on))
        elif tag == "option" and name in self._sent and "value" in found:
            on = (found["value"] or "") in self._sent[name]
            self._replace(form, tag, _marked(found, "selected", on=on))
        elif kind not in (*_NOT_FILLED, "option") and form.left.get(name):
            value = form.left[name].pop(0)
            if tag == "textarea":
                self._area = (self._here() + len(self.get_starttag_text() or ""), value)
                return
            form.agreeing += kind == "hidden" and found.get("value") == value
            self._replace(form, tag, {**found, "value": value})

    def _replace(self, form: _Form, tag: str, attributes: Attributes) -> None:
        start = self._here()
        form.edits.append((start, start + len(self.get_starttag_text() or ""), _tag(tag, attributes)))


def refill(html: str, *, address: str, action: str, sent: Mapping[str, list[str]]) -> str | None:
    """The page of `address` with its form that is sent to `action` filled in; None when it has none."""
    forms = [form for form in _Forms(html, sent).forms if urljoin(address, form.action) == action]
    if not forms:
        return None
    # a table may hold the same form in each of its rows
    chosen = max(forms, key=lambda form: form.agreeing)
    for start, end, text in reversed(chosen.edits):
        html = html[:start] + text + html[end:]
    return html
