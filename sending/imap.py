"""A mailbox over IMAP, as far as reading reports needs it. The only import of imap_tools; work for a thread.

    open → beyond a UID → raw mails → understood ones are moved, or marked as read → close

Nothing is deleted: EXPUNGE would also take what somebody else marked. The connection is one that the fence
has looked at, and TLS checks the name.
"""

import contextlib
import imaplib
import re
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import imap_tools

PORTS = (993, 143)
SECONDS = 20.0
# of one mail, and of any answer: a report holds a mail of ours at most, and a server may say anything
MOST_BYTES = 10_000_000
# in lines, over a whole connection: numbers of mails, not their content
_MOST_LINES = 30_000_000
# UIDs that are asked for at once, so that a mailbox of a million is not listed each minute
_WINDOW = 20_000
_SIZE = re.compile(rb"UID (\d+)\D+?RFC822\.SIZE (\d+)|RFC822\.SIZE (\d+)\D+?UID (\d+)")
Tls = Literal["implicit", "starttls"]
Trouble = Literal["sign_in", "folder", "done_folder", "tls", "private", "away", "odd"]


class ImapError(Exception):
    """`why` names what went wrong."""

    def __init__(self, why: Trouble) -> None:
        super().__init__(why)
        self.why: Trouble = why


@dataclass(frozen=True, slots=True)
class Access:
    """`done_folder` "": what was understood stays where it is, marked as read."""

    host: str
    port: int
    tls: Tls
    username: str
    password: str = field(repr=False)
    folder: str = "INBOX"
    done_folder: str = ""


class _Client(imaplib.IMAP4):
    """Over a connection that is open already, with a bound for every answer."""

    def __init__(self, opened: socket.socket, access: Access) -> None:
        self._opened, self._access = opened, access
        self._octets = 0
        super().__init__(access.host, access.port, SECONDS)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        if self._access.tls == "starttls":
            return self._opened
        context = ssl.create_default_context()
        return context.wrap_socket(self._opened, server_hostname=self._access.host)

    def read(self, size: int) -> bytes:
        if size > MOST_BYTES:
            raise imaplib.IMAP4.error("the answer is too long")
        return super().read(size)

    def readline(self) -> bytes:
        line = super().readline()
        self._octets += len(line)
        if self._octets > _MOST_LINES:
            raise imaplib.IMAP4.error("the answer has no end")
        return line


class _Box(imap_tools.BaseMailBox):
    def __init__(self, opened: socket.socket, access: Access) -> None:
        self._opened, self._access = opened, access
        super().__init__()

    def _get_mailbox_client(self) -> imaplib.IMAP4:
        client = _Client(self._opened, self._access)
        if self._access.tls == "starttls":
            client.starttls(ssl.create_default_context())
        return client


@dataclass(slots=True)
class Mailbox:
    """A folder that is open. Raises ImapError, as everything here does."""

    box: _Box
    access: Access
    uid_validity: int
    uid_next: int
    """When it was opened; 0 where the server does not tell (RFC 3501 §6.3.1)."""

    def beyond(self, uid: int, limit: int) -> list[tuple[int, int]]:
        """UID and size of the next mails, the oldest first."""
        with _told():
            found: list[int] = []
            begin = uid + 1
            while not found and begin < (self.uid_next or begin + 1):
                end = begin + _WINDOW - 1 if self.uid_next else "*"
                texts = self.box.uids(f"UID {begin}:{end}", charset=None)
                # a server may count beyond what was asked
                found = sorted(number for text in texts if (number := int(text)) > uid)[:limit]
                begin += _WINDOW
                if not self.uid_next:
                    break
            if not found:
                return []
            chosen = ",".join(map(str, found))
            _, answers = self.box.client.uid("FETCH", chosen, "(UID RFC822.SIZE)")
            sizes = {}
            for answer in answers:
                line = answer[0] if isinstance(answer, tuple) else answer
                if isinstance(line, bytes) and (read := _SIZE.search(line)):
                    sizes[int(read[1] or read[4])] = int(read[2] or read[3])
        return [(number, sizes[number]) for number in found if number in sizes]

    def raw(self, uid: int) -> bytes | None:
        """The mail as it is, not marked as read by that; None when it is gone meanwhile."""
        with _told():
            _, answers = self.box.client.uid("FETCH", str(uid), "(BODY.PEEK[])")
        return next((bytes(one[1]) for one in answers or [] if isinstance(one, tuple)), None)

    def settle(self, uids: Sequence[int]) -> None:
        """Those that were understood: marked as read, and moved where that can be done without EXPUNGE."""
        if not uids:
            return
        chosen = ",".join(map(str, uids))
        with _told():
            client = self.box.client
            client.uid("STORE", chosen, "+FLAGS", r"(\Seen)")
            if self.access.done_folder and "MOVE" in client.capabilities:
                self.box.move([str(one) for one in uids], self.access.done_folder)


@contextmanager
def opened(connection: socket.socket, access: Access) -> Iterator[Mailbox]:
    """Signed in, the folder open. Raises ImapError."""
    connection.setblocking(True)
    connection.settimeout(SECONDS)
    box = None
    try:
        with _told():
            box = _Box(connection, access)
            box.login_utf8(access.username, access.password, None) if not (
                access.username.isascii() and access.password.isascii()
            ) else box.login(access.username, access.password, None)
            if access.done_folder and not box.folder.exists(access.done_folder):
                raise ImapError("done_folder")
            box.folder.set(access.folder)
            validity, following = _number(box, "UIDVALIDITY"), _number(box, "UIDNEXT")
        yield Mailbox(box, access, validity, following)
    finally:
        if box is not None:
            with contextlib.suppress(Exception):
                box.logout()
            with contextlib.suppress(Exception):
                # what logout leaves open when the server does not answer it
                box.client.shutdown()
        connection.close()


def _number(box: _Box, name: str) -> int:
    """Of the answer to SELECT; 0 when it is not told."""
    _, found = box.client.response(name)
    return int(found[0]) if found and found[0] else 0


@contextmanager
def _told() -> Iterator[None]:
    """The library's errors as ImapError."""
    try:
        yield
    except imap_tools.MailboxLoginError:
        raise ImapError("sign_in") from None
    except imap_tools.MailboxFolderSelectError:
        raise ImapError("folder") from None
    except ssl.SSLError:
        raise ImapError("tls") from None
    except OSError:
        raise ImapError("away") from None
    except (imap_tools.ImapToolsError, imaplib.IMAP4.error, ValueError, LookupError, TypeError) as error:
        # imaplib tells of a connection that was closed by an error of its own
        raise ImapError("away" if isinstance(error, imaplib.IMAP4.abort) else "odd") from None
