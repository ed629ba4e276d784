"""The HTML of a published form for other sites: plain, without script, style or anything loaded from us."""

from lists.signup_versions import Published
from mailer.web import i18n, templating
from mailer.web.forms import Form


def embedded(form: Published, *, address: str) -> str:
    """To be pasted as it is. It names its version, so that a proof has the words its reader saw (B-25)."""
    words = form.words
    context = {
        "words": words,
        "version": form.version,
        "action": address,
        "prefix": f"f{form.form_id}-",
        "form": Form(),
    }
    with i18n.speaking(words.language):
        text = templating.render_text("lists/recipients/recipient_embed.html", context)
    return "\n".join(line for line in text.splitlines() if line.strip()) + "\n"
