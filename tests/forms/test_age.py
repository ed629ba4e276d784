"""The age rule: below 13 never, below 15 a parent agrees as well, and no date of birth is stored (A-060)."""

from datetime import date

import pytest

from lists.sign_up_answers import years
from mailer.core import clock
from tests.forms.scene import ADA, Scene

pytestmark = pytest.mark.req("A-060")


def _born(age: int) -> str:
    """The date of birth of somebody whose birthday was yesterday or so."""
    today = clock.now().date()
    return (
        f"{today.year - age}-01-01" if (today.month, today.day) != (1, 1) else f"{today.year - age - 1}-12-31"
    )


async def _kept(scene: Scene) -> tuple[int, int, int]:
    async with scene.tx() as tx:
        counts = [
            await tx.value("SELECT count(*) FROM contacts WHERE account_id = $1"),
            await tx.value("SELECT count(*) FROM signup_requests WHERE account_id = $1"),
            await tx.value("SELECT count(*) FROM consents WHERE account_id = $1"),
        ]
    return counts[0], counts[1], counts[2]


@pytest.mark.parametrize(("age", "status"), [(12, 422), (14, 422), (15, 303), (40, 303)])
@pytest.mark.req("B-67")
async def test_a_date_of_birth_is_judged_and_forgotten(scene: Scene, age: int, status: int) -> None:
    await scene.publish(age_rule="birth_date")
    answer = await scene.send(birth_date=_born(age))
    assert answer.status == status
    if status == 422:
        assert "This form is for people of 15 and older." in answer.text
        assert await _kept(scene) == (0, 0, 0)
    else:
        async with scene.tx() as tx:
            kept = await tx.value("SELECT to_jsonb(r)::text FROM signup_requests r WHERE account_id = $1")
        assert _born(age) not in kept


@pytest.mark.parametrize(("age", "guardian", "status"), [(12, "yes", 422), (14, "yes", 303), (14, None, 422)])
async def test_a_parent_may_agree_for_somebody_of_thirteen_and_fourteen(
    scene: Scene, age: int, guardian: str | None, status: int
) -> None:
    await scene.publish(age_rule="birth_date", younger="guardian")
    assert (await scene.send(birth_date=_born(age), guardian=guardian)).status == status
    if status == 303:
        [asked] = await scene.ledger()
        assert "a person who holds parental authority agrees to this with me" in asked[5]
    else:
        assert await _kept(scene) == (0, 0, 0)


async def test_a_statement_has_to_be_ticked(scene: Scene) -> None:
    await scene.publish(age_rule="statement", minimum_age=18)
    refused = await scene.send()
    assert refused.status == 422
    assert "I am 18 or older." in refused.text
    assert (await scene.send(age="yes")).status == 303


@pytest.mark.parametrize("text", ["", "31/31/2000", "tomorrow", "1800-01-01", "3000-01-01"])
async def test_what_is_no_date_of_birth_is_asked_again(scene: Scene, text: str) -> None:
    await scene.publish(age_rule="birth_date")
    assert (await scene.send(birth_date=text)).status == 422
    assert await _kept(scene) == (0, 0, 0)


async def test_a_field_of_the_account_that_holds_a_date_of_birth_is_under_the_rule(scene: Scene) -> None:
    async with scene.tx() as tx:
        await tx.run(
            "INSERT INTO fields (account_id, key, label, type) VALUES ($1, 'naissance', 'Date de naissance', 'date')"
        )
    fields = [{"key": "naissance"}]
    await scene.publish(age_rule="statement", fields=fields)
    assert (await scene.send(field_naissance=_born(12), age="yes")).status == 422
    assert await _kept(scene) == (0, 0, 0)
    assert (await scene.send(field_naissance=_born(30), age="yes")).status == 303
    await scene.client.post(await scene.confirm_path())
    assert (await scene.contact(ADA))["fields"] == {"naissance": _born(30)}


def test_years_are_whole() -> None:
    assert years(date(2011, 11, 26), date(2026, 11, 26)) == 15
    assert years(date(2011, 11, 27), date(2026, 11, 26)) == 14
    assert years(date(2012, 2, 29), date(2027, 2, 28)) == 14
