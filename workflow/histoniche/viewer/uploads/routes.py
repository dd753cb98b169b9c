"""Addresses of uploads: sending, the queue, jobs, and what was found."""

import re
import time
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from histoniche.viewer import pages
from histoniche.viewer.risks import risks_of
from histoniche.viewer.uploads.chunks import RefusedError
from histoniche.viewer.uploads.desk import Desk
from histoniche.viewer.uploads.limits import SUFFIXES
from histoniche.viewer.uploads.store import ENDED, Upload

router = APIRouter(prefix="/uploads")
FORM_HEADER = "x-form"
CHUNKS = re.compile(r"/uploads/[a-z0-9]+/chunks/[0-9]+")
"""Addresses that take chunks, which are larger than forms."""

_WORDS = {
    "receiving": "not whole yet",
    "checking": "being checked",
    "refused": "refused",
    "queued": "waiting",
    "running": "under way",
    "done": "done",
    "failed": "failed",
    "cancelled": "cancelled",
    "expired": "removed",
}
_LARGEST_MPP = 200
_ERROR = "error: "


@router.get("")
def uploads_page(request: Request) -> Response:
    """What was sent, and the form that sends."""
    desk = _desk(request)
    shown = [_row(desk, one) for one in desk.store.all() if one.state != "expired"]
    content = {
        "uploads": shown,
        "suffixes": SUFFIXES,
        "largest": f"{desk.limits.slide_bytes / 2**30:g} GB",
        "days": f"{desk.limits.keep_seconds / 86400:g}",
        "full": len(shown) >= desk.limits.uploads,
        "most": desk.limits.uploads,
        "same": None,
    }
    return pages.render(request, "uploads.html.j2", content)


@router.post("")
async def begin(
    request: Request,
    *,
    name: Annotated[str, Form()] = "",
    size: Annotated[int, Form()] = 0,
    mpp: Annotated[str, Form()] = "",
    form: Annotated[str, Form()] = "",
) -> Response:
    """Begin an upload."""
    desk = _desk(request)
    if not _is_ours(request, form):
        return _refused(403, "The page was too old. Open it anew, and send again.")
    try:
        stated = _micrometres(mpp)
        upload = await run_in_threadpool(desk.receiver.start, name, size=size, mpp=stated)
    except RefusedError as reason:
        return _refused(reason.status, str(reason))
    return JSONResponse({"id": upload.id, "chunk": upload.chunk}, 201)


@router.put("/{upload}/chunks/{number}")
async def take_chunk(request: Request, upload: str, number: int) -> Response:
    """Take one chunk in."""
    desk, found = _desk(request), await run_in_threadpool(_found, request, upload)
    if not _is_ours(request, request.headers.get(FORM_HEADER)):
        return _refused(403, "The page was too old. Open it anew, and go on.")
    # Few chunks are in memory at a time.
    async with desk.turns:
        content = await request.body()
        try:
            whole = await run_in_threadpool(desk.receiver.receive, found, number, content)
        except RefusedError as reason:
            return _refused(reason.status, str(reason))
    return JSONResponse({"whole": whole})


@router.get("/{upload}")
def job_page(request: Request, upload: str) -> Response:
    """One upload: how far it is, and what can be done."""
    desk, found = _desk(request), _found(request, upload)
    lines = desk.last_lines(found) if found.state in ("running", "failed") else []
    content = {
        "upload": found,
        "words": _WORDS[found.state],
        "stages": desk.progress(found),
        "lines": lines,
        "complaint": _complaint(lines),
        "ahead": desk.store.ahead(found) if found.state == "queued" else 0,
        "received": sorted(desk.store.received(found.id)),
        "size": _size_in_words(found.size),
        "again": desk.can_repeat(found),
        "removed": _days_left(desk, found),
        "ended": found.state in ENDED,
        "suffixes": SUFFIXES,
        "same": found,
    }
    return pages.render(request, "upload.html.j2", content)


@router.get("/{upload}/state.json")
def state(request: Request, upload: str) -> JSONResponse:
    """How far an upload is, for the page's script."""
    desk, found = _desk(request), _found(request, upload)
    return JSONResponse(
        {
            "state": found.state,
            "ahead": desk.store.ahead(found) if found.state == "queued" else 0,
            "stages": [progress for _, progress in desk.progress(found)],
            "received": sorted(desk.store.received(found.id)),
            "lines": desk.last_lines(found) if found.state == "running" else [],
        }
    )


@router.post("/{upload}/cancel")
def cancel(request: Request, upload: str, form: Annotated[str, Form()] = "") -> Response:
    """End an upload or its job."""
    return _changed(request, upload, form, lambda desk, one: desk.cancel(one.id))


@router.post("/{upload}/again")
def again(request: Request, upload: str, form: Annotated[str, Form()] = "") -> Response:
    """Try a job once more."""
    return _changed(request, upload, form, lambda desk, one: desk.again(one))


@router.post("/{upload}/remove")
def remove(request: Request, upload: str, form: Annotated[str, Form()] = "") -> Response:
    """Remove an upload with all that was found of it."""
    removed = _changed(request, upload, form, lambda desk, one: desk.remove(one.id))
    return RedirectResponse("/uploads", 303) if removed.status_code == 303 else removed


@router.get("/{upload}/slide")
def found_slide(request: Request, upload: str) -> Response:
    """What was found of a slide."""
    shown = shown_of_upload(request, upload)
    one = _found(request, upload)
    run = request.app.state.shown.index
    content = {
        **pages.slide_content(shown, one.id),
        "risks": risks_of(shown.index, one.id, run=run),
        "title": one.name,
        "way": [("/uploads", "Uploads"), (f"/uploads/{one.id}", one.name)],
        "base": f"/uploads/{one.id}",
        "notice": "Research use only. Not for diagnosis.",
    }
    return pages.render(request, "slide.html.j2", content)


def shown_of_upload(request: Request, upload: str) -> Any:
    """What was found of an upload that is done; put where the pictures' addresses look."""
    found = _found(request, upload)
    if found.state != "done":
        raise HTTPException(404)
    request.state.shown = _desk(request).found.of(found)
    return request.state.shown


def _desk(request: Request) -> Desk:
    """Where uploads are."""
    return request.app.state.desk


def _found(request: Request, upload: str) -> Upload:
    """An upload of an address, which is looked up and never becomes a path.

    Raises
    ------
    HTTPException
        If there is none.
    """
    found = _desk(request).store.get(upload)
    if found is None or found.state == "expired":
        raise HTTPException(404)
    return found


def _is_ours(request: Request, form: str | None) -> bool:
    """Whether a page of ours sent this."""
    gate = request.app.state.shown.gate
    return gate.is_our_form(request.cookies.get(gate.form_cookie), form)


def _changed(request: Request, upload: str, form: str, change: Any) -> Response:
    """Change an upload, and go back to its page."""
    found = _found(request, upload)
    if not _is_ours(request, form):
        return pages.message(request, "Nothing was changed", "Open the page anew.", 403)
    if not change(_desk(request), found):
        words = "The upload is no longer as the page said. Look at it again."
        return pages.message(request, "That cannot be done now", words, 409)
    return RedirectResponse(f"/uploads/{found.id}", 303)


def _refused(status: int, words: str) -> Response:
    """A refusal for the page's script."""
    return JSONResponse({"problem": words}, status)


def _micrometres(text: str) -> float | None:
    """Micrometres per pixel as somebody wrote them; None if the field is empty.

    Raises
    ------
    RefusedError
        If they are none.
    """
    if not text.strip():
        return None
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        value = 0.0
    if not 0 < value <= _LARGEST_MPP:
        raise RefusedError(400, "µm per pixel is a number such as 0.25. Mend it, or empty it.")
    return value


def _row(desk: Desk, upload: Upload) -> Mapping[str, Any]:
    """An upload as the list shows it."""
    sent = time.strftime("%Y-%m-%d %H:%M", time.localtime(upload.created))
    return {
        "id": upload.id,
        "name": upload.name,
        "size": _size_in_words(upload.size),
        "sent": sent,
        "words": _WORDS[upload.state],
        "state": upload.state,
        "removed": _days_left(desk, upload),
    }


def _complaint(lines: list[str]) -> str:
    """What the last error of a log says; empty if there is none."""
    said = [line.removeprefix(_ERROR) for line in lines if line.startswith(_ERROR)]
    return said[-1].strip() if said else ""


def _days_left(desk: Desk, upload: Upload) -> str:
    """When an upload is removed, in words; empty while something works on it."""
    if upload.state not in ("receiving", *ENDED):
        return ""
    days = (upload.changed + desk.limits.keep_seconds - time.time()) / 86400
    return "within a day" if days < 1 else f"in {days:.0f} days"


def _size_in_words(size: int) -> str:
    """A size in words."""
    return f"{size / 2**20:,.1f} MB" if size >= 2**20 else f"{size / 2**10:,.1f} KB"
