"""Is what arrived at the sink the mail that was meant? Checked on one mail of each campaign."""

import email
import email.policy
import re
from email.message import EmailMessage

from tests.bench.outcome import Void

LINKS = 10
HTML_OCTETS = range(19_000, 21_500)


def check(raw: bytes, *, signed: bool = False) -> int:
    """Octets of its HTML. Raises Void when something that the bench promises is missing."""
    message = email.message_from_bytes(raw.replace(b"\r\n..", b"\r\n."), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    text, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    if text is None or html is None:
        raise Void("the mail has not both a plain and an HTML part")
    shown = html.get_content()
    links = set(re.findall(r'href="(https://[^"]+/t/c/[^"]+)"', shown))
    size = len(shown.encode())
    faults = {
        "it has no List-Unsubscribe": not message["List-Unsubscribe"],
        "it has no List-Unsubscribe-Post": not message["List-Unsubscribe-Post"],
        f"it has {len(links)} tracked links": len(links) != LINKS,
        "it has no pixel": "/t/o/" not in shown,
        "a merge tag was left over": "{{" in shown or "{%" in shown or "{{" in text.get_content(),
        f"its HTML has {size} octets": size not in HTML_OCTETS,
        "it is not signed": signed and "a=rsa-sha256" not in str(message["DKIM-Signature"]),
    }
    if wrong := [fault for fault, found in faults.items() if found]:
        raise Void(f"the mail is not the one that was meant: {', '.join(wrong)}")
    return size
