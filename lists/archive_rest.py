"""Tables without a file of their own in the archive: inside another one, or left out, and why (B-68).

A reason in English and in French, for the archive's guide.
"""

_SECRET = ("a secret of this installation", "un secret de cette installation")
_STATE = ("the state of work that is under way", "l'état d'un travail en cours")
_PROOFS = (
    "the chain of records of what was erased; its page gives it as a file that anybody can check",
    "la chaîne des preuves d'effacement ; sa page la donne en fichier, que chacun peut vérifier",
)
_CONTENT = ("sent content, erased after 6 days", "contenu envoyé, effacé au bout de 6 jours")
_PEOPLE = (
    "figures are in campaigns.ndjson; the rows of a campaign are an export of their own",
    "les chiffres sont dans campaigns.ndjson ; les lignes d'une campagne s'exportent à part",
)
_SUGGESTED = (
    "suggestions; a search finds them again",
    "des propositions ; une recherche les retrouve",
)
_LIMITED = (
    "people whose data may only be kept are in no bulk export (GDPR, Article 18); each has a copy apart",
    "qui a fait limiter ses données n'est dans aucun export (RGPD, art. 18) ; sa fiche en donne une copie",
)
_FAILURES = (
    "temporary failures of the last six months; who was given up is in suppressions.ndjson",
    "échecs temporaires des six derniers mois ; les adresses abandonnées sont dans suppressions.ndjson",
)
_STANDING = ("a person's copy has it", "la copie des données de chaque personne le dit")
# inside other files: subscriptions in contacts, lists and links in campaigns, sources in designs
INSIDE = {
    "contacts": "contacts/",
    "subscriptions": "contacts/",
    "campaign_lists": "campaigns.ndjson",
    "campaign_segments": "campaigns.ndjson",
    "links": "campaigns.ndjson",
    "ab_tests": "campaigns.ndjson",
    "utm_settings": "campaigns.ndjson",
    "recurrences": "campaigns.ndjson",
    "editions": "campaigns.ndjson",
    "ab_variants": "campaigns.ndjson",
    "contact_tags": "contacts/",
    "consent_ips": "contacts/",
    "signup_form_versions": "forms.ndjson",
    "wordings": "consents.ndjson",
    "measurement_settings": "account.ndjson",
    "retention_settings": "account.ndjson",
    "rights_settings": "account.ndjson",
    "brand_kits": "account.ndjson",
    "open_counts": "campaigns.ndjson",
    "automation_steps": "automations.ndjson",
}
_UNDO = (
    "what stood before an import, for seven days, so that it can be undone here",
    "ce qui précédait un import, pendant sept jours, pour pouvoir l'annuler ici",
)
LEFT_OUT = {
    "account_keys": _SECRET,
    "content_masters": _SECRET,
    "content_keys": _SECRET,
    "dkim_keys": _SECRET,
    "revisions": _CONTENT,
    "messages": _CONTENT,
    "inbound_mails": _CONTENT,
    "test_sends": _CONTENT,
    "draft_versions": (
        "what drafts and designs said before; as they are now they are in campaigns.ndjson and designs/",
        "ce que brouillons et modèles disaient avant ; leur état actuel est dans campaigns.ndjson et designs",
    ),
    "deliveries": _PEOPLE,
    "automation_mails": _PEOPLE,
    "automation_journeys": _STANDING,
    "automation_passages": _STANDING,
    "events": _PEOPLE,
    "feed_items": _STATE,
    "files": ("images are here; other files die within days", "les images sont là ; le reste meurt sous peu"),
    "file_chunks": ("as files", "comme files"),
    "design_thumbnails": ("drawn from designs", "dessinées d'après les modèles"),
    "restrictions": _LIMITED,
    "legal_holds": (
        "what a law asks to keep here, by whom and until when; it binds this installation",
        "ce qu'une loi demande de conserver ici, par qui et jusqu'à quand ; cela lie cette installation",
    ),
    "signup_requests": (
        "who has not confirmed agreed to nothing; who has is a contact with a proof",
        "qui n'a pas confirmé n'a rien accepté ; qui a confirmé est un contact avec sa preuve",
    ),
    "rights_asks": (
        "presses on a form that nobody has confirmed, for a day",
        "des demandes que personne n'a confirmées, pendant un jour",
    ),
    "contact_changes": (
        "a feed for programs of the last 30 days",
        "un flux pour les programmes, des 30 derniers jours",
    ),
    "webhook_events": _STATE,
    "webhook_deliveries": _STATE,
    "webhook_attempts": _STATE,
    "webhook_feeds": _STATE,
    "idempotency_keys": _STATE,
    "contact_merges": (
        "tells old links of this installation who a contact became",
        "dit aux anciens liens de cette installation ce qu'un contact est devenu",
    ),
    "duplicates": _SUGGESTED,
    "duplicate_searches": _STATE,
    "field_changes": _STATE,
    "inactive_contacts": _STATE,
    "counted_loads": _STATE,
    "sunset_contacts": _STATE,
    "last_open_days": (
        "days that the search for inactive contacts alone may read (CNIL, deliberation 2026-042)",
        "des jours que seule la recherche des contacts inactifs peut lire (CNIL, délibération 2026-042)",
    ),
    "inactive_walks": _STATE,
    "segment_members": _STATE,
    "import_parts": _STATE,
    "import_rejects": _STATE,
    "import_opt_outs": _STATE,
    "image_uses": _STATE,
    "import_mappings": _STATE,
    "import_changes": _UNDO,
    "import_values": _UNDO,
    "import_removals": _UNDO,
    "kept_counts": _STATE,
    "judgements": _STATE,
    "event_counts": _PEOPLE,
    "event_hours": _PEOPLE,
    "selections": _STATE,
    "selection_contacts": _STATE,
    "exports": _STATE,
    "export_members": _STATE,
    "soft_bounces": _FAILURES,
    "feedback_hooks": _SECRET,
    "report_mailboxes": _SECRET,
    "feedback_seen": _STATE,
    "day_counts": _STATE,
    "campaign_figures": _PEOPLE,
    "evidence": _STATE,
    "provider_stops": _STATE,
    "warm_ups": _STATE,
    "warm_up_days": _STATE,
    "retention_passes": _STATE,
    "retention_chains": _STATE,
    "retention_proofs": _PROOFS,
}
