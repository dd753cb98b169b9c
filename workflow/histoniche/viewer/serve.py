"""Serving: the viewer of one run, at an address that only its owner knows."""

import secrets
import socket
from pathlib import Path

import uvicorn

from histoniche.errors import InputError
from histoniche.viewer.app import create_app
from histoniche.viewer.assets import find_openseadragon
from histoniche.viewer.index import Index
from histoniche.viewer.security import LOOPBACK, Gate, read_token
from histoniche.viewer.settings import Settings
from histoniche.viewer.sources import find_config, read_sources
from histoniche.viewer.uploads.desk import Options, open_desk

_WAITING = 128
# A browser opens six; more than this at once are told to come later.
_CONNECTIONS = 1000


def serve(
    results: Path,
    *,
    config: Path | None = None,
    host: str = LOOPBACK[0],
    port: int = 8765,
    token_file: Path | None = None,
    names: list[str] | None = None,
    settings: Settings | None = None,
    uploads: Options | None = None,
) -> None:
    """Serve the results of a run until it is stopped.

    Parameters
    ----------
    results
        The results folder.
    config
        The run's configuration, which says where the slides lie; by default the one in
        `config/` whose results these are.
    host, port
        Where to listen. Anything but this machine itself needs a token file.
    token_file
        File of the token that opens the viewer; a new one is made by default.
    names
        Further names that the viewer is called by, as behind a proxy.
    settings
        Bounds; those by default.
    uploads
        Where slides that people send are kept, and how they are run; none are taken by default.

    Raises
    ------
    InputError
        If there are no results, or the viewer would be open to others.
    """
    settings = settings or Settings()
    if host not in LOOPBACK and token_file is None:
        raise InputError(
            "others can reach this address, so the viewer needs a token that stays",
            column="--host",
            value=host,
            remedy="name a file that holds one with --token-file, or leave --host out",
        )
    token = secrets.token_urlsafe(32) if token_file is None else read_token(token_file)
    script = find_openseadragon()
    found = config or find_config(results, Path("config"))
    index = Index(results, None if found is None else read_sources(found))
    desk = None if uploads is None else open_desk(uploads, config=found, results=results)
    listening = _listen(host, port)
    gate = Gate(token, hours=settings.session_hours, name=f"histoniche_{port}")
    app = create_app(
        index,
        gate,
        openseadragon=script,
        hosts={*LOOPBACK, host, socket.gethostname(), socket.getfqdn(), *(names or [])},
        settings=settings,
        desk=desk,
    )
    if desk is not None:
        print(f"uploads   {desk.folder}")
    _announce(index, found, host, port, token)
    uvicorn.Server(
        uvicorn.Config(
            app,
            log_level="warning",
            server_header=False,
            access_log=False,
            limit_concurrency=_CONNECTIONS,
        )
    ).run(sockets=[listening])


def _announce(index: Index, config: Path | None, host: str, port: int, token: str) -> None:
    """Print where the viewer is; what follows # no browser sends."""
    name = f"[{host}]" if ":" in host else host
    print(f"results   {index.root}")
    print(f"slides    {_where(index, config)}")
    print(f"viewer    http://{name}:{port}/login#token={token}")
    print("stop it with Ctrl+C", flush=True)


def _where(index: Index, config: Path | None) -> str:
    """Where slides come from, in words."""
    if config is None:
        return "overviews only; name the run's configuration with --config to see slides in depth"
    return f"{len(index.slides):,}, as {config} says"


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises
    ------
    InputError
        If the port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, or the event loop does not tell it to send small answers at once: each then
    # waits 40 ms for the browser to acknowledge its headers.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise InputError(
            f"cannot listen there: {error.strerror or error}",
            column="--port",
            value=port,
            remedy="choose another with --port, or mend --host",
        ) from error
    listening.listen(_WAITING)
    return listening
