"""What the product is made of, from its lock files: `make inventory` writes deploy/docs/dependencies.md and a CycloneDX file.

Nothing is asked of a network: a lock file names every package, its version and what its bytes hash to.
"""

import base64
import json
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "deploy" / "docs" / "dependencies.md"
BILL = ROOT / ".build" / "bill-of-materials.cdx.json"
_PINNED = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?==(\S+)")
_VIA = re.compile(r"^ +# +(?:via )?(.+)$")


@dataclass(frozen=True, slots=True)
class Package:
    """`kind`: pypi or npm. `asked_by`: who needs it; "" when the project itself does."""

    kind: str
    name: str
    version: str
    asked_by: str
    hashes: tuple[str, ...]

    @property
    def purl(self) -> str:
        # https://github.com/package-url/purl-spec: the @ of a scope is encoded
        return f"pkg:{self.kind}/{self.name.replace('@', '%40')}@{self.version}"


def of_python(lock: str) -> list[Package]:
    """The pins of a requirements file, in its order."""
    found: list[Package] = []
    for line in lock.splitlines():
        if pin := _PINNED.match(line):
            found.append(Package("pypi", pin[1], pin[2].rstrip(";"), "", ()))
        elif found and (digest := re.search(r"--hash=sha256:([0-9a-f]{64})", line)):
            last = found[-1]
            found[-1] = Package("pypi", last.name, last.version, last.asked_by, (*last.hashes, digest[1]))
        elif found and (via := _VIA.match(line)) and via[1] != "via":
            last = found[-1]
            names = ", ".join(filter(None, (last.asked_by, via[1])))
            found[-1] = Package("pypi", last.name, last.version, names, last.hashes)
    return found


def of_node(lock: str) -> list[Package]:
    """The packages of a package-lock.json; a package for other machines is one, too."""
    packages = json.loads(lock)["packages"]
    direct = packages[""].get("dependencies", {}) | packages[""].get("devDependencies", {})
    needed: dict[str, list[str]] = {}
    for path, one in packages.items():
        for name in (one.get("dependencies", {}) | one.get("optionalDependencies", {})) if path else ():
            needed.setdefault(name, []).append(path.rpartition("node_modules/")[2])
    found = []
    for path, one in packages.items():
        name = path.rpartition("node_modules/")[2]
        if name and "version" in one:
            _, _, digest = one.get("integrity", "").partition("-")
            hashes = (base64.b64decode(digest).hex(),) if digest else ()
            asked = "" if name in direct else ", ".join(sorted(set(needed.get(name, []))))
            found.append(Package("npm", name, one["version"], asked, hashes))
    return found


def sections() -> list[tuple[str, list[Package]]]:
    """What runs in service, what runs in a browser, and what only builds and tests."""
    read = {
        name: of_python((ROOT / name).read_text()) for name in ("requirements.txt", "requirements-dev.txt")
    }
    served = read["requirements.txt"]
    known = {one.name for one in served}
    return [
        ("In service (Python)", served),
        ("In the pages, and what builds them (JavaScript)", of_node((ROOT / "mailer/web/assets/package-lock.json").read_text())),
        ("For tests and checks only (Python)", [one for one in read["requirements-dev.txt"] if one.name not in known]),
        ("For building the pages only (Python)", of_python((ROOT / "requirements-assets.txt").read_text())),
        ("For tests only (JavaScript)", of_node((ROOT / "tests/browser/package-lock.json").read_text())),
    ]  # fmt: skip


def page() -> str:
    """The inventory as a page."""
    lines = [
        "# Dependencies",
        "",
        "Every package with its version, from the lock files; each is pinned to the hash of its bytes there. Written by",
        "`make inventory`, which also writes `.build/bill-of-materials.cdx.json` (CycloneDX 1.6) for scanners. What each direct",
        "one is for stands in `pyproject.toml`, how soon a flaw in one is mended in [security.md](security.md).",
    ]
    for title, packages in sections():
        lines += ["", f"## {title}", "", "| package | version | asked for by |", "|---|---|---|"]
        lines += [f"| {one.name} | {one.version} | {_asked(one)} |" for one in packages]
    return "\n".join(lines) + "\n"


def _asked(one: Package) -> str:
    text = one.asked_by
    return "us" if not text or "pyproject.toml" in text or "mailer (" in text else text


def bill(packages: Iterable[Package]) -> dict[str, object]:
    """CycloneDX 1.6, without time or serial number: the same lock files give the same bytes."""
    components = [
        {
            "type": "library",
            "bom-ref": one.purl,
            "name": one.name,
            "version": one.version,
            "purl": one.purl,
            "hashes": [
                {"alg": "SHA-256" if len(digest) == 64 else "SHA-512", "content": digest}
                for digest in one.hashes
            ],
        }
        for one in packages
    ]
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": components}


def main() -> int:
    PAGE.write_text(page())
    BILL.parent.mkdir(exist_ok=True)
    packages = [one for _, found in sections()[:2] for one in found]
    BILL.write_text(json.dumps(bill(packages), indent=1) + "\n")
    print(f"{PAGE.relative_to(ROOT)}: {sum(len(found) for _, found in sections())} packages")
    print(f"{BILL.relative_to(ROOT)}: {len(packages)} packages in service")
    return 0


if __name__ == "__main__":
    sys.exit(main())
