"""The application: pages, tiles and files of one run, behind the guard."""

import sqlite3
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles

from histoniche.errors import UnusableSlide
from histoniche.viewer import downloads, entrance, pages, picture_routes
from histoniche.viewer.assets import STATIC
from histoniche.viewer.index import Index
from histoniche.viewer.pictures import Pictures
from histoniche.viewer.security import Gate, Guard, TooLargeError
from histoniche.viewer.settings import Settings
from histoniche.viewer.topics import Found, find_topics
from histoniche.viewer.uploads import routes as upload_routes
from histoniche.viewer.uploads.chunks import RefusedError, disk_error
from histoniche.viewer.uploads.desk import Desk

_ADVICE = {
    400: ("That address cannot be read", "Go back and use the page's own links."),
    403: ("That is not allowed", "Open the page anew and try again."),
    404: ("There is nothing here", "The run left nothing of this name, or it is misspelt."),
    405: ("That is not how this page works", "Go back and use the page's own links."),
    413: ("That was more than may be sent", "Send less."),
}


@dataclass(frozen=True)
class Shown:
    """What the application shows, for its routes."""

    index: Index
    pictures: Pictures
    settings: Settings
    gate: Gate
    topics: dict[str, Found]


def create_app(
    index: Index,
    gate: Gate,
    *,
    openseadragon: Path,
    hosts: Collection[str],
    settings: Settings | None = None,
    pictures: Pictures | None = None,
    desk: Desk | None = None,
) -> Guard:
    """Make the application.

    Parameters
    ----------
    index
        What may be shown.
    gate
        Who may come in.
    openseadragon
        The script that draws slides.
    hosts
        Names that the viewer is called by.
    settings, pictures
        Bounds, and what reads slides; those by default.
    desk
        What takes uploads in; none are taken by default.
    """
    settings = settings or Settings()
    pictures = pictures or Pictures(index, settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if desk is not None:
            await run_in_threadpool(desk.start)
        yield
        pictures.tiles.pool.close()
        if desk is not None:
            await run_in_threadpool(desk.stop)

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.shown = Shown(index, pictures, settings, gate, find_topics(index))
    app.state.desk = desk
    for part in (entrance, pages, picture_routes, downloads):
        app.include_router(part.router)
    if desk is not None:
        app.include_router(upload_routes.router)
        app.include_router(
            picture_routes.router,
            prefix="/uploads/{upload}",
            dependencies=[Depends(upload_routes.shown_of_upload)],
        )

    @app.get("/static/openseadragon.js", include_in_schema=False)
    def served() -> FileResponse:
        return FileResponse(openseadragon, media_type="text/javascript", headers=_kept())

    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    _add_errors(app)
    # Around all of it, so that answers to errors have the headers too.
    larger = {} if desk is None else {upload_routes.CHUNKS: desk.limits.most_chunk}
    return Guard(app, gate=gate, hosts=hosts, largest=settings.largest_form, larger=larger)


def _kept() -> dict[str, str]:
    """Headers of what changes with the viewer's version alone."""
    return {"cache-control": "public, max-age=3600"}


def _add_errors(app: FastAPI) -> None:
    """Answer errors with pages that say what to do and lead back."""

    @app.exception_handler(HTTPException)
    async def stopped(request: Request, error: HTTPException) -> Response:
        title, advice = _ADVICE.get(error.status_code, ("That did not work", "Try again."))
        return pages.message(request, title, advice, status=error.status_code)

    @app.exception_handler(RequestValidationError)
    async def unreadable(request: Request, _: RequestValidationError) -> Response:
        return pages.message(request, *_ADVICE[400], status=400)

    @app.exception_handler(TooLargeError)
    async def too_large(request: Request, _: TooLargeError) -> Response:
        return pages.message(request, *_ADVICE[413], status=413)

    @app.exception_handler(sqlite3.OperationalError)
    async def no_room(request: Request, error: sqlite3.OperationalError) -> Response:
        refused = disk_error(error)
        if not isinstance(refused, RefusedError):
            raise error
        return pages.message(request, "There is no room", str(refused), status=refused.status)

    @app.exception_handler(UnusableSlide)
    async def unusable(request: Request, error: UnusableSlide) -> Response:
        advice = f"The slide's file {error}; the run's other results of it are still there."
        return pages.message(request, "The slide cannot be read here", advice, status=503)

    @app.exception_handler(Exception)
    async def failed(request: Request, _: Exception) -> Response:
        advice = "What went wrong stands in the terminal where the viewer runs."
        return pages.message(request, "The viewer stumbled", advice, status=500)
