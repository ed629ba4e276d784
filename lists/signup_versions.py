"""A publication of a sign-up form: every word that people read, frozen under a number (B-25, A-111).

draft ─▶ freeze ─▶ missing? ─▶ publish ─▶ version n, shown from here on; older ones stay, since a page of the
author's own site may hold the HTML of an older one for years, and each proof names what its person read.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from lists import signup_forms, signup_words
from lists.signup_forms import Draft, SignupForm
from lists.signup_words import Frozen, Offered
from mailer.accounts import agreements, audit, identity
from mailer.core import addresses
from mailer.core.db import AccountTx
from mailer.core.errors import Fault, Invalid, NotFound
from mailer.core.paging import Page
from mailer.core.text import N_

# B-20: consent stands alone
_TERMS = re.compile(
    r"\bCG[UV]S?\b|conditions (générales|d.utilisation|de vente)|terms (of|and) |\bterms\b", re.I
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A version that somebody reads. `live`: those of its lists that are still there."""

    form_id: int
    public_key: str
    version: int
    frozen: dict[str, Any]
    live: list[int]

    @property
    def words(self) -> Frozen:
        """Nobody is offered a list that is no more."""
        words = Frozen.model_validate(self.frozen)
        offered = [one for one in words.purposes if one.list_id in self.live]
        return words.model_copy(update={"purposes": offered})


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    version: int
    published_at: datetime


# ---------------------------------------------------------------- what is missing


async def missing(tx: AccountTx, draft: Draft, frozen: Frozen) -> list[Fault]:
    """Why this cannot be published, each at its field; empty when it can (A-111)."""
    who = await identity.of(tx)
    lists = await signup_words.offered(tx, draft)
    found = []
    if not who.complete:
        found.append(
            Fault("identity", N_("Say who writes: name, postal address, contact address."), "missing")
        )
    if await agreements.latest(tx) is None:
        found.append(Fault("agreement", N_("Accept the data processing agreement."), "missing"))
    if not draft.purposes:
        found.append(Fault("purposes", N_("Offer one list at least."), "missing"))
    for n, asked in enumerate(draft.purposes):
        if asked.list_id not in lists:
            found.append(Fault(f"purposes.{n}.list_id", N_("This list is deleted."), "unknown_list"))
        elif _TERMS.search(asked.text):
            message = N_("A consent stands alone: take the terms and conditions out of this box.")
            found.append(Fault(f"purposes.{n}.text", message, "terms"))
    kept = {one.key for one in frozen.fields}
    for n, field in enumerate(draft.fields):
        if field.key not in kept:
            found.append(Fault(f"fields.{n}.key", N_("This field is deleted."), "unknown_field"))
    if draft.age_rule == "none" and any(field.birth for field in frozen.fields):
        message = N_("This form asks for a date of birth: choose an age rule.")
        found.append(Fault("age_rule", message, "missing"))
    if not draft.privacy_text and not draft.privacy_url:
        message = N_("Say what becomes of the data, or give the address of your privacy policy.")
        found.append(Fault("privacy_url", message, "missing"))
    found += _single(draft, lists)
    if draft.redirect_url and not _own_site(draft.redirect_url, await own_domains(tx)):
        message = N_("Lead to your own site: a domain that you send from, or that of your contact address.")
        found.append(Fault("redirect_url", message, "foreign"))
    return found


def _single(draft: Draft, lists: dict[int, Offered]) -> list[Fault]:
    if draft.double_opt_in:
        return []
    found = []
    if len(draft.single_reason) < 10:
        message = N_("Say why no confirmation by e-mail is needed.")
        found.append(Fault("single_reason", message, "missing"))
    strict = [lists[one.list_id].public_name for one in draft.purposes if one.list_id in lists
              and lists[one.list_id].double_opt_in]  # fmt: skip
    if strict:
        message = N_("The list “{list}” asks for a confirmation by e-mail; so does this form, then.")
        found.append(Fault("double_opt_in", message, "double_opt_in", {"list": strict[0]}))
    return found


async def own_domains(tx: AccountTx) -> set[str]:
    """Domains that the account has shown to be its own, and the one of the address that recipients read."""
    rows = await tx.rows(
        """
        SELECT name FROM domains WHERE account_id = $1 AND verified_at IS NOT NULL
        UNION
        SELECT split_part(address_key, '@', 2) FROM senders WHERE account_id = $1 AND status = 'confirmed'
        UNION
        SELECT lower(split_part(contact_email, '@', 2)) FROM accounts WHERE id = $1
        """
    )
    return {name for (name,) in rows if name and not addresses.is_free_mail(name)}


def _own_site(url: str, domains: set[str]) -> bool:
    """Also beside it: who sends from news.pain.test has www.pain.test, too."""
    host = (urlsplit(url).hostname or "").lower().removeprefix("www.")
    return any(
        host == name or host.endswith(f".{name}") or (name.endswith(f".{host}") and host.count(".") >= 1)
        for name in domains
    )


# ---------------------------------------------------------------- publish


async def publish(tx: AccountTx, form_id: int, *, processor: str) -> SignupForm:
    """Shows the draft's words from now on. The same words as before make no new version.

    Raises NotFound, Invalid with everything that is missing (A-111).
    """
    await tx.run("SELECT FROM signup_forms WHERE account_id = $1 AND id = $2 FOR UPDATE", form_id)
    form = await signup_forms.show(tx, form_id)
    frozen = await signup_words.freeze(tx, form.content, processor=processor)
    faults = await missing(tx, form.content, frozen)
    if faults:
        raise Invalid(*faults)
    latest = await tx.rows(
        """
        SELECT version, frozen
        FROM signup_form_versions
        WHERE account_id = $1 AND form_id = $2
        ORDER BY version DESC
        LIMIT 1
        """,
        form_id,
    )
    number, before = latest[0] if latest else (0, None)
    words = frozen.model_dump(mode="json")
    if words != before:
        number += 1
        await tx.run(
            "INSERT INTO signup_form_versions (account_id, form_id, version, frozen) VALUES ($1, $2, $3, $4)",
            form_id,
            number,
            words,
        )
    if number != form.version:
        await tx.run(
            """
            UPDATE signup_forms
            SET version = $3, published_at = now()
            WHERE account_id = $1 AND id = $2
            """,
            form_id,
            number,
        )
        await audit.write(tx, "published", "signup_form", form_id)
    return await signup_forms.show(tx, form_id)


async def unpublish(tx: AccountTx, form_id: int) -> SignupForm:
    """Closes the public page until the next publication. Raises NotFound."""
    if await tx.run(
        """
        UPDATE signup_forms
        SET version = NULL, published_at = NULL
        WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL AND version IS NOT NULL
        """,
        form_id,
    ):
        await audit.write(tx, "unpublished", "signup_form", form_id)
    return await signup_forms.show(tx, form_id)


async def published(tx: AccountTx, public_key: str) -> Published | None:
    """What is shown at a public address; None when it is closed. Raises NotFound when there is none."""
    found = await tx.first(
        Published,
        """
        SELECT f.id AS form_id, f.public_key, v.version, v.frozen,
               ARRAY(SELECT l.id
                     FROM jsonb_array_elements(v.frozen -> 'purposes') AS p (box)
                     JOIN mailing_lists l ON l.account_id = $1 AND l.id = (p.box ->> 'list_id')::bigint
                                         AND l.deleted_at IS NULL) AS live
        FROM signup_forms f
        JOIN signup_form_versions v ON v.account_id = $1 AND v.form_id = f.id AND v.version = f.version
        WHERE f.account_id = $1 AND f.public_key = $2
        """,
        public_key,
    )
    if found is None and not await tx.value(
        "SELECT true FROM signup_forms WHERE account_id = $1 AND public_key = $2", public_key
    ):
        raise NotFound
    return found


async def published_as(tx: AccountTx, form: Published, version: int) -> Published:
    """The version that somebody read earlier, with what the form still offers today.

    The one of today when there never was such a one.
    """
    found = await tx.first(
        Published,
        """
        SELECT form_id, $4::text AS public_key, version, frozen, $5::bigint[] AS live
        FROM signup_form_versions
        WHERE account_id = $1 AND form_id = $2 AND version = $3
        """,
        form.form_id,
        version,
        form.public_key,
        [one.list_id for one in form.words.purposes],
    )
    return found or form


async def many(tx: AccountTx, form_id: int) -> Page[Publication]:
    """The newest first, 1,000 at most. Raises NotFound."""
    await signup_forms.show(tx, form_id)
    return Page(
        await tx.many(
            Publication,
            """
            SELECT version, published_at
            FROM signup_form_versions
            WHERE account_id = $1 AND form_id = $2
            ORDER BY version DESC
            LIMIT 1000
            """,
            form_id,
        )
    )


async def publication(tx: AccountTx, form_id: int, version: int) -> Publication:
    """Raises NotFound."""
    return await tx.one(
        Publication,
        """
        SELECT version, published_at
        FROM signup_form_versions
        WHERE account_id = $1 AND form_id = $2 AND version = $3
        """,
        form_id,
        version,
    )


async def of_version(tx: AccountTx, form_id: int, version: int) -> Frozen:
    """As it was read, also of a deleted form. Raises NotFound."""
    found: dict[str, Any] | None = await tx.value(
        "SELECT frozen FROM signup_form_versions WHERE account_id = $1 AND form_id = $2 AND version = $3",
        form_id,
        version,
    )
    if found is None:
        raise NotFound
    return Frozen.model_validate(found)
