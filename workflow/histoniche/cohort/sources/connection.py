"""Talking to a service over HTTP: patiently, and with a token that stays where it belongs."""

import logging
import random
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter

import histoniche
from histoniche.cohort.sources.answers import (
    BROKEN,
    Passing,
    broken,
    judge,
    read_json_body,
    shown,
)
from histoniche.cohort.sources.credentials import Token
from histoniche.cohort.sources.pacing import pause_before
from histoniche.errors import InputError

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 8
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_TOKEN_HEADER = "X-Auth-Token"
_LARGEST = 1 << 29


@dataclass(frozen=True)
class Patience:
    """How often and how long a service is asked again."""

    attempts: int = 8
    """Attempts without any progress before the service counts as out of reach."""
    first_s: float = 1.0
    longest_s: float = 120.0
    longest_asked_s: float = 900.0
    """A server that asks for a longer pause than this is given up."""
    connect_s: float = 20.0
    read_s: float = 120.0


class _Session(requests.Session):
    """Follows no redirect by itself, and so does not read what stands below one."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Nowhere."""


class Connection:
    """Requests to services, each thread with sockets of its own.

    Parameters
    ----------
    token, token_base
        A secret, and the address of the one service that it is for. It is sent to
        that scheme, host and port alone, whatever redirects say, and never in clear text
        over a network.
    patience
        Attempts and pauses.
    largest
        Most bytes that an answer in JSON may have, unpacked.
    """

    def __init__(
        self,
        *,
        token: Token | None = None,
        token_base: str | None = None,
        patience: Patience | None = None,
        largest: int = _LARGEST,
    ) -> None:
        self.patience, self._largest = patience or Patience(), largest
        self._token, self._home = token, _origin(token_base or "")
        self._local = threading.local()
        self._draw = random.Random()
        if token is not None and not _private(self._home):
            remedy = "give an address that starts with https"
            raise InputError("a token is not sent in clear text", value=token_base, remedy=remedy)

    @contextmanager
    def answer(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        identify: bool = False,
    ) -> Iterator[requests.Response]:
        """Yield the answer to one request, redirects followed, its body not yet read.

        Parameters
        ----------
        url
            The address.
        headers
            Of the request.
        body
            Sent as JSON by POST; None for GET.
        identify
            Whether the token may be sent along.

        Raises
        ------
        Passing
            If the answer may be another one later, or the connection broke.
        InputError
            If the service refuses.
        """
        try:
            response, identified = self._follow(url, dict(headers or {}), body, identify=identify)
        except BROKEN as error:
            raise broken(error, url) from error
        except InputError:
            raise
        except (requests.RequestException, ValueError) as error:
            remedy = "mend the address of the service"
            problem = f"cannot be asked ({type(error).__name__})"
            raise InputError(problem, file=shown(url), remedy=remedy) from error
        try:
            judge(response, url, identified=identified)
            yield response
        finally:
            response.close()

    def read_json(self, url: str, *, body: Any = None) -> tuple[Any, Mapping[str, str]]:
        """What a service answers as JSON, with its headers; asked again while that may help.

        Raises
        ------
        InputError
            If the service refuses, is out of reach, or answers something else.
        """

        def ask() -> tuple[Any, Mapping[str, str]]:
            with self.answer(url, headers={"Accept": "application/json"}, body=body) as response:
                return read_json_body(response, url, largest=self._largest), response.headers

        return self.persist(ask, url)

    def persist(self, ask: Any, url: str, *, progress: Any = lambda: 0) -> Any:
        """Call `ask` until it does not raise `Passing`, with growing pauses.

        Parameters
        ----------
        ask
            One attempt.
        url
            What is asked, for words.
        progress
            Gives a number that grows as attempts get on; one that got on starts the count anew.
        """
        attempt, reached = 0, progress()
        while True:
            try:
                return ask()
            except Passing as reason:
                attempt = 1 if progress() > reached else attempt + 1
                reached = max(reached, progress())
                self._wait(reason, attempt, url)

    def _wait(self, reason: Passing, attempt: int, url: str) -> None:
        """Pause after a failed attempt; give up after the last."""
        patience = self.patience
        asked = reason.wait if reason.wait is not None else 0.0
        if attempt >= patience.attempts or asked > patience.longest_asked_s:
            remedy = "try again later; what is there stays, and is not fetched again"
            raise InputError(
                f"out of reach after {attempt} attempts ({reason})", file=shown(url), remedy=remedy
            ) from reason
        own = pause_before(
            attempt, first=patience.first_s, longest=patience.longest_s, draw=self._draw
        )
        # Those whom a server turned away at once do not all come back at the same second.
        pause = max(asked + own / 4 if asked else 0.0, own)
        logging.info("%s: %s; again in %.1f s", shown(url), reason, pause)
        time.sleep(pause)

    def _follow(
        self, url: str, headers: dict[str, str], body: Any, *, identify: bool
    ) -> tuple[requests.Response, bool]:
        """One request and the redirects that it leads to; whether the last had the token."""
        for _ in range(_MOST_REDIRECTS):
            sent = dict(headers)
            identified = identify and self._token is not None and _origin(url) == self._home
            if identified and self._token is not None:
                sent[_TOKEN_HEADER] = self._token.reveal()
            response = self._session().request(
                "GET" if body is None else "POST",
                url,
                headers=sent,
                json=body,
                stream=True,
                allow_redirects=False,
                timeout=(self.patience.connect_s, self.patience.read_s),
            )
            if response.status_code not in _REDIRECTS or "Location" not in response.headers:
                return response, identified
            target = _target(url, response.headers["Location"])
            response.close()
            if urlsplit(target).scheme not in ("http", "https"):
                break
            if urlsplit(url).scheme == "https" and urlsplit(target).scheme == "http":
                remedy = "mend the address of the service"
                raise InputError("leads from https to http", file=shown(target), remedy=remedy)
            body = body if response.status_code in (307, 308) else None
            url = target
        raise InputError("leads in circles", file=shown(url), remedy="mend the address")

    def _session(self) -> requests.Session:
        """The session of this thread."""
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = _Session()
            session.headers["User-Agent"] = f"HistoNiche/{histoniche.__version__}"
            # Proxies of the environment count; secrets of a .netrc are for nobody here.
            session.auth = _unchanged
            # Attempts are counted here, where a file can go on from where it stood.
            for scheme in ("https://", "http://"):
                session.mount(scheme, HTTPAdapter(max_retries=0))
            self._local.session = session
        return session


def _origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of an address; ValueError if it has none such."""
    parts = urlsplit(url)
    usual = 443 if parts.scheme == "https" else 80
    return parts.scheme, (parts.hostname or "").lower(), parts.port or usual


def _private(origin: tuple[str, str, int]) -> bool:
    """Whether what is sent there cannot be read on the way."""
    return origin[0] == "https" or origin[1] in _LOCAL


def _target(url: str, location: str) -> str:
    """Where a redirect leads."""
    try:
        target = urljoin(url, location)
        _origin(target)
    except ValueError as error:
        remedy = "mend the address of the service"
        raise InputError("leads to no address", file=shown(url), remedy=remedy) from error
    return target


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """No credentials."""
    return request
