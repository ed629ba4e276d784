"""The inventory is that of the lock files (E-57)."""

import re
import tomllib

import pytest

from tests.inventory import PAGE, ROOT, bill, of_node, of_python, page, sections


@pytest.mark.req("E-57")
def test_the_inventory_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run `make inventory`"


@pytest.mark.req("E-57")
def test_everything_the_project_asks_for_is_in_it_pinned_to_its_bytes() -> None:
    packages = {one.name.lower(): one for _, found in sections() for one in found}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    for wanted in project["project"]["dependencies"]:
        name = re.match(r"[\w.-]+", wanted)[0].lower()  # type: ignore[index]  # each begins with a name
        assert packages[name].hashes, name
        assert packages[name].asked_by, name
    assert len(packages) > 100
    assert [one.name for one in packages.values() if not one.hashes] == []


@pytest.mark.req("E-57")
def test_lock_files_are_read_as_they_are_written() -> None:
    lock = (
        "anyio==4.1.0 ; python_version < '4' \\\n    --hash=sha256:" + "a" * 64 + " \\\n    --hash=sha256:" + "b" * 64
        + "\n    # via\n    #   httpx\n    #   starlette\nlimits[async-valkey]==5.8 \\\n    --hash=sha256:" + "c" * 64
        + "\n    # via mailer (pyproject.toml)\n"
    )  # fmt: skip
    first, second = of_python(lock)
    assert (first.name, first.version, first.asked_by, len(first.hashes)) == (
        "anyio",
        "4.1.0",
        "httpx, starlette",
        2,
    )
    assert (second.name, second.version, second.asked_by) == ("limits", "5.8", "mailer (pyproject.toml)")
    node = of_node(
        '{"packages": {"": {"dependencies": {"@a/b": "1"}}, "node_modules/@a/b": {"version": "1.0", '
        '"integrity": "sha512-AAEC", "dependencies": {"c": "*"}}, "node_modules/c": {"version": "2.0"}}}'
    )
    assert [(one.purl, one.asked_by) for one in node] == [
        ("pkg:npm/%40a/b@1.0", ""),
        ("pkg:npm/c@2.0", "@a/b"),
    ]
    made = bill([second])
    assert made["components"][0]["purl"] == "pkg:pypi/limits@5.8"  # type: ignore[index]  # a list of dicts
    assert made["components"][0]["hashes"] == [{"alg": "SHA-256", "content": "c" * 64}]  # type: ignore[index]  # as above
