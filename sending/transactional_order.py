"""What a program may ask for with POST /api/v1/messages: one mail to one person."""

import base64
import binascii
import re
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from mailer.core.errors import Fault, Invalid
from mailer.core.text import N_
from mailer.web.request import Input
from sending import attachments
from sending.attachments import File
from sending.campaigns import Language, Line

LONGEST = 4 * 86_400 + 20 * 3_600  # S7
A_DAY = 86_400
MAX_FILES = 10
MAX_FILES_BYTES = 2_500_000

# white space at the ends counts in all of these
Text = Annotated[str, StringConstraints(strip_whitespace=False, max_length=10_000)]
Body = Annotated[str, StringConstraints(strip_whitespace=False, min_length=1, max_length=500_000)]
Id = Annotated[int, Field(strict=True, ge=1, lt=2**63)]
ValueName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Given = int | float | bool | None

# header → what it may hold (D-09). Threads, and what keeps a mail program from folding receipts into one
_MESSAGE_IDS = re.compile(r"<[!-;=?-~]{1,250}>( <[!-;=?-~]{1,250}>){0,20}")
ALLOWED_HEADERS = {
    "In-Reply-To": _MESSAGE_IDS,
    "References": _MESSAGE_IDS,
    "X-Entity-Ref-ID": re.compile(r"[!-~]{1,200}"),
}


class Recipient(Input):
    email: Annotated[str, StringConstraints(max_length=320)]
    name: Annotated[str, StringConstraints(max_length=120)] = ""


class Attachment(Input):
    """`content` is Base64; 10 files and 2,500,000 octets in all, at most."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f/\\\"]+$")]
    media_type: Annotated[str, StringConstraints(max_length=110)] = "application/octet-stream"
    content: Annotated[str, StringConstraints(max_length=4 * MAX_FILES_BYTES // 3 + 4)]


class NewMessage(Input):
    """One of `template` (a design's id, or its name), `mjml`, `html` or `text` alone is the content.

    `values` are what a template or `mjml` reads as `{{ values.name }}`; `html`, `text` and their `subject`
    leave as they are. `subject` may be left out where the design has one. `expires_after` is in seconds.
    """

    to: Recipient
    sender_id: Id
    template: Id | Annotated[str, StringConstraints(min_length=1, max_length=120)] | None = None
    values: Annotated[
        dict[ValueName, Given | Text | Annotated[list[Text], Field(max_length=100)]], Field(max_length=100)
    ] = Field(default_factory=dict)
    subject: Line | None = None
    mjml: Body | None = None
    html: Body | None = None
    text: Body | None = None
    language: Language | None = None
    reply_to: Annotated[str, StringConstraints(max_length=320)] = ""
    headers: dict[str, Annotated[str, StringConstraints(max_length=4_000)]] = Field(default_factory=dict)
    attachments: Annotated[list[Attachment], Field(max_length=MAX_FILES)] = Field(default_factory=list)
    expires_after: Annotated[int, Field(strict=True, ge=60, le=LONGEST)] = A_DAY

    @model_validator(mode="after")
    def _one_content(self) -> Self:
        given = [name for name in ("template", "mjml", "html") if getattr(self, name) is not None]
        if len(given) > 1:
            raise _invalid(given[1], N_("Give one of template, mjml and html."), "both")
        if not given and self.text is None:
            raise _invalid("template", N_("Give the content: template, mjml, html or text."), "missing")
        if self.text is not None and given not in ([], ["html"]):
            raise _invalid("text", N_("The plain text is made from the template; leave text out."), "both")
        if self.values and (self.html is not None or self.text is not None):
            message = N_("html and text leave as they are; values are for template and mjml.")
            raise _invalid("values", message, "both")
        if self.template is None and not (self.subject or "").strip():
            raise _invalid("subject", N_("Write the subject."), "missing")
        return self

    @model_validator(mode="after")
    def _known_headers(self) -> Self:
        for name, value in self.headers.items():
            pattern = ALLOWED_HEADERS.get(name)
            if pattern is None:
                message = N_("This header cannot be given. These can: {names}.")
                raise _invalid(f"headers.{name}"[:80], message, "header", names=", ".join(ALLOWED_HEADERS))
            if not pattern.fullmatch(value):
                raise _invalid(f"headers.{name}", N_("This is not in the expected form."), "header")
        return self

    def files(self) -> list[File]:
        """Raises Invalid for what is no Base64, too large, or a kind of file that programs refuse."""
        found = []
        for n, one in enumerate(self.attachments):
            place = f"attachments.{n}"
            try:
                data = base64.b64decode(one.content, validate=True)
            except (binascii.Error, ValueError):
                raise _invalid(f"{place}.content", N_("This is not Base64."), "base64") from None
            if not attachments.MEDIA_TYPE.fullmatch(one.media_type.lower()):
                message = N_("Write the media type like application/pdf.")
                raise _invalid(f"{place}.media_type", message, "media_type")
            if one.name.rpartition(".")[2].lower() in attachments.REFUSED:
                message = N_("Mailboxes refuse files of this kind. Put it behind a link.")
                raise _invalid(f"{place}.name", message, "file_kind")
            found.append(File(one.name, one.media_type.lower(), data))
        size = sum(len(one.data) for one in found)
        if size > MAX_FILES_BYTES:
            message = N_("The files hold {size} octets; {limit} at most. Put them behind a link.")
            raise _invalid("attachments", message, "too_large", size=size, limit=MAX_FILES_BYTES)
        return found


def _invalid(field: str, message: str, code: str, **params: object) -> Invalid:
    return Invalid(Fault(field, message, code, params))
