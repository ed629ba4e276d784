"""QR codes as SVG for a page. The only import of segno."""

from markupsafe import Markup


def svg(text: str) -> Markup:
    """Dark on white in either theme: cameras expect it. No style and no script in it (E-06)."""
    import segno

    drawn = segno.make_qr(text, error="m").svg_inline(
        scale=1, border=4, dark="#000", light="#fff", omitsize=True, svgclass=None, lineclass=None
    )
    return Markup(drawn)  # noqa: S704  # shapes that segno drew; the text is in none of them as text
