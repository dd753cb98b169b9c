"""Addresses of pictures: tiles of slides and overlays, thumbnails, figures."""

import re
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, JSONResponse, Response

from histoniche.viewer.pictures import Place
from histoniche.viewer.security import SEALED_POLICY

router = APIRouter()

_NUMBER = re.compile(r"[0-9]{1,9}")
_KEPT = {"cache-control": "private, max-age=600"}


@router.get("/slides/{slide}/view.json")
async def view(request: Request, slide: str) -> JSONResponse:
    """What draws the slide: its size, resolution and overlays."""
    shown = _shown(request)
    pyramid = await run_in_threadpool(shown.pictures.pyramid, slide)
    if pyramid is None:
        raise HTTPException(404)
    overlays = await run_in_threadpool(shown.pictures.overlays, slide)
    content: dict[str, Any] = {
        "slide": slide,
        "width": pyramid.width,
        "height": pyramid.height,
        "tile": pyramid.tile,
        "last": pyramid.last,
        "mpp": shown.index.facts(slide)["mpp"],
        "overlays": [
            {"name": one.name, "title": one.title, "group": one.group, "legend": asdict(one.legend)}
            for one in overlays.values()
        ],
    }
    return JSONResponse(content)


@router.get("/slides/{slide}/tiles/{level}/{column}_{row}.jpg")
async def slide_tile(request: Request, slide: str, level: str, column: str, row: str) -> Response:
    """One tile of a slide."""
    place = _place(level, column, row)
    pictures = _shown(request).pictures
    # What is kept waits for no thread.
    found = pictures.kept.get((slide, "", place))
    if found is None:
        found = await run_in_threadpool(pictures.slide_tile, slide, place)
    return _picture(found, "image/jpeg")


@router.get("/slides/{slide}/overlays/{name}/{level}/{column}_{row}.png")
async def overlay_tile(
    request: Request, slide: str, name: str, *, level: str, column: str, row: str
) -> Response:
    """One tile of an overlay."""
    place = _place(level, column, row)
    pictures = _shown(request).pictures
    found = pictures.kept.get((slide, name, place))
    if found is None:
        found = await run_in_threadpool(pictures.overlay_tile, slide, name, place)
    return _picture(found, "image/png")


@router.get("/slides/{slide}/thumbnail.png")
def thumbnail(request: Request, slide: str) -> FileResponse:
    """A slide in small."""
    path = _shown(request).index.thumbnail(slide)
    if path is None:
        raise HTTPException(404)
    return FileResponse(path, media_type="image/png", headers=_KEPT)


@router.get("/figures/{name}.svg")
def figure(request: Request, name: str) -> FileResponse:
    """A figure as the run drew it."""
    path = _shown(request).index.figures.get(name)
    if path is None:
        raise HTTPException(404)
    headers = {**_KEPT, "content-security-policy": SEALED_POLICY}
    return FileResponse(path, media_type="image/svg+xml", headers=headers)


def _shown(request: Request) -> Any:
    """The results that an address is of: the run's, unless a route before has said others."""
    return getattr(request.state, "shown", None) or request.app.state.shown


def _place(level: str, column: str, row: str) -> Place:
    """Numbers of an address."""
    if not all(_NUMBER.fullmatch(part) for part in (level, column, row)):
        raise HTTPException(404)
    return int(level), int(column), int(row)


def _picture(found: bytes | None, kind: str) -> Response:
    """A picture, or that there is none."""
    if found is None:
        raise HTTPException(404)
    return Response(found, media_type=kind, headers=_KEPT)
