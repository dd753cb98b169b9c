"""Which of a project's slides are used, by what their barcodes say."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Literal, NamedTuple

from histoniche.cohort.barcodes import SlideBarcode, read_slide_barcode
from histoniche.cohort.sources.decisions import Decision

Number = Literal["all", "first"]

RULE = (
    "A slide is what its file's barcode says: DX is FFPE, TS, MS and BS are frozen. Of several "
    "files of one barcode the one that was made last is kept, of equals the lowest id. With "
    "`first`, each patient keeps one slide of each way of preparation: of DX the lowest number "
    "(DX1, DX2, then DXA), of frozen ones top, middle, bottom."
)
"""The rule in words, as it is written beside the decisions."""

_CUTS = ("DX", "TS", "MS", "BS")


class Slide(NamedTuple):
    """A slide that the GDC lists."""

    barcode: SlideBarcode
    hit: Mapping[str, Any]


def choose_slides(
    hits: Iterable[Mapping[str, Any]],
    *,
    patients: Collection[str],
    sample_types: Collection[str],
    section_types: Collection[str],
    per_patient: Number = "all",
    withdrawn: Collection[str] = (),
) -> tuple[list[Slide], list[Decision]]:
    """Choose slides among a project's files; see `RULE`.

    Parameters
    ----------
    hits
        Files as the GDC lists them.
    patients
        Those of the cohort.
    sample_types
        Kept types, as the GDC names them; all if empty.
    section_types
        FFPE, frozen, or both.
    per_patient
        Whether a patient keeps all slides or the first.
    withdrawn
        Barcodes of samples, portions or slides that the GDC withdrew.

    Returns
    -------
    The slides sorted by barcode, and a decision on every file.
    """
    slides: list[Slide] = []
    decisions: list[Decision] = []
    for hit in sorted(hits, key=_newest_first):
        barcode = read_slide_barcode(str(hit["file_name"]))
        name = barcode.barcode if barcode else str(hit["file_name"])
        step, reason = _judge(
            barcode,
            patients=patients,
            sample_types=sample_types,
            section_types=section_types,
            taken={slide.barcode.barcode for slide in slides},
            withdrawn=withdrawn,
        )
        owner = barcode.patient if barcode else ""
        decisions.append(Decision("slide", name, owner, not reason, step, reason))
        if barcode and not reason:
            slides.append(Slide(barcode, hit))
    slides.sort(key=lambda slide: _order(slide.barcode))
    if per_patient == "first":
        slides, others = _first(slides)
        names = {other.barcode.barcode for other in others}
        reason = "not the patient's first slide"
        decisions = [
            one._replace(kept=False, step="one slide a patient", reason=reason)
            if one.kept and one.name in names
            else one
            for one in decisions
        ]
    return sorted(slides, key=lambda slide: slide.barcode.barcode), sorted(decisions)


def _newest_first(hit: Mapping[str, Any]) -> tuple[str, list[int], str]:
    """Order of files: by name's barcode, the one made last first, then by id."""
    made = str(hit.get("created_datetime") or "")
    # Dates in ISO form, turned around.
    return str(hit["file_name"]).partition(".")[0], [-ord(sign) for sign in made], hit["file_id"]


def _judge(
    barcode: SlideBarcode | None,
    *,
    patients: Collection[str],
    sample_types: Collection[str],
    section_types: Collection[str],
    taken: Collection[str],
    withdrawn: Collection[str],
) -> tuple[str, str]:
    """The step at which a file is decided on, and why it is left out; empty if it is kept."""
    if barcode is None:
        return "barcode", "its name is no slide's barcode"
    fields = barcode.barcode.split("-")
    above = {"-".join(fields[:number]) for number in range(3, len(fields) + 1)}
    reasons = {
        ("patient", "its patient is not in the cohort"): barcode.patient not in patients,
        ("withdrawn", "withdrawn by the GDC (Redaction)"): bool(above & set(withdrawn)),
        ("sample type", f"sample type: {barcode.sample_type}"): bool(sample_types)
        and barcode.sample_type not in sample_types,
        ("section", f"section: {barcode.section_type}"): barcode.section_type not in section_types,
        ("duplicate", "another file of the same slide was made later"): barcode.barcode in taken,
    }
    return next((why for why, holds in reasons.items() if holds), ("chosen", ""))


def _order(barcode: SlideBarcode) -> tuple[int, bool, int, str, str]:
    """Place of a slide among those of a patient."""
    number, digits = barcode.number, barcode.number.isdigit()
    place = int(number) if digits else ord(number) if number else 0
    return _CUTS.index(barcode.cut), not digits, place, barcode.portion, barcode.barcode


def _first(slides: Iterable[Slide]) -> tuple[list[Slide], list[Slide]]:
    """The first slide of each patient and preparation, and the others."""
    kept: dict[tuple[str, str], Slide] = {}
    others = []
    for slide in slides:
        key = slide.barcode.patient, slide.barcode.section_type
        if kept.setdefault(key, slide) is not slide:
            others.append(slide)
    return list(kept.values()), others
