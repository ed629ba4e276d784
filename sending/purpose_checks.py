"""Is a campaign what its lists were opened for? Another purpose needs another agreement (A-061).

    list \\ campaign   newsletter   promotion   service
    newsletter          yes          no          yes
    promotion           yes          yes         yes
    service             no           no          yes

What promotes reaches those alone who were told so (GDPR, art. 5(1)(b)); a service message rests on what the
person asked for.
"""

from mailer.core.db import AccountTx
from mailer.core.text import N_
from sending.campaigns import Campaign
from sending.problems import Problem, error

CODE = "purpose"
# kinds of campaigns → kinds of lists that were not opened for them
_NOT_FOR = {"newsletter": ("service",), "promotion": ("service", "newsletter"), "service": ()}
_MESSAGES = {
    "service": N_(
        "The list “{list}” is for service messages: nobody on it was told of a newsletter or an"
        " advertisement. Choose another list, or make this campaign a service message if that is what it is."
    ),
    "newsletter": N_(
        "The list “{list}” is for a newsletter, and this campaign is a promotion. Choose a list for"
        " promotions, or change the type of the campaign, or of the list if its people were told of"
        " advertisements."
    ),
}


async def check(tx: AccountTx, campaign: Campaign) -> list[Problem]:
    """One for each list that its mails would be authorised by, in their order."""
    rows = await tx.rows(
        """
        SELECT l.name, l.kind
        FROM campaign_lists i
        JOIN mailing_lists l ON l.account_id = i.account_id AND l.id = i.list_id
        WHERE i.account_id = $1 AND i.campaign_id = $2 AND i.use = 'include' AND l.kind = ANY ($3::text[])
        ORDER BY i.position, i.list_id
        """,
        campaign.id,
        list(_NOT_FOR[campaign.kind]),
    )
    return [error(0, CODE, _MESSAGES[kind], list=name) for name, kind in rows]
