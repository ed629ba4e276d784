"""Records of processing (GDPR, article 30): an account's as controller, the operator's as processor (C-53).

Made from the tables on the day they are asked for, never stored. As CSV a record is a line, as Markdown a
heading.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mailer.accounts import prose
from mailer.accounts.sub_processors import Register, SubProcessor
from mailer.core.db import SharedTx
from mailer.core.operator import Operator
from mailer.core.text import N_
from mailer.web import i18n
from retention_jobs.processing import BASES, KINDS, Periods, Processing, Purpose

CONTROLLER = (
    N_("Processing"),
    N_("Controller"),
    N_("Data protection officer"),
    N_("Purposes"),
    N_("Legal basis"),
    N_("People"),
    N_("Data"),
    N_("Recipients"),
    N_("Transfers outside the EU and the EEA"),
    N_("Time limits"),
    N_("Security"),
)
PROCESSOR = (
    N_("Controller"),
    N_("Contact"),
    N_("Data protection officer"),
    N_("Categories of processing"),
    N_("Processor"),
    N_("Sub-processors"),
    N_("Transfers outside the EU and the EEA"),
    N_("Security"),
    N_("Since"),
)
SECURITY = N_(
    "Encrypted exchanges; accounts walled off in the database; content sealed under a key of the day that"
    " is destroyed; rights by role; log of actions; argon2id for passwords; erasure by itself"
)
_CATEGORIES = N_(
    "Storing contacts and proofs of consent; sending e-mails; receiving unsubscribes and bounces; measuring"
    " opens and clicks of people who accepted it; exports; erasure"
)
NONE = N_("none")
_CLAUSE = N_("confidentiality clause")
_CONTRACT, _CONSENT = BASES["service"], BASES["consent"]


@dataclass(frozen=True, slots=True)
class Record:
    """Texts in the order of the columns."""

    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """A controller whose account is not closed."""

    id: int
    name: str
    legal_name: str
    postal_address: str
    country: str
    contact_email: str
    dpo: str
    without_dpo: bool
    created_at: datetime


def gap(what: str) -> str:
    """What is missing, for everybody to see."""
    return i18n.translate(N_("[to be completed: {what}]"), what=i18n.translate(what))


def clause(one: SubProcessor) -> str:
    """Is it bound to secrecy (A-125)?"""
    if one.confidentiality is None:
        return gap(_CLAUSE)
    return i18n.translate(
        N_("confidentiality clause: yes") if one.confidentiality else N_("confidentiality clause: no")
    )


def places(operator: Operator, parts: Sequence[SubProcessor]) -> list[str]:
    """Where data lies or passes: hosts, then sub-processors."""
    names = dict(i18n.countries())
    return [
        f"{one.name} ({one.service}, {names.get(one.country, one.country)})" for one in operator.hosts
    ] + [f"{one.name} ({one.service}, {names.get(one.country, one.country)}, {clause(one)})" for one in parts]


def of_controller(found: Processing) -> list[Record]:
    """One processing for each list, then those that every account has."""
    return [
        *(_list(found, one) for one in found.purposes),
        *([_row(found, _transactional(found.periods))] if found.transactional else []),
        _row(found, _refusals()),
        *([_row(found, _measurement(found))] if found.measures else []),
    ]


@dataclass(frozen=True, slots=True)
class _Act:
    name: str
    purposes: str
    basis: str
    data: str
    limits: str


def _row(found: Processing, act: _Act) -> Record:
    account, said, _ = found.account, found.said, i18n.translate
    who = ", ".join(
        part for part in (account.legal_name, account.postal_address, account.contact_email) if part
    )
    officer = said.dpo or (_(N_("none appointed")) if said.without_dpo else gap(N_("officer, or none")))
    recipients = [
        found.operator.name,
        *(f"{one.name} ({clause(one)})" for one in found.sub_processors),
        *(f"{one.label} ({one.country or '?'})" for one in found.destinations),
    ]
    outside = [f"{one.label} ({one.country}): {one.safeguards or one.decision}" for one in found.outside]
    return Record(
        (
            act.name,
            who or gap(N_("name and address of the organisation")),
            officer,
            act.purposes,
            act.basis,
            _(N_("Contacts: customers, members, subscribers, prospects")),
            act.data,
            _("; ").join([*recipients, said.other_recipients or gap(N_("other recipients"))]),
            _("; ").join([*outside, said.transfers or gap(N_("transfers, or none"))]),
            act.limits,
            _(SECURITY),
        )
    )


def _list(found: Processing, one: Purpose) -> Record:
    _ = i18n.translate
    known = _(N_("E-mail address, first name, last name, language, subscriptions and proofs"))
    limits = _(
        N_(
            "Content until {content} days after the last attempt, opens and clicks until {statistics} months"
            " after they happened; contacts until they leave, and asked after {inactive} months without a"
            " sign"
        ),
        content=found.periods.content_days,
        statistics=found.periods.statistics_months,
        inactive=found.periods.inactive_months,
    )
    return _row(
        found,
        _Act(
            f"{one.name} ({_(KINDS[one.kind])})",
            one.purpose or gap(N_("purpose of this list")),
            _("; ").join(_(BASES[basis]) for basis in one.bases) or gap(N_("legal basis")),
            ", ".join([known, *found.fields]),
            limits,
        ),
    )


def _transactional(periods: Periods) -> _Act:
    _ = i18n.translate
    return _Act(
        _(N_("Transactional messages")),
        _(N_("Messages about an account, an order or a request")),
        _(_CONTRACT),
        _(N_("E-mail address, content of the message, what became of it")),
        _(
            N_(
                "Content until {content} days after the last attempt, the rest until {statistics} months"
                " after it"
            ),
            content=periods.content_days,
            statistics=periods.statistics_months,
        ),
    )


def _refusals() -> _Act:
    _ = i18n.translate
    return _Act(
        _(N_("Suppression list")),
        _(N_("Never to write again to whoever refused")),
        _(N_("legal obligation and legitimate interest (article 6(1)(c) and (f), article 21)")),
        _(N_("Fingerprint of the address, reason, day")),
        _(N_("As long as the account exists")),
    )


def _measurement(found: Processing) -> _Act:
    _ = i18n.translate
    return _Act(
        _(N_("Measurement of opens and clicks")),
        _(N_("Knowing what is read, to write better messages")),
        _(_CONSENT),
        _(N_("Opens and clicks of contacts who accepted it; totals of the others")),
        _(N_("{statistics} months after the open or click"), statistics=found.periods.statistics_months),
    )


async def tenants(tx: SharedTx, after: int, limit: int) -> list[Tenant]:
    """Accounts that are not closed, by id."""
    return await tx.many(
        Tenant,
        """
        SELECT id, name, legal_name, postal_address, country, contact_email, dpo, without_dpo, created_at
        FROM accounts
        WHERE id > $1 AND status <> 'closed' AND NOT sample
        ORDER BY id
        LIMIT $2
        """,
        after,
        limit,
    )


def of_processor(tenant: Tenant, operator: Operator, register: Register) -> Record:
    """What the operator does for one controller (article 30(2))."""
    _ = i18n.translate
    names = dict(i18n.countries())
    who = ", ".join(
        part
        for part in (tenant.legal_name or tenant.name, tenant.postal_address, names.get(tenant.country, ""))
        if part
    )
    officer = tenant.dpo or (_(N_("none appointed")) if tenant.without_dpo else gap(N_("officer, or none")))
    return Record(
        (
            who,
            tenant.contact_email or gap(N_("e-mail address")),
            officer,
            _(_CATEGORIES),
            ", ".join(part for part in (operator.name, operator.registration, operator.dpo) if part),
            _("; ").join(places(operator, register.current)) or _(NONE),
            _(NONE),
            _(SECURITY),
            i18n.day(tenant.created_at),
        )
    )


def table(columns: Sequence[str], records: Sequence[Record]) -> list[Sequence[str]]:
    """With its headings, for CSV."""
    return [[i18n.translate(column) for column in columns], *(record.cells for record in records)]


def markdown(columns: Sequence[str], records: Sequence[Record], said: str) -> str:
    """`said` stands above: whose record, and of which day."""
    pieces = [prose.plain(said)]
    for record in records:
        pieces.append(f"## {prose.plain(record.cells[0])}")
        pieces.append(
            "\n".join(
                f"- **{prose.plain(i18n.translate(column))}** – {prose.plain(cell)}"
                for column, cell in zip(columns[1:], record.cells[1:], strict=True)
            )
        )
    return "\n\n".join(pieces) + "\n"
