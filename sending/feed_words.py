"""Why a feed could not be read: what a row keeps → what people read."""

from collections.abc import Mapping

from mailer.core.text import N_

ERRORS: Mapping[str, str] = {
    "refused": N_("The server of the feed refused the request or has no such page."),
    "redirected": N_("The address leads on to others too often."),
    "gone": N_("The feed is gone for good (410)."),
    "timeout": N_("The server of the feed did not answer in time."),
    "unreachable": N_("The server of the feed was not reached."),
    "tls": N_("The certificate of the feed’s server is not in order."),
    "not_allowed": N_("The address of the feed is not allowed: it has to be public and begin with https://."),
    "malformed": N_("The answer of the feed’s server cannot be read."),
    "too_large": N_("The feed is larger than 2 MB."),
    "not_a_feed": N_("This is no RSS or Atom feed. Look for the address of the feed, not of the page."),
    "entities": N_("The feed declares entities of its own: such feeds are not read."),
}
