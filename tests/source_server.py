"""A local server that behaves as sources of data do, their bad days included."""

import gzip
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from histoniche.cohort.sources.remote import Remote


@dataclass
class Seen:
    """One request, and how many bytes of a body were sent in answer."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: Any
    status: int = 0
    sent: int = 0


@dataclass
class File:
    """A file of the server."""

    content: bytes
    etag: str | None = '"v1"'
    modified: str | None = None
    ranges: bool = True
    """Whether a range is answered with 206, or with 200 and all of it."""
    faults: list[Callable[["Handler"], bool]] = field(default_factory=list)
    """What goes wrong with the next requests, one each; True if the answer is done with."""
    token: str | None = None
    packed: bool = False
    length: bool = True
    kind: str = "application/octet-stream"

    @property
    def md5(self) -> str:
        return hashlib.md5(self.content, usedforsecurity=False).hexdigest()


class Server(ThreadingHTTPServer):
    """Files by path, answers of services by path, and a list of what was asked."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, File] = {}
        self.services: dict[str, Callable[[Seen], Any]] = {}
        self.seen: list[Seen] = []
        self.lock = threading.Lock()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def sent(self, path: str) -> int:
        """Bytes of a file that were sent in all."""
        return sum(one.sent for one in self.seen if one.path == path)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are what is tested."""


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Server
    protocol_version = "HTTP/1.1"
    entry: Seen

    def log_message(self, *arguments: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._handle(None)

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length", 0))
        self._handle(json.loads(self.rfile.read(size)) if size else None)

    def _handle(self, body: Any) -> None:
        parts = urlsplit(self.path)
        self.entry = Seen(self.command, parts.path, parse_qs(parts.query), dict(self.headers), body)
        with self.server.lock:
            self.server.seen.append(self.entry)
        service = self.server.services.get(parts.path)
        if service is not None:
            self.answer_json(service(self.entry))
        elif parts.path in self.server.files:
            self.answer_file(self.server.files[parts.path])
        else:
            self.refuse(404)

    def refuse(self, status: int, **headers: str) -> bool:
        """Answer with a status and an empty body."""
        self.begin(status, {**{k.replace("_", "-"): v for k, v in headers.items()}}, 0)
        return True

    def begin(self, status: int, headers: dict[str, str], length: int | None) -> None:
        """Send status and headers."""
        self.entry.status = status
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if length is not None:
            self.send_header("Content-Length", str(length))
        else:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()

    def give(self, content: bytes) -> None:
        """Send a body, counted."""
        for start in range(0, len(content), 1 << 14):
            block = content[start : start + (1 << 14)]
            self.wfile.write(block)
            self.entry.sent += len(block)

    def answer_json(self, content: Any) -> None:
        """Send JSON, packed if the client takes that; a `Reply` sends what it says."""
        reply = content if isinstance(content, Reply) else Reply(content)
        if reply.status != 200:
            self.refuse(reply.status, **reply.headers)
            return
        body = json.dumps(reply.content).encode()
        headers = {"Content-Type": "application/json", **reply.headers}
        if "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body)
            headers["Content-Encoding"] = "gzip"
        self.begin(200, headers, len(body))
        self.give(body)

    def answer_file(self, file: File) -> None:
        """Send a file or the part of it that is asked for."""
        if file.token is not None and self.headers.get("X-Auth-Token") != file.token:
            self.refuse(403)
            return
        if file.faults and file.faults.pop(0)(self):
            return
        content, start, status = file.content, 0, 200
        headers = {"Content-Type": file.kind}
        if file.etag:
            headers["ETag"] = file.etag
        if file.modified:
            headers["Last-Modified"] = file.modified
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if (
            asked
            and file.ranges
            and self.headers.get("If-Range")
            in (
                None,
                file.etag,
                file.modified,
            )
        ):
            start = int(asked[1])
            if start >= len(content):
                self.refuse(416, Content_Range=f"bytes */{len(content)}")
                return
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            status = 206
        body = content[start:]
        if file.packed:
            body = gzip.compress(body)
            headers["Content-Encoding"] = "gzip"
        self.begin(status, headers, len(body) if file.length else None)
        self.give(body)


@dataclass
class Reply:
    """An answer of a service with a status or headers of its own."""

    content: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def status(code: int, **headers: str) -> Callable[[Handler], bool]:
    """A fault: the request is turned away."""
    return lambda handler: handler.refuse(code, **headers)


def cut(after: int, *, hold: threading.Event | None = None) -> Callable[[Handler], bool]:
    """A fault: the connection breaks after some bytes; with `hold`, once that is set."""

    def fault(handler: Handler) -> bool:
        file = handler.server.files[handler.entry.path]
        asked = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        start = int(asked[1]) if asked and file.ranges else 0
        body = gzip.compress(file.content) if file.packed else file.content[start:]
        headers = {"ETag": file.etag} if file.etag else {}
        if file.packed:
            headers["Content-Encoding"] = "gzip"
        if start:
            whole = len(file.content)
            headers["Content-Range"] = f"bytes {start}-{whole - 1}/{whole}"
        handler.begin(206 if start else 200, headers, len(body))
        handler.give(body[:after])
        handler.wfile.flush()
        if hold is not None:
            hold.wait(30)
        handler.close_connection = True
        handler.connection.close()
        return True

    return fault


@contextmanager
def serving() -> Iterator[Server]:
    """A server for the length of a test."""
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def remote_of(server: Any, path: str = "/data/a", **options: Any) -> Remote:
    """A file of a server as a list of a source names it; `options` say otherwise."""
    file = server.files[path]
    listed = {"size": len(file.content), "md5": file.md5} | options
    return Remote("slides/a.svs", f"{server.base}{path}", **listed)


def visible(folder: Path) -> list[str]:
    """Names of all files below a folder."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file())
