"""That people were asked for measurement: a line of the ledger for each technique (B-38, B-39).

The database's function `may_ask_measurement` reads these lines, and the refusals, for six months.
"""

from collections.abc import Sequence

from lists import wordings
from lists.consents import Method, Purpose
from lists.signup_words import Frozen
from mailer.core.db import AccountTx

TECHNIQUES: tuple[Purpose, ...] = ("opens", "clicks")
STEP = 5_000


def asked_by(words: Frozen) -> list[tuple[Purpose, str]]:
    """The boxes of a form, each with its text."""
    boxes: tuple[tuple[Purpose, str], ...] = (("opens", words.opens), ("clicks", words.clicks))
    return [(purpose, text) for purpose, text in boxes if text]


async def note_request(tx: AccountTx, campaign_id: int, *, after: int, wording: str) -> int | None:
    """Of the next 5,000 contacts behind `after` whom a request reached; the last of them, None at the end.

    What has been accepted meanwhile was an answer, and needs no such line.
    """
    rows = await tx.rows(
        """
        SELECT d.contact_id
        FROM campaigns g
        JOIN deliveries d ON d.account_id = $1 AND d.campaign_id = g.id AND d.month = g.month
        WHERE g.account_id = $1 AND g.id = $2 AND d.contact_id > $3
          AND d.status IN ('delivered', 'bounced', 'in_doubt')
        ORDER BY d.contact_id
        LIMIT $4
        """,
        campaign_id,
        after,
        STEP,
    )
    if not rows:
        return None
    await _write(tx, [row[0] for row in rows], Method.PAGE, campaign_id, wording)
    return int(rows[-1][0])


async def _write(
    tx: AccountTx, contact_ids: Sequence[int], method: Method, source_id: int, wording: str
) -> None:
    await tx.run(
        """
        INSERT INTO consents (account_id, contact_id, address_hash, purpose, act, method, wording_id, source,
                              source_id)
        SELECT $1, c.id, c.address_hash, t.purpose, 'asked', $3, $4, 'consent request', $5
        FROM contacts c
        CROSS JOIN unnest($6::text[]) AS t (purpose)
        WHERE c.account_id = $1 AND c.id = ANY ($2::bigint[])
          AND CASE t.purpose WHEN 'opens' THEN c.opens ELSE c.clicks END <> 'granted'
        """,
        list(contact_ids),
        method,
        await wordings.keep(tx, f"consent request {source_id}", wording),
        source_id,
        list(TECHNIQUES),
    )
