"""Evidence is signed by the newest key of the installation and verified by whichever signed it."""

import pytest

from mailer.core import proof_keys
from mailer.core.proof_keys import Signature
from mailer.core.services import Services


@pytest.mark.req("A-093")
async def test_an_old_signature_verifies_after_a_new_key_signs(services: Services) -> None:
    async with services.db.shared() as tx:
        before = await proof_keys.sign(tx, services.sealer, b"one")
        number, _ = await proof_keys.add(tx, services.sealer)
        after = await proof_keys.sign(tx, services.sealer, b"one")
        keys = await proof_keys.public_keys(tx)
    assert (before.key_id, after.key_id) == (number - 1, number)
    assert proof_keys.verified(keys, b"one", before)
    assert proof_keys.verified(keys, b"one", after)


async def test_an_altered_text_another_key_and_an_unknown_one_do_not_verify(services: Services) -> None:
    async with services.db.shared() as tx:
        made = await proof_keys.sign(tx, services.sealer, b"one")
        number, _ = await proof_keys.add(tx, services.sealer)
        keys = await proof_keys.public_keys(tx)
    assert not proof_keys.verified(keys, b"two", made)
    assert not proof_keys.verified(keys, b"one", Signature(number, made.value))
    assert not proof_keys.verified(keys, b"one", Signature(number + 1, made.value))
    assert not proof_keys.verified([], b"one", made)
