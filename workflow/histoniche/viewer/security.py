"""Security: who may see the pages, and what browsers may do with them."""

import base64
import hashlib
import hmac
import os
import re
import secrets
import stat
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from histoniche.errors import InputError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
FEWEST_LETTERS = 16

_OWN = "'self'"
POLICY = "; ".join(
    [
        "default-src 'none'",
        *(f"{kind}-src {_OWN}" for kind in ("script", "style", "connect", "font")),
        f"img-src {_OWN} data:",
        f"form-action {_OWN}",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
"""What pages may load: nothing but the viewer's own files, and no script or style inside a page."""

SEALED_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: "
    "'self'; font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "sandbox allow-scripts allow-popups"
)
"""For files of the run that hold their own styles: without an origin, they reach nothing."""


def report_policy(script: str) -> str:
    """What the summary page may load: its styles, pictures, and the one script of this name.

    It keeps its origin, since its links and large pictures are the run's files, which are for
    those who have logged in.
    """
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src '{script}'; img-src data: "
        "'self'; font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Not "no-referrer", with which browsers do not say where a form was sent from.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}
# What a browser needs before it is let in.
_OPEN = ("/login", "/static/")


def read_token(path: Path) -> str:
    """Read the token that opens the viewer from a file.

    Raises
    ------
    InputError
        If others can read the file, or the token can be guessed.
    """
    if not path.is_file():
        raise InputError("no such file", file=path, remedy="write a long random word into it")
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise InputError("others can read the token", file=path, remedy=f"type chmod 600 {path}")
    token = path.read_text(encoding="utf-8").strip()
    if len(token) < FEWEST_LETTERS or not token.isprintable() or not token.isascii():
        raise InputError(
            f"the token is no word of at least {FEWEST_LETTERS} letters and digits",
            file=path,
            remedy="make one with: openssl rand -hex 32",
        )
    return token


class Gate:
    """Keeps the secret of this start: who has shown the token, and which forms are ours.

    Parameters
    ----------
    token
        What opens the viewer.
    hours
        How long a login holds.
    name
        Of the cookie; viewers on other ports of a machine share its cookies.
    """

    def __init__(self, token: str, *, hours: float, name: str = "histoniche") -> None:
        self._token = token
        self._secret = secrets.token_bytes(32)
        self._seconds = hours * 3600
        self.session_cookie, self.form_cookie = f"{name}_session", f"{name}_form"

    def fits(self, token: str) -> bool:
        """Whether this is the token; takes as long whatever it is."""
        return hmac.compare_digest(_digest(token), _digest(self._token))

    def session(self) -> str:
        """A session, signed; worth nothing after the viewer starts anew."""
        name = f"{int(time.time())}.{secrets.token_urlsafe(16)}"
        return f"{name}.{self._sign('session', name)}"

    def knows(self, session: str | None) -> bool:
        """Whether a session is of this start and has not expired."""
        name, _, signature = (session or "").rpartition(".")
        if not hmac.compare_digest(_digest(signature), _digest(self._sign("session", name))):
            return False
        return time.time() - int(name.partition(".")[0]) < self._seconds

    def form_token(self, cookie: str) -> str:
        """What a form sends along, for a browser that has this cookie."""
        return self._sign("form", cookie)

    def is_our_form(self, cookie: str | None, sent: str | None) -> bool:
        """Whether a form was made for this browser."""
        if not cookie or not sent:
            return False
        return hmac.compare_digest(_digest(sent), _digest(self.form_token(cookie)))

    def _sign(self, purpose: str, text: str) -> str:
        """Signature of a text for one purpose."""
        made = hmac.new(self._secret, f"{purpose}:{text}".encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(made).decode().rstrip("=")


def _digest(text: str) -> bytes:
    """Digest of any text, so that comparing takes as long for any length."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


class Guard:
    """Stands before the application: host, size, login, and headers of every answer.

    Parameters
    ----------
    app
        The application.
    gate
        Who may come in.
    hosts
        Names that the viewer is called by, without ports. A page elsewhere whose name was made
        to lead here (DNS rebinding) calls it by another.
    largest
        Bytes that a request may send.
    larger
        Bytes of those that put something to addresses of a pattern.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        gate: Gate,
        hosts: Collection[str],
        largest: int,
        larger: Mapping[re.Pattern[str], int] | None = None,
    ) -> None:
        self._app, self._gate, self._largest = app, gate, largest
        self._larger = dict(larger or {})
        self._hosts = {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        answer = self._refusal(scope)
        sender = _with_headers(send)
        if answer is not None:
            await answer(scope, receive, sender)
            return
        await self._app(scope, _bounded(receive, self._most(scope)), sender)

    def _most(self, scope: Scope) -> int:
        """Bytes that a request may send."""
        putting = self._larger.items() if scope["method"] == "PUT" else ()
        fitting = (most for pattern, most in putting if pattern.fullmatch(scope["path"]))
        return next(fitting, self._largest)

    def _refusal(self, scope: Scope) -> Response | None:
        """What stops a request; None if nothing does."""
        headers = Headers(scope=scope)
        if _name_of(headers.get("host", "")) not in self._hosts:
            return _plain("this viewer has another name; see the address that it printed", 421)
        length = headers.get("content-length", "0")
        most = self._most(scope)
        if not length.isdigit() or int(length) > most:
            return _plain(f"more than the {most} bytes that a form may send", 413)
        origin = headers.get("origin")
        reads = scope["method"] in ("GET", "HEAD")
        if not reads and origin is not None and origin.partition("://")[2] != headers.get("host"):
            return _plain("the form comes from another page; open the viewer's own", 403)
        path = scope["path"]
        session = HTTPConnection(scope).cookies.get(self._gate.session_cookie)
        if path.startswith(_OPEN) or self._gate.knows(session):
            return None
        if scope["method"] in ("GET", "HEAD") and "text/html" in headers.get("accept", ""):
            wanted = quote(
                path + (f"?{query}" if (query := scope["query_string"].decode()) else "")
            )
            return RedirectResponse(f"/login?next={wanted}", 303)
        return _plain("log in first: open /login in a browser", 401)


class TooLargeError(Exception):
    """A request sent more than it may."""


def _bounded(receive: Receive, largest: int) -> Receive:
    """Receive up to a number of bytes, whatever the request said of its length."""
    received = 0

    async def bounded() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > largest:
            raise TooLargeError
        return message

    return bounded


def _with_headers(send: Send) -> Send:
    """Send with the headers that every answer has, unless it has its own."""

    async def sender(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sender


def _name_of(host: str) -> str:
    """Name in a Host header without the port: "localhost:8000", "[::1]:8000"."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def _plain(words: str, status: int) -> Response:
    """A refusal in words."""
    return Response(f"error: {words}\n", status, media_type="text/plain; charset=utf-8")


def local_path(wanted: str | None) -> str:
    """Where to go after the login: a page of the viewer, whatever an address asks for."""
    text = wanted or "/"
    plain = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable()
    return text if plain and not text.startswith("/login") else "/"


def write_private(text: str, path: Path) -> None:
    """Write a file that only its owner can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
