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
    "accepted": N_("has accepted"),
    "approved": N_("has approved"),
    "archived": N_("has archived"),
    "asked": N_("has asked to confirm"),
    "cancelled": N_("has cancelled"),
    "changed": N_("has changed"),
    "checked": N_("has counted"),
    "closed": N_("has closed"),
    "confirmed": N_("has confirmed"),
    "created": N_("has created"),
    "deleted": N_("has deleted"),
    "downloaded": N_("has downloaded"),
    "duplicated": N_("has duplicated"),
    "exported": N_("has exported"),
    "imported": N_("has imported"),
    "paused": N_("has paused"),
    "reactivated": N_("has reactivated"),
    "resumed": N_("has resumed"),
    "revoked": N_("has revoked"),
    "scheduled": N_("has scheduled"),
    "started": N_("has started"),
    "subscribed": N_("has subscribed"),
    "tested": N_("has sent a test of"),
    "unsubscribed": N_("has unsubscribed"),
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
    "seed": N_("test address"),
    "sender": N_("sender"),
    "suppression": N_("suppression list"),
}
