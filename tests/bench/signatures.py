"""RSA-2048 signatures a second of all cores: python -m tests.bench.signatures SECONDS signs on one of them."""

import asyncio
import sys
import time
from contextlib import AsyncExitStack

import orjson
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.bench import children
from tests.bench.outcome import CORES

# the header fields that a signature covers are about as many octets
SIGNED = b"x" * 1_200


async def rate(seconds: float) -> float:
    async with AsyncExitStack() as stack:
        signers = [
            await stack.enter_async_context(children.python("-m", "tests.bench.signatures", str(seconds)))
            for _ in range(CORES)
        ]
        for signer in signers:
            await children.line(signer)
        for signer in signers:
            children.say(signer, "go")
        said = await asyncio.gather(*(children.line(one, seconds=30 + 3 * seconds) for one in signers))
    return sum(float(orjson.loads(one)["rate"]) for one in said)


def sign(seconds: float) -> None:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.monotonic()
    made = 0
    while time.monotonic() < began + seconds:
        for _ in range(20):
            key.sign(SIGNED, padding.PKCS1v15(), hashes.SHA256())
        made += 20
    print(orjson.dumps({"rate": made / (time.monotonic() - began)}).decode(), flush=True)


if __name__ == "__main__":
    sign(float(sys.argv[1]))
