"""Pictures of slides: contours with artefacts."""

from pathlib import Path

import numpy as np
from scipy import ndimage

from histoniche.pictures import write_picture
from histoniche.slides.artefact_kinds import COLOURS, KINDS

CONTOUR = (27, 120, 55)


def draw_contour(
    overview: np.ndarray, tissue: np.ndarray, artefacts: np.ndarray, out: Path
) -> None:
    """Draw a slide with the contour of its tissue and its artefacts in colour.

    Parameters
    ----------
    overview, tissue, artefacts
        Of one size: uint8 (height, width, 3), boolean, and numbers of kinds.
    """
    picture = overview.astype(np.float32)
    for number, kind in enumerate(KINDS, start=1):
        place = artefacts == number
        picture[place] = 0.45 * picture[place] + 0.55 * np.array(COLOURS[kind])
    width = max(1, round(max(tissue.shape) / 300))
    edge = tissue & ~ndimage.binary_erosion(tissue, iterations=width, border_value=0)
    picture[edge] = CONTOUR
    write_picture(picture.astype(np.uint8), out)
