"""A client for pages and API: keeps a session's cookie, sends its form token, follows nothing by itself."""

import re
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession

COOKIE = "__Host-session"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    text: str
    body: bytes = field(default=b"", repr=False)

    @property
    def location(self) -> str:
        return self.headers.get("Location", "")

    def json(self) -> Any:
        import orjson

        return orjson.loads(self.text)


@dataclass(slots=True)
class Client:
    """`key` makes it a program, `cookie` a signed-in person."""

    http: ClientSession
    base: str
    cookie: str = ""
    csrf: str = ""
    key: str = ""
    language: str = "en"
    headers: dict[str, str] = field(default_factory=dict)

    async def ask(self, method: str, path: str, **more: Any) -> Answer:
        headers = {"Accept-Language": self.language, **self.headers, **more.pop("headers", {})}
        if self.cookie:
            headers["Cookie"] = f"{COOKIE}={self.cookie}"
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        elif method not in ("GET", "HEAD") and "Origin" not in headers and not path.startswith("/t/"):
            headers["Origin"] = self.base
        async with self.http.request(
            method, self.base + path, headers=headers, allow_redirects=False, **more
        ) as answer:
            body = await answer.read()
            found = dict(answer.headers)
            for cookie in answer.headers.getall("Set-Cookie", []):
                match = re.match(rf"{COOKIE}=([^;]*)", cookie)
                if match:
                    self.cookie = match[1]
            return Answer(answer.status, found, body.decode("utf-8", "replace"), body)

    async def get(self, path: str, **more: Any) -> Answer:
        return await self.ask("GET", path, **more)

    async def post(self, path: str, form: dict[str, Any] | None = None, **more: Any) -> Answer:
        """A form as our pages send it; `json=` for the API."""
        if form is not None or ("json" not in more and "data" not in more):
            data = {"csrf": self.csrf, **(form or {})}
            pairs = [
                (name, str(item))
                for name, value in data.items()
                for item in (value if isinstance(value, list) else [value])
            ]
            more["data"] = pairs
        return await self.ask("POST", path, **more)
