"""A small IMAP4rev1 server (RFC 3501, with UIDPLUS's neighbours left out and MOVE of RFC 6851), over TLS.

    async with serving(folder) as server:      server.deliver(raw), server.folders["INBOX"]

It keeps mails in memory, speaks to any number of clients, and can be told to misbehave.
"""

import asyncio
import base64
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from tests.providers import amazon

HOST = "imap.boulangerie.test"
_COMMAND = re.compile(rb"(\S+) (\S+) ?(.*)\r\n", re.DOTALL)
_QUOTED = re.compile(rb'"((?:[^"\\]|\\.)*)"|(\S+)')


@dataclass
class Stored:
    uid: int
    raw: bytes
    flags: set[str] = field(default_factory=set)


@dataclass
class Folder:
    mails: list[Stored] = field(default_factory=list)
    next_uid: int = 1


@dataclass
class ImapServer:
    """`password` "": nobody gets in. `moves`: offers MOVE. `late`: closes after so many commands. `heard`: verbs."""

    username: str = "retours@boulangerie.test"
    password: str = "s3cret"
    validity: int = 7
    moves: bool = True
    tells_next: bool = True
    late: int = 0
    endless: bool = False
    folders: dict[str, Folder] = field(default_factory=lambda: {"INBOX": Folder(), "Traite": Folder()})
    heard: list[str] = field(default_factory=list)
    port: int = 0
    plain_port: int = 0
    context: ssl.SSLContext = field(default_factory=lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))

    def deliver(self, raw: bytes, folder: str = "INBOX") -> int:
        box = self.folders[folder]
        box.mails.append(Stored(box.next_uid, raw))
        box.next_uid += 1
        return box.next_uid - 1

    def uids(self, folder: str = "INBOX") -> list[int]:
        return [one.uid for one in self.folders[folder].mails]

    def flags(self, uid: int, folder: str = "INBOX") -> set[str]:
        [found] = [one for one in self.folders[folder].mails if one.uid == uid]
        return found.flags

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await Client(self, reader, writer).run()


@dataclass
class Client:
    server: ImapServer
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    signed_in: bool = False
    folder: str = ""
    commands: int = 0

    async def run(self) -> None:
        try:
            self.say("* OK ready")
            while line := await self.reader.readline():
                if not await self.command(line):
                    break
                await self.writer.drain()
            await self.writer.drain()
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            self.writer.close()

    def say(self, text: str | bytes) -> None:
        self.writer.write((text.encode() if isinstance(text, str) else text) + b"\r\n")

    async def command(self, line: bytes) -> bool:
        found = _COMMAND.fullmatch(line)
        if found is None:
            self.say("* BAD what")
            return True
        tag, verb, rest = found[1].decode(), found[2].decode().upper(), found[3]
        if verb == "UID":
            second, _, rest = rest.partition(b" ")
            verb = f"UID {second.decode().upper()}"
        self.server.heard.append(verb)
        self.commands += 1
        if self.server.late and self.commands > self.server.late:
            return False
        if self.server.endless and verb == "UID SEARCH":
            # 56 MB, beyond every bound; a client that leaves may not be noticed while writing goes on
            for _ in range(80):
                self.say(b"* SEARCH" + b" 123456" * 100_000)
                await self.writer.drain()
        words = [quoted or plain for quoted, plain in _QUOTED.findall(rest)]
        args = [re.sub(rb"\\(.)", rb"\1", one).decode() for one in words]
        match verb:
            case "CAPABILITY":
                move = " MOVE" if self.server.moves else ""
                self.say(f"* CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN{move}")
                self.say(f"{tag} OK done")
            case "STARTTLS":
                self.say(f"{tag} OK done")
                await self.writer.drain()
                await self.writer.start_tls(self.server.context)
            case "LOGIN":
                self.sign_in(tag, *args[:2])
            case "AUTHENTICATE":
                self.say("+ ")
                await self.writer.drain()
                _, user, password = base64.b64decode(await self.reader.readline()).split(b"\0")
                self.sign_in(tag, user.decode(), password.decode())
            case "LOGOUT":
                self.say("* BYE")
                self.say(f"{tag} OK done")
                return False
            case "NOOP":
                self.say(f"{tag} OK done")
            case _ if not self.signed_in:
                self.say(f"{tag} NO first sign in")
            case "LIST":
                for name in self.server.folders:
                    if name == args[-1]:
                        self.say(f'* LIST () "/" "{name}"')
                self.say(f"{tag} OK done")
            case "SELECT":
                self.select(tag, args[0])
            case _ if not self.folder:
                self.say(f"{tag} BAD no folder")
            case _:
                self.on_mails(tag, verb, args, rest)
        return True

    def sign_in(self, tag: str, username: str, password: str) -> None:
        known = (self.server.username, self.server.password)
        self.signed_in = bool(password) and (username, password) == known
        self.say(f"{tag} {'OK' if self.signed_in else 'NO'} said")

    def select(self, tag: str, name: str) -> None:
        if name not in self.server.folders:
            self.say(f"{tag} NO no such folder")
            return
        self.folder, box = name, self.server.folders[name]
        self.say(f"* {len(box.mails)} EXISTS")
        self.say(f"* OK [UIDVALIDITY {self.server.validity}]")
        if self.server.tells_next:
            self.say(f"* OK [UIDNEXT {box.next_uid}]")
        self.say(f"{tag} OK [READ-WRITE]")

    def chosen(self, text: str) -> list[tuple[int, Stored]]:
        """Sequence number and mail of a set of UIDs; “n:*” has the last one always."""
        mails = self.server.folders[self.folder].mails
        last = max((one.uid for one in mails), default=0)
        wanted = set()
        for part in text.split(","):
            begin, _, end = part.partition(":")
            low, high = int(begin), last if end == "*" else int(end or begin)
            wanted |= {one.uid for one in mails if min(low, high) <= one.uid <= max(low, high)}
        return [(n, one) for n, one in enumerate(mails, 1) if one.uid in wanted]

    def on_mails(self, tag: str, verb: str, args: list[str], rest: bytes) -> None:
        box = self.server.folders[self.folder]
        match verb:
            case "UID SEARCH":
                assert args[0] == "UID"
                self.say("* SEARCH " + " ".join(str(one.uid) for _, one in self.chosen(args[1])))
            case "UID FETCH" if b"BODY.PEEK[]" in rest:
                for n, one in self.chosen(args[0]):
                    self.say(b"* %d FETCH (UID %d BODY[] {%d}" % (n, one.uid, len(one.raw)))
                    self.writer.write(one.raw)
                    self.say(b")")
            case "UID FETCH":
                for n, one in self.chosen(args[0]):
                    self.say(f"* {n} FETCH (UID {one.uid} RFC822.SIZE {len(one.raw)})")
            case "UID STORE":
                for _, one in self.chosen(args[0]):
                    one.flags |= set(re.findall(r"\\\w+", rest.decode()))
            case "UID MOVE" | "UID COPY" if args[1] in self.server.folders:
                for _, one in self.chosen(args[0]):
                    self.server.deliver(one.raw, args[1])
                    if verb == "UID MOVE":
                        box.mails.remove(one)
            case "EXPUNGE":
                box.mails = [one for one in box.mails if "\\Deleted" not in one.flags]
            case _:
                self.say(f"{tag} BAD not known")
                return
        self.say(f"{tag} OK done")


@asynccontextmanager
async def serving(folder: Path, name: str = HOST) -> AsyncIterator[tuple[ImapServer, Path]]:
    """With the file of the authority that a client has to trust."""
    authority, front = amazon.new_key(), amazon.new_key()
    trusted, chain = folder / "imap-authority.pem", folder / "imap.pem"
    trusted.write_bytes(amazon.pem(amazon.certificate("IMAP Authority", authority)))
    chain.write_bytes(
        front.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + amazon.pem(amazon.certificate(name, front, ("IMAP Authority", authority)))
    )
    server = ImapServer()
    server.context.load_cert_chain(chain)
    over_tls = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=server.context)
    plain = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = over_tls.sockets[0].getsockname()[1]
    server.plain_port = plain.sockets[0].getsockname()[1]
    async with over_tls, plain:
        yield server, trusted
