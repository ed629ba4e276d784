"""Every word that people read on a sign-up form, made of its draft in the form's own language (B-20, B-38).

No box can come ticked, none but those of the lists is needed, and none of those is tied to another.
"""

import re
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from lists import fields, signup_forms
from lists.field_values import FieldType
from lists.fields import Field
from lists.signup_forms import YOUNGEST, AgeRule, AskedField, AskedPurpose, Draft
from mailer.accounts import identity
from mailer.accounts.identity import Identity
from mailer.core.db import AccountTx
from mailer.core.text import N_
from mailer.web import i18n

# a date of birth by its label or key, in both languages
_BIRTH = re.compile(r"naiss|birth|anniv|\bné", re.I)


class Kept(BaseModel):
    """As it stands in jsonb; later versions of this program may have added to it."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class FrozenField(Kept):
    """`birth`: a date of birth, so that the age rule looks at it (A-060)."""

    key: str
    label: str
    type: FieldType = FieldType.TEXT
    required: bool = False
    birth: bool = False

    @property
    def input_name(self) -> str:
        return self.key if self.key in signup_forms.NAMES else f"field_{self.key}"


class FrozenPurpose(Kept):
    list_id: int
    list_name: str
    text: str


class Frozen(Kept):
    """All that people read. `opens`, `clicks`, `age_text`, `guardian_text` "": not asked."""

    language: Literal["fr", "en"]
    title: str
    intro: str
    button: str
    fields: list[FrozenField]
    purposes: list[FrozenPurpose]
    opens: str
    clicks: str
    age_rule: AgeRule
    minimum_age: int
    age_text: str
    guardian_text: str
    privacy_text: str
    privacy_url: str
    change_of_mind: str
    controller: str
    controller_address: str
    controller_contact: str
    double_opt_in: bool
    single_reason: str
    thanks: str
    redirect_url: str
    accent: str

    @property
    def asks_age(self) -> bool:
        return self.age_rule != "none"

    @property
    def accent_text(self) -> str:
        return signup_forms.text_on(self.accent) if self.accent else ""


@dataclass(frozen=True, slots=True)
class Offered:
    """A list as the form offers it."""

    id: int
    public_name: str
    purpose: str
    frequency: str
    double_opt_in: bool


async def offered(tx: AccountTx, draft: Draft) -> dict[int, Offered]:
    found = await tx.many(
        Offered,
        """
        SELECT id, public_name, purpose, frequency, double_opt_in
        FROM mailing_lists
        WHERE account_id = $1 AND id = ANY($2::bigint[]) AND deleted_at IS NULL
        """,
        [one.list_id for one in draft.purposes],
    )
    return {one.id: one for one in found}


async def freeze(tx: AccountTx, draft: Draft, *, processor: str) -> Frozen:
    """The draft's words as people would read them now, without lists and fields that are gone."""
    who = await identity.of(tx)
    lists = await offered(tx, draft)
    known = {one.key: one for one in await fields.many(tx)}
    with i18n.speaking(draft.language):
        return _frozen(draft, who, lists, known, processor=processor)


def _frozen(
    draft: Draft, who: Identity, lists: dict[int, Offered], known: dict[str, Field], *, processor: str
) -> Frozen:
    sender = who.legal_name or who.account_name
    names = {"sender": sender, "processor": processor}
    purposes = [_purpose(one, lists[one.list_id], sender) for one in draft.purposes if one.list_id in lists]
    guardian = draft.younger == "guardian" and draft.minimum_age > YOUNGEST and draft.age_rule != "none"
    return Frozen(
        language=draft.language,
        title=draft.title or i18n.translate("Receive our e-mails"),
        intro=draft.intro,
        button=draft.button or i18n.translate("Subscribe"),
        fields=[
            _field(one, known) for one in draft.fields if one.key in known or one.key in signup_forms.NAMES
        ],
        purposes=purposes,
        opens=i18n.translate(OPENS, **names) if draft.ask_opens else "",
        clicks=i18n.translate(CLICKS, **names) if draft.ask_clicks else "",
        age_rule=draft.age_rule,
        minimum_age=draft.minimum_age,
        age_text=_age_text(draft),
        guardian_text=i18n.translate(GUARDIAN, age=draft.minimum_age) if guardian else "",
        privacy_text=draft.privacy_text,
        privacy_url=draft.privacy_url,
        change_of_mind=i18n.translate(
            "You can change your mind at any time: every message lets you stop, as easily as here."
        ),
        controller=sender,
        controller_address=who.postal_address,
        controller_contact=who.contact_email,
        double_opt_in=draft.double_opt_in,
        single_reason="" if draft.double_opt_in else draft.single_reason,
        thanks=draft.thanks,
        redirect_url=draft.redirect_url,
        accent=draft.accent.lower(),
    )


OPENS = N_(
    "I agree that {sender} measures whether and when I open its messages, to write better ones. {processor}"
    " measures on its behalf and keeps it for 13 months at most. Saying no changes nothing in what I receive."
)
CLICKS = N_(
    "I agree that {sender} measures which links of its messages I follow, to write better ones. {processor}"
    " measures on its behalf and keeps it for 13 months at most. Saying no changes nothing in what I receive."
)
GUARDIAN = N_(
    "I am under {age} and at least 13, and a person who holds parental authority agrees to this with me."
)


def _age_text(draft: Draft) -> str:
    match draft.age_rule:
        case "statement":
            return i18n.translate("I am {age} or older.", age=draft.minimum_age)
        case "birth_date":
            return i18n.translate("Date of birth")
    return ""


def _purpose(asked: AskedPurpose, listed: Offered, sender: str) -> FrozenPurpose:
    text = asked.text
    if not text:
        about = ", ".join(part for part in (listed.purpose, listed.frequency) if part)
        text = i18n.translate(
            "I would like to receive “{list}” from {sender} by e-mail.",
            list=listed.public_name,
            sender=sender,
        )
        text = f"{text} ({about})" if about else text
    return FrozenPurpose(list_id=listed.id, list_name=listed.public_name, text=text)


USUAL = {"first_name": N_("First name"), "last_name": N_("Last name")}


def _field(asked: AskedField, known: dict[str, Field]) -> FrozenField:
    if asked.key in USUAL:
        label = asked.label or i18n.translate(USUAL[asked.key])
        return FrozenField(key=asked.key, label=label, required=asked.required)
    field = known[asked.key]
    label = asked.label or field.label
    return FrozenField(
        key=field.key,
        label=label,
        type=field.type,
        # C-04, B-20: a box that has to be ticked is how terms are tied to a consent
        required=asked.required and field.type is not FieldType.BOOLEAN,
        birth=field.type is FieldType.DATE and bool(_BIRTH.search(f"{label} {field.label} {field.key}")),
    )
