"""Addresses of files: the report as the run wrote it, and tables for a spreadsheet."""

import pandas as pd
from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, RedirectResponse, Response

from histoniche.report.page_script import page_script, script_source
from histoniche.viewer import pages
from histoniche.viewer.links import LINKED
from histoniche.viewer.security import SEALED_POLICY, report_policy
from histoniche.viewer.tables import for_spreadsheet

router = APIRouter()


@router.get("/report")
def beside_its_files() -> RedirectResponse:
    """The summary page stands in a folder, in which its links lead to what lies beside it."""
    return RedirectResponse("/report/", 307)


@router.get("/report/")
def report(request: Request) -> FileResponse:
    """The summary page of the run."""
    path = request.app.state.shown.index.report
    if path is None:
        raise HTTPException(404)
    policy = report_policy(script_source(page_script()))
    return FileResponse(path, media_type="text/html", headers={"content-security-policy": policy})


@router.get("/report/{place:path}")
def linked(request: Request, place: str) -> Response:
    """A figure, picture or table that the summary page links to."""
    path = request.app.state.shown.index.linked.get(place)
    if path is None:
        raise HTTPException(404)
    headers = {"content-security-policy": SEALED_POLICY}
    if path.suffix != ".tsv":
        return FileResponse(path, media_type=LINKED[path.suffix], headers=headers)
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    return _sheet(for_spreadsheet(table), path.name)


@router.get("/downloads/{name:path}.tsv")
def spreadsheet(request: Request, name: str) -> Response:
    """A table as text that a spreadsheet program opens."""
    table, words = pages.drawable(request.app.state.shown.index, name)
    if table is None:
        return pages.message(request, "Too large for a spreadsheet", words, status=413)
    file = name.replace("/", "-")
    return _sheet(for_spreadsheet(table), f"{file}.tsv")


def _sheet(text: str, name: str) -> Response:
    """A table to be kept."""
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type="text/tab-separated-values", headers=headers)
