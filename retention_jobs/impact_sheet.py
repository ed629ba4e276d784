"""The facts for an impact assessment in words, with what only the controller knows or judges as gaps (C-64).

Whether an assessment is needed at all is theirs to say, by the nine criteria of WP 248 rev.01.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lists import rights_words
from mailer.accounts import prose
from mailer.core import forbidden_data
from mailer.core.text import N_
from mailer.web import i18n
from retention_jobs import policies, privacy_policy
from retention_jobs.impact_facts import Guards, Impact, Scale
from retention_jobs.processing import BASES, KINDS, Processing
from retention_jobs.processing_records import NONE, SECURITY, gap, places

COLUMNS = (N_("Part"), N_("Fact"), N_("Value"))
OPENS = {
    "individual": N_("by person, only of those who accepted it"),
    "last_day": N_("the day of the last open alone, to stop writing to those who do not read"),
    "aggregate": N_("counted all together, nothing by person"),
    "off": N_("not measured"),
}
CLICKS = {
    "individual": N_("by person, only of those who accepted it"),
    "off": N_("not measured"),
}
# of WP 248 rev.01: which the product can say nothing about
_OPEN_CRITERIA = (
    N_("Decisions with a legal effect or alike"),
    N_("Sensitive or highly personal data"),
    N_("Files matched or combined"),
    N_("People who are vulnerable, such as children"),
    N_("New technology or a new use of one"),
    N_("A right, a service or a contract refused by it"),
)


@dataclass(frozen=True, slots=True)
class Fact:
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Section:
    heading: str
    facts: list[Fact]


def sections(impact: Impact) -> list[Section]:
    """In the language of the moment."""
    return [
        _criteria(impact),
        _purposes(impact.found),
        _scale_told(impact.scale),
        _profiling_told(impact),
        _data(impact.found),
        _rights(impact),
        _periods(),
        _recipients(impact.found),
        _measures(impact.guards),
        _judged(),
    ]


def table(found: Sequence[Section]) -> list[Sequence[str]]:
    """With its headings, for CSV."""
    rows = [(one.heading, fact.name, fact.text) for one in found for fact in one.facts]
    return [[i18n.translate(column) for column in COLUMNS], *rows]


def markdown(found: Sequence[Section], said: str) -> str:
    """`said` stands above: whose facts, and of which day."""
    pieces = [prose.plain(said)]
    for one in found:
        pieces.append(f"## {prose.plain(one.heading)}")
        pieces.append(
            "\n".join(f"- **{prose.plain(fact.name)}** – {prose.plain(fact.text)}" for fact in one.facts)
        )
    return "\n\n".join(pieces) + "\n"


def gaps(found: Sequence[Section]) -> int:
    return sum(privacy_policy.gaps(fact.text) for one in found for fact in one.facts)


def _section(heading: str, *facts: tuple[str, str]) -> Section:
    return Section(i18n.translate(heading), [Fact(i18n.translate(name), text) for name, text in facts])


def _number(n: int) -> str:
    return i18n.number(n)


def _criteria(impact: Impact) -> Section:
    _, scale, modes = i18n.translate, impact.scale, impact.found.modes
    yours = gap(N_("yes or no, and why"))
    return _section(
        N_("Is an assessment needed? Nine criteria; with two of them it mostly is"),
        (
            N_("Evaluation or scoring of people"),
            _(N_("segments that look at what people did: {n}"), n=_number(impact.profiling.by_acts)),
        ),
        (
            N_("Systematic watching"),
            _(
                N_("opens: {opens}; clicks: {clicks}"),
                opens=_(OPENS[modes.opens]),
                clicks=_(CLICKS[modes.clicks]),
            ),
        ),
        (N_("Large scale"), _(N_("contacts: {n}"), n=_number(scale.contacts))),
        *((name, yours) for name in _OPEN_CRITERIA),
    )


def _purposes(found: Processing) -> Section:
    _ = i18n.translate
    lists = [
        Fact(
            f"{one.name} ({_(KINDS[one.kind])})",
            f"{one.purpose or gap(N_('purpose of this list'))} – "
            + (_("; ").join(_(BASES[basis]) for basis in one.bases) or gap(N_("legal basis"))),
        )
        for one in found.purposes
    ]
    none = [] if lists else [(N_("Purposes"), gap(N_("purposes: there is no list yet")))]
    told = _section(
        N_("What for, and on which ground"),
        *none,
        (N_("Why this data is needed, and what was left out"), gap(N_("necessity and proportion"))),
    )
    return Section(told.heading, [*lists, *told.facts])


def _scale_told(scale: Scale) -> Section:
    _ = i18n.translate
    fullest = (
        f"{_number(scale.most)} ({i18n.month(scale.most_in.month)} {scale.most_in.year})"
        if scale.most_in
        else _number(0)
    )
    return _section(
        N_("Scale"),
        (N_("Contacts"), _number(scale.contacts)),
        (N_("Mails of the last 30 days"), _number(scale.mails)),
        (N_("Mails in the fullest month of the last twelve"), fullest),
        (N_("Where the people are"), gap(N_("countries or regions of the people"))),
    )


def _profiling_told(impact: Impact) -> Section:
    _, scale, profiling, modes = i18n.translate, impact.scale, impact.profiling, impact.found.modes
    return _section(
        N_("Measurement and profiling"),
        (N_("Opens"), _(OPENS[modes.opens])),
        (N_("Clicks"), _(CLICKS[modes.clicks])),
        (N_("Contacts who accepted the measurement of opens"), _number(scale.opens)),
        (N_("Contacts who accepted the measurement of clicks"), _number(scale.clicks)),
        (
            N_("Segments"),
            _(
                N_("{n}, of which {acts} look at opens, clicks or answers to mails"),
                n=_number(profiling.segments),
                acts=_number(profiling.by_acts),
            ),
        ),
        (N_("Automatic campaigns at work"), _number(profiling.automations)),
        (N_("Subjects compared (A/B tests)"), _number(profiling.ab_tests)),
        (
            N_("Decisions by machine alone"),
            _(N_("none with a legal effect is taken by this service (article 22)")),
        ),
    )


def _data(found: Processing) -> Section:
    _ = i18n.translate
    return _section(
        N_("Data"),
        (
            N_("Of each contact"),
            _(N_("E-mail address, first name, last name, language, subscriptions and proofs")),
        ),
        (N_("Fields of your own"), ", ".join(found.fields) or _(NONE)),
        (N_("Where addresses come from"), found.said.origin or gap(N_("origin of the addresses"))),
        (
            N_("Refused wherever it is typed or imported"),
            " ".join(_(text) for text in forbidden_data.NAME_REFUSED.values()),
        ),
        (
            N_("Special categories (article 9)"),
            gap(N_("what your lists or texts reveal about health, opinions, religion and the like, or none")),
        ),
    )


def _rights(impact: Impact) -> Section:
    _, requests = i18n.translate, impact.requests
    return _section(
        N_("Rights of the people"),
        (
            N_("Where they are exercised"),
            _(N_("a link in each mail and a public form, without an account; one month to answer")),
        ),
        (
            N_("Carried out at once, without weighing"),
            _("; ").join(_(rights_words.CHOICES[one]) for one in impact.at_once),
        ),
        (
            N_("Requests of the last twelve months"),
            _(
                N_("{n} received, {done} done, {refused} refused, {open} open, {late} late"),
                n=_number(requests.received),
                done=_number(requests.done),
                refused=_number(requests.refused),
                open=_number(requests.open),
                late=_number(requests.late),
            ),
        ),
        (N_("Contacts whose use is limited"), _number(impact.scale.restricted)),
    )


def _periods() -> Section:
    return _section(
        N_("How long"),
        *((one.what, i18n.translate(one.kept)) for one in policies.SHOWN.values()),
    )


def _recipients(found: Processing) -> Section:
    _ = i18n.translate
    said, operator = found.said, found.operator
    names = dict(i18n.countries())
    sent = [f"{one.label} ({names.get(one.country, one.country or '?')})" for one in found.destinations]
    outside = [f"{one.label} ({one.country}): {one.safeguards or one.decision}" for one in found.outside]
    return _section(
        N_("Who receives it, and where it lies"),
        (
            N_("Processor"),
            ", ".join(part for part in (operator.name, operator.registration, operator.dpo) if part),
        ),
        (N_("Hosts and sub-processors"), _("; ").join(places(operator, found.sub_processors)) or _(NONE)),
        (N_("Data destinations"), _("; ").join(sent) or _(NONE)),
        (N_("Other recipients"), said.other_recipients or gap(N_("other recipients"))),
        (
            N_("Transfers outside the EU and the EEA"),
            _("; ").join([*outside, said.transfers or gap(N_("transfers, or none"))]),
        ),
    )


def _measures(guards: Guards) -> Section:
    _ = i18n.translate
    yes, no = _(N_("Yes")), _(N_("No"))
    return _section(
        N_("Measures"),
        (N_("Of this service"), _(SECURITY)),
        (N_("People of the team"), _number(guards.people)),
        (N_("Double authentication asked of all of them"), yes if guards.second_factor else no),
        (N_("The operator's people ask before they read"), yes if guards.approval else no),
        (N_("Breaches in your register"), _number(guards.breaches)),
        (N_("Of your own"), gap(N_("your devices, rooms, rules and training"))),
    )


def _judged() -> Section:
    return _section(
        N_("What you judge"),
        *(
            (name, gap(N_("sources, effects on people, likelihood, severity, measures planned")))
            for name in (
                N_("Risk: somebody reads what is not theirs"),
                N_("Risk: data is changed against the will of the people"),
                N_("Risk: data is lost"),
            )
        ),
        (N_("Advice of the data protection officer"), gap(N_("advice and day"))),
        (N_("Views of the people concerned"), gap(N_("how they were asked, or why not (article 35(9))"))),
        (N_("Decision"), gap(N_("accepted, to be changed, or to be put to the authority (article 36)"))),
    )
