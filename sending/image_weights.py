"""How heavy the images of one mail are together, by its source: shown where it is written and checked."""

import re
from dataclasses import dataclass

from mailer.core.db import AccountTx
from sending import image_library, images
from sending.image_checks import HEAVY_TOGETHER
from sending.images import Image

# an image's address in MJML, HTML or the stored form of a letter
_SOURCE = re.compile(r"""\bsrc"?\s*[=:]\s*["'](https?://[^"'<>\s]{1,2000})""", re.I)


@dataclass(frozen=True, slots=True)
class Weight:
    """In bytes. `foreign`: images of other servers, whose weight nobody here knows."""

    together: int
    heaviest: Image | None
    foreign: int
    limit: int = HEAVY_TOGETHER

    @property
    def over(self) -> bool:
        return self.together > self.limit


async def of(tx: AccountTx, source: str) -> Weight:
    """Each image once, however often it stands there."""
    names = images.names_in(source, tx.account_id)
    found = await image_library.by_names(tx, names) if names else []
    by_id = {one.id: one for one in found}
    foreign = {url for url in _SOURCE.findall(source) if url.rpartition("/")[2] not in names}
    heaviest = max(by_id.values(), key=lambda one: one.size, default=None)
    return Weight(sum(one.size for one in by_id.values()), heaviest, len(foreign))
