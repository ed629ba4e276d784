"""Made-up visitors of a mail, person and machine, in a stated mix: what each of them asks for, when and from where.

Patterns are those that vendors and field studies describe; the figures within are drawn by a seeded chance.
A visitor is its recipient's: where a gateway looks first and the person comes later, both kinds of hits are
of one recipient.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

LINKS = 8
DAY = 86_400.0
BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"
PREVIEWS = (
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "WhatsApp/2.24.6.77 A",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "TelegramBot (like TwitterBot)",
    "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5",
    "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
)


@dataclass(frozen=True, slots=True)
class Step:
    """`at`: seconds after our server's 250. `truth`: who it was."""

    at: float
    kind: str
    link: int
    agent: str
    network: str
    truth: str
    head: bool = False


Visitor = Callable[[Random, int], Iterator[Step]]


def _home(n: int) -> str:
    return f"home{n}"


def _person(at: float, kind: str, link: int, network: str, agent: str = BROWSER) -> Step:
    return Step(at, kind, link, agent, network, "person")


def _machine(
    at: float, kind: str, link: int, network: str, agent: str = BROWSER, *, head: bool = False
) -> Step:
    return Step(at, kind, link, agent, network, "machine", head)


def one_click(chance: Random, n: int) -> Iterator[Step]:
    at = chance.uniform(300, DAY)
    yield _person(at, "open", 0, _home(n), PHONE)
    yield _person(at + chance.uniform(5, 120), "click", chance.randint(1, LINKS), _home(n), PHONE)


def slow_reader(chance: Random, n: int) -> Iterator[Step]:
    at = chance.uniform(600, DAY)
    yield _person(at, "open", 0, _home(n))
    for link in chance.sample(range(1, LINKS + 1), 2):
        at += chance.uniform(20, 300)
        yield _person(at, "click", link, _home(n))


def fast_reader(chance: Random, n: int) -> Iterator[Step]:
    """Three or four links, one after the other in new tabs; a third of them within ten seconds."""
    at = chance.uniform(120, DAY / 2)
    yield _person(at, "open", 0, _home(n))
    for link in chance.sample(range(1, LINKS + 1), chance.choice((3, 4))):
        at += chance.uniform(1.5, 12)
        yield _person(at, "click", link, _home(n))


def at_once(chance: Random, n: int) -> Iterator[Step]:
    """Somebody who holds the telephone when it arrives."""
    at = chance.uniform(12, 58)
    yield _person(at, "open", 0, _home(n), PHONE)
    yield _person(at + chance.uniform(4, 40), "click", chance.randint(1, LINKS), _home(n), PHONE)


def two_devices(chance: Random, n: int) -> Iterator[Step]:
    """The telephone by the carrier, then the desktop at home; sometimes both within two minutes."""
    at = chance.uniform(600, DAY)
    yield _person(at, "open", 0, f"carrier{n % 40}", PHONE)
    yield _person(at + 20, "click", 1, f"carrier{n % 40}", PHONE)
    later = at + chance.choice((chance.uniform(40, 110), chance.uniform(1800, 20_000)))
    yield _person(later, "open", 0, _home(n))
    yield _person(later + 15, "click", chance.choice((1, 2)), _home(n))


def forwarded(chance: Random, n: int) -> Iterator[Step]:
    """Read by some colleagues and friends, over hours."""
    at = chance.uniform(600, DAY / 4)
    for reader in range(chance.randint(3, 5)):
        yield _person(at, "open", 0, f"friend{n}-{reader}")
        yield _person(at + chance.uniform(5, 60), "click", chance.randint(1, LINKS), f"friend{n}-{reader}")
        at += chance.uniform(300, 14_000)


def carrier(chance: Random, n: int) -> Iterator[Step]:
    """Many people behind one network of a carrier, in the ten minutes after a send."""
    at = chance.uniform(30, 500)
    yield _person(at, "open", 0, "cgnat", PHONE)
    yield _person(at + chance.uniform(5, 90), "click", chance.randint(1, LINKS), "cgnat", PHONE)


def leaver(chance: Random, n: int) -> Iterator[Step]:
    """Looks at an offer, then unsubscribes by the page."""
    at = chance.uniform(300, DAY)
    yield _person(at, "click", 1, _home(n))
    yield _person(at + chance.uniform(5, 40), "visit", 0, _home(n))
    yield _person(at + chance.uniform(45, 90), "post", 0, _home(n))


def safe_links(chance: Random, n: int) -> Iterator[Step]:
    """All links opened in sandboxes of several networks, the page to unsubscribe too; the person comes later."""
    at = chance.uniform(1, 25)
    for link in range(1, LINKS + 1):
        yield _machine(at, "click", link, f"azure{chance.randint(1, 6)}")
        at += chance.uniform(0.1, 1.5)
    yield _machine(at, "visit", 0, "azure1")
    if chance.random() < 0.4:
        yield from one_click(chance, n)


def barracuda(chance: Random, n: int) -> Iterator[Step]:
    """All links in two seconds from one network for all customers; again some hours later."""
    for start in (chance.uniform(2, 40), chance.uniform(3600, 20_000)):
        for link in range(1, LINKS + 1):
            yield _machine(start + link * chance.uniform(0.1, 0.3), "click", link, "gateway")


def mimecast(chance: Random, n: int) -> Iterator[Step]:
    """Some links, soon after arrival, from two networks for all customers; asks for heads first half of the time."""
    at = chance.uniform(3, 50)
    for link in chance.sample(range(1, LINKS + 1), chance.randint(3, 5)):
        yield _machine(at, "click", link, f"relay{chance.randint(1, 2)}", head=chance.random() < 0.5)
        at += chance.uniform(0.2, 2)


def proofpoint(chance: Random, n: int) -> Iterator[Step]:
    """Head, then the page, from three networks or more; some without a name."""
    at = chance.uniform(5, 90)
    for link in range(1, LINKS + 1):
        agent = chance.choice((BROWSER, BROWSER, ""))
        yield _machine(at, "click", link, f"pod{chance.randint(1, 5)}", agent, head=True)
        yield _machine(at + 0.4, "click", link, f"pod{chance.randint(1, 5)}", agent)
        at += chance.uniform(0.3, 2)


def apple_privacy(chance: Random, n: int) -> Iterator[Step]:
    """Pictures loaded ahead for somebody who may never read; one in five clicks, from the telephone."""
    yield _machine(chance.uniform(5, DAY / 4), "open", 0, f"relay-cdn{n % 30}", "Mozilla/5.0")
    if chance.random() < 0.2:
        yield _person(chance.uniform(DAY / 4, DAY), "click", chance.randint(1, LINKS), _home(n), PHONE)


def gmail(chance: Random, n: int) -> Iterator[Step]:
    proxy = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
    at = chance.uniform(120, DAY)
    yield _machine(at, "open", 0, "google", proxy)
    if chance.random() < 0.3:
        yield _person(at + chance.uniform(5, 60), "click", chance.randint(1, LINKS), _home(n))


def preview(chance: Random, n: int) -> Iterator[Step]:
    """A reader puts a link into a chat, and the chat looks at it."""
    at = chance.uniform(600, DAY / 2)
    yield _person(at, "click", 1, _home(n))
    for agent in chance.sample(PREVIEWS, 2):
        yield _machine(at + chance.uniform(30, 90), "click", 1, f"chat{chance.randint(1, 20)}", agent)


def stealth(chance: Random, n: int) -> Iterator[Step]:
    """One link, hours later, from a home network, as a browser: nothing tells it from a person."""
    yield _machine(chance.uniform(3600, DAY), "click", chance.randint(1, LINKS), _home(n))


MIX: dict[Visitor, int] = {
    one_click: 200,
    slow_reader: 120,
    fast_reader: 60,
    at_once: 40,
    two_devices: 50,
    forwarded: 30,
    carrier: 60,
    leaver: 20,
    safe_links: 80,
    barracuda: 40,
    mimecast: 40,
    proofpoint: 40,
    apple_privacy: 120,
    gmail: 80,
    preview: 15,
    stealth: 5,
}
"""Of a thousand recipients who leave a trace."""
