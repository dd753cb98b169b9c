"""What services answer: refusals, what may be answered otherwise later, and bounded bodies."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3.exceptions

from histoniche.cohort.sources.pacing import asked_pause
from histoniche.errors import InputError

PASSING = frozenset({202, 408, 425, 429, 500, 502, 503, 504})
"""Answers after which the same request may well succeed."""

BROKEN = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    urllib3.exceptions.HTTPError,
    ConnectionError,
    TimeoutError,
)
"""What a connection that is cut, or never made, raises."""

_READ = frozenset({200, 206, 416})
"""Answers that are read; 416 says that there is no such range."""

_BLOCK = 1 << 16
_MEND = "mend the address of the service"


class Passing(Exception):  # noqa: N818 - not a fault of the program
    """An attempt that failed for now; its message is the reason.

    Parameters
    ----------
    reason
        What happened, in words.
    wait
        Seconds that the server asks to wait for; None if it does not.
    """

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


def judge(response: requests.Response, url: str, *, identified: bool) -> None:
    """Raise an error unless an answer is one to read.

    Parameters
    ----------
    response
        The answer.
    url
        What was asked.
    identified
        Whether a token was sent along.

    Raises
    ------
    Passing
        If it may be another one later.
    InputError
        If the service refuses.
    """
    status = response.status_code
    if status in PASSING:
        wait = asked_pause(response.headers.get("Retry-After"), datetime.now(UTC))
        raise Passing(f"status {status}", wait)
    if status in (401, 403):
        problem = "refused, also with the token" if identified else "refused"
        remedy = (
            "the token may have expired (the GDC's last 30 days); fetch a new one"
            if identified
            else "controlled files need a token: save the portal's in a file and name it by --token"
        )
        raise InputError(f"{problem} (status {status})", file=shown(url), remedy=remedy)
    if status not in _READ:
        remedy = "mend the address, or ask for the list of files anew"
        raise InputError(f"answers with status {status}", file=shown(url), remedy=remedy)


def read_json_body(response: requests.Response, url: str, *, largest: int) -> Any:
    """Read an answer as JSON, packed or not, as long as it is not endless.

    Parameters
    ----------
    response
        The answer, its body not yet read.
    url
        What was asked.
    largest
        Most bytes that it may have, unpacked.

    Raises
    ------
    Passing
        If the connection broke.
    InputError
        If it is too long, or no JSON.
    """
    content = bytearray()
    try:
        for block in response.iter_content(_BLOCK):
            content += block
            if len(content) > largest:
                problem = f"answers more than {largest / 1e6:,.0f} MB"
                raise InputError(problem, file=shown(url), remedy=_MEND)
    except BROKEN as error:
        raise broken(error, url) from error
    try:
        return json.loads(bytes(content))
    except (ValueError, RecursionError) as error:
        remedy = f"{_MEND}, or ask it in a browser"
        raise InputError("answers no JSON", file=shown(url), remedy=remedy) from error


def broken(error: BaseException, url: str) -> Exception:
    """What to raise for a connection that broke; a certificate that nobody trusts stays so."""
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        problem = "its certificate is not trusted here"
        remedy = "name your network's certificates by REQUESTS_CA_BUNDLE=FILE, or mend the address"
        return InputError(problem, file=shown(url), remedy=remedy)
    if "NewConnectionError" in str(error) or "NameResolutionError" in str(error):
        return Passing("nobody answers there")
    # Without the address, which may hold a signature.
    reason = {
        "ConnectTimeout": "no connection in time",
        "ReadTimeout": "no answer in time",
        "SSLError": "no trusted connection (TLS)",
        "ProxyError": "the proxy refuses",
    }.get(type(error).__name__, f"connection cut ({type(error).__name__})")
    return Passing(reason)


def is_address(url: str) -> bool:
    """Whether a text is the address of a service: http or https, a host, perhaps a port."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def shown(url: str) -> str:
    """An address as logs may show it: without what follows the path, which can be a signature."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{parts.path}"


def plain(text: object, longest: int = 200) -> str:
    """What a service says, fit for a line on a terminal: without control signs, and not endless."""
    return "".join(sign if sign.isprintable() else " " for sign in str(text)[:longest])
