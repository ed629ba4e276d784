"""The blocks that the visual editor offers, as MJML; the words in them are there to be written over."""

from dataclasses import dataclass
from html import escape

from mailer.core.text import N_
from mailer.web import i18n
from sending.footer import footer_mjml, unsubscribe_mjml


@dataclass(frozen=True, slots=True)
class Block:
    """`name` is what the page calls it, `icon` one of the house's."""

    name: str
    label: str
    icon: str
    source: str


_TEXT = 'font-size="16px" line-height="1.5" color="#1f2328"'
_BUTTON = (
    'background-color="#0b5394" color="#ffffff" font-size="16px" line-height="1.5" inner-padding="10px 24px"'
)
# MJML's plain names of the first two share a page with others; an organisation's own page is opened by these
_NETWORKS = (
    ("facebook-noshare", "Facebook"),
    ("linkedin-noshare", "LinkedIn"),
    ("instagram", "Instagram"),
    ("youtube", "YouTube"),
)


def parts() -> list[Block]:
    """What stands in a column."""
    paragraph = _said(N_("Write your text here."))
    networks = "".join(f'\n  <mj-social-element name="{name}" alt="{alt}" />' for name, alt in _NETWORKS)
    return [
        Block("text", N_("Text"), "type", f"<mj-text {_TEXT}><p>{paragraph}</p></mj-text>"),
        Block("heading", N_("Heading"), "heading", _heading(_said(N_("A heading")))),
        Block("image", N_("Image"), "image", "<mj-image />"),
        Block("button", N_("Button"), "rectangle-horizontal", _button(_said(N_("Read more")))),
        Block("divider", N_("Divider"), "minus", '<mj-divider border-width="1px" border-color="#d0d4d9" />'),
        Block("spacer", N_("Space"), "unfold-vertical", '<mj-spacer height="24px" />'),
        Block(
            "social",
            N_("Social networks"),
            "share-2",
            f'<mj-social mode="horizontal">{networks}\n</mj-social>',
        ),
        Block("quote", N_("Quote"), "text-quote", _quote()),
    ]


def sections(language: str) -> list[Block]:
    """What stands in the mail's body; `language` is the mail's."""
    return [
        Block("section", N_("One column"), "square", _columns(1)),
        Block("two", N_("Two columns"), "columns-2", _columns(2)),
        Block("three", N_("Three columns"), "columns-3", _columns(3)),
        Block("product", N_("Product"), "tag", _product()),
        Block("event", N_("Event"), "calendar", _event()),
        Block("footer", N_("Footer: who writes and why"), "panel-bottom", footer_mjml(language).strip()),
    ]


def blank(language: str) -> str:
    """A whole mail to begin with: a heading, a text, who writes and why."""
    paragraph = _said(N_("Write your text here."))
    return f"""<mjml lang="{language}">
  <mj-body background-color="#ffffff">
    <mj-section padding="16px 0">
      <mj-column>
        {_heading(_said(N_("A heading")), "h1")}
        <mj-text {_TEXT}><p>{paragraph}</p></mj-text>
      </mj-column>
    </mj-section>{footer_mjml(language)}  </mj-body>
</mjml>
"""


def unsubscribe(language: str) -> Block:
    return Block("unsubscribe", N_("Unsubscribe link"), "log-out", unsubscribe_mjml(language))


def _said(message: str) -> str:
    return escape(i18n.translate(message), quote=False)


def _heading(words: str, tag: str = "h2") -> str:
    # the size is the block's, where the properties change it; a mail program would double it
    inside = f'<{tag} style="margin:0;font-size:1em">{words}</{tag}>'
    return f'<mj-text font-size="26px" line-height="1.3" color="#1f2328">{inside}</mj-text>'


def _button(words: str) -> str:
    return f"<mj-button {_BUTTON}>{words}</mj-button>"


def _columns(count: int) -> str:
    column = "\n  <mj-column></mj-column>"
    return f'<mj-section padding="16px 0">{column * count}\n</mj-section>'


def _quote() -> str:
    words, who = _said(N_("What somebody said.")), _said(N_("Name of the person"))
    return (
        f'<mj-text {_TEXT} padding="10px 25px 10px 40px">'
        f"<blockquote><p><em>{words}</em></p><p>{who}</p></blockquote></mj-text>"
    )


def _product() -> str:
    name, price, see = _said(N_("Name of the product")), _said(N_("Price")), _said(N_("See the product"))
    text = f"<mj-text {_TEXT}><h2>{name}</h2><p>{price}</p></mj-text>"
    return f"""<mj-section padding="16px 0">
  <mj-column>
    <mj-image />
  </mj-column>
  <mj-column>
    {text}
    {_button(see)}
  </mj-column>
</mj-section>"""


def _event() -> str:
    name, when = _said(N_("Name of the event")), _said(N_("Day and hour"))
    where, join = _said(N_("Place of the event")), _said(N_("Sign up"))
    text = f"<mj-text {_TEXT}><h2>{name}</h2><p>{when}<br />{where}</p></mj-text>"
    return f"""<mj-section padding="16px 0">
  <mj-column>
    {text}
    {_button(join)}
  </mj-column>
</mj-section>"""
