"""Where personal data may go: the EU and the EEA, countries with an adequacy decision, and the rest (A-028).

GDPR article 45: the Commission's decisions, each by its number, as published up to `AS_OF`; what was added,
ended or struck down since is not known here until the next release.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from mailer.core.operator import EEA

AS_OF = date(2026, 5, 6)


class Region(StrEnum):
    """PARTIAL: the decision covers some recipients only; which they are has to be said."""

    EEA = "eea"
    ADEQUATE = "adequate"
    PARTIAL = "partial"
    OUTSIDE = "outside"
    UNKNOWN = "unknown"

    @property
    def needs_ground(self) -> bool:
        """Somebody has to say on what ground data go there (articles 45 and 46)."""
        return self in (Region.PARTIAL, Region.OUTSIDE)


@dataclass(frozen=True, slots=True)
class Decision:
    number: str
    partial: bool = False


ADEQUACY = {
    "AD": Decision("2010/625/EU"),
    "AR": Decision("2003/490/EC"),
    "BR": Decision("(EU) 2026/179"),
    "CA": Decision("2002/2/EC", partial=True),  # commercial organisations
    "CH": Decision("2000/518/EC"),
    "FO": Decision("2010/146/EU"),
    "GB": Decision("(EU) 2021/1772"),
    "GG": Decision("2003/821/EC"),
    "IL": Decision("2011/61/EU"),
    "IM": Decision("2004/411/EC"),
    "JE": Decision("2008/393/EC"),
    "JP": Decision("(EU) 2019/419"),
    "KR": Decision("(EU) 2022/254"),
    "NZ": Decision("2013/65/EU"),
    "US": Decision(
        "(EU) 2023/1795", partial=True
    ),  # organisations certified under the Data Privacy Framework
    "UY": Decision("2012/484/EU"),
}


def of(country: str) -> Region:
    """ISO code, "" for one that nobody has declared."""
    if not country:
        return Region.UNKNOWN
    if country in EEA:
        return Region.EEA
    decision = ADEQUACY.get(country)
    if decision is None:
        return Region.OUTSIDE
    return Region.PARTIAL if decision.partial else Region.ADEQUATE
