"""Mails of the draft made whole, as they would leave, for the people whose mail is largest (D-10, A-008).

What Gmail cuts at is the HTML after decoding: about 102 kB, with the links as each person gets them, and the
measurement of clicks makes them several times longer. So templates tell too little: mails are made.
"""

from dataclasses import dataclass

from mailer.core.db import AccountTx
from mailer.core.text import N_
from sending import mail_tree, personal, subject_checks
from sending.audience_sample import Sample
from sending.empty_values import used
from sending.personal import Maker, Person
from sending.problems import Problem, error, fine, warning
from sending.render import RenderFailed
from sending.revisions import Content

GMAIL_CUT_BYTES = 102_000
MADE = 5
# how much longer a click address is than what the author wrote, more or less
_LINK_BYTES = 60


@dataclass(frozen=True, slots=True)
class Weight:
    """The largest of the mails made: its HTML as a mailbox reads it, and the message on the wire."""

    html: int
    message: int


async def check(tx: AccountTx, maker: Maker, campaign_id: int, sample: Sample) -> list[Problem]:
    """Makes the mails of the largest few, or of somebody made up while the audience is empty."""
    content = maker.loaded.content
    people = await largest(tx, campaign_id, content, sample) or [
        personal.sample("nobody@example.org", content.language)
    ]
    problems: list[Problem] = []
    weights: list[Weight] = []
    for person in people:
        try:
            mail = maker.mail(person)
            rendered, urls = maker.render(person, maker.tracking(person))
        except (RenderFailed, ValueError):
            message = N_(
                "The message cannot be made for some contacts, such as number {n}. "
                "Check the conditions and the fields."
            )
            return [error(0, "render", message, n=person.contact_id)]
        weights.append(Weight(len(rendered.html.encode()), len(mail.message)))
        problems += _reaches(rendered.html, rendered.text, urls.unsubscribe)
        if prefix := subject_checks.fake_reply(rendered.subject):
            message = N_(
                "The subject begins with “{prefix}”, as an answer would. Remove it: this is no answer."
            )
            problems.append(error(0, "subject", message, prefix=prefix))
    return [*_once(problems), _told(max(weights, key=lambda one: one.html))]


def _once(problems: list[Problem]) -> list[Problem]:
    """The same finding at several people is one."""
    kept = {(problem.code, problem.message): problem for problem in problems}
    return list(kept.values())


def _told(weight: Weight) -> Problem:
    size, limit, whole = -(-weight.html // 1000), GMAIL_CUT_BYTES // 1000, -(-weight.message // 1000)
    if weight.html > GMAIL_CUT_BYTES:
        message = N_(
            "The largest mail has {size} kB of HTML: Gmail cuts it after about {limit} kB, and the "
            "unsubscribe link with it. Shorten it."
        )
        return warning(0, "weight", message, size=size, limit=limit)
    message = N_(
        "The largest mail has {size} kB of HTML, {whole} kB as it leaves; Gmail cuts after about {limit} kB."
    )
    return fine("weight", message, size=size, whole=whole, limit=limit)


def _reaches(html: str, text: str, url: str) -> list[Problem]:
    """The person's own way out is in both parts of the finished mail, where it can be seen (A-008)."""
    page = mail_tree.read(html)
    links = [node for node in page.tree.css("a") if node.attributes.get("href") == url]
    if not any(page.seen.link(node, page.slots.pattern) for node in links) or url not in text:
        message = N_(
            "The unsubscribe link is hidden, or missing for some contacts. "
            "Show it to all: sending is blocked without it."
        )
        return [error(0, "unsubscribe", message)]
    return []


async def largest(tx: AccountTx, campaign_id: int, content: Content, sample: Sample) -> list[Person]:
    """Those with the longest values in the message's fields; measured clicks count as their longer links."""
    return await tx.many(
        Person,
        """
        SELECT c.id AS contact_id, a.list_id, c.email, c.address_key, c.address_hash, c.first_name,
               c.last_name, c.language, c.fields, c.opens, c.clicks
        FROM audience a
        JOIN contacts c ON c.account_id = a.account_id AND c.id = a.contact_id
        WHERE a.account_id = $1 AND a.campaign_id = $2 AND a.reason = ''
          AND (hashint8(a.contact_id) & 2147483647) % $3::int = 0
        ORDER BY (CASE WHEN c.clicks = 'granted' THEN $5::int ELSE 0 END) + (
                     SELECT coalesce(sum(length(CASE k.key
                                WHEN 'first_name' THEN c.first_name
                                WHEN 'last_name' THEN c.last_name
                                WHEN 'email' THEN c.email
                                ELSE c.fields ->> k.key
                            END)), 0)
                     FROM unnest($4::text[]) AS k (key)
                 ) DESC, c.id
        LIMIT $6
        """,
        campaign_id,
        sample.every,
        sorted(used(content)),
        len(content.links) * _LINK_BYTES,
        MADE,
    )
