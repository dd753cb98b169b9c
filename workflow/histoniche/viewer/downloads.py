"""Addresses of files: the report as the run wrote it, and tables for a spreadsheet."""

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response

from histoniche.viewer import pages
from histoniche.viewer.security import SEALED_POLICY
from histoniche.viewer.tables import for_spreadsheet

router = APIRouter()


@router.get("/report")
def report(request: Request) -> FileResponse:
    """The summary page of the run, which needs nothing else."""
    path = request.app.state.shown.index.report
    if path is None:
        raise HTTPException(404)
    return FileResponse(
        path, media_type="text/html", headers={"content-security-policy": SEALED_POLICY}
    )


@router.get("/downloads/{name:path}.tsv")
def spreadsheet(request: Request, name: str) -> Response:
    """A table as text that a spreadsheet program opens."""
    table, words = pages.drawable(request.app.state.shown.index, name)
    if table is None:
        return pages.message(request, "Too large for a spreadsheet", words, status=413)
    file = name.replace("/", "-")
    headers = {"content-disposition": f'attachment; filename="{file}.tsv"'}
    return Response(for_spreadsheet(table), media_type="text/tab-separated-values", headers=headers)
