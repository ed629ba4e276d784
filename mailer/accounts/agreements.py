"""The data-processing agreement and, apart from it, the controller's responsibilities (A-016, A-019, C-50).

Both are accepted by name, in a version, with the hash of the text that was shown; that text is kept.

    nothing accepted          no contact can be stored, nothing can be sent
    an older version          from the day of the new one: no new contact by the team or a program until an
                              owner has accepted it; what is there goes on being sent, under the old agreement
    the version in force      everything; one that is announced can be accepted before its day
    an earlier wording of     everything, while the shipped text is in force: an upgrade announces nothing 30
    what Mailer ships         days ahead and stops nobody. Owners are asked on their home page to accept it
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mailer.accounts import audit, legal, policies
from mailer.accounts.policies import Version
from mailer.core import clock
from mailer.core.db import AccountTx
from mailer.core.errors import Fault, Forbidden, Invalid
from mailer.core.operator import Operator
from mailer.core.text import N_
from mailer.web import i18n

# of the text that Mailer ships; published ones have versions of their own (policies.py)
VERSION = legal.PAGES["agreement"].version
EARLIER = legal.PAGES["agreement"].earlier
RESPONSIBILITIES = legal.PAGES["responsibilities"].version
Kind = Literal["agreement", "responsibilities"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """Who accepted which version, and when. `user_id` None: accepted by a program or on the command line.

    `text_sha256`: of the text that was shown, in hexadecimal; None for what was accepted before it was kept.
    """

    id: int
    kind: Kind
    version: str
    accepted_at: datetime
    user_id: int | None
    person: str
    language: str
    text_sha256: str | None


async def latest(tx: AccountTx) -> Acceptance | None:
    """The acceptance of the version in force, or of one that is announced already; None: accept it first."""
    return await tx.first(
        Acceptance,
        """
        WITH counting AS (
            SELECT p.version
            FROM policy_versions p
            WHERE p.kind = 'agreement'
              AND p.effective_on >= (SELECT max(f.effective_on) FROM policy_versions f
                                     WHERE f.kind = 'agreement' AND f.effective_on <= $2)
            UNION ALL
            SELECT $3::text WHERE NOT EXISTS (SELECT FROM policy_versions WHERE kind = 'agreement')
        )
        SELECT a.id, a.kind, a.version, a.accepted_at, a.user_id, a.person, a.language,
               encode(a.text_sha256, 'hex') AS text_sha256
        FROM agreement_acceptances a
        WHERE a.account_id = $1 AND a.kind = 'agreement'
          AND (a.version IN (SELECT version FROM counting)
               OR a.version = ANY($4::text[]) AND $3 IN (SELECT version FROM counting))
        ORDER BY a.version = ANY($4::text[]), a.id
        LIMIT 1
        """,
        clock.now().date(),
        VERSION,
        list(EARLIER),
    )


async def reworded(tx: AccountTx) -> bool:
    """What counts was given to an earlier wording of the text that Mailer ships and that is in force."""
    found = await latest(tx)
    if found is None or found.version not in EARLIER:
        return False
    published: bool = await tx.shared().value(
        "SELECT EXISTS (SELECT FROM policy_versions WHERE kind = 'agreement' AND version = $1)", found.version
    )
    return not published


async def ever(tx: AccountTx) -> Acceptance | None:
    """The last acceptance of any version: what the account's data is processed under."""
    return await _last(tx, "agreement")


async def acknowledged(tx: AccountTx) -> Acceptance | None:
    """A-019: before the first send."""
    return await _last(tx, "responsibilities")


async def _last(tx: AccountTx, kind: Kind) -> Acceptance | None:
    return await tx.first(
        Acceptance,
        """
        SELECT id, kind, version, accepted_at, user_id, person, language,
               encode(text_sha256, 'hex') AS text_sha256
        FROM agreement_acceptances
        WHERE account_id = $1 AND kind = $2
        ORDER BY id DESC
        LIMIT 1
        """,
        kind,
    )


async def many(tx: AccountTx) -> list[Acceptance]:
    """All acceptances of the account, the newest first."""
    return await tx.many(
        Acceptance,
        """
        SELECT id, kind, version, accepted_at, user_id, person, language,
               encode(text_sha256, 'hex') AS text_sha256
        FROM agreement_acceptances
        WHERE account_id = $1
        ORDER BY id DESC
        LIMIT 100
        """,
    )


async def accepted_text(tx: AccountTx, acceptance_id: int) -> tuple[Acceptance, str]:
    """An acceptance with the text it was given to. Raises NotFound; "" when the text was not kept then."""
    found = await tx.one(
        Acceptance,
        """
        SELECT id, kind, version, accepted_at, user_id, person, language,
               encode(text_sha256, 'hex') AS text_sha256
        FROM agreement_acceptances
        WHERE account_id = $1 AND id = $2
        """,
        acceptance_id,
    )
    if found.text_sha256 is None:
        return found, ""
    return found, await policies.kept_text(tx.shared(), bytes.fromhex(found.text_sha256)) or ""


async def require(tx: AccountTx) -> None:
    """Before a contact is stored (A-016). Raises Forbidden "agreement" with a link to the page."""
    if await latest(tx) is not None:
        return
    message = N_("First accept the data processing agreement: without it no contact can be stored.")
    if await ever(tx) is not None:
        message = N_("The data processing agreement has changed: first an owner accepts its new version.")
    raise Forbidden(message, code="agreement", link=f"/app/{tx.account_id}/privacy/agreements")


async def offered(tx: AccountTx, operator: Operator) -> list[Version]:
    """What can be accepted now: the version in force, then announced ones."""
    today = clock.now().date()
    first = await policies.in_force(tx.shared(), "agreement", operator, today)
    return [first, *(one for one in await policies.ahead(tx.shared(), today) if one.kind == "agreement")]


async def accept(
    tx: AccountTx, version: str, *, person: str, user_id: int | None, operator: Operator
) -> Acceptance:
    """Accepts the version in force, or one that is announced; a second time gives the first row back.

    Raises Invalid at `version` for any other, so that nobody accepts a text that was not shown.
    """
    known = await offered(tx, operator)
    chosen = next((one for one in known if one.version == version), None)
    if chosen is None:
        raise Invalid(
            Fault(
                "version",
                N_("The version that counts now is {version}. Read it, then accept it."),
                "version",
                {"version": known[0].version},
            )
        )
    text = await policies.text_of(tx.shared(), chosen, i18n.language(), operator)
    return await _sign(tx, ("agreement", version, text), person=person, user_id=user_id)


async def acknowledge(
    tx: AccountTx, version: str, *, person: str, user_id: int | None, operator: Operator
) -> Acceptance:
    """The controller's own duties, read and taken on (A-019). Raises Invalid as above."""
    if version != RESPONSIBILITIES:
        raise Invalid(
            Fault(
                "responsibilities_version",
                N_("The version that counts now is {version}. Read it, then accept it."),
                "version",
                {"version": RESPONSIBILITIES},
            )
        )
    text = legal.shipped_text("responsibilities", i18n.language(), operator)
    return await _sign(tx, ("responsibilities", version, text), person=person, user_id=user_id)


async def _sign(
    tx: AccountTx, signed: tuple[Kind, str, str], *, person: str, user_id: int | None
) -> Acceptance:
    kind, version, text = signed
    digest = await policies.keep_text(tx.shared(), text)
    found = await tx.first(
        Acceptance,
        """
        SELECT id, kind, version, accepted_at, user_id, person, language,
               encode(text_sha256, 'hex') AS text_sha256
        FROM agreement_acceptances
        WHERE account_id = $1 AND kind = $2 AND version = $3
        ORDER BY id
        LIMIT 1
        """,
        kind,
        version,
    )
    if found is not None:
        return found
    made = await tx.one(
        Acceptance,
        """
        INSERT INTO agreement_acceptances (account_id, kind, version, user_id, person, language, text_sha256)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        RETURNING id, kind, version, accepted_at, user_id, person, language,
                  encode(text_sha256, 'hex') AS text_sha256
        """,
        kind,
        version,
        user_id,
        person,
        i18n.language(),
        digest,
    )
    await audit.write(tx, "accepted", "agreement" if kind == "agreement" else "responsibilities", made.id)
    return made
