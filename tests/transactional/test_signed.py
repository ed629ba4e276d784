"""A message from a real installation: its sender's domain is in order, and it is signed."""

import re
from dataclasses import replace

import dkim as verifier
import pytest

from mailer.core.errors import Invalid
from sending import domains, senders, transactional
from sending.domains import NewDomain
from sending.transactional_order import NewMessage
from tests.dns_server import Zone
from tests.domains.conftest import Place
from tests.transactional.conftest import Counter


def to_the_internet(counter: Counter) -> None:
    changed = {"smtp_url": f"smtp://{counter.sink.address}", "inbox": ""}
    settings = counter.services.settings.model_copy(update=changed)
    counter.services = replace(counter.services, settings=settings)


@pytest.mark.req("D-50", "D-51", "D-54")
async def test_a_message_leaves_signed_from_a_domain_in_order_only(counter: Counter, zone: Zone) -> None:
    to_the_internet(counter)
    new = NewMessage.model_validate(counter.body())
    async with counter.services.db.account(counter.account.id) as tx:
        name = (await senders.show(tx, counter.sender_id)).domain
        with pytest.raises(Invalid) as refused:
            await transactional.make(tx, counter.services, new)
        assert [fault.code for fault in refused.value.faults] == ["domain"]
        made = await domains.create(tx, counter.services, NewDomain(name=name))
    place = Place(counter.services, zone, counter.account, name, made.id)
    await place.publish()
    await place.look()
    # what a program asks for is taken by the web process, whose services know no server of the test's
    assert (await counter.ask()).status == 202
    await counter.run()
    [mail] = counter.sink.accepted

    def answer(key: bytes, **_: object) -> bytes:
        return "".join(re.findall(r'"([^"]*)"', zone.records[(key.decode().rstrip("."), "TXT")][0])).encode()

    assert f"d={name};".encode() in mail.raw
    assert [verifier.DKIM(mail.raw).verify(idx=n, dnsfunc=answer) for n in (0, 1)] == [True, True]
