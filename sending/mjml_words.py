"""What MJML knows: each tag, where it may stand, its attributes (documentation of MJML 4)."""

from collections.abc import Mapping


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PADDING = "padding padding-top padding-right padding-bottom padding-left"
_INNER = "inner-padding inner-padding-top inner-padding-right inner-padding-bottom inner-padding-left"
_BORDER = "border border-top border-right border-bottom border-left border-radius"
_INNER_BORDER = "inner-border inner-border-top inner-border-right inner-border-bottom inner-border-left"
_FONT = (
    "font-family font-size font-style font-weight letter-spacing line-height text-decoration text-transform"
)
_BACKGROUND = (
    "background-color background-url background-repeat background-size background-position "
    "background-position-x background-position-y"
)
_COLUMN_CONTENT = (
    "mj-accordion mj-button mj-carousel mj-divider mj-image mj-navbar mj-raw "
    "mj-social mj-spacer mj-table mj-text"
)

PARENTS: Mapping[str, tuple[str, ...]] = {
    "mj-head": ("mjml",),
    "mj-body": ("mjml",),
    "mj-title": ("mj-head",),
    "mj-preview": ("mj-head",),
    "mj-style": ("mj-head",),
    "mj-font": ("mj-head",),
    "mj-breakpoint": ("mj-head",),
    "mj-attributes": ("mj-head",),
    "mj-all": ("mj-attributes",),
    "mj-class": ("mj-attributes",),
    "mj-wrapper": ("mj-body",),
    "mj-hero": ("mj-body", "mj-wrapper"),
    "mj-section": ("mj-body", "mj-wrapper"),
    "mj-group": ("mj-section",),
    "mj-column": ("mj-section", "mj-group"),
    "mj-raw": ("mj-body", "mj-wrapper", "mj-section", "mj-group", "mj-column", "mj-hero", "mj-head"),
    "mj-social-element": ("mj-social",),
    "mj-navbar-link": ("mj-navbar",),
    "mj-accordion-element": ("mj-accordion",),
    "mj-accordion-title": ("mj-accordion-element",),
    "mj-accordion-text": ("mj-accordion-element",),
    "mj-carousel-image": ("mj-carousel",),
} | {name: ("mj-column", "mj-hero") for name in _COLUMN_CONTENT.split() if name != "mj-raw"}
"""Tag → the tags it may stand in directly; the first is the one to name."""

REFUSED = frozenset({"mj-include", "mj-html-attributes", "mj-selector"})
"""Tags of MJML that the compiler does not carry out."""

HTML_INSIDE = _words(
    "mj-text mj-button mj-table mj-raw mj-social-element mj-navbar-link mj-accordion-title mj-accordion-text"
)
"""Tags whose content is HTML."""

PLAIN_INSIDE = _words("mj-title mj-preview mj-style")
"""Tags whose content is text only."""

BLOCKS_INSIDE = _words("mj-body mj-section mj-group mj-column mj-hero mj-navbar") | HTML_INSIDE
"""Tags that may hold {% if %} and {% for %} directly: everywhere else the compiler would break the layout."""

_ATTRIBUTES: Mapping[str, str] = {
    "mjml": "lang dir owa version",
    "mj-body": "background-color width",
    "mj-style": "inline",
    "mj-font": "name href",
    "mj-breakpoint": "width",
    "mj-wrapper": f"{_BACKGROUND} {_BORDER} {_PADDING} full-width text-align gap",
    "mj-section": f"{_BACKGROUND} {_BORDER} {_PADDING} direction full-width text-align text-padding",
    "mj-group": "width vertical-align background-color direction",
    "mj-column": (
        f"background-color inner-background-color {_BORDER} {_INNER_BORDER} inner-border-radius {_PADDING} "
        "width vertical-align direction"
    ),
    "mj-hero": (
        f"{_BACKGROUND} {_PADDING} background-height background-width height mode vertical-align width "
        f"border-radius align container-background-color inner-background-color {_INNER}"
    ),
    "mj-text": f"{_FONT} {_PADDING} align background-color color container-background-color height",
    "mj-button": (
        f"{_FONT} {_PADDING} {_BORDER} inner-padding align background-color color container-background-color "
        "height href name rel target text-align title vertical-align width"
    ),
    "mj-image": (
        f"{_PADDING} {_BORDER} align alt container-background-color fluid-on-mobile "
        "font-size full-width height "
        "href max-height name rel sizes src srcset target title usemap width"
    ),
    "mj-divider": f"{_PADDING} align border-color border-style border-width container-background-color width",
    "mj-spacer": f"{_PADDING} container-background-color height width vertical-align border",
    "mj-table": (
        f"{_FONT} {_PADDING} align border cellpadding cellspacing color container-background-color role "
        "table-layout width"
    ),
    "mj-social": (
        f"{_FONT} {_PADDING} {_INNER} align border-radius color "
        "container-background-color icon-height icon-padding "
        "icon-size mode table-layout text-padding vertical-align"
    ),
    "mj-social-element": (
        f"{_FONT} {_PADDING} align alt background-color border-radius color href icon-height icon-padding "
        "icon-position icon-size name rel sizes src srcset target text-padding title vertical-align"
    ),
    "mj-navbar": (
        f"{_PADDING} align base-url hamburger ico-align ico-close ico-color ico-font-family ico-font-size "
        "ico-line-height ico-open ico-padding ico-padding-bottom ico-padding-left "
        "ico-padding-right ico-padding-top "
        "ico-text-decoration ico-text-transform"
    ),
    "mj-navbar-link": f"{_FONT} {_PADDING} color href name rel target",
    "mj-accordion": (
        f"{_PADDING} border container-background-color font-family icon-align icon-height icon-position "
        "icon-unwrapped-alt icon-unwrapped-url icon-width icon-wrapped-alt icon-wrapped-url"
    ),
    "mj-accordion-element": (
        "background-color border font-family icon-align icon-height icon-position icon-unwrapped-alt "
        "icon-unwrapped-url icon-width icon-wrapped-alt icon-wrapped-url"
    ),
    "mj-accordion-title": f"{_FONT} {_PADDING} background-color color",
    "mj-accordion-text": f"{_FONT} {_PADDING} background-color color",
    "mj-carousel": (
        f"{_PADDING} align background-color border-radius container-background-color icon-width left-icon "
        "right-icon tb-border tb-border-radius tb-hover-border-color "
        "tb-selected-border-color tb-width thumbnails"
    ),
    "mj-carousel-image": (
        f"{_PADDING} alt href rel src tb-border tb-border-radius target thumbnails-src title"
    ),
    "mj-raw": "position",
}
_EVERYWHERE = _words("css-class mj-class")

ATTRIBUTES: Mapping[str, frozenset[str]] = {
    tag: _words(names) | (frozenset() if tag in {"mjml", "mj-style", "mj-font"} else _EVERYWHERE)
    for tag, names in _ATTRIBUTES.items()
}
TAGS = frozenset(PARENTS) | {"mjml"}
