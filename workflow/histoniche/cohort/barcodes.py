"""Barcodes of TCGA: patient, sample, and slide."""

import re
from typing import Literal, NamedTuple

TCGA_TYPES = {
    "01": "Primary Tumor",
    "02": "Recurrent Tumor",
    "03": "Primary Blood Derived Cancer - Peripheral Blood",
    "04": "Recurrent Blood Derived Cancer - Bone Marrow",
    "05": "Additional - New Primary",
    "06": "Metastatic",
    "07": "Additional Metastatic",
    "09": "Primary Blood Derived Cancer - Bone Marrow",
    "10": "Blood Derived Normal",
    "11": "Solid Tissue Normal",
    "12": "Buccal Cell Normal",
    "14": "Bone Marrow Normal",
    "20": "Control Analyte",
    "40": "Recurrent Blood Derived Cancer - Peripheral Blood",
    "50": "Cell Lines",
    "60": "Primary Xenograft Tissue",
    "61": "Cell Line Derived Xenograft Tissue",
}
"""Sample types by their code in a TCGA barcode, as the GDC names them (GDC, TCGA code tables)."""

Section = Literal["FFPE", "frozen"]

_SECTIONS: dict[str, Section] = {"DX": "FFPE", "TS": "frozen", "MS": "frozen", "BS": "frozen"}
_SLIDE = re.compile(
    r"(?P<patient>TCGA-[A-Z0-9]{2}-[A-Z0-9]{4})-(?P<code>\d\d)(?P<vial>[A-Z]?)"
    r"-(?P<portion>\d\d)-(?P<cut>DX|TS|MS|BS)(?P<number>\d{1,2}|[A-Z])?",
    re.IGNORECASE,
)


class SlideBarcode(NamedTuple):
    """What the barcode of a slide says, TCGA-02-0001-01Z-00-DX1."""

    barcode: str
    patient: str
    """The first three fields."""
    sample_type: str
    """As the GDC names it; the code itself where it is not known."""
    vial: str
    portion: str
    cut: str
    """DX diagnostic; TS, MS and BS top, middle and bottom of the portion that was sequenced."""
    number: str
    """Which of several of this cut: 1, 2, or a letter; empty if it is not said."""
    section_type: Section
    """FFPE of a diagnostic slide, frozen of the others."""


def read_slide_barcode(name: str) -> SlideBarcode | None:
    """Read the barcode that the name of a slide's file begins with, up to its first dot.

    Returns
    -------
    None if the name begins with no slide's barcode.

    References
    ----------
    GDC documentation, Encyclopedia, TCGA Barcode.
    """
    barcode = name.partition(".")[0].upper()
    found = _SLIDE.fullmatch(barcode)
    if found is None:
        return None
    cut = found["cut"]
    return SlideBarcode(
        barcode=barcode,
        patient=found["patient"],
        sample_type=TCGA_TYPES.get(found["code"], found["code"]),
        vial=found["vial"],
        portion=found["portion"],
        cut=cut,
        number=found["number"] or "",
        section_type=_SECTIONS[cut],
    )


def patient_of(barcode: str) -> str | None:
    """The first three fields of any TCGA barcode; None if it is none."""
    found = re.match(r"TCGA-[A-Z0-9]{2}-[A-Z0-9]{4}(?![A-Z0-9])", barcode.upper())
    return found[0] if found else None
