"""What was found in the DNS, in words that say what to do: code → msgid."""

from collections.abc import Mapping

from mailer.core.text import N_

# why each record is needed, by kind
WHY: Mapping[str, str] = {
    "dkim": N_(
        "Signs each message: mailbox providers see that it comes from your domain and was not altered."
    ),
    "dkim_ed25519": N_("A second, shorter signature beside the first. Mail can leave without it."),
    "dmarc": N_("Says what mailbox providers do with messages that pretend to come from your domain."),
    "mx": N_("Your domain must take mail: people answer, and several providers refuse senders that cannot."),
    "spf": N_("Says which servers may send for the address that undelivered messages come back to."),
    "ptr": N_("The address of the server that takes our mail has a name, and that name leads back to it."),
}
TITLES: Mapping[str, str] = {
    "dkim": N_("Signature (DKIM)"),
    "dkim_ed25519": N_("Second signature (DKIM, Ed25519)"),
    "dmarc": N_("Protection of your name (DMARC)"),
    "mx": N_("Incoming mail (MX)"),
    "spf": N_("Return path (SPF)"),
    "ptr": N_("Name of the server (PTR)"),
}
# what a finding means and how it is mended
FIXES: Mapping[str, str] = {
    "dkim_missing": N_(
        "Add this record at the host of your domain. It can take up to 48 hours to be visible."
    ),
    "dkim_gone": N_("This record was there and is gone. Add it again: without it, nothing can leave."),
    "dkim_name_twice": N_(
        "The record stands at {name}: your host adds the domain by itself. Give it the short name only."
    ),
    "dkim_several": N_("Several records stand under this name. Keep this one only."),
    "dkim_revoked": N_("The record has an empty key (p=). Replace it by this value."),
    "dkim_cut": N_(
        "The key was cut: your host keeps {n} characters of it. Write the value in pieces, each in quotes."
    ),
    "dkim_other": N_("The record holds another key. Replace its value by this one."),
    "dkim_unreadable": N_("The record cannot be read as a DKIM key. Copy this value as it is."),
    "dmarc_missing": N_(
        "Add this record. “p=none” changes nothing for your other mail: it only asks for reports."
    ),
    "dmarc_twice": N_("{name} has several DMARC records, which counts as none. Keep one."),
    "dmarc_unreadable": N_(
        "This DMARC record has a mistake, which counts as none. It begins with v=DMARC1; p=…"
    ),
    "dmarc_removed": N_("{tags}: these parts are no longer read since RFC 9989. Take them out."),
    "dmarc_testing": N_("The record is in test mode (t=y): it says “{stated}”, and “{policy}” is applied."),
    "dmarc_no_reports": N_(
        "Add rua=mailto:… to it: reports tell you who sends in your name, and La Poste asks for them."
    ),
    "dmarc_none": N_(
        "Your policy is “none”: providers watch and report. Once the reports show only your own mail, "
        "“quarantine” protects your name."
    ),
    "dmarc_quarantine": N_(
        "Your policy is “quarantine”: mail that pretends to be yours goes to the spam folder."
    ),
    "dmarc_reject": N_("Your policy is “reject”: mail that pretends to be yours is refused. Nothing to do."),
    "mx_null": N_(
        "The domain says that it takes no mail (null MX). Replace that record by the servers of your mailbox "
        "provider."
    ),
    "mx_missing": N_("The domain takes no mail. Add the MX records that your mailbox provider gives."),
    "mx_implicit": N_("There is no MX record: mail goes to the address of the website. Add an MX record."),
    "spf_missing": N_(
        "{name} does not say which servers may send for it. The operator of Mailer adds a TXT record."
    ),
    "spf_several": N_("{name} has {n} SPF records, which counts as none. Merge them into one."),
    "spf_broken": N_("A part of the SPF record cannot be read: {part}. Correct it."),
    "spf_too_many": N_(
        "The SPF record needs {n} lookups; providers stop at 10. Take out what you no longer use."
    ),
    "spf_void": N_("{n} parts of the SPF record lead nowhere; providers stop after 2. Take them out."),
    "spf_open": N_("The SPF record lets everybody send (+all). End it with -all or ~all."),
    "spf_no_end": N_("The SPF record says nothing about other servers. End it with -all or ~all."),
    "spf_lookups": N_("Lookups needed: {n} of 10."),
    "ptr_missing": N_(
        "{address} has no name. Whoever runs that server asks its network provider for a PTR record."
    ),
    "ptr_differs": N_(
        "{address} is called {name}, and that name does not lead back to it. Correct one of the two."
    ),
    "away": N_("The DNS did not answer. This says nothing about your record; we ask again."),
}
# why nothing can leave, by code of the gate
GATE: Mapping[str, str] = {
    "dkim": N_(
        "{domain} does not have its DKIM record yet. Add it at your host: one minute of copy and paste."
    ),
    "dmarc": N_("{domain} has no DMARC record. Add it at your host: large providers refuse mail without it."),
    "broken": N_("A DNS record of {domain} is gone. Put it back: until then nothing leaves from it."),
}
