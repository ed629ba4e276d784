"""Who has a draft open now: people of the account, for as long as their page tells so (Valkey).

page open ─▶ seen, every 15 s ─▶ who else was seen in the last 45 s
"""

from redis.exceptions import RedisError

from mailer.core import clock
from mailer.core.services import Services
from sending.draft_versions import Draft

POLL_SECONDS = 15
SECONDS = 45


async def seen(services: Services, account_id: int, draft: Draft, user_id: int) -> list[int]:
    """Notes this person, and returns who else is there. Without Valkey, nobody: a save is guarded anyway."""
    key = f"presence:{account_id}:{_name(draft)}"
    now = clock.now().timestamp()
    try:
        async with services.redis.pipeline() as asked:
            asked.zadd(key, {str(user_id): now})
            asked.zremrangebyscore(key, "-inf", now - SECONDS)
            asked.zrange(key, 0, 20)
            asked.expire(key, SECONDS)
            answers = await asked.execute()
    except RedisError:
        return []
    return [int(one) for one in answers[2] if int(one) != user_id]


def _name(draft: Draft) -> str:
    if draft.design_id is not None:
        return f"design:{draft.design_id}"
    return f"campaign:{draft.campaign_id}:{draft.variant}"
