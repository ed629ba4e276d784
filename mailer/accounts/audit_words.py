"""The journal in words: acts and things as msgids. What is not here is shown as it is stored."""

from mailer.core.text import N_

ACTORS = {
    "user": N_("A former member"),
    "api_key": N_("A program (API key)"),
    "recipient": N_("The contact"),
    "job": N_("Mailer"),
    "operator": N_("The operator"),
}
ACTS = {
    "accepted": N_("accepted"),
    "approved": N_("approved"),
    "archived": N_("archived"),
    "asked": N_("asked for confirmation"),
    "cancelled": N_("cancelled"),
    "changed": N_("changed"),
    "checked": N_("counted"),
    "closed": N_("closed"),
    "confirmed": N_("confirmed"),
    "created": N_("created"),
    "deleted": N_("deleted"),
    "downloaded": N_("downloaded"),
    "duplicated": N_("duplicated"),
    "exported": N_("exported"),
    "imported": N_("imported"),
    "paused": N_("paused"),
    "reactivated": N_("reactivated"),
    "resumed": N_("resumed"),
    "revoked": N_("revoked"),
    "scheduled": N_("scheduled"),
    "started": N_("started"),
    "subscribed": N_("subscribed"),
    "tested": N_("sent a test of"),
    "unsubscribed": N_("unsubscribed"),
}
OBJECTS = {
    "account": N_("account"),
    "agreement": N_("data processing agreement"),
    "api_key": N_("API key"),
    "campaign": N_("campaign"),
    "contact": N_("contact"),
    "design": N_("design"),
    "export": N_("export"),
    "field": N_("field"),
    "image": N_("image"),
    "import": N_("import"),
    "mailing_list": N_("list"),
    "sender": N_("sender"),
    "suppression": N_("suppression list"),
}
