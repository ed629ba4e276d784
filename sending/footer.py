"""The standard footer: who writes, why, how to stop it and the measuring (A-008, A-062, B-24, B-40; S14)."""

from mailer.core.text import N_
from sending import merge
from sending.problems import Problem, error

# Words of ui.md §4: these stand in the mail itself, so they are in the mail's language, not the page's.
_WORDS = {
    "fr": (
        "Vous recevez cet e-mail parce que vous êtes dans la liste «\u00a0{{ list.name }}\u00a0».",
        "Me désabonner",
        "Choisir mes e-mails",
        "Mesure des ouvertures et des clics",
        "Mes droits sur mes données",
    ),
    "en": (
        "You receive this e-mail because you are on the list “{{ list.name }}”.",
        "Unsubscribe",
        "Choose my e-mails",
        "Measurement of opens and clicks",
        "My rights over my data",
    ),
}

# 14 px and line height 1.5 (F-11); the colours are the kit's, whose contrast was checked.
_SECTION = """
    <mj-section padding="24px 0">
      <mj-column>
        <mj-divider border-width="1px" border-color="#d0d4d9" padding="0 25px 16px" />
        <mj-text align="left" color="{{{{ brand.muted }}}}" font-size="14px" line-height="1.5">
          <p>{{{{ account.name }}}}, {{{{ account.address }}}}<br />{{{{ account.email }}}}</p>
          <p>{why}</p>
          {{{{ brand.footer }}}}
          <p><a href="{{{{ unsubscribe_url }}}}" style="color:{{{{ brand.link }}}}">{stop}</a> ·
          <a href="{{{{ preferences_url }}}}" style="color:{{{{ brand.link }}}}">{choose}</a> ·
          <a href="{{{{ tracking_url }}}}" style="color:{{{{ brand.link }}}}">{measure}</a> ·
          <a href="{{{{ rights_url }}}}" style="color:{{{{ brand.link }}}}">{rights}</a></p>
        </mj-text>
      </mj-column>
    </mj-section>
"""


def footer_mjml(language: str) -> str:
    """The section alone, in French or English."""
    why, stop, choose, measure, rights = _WORDS.get(language, _WORDS["en"])
    return _SECTION.format(why=why, stop=stop, choose=choose, measure=measure, rights=rights)


def unsubscribe_mjml(language: str) -> str:
    """A text with the link alone, for authors who write the rest of their footer themselves."""
    stop = _WORDS.get(language, _WORDS["en"])[1]
    return (
        '<mj-text align="center" color="#54595f" font-size="14px" line-height="1.5">'
        f'<p><a href="{{{{ unsubscribe_url }}}}" style="color:#0b5394">{stop}</a></p></mj-text>'
    )


def add_footer(source: str, *, language: str) -> str | Problem:
    """The source with the standard footer before `</mj-body>`."""
    source = merge.normalise(source)
    end = source.rfind("</mj-body>")
    if end < 0:
        return error(1, "no_body", N_("Line {line}: the source has no `mj-body`. Add one in `mjml`."))
    return source[:end].rstrip() + footer_mjml(language) + "  " + source[end:]
