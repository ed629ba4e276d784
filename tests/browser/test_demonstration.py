"""The whole product on an empty folder: `mailer run` walks its main job once, and says what came of it."""

import re

from aiohttp import ClientSession

from mailer import demo_data
from tests.browser.product import Product


async def test_the_walk_of_a_new_copy_leaves_a_product_in_order(product: Product) -> None:
    """Before any other test that shares the product (tests/conftest.py)."""
    await product.demonstrated()
    said = product.log.read_text()
    assert "demonstration failed" not in said
    _the_figures_add_up(said)
    await _the_link_lets_somebody_in_once(product)
    assert (await product.command("demo")).strip() == "No demonstration: there is an account already."
    assert "WRONG" not in await product.command("doctor")


def _figure(said: str, name: str) -> int:
    found = re.search(rf"^  {name}\s+(\d+)", said, re.MULTILINE)
    assert found is not None, f"{name} in\n{said}"
    return int(found[1])


def _the_figures_add_up(said: str) -> None:
    good = demo_data.CONTACTS + len(demo_data.BOUNCING)
    assert _figure(said, "imported") == good
    assert _figure(said, "rejected") == len(demo_data.BROKEN_ROWS)
    assert _figure(said, "sent") == good
    assert _figure(said, "bounced") == len(demo_data.BOUNCING)
    assert _figure(said, "delivered") == demo_data.CONTACTS
    assert _figure(said, "unsubscribed") == 1
    measured = re.search(r"opens\s+(\d+)  people, of (\d+) .*\n.* (\d+) by machines, (\d+) too soon", said)
    assert measured is not None, said
    people, base, machines, unknown = map(int, measured.groups())
    # every third contact accepted measurement; the others were neither opened nor clicked
    assert demo_data.CONTACTS // 3 - 2 <= base <= demo_data.CONTACTS // 3 + 2
    assert 0 < _figure(said, "clicks") < people < base
    assert machines > 0
    assert unknown > 0


async def _the_link_lets_somebody_in_once(product: Product) -> None:
    headers = {"Origin": product.base}
    async with ClientSession() as http:
        async with http.post(product.sign_in_link, headers=headers, allow_redirects=False) as answer:
            assert answer.status == 303
            assert "__Host-session" in answer.headers.get("Set-Cookie", "")
        async with http.post(product.sign_in_link, headers=headers, allow_redirects=False) as answer:
            assert answer.status == 410
