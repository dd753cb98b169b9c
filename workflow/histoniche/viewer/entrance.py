"""Entrance: logging in with the token, and out."""

from typing import Annotated

import anyio
from fastapi import APIRouter, Form, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from histoniche.viewer import pages
from histoniche.viewer.security import local_path

router = APIRouter()

# Seconds that a wrong token costs.
_PAUSE = 0.5


@router.get("/login")
async def ask(request: Request, next: str = "/") -> Response:
    """Ask for the token."""
    return _form(request, local_path(next))


@router.post("/login")
async def enter(
    request: Request,
    token: Annotated[str, Form()] = "",
    form: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",
) -> Response:
    """Let in who has the token."""
    gate = request.app.state.shown.gate
    wanted = local_path(next)
    if not gate.is_our_form(request.cookies.get(gate.form_cookie), form):
        words = "The form was too old, or the browser keeps no cookies. Try again."
        return _form(request, wanted, words, status=403)
    if not gate.fits(token):
        await anyio.sleep(_PAUSE)
        words = "That is not the token. It stands in the terminal where the viewer was started."
        return _form(request, wanted, words, status=403)
    answer = RedirectResponse(wanted, 303)
    answer.set_cookie(gate.session_cookie, gate.session(), **pages.safe_cookie(request))
    return answer


@router.post("/logout")
async def leave(request: Request, form: Annotated[str, Form()] = "") -> Response:
    """Forget a browser."""
    gate = request.app.state.shown.gate
    if not gate.is_our_form(request.cookies.get(gate.form_cookie), form):
        advice = "Open the page anew, then log out."
        return pages.message(request, "Nothing was changed", advice, 403)
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(gate.session_cookie, path="/", httponly=True, samesite="strict")
    return answer


@router.get("/session")
async def session() -> JSONResponse:
    """Say that a browser is let in; others do not get here."""
    return JSONResponse({"open": True})


def _form(request: Request, wanted: str, problem: str = "", status: int = 200) -> Response:
    """The page that asks for the token."""
    content = {"wanted": wanted, "problem": problem}
    return pages.render(request, "login.html.j2", content, status=status)
