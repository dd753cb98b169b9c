"""Pages: cohort, patient, slide, findings and tables, each with a way on and a way back."""

import secrets
from collections.abc import Mapping
from typing import Any

import pandas as pd
from fastapi import APIRouter, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from histoniche import __version__
from histoniche.viewer.assets import TEMPLATES
from histoniche.viewer.cohort import area_rows, cohort_table, covariates, scores_of, survival_word
from histoniche.viewer.index import Index
from histoniche.viewer.risks import risks_of
from histoniche.viewer.tables import LARGEST_CELLS, page_of, written
from histoniche.viewer.topics import TOPICS, words_of

router = APIRouter()

_TEMPLATES = Environment(
    autoescape=True,
    loader=FileSystemLoader(TEMPLATES),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters |= {"written": written, "words": words_of}
# What the inspection found, as pages call it.
_PROPERTIES = {
    "width_px": "width, px",
    "height_px": "height, px",
    "mpp": "µm per pixel",
    "mpp_source": "µm per pixel from",
    "vendor": "format",
    "levels": "levels",
    "tissue_mm2": "tissue, mm²",
}


def render(
    request: Request, template: str, content: Mapping[str, Any], *, status: int = 200
) -> HTMLResponse:
    """Fill in a template; every text is escaped."""
    shown = request.app.state.shown
    gate = shown.gate
    known = request.cookies.get(gate.form_cookie)
    cookie = known or secrets.token_urlsafe(16)
    inside = gate.knows(request.cookies.get(gate.session_cookie))
    common = {
        "study": shown.index.title if inside else "HistoNiche",
        "inside": inside,
        "topics": [topic for topic in TOPICS if topic.name in shown.topics] if inside else [],
        "has_report": inside and shown.index.report is not None,
        "takes_uploads": inside and request.app.state.desk is not None,
        "version": __version__,
        "form": gate.form_token(cookie),
        "here": request.url.path,
    }
    page = HTMLResponse(
        _TEMPLATES.get_template(template).render({**common, **content}), status_code=status
    )
    if known is None:
        page.set_cookie(gate.form_cookie, cookie, **safe_cookie(request))
    return page


def safe_cookie(request: Request) -> dict[str, Any]:
    """How a cookie is set that no script reads and no other site makes the browser send."""
    return {
        "httponly": True,
        "samesite": "strict",
        "path": "/",
        "secure": request.url.scheme == "https",
    }


def message(request: Request, title: str, advice: str, status: int = 200) -> Response:
    """A page of words, or a line of them for what is no page."""
    if "text/html" not in request.headers.get("accept", "text/html"):
        return Response(f"error: {title}. {advice}\n", status, media_type="text/plain")
    return render(request, "message.html.j2", {"heading": title, "advice": advice}, status=status)


@router.get("/")
def cohort(
    request: Request, *, q: str = "", sort: str = "", down: bool = False, page: int = 1
) -> HTMLResponse:
    """All patients."""
    shown = request.app.state.shown
    index = shown.index
    table = cohort_table(index)
    found = page_of(
        table, search=q, sort=sort, descending=down, number=page, size=shown.settings.page_rows
    )
    status = index.slides["status"].value_counts() if len(index.slides) else {}
    content = {
        "page": found,
        "index": index,
        "patients": len(index.patients),
        "slides": {str(name): int(count) for name, count in dict(status).items()},
        "deaths": int((index.patients["event"] == 1).sum()) if "event" in index.patients else None,
    }
    return render(request, "cohort.html.j2", content)


@router.get("/patients/{patient}")
def patient_page(request: Request, patient: str) -> HTMLResponse:
    """One patient."""
    index = request.app.state.shown.index
    if patient not in index.patients.index:
        raise HTTPException(404)
    row = index.patients.loc[patient]
    time = row.get("time_days")
    content = {
        "patient": patient,
        "slides": [index.slides.loc[slide] for slide in index.slides_of(patient)],
        "pictured": [one for one in index.slides_of(patient) if index.thumbnail(one)],
        "areas": area_rows(index, patient=patient),
        "risks": risks_of(index, patient, run=index),
        "covariates": covariates(index, patient),
        "time": written(time) if time is not None else "",
        "status": survival_word(row.get("event")),
    }
    return render(request, "patient.html.j2", content)


@router.get("/slides/{slide}")
def slide_page(request: Request, slide: str) -> HTMLResponse:
    """One slide, in depth."""
    shown = request.app.state.shown
    content = slide_content(shown, slide)
    patient = str(content["slide"]["patient"])
    way = [("/", "Cohort"), (f"/patients/{patient}", f"Patient {patient}")]
    own = {"base": "", "title": f"Slide {slide}", "way": way, "notice": "", "risks": []}
    return render(request, "slide.html.j2", {**content, **own})


def slide_content(shown: Any, slide: str) -> dict[str, Any]:
    """What the page of a slide says of it, in whichever results it is.

    Parameters
    ----------
    shown
        Has the `index` and the `pictures` of the results.
    slide
        Its id.

    Raises
    ------
    HTTPException
        If there is none.
    """
    index = shown.index
    if slide not in index.slides.index:
        raise HTTPException(404)
    facts = index.facts(slide)
    row = index.slides.loc[slide]
    file = index.file(slide)
    sharp = file is not None and file.path.exists()
    return {
        "slide": row,
        "siblings": index.slides_of(str(row["patient"])),
        "viewable": shown.pictures.pyramid(slide) is not None,
        "pictured": index.thumbnail(slide) is not None,
        "sharp": sharp,
        "knows_files": index.knows_files(),
        "areas": area_rows(index, slide=slide),
        "scores": scores_of(index, slide),
        "facts": [
            (label, written(facts[name])) for name, label in _PROPERTIES.items() if name in facts
        ]
        + ([("colours", str(shown.pictures.tiles.colours.managed(file)))] if sharp else []),
        "properties": sorted(facts.get("properties", {}).items()),
    }


@router.get("/findings/{name}")
def findings(request: Request, name: str) -> HTMLResponse:
    """Figures and tables of one topic."""
    shown = request.app.state.shown
    if name not in shown.topics:
        raise HTTPException(404)
    title = next(topic.title for topic in TOPICS if topic.name == name)
    return render(request, "findings.html.j2", {"title": title, "found": shown.topics[name]})


@router.get("/tables/{name:path}")
def table_page(
    request: Request,
    name: str,
    *,
    q: str = "",
    sort: str = "",
    down: bool = False,
    page: int = 1,
) -> HTMLResponse:
    """One table of the run."""
    shown = request.app.state.shown
    table, words = drawable(shown.index, name)
    if table is None:
        return render(
            request, "message.html.j2", {"heading": "Too large for a page", "advice": words}
        )
    found = page_of(
        table, search=q, sort=sort, descending=down, number=page, size=shown.settings.page_rows
    )
    topic = next((one for one in TOPICS if name in _tables_of(shown, one.name)), None)
    content = {"name": name, "page": found, "index": shown.index, "topic": topic}
    return render(request, "table.html.j2", content)


def drawable(index: Index, name: str) -> tuple[pd.DataFrame | None, str]:
    """A table that is small enough to be shown, or words that say why it is not.

    Raises
    ------
    HTTPException
        If there is no such table.
    """
    shape = index.shape(name)
    if shape is None:
        raise HTTPException(404)
    rows, columns = shape
    if rows * columns <= LARGEST_CELLS:
        return index.table(name), ""
    return None, (
        f"The table has {rows:,} rows and {columns:,} columns; open {name}.parquet or its twin "
        f"{name}.tsv, in the results folder, with a program."
    )


def _tables_of(shown: Any, topic: str) -> list[str]:
    """Tables of a topic; none if the run left nothing of it."""
    found = shown.topics.get(topic)
    return [] if found is None else list(found.tables)
