"""Sign-up forms as their builder holds them: a draft. What people read is frozen in `signup_versions`.

create ─▶ change … ─▶ publish ─▶ version 1 ─▶ change … ─▶ publish ─▶ version 2 … ─▶ unpublish, delete
"""

import base64
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from lists.contacts import Id
from mailer.accounts import audit
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict, Fault, Invalid, NotFound, conflict, fault
from mailer.core.paging import Page, decode, page
from mailer.core.text import N_
from mailer.web.request import Input, check

MAX_FORMS, MAX_FIELDS, MAX_PURPOSES = 500, 20, 10
YOUNGEST, OF_AGE = 13, 18  # nobody below 13 is ever asked for
IN_FRANCE = 15  # LIL art. 45: below, a person with parental authority has to agree as well
NAMES = ("first_name", "last_name")
NAME_TAKEN = N_("A form is already called “{name}”. Choose another name.")
CHANGED_MEANWHILE = N_(
    "Somebody saved this form meanwhile. Yours is below, not saved; saving again replaces theirs."
)
TWICE = N_("This is in the form twice. Keep it once.")
NOT_HTTPS = N_("Write the whole address, beginning with https://")
TOO_PALE = N_("This colour is too pale on white. Choose a darker one.")
_HTTPS = re.compile(r"https://[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?(?:[/?#][!-~]*)?")


def luminance(colour: str) -> float:
    """Relative, of "#rrggbb" (WCAG 2.2)."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4) for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def text_on(colour: str) -> str:
    """White or black, whichever reads at 4.5:1 on this colour; one of them always does."""
    return "#ffffff" if 1.05 / (luminance(colour) + 0.05) >= 4.5 else "#000000"


def _one_ending(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


Line = Annotated[str, Field(max_length=120)]
Label = Annotated[str, Field(max_length=80)]
Text = Annotated[str, Field(max_length=3000), AfterValidator(_one_ending)]
Address = Annotated[str, Field(max_length=500)]
Name = Annotated[str, Field(min_length=1, max_length=120)]
Key = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z][a-z0-9_]*$")]
Colour = Annotated[str, Field(pattern=r"^(#[0-9a-fA-F]{6})?$")]
Age = Annotated[int, Field(ge=YOUNGEST, le=OF_AGE)]
Reason = Annotated[str, Field(max_length=500)]
AgeRule = Literal["none", "statement", "birth_date"]
Younger = Literal["refuse", "guardian"]


class AskedField(Input):
    """`key`: first_name, last_name, or of a field of the account. `label` "": its usual one."""

    key: Key
    label: Label = ""
    required: bool = False


class AskedPurpose(Input):
    """One box, never ticked beforehand. `text` "": made of the list's name, purpose and frequency."""

    list_id: Id
    text: Annotated[str, Field(max_length=500), AfterValidator(_one_ending)] = ""


Fields = Annotated[list[AskedField], Field(max_length=MAX_FIELDS)]
Purposes = Annotated[list[AskedPurpose], Field(max_length=MAX_PURPOSES)]


class Draft(Input):
    """Everything a form says. Texts that are "" take the usual words in the form's language.

    `younger`: below `minimum_age` refused, or taken when a person with parental authority agrees.
    """

    name: Name
    language: Literal["fr", "en"] = "fr"
    title: Line = ""
    intro: Text = ""
    button: Annotated[str, Field(max_length=60)] = ""
    fields: Fields = []
    purposes: Purposes = []
    ask_opens: bool = False
    ask_clicks: bool = False
    age_rule: AgeRule = "none"
    minimum_age: Age = IN_FRANCE
    younger: Younger = "refuse"
    privacy_text: Text = ""
    privacy_url: Address = ""
    double_opt_in: bool = True
    single_reason: Reason = ""
    thanks: Text = ""
    redirect_url: Address = ""
    accent: Colour = ""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        faults = [
            Fault(name, NOT_HTTPS, "https")
            for name, text in (("privacy_url", self.privacy_url), ("redirect_url", self.redirect_url))
            if text and not _HTTPS.fullmatch(text)
        ]
        # WCAG 1.4.11: a control keeps 3:1 to what it lies on
        if self.accent and 1.05 / (luminance(self.accent) + 0.05) < 3:
            faults.append(Fault("accent", TOO_PALE, "contrast"))
        keys, list_ids = [one.key for one in self.fields], [one.list_id for one in self.purposes]
        faults += [Fault(f"fields.{n}.key", TWICE, "twice") for n, key in enumerate(keys) if key in keys[:n]]
        faults += [
            Fault(f"purposes.{n}.list_id", TWICE, "twice")
            for n, list_id in enumerate(list_ids)
            if list_id in list_ids[:n]
        ]
        if faults:
            raise Invalid(*faults)
        return self


class FormChange(Input):
    """What is None stays; `fields` and `purposes` replace the whole row of them."""

    name: Name | None = None
    language: Literal["fr", "en"] | None = None
    title: Line | None = None
    intro: Text | None = None
    button: Annotated[str, Field(max_length=60)] | None = None
    fields: Fields | None = None
    purposes: Purposes | None = None
    ask_opens: bool | None = None
    ask_clicks: bool | None = None
    age_rule: AgeRule | None = None
    minimum_age: Age | None = None
    younger: Younger | None = None
    privacy_text: Text | None = None
    privacy_url: Address | None = None
    double_opt_in: bool | None = None
    single_reason: Reason | None = None
    thanks: Text | None = None
    redirect_url: Address | None = None
    accent: Colour | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignupForm:
    """`version` None: not published. `asked`, `confirmed`: how many signed up, and confirmed."""

    id: int
    name: str
    public_key: str
    draft: dict[str, Any]
    revision: int
    version: int | None
    published_at: datetime | None
    asked: int
    confirmed: int
    created_at: datetime
    updated_at: datetime

    @property
    def content(self) -> Draft:
        return Draft.model_validate({**self.draft, "name": self.name})


@dataclass(frozen=True, slots=True, kw_only=True)
class FormLine:
    """A row of the table of forms. `lists`: the names of the lists that its draft offers."""

    id: int
    name: str
    lists: list[str]
    version: int | None
    published_at: datetime | None
    asked: int
    confirmed: int


async def create(tx: AccountTx, new: Draft) -> SignupForm:
    """Raises Conflict at `name`, Invalid past 500 forms."""
    count: int = await tx.value(
        "SELECT count(*) FROM signup_forms WHERE account_id = $1 AND deleted_at IS NULL"
    )
    if count >= MAX_FORMS:
        raise fault("name", N_("An account has at most {limit} forms."), code="too_many", limit=MAX_FORMS)
    with conflict("signup_forms_name", "name", NAME_TAKEN, name=new.name):
        form_id: int = await tx.value(
            """
            INSERT INTO signup_forms (account_id, name, public_key, draft)
            VALUES ($1, $2, $3, $4)
            RETURNING id
            """,
            new.name,
            base64.b32encode(secrets.token_bytes(10)).decode().lower(),
            new.model_dump(exclude={"name"}),
        )
    await audit.write(tx, "created", "signup_form", form_id)
    return await show(tx, form_id)


async def show(tx: AccountTx, form_id: int) -> SignupForm:
    """Raises NotFound, also for a deleted form."""
    return await tx.one(
        SignupForm,
        """
        SELECT id, name, public_key, draft, revision, version, published_at, asked, confirmed, created_at,
               updated_at
        FROM signup_forms
        WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL
        """,
        form_id,
    )


async def many(tx: AccountTx, *, cursor: str | None = None, limit: int = 50) -> Page[FormLine]:
    """By name."""
    after = decode(cursor, (str,))
    rows = await tx.many(
        FormLine,
        """
        SELECT f.id, f.name, f.version, f.published_at, f.asked, f.confirmed,
               ARRAY(SELECT l.name
                     FROM jsonb_array_elements(f.draft -> 'purposes') WITH ORDINALITY AS p (asked, place)
                     JOIN mailing_lists l ON l.account_id = $1 AND l.id = (p.asked ->> 'list_id')::bigint
                                         AND l.deleted_at IS NULL
                     ORDER BY p.place) AS lists
        FROM signup_forms f
        WHERE f.account_id = $1 AND f.deleted_at IS NULL AND f.name > $2
        ORDER BY f.name
        LIMIT $3
        """,
        after[0] if after else "",
        limit + 1,
    )
    return page(rows, limit, key=lambda row: (row.name,))


async def write(tx: AccountTx, form_id: int, draft: Draft, *, revision: int | None = None) -> SignupForm:
    """The whole draft anew. Raises NotFound, Conflict at `name`, and at `revision` when that is over."""
    with conflict("signup_forms_name", "name", NAME_TAKEN, name=draft.name):
        touched = await tx.run(
            """
            UPDATE signup_forms
            SET name = $3, draft = $4, revision = revision + 1, updated_at = now()
            WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL AND revision = coalesce($5, revision)
            """,
            form_id,
            draft.name,
            draft.model_dump(exclude={"name"}),
            revision,
        )
    found = await show(tx, form_id)
    if not touched:
        raise Conflict(Fault("revision", CHANGED_MEANWHILE, "revision"))
    await audit.write(tx, "changed", "signup_form", form_id)
    return found


async def change(tx: AccountTx, form_id: int, wanted: FormChange) -> SignupForm:
    """Raises NotFound, Invalid, Conflict at `name`."""
    given = {name: value for name, value in wanted.model_dump().items() if value is not None}
    before = await show(tx, form_id)
    return await write(
        tx, form_id, check(Draft, before.content.model_dump() | given), revision=before.revision
    )


async def delete(tx: AccountTx, form_id: int) -> None:
    """Closes its public page for good. What people read and agreed to stays with their proofs (B-25).

    Raises NotFound.
    """
    if not await tx.run(
        """
        UPDATE signup_forms
        SET deleted_at = now(), version = NULL, published_at = NULL
        WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL
        """,
        form_id,
    ):
        raise NotFound
    await audit.write(tx, "deleted", "signup_form", form_id)
