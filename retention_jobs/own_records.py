"""Record of processing of the operator's own data, as its controller (GDPR, article 30(1); C-53).

What the product does by itself, with the periods of the table of retention. What the operator does beside it
(invoices, support) nobody here knows: it stands as a gap.
"""

from collections.abc import Mapping

from mailer.accounts.sub_processors import Register
from mailer.core.operator import Operator
from mailer.core.text import N_
from mailer.web import i18n
from retention_jobs.classes import CLASSES
from retention_jobs.policies import CERTIFICATE_MONTHS
from retention_jobs.processing import BASES
from retention_jobs.processing_records import NONE, SECURITY, Record, gap, places

_SECURED = N_("legitimate interest: security (articles 6(1)(f) and 32)")
_PROOF = N_("legal obligation: being able to show it (articles 5(2), 28 and 33(5))")
_TEAM = N_("Owners of accounts and the people of their teams")
# name, purposes, basis, people, data, limits: what {…} stand for is in `_periods`
ACTS: tuple[tuple[str, str, str, str, str, str], ...] = (
    (
        N_("Accounts and the people of their teams"),
        N_("Giving access, keeping the contract, telling what concerns the account"),
        BASES["service"],
        _TEAM,
        N_(
            "Name, e-mail address, language, fingerprint of the password, second factor, role; identity of"
            " the account"
        ),
        N_(
            "As long as the account, then {closed} months at most; without an account {people} months"
            " after the last sign-in"
        ),
    ),
    (
        N_("Sign-ins and journals"),
        N_("Finding misuse, telling people of sign-ins that are not theirs"),
        _SECURED,
        _TEAM,
        N_("IP address in part or whole, browser, time, action and the number of its object"),
        N_("{log} months after the sign-in or the action"),
    ),
    (
        N_("Agreements, announcements and certificates"),
        N_("Showing what was agreed, announced and erased"),
        _PROOF,
        _TEAM,
        N_("Who accepted which version and when; objections; numbers of what was erased"),
        N_("As long as the account; certificates {certificates} months after the erasure"),
    ),
    (
        N_("Breaches and requests of authorities"),
        N_("The registers that the law asks for"),
        _PROOF,
        N_("Whoever wrote for an authority or an account"),
        N_("Facts of the file, names and addresses of those who wrote"),
        N_("{registers} months after the end of the file"),
    ),
    (
        N_("Accesses of the operator's people to accounts"),
        N_("Support, and the trace of it"),
        _SECURED,
        N_("The operator's people"),
        N_("Who, which account, purpose, ticket, pages that were read"),
        N_("{accesses} months after the request"),
    ),
    (
        N_("Mails of the service, to postmaster and to abuse"),
        N_("Reaching people, hearing complaints"),
        _SECURED,
        N_("Those who write, and those who are written to"),
        N_("Address and content"),
        N_("{mails} days after they were written or came in"),
    ),
)


def _periods() -> Mapping[str, int]:
    def months(name: str) -> int:
        found = CLASSES[name].period
        assert found is not None
        return found.months

    mails = CLASSES["system mail"].period
    assert mails is not None
    return {
        "closed": months("closed"),
        "people": months("people without an account"),
        "log": months("sign-ins"),
        "certificates": CERTIFICATE_MONTHS,
        "registers": months("register of breaches"),
        "accesses": months("accesses of the operator"),
        "mails": mails.time.days,
    }


def of_operator(operator: Operator, register: Register) -> list[Record]:
    """In the columns of CONTROLLER, the last one a gap."""
    _, periods = i18n.translate, _periods()
    who = ", ".join(part for part in (operator.name, operator.registration, operator.email) if part)
    officer = operator.dpo or gap(N_("officer, or none"))
    recipients = _("; ").join(places(operator, register.current)) or _(NONE)
    found = [
        Record(
            (
                _(name),
                who,
                officer,
                _(purposes),
                _(basis),
                _(people),
                _(data),
                recipients,
                _(NONE),
                _(limits, **periods),
                _(SECURITY),
            )
        )
        for name, purposes, basis, people, data, limits in ACTS
    ]
    missing = gap(N_("what you do beside this product: invoices, support, your staff"))
    return [
        *found,
        Record((_(N_("Other processing of the operator")), who, officer, *(missing for _n in range(8)))),
    ]
