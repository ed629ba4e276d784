"""What each legal basis needs before anybody may be written to on it (B-20, B-22, B-23).

consent            where the agreement comes from
existing_customer  + since when a customer, of which products, and that refusing was offered at the sale
b2b_interest       + since when informed; a professional address: no mailbox of a free provider
service            where the address comes from; opens no newsletter and no promotion
"""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from mailer.core import addresses, clock
from mailer.core.errors import Fault
from mailer.core.text import N_
from mailer.web.request import Input

LegalBasis = Literal["consent", "existing_customer", "b2b_interest", "service"]
NEEDS_SINCE = N_("Say since when these people are customers: the day of the sale or of the first one.")
NEEDS_PRODUCTS = N_("Say what they bought: only similar products of yours may be written about.")
NEEDS_REFUSAL = N_("Without a free way to refuse when the address was taken, customers need to agree first.")
NEEDS_INFORMED = N_("Say when the person was told that you write to their professional address.")
FUTURE = N_("This day has not come yet. Write a day in the past.")


def _empty(value: Any) -> Any:
    """What a form sends for a day left open."""
    return None if value == "" else value


Day = Annotated[date | None, BeforeValidator(_empty)]


class BasisEvidence(Input):
    """`customer_since`, `products`, `could_refuse`: for existing customers (the day of the sale, the family
    of products, a free refusal offered when the address was taken). `informed_on`: for professional interest.
    """

    customer_since: Day = None
    products: Annotated[str, Field(max_length=200)] = ""
    could_refuse: bool = False
    informed_on: Day = None

    def date_for(self, legal_basis: str) -> date | None:
        """The day that this basis counts from."""
        return {"existing_customer": self.customer_since, "b2b_interest": self.informed_on}.get(legal_basis)

    def about_for(self, legal_basis: str) -> str:
        return self.products if legal_basis == "existing_customer" else ""


def faults(legal_basis: str, given: BasisEvidence) -> list[Fault]:
    """What is missing or cannot be, each at its input."""
    found: list[Fault] = []
    match legal_basis:
        case "existing_customer":
            found += _day("customer_since", given.customer_since, NEEDS_SINCE)
            if not given.products:
                found.append(Fault("products", NEEDS_PRODUCTS, "missing"))
            if not given.could_refuse:
                found.append(Fault("could_refuse", NEEDS_REFUSAL, "no_refusal_offered"))
        case "b2b_interest":
            found += _day("informed_on", given.informed_on, NEEDS_INFORMED)
    return found


def _day(name: str, day: date | None, missing: str) -> Iterable[Fault]:
    if day is None:
        yield Fault(name, missing, "missing")
    # a day later than anywhere on earth
    elif day > (clock.now() + timedelta(hours=14)).date():
        yield Fault(name, FUTURE, "future")


def fits(legal_basis: str, address_key: str) -> bool:
    """B-23: business interest is about a profession, so a mailbox provider's address cannot show it."""
    return legal_basis != "b2b_interest" or not addresses.is_free_mail(addresses.domain_of(address_key))
